"""Constant pressure after Martyna, Tobias and Klein, J. Chem. Phys. 101, 4177 (1994), batched.

torch-sim 0.3.0's own barostats are not used. Its Langevin barostat drives the volume by the first
entry of the stress alone, with a force whose units do not fit the mass of the volume. Its
Nose-Hoover barostat couples a whole batch to one chain of 3n degrees of freedom. Here each system
has its own cell and its own chains, with 3n - 3 degrees of freedom, since the centre of mass is at
rest. Otherwise the step is that of ASE's ``MTKNPT``. ASE counts 3n, which makes the atoms too hot
by n / (n - 1). It also couples the cell to a chain of nine degrees of freedom, where a symmetric
cell momentum has six, which makes the cell half as hot again as the atoms.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch_sim.models.interface import ModelInterface

from limbeck.sampling.dynamics.state import (
    DynamicsState,
    ask,
    freedom,
    kinetic_energy,
    pressure_tensor,
    rest,
    scaled,
    volume,
)
from limbeck.sampling.dynamics.streams import Purpose, normal
from limbeck.sampling.dynamics.thermostats import Chain, noise

#: degrees of freedom of a cell that is scaled, and of one that moves without turning
# A cell momentum of nine independent entries would also rotate the cell. Rotations are removed by
# keeping it symmetric, which leaves six.
VOLUME, CELL = 1, 6


# torch-sim 0.6 (Python 3.12) would replace the isotropic case only: npt_nose_hoover_isotropic_step
# moves one logarithmic volume per system, with 3n - 3 degrees of freedom. It has no symmetric cell
# momentum of six components. Its npt_crescale_triclinic_step changes the whole cell as well, but
# by stochastic rescaling, which needs a compressibility.
class Cells:
    """The motion of B cells.

    Attributes:
        momenta: symmetric [B,3,3]; divided by the mass, the strain rate of the cell.
        mass: [B], eV time^2. W = (N_f + 3) kT time^2 / 3 with N_f = 3n - 3.
        degrees: degrees of freedom of one cell, :data:`VOLUME` or :data:`CELL`.
    """

    def __init__(
        self, state: DynamicsState, kT: torch.Tensor, time: torch.Tensor, degrees: int
    ) -> None:
        """Draw momenta from the distribution at ``kT`` [B] (eV).

        Args:
            time: relaxation time of the barostat, in ASE's unit of time.
            degrees: :data:`VOLUME` or :data:`CELL`.
        """
        self.degrees = degrees
        # The paper's W_g for a flexible cell. A volume that scales has three equal diagonal
        # momenta, and so three times this mass, which is the paper's W.
        self.mass = (freedom(state) / 3 + 1) * kT * time**2
        self._draws = normal(state.key, Purpose.CELL, torch.ones_like(kT).long(), 3, 3)
        self.momenta = self.draw(kT)

    @property
    def rate(self) -> torch.Tensor:
        """Symmetric [B,3,3], strain per ASE unit of time."""
        return self.momenta / self.mass[:, None, None]

    @property
    def kinetic(self) -> torch.Tensor:
        """Kinetic energy of the cells, [B], eV."""
        return (self.momenta**2).sum(dim=(1, 2)) / (2 * self.mass)

    def allowed(self, matrices: torch.Tensor) -> torch.Tensor:
        """The part of symmetric [B,3,3] that may move a cell: all of it, or its isotropic part."""
        if self.degrees == CELL:
            return matrices
        mean = torch.diagonal(matrices, dim1=1, dim2=2).mean(dim=1)
        return mean[:, None, None] * torch.eye(3).to(matrices)

    def draw(self, kT: torch.Tensor) -> torch.Tensor:
        """Momenta from their distribution: kT / 2 of energy for each degree of freedom."""
        drawn = self._draws.next() * (self.mass * kT).sqrt()[:, None, None]
        if self.degrees == CELL:
            # Diagonal entries have variance W kT, the others half of it. Each of these stands
            # twice in the sum of squares, so that every one of the six has kT / 2.
            return (drawn + drawn.mT) / 2
        # One number on three diagonal entries: its variance is W kT / 3, so that all three
        # together have kT / 2.
        return drawn[:, :1, :1] / 3**0.5 * torch.eye(3).to(drawn)

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the cells at ``index`` alone."""
        self.momenta, self.mass = self.momenta[index], self.mass[index]
        self._draws.keep(index)


class CellCoupling(Protocol):
    """A thermostat of atoms and cells."""

    def half_step(self, state: DynamicsState, cells: Cells, kT: torch.Tensor) -> None:
        """Change the momenta of atoms and cells for half a time step; kT [B] in eV."""

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""


