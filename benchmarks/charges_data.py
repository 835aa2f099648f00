"""A data set for ``benchmarks/charges_heads.py``: small molecules with displaced atoms at
Hartree-Fock.

Eight molecules to learn, whose structures go into training, validation and ``test_known``, and five
that are held out whole (``test_new``), as ASE has them, RHF/def2-SVP. Every atom is displaced by
0.06 Angstrom in each direction; all structures of a molecule keep one orientation. What was
labelled is kept beside the data set, so that a second call goes on from there.

    OMP_NUM_THREADS=1 python benchmarks/charges_data.py results/charges_heads/rhf
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "scripts")]

import torch  # noqa: E402
from ase.build import molecule  # noqa: E402

from limbeck import storage  # noqa: E402
from limbeck.averaging.views import Views  # noqa: E402
from limbeck.charges.surface import on_shells  # noqa: E402
from limbeck.config.sections.potentials import Pyscf  # noqa: E402
from limbeck.frames import Frames, concatenate, from_atoms  # noqa: E402
from limbeck.labelling.label import label  # noqa: E402
from limbeck.labelling.store import LabelStore  # noqa: E402
from limbeck.labels import concatenate_labels, select_labels  # noqa: E402
from limbeck.potentials import open_potential  # noqa: E402
from limbeck.reasons import Status  # noqa: E402
from limbeck.seeds import generator  # noqa: E402

KNOWN = ("H2O", "NH3", "CO2", "HCN", "H2CO", "CH3OH", "SO2", "CH3CN")
NEW = ("N2O", "C2H4", "CH3CHO", "CH3OCH3", "SH2")
DISPLACEMENT_A = 0.06
SHELLS = (1.4, 1.6, 1.8, 2.0)
#: structures of each molecule in each part
COUNTS = {"train": 48, "valid": 6, "test_known": 10}
COUNT_NEW = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="folder of the data set; its name is the labels'")
    parser.add_argument("--known", nargs="*", default=list(KNOWN))
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.output.mkdir(parents=True, exist_ok=True)
    potential = open_potential(Pyscf(name="rhf", model="pyscf", method="HF"))
    potential.ask_for(["dipole", "charges", "mbis_charges", "esp"])
    store = LabelStore(args.output / "store", potential, Views(), threads=1)
    for part, count in {**COUNTS, "test_new": COUNT_NEW}.items():
        found = []
        for name in NEW if part == "test_new" else args.known:
            frames = on_shells(displaced(name, part, count), SHELLS, 1.0)
            found.append((frames, label(potential, frames, Views(), store=store)))
        frames = concatenate([frames for frames, _ in found])
        labels = concatenate_labels([labels for _, labels in found])
        good = labels.status == Status.GOOD
        storage.write_frames(
            args.output / f"{part}.h5",
            frames.select(good),
            stage="benchmark",
            labels={args.output.name: select_labels(labels, good)},
        )
        print(part, good.sum(), "of", len(good), "structures", flush=True)


def displaced(name: str, part: str, count: int) -> Frames:
    """Structures of a molecule for one part of the data set."""
    rng, structures = generator(0, f"benchmark/{name}/{part}"), []
    for _ in range(count):
        atoms = molecule(name)
        atoms.positions += DISPLACEMENT_A * rng.standard_normal(atoms.positions.shape)
        structures.append(atoms)
    return from_atoms(structures, groups=[name] * count, source="benchmark")


if __name__ == "__main__":
    main()
