"""Clusters of metals: pieces of a crystal, and the closed shells of ``ase.cluster``."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.cluster import Decahedron, Icosahedron, Octahedron
from ase.data import atomic_numbers, reference_states

from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import Clusters
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.structures.chemistry import chemistry
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import (
    Structure,
    collect,
    number_generator,
    random_strain,
    refuse_repeat,
)

#: nearest-neighbour distance over the lattice parameter a (hcp: in the basal plane)
NEAREST = {"fcc": 2**-0.5, "bcc": 3**0.5 / 2, "hcp": 1.0}


class Choice(NamedTuple):
    """One kind of cluster; ``atoms`` is None where a random piece of the crystal is meant."""

    size: int
    element: str
    shape: str
    atoms: Atoms | None


def generate(source: Clusters, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is choice ``n % len(choices)``, choices going by size, element and shape."""
    found = possible_clusters(source.elements, source.sizes, source.shapes)
    return collect(job, partial(_cluster, source, job, found))


def elements(source: Clusters) -> frozenset[str]:
    """Symbols of the elements that clusters are made of.

    Raises:
        LimbeckError: as :func:`possible_clusters`.
    """
    found = possible_clusters(source.elements, source.sizes, source.shapes)
    return frozenset(choice.element for choice in found)


def groups(source: Clusters) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each cluster; unstrained ones with closed shells are there once."""
    found = possible_clusters(source.elements, source.sizes, source.shapes)
    for n in range(source.count):
        choice = found[n % len(found)]
        if n < len(found) or source.strain or choice.atoms is None:
            yield chemistry(Atoms([choice.element] * choice.size)), frozenset([choice.element])


def possible_clusters(
    elements: Sequence[str], sizes: Sequence[int], shapes: Sequence[str]
) -> list[Choice]:
    """Every cluster that the settings allow.

    Raises:
        LimbeckError: an element has no fcc, hcp or bcc crystal, or no shape has such a size.
    """
    smallest, largest = sizes
    found = []
    for element in elements:
        spacing = nearest_distance(element)
        if "compact" in shapes:
            found += [Choice(n, element, "compact", None) for n in range(smallest, largest + 1)]
        for shape in sorted(set(shapes) - {"compact"}):
            # ase.cluster builds from an fcc lattice parameter: sqrt(2) nearest-neighbour distances
            closed = SHELLS[shape](element, spacing * 2**0.5, largest)
            found += [Choice(len(a), element, shape, a) for a in closed if len(a) >= smallest]
    if not found:
        raise LimbeckError(f"sizes: no {' or '.join(shapes)} has {smallest} to {largest} atoms")
    return sorted(found, key=lambda choice: choice[:3])


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


#: shape -> clusters of at most so many atoms: f(element, fcc lattice parameter, largest)
SHELLS: dict[str, Callable[[str, float, int], Iterator[Atoms]]] = {
    "icosahedron": _icosahedra,
    "octahedron": _octahedra,
    "decahedron": _decahedra,
}


def _until(largest: int, family: Iterator[Atoms]) -> Iterator[Atoms]:
    for atoms in family:
        if len(atoms) > largest:
            return
        yield atoms


def _cluster(source: Clusters, job: GenerateStructures, found: list[Choice], n: int) -> Structure:
    choice = found[n % len(found)]
    rng = number_generator(job, n)
    if choice.atoms is None:
        positions = compact(choice.element, choice.size, rng)
    else:
        if source.strain == 0:
            refuse_repeat(n, len(found))
        positions = choice.atoms.positions - choice.atoms.positions.mean(axis=0)
    name = f"cluster-{choice.element}{choice.size}"
    atoms = Atoms(
        [choice.element] * choice.size,
        positions=positions @ random_strain(rng, source.strain),
    )
    return Structure(atoms, chemistry(atoms), {"number": n, "name": name, "shape": choice.shape})


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