# torch-sim 0.6 has such a pair of chains for each system in npt_nose_hoover_isotropic_step, for a
# cell with one degree of freedom. A cell with six is not covered.
class TwoChains:
    """A Nose-Hoover chain for the atoms of each system, and one for its cell."""

    def __init__(
        self,
        state: DynamicsState,
        cells: Cells,
        kT: torch.Tensor,
        dt: torch.Tensor,
        times: tuple[torch.Tensor, torch.Tensor],
    ) -> None:
        """Set up both chains; ``times`` are those of the atoms and of the cell."""
        of_cell = torch.full_like(kT, cells.degrees)
        self._atoms = Chain(freedom(state), kT, dt, times[0])
        self._cell = Chain(of_cell, kT, dt, times[1])

    def half_step(self, state: DynamicsState, cells: Cells, kT: torch.Tensor) -> None:
        """Scale the momenta of cells and atoms; no random numbers."""
        # The two chains act on different momenta, so their order does not matter.
        cells.momenta = cells.momenta * self._cell.half_step(cells.kinetic, kT)[:, None, None]
        scaled(state, self._atoms.half_step(kinetic_energy(state), kT))

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the chains at ``index`` alone."""
        self._atoms.keep(index)
        self._cell.keep(index)


# torch-sim 0.6 has no barostat whose atoms and volume share one chain.
class OneChain:
    """A Nose-Hoover chain for the atoms and the cell of each system together."""

    def __init__(
        self,
        state: DynamicsState,
        cells: Cells,
        kT: torch.Tensor,
        dt: torch.Tensor,
        times: tuple[torch.Tensor, torch.Tensor],
    ) -> None:
        """Set up the chain; its time is the first of ``times``."""
        self._chain = Chain(freedom(state) + cells.degrees, kT, dt, times[0])

    def half_step(self, state: DynamicsState, cells: Cells, kT: torch.Tensor) -> None:
        """Scale the momenta of atoms and cells by one factor; no random numbers."""
        factor = self._chain.half_step(kinetic_energy(state) + cells.kinetic, kT)
        cells.momenta = cells.momenta * factor[:, None, None]
        scaled(state, factor)

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the chains at ``index`` alone."""
        self._chain.keep(index)


# torch-sim 0.6's npt_langevin_isotropic_step also has friction and noise on atoms and volume, but
# integrates as Gronbech-Jensen and Farago (2014) do, and takes n kT / V for the kinetic pressure.
# It would be another algorithm with the same ensemble, not this one.
class Noise:
    """Friction and noise for atoms and cells.

    Quigley and Probert, J. Chem. Phys. 120, 11432 (2004).
    """

    def __init__(
        self,
        state: DynamicsState,
        cells: Cells,
        kT: torch.Tensor,
        dt: torch.Tensor,
        times: tuple[torch.Tensor, torch.Tensor],
    ) -> None:
        """Set the frictions of atoms and cells to 1 / ``times``."""
        self._kept = [torch.exp(-dt / 2 / time) for time in times]
        self._draws = normal(state.key, Purpose.ATOMS, state.n_atoms_per_system, 3)

    def half_step(self, state: DynamicsState, cells: Cells, kT: torch.Tensor) -> None:
        """Friction and noise for half a time step, of its own for each system."""
        atoms, cell = self._kept
        noise(state, kT, atoms, self._draws)
        # The exact solution of the Ornstein-Uhlenbeck process: the variance W kT is kept for any
        # time step.
        cells.momenta = cell * cells.momenta + (1 - cell**2).sqrt() * cells.draw(kT)

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""
        self._draws.keep(index)


#: algorithm -> degrees of freedom of the cell, and what keeps the temperature
ALGORITHMS: dict[str, tuple[int, Callable[..., CellCoupling]]] = {
    "mtk_full": (CELL, TwoChains),
    "mtk_isotropic": (VOLUME, TwoChains),
    "langevin": (VOLUME, Noise),
    "nose_hoover": (VOLUME, OneChain),
}


