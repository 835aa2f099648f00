"""Thermostats with one instance per system of a batch, and the steps of NVE and NVT.

torch-sim 0.3.0 has no velocity rescaling. It couples a whole batch to one Nose-Hoover chain, and
its Langevin noise moves the centre of mass. The integrators here have the same form without these
faults.
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
from limbeck.sampling.dynamics.streams import Draws, Purpose, chi_square, normal

# the usual length; ASE and torch-sim have the same default
CHAIN_LENGTH = 3


class Integrator(Protocol):
    """Moves a state by one time step, towards a temperature and a pressure."""

    def step(self, state: DynamicsState, kT: torch.Tensor, pressure: torch.Tensor) -> None:
        """One time step of B systems; kT [B] in eV, pressure [B] in eV/Angstrom^3."""

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""

    def strain_rate(self, state: DynamicsState) -> torch.Tensor:
        """Strain rate of the cells, [B], per ASE unit of time."""


class Thermostat(Protocol):
    """Changes momenta so that they keep the canonical distribution at a temperature."""

    def half_step(self, state: DynamicsState, kT: torch.Tensor) -> None:
        """Half a time step of B systems; kT [B] in eV."""

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""


# With VelocityVerlet this is nve_step of torch-sim 0.6 (Python 3.12).
class NoThermostat:
    """Constant energy."""

    def half_step(self, state: DynamicsState, kT: torch.Tensor) -> None:
        """Nothing to do."""

    def keep(self, index: torch.Tensor) -> None:
        """Nothing to do."""


# torch-sim 0.6 (Python 3.12) has this thermostat per system in nvt_vrescale_step. It would replace
# this class but for three things: it rescales once, before velocity Verlet, and not half a step on
# either side; it has no sign of equation A8; and it lets a net force move the centre of mass (its
# constraint FixCom would take the three degrees of freedom off twice).
class VelocityRescaling:
    """Stochastic velocity rescaling.

    Bussi, Donadio and Parrinello, J. Chem. Phys. 126, 014101 (2007). The kinetic energy of 3n - 3
    degrees of freedom follows its stochastic equation in closed form (their equation A7), and all
    momenta are scaled to it. The sign of the factor is that of equation A8.
    """

    def __init__(self, state: DynamicsState, dt: torch.Tensor, time: torch.Tensor) -> None:
        """Set the relaxation time of the kinetic energy to ``time``."""
        self._kept = torch.exp(-dt / 2 / time)  # c of the paper
        degrees = freedom(state)
        self._first = normal(state.key, Purpose.KINETIC_ENERGY, torch.ones_like(degrees).long())
        # The sum of the N_f - 1 other squares, drawn at once from its distribution.
        self._others = chi_square(state.key, Purpose.OTHER_DEGREES, degrees - 1)

    def half_step(self, state: DynamicsState, kT: torch.Tensor) -> None:
        """Rescale for half a time step, each system with noise of its own."""
        kinetic = kinetic_energy(state)
        share = (1 - self._kept) * (kT / 2) / kinetic  # [B], of one degree of freedom
        first, others = self._first.next(), self._others.next()
        square = self._kept + share * (first**2 + others) + 2 * first * (self._kept * share).sqrt()
        sign = torch.sign(first + (self._kept / share).sqrt())
        scaled(state, sign * square.sqrt())

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""
        self._first.keep(index)
        self._others.keep(index)


# torch-sim 0.6 has a chain per system ([systems, length]) in nvt_nose_hoover_step, and would
# replace this class and NoseHoover. Not covered: its chain is a global attribute of the state, so
# that state[index] leaves all chains in place, where keep() here drops those of the systems that
# were cut.
class Chain:
    """A Nose-Hoover chain for each of B systems (Martyna et al., J. Chem. Phys. 97, 2635 (1992)).

    torch-sim's chain functions work elementwise. Here each system is a column of their arrays, and
    they return one scaling factor of the momenta for each system.
    """

    def __init__(
        self, degrees: torch.Tensor, kT: torch.Tensor, dt: torch.Tensor, time: torch.Tensor
    ) -> None:
        """Set up chains at rest.

        Args:
            degrees: [B], degrees of freedom that each chain is coupled to.
            kT: [B], eV.
            time: time scale of the chain.
        """
        # one step of the chain per half step, split by three Suzuki-Yoshida weights
        self._functions = construct_nose_hoover_chain(dt, CHAIN_LENGTH, 1, 3, time)
        # Q_1 = N_f kT time^2, Q_j = kT time^2 (Martyna, Klein and Tuckerman). Masses set how fast
        # the chain responds, not what it samples, so that in a ramp they stay those of the first
        # temperature.
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
        """The factor by which momenta are scaled for half a time step, [B].

        Args:
            kinetic: [B], eV, kinetic energy of the degrees of freedom it is coupled to.
        """
        self._chain.kinetic_energy = kinetic
        # Ones go in where torch-sim expects momenta, so that the scaling itself comes out.
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
    """Nose-Hoover thermostat: a chain for the atoms of each system."""

    def __init__(
        self, state: DynamicsState, kT: torch.Tensor, dt: torch.Tensor, time: torch.Tensor
    ) -> None:
        """Set up chains with the time scale ``time``."""
        self._chain = Chain(freedom(state), kT, dt, time)

    def half_step(self, state: DynamicsState, kT: torch.Tensor) -> None:
        """Scale the momenta of each system; no random numbers."""
        scaled(state, self._chain.half_step(kinetic_energy(state), kT))

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the chains at ``index`` alone."""
        self._chain.keep(index)


