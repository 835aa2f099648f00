"""Orb: the network of orb-v2, made small, and what all Orbs have in common.

Neumann et al., "Orb: a fast, scalable neural network potential", arXiv:2410.22570. The direct
models predict forces from a graph network without rotational equivariance.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from ase import Atoms
from orb_models.forcefield.atomic_system import SystemConfig, ase_atoms_to_atom_graphs
from orb_models.forcefield.base import AtomGraphs, batch_graphs
from orb_models.forcefield.conservative_regressor import ConservativeForcefieldRegressor
from orb_models.forcefield.direct_regressor import DirectForcefieldRegressor
from orb_models.forcefield.featurization_utilities import gaussian_basis_function
from orb_models.forcefield.forcefield_heads import EnergyHead, ForceHead, GraphHead
from orb_models.forcefield.gns import MoleculeGNS
from pydantic import Field

from limbeck.config.sections.base import Section
from limbeck.config.sections.messages import validated
from limbeck.config.sections.potentials import SmallOrb
from limbeck.frames import Frames
from limbeck.potentials.interface import IN_MEMORY, About
from limbeck.potentials.trainable import Outputs, Statistics, TrainablePotential
from limbeck.potentials.weights import checked_path
from limbeck.properties import EFS

RADIUS = 6.0  # Angstrom, as orb-v2; its attention vanishes there
MAX_NEIGHBOURS = 20  # as orb-v2
ORB_CITATION = "Neumann et al., arXiv:2410.22570 (2024)"

#: parameters of the small networks; orb-v2 has latent 256, hidden 512, 15 steps
_SIZES: dict[str, dict[str, int]] = {
    "tiny": {"latent_dim": 32, "mlp_hidden_dim": 64, "message_passing_steps": 2},
    "small": {"latent_dim": 64, "mlp_hidden_dim": 128, "message_passing_steps": 3},
    "demo": {"latent_dim": 96, "mlp_hidden_dim": 192, "message_passing_steps": 4},
}


class Sizes(Section):
    """What :func:`small_network` is built with, as ``model.json`` has it."""

    latent_dim: Annotated[int, Field(ge=1, le=4096)]
    mlp_hidden_dim: Annotated[int, Field(ge=1, le=4096)]
    message_passing_steps: Annotated[int, Field(ge=1, le=64)]


def small_network(
    latent_dim: int, mlp_hidden_dim: int, message_passing_steps: int
) -> DirectForcefieldRegressor:
    """orb-v2's architecture (``pretrained.orb_v2_architecture``) with other sizes."""
    head = {"latent_dim": latent_dim, "num_mlp_layers": 1, "mlp_hidden_dim": latent_dim}
    fixed: dict[str, Any] = {"online_normalisation": False, "activation": "ssp"}
    return DirectForcefieldRegressor(
        heads={
            "energy": EnergyHead(**head, **fixed, predict_atom_avg=True),
            "forces": ForceHead(
                **head, **fixed, remove_mean=True, remove_torque_for_nonpbc_systems=True
            ),
            "stress": GraphHead(**head, **fixed, target="stress", node_aggregation="mean"),
        },
        model=MoleculeGNS(
            latent_dim=latent_dim,
            num_message_passing_steps=message_passing_steps,
            num_mlp_layers=2,
            mlp_hidden_dim=mlp_hidden_dim,
            interaction_params={"distance_cutoff": True, "attention_gate": "sigmoid"},
            rbf_transform=partial(gaussian_basis_function, num_bases=20, radius=10.0),
            use_embedding=True,
            node_feature_names=["feat"],
            edge_feature_names=["feat"],
            activation="ssp",
            mlp_norm="layer_norm",
        ),
        system_config=SystemConfig(radius=RADIUS, max_num_neighbors=MAX_NEIGHBOURS),
    )


