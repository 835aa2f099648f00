"""MACE: an equivariant message-passing potential of mace-torch.

Batatia et al., "MACE: Higher Order Equivariant Message Passing Neural Networks for Fast and
Accurate Force Fields", NeurIPS 2022, arXiv:2206.07697.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field

from limbeck.config.sections.base import Section
from limbeck.config.sections.messages import validated
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.potentials.interface import IN_MEMORY, About
from limbeck.potentials.models.mace_convolution import with_fast_convolutions
from limbeck.potentials.trainable import Outputs, Statistics, TrainablePotential, predictions
from limbeck.potentials.weights import left_as_it_was
from limbeck.properties import EFS, Predictions

#: Importing mace sets it, and so turns every torch.load of the process into unpickling: an import
#: of ours must not, and one of the user's must stay.
UNPICKLING = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
with left_as_it_was(UNPICKLING):
    from mace import modules
    from mace.data.neighborhood import get_neighborhood

MACE_CITATION = "Batatia et al., arXiv:2206.07697 (2022)"
MODEL_FILE = "model.model"  # what other programs read: ase, torch-sim, mace_create_lammps_model
DTYPES = {"float32": torch.float32, "float64": torch.float64}

_SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"channels": 8, "max_ell": 2, "correlation": 2, "cutoff": 4.0, "radial_mlp": [16]},
    "small": {"channels": 16, "max_ell": 2, "correlation": 2, "cutoff": 4.5, "radial_mlp": [32]},
    "demo": {"channels": 32, "max_ell": 2, "correlation": 2, "cutoff": 5.0, "radial_mlp": [64]},
}


Width = Annotated[int, Field(ge=1, le=4096)]


class Sizes(Section):
    """What a network is built with, as ``model.json`` has it; in eV and Angstrom."""

    channels: Width
    max_ell: Annotated[int, Field(ge=0, le=6)]
    correlation: Annotated[int, Field(ge=1, le=6)]
    cutoff: Annotated[float, Field(gt=0, le=50)]
    radial_mlp: Annotated[list[Width], Field(min_length=1, max_length=8)]
    reference_energies: list[float]
    mean_neighbours: Annotated[float, Field(gt=0)]
    scale: Annotated[float, Field(ge=0)]
    shift: float


@dataclass(frozen=True)
class MaceGraph:
    """One frame: numbers [n], positions [n,3], cell [3,3], edges [2,e], unit shifts [e,3]."""

    species: torch.Tensor
    positions: torch.Tensor
    cell: torch.Tensor
    edges: torch.Tensor
    unit_shifts: torch.Tensor
    periodic: bool


@dataclass(frozen=True)
class MaceBatch:
    """Several graphs: per-atom [N], per-edge [E] and per-frame [B] tensors on the device."""

    species: torch.Tensor
    positions: torch.Tensor
    cell: torch.Tensor
    edges: torch.Tensor
    unit_shifts: torch.Tensor
    frame_of_atom: torch.Tensor
    pointers: torch.Tensor
    periodic: bool


class MacePotential(TrainablePotential[MaceBatch]):
    """An equivariant MACE; forces and stress are gradients of its energy."""

    architecture: ClassVar[str] = "mace"
    has_descriptors: ClassVar[bool] = True
    can_move: ClassVar[bool] = True

    def __init__(
        self,
        module: torch.nn.Module,
        about: About,
        *,
        device: str,
        batch_atoms: int,
        sizes: dict[str, Any] | None = None,
        head: int = 0,
    ) -> None:
        self.module = module.to(device)
        self.head = head  # of a model trained on several levels of theory, which one answers
        self.about = about
        self.device = torch.device(device)
        self.batch_atoms = batch_atoms
        self.sizes = sizes or {}
        self.dtype = next(module.parameters()).dtype
        self._species = {
            int(z): i for i, z in enumerate(module.get_buffer("atomic_numbers").tolist())
        }

    @classmethod
    def build(cls, size: str, statistics: Statistics, *, name: str, device: str) -> "MacePotential":
        sizes = _SIZES[size] | {
            "reference_energies": [float(e) for e in statistics.reference_energies],
            "mean_neighbours": 12.0,
            "scale": statistics.forces_rms,
            "shift": statistics.energy_mean,
        }
        return cls._empty(sizes, statistics.elements, name=name, device=device)

    @classmethod
    def from_description(
        cls, description: dict[str, Any], *, name: str, device: str
    ) -> "MacePotential":
        validated(Sizes, description["sizes"], "sizes")
        return cls._empty(description["sizes"], description["elements"], name=name, device=device)

    @classmethod
    def _empty(
        cls, sizes: dict[str, Any], elements: Sequence[int], *, name: str, device: str
    ) -> "MacePotential":
        about = About(
            name=name,
            model="mace",
            elements=frozenset(elements),
            cutoff=float(sizes["cutoff"]),
            properties=EFS,
            conservative=True,
            equivariant=True,
            licence="MIT",
            citation=f"network of {MACE_CITATION}, trained by Limbeck",
            weights=IN_MEMORY,
            dtype="float32",
        )
        return cls(_network(sizes, elements), about, device=device, batch_atoms=256, sizes=sizes)

    @cached_property
    def _fast(self) -> torch.nn.Module:
        """The module with fast convolutions, for evaluation without gradients of the weights."""
        # On a CPU only: there they were measured to be faster, on a GPU nothing was yet.
        return with_fast_convolutions(self.module) if self.device.type == "cpu" else self.module

    def graphs(self, frames: Frames) -> list[MaceGraph]:
        return [self._graph(frames, b) for b in range(len(frames))]

    def prepare_wide(self, frames: Frames, skin: float) -> MaceBatch:
        """Like :meth:`prepare`, with neighbours up to the cut-off plus ``skin`` (Angstrom)."""
        frames = self.ready(frames)
        return self.collate([self._graph(frames, b, skin) for b in range(len(frames))])

    def moved(self, wide: MaceBatch, positions: torch.Tensor, cell: torch.Tensor) -> MaceBatch:
        """A wide batch with moved atoms, and only those of its neighbours within the cut-off.

        Args:
            wide: from :meth:`prepare_wide`; stays as it is.
            positions: [N,3], Angstrom, near to what they were, not wrapped.
            cell: [B,3,3], Angstrom, rows are vectors; not looked at where isolated.
        """
        positions = positions.to(self.dtype)
        cell = cell.to(self.dtype) if wide.periodic else wide.cell
        sender, receiver = wide.edges
        # edge vector: receiver - sender + shift @ cell, as in mace-torch
        vectors = positions[receiver] - positions[sender]
        if wide.periodic:
            cell_of_edge = cell[wide.frame_of_atom[sender]]
            vectors = vectors + (wide.unit_shifts.unsqueeze(1) @ cell_of_edge).squeeze(1)
        # Pairs in the skin have no message, and would cost as much as the others.
        near = (vectors**2).sum(dim=1) < self.about.cutoff**2
        return replace(
            wide,
            positions=positions,
            cell=cell,
            edges=wide.edges[:, near],
            unit_shifts=wide.unit_shifts[near],
        )

    def _graph(self, frames: Frames, frame: int, skin: float = 0.0) -> MaceGraph:
        rows = frames.atoms_of(frame)
        positions, periodic = frames.positions[rows], bool(frames.periodic[frame])
        edges, _, unit_shifts, cell = get_neighborhood(
            positions,
            cutoff=self.about.cutoff + skin,
            pbc=(periodic, periodic, periodic),
            # get_neighborhood may write into the cell that it is given
            cell=frames.cell[frame].copy(),
        )
        order = np.argsort(edges[1], kind="stable")  # by receiver, as the fast convolutions want
        try:
            species = [self._species[int(z)] for z in frames.numbers[rows]]
        except KeyError as error:
            raise LimbeckError(
                f"{self.about.name}: element {error} is not among {sorted(self._species)}"
            ) from error
        return MaceGraph(
            species=torch.tensor(species),
            positions=torch.as_tensor(positions, dtype=self.dtype),
            cell=torch.as_tensor(cell, dtype=self.dtype),
            edges=torch.as_tensor(edges[:, order], dtype=torch.long),
            unit_shifts=torch.as_tensor(unit_shifts[order], dtype=self.dtype),
            periodic=periodic,
        )

    def collate(self, graphs: Sequence[MaceGraph]) -> MaceBatch:
        # Node numbers of each graph are shifted by the atoms before it.
        counts = torch.tensor([len(g.species) for g in graphs])
        pointers = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)])
        edges = [g.edges + start for g, start in zip(graphs, pointers, strict=False)]
        on_device = self.device
        return MaceBatch(
            species=torch.cat([g.species for g in graphs]).to(on_device),
            positions=torch.cat([g.positions for g in graphs]).to(on_device),
            cell=torch.stack([g.cell for g in graphs]).to(on_device),
            edges=torch.cat(edges, dim=1).to(on_device),
            unit_shifts=torch.cat([g.unit_shifts for g in graphs]).to(on_device),
            frame_of_atom=torch.repeat_interleave(torch.arange(len(graphs)), counts).to(on_device),
            pointers=pointers.to(on_device),
            periodic=graphs[0].periodic,
        )

    def rotate(self, batch: MaceBatch, matrices: np.ndarray) -> MaceBatch:
        q = torch.as_tensor(matrices, dtype=self.dtype, device=self.device)
        return replace(
            batch,
            positions=torch.einsum("nij,nj->ni", q[batch.frame_of_atom], batch.positions),
            cell=torch.einsum("bij,bkj->bki", q, batch.cell),
        )

    def outputs(self, batch: MaceBatch, *, training: bool, stress: bool) -> Outputs:
        frame_of_edge = batch.frame_of_atom[batch.edges[0]]
        module = self.module if training else self._fast
        answers = module(
            {
                # MACE sets requires_grad on what it is given; a batch is evaluated in many views
                # and must stay as it is.
                "positions": batch.positions.detach().clone(),
                "cell": batch.cell,
                "edge_index": batch.edges,
                "unit_shifts": batch.unit_shifts,
                "shifts": torch.einsum("ei,eij->ej", batch.unit_shifts, batch.cell[frame_of_edge]),
                "node_attrs": torch.nn.functional.one_hot(batch.species, len(self._species)).to(
                    self.dtype
                ),
                "batch": batch.frame_of_atom,
                "head": torch.full_like(batch.pointers[1:], self.head),
                "ptr": batch.pointers,
            },
            training=training,
            compute_stress=stress,
        )
        return Outputs(
            energy=answers["energy"],
            forces=answers["forces"],
            stress=_voigt(answers["stress"]) if stress else None,
            features=answers["node_feats"],
        )

    def evaluate_described(self, batch: MaceBatch) -> Predictions:
        """Like mace's own ``get_descriptors``: the scalars among the features of every layer."""
        answers = self._answers(batch)
        assert answers.features is not None  # outputs gives them
        scalars = answers.features.detach()[:, _scalars(self.module)].cpu().numpy()
        found = predictions(answers)
        return Predictions(values=found.values, descriptors=scalars)

    def is_periodic(self, batch: MaceBatch) -> bool:
        return batch.periodic

    def save(self, folder: Path) -> None:
        super().save(folder)
        # A pickle, as all MACE files; Limbeck itself reads the safetensors beside it.
        torch.save(self.module, folder / MODEL_FILE)