# torch-sim 0.6: velocity_verlet_step inside nve_step and its thermostats. With its constraint
# FixCom the centre of mass stays at rest there as well.
class VelocityVerlet:
    """A half step of the thermostat, velocity Verlet, and the other half step."""

    def __init__(self, model: ModelInterface, dt: torch.Tensor, thermostat: Thermostat) -> None:
        """A step of ``dt`` with the forces of ``model``."""
        self._model, self._dt, self._thermostat = model, dt, thermostat

    def step(self, state: DynamicsState, kT: torch.Tensor, pressure: torch.Tensor) -> None:
        """One time step; the centre of mass stays at rest."""
        self._thermostat.half_step(state, kT)
        kick(state, self._dt / 2)
        rest(state)  # before it drifts: also the pull of this step moves no centre of mass
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


# torch-sim 0.6: nvt_langevin_step is the same BAOAB splitting with one kT per system, and would
# replace this class together with its constraint FixCom.
class Langevin:
    """BAOAB Langevin dynamics (Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34).

    Noise and friction act only on the motion about the centre of mass.
    """

    def __init__(
        self, model: ModelInterface, state: DynamicsState, dt: torch.Tensor, time: torch.Tensor
    ) -> None:
        """Set the friction to 1 / ``time``."""
        self._model, self._dt, self._kept = model, dt, torch.exp(-dt / time)
        self._draws = normal(state.key, Purpose.ATOMS, state.n_atoms_per_system, 3)

    def step(self, state: DynamicsState, kT: torch.Tensor, pressure: torch.Tensor) -> None:
        """One time step; each system has noise of its own."""
        # B (forces), A (velocities), O (noise), A, B
        kick(state, self._dt / 2)
        rest(state)
        drift(state, self._dt / 2)
        noise(state, kT, self._kept, self._draws)
        drift(state, self._dt / 2)
        ask(state, self._model)
        kick(state, self._dt / 2)

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""
        self._draws.keep(index)

    def strain_rate(self, state: DynamicsState) -> torch.Tensor:
        """Zero: the cell does not move."""
        return torch.zeros_like(state.energy)


def noise(state: DynamicsState, kT: torch.Tensor, kept: torch.Tensor, draws: Draws) -> None:
    """Keep a fraction ``kept`` of the momenta and add noise at the temperature ``kT`` (eV) [B].

    This is the exact Ornstein-Uhlenbeck step for the motion about the centre of mass.

    Args:
        draws: standard normal numbers, [N,3].
    """
    # Keeps the variance m kT of a momentum, whatever the time step.
    size = ((1 - kept**2) * kT[state.system_idx] * state.masses).sqrt().unsqueeze(-1)  # [N,1]
    state.momenta = kept * state.momenta + size * draws.next()
    rest(state)
