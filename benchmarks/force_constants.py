"""What the forces of displaced supercells cost in batches, against one supercell after another.

A supercell of 128 atoms (urea, eight cells) with 24 displacements. Same model, same precision; each
pair of calls in turn, several rounds; prints the median ratio and its range. Run it alone on the
machine: ``python benchmarks/force_constants.py MODEL --threads 2`` where MODEL is the folder or
the ``.model`` file of a MACE that knows H, C, N and O.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
from ase.io import read  # noqa: E402
from batches_against_ase import loop  # noqa: E402
from turns import header, ratios, row, seconds  # noqa: E402

from limbeck.frames import Frames  # noqa: E402
from limbeck.phonons.crystals import frames_of, phonopy_of, point_group  # noqa: E402
from limbeck.phonons.fitting import displace, fit_all  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from limbeck.preparation.supercells import supercell_matrix  # noqa: E402

DISPLACEMENTS = 24
RADIUS_A = 10.0
ATOMS = 128


def one_by_one(potential: Any, frames: Frames) -> None:
    """The same potential, asked about one supercell after another."""
    for b in range(len(frames)):
        potential.predict(frames.select([b]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="folder or .model file of a MACE")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    import torch

    torch.set_num_threads(args.threads)
    potential = open_potential({"name": "mace", "model": "mace", "path": args.model, "trust": True})
    (urea,) = read(ROOT / "resources" / "crystals" / "urea.cif", index=":")
    phonon = phonopy_of(urea, supercell_matrix(urea.cell[:], RADIUS_A, point_group(urea)))
    displace(phonon, "random", 0.01, DISPLACEMENTS, 1)
    frames = frames_of(phonon.supercells_with_displacements or [])
    assert np.all(frames.n_atoms == np.full(DISPLACEMENTS, ATOMS))

    def batched() -> None:
        potential.predict(frames)

    header()
    alone = ratios(lambda: one_by_one(potential, frames), batched, args.rounds)
    row("one at a time / batched, Limbeck's own potential", alone, "1.3")
    row("ASE loop / batched", ratios(lambda: loop(potential, frames), batched, args.rounds), "1.3")
    share = [seconds(batched) / seconds(lambda: fit_all([phonon], potential)) for _ in range(3)]
    row("forces / forces and force constants", share)
    print(
        f"\n{args.threads} threads, batched: {seconds(batched):.2f} s, {potential.limits()[True]}"
    )


if __name__ == "__main__":
    main()
