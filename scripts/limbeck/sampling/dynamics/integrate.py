"""Batched molecular dynamics: many structures integrated as one torch-sim state."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from ase import units

from limbeck.config.sections.sampling import MolecularDynamics
from limbeck.frames import Frames
from limbeck.potentials.torch_sim import PotentialModel
from limbeck.sampling.dynamics.barostats import Barostat
from limbeck.sampling.dynamics.standing import stand, standing
from limbeck.sampling.dynamics.state import (
    DynamicsState,
    freedom,
    kinetic_energy,
    pressure_tensor,
    start,
)
from limbeck.sampling.dynamics.thermostats import (
    Integrator,
    Langevin,
    NoseHoover,
    NoThermostat,
    VelocityRescaling,
    VelocityVerlet,
)
from limbeck.sampling.schedule import Schedule


@dataclass(frozen=True)
class Observation:
    """Observables of B running systems after a step.

    Attributes:
        energy: float64 [B], eV, potential energy.
        kinetic: float64 [B], eV, of the motion about the centre of mass.
        temperature: float64 [B], K, of that motion, with its 3n - 3 degrees of freedom; right
            whether or not the centre of mass is at rest.
        pressure: float64 [B], GPa, of motion and forces; NaN where no stress was asked for.
        reach: float64 [B], Angstrom, how far the next step could carry an atom:
            |v| dt + |F| dt^2 / 2m, the largest of a system; NaN where anything is not finite.
        strain: float64 [B], how far the next step could strain the cell, no unit.
    """

    energy: np.ndarray
    kinetic: np.ndarray
    temperature: np.ndarray
    pressure: np.ndarray
    reach: np.ndarray
    strain: np.ndarray


# integrate() of torch-sim 0.6 (Python 3.12) takes one kT for each step and system, but runs a
# batch to its end. This loop stays: it looks at every step, and drops single systems from the
# batch.
class Dynamics:
    """Many structures integrated as one batch; systems can be taken out on the way.

    Attributes:
        members: int64 [B'], which of the frames are still running, in order.
    """

    def __init__(
        self,
        model: PotentialModel,
        frames: Frames,
        settings: MolecularDynamics,
        schedule: Schedule,
        keys: np.ndarray,
    ) -> None:
        """Start from ``frames``, all periodic or all isolated, at least two atoms each.

        Args:
            schedule: of each of the frames.
            keys: int64 [B,2], of the random numbers of each, see
                :func:`~limbeck.sampling.dynamics.streams.keys`.
        """
        self.members = np.arange(len(frames))
        self._model, self._schedule = model, schedule
        # ASE's unit of time, sqrt(amu Angstrom^2 / eV), is about 10.18 fs: with it p = m v and F =
        # dp/dt need no factors.
        self._dt = settings.time_step_fs * units.fs
        self._float = {"dtype": model.dtype, "device": model.device}
        targets = self._targets(0.0)
        self._state = start(model, frames, targets[0], keys)
        self._integrator = _integrator(model, self._state, settings, targets)

    def step(self, share: float) -> None:
        """One time step of every running system; ``share`` of the whole time has then passed."""
        self._integrator.step(self._state, *self._targets(share))

    def keep(self, good: np.ndarray) -> None:
        """Go on with the systems of the mask ``good`` [B'] alone; the others are dropped."""
        self.members = self.members[good]
        if len(self.members) and not good.all():
            index = torch.as_tensor(np.flatnonzero(good), device=self._state.device)
            self._state = self._state[index]
            self._integrator.keep(index)

    @property
    def n_atoms(self) -> int:
        """Of the systems that are running."""
        return len(self._state.positions)

    def standing(self) -> dict[str, Any]:
        """Where the batch stands between two steps, for :meth:`stand`."""
        return {
            "members": self.members,
            "state": standing(self._state),
            "integrator": standing(self._integrator),
            "model": self._model.standing(),
        }

    def stand(self, found: dict[str, Any]) -> None:
        """Go on, bit for bit, from where the same batch stood."""
        self.keep(np.isin(self.members, found["members"]))
        stand(self._state, found["state"])
        stand(self._integrator, found["integrator"])
        self._model.stand(found["model"])

    @property
    def positions(self) -> np.ndarray:
        """float64 [N',3], Angstrom, continuous in time: never wrapped into the cell."""
        return _numpy(self._state.positions)

    @property
    def cell(self) -> np.ndarray:
        """float64 [B',3,3], Angstrom, rows are lattice vectors; a unit cell where isolated."""
        return _numpy(self._state.row_vector_cell)

    def observe(self) -> Observation:
        """Energies and temperatures, and how far the next step could go."""
        state, dt = self._state, self._dt
        masses = state.masses.unsqueeze(-1)
        reach = state.velocities.norm(dim=-1) * dt
        reach = reach + (state.forces / masses).norm(dim=-1) * dt**2 / 2  # [N]
        # segment_reduce needs the atoms of a system side by side, as frames have them.
        largest = torch.segment_reduce(reach, "max", lengths=state.n_atoms_per_system)
        kinetic = kinetic_energy(state)
        pressure = torch.diagonal(pressure_tensor(state), dim1=1, dim2=2).mean(dim=1)
        return Observation(
            energy=_numpy(state.energy),
            kinetic=_numpy(kinetic),
            # T = 2 K / (N_f k), N_f = 3n - 3
            temperature=_numpy(2 * kinetic / (freedom(state) * units.kB)),
            pressure=_numpy(pressure / units.GPa),
            reach=_numpy(largest),
            strain=_numpy(self._integrator.strain_rate(state) * dt),
        )

    def _targets(self, share: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Target kT (eV) and pressure (eV/Angstrom^3) of the running systems, [B']."""
        kelvin, gigapascal = self._schedule.select(self.members).at(share)
        return (
            torch.tensor(kelvin * units.kB, **self._float),
            torch.tensor(gigapascal * units.GPa, **self._float),
        )


def _integrator(
    model: PotentialModel,
    state: DynamicsState,
    settings: MolecularDynamics,
    targets: tuple[torch.Tensor, torch.Tensor],
) -> Integrator:
    """Of the settings; ``targets`` are kT (eV) and pressure (eV/Angstrom^3) at the start, [B]."""
    dt, thermostat_time, barostat_time = (
        torch.tensor(time * units.fs, dtype=model.dtype, device=model.device)
        for time in (
            settings.time_step_fs,
            settings.thermostat_time_fs,
            settings.barostat_time_fs,
        )
    )
    if settings.ensemble == "NPT":
        times = (thermostat_time, barostat_time)
        return Barostat(model, state, settings.npt_algorithm, targets, dt, times)
    if settings.ensemble == "NVE":
        return VelocityVerlet(model, dt, NoThermostat())
    if settings.nvt_algorithm == "csvr":
        return VelocityVerlet(model, dt, VelocityRescaling(state, dt, thermostat_time))
    if settings.nvt_algorithm == "nose_hoover":
        return VelocityVerlet(model, dt, NoseHoover(state, targets[0], dt, thermostat_time))
    return Langevin(model, state, dt, thermostat_time)


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype(np.float64)
