"""Clusters of metals and alloys: pieces of a crystal, closed shells, Wulff shapes, random heaps."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import permutations
from typing import NamedTuple

import numpy as np
from ase import Atoms

from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import Clusters
from limbeck.config.sections.sources.clusters import OF_EVERY_SIZE
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.structures.building.alloys import closed_cores, counts_of, first_of, mixed
from limbeck.structures.building.cluster_shapes import (
    CLOSED,
    WITH_SHELLS,
    compact,
    heap,
    nearest_distance,
)
from limbeck.structures.chemistry import chemistry
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import (
    Structure,
    collect,
    number_generator,
    random_strain,
    refuse_repeat,
)


class Choice(NamedTuple):
    """One kind of cluster.

    Attributes:
        element: the first metal, whose crystal it is built as.
        atoms: of a closed shape; None where a random piece or heap is meant.
        others: the other metals of an alloy.
        alloy: how they share it; empty of one metal.
        core: atoms of the core of a closed shape; 0 where the first metal has a share.
    """

    size: int
    element: str
    shape: str
    atoms: Atoms | None
    others: tuple[str, ...] = ()
    alloy: str = ""
    core: int = 0

    @property
    def metals(self) -> tuple[str, ...]:
        """All of them, the first one first."""
        return (self.element, *self.others)

    @property
    def is_one(self) -> bool:
        """Whether nothing in it is random, but for strain."""
        return self.atoms is not None and (not self.alloy or self.core > 0)


def generate(source: Clusters, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is choice ``n % len(choices)``, choices going by size, metals, shape, alloy; of
    more choices than structures those evenly over all, the largest among them."""
    return collect(job, partial(_cluster, source, job, possible_clusters(source)))


def elements(source: Clusters) -> frozenset[str]:
    """Symbols of the elements that clusters are made of.

    Raises:
        LimbeckError: as :func:`possible_clusters`.
    """
    return frozenset(metal for choice in possible_clusters(source) for metal in choice.metals)


def groups(source: Clusters) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each cluster; unstrained ones with closed shells are there once."""
    found = possible_clusters(source)
    for n in range(source.count):
        choice = found[_place(source, found, n)]
        if n < len(found) or source.strain or not choice.is_one:
            symbols = np.repeat(choice.metals, _counts(source, choice, n // len(found)))
            yield chemistry(Atoms(symbols.tolist())), frozenset(choice.metals)


def possible_clusters(source: Clusters) -> list[Choice]:
    """Every cluster that the settings allow.

    Raises:
        LimbeckError: an element has no fcc, hcp or bcc crystal, no shape has such a size, or no
            shape has a core of such a share.
    """
    found = [choice for metal in source.elements for choice in _of_one_metal(source, metal)]
    if not found:
        smallest, largest = source.sizes or (0, 0)
        shapes = " or ".join(source.shapes)
        raise LimbeckError(f"sizes: no {shapes} has {smallest} to {largest} atoms")
    found = sorted(found, key=lambda choice: choice[:3])
    if not source.alloys:
        return found
    mixed_ones = [
        choice
        for one in found
        for metals in permutations(source.elements, source.n_metals)
        if metals[0] == one.element and one.size >= source.n_metals
        for alloy in sorted(source.alloys)
        for choice in _alloys(source, one._replace(others=metals[1:], alloy=alloy))
    ]
    if not mixed_ones:
        raise LimbeckError(
            f"first_share: no cluster has {source.n_metals} metals, the first with a share of "
            f"{source.first_share[0]:g} to {source.first_share[1]:g}"
        )
    return mixed_ones


def _of_one_metal(source: Clusters, metal: str) -> Iterator[Choice]:
    # ase.cluster builds from an fcc lattice parameter: sqrt(2) nearest-neighbour distances
    a = nearest_distance(metal) * 2**0.5
    for shape in _in_order(source.shapes):
        if source.sizes is None:
            least, most = source.shells or [1, 1]
            closed = (WITH_SHELLS[shape](metal, a, k) for k in range(least, most + 1))
            yield from (Choice(len(atoms), metal, shape, atoms) for atoms in closed)
            continue
        smallest, largest = source.sizes
        if shape in OF_EVERY_SIZE:
            yield from (Choice(n, metal, shape, None) for n in range(smallest, largest + 1))
        else:
            closed = (atoms for atoms in CLOSED[shape](metal, a, largest))
            yield from (Choice(len(c), metal, shape, c) for c in closed if len(c) >= smallest)


def _in_order(shapes: Sequence[str]) -> list[str]:
    """Whatever the order in the config, so that it moves no structure."""
    return sorted(shapes, key=lambda shape: (shape != "compact", shape))


def _alloys(source: Clusters, choice: Choice) -> Iterator[Choice]:
    """One of each closed core; else itself, with another composition each time."""
    if choice.atoms is None or choice.alloy != "core_shell":
        yield choice
        return
    cores = closed_cores(choice.atoms.positions, len(choice.metals), source.first_share)
    yield from (choice._replace(core=core) for core in cores)


def _counts(source: Clusters, choice: Choice, turn: int) -> tuple[int, ...]:
    """Atoms of each metal of a choice when its turn comes, from 0."""
    if not choice.alloy:
        return (choice.size,)
    metals = len(choice.metals)
    first = choice.core or first_of(choice.size, metals, source.first_share, turn)
    return counts_of(choice.size, metals, first)


def _place(source: Clusters, found: list[Choice], n: int) -> int:
    """Which choice structure n is."""
    if source.count >= len(found):
        return n % len(found)
    return round(n * (len(found) - 1) / max(source.count - 1, 1))


def _cluster(source: Clusters, job: GenerateStructures, found: list[Choice], n: int) -> Structure:
    choice = found[_place(source, found, n)]
    if choice.is_one and source.strain == 0:
        refuse_repeat(n, len(found))
    rng = number_generator(job, n)
    positions = _sites(choice, rng)
    counts = _counts(source, choice, n // len(found))
    symbols = [choice.element] * choice.size
    info = {"shape": choice.shape}
    if choice.alloy:
        positions = positions * _vegard(choice.metals, counts)
        symbols = mixed(positions, choice.metals, counts, choice.alloy, rng)
        info["alloy"] = choice.alloy
    atoms = Atoms(symbols, positions=positions @ random_strain(rng, source.strain))
    parts = "".join(f"{m}{k}" for m, k in zip(choice.metals, counts, strict=True))
    return Structure(atoms, chemistry(atoms), {"number": n, "name": f"cluster-{parts}", **info})


def _sites(choice: Choice, rng: np.random.Generator) -> np.ndarray:
    """Positions of a cluster of the first metal alone, about their centre; [n,3], Angstrom."""
    if choice.shape == "compact":
        return compact(choice.element, choice.size, rng)
    if choice.atoms is None:
        return heap(choice.element, choice.size, rng)
    return np.asarray(choice.atoms.positions - choice.atoms.positions.mean(axis=0))


def _vegard(metals: Sequence[str], counts: Sequence[int]) -> float:
    """Mean nearest distance of the metals (Vegard's rule), over that of the first."""
    distances = [nearest_distance(metal) for metal in metals]
    return float(np.average(distances, weights=counts)) / distances[0]
