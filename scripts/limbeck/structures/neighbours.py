"""Neighbours of one structure, found once for all that screening asks of them.

Two questions are only half answered here: whether atoms or molecules are too near each other. Most
structures can be let pass by a glance at the pairs; :mod:`limbeck.structures.distances` judges the
others.
"""

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

import numpy as np
from ase.data import atomic_numbers, chemical_symbols, covalent_radii
from vesin import NeighborList

from limbeck.molecules.bonds import BOND_FACTOR, HYDROGEN
from limbeck.structures.distances import (
    ALONE,
    AROUND,
    HYDROGEN_BONDED,
    MULTIPLY_BONDED,
    NEAREST_A,
    NOBLE_GASES,
    OF_FOUR,
    OF_HYDROGEN,
    nearest_distances,
    van_der_waals_radii,
)

#: Beyond so many sums of covalent radii there is no bond left, however hot it is: C-H of 1.7 A. The
#: shortest hydrogen bonds of neutral molecules have 1.7.
BROKEN = 1.6
#: Up to here an atom counts as bonded where its bonds are counted: C-H of 1.23 A. The pairs of
#: transition states and of bridges are longer, as are symmetric hydrogen bonds.
BONDED = 1.15
#: Bonds that a neutral atom has at most, to other nonmetals: of boron, silicon and metals an atom
#: may have more (carboranes, stishovite, carbides, clusters).
MOST_BONDS = {"H": 1, "C": 4, "N": 4, "O": 3, "F": 1}
COUNTED = ("H", "C", "N", "O", "F", "P", "S", "Cl", "Se", "Br", "I")
#: Up to this size all pairs are measured faster than a search finds the near ones.
SMALL = 60


@dataclass(frozen=True)
class Neighbours:
    """Pairs of atoms up to a cut-off, images of a cell included, each once.

    Attributes:
        numbers: int [n], atomic numbers.
        first, second: int [m], atoms of each pair; of an atom and its image, the same twice.
        distance: float64 [m], Angstrom.
    """

    numbers: np.ndarray
    first: np.ndarray
    second: np.ndarray
    distance: np.ndarray

    @classmethod
    def of(
        cls,
        numbers: np.ndarray,
        positions: np.ndarray,
        cell: np.ndarray,
        periodic: bool,
        cutoff: float,
    ) -> "Neighbours":
        """Those of a sound structure (:func:`limbeck.structures.screening.unsound`).

        Args:
            numbers, positions, cell: [n], [n,3] and [3,3], Angstrom.
        """
        if not periodic and len(numbers) <= SMALL:
            first, second = _all_pairs(len(numbers))
            apart = positions[first] - positions[second]
            distance = np.sqrt(np.einsum("ij,ij->i", apart, apart))
            near = distance < cutoff
            return cls(numbers, first[near], second[near], distance[near])
        first, second, distance = NeighborList(cutoff=cutoff, full_list=False).compute(
            points=positions, box=cell, periodic=periodic, quantities="ijd"
        )
        return cls(numbers, first.astype(np.int64), second.astype(np.int64), distance)

    @cached_property
    def kinds(self) -> tuple[np.ndarray, np.ndarray]:
        """Atomic numbers of both atoms of each pair."""
        return self.numbers[self.first], self.numbers[self.second]

    @cached_property
    def ratio(self) -> np.ndarray:
        """Distances in sums of covalent radii."""
        radii = covalent_radii[self.numbers]
        return np.asarray(self.distance / (radii[self.first] + radii[self.second]))

    def count(self, pairs: np.ndarray) -> np.ndarray:
        """How many of these pairs each atom is in. int64 [n]."""
        ends = np.concatenate([self.first[pairs], self.second[pairs]])
        return np.bincount(ends, minlength=len(self.numbers))


