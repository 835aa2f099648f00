"""Space-group views of many crystals, against one SpacegroupAnalyzer of pymatgen for each view.

Crystals are read from a CSV file with a column ``cif``, as MP-20 has. In turn, several rounds:
``OMP_NUM_THREADS=1 python benchmarks/space_groups.py mp20_dev.csv.gz``
"""

import argparse
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from pymatgen.core import Structure  # noqa: E402
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer  # noqa: E402
from turns import header, row, seconds  # noqa: E402

from limbeck.frames import Frames, from_atoms  # noqa: E402
from limbeck.seeds import frame_generator  # noqa: E402
from limbeck.symmetry import space_group, symmetry_named  # noqa: E402
from limbeck.symmetry.space_group import GroupOperations  # noqa: E402

CRYSTALS, VIEWS = 500, 8
#: the analyzer takes minutes for all: it is timed on some of them
TIMED = 50


def analysed(structures: list[Structure]) -> None:
    """One search for each view, as code that looks at one structure at a time does it."""
    rng = np.random.default_rng(0)
    for structure in structures:
        for _ in range(VIEWS):
            operations = SpacegroupAnalyzer(structure, symprec=1e-4).get_symmetry_operations()
            operation = operations[rng.integers(len(operations))]
            view = structure.copy()
            view.apply_operation(operation, fractional=True)


def viewed(frames: Frames, *, whole: bool) -> int:
    """Views of all crystals: as the gap makes them, or 8 of each; how many were made."""
    symmetry = symmetry_named("space_group")
    space_group._found.cache_clear()  # a search for each crystal in every round
    count = 0
    for b in range(len(frames)):
        frame = frames.select([b])
        rng = frame_generator(frame.id[0], "benchmark")
        operations = symmetry.sample(frame, VIEWS, rng)
        count += len(symmetry.views(frame, operations if whole else some(operations, rng)))
    return count


def some(operations: GroupOperations, rng: np.random.Generator) -> GroupOperations:
    """8 of them: of a small group, ``sample`` gives all."""
    drawn = rng.integers(len(operations), size=VIEWS)
    arrays = {f.name: getattr(operations, f.name) for f in fields(operations)}
    return replace(
        operations, **{n: v[drawn] for n, v in arrays.items() if isinstance(v, np.ndarray)}
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("crystals", help="CSV file with a column cif")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    texts = pd.read_csv(args.crystals)["cif"][:CRYSTALS]
    structures = [Structure.from_str(text, fmt="cif") for text in texts]
    atoms = [s.to_ase_atoms() for s in structures]
    frames = from_atoms(atoms, groups=[""] * len(atoms), source="mp20")
    header()
    few = structures[:: len(structures) // TIMED]
    for whole, name in ((True, "each view of whole groups"), (False, f"{VIEWS} views of each")):
        found = []
        for _ in range(args.rounds):
            analyzer = seconds(lambda: analysed(few)) / (len(few) * VIEWS)  # a view
            start = time.perf_counter()
            count = viewed(frames, whole=whole)
            found.append(analyzer / ((time.perf_counter() - start) / count))
        row(f"{len(frames)} crystals, {name} ({count} views)", found, "100")


if __name__ == "__main__":
    main()