# Of torch-sim 0.6, npt_nose_hoover_isotropic_step would replace "mtk_isotropic". "mtk_full",
# "langevin" and "nose_hoover" have no counterpart there. Nor does its state drop systems with
# their chains: chains are global attributes of it, which state[index] does not cut.
class Barostat:
    """Integrates atoms and cells at a temperature and a pressure."""

    def __init__(
        self,
        model: ModelInterface,
        state: DynamicsState,
        algorithm: str,
        targets: tuple[torch.Tensor, torch.Tensor],
        dt: torch.Tensor,
        times: tuple[torch.Tensor, torch.Tensor],
    ) -> None:
        """Start with random cell momenta.

        Args:
            targets: kT (eV) and pressure (eV/Angstrom^3) at the start, [B].
            times: of thermostat and barostat.
        """
        kT, self._pressure = targets
        degrees, bath = ALGORITHMS[algorithm]
        self._model, self._dt = model, dt
        self._cells = Cells(state, kT, times[1], degrees)
        self._bath = bath(state, self._cells, kT, dt, times)

    def step(self, state: DynamicsState, kT: torch.Tensor, pressure: torch.Tensor) -> None:
        """One time step: thermostat, cell, velocity Verlet, cell, thermostat (time-reversible)."""
        self._pressure = pressure
        self._bath.half_step(state, self._cells, kT)
        self._push_cells(state, pressure)
        self._kick(state)
        rest(state)  # before it drifts: also the pull of this step moves no centre of mass
        self._drift(state)
        ask(state, self._model)
        self._kick(state)
        # before the cell is pushed: the kinetic pressure is that of the motion about the centre of
        # mass
        rest(state)
        self._push_cells(state, pressure)
        self._bath.half_step(state, self._cells, kT)

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""
        self._cells.keep(index)
        self._bath.keep(index)
        self._pressure = self._pressure[index]

    def strain_rate(self, state: DynamicsState) -> torch.Tensor:
        """An upper bound of the strain rate in any direction, [B], per ASE unit of time.

        Not finite where the pressure is not.
        """
        # The Frobenius norm is at least the largest eigenvalue, and needs no diagonalisation.
        now = torch.linalg.matrix_norm(self._cells.rate)
        push = self._dt / 2 * self._cell_force(state, self._pressure)
        next_one = self._cells.rate + push / self._cells.mass[:, None, None]
        # A pressure out of all bounds is to be seen before it moves the cell. Half of it, since one
        # that swings back at once, as in a coarse time step, does no harm.
        return torch.maximum(now, torch.linalg.matrix_norm(next_one) / 2)

    def _push_cells(self, state: DynamicsState, pressure: torch.Tensor) -> None:
        """Change the cells' momenta by the pressure, during half a time step."""
        self._cells.momenta = self._cells.momenta + self._dt / 2 * self._cell_force(state, pressure)

    def _cell_force(self, state: DynamicsState, pressure: torch.Tensor) -> torch.Tensor:
        """What changes the cells' momenta, symmetric [B,3,3], eV."""
        unit = torch.eye(3).to(state.stress)
        # d p_g / dt = V (P_int - P) + (2 K / N_f) 1. The second term is what makes the ensemble
        # right for a finite number of atoms (Martyna, Tobias and Klein).
        excess = pressure_tensor(state) - pressure[:, None, None] * unit
        of_motion = 2 * kinetic_energy(state) / freedom(state)  # [B]
        force = volume(state)[:, None, None] * excess + of_motion[:, None, None] * unit
        return self._cells.allowed(force)

    def _kick(self, state: DynamicsState) -> None:
        """Change the momenta by forces and the strain rate of the cell, during half a time step."""
        # The strain rate is symmetric. Along its eigenvectors the three components decouple, and d
        # p / dt = F - a p has the exact solution p exp(-a t) + F t (exp(-a t) - 1) / (-a t).
        rate, axes = torch.linalg.eigh(self._cells.rate)  # [B,3], columns of [B,3,3]
        # Momenta feel the trace once more, over N_f: the counterpart of the 2 K / N_f of the cell.
        rate = rate + rate.sum(dim=1, keepdim=True) / freedom(state).unsqueeze(-1)
        x = (-self._dt / 2 * rate)[state.system_idx]  # [N,3]
        axes = axes[state.system_idx]
        new = _along(state.momenta, axes) * x.exp()
        new = new + self._dt / 2 * _along(state.forces, axes) * _exprel(x)
        state.momenta = _along(new, axes.mT)

    def _drift(self, state: DynamicsState) -> None:
        """Change positions and cells by the velocities and the strain rate, during a time step."""
        rate, axes = torch.linalg.eigh(self._cells.rate)
        x = self._dt * rate  # [B,3]
        # Lattice vectors are rows, and transform like positions without a velocity of their own.
        rows = (state.row_vector_cell @ axes) * x.exp().unsqueeze(1)
        state.row_vector_cell = rows @ axes.mT
        x, axes = x[state.system_idx], axes[state.system_idx]
        new = _along(state.positions, axes) * x.exp()
        new = new + self._dt * _along(state.velocities, axes) * _exprel(x)
        state.positions = _along(new, axes.mT)


def _along(vectors: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
    """Components of vectors [N,3] along the columns of [N,3,3]."""
    return (vectors.unsqueeze(1) @ axes).squeeze(1)


def _exprel(x: torch.Tensor) -> torch.Tensor:
    """(exp(x) - 1) / x, one at zero."""
    # expm1 keeps the digits that exp(x) - 1 loses for small x; only 0 / 0 is left to avoid.
    small = x.abs() < 1e-12  # there the next term, x / 2, is below double precision
    return torch.where(small, torch.ones_like(x), torch.expm1(x) / torch.where(small, 1, x))
