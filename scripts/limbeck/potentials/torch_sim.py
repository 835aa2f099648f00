"""Any Limbeck potential as a model of torch-sim."""

from typing import Any

import numpy as np
import torch
from torch_sim.models.interface import ModelInterface
from torch_sim.state import SimState

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.potentials.interface import Potential, voigt_to_stress


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
        self._dtype = torch.float64
        self._compute_forces = True
        self._compute_stress = potential.about.has_stress

    def forward(self, state: SimState | dict[str, Any], **_: Any) -> dict[str, torch.Tensor]:
        """Energy [B] eV, forces [N,3] eV/Angstrom and, where there is one, stress [B,3,3].

        Stress is in eV/Angstrom^3 with ASE's sign, NaN where the systems are isolated.
        """
        if not isinstance(state, SimState):
            state = SimState(**state, masses=torch.ones_like(state["atomic_numbers"]))
        answer = self.potential.evaluate(self.potential.prepare(frames_of(state)))
        result = {"energy": answer.energy, "forces": answer.forces}
        if self.compute_stress:
            result["stress"] = voigt_to_stress(answer.stress)
        return {
            name: torch.as_tensor(values, dtype=self.dtype, device=self.device)
            for name, values in result.items()
        }


def frames_of(state: SimState) -> Frames:
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