def _network(sizes: dict[str, Any], elements: Sequence[int]) -> torch.nn.Module:
    from e3nn import o3  # loads only after mace, which lets e3nn open its table of constants

    residual = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
    first = modules.interaction_classes["RealAgnosticInteractionBlock"]
    return modules.ScaleShiftMACE(
        atomic_inter_scale=sizes["scale"],
        atomic_inter_shift=sizes["shift"],
        r_max=sizes["cutoff"],
        num_bessel=8,
        num_polynomial_cutoff=5,
        max_ell=sizes["max_ell"],
        interaction_cls=residual,
        interaction_cls_first=first,
        num_interactions=2,
        num_elements=len(elements),
        # Scalars between the layers (max_L = 0): the case that the fast convolutions cover.
        hidden_irreps=o3.Irreps(f"{sizes['channels']}x0e"),
        MLP_irreps=o3.Irreps("16x0e"),
        atomic_energies=np.array(sizes["reference_energies"]),
        avg_num_neighbors=sizes["mean_neighbours"],
        atomic_numbers=sorted(elements),
        correlation=sizes["correlation"],
        gate=torch.nn.functional.silu,
        radial_MLP=sizes["radial_mlp"],
    )


def _scalars(module: torch.nn.Module) -> list[int]:
    """Columns of the features, all layers side by side, that no rotation or reflection changes."""
    columns: list[int] = []
    start = 0
    for product in module.get_submodule("products").children():
        for block in product.get_submodule("linear").irreps_out:  # type: ignore[union-attr]
            if (block.ir.l, block.ir.p) == (0, 1):
                # l = 0 with even parity: scalars, not pseudoscalars
                columns += range(start, start + block.dim)
            start += block.dim
    return columns


def _voigt(stress: torch.Tensor) -> torch.Tensor:
    """[B,3,3] -> [B,6] in the order xx yy zz yz xz xy."""
    rows, columns = [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]
    return ((stress + stress.transpose(1, 2)) / 2)[:, rows, columns]
