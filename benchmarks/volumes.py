"""How far off predicted volumes of crystals are, and how published lattice parameters compare.

Usage: PYTHONPATH=scripts python benchmarks/volumes.py MP20.csv[.gz]

The table has a column ``cif`` of crystals relaxed with PBE, as MP-20 has (Jain et al., APL
Materials 1, 011002 (2013); Xie et al., ICLR 2022). Each model gets shape and elements of a crystal
at ten times its volume, and tells the volume. Below, lattice parameters of the prototypes' table
beside those of crystals in the file of the same formula and space group.
"""

import sys
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from pymatgen.core import Composition, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from limbeck.structures.building.crystals.lattice_parameters import TABLE
from limbeck.structures.building.crystals.prototypes import conventional_cell
from limbeck.structures.building.crystals.volumes import volume_by_dls, volume_by_radii, volume_of

MODELS: dict[str, Callable[[Structure], float]] = {
    "DLS": volume_by_dls,
    "covalent radii": volume_by_radii,
    "DLS, else radii": volume_of,
}


def errors(model: Callable[[Structure], float], crystals: list[Structure]) -> np.ndarray:
    """Predicted over true volume, less 1; NaN where there is no prediction. float64 [B]."""
    found = np.full(len(crystals), np.nan)
    for b, crystal in enumerate(crystals):
        forgotten = crystal.copy()
        forgotten.scale_lattice(10 * crystal.volume)
        try:
            found[b] = model(forgotten) / crystal.volume - 1
        except ValueError:
            continue
    return found


def report_volumes(crystals: list[Structure]) -> None:
    """One line for each model."""
    print(f"{len(crystals)} crystals\nmodel            none  median |error|  90 %   median error")
    for name, model in MODELS.items():
        found = errors(model, crystals)
        known = found[np.isfinite(found)]
        low, high = np.quantile(np.abs(known), [0.5, 0.9])
        missing = len(found) - len(known)
        print(f"{name:16} {missing:4}  {low:14.1%} {high:6.1%}  {np.median(known):+.1%}")


def report_table(table: pd.DataFrame, crystals: list[Structure]) -> None:
    """Volume per atom of each compound of the prototypes' table over that in the file."""
    first = {entry.prototype: conventional_cell(entry) for entry in reversed(TABLE)}
    numbers = {n: SpacegroupAnalyzer(c).get_space_group_number() for n, c in first.items()}
    for entry in TABLE:
        same = (table["spacegroup.number"] == numbers[entry.prototype]) & (
            table["pretty_formula"] == Composition(entry.formula).reduced_formula
        )
        for place in np.flatnonzero(same):
            own = conventional_cell(entry)
            ratio = own.volume / len(own) / (crystals[place].volume / len(crystals[place]))
            print(f"{entry.prototype:20} {entry.formula:8} {ratio - 1:+.1%}")


def main() -> None:
    """Read the file and print both."""
    warnings.simplefilter("ignore")
    table = pd.read_csv(sys.argv[1])
    crystals = [Structure.from_str(text, fmt="cif") for text in table["cif"]]
    report_volumes(crystals)
    report_table(table, crystals)


if __name__ == "__main__":
    main()
