"""MACE: an equivariant message-passing potential of mace-torch.

Batatia et al., "MACE: Higher Order Equivariant Message Passing Neural Networks for Fast and
Accurate Force Fields", NeurIPS 2022, arXiv:2206.07697.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field

from limbeck.config.sections.base import Section
from limbeck.frames import Frames
from limbeck.potentials.interface import About
from limbeck.potentials.models.edges import EdgeBatch, EdgePotential, Found, voigt
from limbeck.potentials.models.mace_convolution import with_fast_convolutions
from limbeck.potentials.trainable import Outputs, Statistics, about_new, predictions
from limbeck.potentials.weights import left_as_it_was
from limbeck.properties import Predictions

#: Importing mace sets it, and so turns every torch.load of the process into unpickling: an import
#: of ours must not, and one of the user's must stay.
UNPICKLING = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
with left_as_it_was(UNPICKLING):
    from mace import modules
    from mace.data.neighborhood import get_neighborhood

MACE_CITATION = "Batatia et al., arXiv:2206.07697 (2022)"
MODEL_FILE = "model.model"  # what other programs read: ase, torch-sim, mace_create_lammps_model

_SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"channels": 8, "max_ell": 2, "correlation": 2, "cutoff": 4.0, "radial_mlp": [16]},
    "small": {"channels": 16, "max_ell": 2, "correlation": 2, "cutoff": 4.5, "radial_mlp": [32]},
    "medium": {"channels": 32, "max_ell": 2, "correlation": 2, "cutoff": 5.0, "radial_mlp": [64]},
}


Width = Annotated[int, Field(ge=1, le=4096)]


class Sizes(Section):
    """What a network is built with, as ``model.json`` has it; in eV and Angstrom."""

    channels: Width
    layers: Annotated[int, Field(ge=1, le=64)] = 2  # files of before it could be set have none
    max_ell: Annotated[int, Field(ge=0, le=6)]
    correlation: Annotated[int, Field(ge=1, le=6)]
    cutoff: Annotated[float, Field(gt=0, le=50)]
    radial_mlp: Annotated[list[Width], Field(min_length=1, max_length=8)]
    reference_energies: list[float]
    mean_neighbours: Annotated[float, Field(gt=0)]
    scale: Annotated[float, Field(ge=0)]
    shift: float


class MacePotential(EdgePotential):
    """An equivariant MACE; forces and stress are gradients of its energy."""

    architecture: ClassVar[str] = "mace"
    settable: ClassVar[Mapping[str, str]] = {
        "channels": "channels",
        "layers": "layers",
        "cutoff_A": "cutoff",
    }
    section: ClassVar[type[Section]] = Sizes
    has_descriptors: ClassVar[bool] = True
    has_atom_energies: ClassVar[bool] = True

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
    def build(
        cls, size: str, statistics: Statistics, *, name: str, device: str, **changed: Any
    ) -> "MacePotential":
        sizes = _SIZES[size] | {
            "layers": 2,
            "reference_energies": [float(e) for e in statistics.reference_energies],
            "mean_neighbours": 12.0,
            "scale": statistics.forces_rms,
            "shift": statistics.energy_mean,
            **cls.changes(changed),
        }
        return cls._empty(sizes, statistics.elements, name=name, device=device)

    @classmethod
    def _empty(
        cls, sizes: dict[str, Any], elements: Sequence[int], *, name: str, device: str
    ) -> "MacePotential":
        about = about_new(
            "mace", elements, name=name, cutoff=sizes["cutoff"], citation=MACE_CITATION
        )
        return cls(_network(sizes, elements), about, device=device, batch_atoms=256, sizes=sizes)

    @cached_property
    def _fast(self) -> torch.nn.Module:
        """The module with fast convolutions, for evaluation without gradients of the weights."""
        # On a CPU only: there they were measured to be faster, on a GPU nothing was yet.
        return with_fast_convolutions(self.module) if self.device.type == "cpu" else self.module

    def _neighbours(self, frames: Frames, frame: int, cutoff: float) -> Found:
        """As mace-torch finds them: for an isolated frame, with a cell of its own making."""
        periodic = bool(frames.periodic[frame])
        edges, _, unit_shifts, cell = get_neighborhood(
            frames.positions[frames.atoms_of(frame)],
            cutoff=cutoff,
            pbc=(periodic, periodic, periodic),
            # get_neighborhood may write into the cell that it is given
            cell=frames.cell[frame].copy(),
        )
        return edges, unit_shifts, cell

    def outputs(self, batch: EdgeBatch, *, training: bool, stress: bool) -> Outputs:
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
            stress=voigt(answers["stress"]) if stress else None,
            features=answers["node_feats"],
            atom_energies=answers["node_energy"],
        )

    def evaluate_described(self, batch: EdgeBatch) -> Predictions:
        """Like mace's own ``get_descriptors``: the scalars among the features of every layer."""
        answers = self._answers(batch)
        assert answers.features is not None  # outputs gives them
        scalars = answers.features.detach()[:, _scalars(self.module)].cpu().numpy()
        found = predictions(answers)
        return Predictions(values=found.values, descriptors=scalars)

    def matrices(self) -> list[tuple[torch.nn.Parameter, list[torch.Tensor]]]:
        """Those inside the flat weights of e3nn's linear layers as well."""
        found = super().matrices()
        for layer in self.module.modules():
            weight = getattr(layer, "weight", None)
            if isinstance(weight, torch.nn.Parameter) and hasattr(layer, "instructions"):
                inside = _matrices(layer)
                found += [(weight, inside)] if inside else []
        return found

    def save(self, folder: Path) -> None:
        super().save(folder)
        if self.zbl:  # of which a .model knows nothing: it would be another potential
            return
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
        num_interactions=sizes["layers"],
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
            width = block.mul * block.ir.dim  # cuequivariance's blocks know no other
            if (block.ir.l, block.ir.p) == (0, 1):
                # l = 0 with even parity: scalars, not pseudoscalars
                columns += range(start, start + width)
            start += width
    return columns


def _matrices(layer: Any) -> list[torch.Tensor]:
    """Views of the weight of a linear layer or a tensor product of e3nn, where all of it is
    matrices: [in, out], or [in, other, out], one for each of the other, which is an element."""
    found = []
    start = 0
    shapes = (instruction.path_shape for instruction in layer.instructions)
    for shape in (shape for shape in shapes if len(shape) > 1):  # a bias has a weight of its own
        size = math.prod(shape)
        block = layer.weight.detach()[start : start + size].view(shape)
        found += [block] if len(shape) == 2 else list(block.unbind(1))
        start += size
    return found if all(min(matrix.shape) > 1 for matrix in found) else []
