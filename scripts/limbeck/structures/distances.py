"""How near two atoms can be: by what kinds of elements they are, and whether they are bonded.

The limits lie between what exists and what never does. The shortest distances that exist are those
of multiple bonds, of metals under a terapascal, and of frames at 1000 K; ``benchmarks/screen.py``
holds the limits against them (docs/limits.md has its table).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from ase.data import atomic_numbers, chemical_symbols, covalent_radii, vdw_alvarez
from ase.data import vdw_radii as _bondi
from vesin import NeighborList

from limbeck.geometry import check_extent
from limbeck.molecules.bonds import HYDROGEN
from limbeck.molecules.detection import NONMETALS, NotMolecular, detect_molecules, images

#: Angstrom; nearer are no two atoms, whatever they are. H2 (0.74) has 1.3 eV more there.
NEAREST_A = 0.52
#: In sums of covalent radii (Cordero 2008, in ``ase.data``). V2 has 0.58, sodium at 320 GPa (hP4)
#: 0.57, and alkali metals at a terapascal come to 0.5.
METALS = 0.5
#: a metal and a nonmetal: uranyl has 0.67
METAL_AND_NONMETAL = 0.6
#: two nonmetals: CF, SO and PO bonds have 0.83 and more, C-H 1.0; at 0.7, C-H has +4 eV
NONMETAL = 0.7
#: two of C, N and O, with their triple bonds: N2 has 0.77, and +5 eV at 0.63
MULTIPLE = 0.63
MULTIPLY_BONDED = frozenset({6, 7, 8})
#: N and O, two O, which have none: NO has 0.84, O2 0.92
WITHOUT_TRIPLE = {(7, 8): NONMETAL, (8, 8): 0.75}
#: The same, of an atom that has three or four nonmetals around it, up to :data:`AROUND` sums: no
#: triple bond, or none but single ones. C=O has 0.85, diamond at a terapascal 0.83; ethane +4 eV
#: at 0.75.
OF_THREE, OF_FOUR = 0.68, 0.75
AROUND = 1.25
#: Noble gases among themselves, in sums of van der Waals radii: helium at a terapascal has 0.44.
NOBLE = 0.42
NOBLE_GASES = frozenset(atomic_numbers[e] for e in ("He", "Ne", "Ar", "Kr", "Xe", "Rn"))
#: Contacts of hydrogen come as near as this part of what is asked of others: H...H of hydrogen-rich
#: crystals under pressure.
OF_HYDROGEN = 0.75
#: X-H...Y with both of these are hydrogen bonds, up to symmetric ones: no contacts
HYDROGEN_BONDED = frozenset(atomic_numbers[e] for e in ("N", "O", "F", "S", "Cl", "Se", "Br", "I"))
#: Where nearest neighbours are sought, in sums of radii, one after another: in a cell that is far
#: too small, a search costs as the third power of its range. Bohr read as Angstrom have 1.9.
REACHES = (0.2, 0.4, 0.8, 1.6, 3.2)
#: In sums of van der Waals radii; an atom farther from all others stands alone.
ALONE = 1.5

_NONMETAL = np.isin(np.array(chemical_symbols), sorted(NONMETALS))
_NOBLE = np.isin(np.arange(len(chemical_symbols)), sorted(NOBLE_GASES))


@cache
def van_der_waals_radii() -> np.ndarray:
    """Angstrom, by atomic number: Bondi's where there are, else Alvarez's (2013).

    Where there is neither, the covalent radius and 0.9, by which they differ for most.
    """
    found = np.asarray(covalent_radii[: len(chemical_symbols)]) + 0.9
    for table in (vdw_alvarez.vdw_radii, _bondi):
        known = np.isfinite(table)
        found[: len(table)][known] = table[known]
    return found


@cache
def nearest_distances() -> np.ndarray:
    """Smallest distance of two atoms, Angstrom, by their atomic numbers. float64 [Z,Z]."""
    either, both = _NONMETAL[:, None] | _NONMETAL, _NONMETAL[:, None] & _NONMETAL
    ratio = np.where(both, NONMETAL, np.where(either, METAL_AND_NONMETAL, METALS))
    multiple = np.isin(np.arange(len(ratio)), sorted(MULTIPLY_BONDED))
    ratio[multiple[:, None] & multiple] = MULTIPLE
    for (one, other), own in WITHOUT_TRIPLE.items():
        ratio[one, other] = ratio[other, one] = own
    limits = ratio * _sums(covalent_radii)
    noble = _NOBLE[:, None] & _NOBLE
    limits[noble] = NOBLE * _sums(van_der_waals_radii())[noble]
    return np.maximum(limits, NEAREST_A)


def _sums(radii: np.ndarray) -> np.ndarray:
    return np.asarray(radii[:, None] + radii)


@dataclass(frozen=True)
class Near:
    """A pair of atoms that is too near: what it is in, and what is allowed.

    Attributes:
        value, limit: distance over the sum of covalent or van der Waals radii, no unit.
    """

    value: float
    limit: float


@dataclass(frozen=True)
class Pair:
    """Two atoms, by their places; of an atom and its image, the same twice.

    Attributes:
        distance, limit: Angstrom.
    """

    first: int
    second: int
    distance: float
    limit: float


def pair_below(
    numbers: np.ndarray,
    positions: np.ndarray,
    cell: np.ndarray,
    periodic: bool,
    limits: np.ndarray,
) -> Pair | None:
    """The pair of atoms that is farthest below its limit, images of a cell included.

    Args:
        numbers, positions, cell: [n], [n,3] and [3,3], Angstrom.
        limits: Angstrom [Z,Z], by atomic numbers.

    Raises:
        RuntimeError: a position or the cell is not finite, or too large.
    """
    first, second, _, distance = _pairs(numbers, positions, cell, periodic, limits)
    limit = limits[numbers[first], numbers[second]]
    if not (distance < limit).any():
        return None
    worst = int((distance / limit).argmin())
    return Pair(int(first[worst]), int(second[worst]), float(distance[worst]), float(limit[worst]))


def too_near(
    numbers: np.ndarray,
    positions: np.ndarray,
    cell: np.ndarray,
    periodic: bool,
    ratio: float | None = None,
) -> Near | None:
    """The pair of atoms that is farthest below its limit, images of a cell included.

    Args:
        numbers, positions, cell: [n], [n,3] and [3,3], Angstrom.
        ratio: the limit of all pairs, in sums of covalent radii; by their kinds where not given.
            None is nearer than :data:`NEAREST_A` in either case.

    Returns:
        It, in sums of covalent radii; None where there is none.

    Raises:
        RuntimeError: a position or the cell is not finite, or too large.
    """
    limits, reach = nearest_distances(), nearest_distances()
    if ratio is not None:
        limits = reach = np.maximum(ratio * _sums(covalent_radii), NEAREST_A)
    elif np.isin(numbers, sorted(MULTIPLY_BONDED)).any():
        reach = np.maximum(limits, AROUND * _sums(covalent_radii))
    first, second, _, distance = _pairs(numbers, positions, cell, periodic, reach)
    limit = limits[numbers[first], numbers[second]]
    if ratio is None:
        limit = np.maximum(limit, _least_by_neighbours(numbers, first, second, distance))
    if not (distance < limit).any():
        return None
    worst = int((distance / limit).argmin())
    radii = covalent_radii[numbers[first[worst]]] + covalent_radii[numbers[second[worst]]]
    return Near(float(distance[worst] / radii), float(limit[worst] / radii))


def _least_by_neighbours(
    numbers: np.ndarray, first: np.ndarray, second: np.ndarray, distance: np.ndarray
) -> np.ndarray:
    """What each pair of C, N and O asks for by the number of their neighbours; Angstrom, or 0."""
    radii = covalent_radii[numbers]
    sums = radii[first] + radii[second]
    bonded = (distance < AROUND * sums) & _NONMETAL[numbers[first]] & _NONMETAL[numbers[second]]
    around = np.bincount(np.concatenate([first[bonded], second[bonded]]), minlength=len(numbers))
    of_atom = np.where(around >= 4, OF_FOUR, np.where(around == 3, OF_THREE, 0.0))
    multiple = np.isin(numbers, sorted(MULTIPLY_BONDED))
    both = multiple[first] & multiple[second]
    return np.where(both, np.maximum(of_atom[first], of_atom[second]) * sums, 0.0)


def contact_too_near(
    numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray, periodic: bool, ratio: float
) -> Near | None:
    """The shortest contact of two molecules, where it is too short.

    Molecules are what bonds hold together (:func:`limbeck.molecules.detection.detect_molecules`),
    of two atoms or more and not of hydrogen alone; of networks and metals there is none to be told.

    Args:
        numbers, positions, cell: [n], [n,3] and [3,3], Angstrom.
        ratio: in sums of van der Waals radii; for hydrogen, :data:`OF_HYDROGEN` times as much.

    Returns:
        It, in sums of van der Waals radii; None where there is none.
    """
    from ase import Atoms

    if ratio == 0 or len(numbers) < 4:  # no two molecules
        return None
    try:
        found = detect_molecules(Atoms(numbers, positions, cell=cell, pbc=periodic))
    except NotMolecular:
        return None
    graph = found.graph
    of_hydrogen = np.isin(np.arange(len(chemical_symbols)), [HYDROGEN])
    part = np.where(of_hydrogen[:, None] | of_hydrogen, OF_HYDROGEN * ratio, ratio)
    limits = part * _sums(van_der_waals_radii())
    first, second, shift, distance = _pairs(numbers, positions, cell, periodic, limits)
    whole = images(graph, graph.bonds.shift)
    apart = (graph.molecule[first] != graph.molecule[second]) | (
        shift != whole[second] - whole[first]
    ).any(axis=1)
    counts = apart & ~_bound_by_hydrogen(numbers[first], numbers[second])
    counts &= (_molecular(graph.molecule, numbers)[np.stack([first, second])]).all(axis=0)
    limit = limits[numbers[first], numbers[second]]
    counts &= distance < limit
    if not counts.any():
        return None
    worst = int(np.where(counts, distance / limit, np.inf).argmin())
    kinds = numbers[first[worst]], numbers[second[worst]]
    return Near(float(distance[worst] / _sums(van_der_waals_radii())[kinds]), float(part[kinds]))


def _bound_by_hydrogen(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Which pairs may be hydrogen bonds. bool."""
    takes = sorted(HYDROGEN_BONDED)
    return ((first == HYDROGEN) & np.isin(second, takes)) | (
        (second == HYDROGEN) & np.isin(first, takes)
    )


