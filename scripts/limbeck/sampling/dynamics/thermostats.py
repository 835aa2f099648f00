"""Thermostats, each system of a batch with its own, and the steps of NVE and NVT.

torch-sim 0.3.0 has no velocity rescaling, couples a whole batch to one Nose-Hoover chain, and
lets Langevin noise move the centre of mass: what is here has the shape of its integrators and none
of that.
"""

from typing import Protocol

import torch
from torch_sim.integrators.md import NoseHooverChain, construct_nose_hoover_chain
from torch_sim.models.interface import ModelInterface

from limbeck.sampling.dynamics.state import (
    DynamicsState,
    ask,
    drift,
    freedom,
    kick,
    kinetic_energy,
    rest,
    scaled,
)

CHAIN_LENGTH = 3


class Integrator(Protocol):
    """Moves a state by one time step, towards a temperature and a pressure."""

    def step(self, state: DynamicsState, kT: torch.Tensor, pressure: torch.Tensor) -> None:
        """One time step of B systems; kT [B] in eV, pressure [B] in eV/Angstrom^3."""

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""

    def strain_rate(self, state: DynamicsState) -> torch.Tensor:
        """How fast the cells are deformed, [B], per unit of time."""


class Thermostat(Protocol):
    """Changes momenta for half a time step, as their distribution at a temperature has it."""

    def half_step(self, state: DynamicsState, kT: torch.Tensor) -> None:
        """Half a time step of B systems; kT [B] in eV."""

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""


class NoThermostat:
    """Constant energy."""

    def half_step(self, state: DynamicsState, kT: torch.Tensor) -> None:
        """Nothing to do."""

    def keep(self, index: torch.Tensor) -> None:
        """Nothing to do."""


class VelocityRescaling:
    """Stochastic velocity rescaling.

    Bussi, Donadio and Parrinello, J. Chem. Phys. 126, 014101 (2007): the kinetic energy moves as
    that of 3n - 3 degrees of freedom in contact with a bath would, in closed form (their equation
    A7), and all momenta are scaled to it; the sign of the factor is that of equation A8.
    """

    def __init__(self, dt: torch.Tensor, time: torch.Tensor) -> None:
        """``time`` is that in which the kinetic energy forgets itself."""
        self._kept = torch.exp(-dt / 2 / time)  # c of the paper

    def half_step(self, state: DynamicsState, kT: torch.Tensor) -> None:
        """Noise comes from torch's global generator."""
        degrees, kinetic = freedom(state), kinetic_energy(state)
        share = (1 - self._kept) * (kT / 2) / kinetic  # [B], of one degree of freedom
        first = torch.randn_like(kinetic)
        others = torch.distributions.Chi2(degrees - 1, validate_args=False).sample()
        square = self._kept + share * (first**2 + others) + 2 * first * (self._kept * share).sqrt()
        sign = torch.sign(first + (self._kept / share).sqrt())
        scaled(state, sign * square.sqrt())

    def keep(self, index: torch.Tensor) -> None:
        """Nothing to do: it remembers nothing."""


class Chain:
    """A Nose-Hoover chain for each of B systems (Martyna et al., J. Chem. Phys. 97, 2635 (1992)).

    torch-sim's chain functions work elementwise, so here they get a column for each system, and
    return each system's scaling of the momenta.
    """

    def __init__(
        self, degrees: torch.Tensor, kT: torch.Tensor, dt: torch.Tensor, time: torch.Tensor
    ) -> None:
        """``degrees`` [B] of freedom it is coupled to; masses of the chain follow from kT [B]."""
        self._functions = construct_nose_hoover_chain(dt, CHAIN_LENGTH, 1, 3, time)
        masses = (kT * time**2).expand(CHAIN_LENGTH, len(degrees)).clone()  # [chain, B]
        masses[0] *= degrees
        zeros = torch.zeros_like(masses)
        self._chain = NoseHooverChain(
            zeros.clone(),
            zeros.clone(),
            masses,
            time,
            torch.zeros_like(degrees),
            degrees,  # type: ignore[arg-type]  # [B], where torch-sim has one number
        )

    def half_step(self, kinetic: torch.Tensor, kT: torch.Tensor) -> torch.Tensor:
        """What momenta are to be scaled by after half a time step, [B].

        Args:
            kinetic: [B], eV, kinetic energy of the degrees of freedom it is coupled to.
        """
        self._chain.kinetic_energy = kinetic
        factor, self._chain = self._functions.half_step(torch.ones_like(kinetic), self._chain, kT)
        return factor

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


class NoseHoover:
    """A chain for the atoms of each system."""

    def __init__(
        self, state: DynamicsState, kT: torch.Tensor, dt: torch.Tensor, time: torch.Tensor
    ) -> None:
        """``time`` is the time scale of the chain."""
        self._chain = Chain(freedom(state), kT, dt, time)

    def half_step(self, state: DynamicsState, kT: torch.Tensor) -> None:
        """Deterministic."""
        scaled(state, self._chain.half_step(kinetic_energy(state), kT))

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the chains at ``index`` alone."""
        self._chain.keep(index)


class VelocityVerlet:
    """Half a step of a thermostat, velocity Verlet, and the other half of the thermostat."""

    def __init__(self, model: ModelInterface, dt: torch.Tensor, thermostat: Thermostat) -> None:
        """A step of ``dt`` with the forces of ``model``."""
        self._model, self._dt, self._thermostat = model, dt, thermostat

    def step(self, state: DynamicsState, kT: torch.Tensor, pressure: torch.Tensor) -> None:
        """One time step; the centre of mass stays at rest."""
        self._thermostat.half_step(state, kT)
        kick(state, self._dt / 2)
        drift(state, self._dt)
        ask(state, self._model)
        kick(state, self._dt / 2)
        rest(state)
        self._thermostat.half_step(state, kT)

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""
        self._thermostat.keep(index)

    def strain_rate(self, state: DynamicsState) -> torch.Tensor:
        """Zero: the cell does not move."""
        return torch.zeros_like(state.energy)


class Langevin:
    """BAOAB Langevin dynamics (Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34).

    Noise and friction act on the motion about the centre of mass alone.
    """

    def __init__(self, model: ModelInterface, dt: torch.Tensor, time: torch.Tensor) -> None:
        """The friction is 1 / ``time``."""
        self._model, self._dt, self._kept = model, dt, torch.exp(-dt / time)

    def step(self, state: DynamicsState, kT: torch.Tensor, pressure: torch.Tensor) -> None:
        """One time step; noise comes from torch's global generator."""
        kick(state, self._dt / 2)
        rest(state)
        drift(state, self._dt / 2)
        noise(state, kT, self._kept)
        drift(state, self._dt / 2)
        ask(state, self._model)
        kick(state, self._dt / 2)

    def keep(self, index: torch.Tensor) -> None:
        """Nothing to do: each atom has its own noise."""

    def strain_rate(self, state: DynamicsState) -> torch.Tensor:
        """Zero: the cell does not move."""
        return torch.zeros_like(state.energy)


def noise(state: DynamicsState, kT: torch.Tensor, kept: torch.Tensor) -> None:
    """Keep the part ``kept`` of the momenta and fill them up with noise of temperature ``kT``.

    The exact Ornstein-Uhlenbeck step, of the motion about the centre of mass.
    """
    size = ((1 - kept**2) * kT[state.system_idx] * state.masses).sqrt().unsqueeze(-1)  # [N,1]
    state.momenta = kept * state.momenta + size * torch.randn_like(state.momenta)
    rest(state)
