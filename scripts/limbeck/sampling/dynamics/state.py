"""The state of many systems in motion, and the steps that all integrators share.

Units are ASE's: Angstrom, eV, atomic mass units, and time in sqrt(amu Angstrom^2 / eV), about
10.18 fs.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch_sim.integrators.md import MDState
from torch_sim.models.interface import ModelInterface
from torch_sim.quantities import calc_kinetic_energy

from limbeck.frames import Frames
from limbeck.potentials.torch_sim import state_of
from limbeck.sampling.dynamics.streams import Purpose, normal


@dataclass
class DynamicsState(MDState):
    """B systems with N atoms in all, as torch-sim has them, and their stress.

    Positions are never wrapped into the cell: they go on from step to step, so that bonds and
    neighbour lists can be followed.

    Attributes:
        stress: [B,3,3], eV/Angstrom^3, ASE's sign, without the motion's part; NaN where unknown.
        key: int64 [B,2], what the random numbers of each system depend on, see
            :func:`~limbeck.sampling.dynamics.streams.keys`.
    """

    stress: torch.Tensor
    key: torch.Tensor

    # torch-sim cuts state[index] by these lists. (NPTState of torch-sim 0.6 has a stress as well.)
    _system_attributes = MDState._system_attributes | {"stress", "key"}


def start(
    model: ModelInterface, frames: Frames, kT: torch.Tensor, keys: np.ndarray
) -> DynamicsState:
    """State with forces, and momenta of temperatures ``kT`` [B] (eV) about resting centres of mass.

    Args:
        frames: B frames, all periodic or all isolated.
        keys: int64 [B,2], of the random numbers of each.
    """
    state = state_of(frames, model)
    answer = model(state)
    # Maxwell-Boltzmann: each component has variance m kT. torch-sim's initialize_momenta, also in
    # 0.6, takes the mean momentum from every atom, and so cannot replace this.
    key = torch.as_tensor(keys, device=state.device)
    drawn = normal(key, Purpose.MOMENTA, state.n_atoms_per_system, 3, ahead=1).next()
    momenta = drawn * (state.masses * kT[state.system_idx]).sqrt().unsqueeze(-1)
    return DynamicsState(
        **vars(state),
        momenta=internal_momenta(momenta, state.masses, state.system_idx),
        energy=answer["energy"],
        forces=answer["forces"],
        stress=answer.get("stress", torch.full_like(state.cell, torch.nan)),
        key=key,
    )


def kick(state: DynamicsState, dt: torch.Tensor) -> None:
    """Change the momenta by the forces for a time ``dt``."""
    state.momenta = state.momenta + state.forces * dt


def drift(state: DynamicsState, dt: torch.Tensor) -> None:
    """Change the positions by the velocities for a time ``dt``."""
    state.positions = state.positions + state.velocities * dt


def ask(state: DynamicsState, model: ModelInterface) -> None:
    """Compute new energies and forces, and stress if the model gives it at this step."""
    answer = model(state)
    state.energy, state.forces = answer["energy"], answer["forces"]
    # NaN, not the stress of an earlier step: a pressure that was not computed must not look like
    # one.
    state.stress = answer.get("stress", torch.full_like(state.cell, torch.nan))


def rest(state: DynamicsState) -> None:
    """Remove the motion of the centres of mass, which forces that do not add up to zero cause."""
    state.momenta = internal_momenta(state.momenta, state.masses, state.system_idx)


def internal_momenta(
    momenta: torch.Tensor, masses: torch.Tensor, system_idx: torch.Tensor
) -> torch.Tensor:
    """Momenta [N,3] about the centre of mass of each system.

    Every atom gives up m V of its momentum, where V is the velocity of the centre of mass.
    (torch-sim's own start takes an equal momentum from each atom, which heats light atoms
    beside heavy ones: H of UH to about 60 times the temperature.)
    """
    count = int(system_idx[-1]) + 1
    total = momenta.new_zeros(count, 3).index_add(0, system_idx, momenta)
    mass = masses.new_zeros(count).index_add(0, system_idx, masses)
    # V = sum p / sum m: all atoms lose the same velocity, not the same momentum.
    velocity = total / mass.unsqueeze(-1)  # [B,3]
    return momenta - masses.unsqueeze(-1) * velocity[system_idx]


def kinetic_energy(state: DynamicsState) -> torch.Tensor:
    """Kinetic energy of the motion about the centre of mass, [B], eV."""
    momenta = internal_momenta(state.momenta, state.masses, state.system_idx)
    return calc_kinetic_energy(masses=state.masses, momenta=momenta, system_idx=state.system_idx)


def freedom(state: DynamicsState) -> torch.Tensor:
    """Degrees of freedom of the motion about the centre of mass, 3n - 3, [B]."""
    # Three components of the momentum of the centre of mass are fixed at zero.
    return (3 * state.n_atoms_per_system - 3).to(state.dtype)


def volume(state: DynamicsState) -> torch.Tensor:
    """[B], Angstrom^3; positive also where the cell is left-handed."""
    return torch.linalg.det(state.cell).abs()


def pressure_tensor(state: DynamicsState) -> torch.Tensor:
    """Instantaneous pressure, kinetic and virial part, symmetric [B,3,3], eV/Angstrom^3."""
    velocities = state.velocities
    # P = sum p v^T / V - stress: the stress has ASE's sign, positive under tension.
    flow = state.momenta.unsqueeze(2) * velocities.unsqueeze(1)  # [N,3,3]
    motion = torch.zeros_like(state.stress).index_add(0, state.system_idx, flow)
    stress = (state.stress + state.stress.mT) / 2  # single precision leaves it not quite symmetric
    return motion / volume(state)[:, None, None] - stress


def scaled(state: DynamicsState, factor: torch.Tensor) -> None:
    """Multiply the momenta of each system by ``factor`` [B]."""
    state.momenta = state.momenta * factor[state.system_idx].unsqueeze(-1)
