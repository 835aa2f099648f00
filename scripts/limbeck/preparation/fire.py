"""Batched relaxation through torch-sim 0.3.0's FIRE, finished systems replaced in flight.

Cells move in the logarithm of their deformation (Frechet cell FIRE): with the trace of its force
taken out, the volume stays as it is to rounding.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch_sim.autobatching import InFlightAutoBatcher
from torch_sim.optimizers import FireState, FrechetCellFIREState, fire, frechet_cell_fire

from limbeck.frames import Frames
from limbeck.potentials.batches import batches_of
from limbeck.potentials.interface import Potential
from limbeck.potentials.torch_sim import FailureTolerantModel, state_of

#: of torch-sim's batcher: which structures run, how large they are, and how many came in so far
_OF_BATCHER = ("current_idx", "current_scalers", "iterator_idx", "swap_attempts")


@dataclass(frozen=True)
class RelaxationState:
    """Observables of B running systems.

    Attributes:
        energy: float64 [B], eV.
        force: float64 [B], eV/Angstrom, the largest on an atom.
        stress: float64 [B], eV/Angstrom^3, the largest entry of the stress that drives the
            cell; zero where cells are fixed.
        positions: B arrays float64 [n,3], Angstrom.
        cell: float64 [B,3,3], Angstrom, rows are lattice vectors.
    """

    energy: np.ndarray
    force: np.ndarray
    stress: np.ndarray
    positions: list[np.ndarray]
    cell: np.ndarray


# torch-sim 0.6 (Python 3.12): fire_init and fire_step with cell_filter="frechet" would replace the
# two functions of 0.3.0 here, and differentiate the cell's exponential for all systems at once;
# LBFGS is there too. What stays: zero velocities and dt_start (0.6 also starts with NaN, and tests
# all atoms of a batch together), the square root in cell_factor (its default is n), and the reason
# of a structure that fails, for which optimize() has no place.
class BatchedRelaxation:
    """Structures being relaxed, some of them in a batch, the others waiting.

    Attributes:
        running: int64 [B'], which of the frames are in the batch; empty when all are finished.
    """

    def __init__(
        self,
        potential: Potential[Any],
        frames: Frames,
        *,
        moving: bool,
        constant_volume: bool,
        max_atoms: int,
        found: dict[str, Any] | None = None,
    ) -> None:
        """Start from ``frames``, sorted by size, all periodic or all isolated.

        Args:
            moving: the cells move as well, at constant volume or not.
            max_atoms: of a batch; no frame is larger.
            found: where the same batch stood, to go on from there; from the start without.
        """
        self._model = FailureTolerantModel(potential)
        # torch-sim takes the sign of the determinant for the volume's: a left-handed cell is
        # turned over, which is the same lattice.
        self._sign = np.where(np.linalg.det(frames.cell) < 0, -1.0, 1.0)[:, None, None]
        self._frames = replace(frames, cell=self._sign * frames.cell)
        self._moving, self._constant_volume = moving, constant_volume
        self._start, self._step = self._optimizer()
        self._batcher = InFlightAutoBatcher(
            self._model,
            memory_scales_with="n_atoms",
            max_memory_scaler=max_atoms,
            return_indices=True,
        )
        if found:
            self._stand(found, max_atoms)
        else:
            self._batcher.load_states(self._states(max_atoms))
            self._state, _, places = self._batcher.next_batch(None, None)
            self.running = np.array(places, dtype=np.int64)

    def standing(self) -> dict[str, Any]:
        """Where the batch stands between two steps, for check-points; none runs where it ended."""
        return {
            "state": vars(self._state) if len(self.running) else None,
            "running": self.running,
            "batcher": {name: getattr(self._batcher, name) for name in _OF_BATCHER},
        }

    def _stand(self, found: dict[str, Any], max_atoms: int) -> None:
        """Go on, bit for bit, from there."""
        kind = FrechetCellFIREState if self._moving else FireState
        self.running, of_batcher = found["running"], found["batcher"]
        if len(self.running):
            device = self._model.device
            state = {
                name: value.to(device) if isinstance(value, torch.Tensor) else value
                for name, value in found["state"].items()
            }
            self._state = kind(**state)
        for name, value in of_batcher.items():
            setattr(self._batcher, name, value)
        # what load_states() and the first next_batch() leave
        self._batcher.completed_idx_og_order = []
        self._batcher.first_batch_returned = True
        self._batcher.states_iterator = self._states(max_atoms, of_batcher["iterator_idx"])

    def step(self) -> None:
        """One step of every system of the batch."""
        self._state = self._step(self._state)

    def observe(self) -> RelaxationState:
        """Energies, forces, and where the systems of the batch are."""
        state = self._state
        sizes = state.forces.norm(dim=-1)
        # the largest force on an atom, not the largest component
        force = torch.segment_reduce(sizes, "max", lengths=state.n_atoms_per_system)
        ends = np.cumsum(_numpy(state.n_atoms_per_system))[:-1]
        return RelaxationState(
            energy=_numpy(state.energy),
            force=_numpy(force),
            stress=self._stress(),
            positions=np.split(_numpy(state.positions), ends),
            # turned back: the cell as it was given, left-handed or not
            cell=self._sign[self.running] * _numpy(state.row_vector_cell),
        )

    def finish(self, done: np.ndarray) -> None:
        """Remove the systems of the mask ``done`` [B'], and add waiting ones that fit."""
        # Nothing is done with those that come out: torch-sim's list of them is left.
        self._state, _, places = self._batcher.next_batch(self._state, torch.as_tensor(done))
        self.running = np.array(places, dtype=np.int64)

    def _optimizer(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """The optimizer's functions: one that starts a state, one that makes a step."""
        # A system that starts with velocities of zero is stopped in its first step, which halves
        # the step length: 0.2 makes it ASE's 0.1. (torch-sim starts with NaN instead, and as long
        # as one system of a batch has them, none of it is stopped.)
        if self._moving:
            return frechet_cell_fire(
                self._model, dt_start=0.2, constant_volume=self._constant_volume
            )
        return fire(self._model, dt_start=0.2)

    def _states(self, max_atoms: int, first: int = 0) -> Iterator[Any]:
        """States of single structures at rest, with forces computed batch by batch.

        Args:
            first: number of the first that is wanted.
        """
        for index in batches_of(self._frames, max_atoms):  # in order: they are sorted by size
            if index[-1] < first:
                continue
            given = state_of(self._frames.select(index), self._model)
            # Lengths of the cell's coordinates. Its stiffness grows with the n atoms, so that with
            # sqrt(n) it is as stiff as a bond whatever the size; with n, torch-sim's and ASE's
            # choice, it is softer the larger the cell is, and takes so many more steps.
            length = given.n_atoms_per_system.to(self._model.dtype).sqrt()
            state = self._start(given, **({"cell_factor": length} if self._moving else {}))
            state.velocities = torch.zeros_like(state.positions)
            if self._moving:
                state.cell_velocities = torch.zeros_like(state.cell)
            # Batches stay as they are, also where only some of one are wanted: the last bits of
            # the forces depend on what is beside a structure.
            yield from state.split()[max(first - int(index[0]), 0) :]

    def _stress(self) -> np.ndarray:
        if not self._moving:
            return np.zeros(len(self.running))
        stress = self._state.stress
        if self._constant_volume:
            # The trace does not move a cell of constant volume, and may stay as large as it likes.
            pressure = torch.diagonal(stress, dim1=1, dim2=2).mean(dim=1)
            stress = stress - pressure[:, None, None] * torch.eye(3).to(stress)
        return _numpy(stress.abs().amax(dim=(1, 2)))


def _numpy(values: torch.Tensor) -> np.ndarray:
    # A copy: on the CPU the array would share memory with the state, which goes on moving.
    return values.detach().cpu().numpy().copy()
