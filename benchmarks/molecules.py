"""How fast molecules are found and clusters are cut, on urea.

Molecules of one structure, and clusters of 440 frames of 128 atoms by each rule, with all that is
stored with them; the best of a few rounds. Run it alone on the machine:
``OMP_NUM_THREADS=1 python benchmarks/molecules.py``
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
from ase import Atoms  # noqa: E402
from ase.build import make_supercell  # noqa: E402
from ase.io import read  # noqa: E402
from turns import seconds  # noqa: E402

from limbeck.config.jobs import ExtractSubsystems  # noqa: E402
from limbeck.frames import Frames, derive, from_atoms  # noqa: E402
from limbeck.molecules.detection import detect_molecules  # noqa: E402
from limbeck.molecules.subsystems import extract_subsystems  # noqa: E402

UREA = ROOT / "resources" / "crystals" / "urea.cif"
#: atoms of the supercell -> its repeats, and seconds that were asked for
SIZES = {16: (1, 1, 1, ""), 128: (2, 2, 2, ""), 432: (3, 3, 3, "0.1"), 10368: (9, 9, 8, "2")}
#: a supercell of 128 atoms whose shortest lattice vector is 11.1 A
DENSE = [[2, 0, 0], [0, 2, 0], [1, 1, 2]]
FRAMES = 440
JOB = {"seed": 1, "sampling": "md", "source": "urea", "shard": 0}
SECTION = {"name": "clusters", "of": ["md"]}
RULES = {
    "closest_to_center_of_mass": {"n_molecules": list(range(1, 9))},
    "closest_to_central_molecule": {"n_molecules": list(range(1, 9))},
    "max_min_distance_to_central_molecule": {"distances_A": [2.1, 2.3, 2.5]},
    "max_max_distance_to_central_molecule": {"distances_A": [6.0, 7.0, 8.0]},
}


def trajectory(urea: Atoms) -> Frames:
    """Displaced copies of a supercell, as a trajectory has them."""
    root = from_atoms([make_supercell(urea, DENSE)], groups=["urea"], source="urea")
    parents = root.select(np.zeros(FRAMES, dtype=int))
    moved = parents.positions + np.random.default_rng(0).normal(0, 0.03, parents.positions.shape)
    return derive(parents, moved, parents.cell, sampling="md", seed=0)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = range(parser.parse_args().rounds)
    urea = read(UREA)
    print("| atoms | molecules | s | asked for |\n|---|---|---|---|")
    for count, (*repeats, asked) in SIZES.items():
        atoms = urea.repeat(repeats)
        best = min(seconds(lambda a=atoms: detect_molecules(a)) for _ in rounds)
        print(f"| {count} | {len(detect_molecules(atoms))} | {best:.4f} | {asked} |", flush=True)
    frames = trajectory(urea)
    print(f"\n| rule, {FRAMES} frames | clusters | s |\n|---|---|---|")
    for rule, limits in RULES.items():
        own = SECTION | {"rule": rule, **limits}
        job = ExtractSubsystems.model_validate(JOB | {"subsystem": own})
        found = extract_subsystems(frames, job)
        best = min(seconds(lambda j=job: extract_subsystems(frames, j)) for _ in rounds)
        print(f"| {rule} | {len(found.frames)} | {best:.2f} |", flush=True)


if __name__ == "__main__":
    main()
