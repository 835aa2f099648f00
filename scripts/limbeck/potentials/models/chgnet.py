"""CHGNet: a charge-informed graph network with trained weights inside its package.

Deng et al., Nature Machine Intelligence 5, 1031 (2023).
"""

import contextlib
import io
from dataclasses import dataclass

import numpy as np
import torch
from chgnet.graph import CrystalGraph, CrystalGraphConverter
from chgnet.model import CHGNet
from pymatgen.core import Lattice, Structure

from limbeck.config.sections.potentials import Chgnet
from limbeck.frames import Frames
from limbeck.geometry import stress_to_voigt
from limbeck.potentials.interface import About, Potential
from limbeck.potentials.weights import package
from limbeck.properties import EFS, Predictions

EV_PER_A3_IN_GPA = 160.21766208  # CHGNet's own constant, undone exactly
_CITATION = "Deng et al., Nat. Mach. Intell. 5, 1031 (2023)"
#: what the weights of a version are from, beside CHGNet itself
FURTHER = {"r2scan": "; Huang et al., npj Comput. Mater. (2025), arXiv:2504.05565"}


@dataclass(frozen=True)
class ChgnetBatch:
    """Graphs of B frames, and the handedness [B] of their cells: 1 or -1."""

    graphs: list[CrystalGraph]
    signs: np.ndarray
    periodic: bool


class ChgnetPotential(Potential[ChgnetBatch]):
    """CHGNet; forces and stress are gradients of the energy."""

    def __init__(self, settings: Chgnet, *, device: str) -> None:
        version = settings.version
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its version
            self.module = CHGNet.load(model_name=version, use_device=device, verbose=False)
        self.module.eval().requires_grad_(False)
        converter = self.module.graph_converter
        self.converter = CrystalGraphConverter(
            atom_graph_cutoff=converter.atom_graph_cutoff,
            bond_graph_cutoff=converter.bond_graph_cutoff,
            algorithm="fast",
            on_isolated_atoms="error",
        )
        self.device = torch.device(device)
        self.batch_atoms = settings.most_atoms
        self.about = About(
            name=settings.name,
            model="chgnet",
            # The 89 elements of its training set, MPtrj: those up to Pu without Po, At, Rn, Fr and
            # Ra.
            elements=frozenset(range(1, 95)) - {84, 85, 86, 87, 88},
            cutoff=float(converter.atom_graph_cutoff),
            properties=EFS,
            conservative=True,
            equivariant=True,
            licence="BSD-3-Clause-LBNL",
            citation=_CITATION + FURTHER.get(version, ""),
            weights=f"{package('chgnet')} {version}",
            dtype="float32",
        )

    def batch_of(self, frames: Frames) -> ChgnetBatch:
        periodic = bool(frames.periodic.any())
        graphs = [
            self.converter(self._structure(frames, b, periodic)).to(self.device)
            for b in range(len(frames))
        ]
        cells = np.stack([g.lattice.detach().cpu().numpy() for g in graphs])
        signs = np.sign(np.linalg.det(cells))
        return ChgnetBatch(graphs=graphs, signs=signs, periodic=periodic)

    def _structure(self, frames: Frames, frame: int, periodic: bool) -> Structure:
        rows = frames.atoms_of(frame)
        positions = frames.positions[rows]
        if periodic:
            cell = frames.cell[frame]
        else:
            # CHGNet knows crystals alone: a box in which no atom comes within the cut-off of
            # an image, with a margin of 1 A.
            extent = positions.max(axis=0) - positions.min(axis=0)
            cell = np.diag(extent + self.about.cutoff + 1.0)
        return Structure(
            Lattice(cell), frames.numbers[rows].tolist(), positions, coords_are_cartesian=True
        )

    def rotate(self, batch: ChgnetBatch, matrices: np.ndarray) -> ChgnetBatch:
        turned = []
        for graph, matrix in zip(batch.graphs, matrices, strict=True):
            q = torch.as_tensor(matrix, dtype=graph.lattice.dtype, device=self.device)
            # Atoms have fractional coordinates, so that turning the lattice turns the crystal.
            # Rows are vectors: L -> L Q^T.
            turned.append(_with_lattice(graph, graph.lattice.detach() @ q.T))
        signs = batch.signs * np.sign(np.linalg.det(matrices))
        return ChgnetBatch(graphs=turned, signs=signs, periodic=batch.periodic)

    def evaluate(self, batch: ChgnetBatch) -> Predictions:
        # Gradients of the energy, but no weights' gradients: forces without a second graph.
        answers = self.module(batch.graphs, task="efs" if batch.periodic else "ef")
        counts = np.array([len(g.atomic_number) for g in batch.graphs])
        stress = np.full((len(counts), 6), np.nan)
        if batch.periodic:
            tensors = np.stack([_to_numpy(s) for s in answers["s"]]) / EV_PER_A3_IN_GPA
            # CHGNet divides by a signed volume: a left-handed cell turns the sign of its stress.
            stress = stress_to_voigt(tensors) * batch.signs[:, None]
        return Predictions(
            energy=_to_numpy(answers["e"]) * counts,  # CHGNet answers per atom
            forces=np.concatenate([_to_numpy(f) for f in answers["f"]]),
            stress=stress,
        )


def _with_lattice(graph: CrystalGraph, lattice: torch.Tensor) -> CrystalGraph:
    return CrystalGraph(
        atomic_number=graph.atomic_number,
        atom_frac_coord=graph.atom_frac_coord,
        atom_graph=graph.atom_graph,
        atom_graph_cutoff=graph.atom_graph_cutoff,
        neighbor_image=graph.neighbor_image,
        directed2undirected=graph.directed2undirected,
        undirected2directed=graph.undirected2directed,
        bond_graph=graph.bond_graph,
        bond_graph_cutoff=graph.bond_graph_cutoff,
        lattice=lattice.requires_grad_(True),
    )


def _to_numpy(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype(np.float64)