def _molecular(molecule: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Which atoms are part of a molecule of several, of more than hydrogen. bool [n]."""
    members = np.bincount(molecule)
    heavy = np.bincount(molecule, weights=numbers != HYDROGEN)
    return ((members > 1) & (heavy > 0))[molecule]


def all_alone(numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray, periodic: bool) -> bool:
    """Whether each atom stands alone: farther from others than :data:`ALONE` says."""
    limits = ALONE * _sums(van_der_waals_radii())
    first, second, _, distance = _pairs(numbers, positions, cell, periodic, limits)
    return not (distance < limits[numbers[first], numbers[second]]).any()


def median_ratio(
    numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray, periodic: bool
) -> float:
    """Median over atoms of the nearest neighbour's distance, in sums of radii.

    Covalent radii, of noble gases van der Waals radii: so it is about 1 in whatever is condensed.

    Returns:
        Infinity where half of the atoms have no neighbour up to the last of :data:`REACHES`.
    """
    radii = np.where(_NOBLE, van_der_waals_radii(), covalent_radii)
    for reach in REACHES:
        first, second, _, distance = _pairs(
            numbers, positions, cell, periodic, reach * _sums(radii)
        )
        nearest = np.full(len(numbers), np.inf)
        ratio = distance / (radii[numbers[first]] + radii[numbers[second]])
        for ends in (first, second):
            np.minimum.at(nearest, ends, ratio)
        median = float(np.median(nearest)) if len(numbers) else np.inf
        if median < reach:
            break
    return median if median < reach else np.inf


def _pairs(
    numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray, periodic: bool, limits: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each pair up to the largest limit among these elements, once: first, second, shift, distance.

    Args:
        limits: Angstrom [Z,Z], by atomic numbers.
    """
    check_extent(positions, cell)
    there = np.unique(numbers)
    # a hair more than needed: vesin leaves out pairs at exactly the cut-off; and at least 1 A,
    # since it cuts space into boxes of that size, and empty boxes cost time
    cutoff = max(float(limits[np.ix_(there, there)].max(initial=0.0)), 1.0) * 1.001
    first, second, shift, distance = NeighborList(cutoff=cutoff, full_list=False).compute(
        points=positions, box=cell, periodic=periodic, quantities="ijSd"
    )
    return first.astype(np.int64), second.astype(np.int64), shift.astype(np.int64), distance
