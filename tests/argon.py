"""Small Lennard-Jones systems for tests of dynamics, and free particles."""

from math import sqrt
from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list
from torch_sim.models.interface import ModelInterface

from jobs_of import sampling
from limbeck.config.sections.sampling import MolecularDynamics
from limbeck.frames import Frames, from_atoms
from limbeck.potentials.models.toys import LennardJones
from limbeck.sampling.dynamics.integrate import Dynamics
from limbeck.sampling.dynamics.streams import keys
from limbeck.sampling.schedule import schedule

SETTINGS = {
    "ensemble": "NVT",
    "nvt_algorithm": "langevin",
    "npt_algorithm": "mtk_isotropic",
    "temperature_K": 100.0,
    "pressure_GPa": 0.0,
    "time_total_fs": 100.0,
    "time_equilibration_fs": 0.0,
    "time_step_fs": 5.0,
    "sampling_interval_fs": 25.0,
    "thermostat_time_fs": 100.0,
    "barostat_time_fs": 500.0,
    "supercell_radius_A": None,
    "supercell_matrix": None,
    "relax_input_cell": "none",
    "relax_force_tolerance_eV_per_A": 0.02,
    "relax_steps": 100,
    "batch_atoms": 256,
    "max_temperature_factor": 5.0,
    "max_energy_rise_eV_per_atom": 1.0,
    "min_distance_ratio": 0.5,
    "max_bond_stretch": 1.5,
    "max_cell_change": 2.0,
}
#: the well of two argon atoms of the toy potential lies here, Angstrom
ARGON = 2.12


def tetrahedron(seed: int = 0) -> Atoms:
    corners = np.array([[0, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]])
    atoms = Atoms("Ar4", corners * ARGON / sqrt(2))
    atoms.rattle(0.02, seed=seed)
    return atoms


def crystal(seed: int = 0) -> Atoms:
    atoms = bulk("Ar", "fcc", a=ARGON * sqrt(2), cubic=True).repeat(2)
    atoms.rattle(0.02, seed=seed)
    return atoms


def frames_of(*structures: Atoms) -> Frames:
    return from_atoms(structures, groups=["g"] * len(structures), source="s")


def settings_with(**changes: Any) -> MolecularDynamics:
    return sampling("md", SETTINGS).model_copy(update=changes)


class Free(ModelInterface):
    """Particles that feel nothing: an ideal gas."""

    def __init__(self) -> None:
        super().__init__()
        self._device, self._dtype = torch.device("cpu"), torch.float64
        self._compute_forces = self._compute_stress = True

    def forward(self, state, **_):
        return {
            "energy": torch.zeros(state.n_systems, dtype=self.dtype),
            "forces": torch.zeros_like(state.positions),
            "stress": torch.zeros_like(state.cell),
        }


class Pulling(Free):
    """A model whose forces do not add up to zero, as a direct one's do not."""

    def forward(self, state, **_):
        answer = super().forward(state)
        return answer | {"forces": answer["forces"] + 0.1}


class Clusters(Free):
    """Lennard-Jones clusters of four atoms, argon's size whatever their element, all at once."""

    def forward(self, state, **_):
        points = state.positions.view(-1, 4, 3)
        apart = points[:, :, None] - points[:, None]  # [B,4,4,3]
        square = (apart**2).sum(-1) + 1e9 * torch.eye(4, dtype=self.dtype)
        sixth = (ARGON**2 / square) ** 3
        energy = 0.1 * (sixth**2 - 2 * sixth).sum(dim=(1, 2)) / 2
        pull = 1.2 * (sixth**2 - sixth) / square  # -dE/dr / r
        forces = (pull.unsqueeze(-1) * apart).sum(dim=2).view(-1, 3)
        return {"energy": energy, "forces": forces, "stress": torch.zeros_like(state.cell)}


class Crystals(Free):
    """Copies of :func:`crystal`, of which each pair of near atoms stays one: it cannot melt."""

    def __init__(self) -> None:
        super().__init__()
        still = bulk("Ar", "fcc", a=ARGON * sqrt(2), cubic=True).repeat(2)
        first, second, shift = neighbor_list("ijS", still, 1.8 * ARGON)  # three shells
        one = first < second
        self.first, self.second = torch.tensor(first[one]), torch.tensor(second[one])
        self.shift = torch.tensor(shift[one], dtype=self.dtype)

    def forward(self, state, **_):
        points = state.positions.view(-1, 32, 3)
        apart = points[:, self.first] - points[:, self.second] - self.shift @ state.row_vector_cell
        sixth = (ARGON**2 / (apart**2).sum(-1)) ** 3  # [B,P]
        pull = 1.2 * (sixth**2 - sixth) / (apart**2).sum(-1)
        pulls = pull.unsqueeze(-1) * apart
        forces = torch.zeros_like(points).index_add(1, self.first, pulls)
        forces = forces.index_add(1, self.second, -pulls).view(-1, 3)
        volume = torch.linalg.det(state.cell).abs()[:, None, None]
        return {
            "energy": 0.1 * (sixth**2 - 2 * sixth).sum(dim=1),
            "forces": forces,
            "stress": -torch.einsum("bpi,bpj->bij", pulls, apart) / volume,
        }


def dynamics_of(
    frames: Frames, settings: MolecularDynamics, model: ModelInterface | None = None, seed: int = 1
) -> Dynamics:
    """Dynamics of frames, of which each has one temperature and one pressure.

    Random numbers of each depend on the seed and on its place.
    """
    plan = schedule(settings.temperature_K, settings.pressure_GPa).of_each(len(frames))
    model = model or LennardJones().torch_sim_model()
    return Dynamics(model, frames, settings, plan, keys(seed, map(str, range(len(frames)))))


def steps(dynamics: Dynamics, count: int, every: int = 1) -> list:
    """What is seen of some steps."""
    seen = []
    for step in range(count):
        dynamics.step(0.0)
        if step % every == 0:
            seen.append(dynamics.observe())
    return seen