@lru_cache(maxsize=256)
def _all_pairs(n: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.triu_indices(n, 1)
    return first, second


@lru_cache(maxsize=10_000)
def cutoff(elements: frozenset[int], periodic: bool, ratio: float | None, contact: float) -> float:
    """How far neighbours have to be sought, Angstrom.

    Args:
        elements: atomic numbers.
        ratio, contact: limits of :func:`limbeck.structures.distances.too_near` and
            :func:`~limbeck.structures.distances.contact_too_near`.
    """
    there = np.ix_(sorted(elements), sorted(elements))
    bonds = (AROUND if periodic else BROKEN) * _sums("covalent")[there]
    limits = (bonds, shortest(ratio)[there], contact * _sums("van der Waals")[there])
    # a hair more than needed, and at least 1 A, as vesin wants it
    return max(1.0, *(float(each.max(initial=0.0)) for each in limits)) * 1.001


@cache
def _sums(kind: str) -> np.ndarray:
    """Sums of two radii, Angstrom [Z,Z]."""
    radii = van_der_waals_radii() if kind == "van der Waals" else covalent_radii
    radii = np.asarray(radii[: len(chemical_symbols)])
    return np.asarray(radii[:, None] + radii)


@lru_cache(maxsize=64)
def shortest(ratio: float | None) -> np.ndarray:
    """Distances at and beyond which no pair is too near, whatever is around it. Angstrom [Z,Z]."""
    if ratio is not None:
        return np.maximum(ratio * _sums("covalent"), NEAREST_A)
    multiple = np.isin(np.arange(len(chemical_symbols)), sorted(MULTIPLY_BONDED))
    of_four = np.where(multiple[:, None] & multiple, OF_FOUR * _sums("covalent"), 0.0)
    return np.maximum(nearest_distances(), of_four)


def all_apart(near: Neighbours, ratio: float | None) -> bool:
    """Whether no pair can be too near; where not, ``distances.too_near`` says which is."""
    return not (near.distance < shortest(ratio)[near.kinds]).any()


@lru_cache(maxsize=64)
def _contacts(ratio: float) -> np.ndarray:
    """Smallest distances of atoms of two molecules, Angstrom [Z,Z]; 0 of hydrogen bonds."""
    kinds = np.arange(len(chemical_symbols))
    hydrogen, takes = kinds == HYDROGEN, np.isin(kinds, sorted(HYDROGEN_BONDED))
    part = np.where(hydrogen[:, None] | hydrogen, OF_HYDROGEN * ratio, ratio)
    bridge = (hydrogen[:, None] & takes) | (takes[:, None] & hydrogen)
    return np.where(bridge, 0.0, part * _sums("van der Waals"))


def no_contacts(near: Neighbours, ratio: float) -> bool:
    """Whether no molecules can be too near; where not, ``distances.contact_too_near`` says.

    A pair within its limit is a bond in almost every structure, and then of one molecule.
    """
    if ratio == 0 or len(near.numbers) < 4:
        return True
    within = near.distance < _contacts(ratio)[near.kinds]
    if not within.any():
        return True
    bonded = near.ratio < BOND_FACTOR
    if (within & ~bonded).any():
        return False
    # of several bonds of a hydrogen atom one alone is its own
    return not ((near.numbers == HYDROGEN) & (near.count(bonded) > 1)).any()


@cache
def _most_bonds() -> np.ndarray:
    """By atomic number; int [Z]."""
    most = np.full(len(chemical_symbols), 10**6)
    for symbol, bonds in MOST_BONDS.items():
        most[atomic_numbers[symbol]] = bonds
    return most


@cache
def _counted() -> np.ndarray:
    return np.isin(np.array(chemical_symbols), COUNTED)


def crowded(near: Neighbours, charge: int) -> tuple[str, int] | None:
    """An atom of H, C, N, O or F with more bonds than it can have, and how many are allowed.

    In a cation each but hydrogen may have one more (CH5+). Hydrogen between two of N, O and F is
    a hydrogen bond, however short.

    Returns:
        The atom, its place and number of bonds, as text.
    """
    first, second = near.kinds
    bonds = (near.ratio < BONDED) & _counted()[first] & _counted()[second]
    count = near.count(bonds)
    most = _most_bonds()[near.numbers]
    if charge > 0:
        most = most + (near.numbers != HYDROGEN)
    too_many = count > most
    if not too_many.any():
        return None
    light = (HYDROGEN, atomic_numbers["C"])
    own = near.count(bonds & np.isin(first, light) & np.isin(second, light))
    too_many &= (near.numbers != HYDROGEN) | (own > 0)
    if not too_many.any():
        return None
    worst = int((count - most * 1.0 - 10**6 * ~too_many).argmax())
    symbol = chemical_symbols[near.numbers[worst]]
    return f"{symbol} (atom {worst}): {count[worst]}", int(most[worst])


def fragments(near: Neighbours) -> int:
    """Number of pieces that nothing holds together."""
    bonds = near.ratio < BROKEN
    root = list(range(len(near.numbers)))
    pieces = len(root)
    for one, other in zip(near.first[bonds].tolist(), near.second[bonds].tolist(), strict=True):
        while root[one] != one:
            one = root[one]
        while root[other] != other:
            other = root[other]
        if one != other:
            root[max(one, other)] = min(one, other)
            pieces -= 1
            if pieces == 1:
                break
    return pieces


def stands_alone(near: Neighbours, positions: np.ndarray) -> tuple[float, float] | None:
    """Whether an atom of an isolated structure of three or more is out of reach of all others.

    It is where it is farther from each than :data:`ALONE` sums of van der Waals radii. Noble gases
    hold on to nothing, and may stand where they do.

    Returns:
        Distance to its nearest neighbour, and what is allowed there, Angstrom.
    """
    if len(near.numbers) < 3:
        return None
    lonely = np.ones(len(near.numbers), dtype=bool)
    lonely[near.first] = lonely[near.second] = False
    for atom in np.flatnonzero(lonely).tolist():
        if near.numbers[atom] in NOBLE_GASES:
            continue
        limits = ALONE * _sums("van der Waals")[near.numbers[atom], near.numbers]
        distance = np.linalg.norm(positions - positions[atom], axis=1)
        distance[atom] = np.inf
        nearest = int((distance / limits).argmin())
        if distance[nearest] > limits[nearest]:
            return float(distance[nearest]), float(limits[nearest])
    return None
