"""Models whose gap can be worked out by hand, and frames to measure them on."""

from dataclasses import replace

import numpy as np
import torch
from ase import Atoms
from ase.build import bulk, molecule
from ase.units import GPa

from limbeck.frames import concatenate, derive, from_atoms
from limbeck.geometry import stress_to_voigt, turn
from limbeck.labels import Labels
from limbeck.potentials.interface import About, Potential
from limbeck.properties import Predictions


class Planted(Potential):
    """Answers that break a symmetry by an amount that can be worked out by hand.

    Its batch is the frames themselves; subclasses say what it answers.
    """

    def __init__(self, scale=1.0, batch_atoms=500):
        self.scale = scale
        self.batch_atoms = batch_atoms
        self.device = torch.device("cpu")
        self.about = About(
            name="planted",
            model="planted",
            elements=frozenset(range(1, 30)),
            cutoff=5.0,
            properties=("energy", "forces", "stress"),
            conservative=False,
            equivariant=False,
            licence="",
            citation="",
            weights="planted",
            dtype="float64",
        )

    def batch_of(self, frames):
        return frames

    def rotate(self, batch, matrices):
        return turn(batch, matrices)


class LabField(Planted):
    """A field along the laboratory's z, of strength a = scale * amplitude in each frame.

    Over rotations, the z component of a unit vector has mean square 1/3, so that the variances are
    a^2 / 3 for the energy per atom (n a e_z, e from the first atom to the second) and for each
    force component (a z), and for the nine stress components (a z z^T) together
    a^2 (|zz|^2 - tr^2 / 3) = 2 a^2 / 3.
    """

    def evaluate(self, batch):
        a = self.scale * batch.extra["amplitude"]
        first = batch.offsets[:-1]
        pair = batch.positions[first + 1] - batch.positions[first]
        forces = np.zeros((len(batch.positions), 3))
        forces[:, 2] = a[batch.frame_of_atom]
        stress = np.zeros((len(batch), 3, 3))
        stress[:, 2, 2] = np.where(batch.periodic, a, np.nan)
        unit = pair / np.linalg.norm(pair, axis=1)[:, None]
        return Predictions(batch.n_atoms * a * unit[:, 2], forces, stress_to_voigt(stress))


ONE_THIRD = np.sqrt(1 / 3) * 1e3  # meV
STRESS = np.sqrt(2 / 27) / GPa  # GPa, root mean square of nine components for a = 1 eV/A^3


def trajectories(seed, roots=30, scatter=0.5, source="synthetic", periodic=True):
    """Frames of ``roots`` roots, one to four each, with an amplitude that a root's frames share;
    each root is of a group of its own.

    The mean square of the amplitudes is 1 in the population, its logarithm spreads by ``scatter``.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for root_number in range(roots):
        count = int(rng.integers(4, 9))
        atoms = Atoms("H" * count, rng.uniform(0, 6, (count, 3)), cell=[6.0] * 3, pbc=periodic)
        root = from_atoms([atoms], groups=[f"g{root_number}"], source=source)
        frames = root.select([0] * int(rng.integers(1, 5)))
        moved = frames.positions + rng.normal(0, 0.1, frames.positions.shape)
        frames = derive(frames, moved, frames.cell, sampling="md", seed=0)
        amplitude = np.sqrt(np.exp(scatter * rng.standard_normal() - scatter**2 / 2))
        parts.append(replace(frames, extra={"amplitude": np.full(len(frames), amplitude)}))
    return concatenate(parts)


def holds(figure, truth):
    return figure["ci95"][0] <= truth <= figure["ci95"][1]


def real_frames():
    """Rattled metals and molecules that both toys know."""
    crystals = [bulk("Cu", cubic=True), bulk("Ni", cubic=True), bulk("Al").repeat(2)]
    structures = [*crystals, molecule("CH3OH"), molecule("CO2"), molecule("NH3")]
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.05, seed=seed)
    return from_atoms(structures, groups=list("abcdef"), source="real")


def same_bits(one, other):
    """Labels that agree in every bit, but for what says how they were made."""

    def arrays(labels):
        spreads = {f"{name}_spread": value for name, value in labels.spreads.items()}
        own = {"id": labels.id, "n_atoms": labels.n_atoms, "status": labels.status}
        return {n: v.tobytes() for n, v in (labels.values | spreads | own).items()}

    return arrays(one) == arrays(other)


def labels_for(frames, energy=None, forces=None):
    """Labels of nothing but zeros, or of what is given."""
    count, atoms = len(frames), len(frames.numbers)
    return Labels(
        id=frames.id,
        n_atoms=frames.n_atoms,
        energy=np.zeros(count) if energy is None else energy,
        forces=np.zeros((atoms, 3)) if forces is None else forces,
        stress=np.full((count, 6), np.nan),
        energy_spread=np.zeros(count),
        forces_spread=np.zeros(atoms),
        status=np.zeros(count, dtype=np.uint8),
    )
