"""Batched molecular dynamics through torch-sim 0.3.0: the one module that integrates with it.

Units are ASE's: Angstrom, eV, atomic mass units, and the time that follows from them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from ase import units
from ase.data import atomic_masses
from torch_sim.integrators.md import (
    MDState,
    NoseHooverChain,
    construct_nose_hoover_chain,
    velocity_verlet,
)
from torch_sim.integrators.nvt import nvt_langevin
from torch_sim.models.interface import ModelInterface
from torch_sim.quantities import calc_kinetic_energy
from torch_sim.state import SimState

from limbeck.frames import Frames
from limbeck.sampling.settings import MDSettings

CHAIN_LENGTH = 3


@dataclass(frozen=True)
class Observation:
    """What is seen of B running systems after a step.

    Attributes:
        energy: float64 [B], eV, potential energy.
        temperature: float64 [B], K, of the motion about the centre of mass, with its 3n - 3
            degrees of freedom; right whether or not the centre of mass is at rest.
        reach: float64 [B], Angstrom, how far the next step could carry an atom:
            |v| dt + |F| dt^2 / 2m, the largest of a system; NaN where anything is not finite.
    """

    energy: np.ndarray
    temperature: np.ndarray
    reach: np.ndarray


class Thermostat(Protocol):
    """Moves a state by one time step."""

    def step(self, state: MDState) -> MDState:
        """One time step."""

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""


class Langevin:
    """BAOAB Langevin dynamics; its friction is 1 / thermostat time."""

    def __init__(self, model: ModelInterface, state: MDState, settings: MDSettings) -> None:
        """Set up for the systems of ``state``."""
        _, self._update = nvt_langevin(
            model,
            dt=_scalar(model, settings.time_step_fs * units.fs),
            kT=_scalar(model, settings.temperature_K * units.kB),
            gamma=_scalar(model, 1 / (settings.thermostat_time_fs * units.fs)),
        )

    def step(self, state: MDState) -> MDState:
        """One time step; noise comes from torch's global generator."""
        return self._update(state)

    def keep(self, index: torch.Tensor) -> None:
        """Nothing to do: each atom has its own noise."""


