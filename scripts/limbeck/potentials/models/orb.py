"""Orb: the network of orb-v2, made small, and what all Orbs have in common.

Neumann et al., "Orb: a fast, scalable neural network potential", arXiv:2410.22570. The direct
models predict forces from a graph network without rotational equivariance.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, TypeAlias

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
from limbeck.frames import Frames
from limbeck.potentials.interface import IN_MEMORY, About
from limbeck.potentials.trainable import Outputs, Statistics, TrainablePotential
from limbeck.properties import EFS

Regressor: TypeAlias = DirectForcefieldRegressor | ConservativeForcefieldRegressor

RADIUS = 6.0  # Angstrom, as orb-v2; its attention vanishes there
MAX_NEIGHBOURS = 20  # as orb-v2
#: as the conservative Orbs of the third generation: an energy has to stay where it is when one
#: neighbour takes the place of another
ALL_NEIGHBOURS = 120
ORB_CITATION = "Neumann et al., arXiv:2410.22570 (2024)"

#: of the small networks, whose hidden layers are twice as wide as the others; orb-v2 has 256, 512
#: and 15 steps
_SIZES: dict[str, dict[str, int]] = {
    "tiny": {"latent_dim": 32, "message_passing_steps": 2},
    "small": {"latent_dim": 64, "message_passing_steps": 3},
    "medium": {"latent_dim": 96, "message_passing_steps": 4},
}


class Sizes(Section):
    """What a network is built with, as ``model.json`` has it."""

    latent_dim: Annotated[int, Field(ge=1, le=4096)]
    mlp_hidden_dim: Annotated[int, Field(ge=1, le=4096)]
    message_passing_steps: Annotated[int, Field(ge=1, le=64)]


def direct_network(**sizes: int) -> DirectForcefieldRegressor:
    """orb-v2's architecture (``pretrained.orb_v2_architecture``) with other sizes."""
    head, fixed = _head(sizes["latent_dim"])
    return DirectForcefieldRegressor(
        heads={
            "energy": EnergyHead(**head, **fixed, predict_atom_avg=True),
            "forces": ForceHead(
                **head, **fixed, remove_mean=True, remove_torque_for_nonpbc_systems=True
            ),
            "stress": GraphHead(**head, **fixed, target="stress", node_aggregation="mean"),
        },
        model=_body(**sizes),
        system_config=SystemConfig(radius=RADIUS, max_num_neighbors=MAX_NEIGHBOURS),
    )


def conservative_network(**sizes: int) -> ConservativeForcefieldRegressor:
    """The same body, with an energy alone, whose gradients are taken."""
    head, fixed = _head(sizes["latent_dim"])
    return ConservativeForcefieldRegressor(
        heads={"energy": EnergyHead(**head, **fixed, predict_atom_avg=True)},
        model=_body(**sizes),
        ensure_grad_loss_weights=False,
        online_normalisation=False,
        system_config=SystemConfig(radius=RADIUS, max_num_neighbors=ALL_NEIGHBOURS),
    )


def _head(latent_dim: int) -> tuple[dict[str, int], dict[str, Any]]:
    """What all heads are built with."""
    head = {"latent_dim": latent_dim, "num_mlp_layers": 1, "mlp_hidden_dim": latent_dim}
    return head, {"online_normalisation": False, "activation": "ssp"}


def _body(latent_dim: int, mlp_hidden_dim: int, message_passing_steps: int) -> MoleculeGNS:
    return MoleculeGNS(
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
    )


class OrbPotential(TrainablePotential[AtomGraphs]):
    """A direct Orb of any size, without rotational symmetry; forces are predicted."""

    architecture: ClassVar[str] = "direct"
    section: ClassVar[type[Section]] = Sizes
    settable: ClassVar[Mapping[str, str]] = {
        "channels": "latent_dim",
        "layers": "message_passing_steps",
    }
    module: DirectForcefieldRegressor | ConservativeForcefieldRegressor

    def __init__(
        self,
        module: Regressor,
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
    def build(
        cls, size: str, statistics: Statistics, *, name: str, device: str, **changed: Any
    ) -> "OrbPotential":
        sizes = _SIZES[size] | cls.changes(changed)
        sizes["mlp_hidden_dim"] = 2 * sizes["latent_dim"]
        student = cls._empty(sizes, statistics.elements, name=name, device=device)
        _normalise(student.module, statistics)
        return student

    @classmethod
    def _network(cls, sizes: dict[str, int]) -> Regressor:
        return direct_network(**sizes)

    @classmethod
    def _empty(
        cls, sizes: dict[str, Any], elements: Sequence[int], *, name: str, device: str
    ) -> "OrbPotential":
        module = cls._network(sizes)
        about = About(
            name=name,
            model="orb",
            elements=frozenset(elements),
            cutoff=RADIUS,
            properties=EFS,
            conservative=isinstance(module, ConservativeForcefieldRegressor),
            equivariant=False,
            licence="MIT",
            citation=f"network of {ORB_CITATION}, made small and trained by Limbeck",
            weights=IN_MEMORY,
            dtype="float32",
            max_neighbours=module.system_config.max_num_neighbors,
        )
        return cls(module, about, device=device, batch_atoms=512, sizes=dict(sizes))

    def _compile(self) -> None:
        # outputs calls predict, which is no forward of the module's
        self.module.model.compile(dynamic=True)

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


class ConservativeOrbPotential(OrbPotential):
    """An Orb without rotational symmetry; forces and stress are gradients of its energy."""

    architecture: ClassVar[str] = "direct_conservative"

    @classmethod
    def _network(cls, sizes: dict[str, int]) -> Regressor:
        return conservative_network(**sizes)

    def outputs(self, batch: AtomGraphs, *, training: bool, stress: bool) -> Outputs:
        self.module.train(training)  # whether gradients flow through its gradients goes by this
        answers = self.module.predict(_to_be_written_into(batch))
        return Outputs(
            energy=answers["energy"].reshape(len(batch.n_node)),
            forces=answers["grad_forces"],
            stress=answers["grad_stress"] if stress and self.about.has_stress else None,
        )


def _normalise(module: Regressor, statistics: Statistics) -> None:
    """Give the heads the scale of the training set, and energies an offset per element."""
    heads = module.heads
    with torch.no_grad():
        weight = heads["energy"].reference.linear.weight
        weight.zero_()
        offsets = torch.as_tensor(statistics.reference_energies, dtype=weight.dtype)
        # The table has a column for each atomic number; elements that were not trained on stay at
        # zero.
        weight.view(-1)[statistics.elements] = offsets
        # Of an energy that is there for its gradients, the scale is that of the forces.
        own = statistics.energy_std if "forces" in heads else statistics.forces_rms
        scales = {
            "energy": (statistics.energy_mean, own),
            "forces": (0.0, statistics.forces_rms),
            "stress": (0.0, statistics.stress_rms),
        }
        for name in heads:
            mean, std = scales[name]
            # The heads are batch norms with "online_normalisation" off: the statistics are set
            # once, and stay.
            heads[name].normalizer.bn.running_mean.fill_(mean)
            heads[name].normalizer.bn.running_var.fill_(std**2)


def _to_be_written_into(batch: AtomGraphs) -> AtomGraphs:
    """A copy of the tables: a conservative model puts vectors and strains of its own into them."""
    nodes = {**batch.node_features, "positions": batch.positions.detach().clone()}
    return batch._replace(
        node_features=nodes,
        edge_features=dict(batch.edge_features),
        system_features=dict(batch.system_features),
    )


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