class OrbPotential(TrainablePotential[AtomGraphs]):
    """A direct Orb of any size, without rotational symmetry; forces are predicted."""

    architecture: ClassVar[str] = "direct"
    module: DirectForcefieldRegressor | ConservativeForcefieldRegressor

    def __init__(
        self,
        module: DirectForcefieldRegressor | ConservativeForcefieldRegressor,
        about: About,
        *,
        device: str,
        batch_atoms: int,
        sizes: dict[str, Any] | None = None,
    ) -> None:
        self.module = module.to(device)
        self.about = about
        self.device = torch.device(device)
        self.batch_atoms = batch_atoms
        self.sizes = sizes or {}
        self.dtype = next(module.parameters()).dtype
        # models of molecules with charge and spin take them as conditions; all others must not
        self.conditioned = module.model.conditioner is not None

    @classmethod
    def build(cls, size: str, statistics: Statistics, *, name: str, device: str) -> "OrbPotential":
        student = cls._empty(_SIZES[size], statistics.elements, name=name, device=device)
        _normalise(student.module, statistics)
        return student

    @classmethod
    def from_description(
        cls, description: dict[str, Any], *, name: str, device: str
    ) -> "OrbPotential":
        validated(Sizes, description["sizes"], "sizes")
        return cls._empty(description["sizes"], description["elements"], name=name, device=device)

    @classmethod
    def _empty(
        cls, sizes: dict[str, Any], elements: Sequence[int], *, name: str, device: str
    ) -> "OrbPotential":
        about = About(
            name=name,
            model="orb",
            elements=frozenset(elements),
            cutoff=RADIUS,
            properties=EFS,
            conservative=False,
            equivariant=False,
            licence="MIT",
            citation=f"network of {ORB_CITATION}, made small and trained by Limbeck",
            weights=IN_MEMORY,
            dtype="float32",
            max_neighbours=MAX_NEIGHBOURS,
        )
        module = small_network(**sizes)
        return cls(module, about, device=device, batch_atoms=512, sizes=dict(sizes))

    def graphs(self, frames: Frames) -> list[AtomGraphs]:
        # CPU: many small graphs; the copy to the device comes once, for the whole batch
        return [
            ase_atoms_to_atom_graphs(
                atoms,
                self.module.system_config,
                device=torch.device("cpu"),
                output_dtype=self.dtype,
                graph_construction_dtype=self.dtype,
            )
            for atoms in self._structures(frames)
        ]

    def _structures(self, frames: Frames) -> list[Atoms]:
        """ASE's structures, with nothing in their info but what the network is conditioned on."""
        structures = frames.to_atoms()
        for b, atoms in enumerate(structures):
            atoms.info = {}
            if self.conditioned:  # "spin" is the multiplicity of OMol25, one for a closed shell
                atoms.info = {"charge": int(frames.charge[b]), "spin": int(frames.spin[b]) + 1}
        return structures

    def collate(self, graphs: Sequence[AtomGraphs]) -> AtomGraphs:
        return batch_graphs(list(graphs)).to(self.device)

    def rotate(self, batch: AtomGraphs, matrices: np.ndarray) -> AtomGraphs:
        # Positions too: the removal of the net torque of isolated systems reads them.
        q = torch.as_tensor(matrices, dtype=batch.positions.dtype, device=self.device)
        per_atom = q.repeat_interleave(batch.n_node, dim=0)  # [N,3,3]
        per_edge = q.repeat_interleave(batch.n_edge, dim=0)  # [E,3,3]
        turned = _turn(per_edge, batch.edge_features["vectors"])
        return batch._replace(
            node_features={**batch.node_features, "positions": _turn(per_atom, batch.positions)},
            edge_features={**batch.edge_features, "vectors": turned},
            system_features={
                **batch.system_features,
                "cell": torch.einsum("bij,bkj->bki", q, batch.system_features["cell"]),
            },
        )

    def outputs(self, batch: AtomGraphs, *, training: bool, stress: bool) -> Outputs:
        if self.module.pair_repulsion:
            batch = _with_positive_volumes(batch)
        with torch.set_grad_enabled(training):
            answers = self.module.predict(batch)
        size = len(batch.n_node)
        return Outputs(
            energy=answers["energy"].reshape(size),
            forces=answers["forces"],
            stress=answers["stress"].reshape(size, 6) if stress and self.about.has_stress else None,
        )

    def is_periodic(self, batch: AtomGraphs) -> bool:
        return bool(batch.system_features["pbc"].any())


def open_small(settings: SmallOrb, *, device: str) -> OrbPotential:
    """A small Orb from the folder that a student of architecture ``direct`` was saved in."""
    folder = checked_path(settings)
    potential = OrbPotential.load(folder, name=settings.name, device=device)
    potential.batch_atoms = settings.most_atoms
    return potential  # type: ignore[return-value]


def _normalise(module: DirectForcefieldRegressor, statistics: Statistics) -> None:
    """Give the heads the scale of the training set, and energies an offset per element."""
    heads = module.heads
    with torch.no_grad():
        weight = heads["energy"].reference.linear.weight
        weight.zero_()
        offsets = torch.as_tensor(statistics.reference_energies, dtype=weight.dtype)
        # The table has a column for each atomic number; elements that were not trained on stay at
        # zero.
        weight.view(-1)[statistics.elements] = offsets
        scales = {
            "energy": (statistics.energy_mean, statistics.energy_std),
            "forces": (0.0, statistics.forces_rms),
            "stress": (0.0, statistics.stress_rms),
        }
        for name, (mean, std) in scales.items():
            # The heads are batch norms with "online_normalisation" off: the statistics are set
            # once, and stay.
            heads[name].normalizer.bn.running_mean.fill_(mean)
            heads[name].normalizer.bn.running_var.fill_(std**2)


def _with_positive_volumes(batch: AtomGraphs) -> AtomGraphs:
    """Left-handed cells inverted: the pair repulsion divides its stress by a signed volume.

    Direct models read the cell for nothing else; edges have vectors of their own.
    """
    cell = batch.system_features["cell"]
    positive = cell * torch.linalg.det(cell).sign()[:, None, None]
    return batch._replace(system_features={**batch.system_features, "cell": positive})


def _turn(matrices: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """[M,3,3], [M,3] -> [M,3]: each vector by its own matrix."""
    return torch.einsum("mij,mj->mi", matrices, vectors)