class NoseHoover:
    """A Nose-Hoover chain for each system.

    torch-sim's ``nvt_nose_hoover`` couples a whole batch to one chain. Its chain functions
    work elementwise, so here they get a column for each system, and return each
    system's scaling of the momenta.
    """

    def __init__(self, model: ModelInterface, state: MDState, settings: MDSettings) -> None:
        """Set up for the systems of ``state``."""
        self._model = model
        self._dt = _scalar(model, settings.time_step_fs * units.fs)
        self._kT = _scalar(model, settings.temperature_K * units.kB)
        tau = _scalar(model, settings.thermostat_time_fs * units.fs)
        self._functions = construct_nose_hoover_chain(self._dt, CHAIN_LENGTH, 1, 3, tau)
        freedom = _freedom(state)
        masses = (self._kT * tau**2).expand(CHAIN_LENGTH, len(freedom)).clone()  # [chain, B]
        masses[0] *= freedom
        self._chain = NoseHooverChain(
            torch.zeros_like(masses),
            torch.zeros_like(masses),
            masses,
            tau,
            _internal_kinetic_energy(state),
            freedom,  # type: ignore[arg-type]  # [B], where torch-sim has one number
        )

    def step(self, state: MDState) -> MDState:
        """One time step. The centre of mass is kept at rest, also under forces with a net pull."""
        state = self._scale(state)
        state = velocity_verlet(state, self._dt, self._model)
        state.momenta = internal_momenta(state.momenta, state.masses, state.system_idx)
        self._chain.kinetic_energy = _internal_kinetic_energy(state)
        return self._scale(state)

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the chains at ``index`` alone."""
        old = self._chain
        self._chain = NoseHooverChain(
            old.positions[:, index],
            old.momenta[:, index],
            old.masses[:, index],
            old.tau,
            old.kinetic_energy[index],
            old.degrees_of_freedom[index],  # type: ignore[index]
        )

    def _scale(self, state: MDState) -> MDState:
        ones = torch.ones_like(self._chain.kinetic_energy)  # [B]
        scale, self._chain = self._functions.half_step(ones, self._chain, self._kT)
        state.momenta = state.momenta * scale[state.system_idx].unsqueeze(-1)
        return state


THERMOSTATS: dict[str, Callable[[ModelInterface, MDState, MDSettings], Thermostat]] = {
    "langevin": Langevin,
    "nose_hoover": NoseHoover,
}


class Dynamics:
    """Many structures integrated as one batch; systems can be taken out on the way.

    Attributes:
        members: int64 [B'], which of the frames are still running, in order.
    """

    def __init__(self, model: ModelInterface, frames: Frames, settings: MDSettings) -> None:
        """Start from ``frames``, all periodic or all isolated, at least two atoms each.

        Momenta are drawn from torch's global generator: seed it first.
        """
        self.members = np.arange(len(frames))
        self._dt = settings.time_step_fs * units.fs
        self._state = _start(model, frames, settings.temperature_K * units.kB)
        make = THERMOSTATS[settings.nvt_algorithm]
        self._thermostat = make(model, self._state, settings)

    def step(self) -> None:
        """One time step of every running system."""
        self._state = self._thermostat.step(self._state)

    def keep(self, good: np.ndarray) -> None:
        """Go on with the systems of the mask ``good`` [B'] alone; the others are dropped."""
        self.members = self.members[good]
        if len(self.members) and not good.all():
            index = torch.as_tensor(np.flatnonzero(good), device=self._state.device)
            self._state = self._state[index]
            self._thermostat.keep(index)

    @property
    def positions(self) -> np.ndarray:
        """float64 [N',3], Angstrom; of periodic systems wrapped into the cell, atom by atom."""
        return _numpy(self._state.positions)

    def observe(self) -> Observation:
        """Energies and temperatures, and how far the next step could go."""
        state, dt = self._state, self._dt
        masses = state.masses.unsqueeze(-1)
        speed = (state.momenta / masses).norm(dim=-1)
        reach = speed * dt + (state.forces / masses).norm(dim=-1) * dt**2 / 2  # [N]
        largest = torch.segment_reduce(reach, "max", lengths=state.n_atoms_per_system)
        kelvin = 2 * _internal_kinetic_energy(state) / (_freedom(state) * units.kB)
        return Observation(
            energy=_numpy(state.energy), temperature=_numpy(kelvin), reach=_numpy(largest)
        )


def _start(model: ModelInterface, frames: Frames, kT: float) -> MDState:
    """State with forces, and momenta of temperature ``kT`` (eV) about a resting centre of mass."""
    periodic = bool(frames.periodic.all())
    float_options = {"dtype": model.dtype, "device": model.device}
    # Positions are not wrapped where there is no cell; a unit cell keeps inverses defined.
    cell = frames.cell if periodic else np.broadcast_to(np.eye(3), frames.cell.shape)
    state = SimState(
        positions=torch.tensor(frames.positions, **float_options),
        masses=torch.tensor(atomic_masses[frames.numbers], **float_options),
        cell=torch.tensor(np.swapaxes(cell, 1, 2).copy(), **float_options),
        pbc=periodic,
        atomic_numbers=torch.tensor(frames.numbers, dtype=torch.int64, device=model.device),
        system_idx=torch.tensor(frames.frame_of_atom, device=model.device),
    )
    answer = model(state)
    noise = torch.randn_like(state.positions) * (state.masses * kT).sqrt().unsqueeze(-1)
    momenta = internal_momenta(noise, state.masses, state.system_idx)
    return MDState(**vars(state), momenta=momenta, energy=answer["energy"], forces=answer["forces"])


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
    velocity = total / mass.unsqueeze(-1)  # [B,3]
    return momenta - masses.unsqueeze(-1) * velocity[system_idx]


def _internal_kinetic_energy(state: MDState) -> torch.Tensor:
    momenta = internal_momenta(state.momenta, state.masses, state.system_idx)
    return calc_kinetic_energy(masses=state.masses, momenta=momenta, system_idx=state.system_idx)


def _freedom(state: MDState) -> torch.Tensor:
    return (3 * state.n_atoms_per_system - 3).to(state.dtype)  # [B]


def _scalar(model: ModelInterface, value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=model.dtype, device=model.device)


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype(np.float64)
