"""Smooth pair models, each made to break one symmetry, and frames on which all nine gaps show."""

from typing import NamedTuple

import numpy as np
import torch
from ase.build import bulk, molecule
from ase.spacegroup import crystal
from vesin import NeighborList

from limbeck.frames import concatenate, from_atoms
from limbeck.geometry import stress_to_voigt
from limbeck.potentials.interface import empty_predictions
from planted import Planted

CUTOFF = 4.0  # Angstrom
NINE = [
    "rotation",
    "reflection",
    "translation",
    "permutation",
    "supercell",
    "cell_choice",
    "space_group",
    "conservativity",
    "consistency",
]


class Scene(NamedTuple):
    """What an energy may be made of: torch tensors of one frame of n atoms and P directed pairs.

    ``vectors`` [P,3] lead from ``first`` [P] to its neighbours; ``terms`` [P] fall off smoothly to
    zero at the cut-off; ``sites`` [n] are half of their sums.
    """

    positions: torch.Tensor
    cell: torch.Tensor
    periodic: bool
    first: torch.Tensor
    vectors: torch.Tensor
    terms: torch.Tensor
    sites: torch.Tensor


class Breaker(Planted):
    """A conservative, consistent model in float64: gradients of an energy of a scene."""

    def __init__(self, energy=lambda scene: scene.sites.sum()):
        super().__init__()
        self.energy = energy

    def evaluate(self, batch):
        result = empty_predictions(batch)
        for b in range(len(batch)):
            energy, forces, stress = self.answer(batch, b)
            result.energy[b] = energy
            result.forces[batch.atoms_of(b)] = forces
            if batch.periodic[b]:
                result.stress[b] = stress_to_voigt(stress)
        return result

    def answer(self, batch, b):
        positions = torch.tensor(batch.positions[batch.atoms_of(b)], requires_grad=True)
        cell = torch.tensor(batch.cell[b])
        strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
        grown = torch.eye(3, dtype=torch.float64) + (strain + strain.T) / 2
        periodic = bool(batch.periodic[b])
        energy = self.energy(scene(positions @ grown, cell @ grown, periodic))
        slopes = torch.autograd.grad(energy, (positions, strain))
        volume = abs(np.linalg.det(batch.cell[b])) if periodic else 1.0
        return energy.item(), -slopes[0].numpy(), slopes[1].numpy() / volume


def scene(positions, cell, periodic):
    """Pairs of a frame; their vectors follow positions and cell."""
    search = NeighborList(cutoff=CUTOFF, full_list=True, n_threads=1)
    places = (positions.detach().numpy(), cell.detach().numpy())
    i, j, shifts = search.compute(*places, periodic, "ijS")
    i, j = (torch.tensor(index.astype(np.int64)) for index in (i, j))
    shifts = torch.tensor(shifts.astype(np.float64))
    vectors = positions[j] - positions[i] + shifts @ cell
    terms = 20 * (1 - (vectors**2).sum(dim=1) / CUTOFF**2) ** 4  # eV, some eV at a bond's length
    sites = torch.zeros(len(positions), dtype=torch.float64).index_add(0, i, terms / 2)
    return Scene(positions, cell, periodic, i, vectors, terms, sites)


#: a direction of the laboratory that no crystal here has as an axis
AXIS = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64) / 3


def along_an_axis(s):
    """Bonds along a direction of the laboratory count more."""
    along = (s.vectors @ AXIS) ** 2 / (s.vectors**2).sum(dim=1)
    return (s.terms * (1 + 0.1 * along)).sum() / 2


def chiral(s):
    """The signed volume that three differently weighted sums of neighbours span at each atom."""
    corners = []
    for power in (1, 2, 3):
        weighted = s.vectors * (s.terms[:, None] / 20) ** (power / 2)
        corners.append(torch.zeros_like(s.positions).index_add(0, s.first, weighted))
    return s.sites.sum() + torch.linalg.det(torch.stack(corners, dim=1)).sum()


def about_the_origin(s):
    """A spring to the origin, for isolated frames (a crystal has no place to be)."""
    return s.sites.sum() + (0 if s.periodic else 0.01 * (s.positions**2).sum())


def by_number(s):
    """Later atoms of isolated frames count more (in a supercell a number says where one is)."""
    numbers = torch.zeros(len(s.sites)) if s.periodic else torch.arange(len(s.sites))
    return ((1 + 0.01 * numbers) * s.sites).sum()


def by_size(s):
    """Energies per atom that depend on how many atoms there are."""
    return s.sites.sum() * (1 + 0.01 * len(s.sites))


def by_angles(s):
    """Reads the angles between the lattice vectors: repeating the cell leaves these."""
    if not s.periodic:
        return s.sites.sum()
    unit = s.cell / s.cell.norm(dim=1)[:, None]
    return s.sites.sum() * (1 + 0.01 * ((unit @ unit.T) ** 2).sum())


class NotConservative(Breaker):
    """Forces of an atom grow with its own coordination, which no energy's gradient does."""

    def answer(self, batch, b):
        energy, forces, stress = super().answer(batch, b)
        places = (batch.positions[batch.atoms_of(b)], batch.cell[b])
        seen = scene(*map(torch.tensor, places), bool(batch.periodic[b]))
        return energy, forces * (1 + 0.05 * seen.sites.numpy()[:, None]), stress


class Inconsistent(Breaker):
    """Forces 1 % too large (still a gradient, of another energy), and stress off by a constant."""

    STRESS = 0.01 * np.array([[1.0, 2, 0], [2, 0, 0], [0, 0, -1]])  # eV/Angstrom^3

    def answer(self, batch, b):
        energy, forces, stress = super().answer(batch, b)
        return energy, 1.01 * forces, stress + self.STRESS


def crystals_with_symmetry():
    """P2_1/c, with mirrors, and P3_121, without: atoms where forces are not zero by symmetry."""
    glide = crystal(
        ("Al", "Cu"),
        basis=[(0.1, 0.23, 0.34), (0.37, 0.06, 0.19)],
        spacegroup=14,
        cellpar=[4.6, 5.1, 5.6, 90, 101, 90],
    )
    screw = crystal(
        ("Al", "Cu"),
        basis=[(0.465, 0, 0), (0.41, 0.27, 0.11)],
        spacegroup=152,
        cellpar=[4.9, 4.9, 5.4, 90, 90, 120],
    )
    return from_atoms([glide, screw], groups=["glide", "screw"], source="symmetric")


def frames_of_all_kinds():
    """Rattled molecules and crystals, and crystals with a space group. H, C, N, O, Al, Cu."""
    structures = [molecule("CH3OH"), molecule("NH3"), bulk("Cu", cubic=True), bulk("Al").repeat(2)]
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.1, seed=seed)
    rattled = from_atoms(structures, groups=list("abcd"), source="rattled")
    return concatenate([rattled, crystals_with_symmetry()])
