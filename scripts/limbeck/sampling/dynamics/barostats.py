"""Constant pressure after Martyna, Tobias and Klein, J. Chem. Phys. 101, 4177 (1994), batched.

torch-sim 0.3.0's own functions are not used: its Langevin barostat moves the volume by the first
entry of the stress alone and by a force in other units than the volume's mass has, and its
Nose-Hoover barostat couples a whole batch to one chain of 3n degrees of freedom. Here each system
has its own cell and chains, and 3n - 3 degrees of freedom, since its centre of mass is at rest.
The step is that of ASE's ``MTKNPT`` but for those numbers: ASE has 3n, which is too hot by
n / (n - 1), and lets a chain of nine degrees of freedom drive the six of a symmetric cell momentum,
which makes the cell hotter than the atoms by a half.
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
from limbeck.sampling.dynamics.thermostats import Chain, noise

#: degrees of freedom of a cell that is scaled, and of one that moves without turning
VOLUME, CELL = 1, 6


class Cells:
    """The motion of B cells.

    Attributes:
        momenta: symmetric [B,3,3]; divided by the mass, the rate at which the cell is strained.
        mass: [B], (n - 1 + 1) kT time^2: the atoms' 3n - 3 degrees of freedom, and three.
        degrees: of freedom of a cell.
    """

    def __init__(
        self, state: DynamicsState, kT: torch.Tensor, time: torch.Tensor, degrees: int
    ) -> None:
        """In motion, as the temperature has it."""
        self.degrees = degrees
        self.mass = (freedom(state) / 3 + 1) * kT * time**2
        self.momenta = self.draw(kT)

    @property
    def rate(self) -> torch.Tensor:
        """Symmetric [B,3,3], strain per unit of time."""
        return self.momenta / self.mass[:, None, None]

    @property
    def kinetic(self) -> torch.Tensor:
        """[B], eV."""
        return (self.momenta**2).sum(dim=(1, 2)) / (2 * self.mass)

    def allowed(self, matrices: torch.Tensor) -> torch.Tensor:
        """What of symmetric [B,3,3] moves a cell: all, or the mean of the diagonal."""
        if self.degrees == CELL:
            return matrices
        mean = torch.diagonal(matrices, dim1=1, dim2=2).mean(dim=1)
        return mean[:, None, None] * torch.eye(3).to(matrices)

    def draw(self, kT: torch.Tensor) -> torch.Tensor:
        """Momenta from their distribution: kT / 2 of energy for each degree of freedom."""
        drawn = torch.randn(len(kT), 3, 3, dtype=kT.dtype, device=kT.device)
        drawn = drawn * (self.mass * kT).sqrt()[:, None, None]
        if self.degrees == CELL:
            return (drawn + drawn.mT) / 2
        return drawn[:, :1, :1] / 3**0.5 * torch.eye(3).to(drawn)

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the cells at ``index`` alone."""
        self.momenta, self.mass = self.momenta[index], self.mass[index]


class CellCoupling(Protocol):
    """Keeps atoms and cells at a temperature."""

    def half_step(self, state: DynamicsState, cells: Cells, kT: torch.Tensor) -> None:
        """Half a time step."""

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""


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
        """``times`` of the two chains."""
        of_cell = torch.full_like(kT, cells.degrees)
        self._atoms = Chain(freedom(state), kT, dt, times[0])
        self._cell = Chain(of_cell, kT, dt, times[1])

    def half_step(self, state: DynamicsState, cells: Cells, kT: torch.Tensor) -> None:
        """Deterministic."""
        cells.momenta = cells.momenta * self._cell.half_step(cells.kinetic, kT)[:, None, None]
        scaled(state, self._atoms.half_step(kinetic_energy(state), kT))

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the chains at ``index`` alone."""
        self._atoms.keep(index)
        self._cell.keep(index)


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
        """The first of ``times`` is that of the chain."""
        self._chain = Chain(freedom(state) + cells.degrees, kT, dt, times[0])

    def half_step(self, state: DynamicsState, cells: Cells, kT: torch.Tensor) -> None:
        """Deterministic."""
        factor = self._chain.half_step(kinetic_energy(state) + cells.kinetic, kT)
        cells.momenta = cells.momenta * factor[:, None, None]
        scaled(state, factor)

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the chains at ``index`` alone."""
        self._chain.keep(index)


