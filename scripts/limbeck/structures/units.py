"""Whether the lengths of a source are in Angstrom.

No structure tells: what is ten times too small may be a single bad one. Of a source, half of all
structures do: their nearest neighbours are about a bond apart.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from ase import units

from limbeck.errors import LimbeckError
from limbeck.geometry import MIN_CELL_HEIGHT_A, cell_height
from limbeck.structures.distances import median_ratio

if TYPE_CHECKING:
    from ase import Atoms

#: Angstrom
LENGTHS = {"Angstrom": 1.0, "nm": 10.0, "Bohr": units.Bohr}
#: Median distance of nearest neighbours in sums of radii, of nearly all structures (all crystals of
#: MP-20, molecules, elements): ``benchmarks/screen.py``.
ORDINARY = (0.7, 1.4)


def typical_ratio(structures: "Sequence[Atoms]") -> float:
    """Median over structures of :func:`~limbeck.structures.distances.median_ratio`.

    Those without neighbours say nothing, nor do isolated pairs, which are pulled apart on purpose.
    NaN where nothing is left.
    """
    told = [a for a in structures if len(a) >= (1 if a.pbc.all() else 3) and _has_volume(a)]
    found = np.array(
        [median_ratio(a.numbers, a.positions, a.cell.array, bool(a.pbc.all())) for a in told]
    )
    found = found[np.isfinite(found)]
    return float(np.median(found)) if len(found) else np.nan


def _has_volume(atoms: "Atoms") -> bool:
    """Whether neighbours can be sought: a cell that is flat has as many as one likes."""
    height = cell_height(atoms.cell.array)
    return not atoms.pbc.all() or height > MIN_CELL_HEIGHT_A / LENGTHS["nm"] / 2


def check_unit(structures: "Sequence[Atoms]", source: str, path: str) -> None:
    """Raise LimbeckError where the structures of a source look like nm or Bohr.

    Args:
        structures: of the source, sound ones, lengths taken for Angstrom.
    """
    ratio = typical_ratio(structures)
    low, high = ORDINARY
    if np.isnan(ratio) or low <= ratio <= high:
        return
    for unit, length in LENGTHS.items():
        if low <= ratio * length <= high:
            raise LimbeckError(
                f"{path}: looks like {unit} read as Angstrom: nearest neighbours of the source "
                f"{source} are {ratio:.2g} sums of covalent radii apart (median of "
                f"{len(structures)} structures), expected {low} to {high}; write `length_unit: "
                f"{unit}` into the source, or `length_unit: Angstrom` where it is right as it is"
            )
