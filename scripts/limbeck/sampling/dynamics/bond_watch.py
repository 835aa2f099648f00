"""Follow the bonds of molecules along trajectories, and notice when one breaks."""

from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers

from limbeck.frames import Frames
from limbeck.molecules.bonds import Bonds, find_bonds
from limbeck.molecules.detection import NONMETALS, NotMolecular, molecular_graph

NOBLE = frozenset({"He", "Ne", "Ar", "Kr", "Xe", "Rn"})
_NONMETALS = np.array(sorted(atomic_numbers[symbol] for symbol in NONMETALS))
_NOBLE = np.array(sorted(atomic_numbers[symbol] for symbol in NOBLE))


@dataclass(frozen=True)
class Watched:
    """m bonds of one structure, and their lengths where it started.

    Attributes:
        first, second: int64 [m], atoms; shift: int64 [m,3], see
            :class:`~limbeck.molecules.bonds.Bonds`.
        length: float64 [m], Angstrom.
    """

    first: np.ndarray
    second: np.ndarray
    shift: np.ndarray
    length: np.ndarray


class BondWatch:
    """The bonds of R structures. None are watched in metals, salts and frameworks."""

    def __init__(self, frames: Frames, max_stretch: float | None) -> None:
        """Note the bonds of ``frames``, or none if ``max_stretch`` is None.

        Args:
            max_stretch: multiple of a bond's first length at which it counts as broken.
        """
        self._max_stretch = max_stretch
        self._bonds = [
            None if max_stretch is None else _watched(frames, b) for b in range(len(frames))
        ]

    def broken(self, members: np.ndarray, frames: Frames) -> np.ndarray:
        """Whether a bond is longer than it may be, bool [B].

        Args:
            members: int [B], which of the structures they are.
            frames: the structures now, with atoms that were never wrapped into the cell.
        """
        offsets = frames.offsets
        return np.array(
            [
                # Bonds number the atoms of their own structure, so that the rows may run on past
                # its end.
                self._is_broken(self._bonds[r], frames.positions[start:], frames.cell[b])
                for b, (r, start) in enumerate(zip(members, offsets, strict=False))
            ],
            dtype=bool,
        )

    def _is_broken(self, bonds: Watched | None, positions: np.ndarray, cell: np.ndarray) -> bool:
        if bonds is None or self._max_stretch is None:
            return False
        return bool((_lengths(bonds, positions, cell) > self._max_stretch * bonds.length).any())


def _watched(frames: Frames, b: int) -> Watched | None:
    rows, periodic = frames.atoms_of(b), bool(frames.periodic[b])
    numbers, positions, cell = frames.numbers[rows], frames.positions[rows], frames.cell[b]
    bonds = _between_nonmetals(numbers, find_bonds(numbers, positions, cell, periodic))
    try:
        molecular_graph(numbers, bonds)
    # Bonds lead from an atom to its own image: a framework, in which none is watched.
    except NotMolecular:
        return None
    length = _lengths(bonds, positions, cell)
    return Watched(bonds.first, bonds.second, bonds.shift, length)


def _between_nonmetals(numbers: np.ndarray, bonds: Bonds) -> Bonds:
    """Without those that have a metal in them, and those between two noble gases."""
    first, second = numbers[bonds.first], numbers[bonds.second]
    keep = np.isin(first, _NONMETALS) & np.isin(second, _NONMETALS)
    # Two noble gas atoms near each other are a collision, not a bond.
    keep &= ~(np.isin(first, _NOBLE) & np.isin(second, _NOBLE))
    return Bonds(bonds.first[keep], bonds.second[keep], bonds.shift[keep], bonds.ratio[keep])


def _lengths(bonds: Bonds | Watched, positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    # The image that was bonded at the start, not the nearest one now: an atom that has left may
    # stand next to another image.
    vectors = positions[bonds.second] + bonds.shift @ cell - positions[bonds.first]
    return np.linalg.norm(vectors, axis=1)