class Noise:
    """Friction and noise for atoms and cells.

    As Quigley and Probert, J. Chem. Phys. 120, 11432 (2004), have them.
    """

    def __init__(
        self,
        state: DynamicsState,
        cells: Cells,
        kT: torch.Tensor,
        dt: torch.Tensor,
        times: tuple[torch.Tensor, torch.Tensor],
    ) -> None:
        """The frictions are 1 / ``times``."""
        self._kept = [torch.exp(-dt / 2 / time) for time in times]

    def half_step(self, state: DynamicsState, cells: Cells, kT: torch.Tensor) -> None:
        """Noise comes from torch's global generator."""
        atoms, cell = self._kept
        noise(state, kT, atoms)
        cells.momenta = cell * cells.momenta + (1 - cell**2).sqrt() * cells.draw(kT)

    def keep(self, index: torch.Tensor) -> None:
        """Nothing to do: each atom and cell has its own noise."""


#: algorithm -> degrees of freedom of the cell, and what keeps the temperature
ALGORITHMS: dict[str, tuple[int, Callable[..., CellCoupling]]] = {
    "mtk_full": (CELL, TwoChains),
    "mtk_isotropic": (VOLUME, TwoChains),
    "langevin": (VOLUME, Noise),
    "nose_hoover": (VOLUME, OneChain),
}


class Barostat:
    """Atoms and cells in motion at a temperature and a pressure."""

    def __init__(
        self,
        model: ModelInterface,
        state: DynamicsState,
        algorithm: str,
        kT: torch.Tensor,
        dt: torch.Tensor,
        times: tuple[torch.Tensor, torch.Tensor],
    ) -> None:
        """``times`` are the relaxation times of thermostat and barostat."""
        degrees, bath = ALGORITHMS[algorithm]
        self._model, self._dt = model, dt
        self._cells = Cells(state, kT, times[1], degrees)
        self._bath = bath(state, self._cells, kT, dt, times)

    def step(self, state: DynamicsState, kT: torch.Tensor, pressure: torch.Tensor) -> None:
        """One time step, the same forwards and backwards."""
        self._bath.half_step(state, self._cells, kT)
        self._push_cells(state, pressure)
        self._kick(state)
        self._drift(state)
        ask(state, self._model)
        self._kick(state)
        rest(state)
        self._push_cells(state, pressure)
        self._bath.half_step(state, self._cells, kT)

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the systems at ``index`` alone."""
        self._cells.keep(index)
        self._bath.keep(index)

    def strain_rate(self, state: DynamicsState) -> torch.Tensor:
        """Largest in any direction, at most, [B]."""
        return torch.linalg.matrix_norm(self._cells.rate)

    def _push_cells(self, state: DynamicsState, pressure: torch.Tensor) -> None:
        """Change the cells' momenta by the pressure, during half a time step."""
        unit = torch.eye(3).to(state.stress)
        excess = pressure_tensor(state) - pressure[:, None, None] * unit
        of_motion = 2 * kinetic_energy(state) / freedom(state)  # [B]
        force = volume(state)[:, None, None] * excess + of_motion[:, None, None] * unit
        self._cells.momenta = self._cells.momenta + self._dt / 2 * self._cells.allowed(force)

    def _kick(self, state: DynamicsState) -> None:
        """Change the momenta by forces and the strain of the cell, during half a time step."""
        rate, axes = torch.linalg.eigh(self._cells.rate)  # [B,3], columns of [B,3,3]
        rate = rate + rate.sum(dim=1, keepdim=True) / freedom(state).unsqueeze(-1)
        x = (-self._dt / 2 * rate)[state.system_idx]  # [N,3]
        axes = axes[state.system_idx]
        new = _along(state.momenta, axes) * x.exp()
        new = new + self._dt / 2 * _along(state.forces, axes) * _exprel(x)
        state.momenta = _along(new, axes.mT)

    def _drift(self, state: DynamicsState) -> None:
        """Change positions and cells by the velocities and the strain, during a time step."""
        rate, axes = torch.linalg.eigh(self._cells.rate)
        x = self._dt * rate  # [B,3]
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
    small = x.abs() < 1e-12  # there the next term, x / 2, is below double precision
    return torch.where(small, torch.ones_like(x), torch.expm1(x) / torch.where(small, 1, x))
