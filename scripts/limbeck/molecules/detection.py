"""Molecules of a structure: connected components of its bonds, each unwrapped as a whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_masses, chemical_symbols
from ase.formula import Formula
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from limbeck.errors import LimbeckError
from limbeck.molecules.bonds import BOND_FACTOR, Bonds, find_bonds

if TYPE_CHECKING:
    from ase import Atoms

#: what is no metal, semimetals (B, Si, Ge, As, Sb, Te) among them
NONMETALS = frozenset("H He B C N O F Ne Si P S Cl Ar Ge As Se Br Kr Sb Te I Xe At Rn".split())
#: what a component that reaches its own images is, by the directions in which it does
ENDLESS = {1: "polymer", 2: "layer", 3: "framework"}
#: atoms that an error lists
_SHOWN = 8


class NotMolecular(LimbeckError):
    """A structure that is not made of molecules: a polymer, a framework, a metal."""


@dataclass(frozen=True)
class Molecule:
    """One molecule of a structure.

    Attributes:
        indices: int64 [k], its atoms, ascending.
        positions: float64 [k,3], Angstrom, of the whole molecule.
    """

    indices: np.ndarray
    positions: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True)
class BondGraph:
    """Assignment of atoms to molecules, and a path of bonds from the first atom to each other.

    Attributes:
        numbers: int [n].
        bonds: what it was made from.
        molecule: int64 [n], molecule of each atom; molecules stand in the order of first atoms.
        parent, bond, sign: int64 [n], for each atom the bonded atom before it, the row of their
            bond, and 1 or -1 for the bond's direction; 0 for first atoms, their own parents.
    """

    numbers: np.ndarray
    bonds: Bonds
    molecule: np.ndarray
    parent: np.ndarray
    bond: np.ndarray
    sign: np.ndarray

    def __len__(self) -> int:
        return int(self.molecule.max(initial=-1)) + 1

    @cached_property
    def members(self) -> list[np.ndarray]:
        """Atoms of each molecule, ascending."""
        order = np.argsort(self.molecule, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.molecule))[:-1]) if len(order) else []

    @cached_property
    def masses(self) -> np.ndarray:
        """float64 [n], dalton."""
        return atomic_masses[self.numbers]

    @cached_property
    def formulas(self) -> list[str]:
        """Hill formula of each molecule."""
        return [hill(self.numbers[atoms]) for atoms in self.members]


@dataclass(frozen=True)
class Molecules:
    """The molecules of one structure; ``len`` is their number, ``[k]`` one of them.

    Attributes:
        graph: which atoms belong to which.
        positions: float64 [n,3], Angstrom, of all atoms: each molecule whole, its first atom where
            it was given.
    """

    graph: BondGraph
    positions: np.ndarray

    def __len__(self) -> int:
        return len(self.graph)

    def __getitem__(self, k: int) -> Molecule:
        indices = self.graph.members[k]
        return Molecule(indices, self.positions[indices])

    def __iter__(self) -> Iterator[Molecule]:
        return (self[k] for k in range(len(self)))


def detect_molecules(atoms: "Atoms", *, factor: float = BOND_FACTOR) -> Molecules:
    """The molecules of a structure that is isolated or periodic in three directions.

    Two atoms are bonded where they are nearer than ``factor`` sums of their covalent radii; a
    hydrogen atom has one bond (see :func:`~limbeck.molecules.bonds.find_bonds`). Time grows
    linearly with the number of atoms.

    Raises:
        NotMolecular: bonds lead from an atom to its own image: a polymer, a layer, a framework, a
            metal. The error names which, and of what.
    """
    cell, periodic = np.asarray(atoms.cell), bool(np.all(atoms.pbc))
    bonds = find_bonds(atoms.numbers, atoms.positions, cell, periodic, factor=factor)
    graph = molecular_graph(atoms.numbers, bonds)
    return Molecules(graph, whole(graph, atoms.positions, bonds.shift, cell))


def molecular_graph(numbers: np.ndarray, bonds: Bonds) -> BondGraph:
    """Molecules as the components of the graph of bonds.

    Raises:
        NotMolecular: as :func:`detect_molecules`.
    """
    n = len(numbers)
    edges = coo_array((np.ones(len(bonds)), (bonds.first, bonds.second)), shape=(n, n))
    _, label = connected_components(edges, directed=False)
    # components in the order of their first atoms
    # scipy numbers components as it finds them; numbered by first atoms they do not depend on it.
    _, first, molecule = np.unique(label, return_index=True, return_inverse=True)
    molecule = np.argsort(np.argsort(first))[molecule]
    graph = BondGraph(
        np.asarray(numbers, dtype=np.int64), bonds, molecule, *_ways(n, np.sort(first), bonds)
    )
    _check_ends(graph)
    return graph


def _ways(n: int, first: np.ndarray, bonds: Bonds) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``parent``, ``bond`` and ``sign`` of a :class:`Graph`, by a breadth-first search."""
    parent = np.arange(n)
    bond, sign = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    if not len(bonds):
        return parent, bond, sign
    # one search for all: an atom n from which a bond leads to the first atom of each molecule
    start = np.concatenate([bonds.first, np.full(len(first), n)])
    end = np.concatenate([bonds.second, first])
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(n + 1, n + 1)).tocsr()
    _, before = breadth_first_order(graph, n, directed=False)
    parent = np.where(before[:n] == n, parent, before[:n]).astype(np.int64)
    child = np.flatnonzero(parent != np.arange(n))
    low, high = np.minimum(child, parent[child]), np.maximum(child, parent[child])
    bond[child] = np.searchsorted(bonds.first * n + bonds.second, low * n + high)
    sign[child] = np.where(parent[child] < child, 1, -1)
    return parent, bond, sign


