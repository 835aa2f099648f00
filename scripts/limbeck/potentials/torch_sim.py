"""Any Limbeck potential as a model of torch-sim."""

import copy
import logging
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from ase.data import atomic_masses
from torch_sim.models.interface import ModelInterface
from torch_sim.state import SimState

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import near_origin, voigt_to_stress
from limbeck.potentials.devices import free_memory
from limbeck.potentials.evaluation import attempt, predict_or_nan
from limbeck.potentials.interface import Potential
from limbeck.properties import Predictions

log = logging.getLogger(__name__)


class PotentialModel(ModelInterface):
    """torch-sim's view of a potential: a state goes in as frames, answers come out as tensors.

    The state is kept in float64 whatever the potential computes in. Systems are neutral and
    closed-shell, since a state of torch-sim 0.3 holds neither charge nor spin.
    """

    def __init__(self, potential: Potential) -> None:
        """Wrap ``potential``; it stays on the device it is on."""
        super().__init__()
        self.potential = potential
        self._device = potential.device
        # In float32 the rounding of every step would add up along a trajectory; the network may
        # still compute in it.
        self._dtype = torch.float64
        self._compute_forces = True
        self._compute_stress = potential.about.has_stress

    def forward(self, state: SimState | dict[str, Any], **_: Any) -> dict[str, torch.Tensor]:
        """Energy [B] eV, forces [N,3] eV/Angstrom and, where there is one, stress [B,3,3].

        Stress is in eV/Angstrom^3 with ASE's sign, NaN where the systems are isolated.
        """
        if not isinstance(state, SimState):
            state = SimState(**state, masses=torch.ones_like(state["atomic_numbers"]))
        answer = self.answer(frames_of_state(state))
        result = {"energy": answer.energy, "forces": answer.forces}
        if self.compute_stress:
            result["stress"] = voigt_to_stress(answer.stress)
        return {
            name: torch.as_tensor(values, dtype=self.dtype, device=self.device)
            for name, values in result.items()
        }

    @property
    def compute_stress(self) -> bool:
        """Whether answers have stress; of a potential that predicts none they never do."""
        return self._compute_stress

    @compute_stress.setter
    def compute_stress(self, compute_stress: bool) -> None:
        self._compute_stress = compute_stress and self.potential.about.has_stress

    def standing(self) -> dict[str, Any]:
        """What later answers depend on beside the state they are of, for check-points."""
        return {}

    def stand(self, found: dict[str, Any]) -> None:
        """Answer as the model that stood there would."""

    def answer(self, frames: Frames) -> Predictions:
        """The potential's answer for all frames in one batch."""
        return self.potential.evaluate(self.potential.prepare(frames))


class FailureTolerantModel(PotentialModel):
    """Like :class:`PotentialModel`, with NaN for a system that the potential fails on."""

    def answer(self, frames: Frames) -> Predictions:
        """The potential's answers, in batches of its own choice."""
        return predict_or_nan(self.potential, frames)


