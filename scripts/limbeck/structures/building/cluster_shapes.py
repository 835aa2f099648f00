"""Shapes of clusters of one metal: pieces of its crystal, closed shells, and heaps without order.

Closed shapes are built as fcc, whatever the metal's own crystal, with its nearest distance.
"""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.cluster import Decahedron, Icosahedron, Octahedron
from ase.data import atomic_numbers, reference_states

from limbeck.errors import LimbeckError
from limbeck.structures.building.packing import Body, pack

#: nearest-neighbour distance over the lattice parameter a (hcp: in the basal plane)
NEAREST = {"fcc": 2**-0.5, "bcc": 3**0.5 / 2, "hcp": 1.0}
#: Surface energy of fcc (100) over that of (111), by broken bonds: 4 of an atom with an area of
#: a^2/2, against 3 with sqrt(3) a^2/4. First-principles energies of Cu, Ag and Au follow this rule
#: (Galanakis, Papanikolaou, Dederichs, Surf. Sci. 511, 1 (2002)). By it (110) only just touches.
WULFF_RATIO = 2 / 3**0.5
#: Places of the middle of a Wulff shape in units of the lattice parameter: an atom, and an
#: octahedral hole. The two lead to other sizes.
MIDDLES = ((0.0, 0.0, 0.0), (0.5, 0.5, 0.5))
#: Share of its volume that a heap of spheres fills: below 0.64, where random packings jam.
HEAP_FILLING = 0.42
#: of the nearest distance in the crystal, to which atoms of a heap are pushed apart
HEAP_DISTANCE = 0.95


def nearest_distance(element: str) -> float:
    """Distance of neighbours in the element's crystal, Angstrom (ASE's reference table)."""
    state: dict[str, Any] = reference_states[atomic_numbers[element]] or {}
    if state.get("symmetry") not in NEAREST:
        raise LimbeckError(
            f"elements: {element} is {state.get('symmetry')} in ASE's table, "
            f"expected one of {sorted(NEAREST)}"
        )
    return float(state["a"] * NEAREST[state["symmetry"]])


def _icosahedra(element: str, a: float, largest: int) -> Iterator[Atoms]:
    yield from _until(largest, (Icosahedron(element, shells, a) for shells in count(2)))


def _octahedra(element: str, a: float, largest: int) -> Iterator[Atoms]:
    """With each number of layers cut from the corners, from none to the cuboctahedron."""
    for cut in count(0):
        # With cut = (edge - 1) / 2 the square faces meet: the cuboctahedron. More cannot be cut.
        family = (Octahedron(element, edge, cut, a) for edge in count(max(2, 2 * cut + 1)))
        fitting = list(_until(largest, family))
        if not fitting:
            return
        yield from fitting


def _decahedra(element: str, a: float, largest: int) -> Iterator[Atoms]:
    """Without re-entrant edges."""
    for edge in count(2):
        family = (Decahedron(element, edge, height, 0, a) for height in count(1))
        fitting = list(_until(largest, family))
        if not fitting:
            return
        yield from fitting


def _wulff(element: str, a: float, largest: int) -> Iterator[Atoms]:
    """Pieces of fcc within the polyhedron whose (111) and (100) faces stand as far from the middle
    as they cost energy (:data:`WULFF_RATIO`)."""
    # four atoms in a cell of a^3, and a polyhedron of some 5 d^3 with its (111) faces at d
    reach = int(np.ceil((largest / 16) ** (1 / 3))) + 3
    grid = np.stack(np.meshgrid(*[np.arange(-2 * reach, 2 * reach + 1)] * 3, indexing="ij"), -1)
    points = grid.reshape(-1, 3)
    lattice = points[points.sum(axis=1) % 2 == 0] / 2  # fcc, in units of a
    for middle in MIDDLES:
        from_middle = np.abs(lattice - middle)
        distance = np.maximum(
            from_middle.sum(axis=1) / 3**0.5, from_middle.max(axis=1) / WULFF_RATIO
        )
        order = np.argsort(distance, kind="stable")
        # 1e-6 of a lattice parameter: rounding, and no two distances
        ends = np.flatnonzero(np.diff(distance[order]) > 1e-6) + 1
        for size in ends[(ends > 1) & (ends <= largest)].tolist():
            yield Atoms([element] * size, positions=lattice[order[:size]] * a)


def _until(largest: int, family: Iterator[Atoms]) -> Iterator[Atoms]:
    for atoms in family:
        if len(atoms) > largest:
            return
        yield atoms


#: shape -> clusters of at most so many atoms: f(element, fcc lattice parameter, largest)
CLOSED: dict[str, Callable[[str, float, int], Iterator[Atoms]]] = {
    "icosahedron": _icosahedra,
    "octahedron": _octahedra,
    "decahedron": _decahedra,
    "wulff": _wulff,
}
#: shape -> the cluster with so many shells around its middle: f(element, fcc lattice parameter, k)
WITH_SHELLS: dict[str, Callable[[str, float, int], Atoms]] = {
    "icosahedron": lambda element, a, shells: Icosahedron(element, shells + 1, a),
    "octahedron": lambda element, a, shells: Octahedron(element, 2 * shells + 1, shells, a),
    "decahedron": lambda element, a, shells: Decahedron(element, shells + 1, 1, 0, a),
}


def compact(element: str, size: int, rng: np.random.Generator) -> np.ndarray:
    """The ``size`` atoms of the element's crystal nearest to a random point.

    Returns:
        float64 [size,3], Angstrom, about their centre. Equal pieces have equal bits, so that
        their ids show them as duplicates.
    """
    cell = bulk(element)
    lattice = cell.cell.array
    centre = rng.random(3) @ lattice
    steps = _reach(cell, size)
    grid = np.stack(np.meshgrid(*[np.arange(-s, s + 1) for s in steps], indexing="ij"), -1)
    points = (grid.reshape(-1, 1, 3) @ lattice + cell.positions).reshape(-1, 3)
    nearest = np.argsort(np.linalg.norm(points - centre, axis=1), kind="stable")[:size]
    # Rounded and sorted, and -0 made 0: the same piece cut elsewhere in the crystal gets the same
    # id.
    positions = np.round(points[nearest] - points[nearest].mean(axis=0), 9) + 0.0
    return positions[np.lexsort(positions.T)]


def _reach(cell: Atoms, size: int) -> np.ndarray:
    """int [3]: cells along each vector that surely hold ``size`` atoms around a point of cell 0."""
    radius = (3 * size * cell.get_volume() / len(cell) / (4 * np.pi)) ** (1 / 3)
    heights = 1 / np.linalg.norm(np.linalg.inv(cell.cell.array), axis=0)
    # The ball of that volume, widened by the cell's diameter, contains at least `size` atoms.
    return np.ceil((radius + np.abs(cell.cell.array).sum()) / heights).astype(int) + 1


def heap(element: str, size: int, rng: np.random.Generator) -> np.ndarray:
    """A random packing of ``size`` atoms in a ball, at the density of a liquid.

    Returns:
        float64 [size,3], Angstrom, about their centre.

    Raises:
        Refused: they do not fit.
    """
    distance = HEAP_DISTANCE * nearest_distance(element)
    # The ball holds the centres, and the atoms stick out by half a distance.
    radius = distance / 2 * ((size / HEAP_FILLING) ** (1 / 3) - (size > 1))
    number = atomic_numbers[element]
    limits = np.full((number + 1, number + 1), distance)
    atom = Body(np.array([number]), np.zeros((1, 3)))
    positions = pack([atom] * size, limits, rng, radius=radius)
    return positions - positions.mean(axis=0)