def images(graph: BondGraph, shift: np.ndarray) -> np.ndarray:
    """Lattice vectors that unwrap every molecule around its first atom. int64 [...,n,3].

    Args:
        shift: int64 [...,m,3], of the graph's bonds, in one structure or in many.
    """
    # First the shift from each atom to the one before it; then the way to the first atom, by
    # pointer doubling.
    total = (
        shift[..., graph.bond, :] * graph.sign[:, None]
        if len(graph.bonds)
        else (np.zeros((*shift.shape[:-2], len(graph.parent), 3), dtype=np.int64))
    )
    before = graph.parent
    # each round doubles the way that is summed up: for n atoms in a row, log2(n) rounds
    while not np.array_equal(before, before[before]):
        total = total + total[..., before, :]
        before = before[before]
    return total


def whole(
    graph: BondGraph, positions: np.ndarray, shift: np.ndarray, cell: np.ndarray
) -> np.ndarray:
    """Positions with every molecule unwrapped. float64 [...,n,3], Angstrom.

    Args:
        positions: [...,n,3], Angstrom.
        shift: [...,m,3], of the graph's bonds in each structure.
        cell: [...,3,3], Angstrom.
    """
    return positions + images(graph, shift) @ cell


def _check_ends(graph: BondGraph) -> None:
    """Refuse a component with a bond that leads to an image of the component itself.

    Raises:
        NotMolecular: there is one.
    """
    bonds = graph.bonds
    image = images(graph, bonds.shift)
    # With both ends unwrapped a bond within a molecule has no shift left. A shift that remains is
    # a lattice vector that leads from the molecule to its own image.
    gap = bonds.shift + image[bonds.first] - image[bonds.second]
    open_bonds = np.flatnonzero(gap.any(axis=1))
    if not len(open_bonds):
        return
    molecule = graph.molecule[bonds.first[open_bonds]]
    bad = molecule[0]
    # number of independent lattice vectors: 1 for a chain, 2 for a layer, 3 for a framework
    directions = np.linalg.matrix_rank(gap[open_bonds[molecule == bad]])
    atoms = graph.members[bad]
    kind, formula = ENDLESS[int(directions)], hill(graph.numbers[atoms])
    if not NONMETALS & {chemical_symbols[z] for z in graph.numbers[atoms]}:
        kind = "metal"
    listed = ", ".join(map(str, atoms[:_SHOWN])) + (", ..." if len(atoms) > _SHOWN else "")
    raise NotMolecular(
        f"{kind}: bonds of {formula} (atoms {listed}) lead to their own images in "
        f"{directions} direction(s), expected molecules that end"
    )


def hill(numbers: np.ndarray) -> str:
    """Formula in Hill's order."""
    return Formula.from_list([chemical_symbols[z] for z in numbers]).format("hill")