class VerletListModel(PotentialModel):
    """Like :class:`PotentialModel`, for systems in motion: neighbours are sought every few steps.

    A list of all pairs within the cut-off and a skin holds as long as no two atoms can have come
    from beyond it into the cut-off (Verlet, Phys. Rev. 159, 98 (1967)): d apart when it was made
    and moved by at most u each beside the strain of the cell, they are at least s d - 2 u apart,
    where s is the smallest stretch of the strain. Positions should not be wrapped on the way:
    wrapped ones are right, but slow.
    """

    potential: Any  # one that can move

    def __init__(self, potential: Any, skin: float = 0.8) -> None:
        """Wrap a potential that ``can_move``; ``skin`` in Angstrom."""
        super().__init__(potential)
        self._skin = skin
        self._too_large = False
        self._wide: Any = None
        self._seen: SimState | None = None

    def forward(self, state: SimState | dict[str, Any], **_: Any) -> dict[str, torch.Tensor]:
        """Like :meth:`PotentialModel.forward`; NaN for a system that the potential fails on."""
        assert isinstance(state, SimState)
        if not self._too_large:
            asked = attempt(self.potential, lambda: self._moved(state))
            if asked.answer is not None:
                return asked.answer
            log.warning("systems in motion are asked about in pieces: %s", asked.error)
            # Lists that did not fit once will not fit at the next step.
            self._too_large = asked.no_memory
            self._wide = self._seen = None
            free_memory()
        pieces = FailureTolerantModel(self.potential)
        pieces.compute_stress = self.compute_stress
        return pieces(state)

    def standing(self) -> dict[str, Any]:
        """The systems as they were when neighbours were sought: the list sets the last bits."""
        seen = self._seen
        names = ("positions", "masses", "cell", "pbc", "atomic_numbers", "system_idx")
        systems = None if seen is None else {name: getattr(seen, name) for name in names}
        return {"too_large": self._too_large, "seen": systems}

    def stand(self, found: dict[str, Any]) -> None:
        """Seek the same neighbours again."""
        self._too_large, seen = found["too_large"], found["seen"]
        self._wide = self._seen = None
        if seen is not None:
            tensors = {n: v.to(self.device) for n, v in seen.items() if isinstance(v, torch.Tensor)}
            self._renew(SimState(**tensors, pbc=seen["pbc"]))

    def _moved(self, state: SimState) -> dict[str, torch.Tensor]:
        """Answers for all systems at once, from the neighbours that are known."""
        if self._seen is None or self._is_stale(state, self._seen):
            self._renew(state)
        # Atoms are put back (by whole lattice vectors), so that coordinates stay small in single
        # precision, and by the same ones as when neighbours were sought, so that the shifts of the
        # edges stay right.
        positions = state.positions - self._images(state)
        batch = self.potential.moved(self._wide, positions, state.row_vector_cell)
        answer = self.potential.outputs(
            batch, training=False, stress=self.compute_stress and batch.periodic
        )
        result = {"energy": answer.energy.to(self.dtype), "forces": answer.forces.to(self.dtype)}
        if answer.stress is not None:
            # Voigt -> 3x3
            order = torch.tensor([[0, 5, 4], [5, 1, 3], [4, 3, 2]], device=self.device)
            result["stress"] = answer.stress.to(self.dtype)[:, order]
        return {name: values.detach() for name, values in result.items()}

    def _renew(self, state: SimState) -> None:
        """Seek the neighbours of atoms that are put back into their cells, or near the origin."""
        # A shallow copy is enough: the integrators replace tensors and never write into them.
        self._seen = copy.copy(state)
        self._shifts = torch.zeros_like(state.positions)
        if state.pbc:
            inverse = torch.linalg.inv(state.row_vector_cell)[state.system_idx]
            self._shifts = (state.positions.unsqueeze(1) @ inverse).squeeze(1).floor()
        frames = frames_of_state(state)
        if not state.pbc:
            moves = frames.positions - near_origin(frames).positions
            self._shifts = torch.as_tensor(moves, dtype=self.dtype, device=self.device)
        inside = frames.positions - _numpy(self._images(state))
        self._wide = self.potential.prepare_wide(replace(frames, positions=inside), self._skin)

    def _images(self, state: SimState) -> torch.Tensor:
        """How far outside their cells atoms were when neighbours were sought, [N,3], Angstrom.

        In isolated systems, how far these were from the origin.
        """
        if not state.pbc:
            return self._shifts
        cell = state.row_vector_cell[state.system_idx]
        return (self._shifts.unsqueeze(1) @ cell).squeeze(1)

    def _is_stale(self, state: SimState, seen: SimState) -> bool:
        if not (
            torch.equal(state.atomic_numbers, seen.atomic_numbers)
            and torch.equal(state.n_atoms_per_system, seen.n_atoms_per_system)
        ):
            return True
        cutoff, cell, old = self.potential.about.cutoff, state.row_vector_cell, seen.row_vector_cell
        # Atoms that only follow the strain of the cell have not moved in this sense.
        strain = torch.linalg.solve(old, cell)  # cell = old @ strain
        gone = seen.positions.unsqueeze(1) @ strain[state.system_idx]
        steps = (state.positions - gone.squeeze(1)).norm(dim=1)
        moved = torch.segment_reduce(steps, "max", lengths=state.n_atoms_per_system)  # [B]
        # the smallest stretch s in any direction: singular values come in descending order
        narrowest = torch.linalg.svdvals(strain)[:, -1]
        # A pair within the cut-off now was at most (cutoff + 2 u) / s apart when the list was
        # made, and has to be on it.
        return bool(((cutoff + 2 * moved) / narrowest > cutoff + self._skin).any())


def dynamics_model(potential: Potential[Any]) -> PotentialModel:
    """The model of torch-sim for systems in motion. Take a new one for each batch."""
    return VerletListModel(potential) if potential.can_move else FailureTolerantModel(potential)


def state_of(frames: Frames, model: ModelInterface) -> SimState:
    """A torch-sim state of frames that are all periodic or all isolated, as ``model`` wants it.

    Isolated frames get a unit cell, so that its inverse is there.
    """
    periodic = bool(frames.periodic.all())
    options = {"dtype": model.dtype, "device": model.device}
    cell = frames.cell if periodic else np.broadcast_to(np.eye(3), frames.cell.shape)
    return SimState(
        positions=torch.tensor(frames.positions, **options),
        masses=torch.tensor(atomic_masses[frames.numbers], **options),
        # torch-sim's cell has the lattice vectors in its columns
        cell=torch.tensor(np.swapaxes(cell, 1, 2).copy(), **options),
        pbc=periodic,
        atomic_numbers=torch.tensor(frames.numbers, dtype=torch.int64, device=model.device),
        system_idx=torch.tensor(frames.frame_of_atom, device=model.device),
    )


def frames_of_state(state: SimState) -> Frames:
    """Frames of a torch-sim state, without ancestry: what a potential needs and no more.

    Raises:
        LimbeckError: the state has no periodicity that frames have.
    """
    periodic = state.pbc
    if not isinstance(periodic, bool):
        raise LimbeckError(f"torch-sim state: pbc is {periodic!r}, expected true or false")
    n_atoms = _numpy(state.n_atoms_per_system)
    count = len(n_atoms)
    cell = _numpy(state.row_vector_cell) if periodic else np.zeros((count, 3, 3))
    nothing = np.zeros(count, dtype="S1")
    zeros = np.zeros(count)
    return Frames(
        n_atoms=n_atoms,
        cell=cell,
        pbc=np.full((count, 3), periodic),
        charge=zeros,
        spin=zeros,
        id=nothing,
        parent=nothing,
        root=nothing,
        group=nothing,
        source=nothing,
        sampling=nothing,
        seed=zeros,
        info=nothing,
        numbers=_numpy(state.atomic_numbers),
        positions=_numpy(state.positions),
    )


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()
