"""Bonds from distances: two atoms are bonded within a multiple of the sum of covalent radii."""

from dataclasses import dataclass

import numpy as np
from ase.data import covalent_radii
from vesin import NeighborList

from limbeck.geometry import check_extent

#: A bond is at most so many sums of the covalent radii long (Cordero et al., Dalton Trans. 2008,
#: 2832, in ``ase.data``): wide enough for a hot O-H (1.21 A), narrower than the shortest contacts
#: of neighbouring molecules (I...I in iodine: 1.26 sums).
BOND_FACTOR = 1.25
HYDROGEN = 1


@dataclass(frozen=True)
class Bonds:
    """m bonds of one structure, each once, in ascending order of first, second and shift.

    Attributes:
        first, second: int64 [m], atoms; first < second, or both the same where an atom is bonded
            to its own image.
        shift: int64 [m,3], lattice vectors to be added to the second atom: the bond is the vector
            ``positions[second] + shift @ cell - positions[first]``.
        ratio: float64 [m], length over the sum of covalent radii.
    """

    first: np.ndarray
    second: np.ndarray
    shift: np.ndarray
    ratio: np.ndarray

    def __len__(self) -> int:
        return len(self.first)


def find_bonds(
    numbers: np.ndarray,
    positions: np.ndarray,
    cell: np.ndarray,
    periodic: bool,
    *,
    factor: float = BOND_FACTOR,
) -> Bonds:
    """All bonds of one structure, with images of a periodic cell; time grows linearly with atoms.

    A hydrogen atom has one bond, to the atom that is nearest in units of the sum of radii, or to
    the first of equally near ones. So a hydrogen between two oxygen atoms never joins two
    molecules.

    Args:
        numbers, positions, cell: [n], [n,3] and [3,3], Angstrom; rows of the cell are vectors.
        periodic: in three directions, or isolated.
        factor: see :data:`BOND_FACTOR`.

    Raises:
        RuntimeError: a position or the cell is not finite, or too large.
    """
    check_extent(positions, cell)
    radii = covalent_radii[np.asarray(numbers, dtype=np.int64)]
    # vesin cuts space into boxes of the size of the cut-off: far smaller ones would cost time
    cutoff = max(2.0 * factor * float(radii.max(initial=0.0)), 1.0)
    first, second, shift, distance = NeighborList(cutoff=cutoff, full_list=False).compute(
        points=positions, box=cell, periodic=periodic, quantities="ijSd"
    )
    first, second, shift = first.astype(np.int64), second.astype(np.int64), shift.astype(np.int64)
    ratio = distance / (radii[first] + radii[second])
    near = ratio < factor
    bonds = _in_order(first[near], second[near], shift[near], ratio[near])
    return _one_bond_of_hydrogen(np.asarray(numbers), bonds)


def _in_order(first: np.ndarray, second: np.ndarray, shift: np.ndarray, ratio: np.ndarray) -> Bonds:
    """Bonds with the lower atom first, in one order whatever the neighbour list's was."""
    leading = shift[np.arange(len(shift)), (shift != 0).argmax(axis=1)]  # first that is not 0
    # A bond can be written from either end. One of the two is chosen, also for a bond between an
    # atom and its own image, so that frames can be compared bond by bond.
    turn = (first > second) | ((first == second) & (leading < 0))
    first, second = np.where(turn, second, first), np.where(turn, first, second)
    shift = np.where(turn[:, None], -shift, shift)
    order = np.lexsort([*shift.T[::-1], second, first])
    return Bonds(first[order], second[order], shift[order], ratio[order])


def _one_bond_of_hydrogen(numbers: np.ndarray, bonds: Bonds) -> Bonds:
    """Remove the bonds of a hydrogen atom other than its shortest."""
    ends = np.concatenate([bonds.first, bonds.second])
    rows = np.tile(np.arange(len(bonds)), 2)
    # equal but for rounding counts as equal: then the first is kept
    order = np.lexsort([rows, bonds.ratio[rows].round(9), ends])
    best = np.ones(len(ends), dtype=bool)
    # The first entry of each atom, after sorting by ratio, is its shortest bond.
    best[order[1:]] = ends[order[1:]] != ends[order[:-1]]
    best |= numbers[ends] != HYDROGEN
    # both ends have to keep the bond
    keep = best[: len(bonds)] & best[len(bonds) :]
    return Bonds(bonds.first[keep], bonds.second[keep], bonds.shift[keep], bonds.ratio[keep])
