"""Whether two structures of equal keys are the same one, atom by atom."""

from collections.abc import Iterator
from functools import cached_property
from itertools import combinations
from math import gcd
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from limbeck.molecules.bonds import HYDROGEN

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Atoms of one molecule that may stand for one of the other are found by their distances to all
#: others. Moving all atoms by d changes these by up to 2 d; twice that is allowed, since the limit
#: is a root mean square.
_ROOM = 4
#: How far atoms of a cell may be from what translations of a smaller one ask for, in limits.
#: pymatgen finds no smaller cell in some copies rattled by half a limit where it is 2.
_OF_TRANSLATIONS = 4


#: what displacements are larger than, and the digits of a file smaller
SAME_PLACE_A = 1e-4


class One:
    """A structure that is compared with others.

    Args:
        numbers, positions, cell: [n], [n,3] and [3,3], Angstrom; a cell of zeros where isolated.
    """

    def __init__(self, numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray) -> None:
        self.numbers, self.positions, self.cell = numbers, positions, cell
        self._reduced: dict[float, Structure] = {}

    @property
    def periodic(self) -> bool:
        """Whether it has a cell."""
        return bool(self.cell.any())

    @cached_property
    def length_A(self) -> float:
        """What strains are measured with: the edge of a cube that holds one atom; Angstrom."""
        return float((abs(np.linalg.det(self.cell)) / len(self.numbers)) ** (1 / 3))

    def reduced(self, tolerance_A: float) -> "Structure":
        """Its primitive cell, reduced; atoms may differ from translations by so much."""
        if tolerance_A not in self._reduced:
            from pymatgen.core import Lattice, Structure

            found = Structure(
                Lattice(self.cell), self.numbers.tolist(), self.positions, coords_are_cartesian=True
            )
            if self._has_translations(tolerance_A):  # pymatgen looks for them for long
                found = found.get_primitive_structure(tolerance=tolerance_A)
            self._reduced[tolerance_A] = found.get_reduced_structure("LLL")
        return self._reduced[tolerance_A]

    def forget(self) -> None:
        """What is worked out anew when it is asked for; pymatgen's structures are large."""
        self._reduced.clear()

    def _has_translations(self, tolerance_A: float) -> bool:
        """Whether a smaller cell may do, atoms being so far from where it has them at most."""
        elements, counts = np.unique(self.numbers, return_counts=True)
        if gcd(*counts.tolist()) == 1:
            return False
        scaled = np.linalg.solve(self.cell.T, self.positions.T).T
        rare = np.flatnonzero(self.numbers == elements[counts.argmin()])
        unlike = self.numbers[:, None] != self.numbers
        for shift in scaled[rare[1:]] - scaled[rare[0]]:
            apart = (scaled + shift)[:, None] - scaled
            distance = np.linalg.norm((apart - np.round(apart)) @ self.cell, axis=2)
            # the shift is between two atoms that may both be displaced
            if np.where(unlike, np.inf, distance).min(axis=1).max() <= 2 * tolerance_A:
                return True
        return False

    def displaced_from(self, other: "One") -> bool:
        """Whether both have the same atoms in the same order in the same cell, elsewhere."""
        return (
            np.array_equal(self.numbers, other.numbers)
            and np.array_equal(self.cell, other.cell)
            and bool(np.abs(self.positions - other.positions).max() > SAME_PLACE_A)
        )


def same(one: One, other: One, limit_A: float) -> bool:
    """Whether two structures have the same atoms when the one is laid upon the other.

    They are apart by at most ``limit_A``, root mean square over atoms, and cells differ by no
    strain that moves neighbours by more. Mirror images are laid upon each other, too.

    Args:
        one, other: of the same composition, see :func:`~.key.composition`.
        limit_A: Angstrom.
    """
    return (_same_crystals if one.periodic else _same_molecules)(one, other, limit_A)


def _same_crystals(one: One, other: One, limit_A: float) -> bool:
    from pymatgen.analysis.structure_matcher import StructureMatcher

    first, second = (each.reduced(_OF_TRANSLATIONS * limit_A) for each in (one, other))
    if len(first) != len(second):
        return False
    # The length as a strain: neighbours at the distance of ``length_A`` move by it.
    strain = limit_A / one.length_A
    matcher = StructureMatcher(
        ltol=strain,
        stol=strain,  # in units of the same length
        angle_tol=float(np.degrees(strain)),
        primitive_cell=False,
        scale=False,
    )
    return bool(matcher.fit(first, second, skip_structure_reduction=True))


def _same_molecules(one: One, other: One, limit_A: float) -> bool:
    """Heavy atoms are laid upon each other, and all atoms have to be there.

    Hydrogen counts as well: its atoms tell conformers of an alcohol from each other.
    """
    heavy = one.numbers != HYDROGEN
    parts = [part for part in (heavy, np.ones_like(heavy)) if part.any()]
    for image in (np.array([1.0, 1.0, 1.0]), np.array([1.0, 1.0, -1.0])):
        for order in _orders(one, other.positions * image, other.numbers, limit_A):
            apart = _laid_upon(one.positions, other.positions[order] * image)
            if all(np.sqrt((apart[part] ** 2).mean()) <= limit_A for part in parts):
                return True
    return False


def _laid_upon(fixed: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Distance of each atom from its partner after the best proper motion; [n,3] -> [n]."""
    fixed, moved = fixed - fixed.mean(axis=0), moved - moved.mean(axis=0)
    turn = _turn(fixed, moved)
    return np.asarray(np.linalg.norm(fixed - moved @ turn.T, axis=1))


def _turn(fixed: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """The rotation matrix that turns ``moved`` onto ``fixed``, both about the origin (Kabsch)."""
    u, _, v = np.linalg.svd(fixed.T @ moved)
    return np.asarray(u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ v))]) @ v)


def _orders(
    one: One, positions: np.ndarray, numbers: np.ndarray, limit_A: float
) -> Iterator[np.ndarray]:
    """Orders in which atoms of the other may stand for those of ``one``.

    Three atoms that span a plane fix where all others are: each three of the other that may be
    theirs are tried.
    """
    n_atoms = len(numbers)
    alike = _alike(one, positions, numbers, _ROOM * limit_A)
    anchors = _anchors(one.positions, alike.sum(axis=1))
    own = one.positions[anchors]
    between = cdist(positions, positions)
    for trial in _trials(own, anchors, alike, between, _ROOM * limit_A):
        centre, there = own.mean(axis=0), positions[trial].mean(axis=0)
        turn = _turn(own - centre, positions[trial] - there)
        away = cdist(one.positions - centre, (positions - there) @ turn.T)
        order = np.where(alike, away, np.inf).argmin(axis=1)
        if len(np.unique(order)) == n_atoms:
            yield order


def _alike(one: One, positions: np.ndarray, numbers: np.ndarray, room_A: float) -> np.ndarray:
    """Which atoms of the other are of the same element and have about the same distances. [n,n]"""
    first, second = (np.sort(cdist(p, p), axis=1) for p in (one.positions, positions))
    near = cdist(first, second, "chebyshev") <= room_A
    return np.asarray(near & (one.numbers[:, None] == numbers))


def _anchors(positions: np.ndarray, choices: np.ndarray) -> np.ndarray:
    """Up to three atoms that span a plane, or all that there is; of few choices, far apart."""
    order = np.lexsort([-np.linalg.norm(positions - positions.mean(axis=0), axis=1), choices])
    if len(order) < 3:
        return order
    first = positions[order[0]]
    best, area = order[:3], 0.0
    for second, third in combinations(order[1:8], 2):
        spanned = np.linalg.norm(np.cross(positions[second] - first, positions[third] - first))
        if spanned > 1.2 * area:  # a later one is only better where it spans clearly more
            best, area = np.array([order[0], second, third]), float(spanned)
    return best


def _trials(
    own: np.ndarray, anchors: np.ndarray, alike: np.ndarray, between: np.ndarray, room_A: float
) -> Iterator[list[int]]:
    """Atoms of the other that have the distances of the anchors among them."""
    distances = cdist(own, own)

    def extend(chosen: list[int]) -> Iterator[list[int]]:
        place = len(chosen)
        if place == len(anchors):
            yield chosen
            return
        fits = alike[anchors[place]].copy()
        for k, there in enumerate(chosen):
            fits &= np.abs(between[there] - distances[k, place]) <= room_A
            fits[there] = False
        for candidate in np.flatnonzero(fits).tolist():
            yield from extend([*chosen, candidate])

    yield from extend([])
