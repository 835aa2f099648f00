"""What students that see pairs of atoms have in common: neighbours, batches, turns, motion.

An edge leads from a sender to a receiver. Its vector is ``receiver - sender + shift @ cell``.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias

import numpy as np
import torch
from vesin import NeighborList

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.potentials.trainable import Outputs, TrainablePotential

#: edges int64 [2,e], unit shifts [e,3], cell [3,3]
Found: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Around:
    """Points around isolated frames where an electrostatic potential is asked for, Angstrom.

    In double precision, atoms as well: what rounds a coordinate in single precision would turn the
    potential by more than a network that respects rotations does.

    Attributes:
        points: float64 [G,3].
        positions: float64 [N,3], of the atoms.
        frame_of_point: int64 [G].
    """

    points: torch.Tensor
    positions: torch.Tensor
    frame_of_point: torch.Tensor

    def rotated(self, matrices: np.ndarray, frame_of_atom: torch.Tensor) -> "Around":
        """All turned with their frames by matrices [B,3,3]."""
        q = torch.as_tensor(matrices, dtype=torch.float64, device=self.points.device)
        return replace(
            self,
            points=torch.einsum("nij,nj->ni", q[self.frame_of_point], self.points),
            positions=torch.einsum("nij,nj->ni", q[frame_of_atom], self.positions),
        )


@dataclass(frozen=True)
class EdgeGraph:
    """One frame: species [n], positions [n,3], cell [3,3], edges [2,e], unit shifts [e,3], its
    charge, e, and the points around it, if there are any."""

    species: torch.Tensor
    positions: torch.Tensor
    cell: torch.Tensor
    edges: torch.Tensor
    unit_shifts: torch.Tensor
    periodic: bool
    charge: float = 0.0
    around: Around | None = None


@dataclass(frozen=True)
class EdgeBatch:
    """Several graphs: per-atom [N], per-edge [E] and per-frame [B] tensors on the device.

    Edges are in the order of their receivers. Charges are of the frames, e.
    """

    species: torch.Tensor
    positions: torch.Tensor
    cell: torch.Tensor
    edges: torch.Tensor
    unit_shifts: torch.Tensor
    frame_of_atom: torch.Tensor
    pointers: torch.Tensor
    periodic: bool
    charge: torch.Tensor
    around: Around | None = None

    @property
    def vectors(self) -> torch.Tensor:
        """From sender to receiver, [E,3], Angstrom."""
        sender, receiver = self.edges
        vectors = self.positions[receiver] - self.positions[sender]
        if not self.periodic:
            return vectors
        cell_of_edge = self.cell[self.frame_of_atom[sender]]
        return vectors + (self.unit_shifts.unsqueeze(1) @ cell_of_edge).squeeze(1)


class EdgePotential(TrainablePotential[EdgeBatch]):
    """A student that knows of a frame the vectors between neighbours, and the species at each."""

    can_move: ClassVar[bool] = True
    #: species of each atomic number, as its network counts them
    _species: dict[int, int]

    @abstractmethod
    def outputs(self, batch: EdgeBatch, *, training: bool, stress: bool) -> Outputs: ...

    def graphs(self, frames: Frames) -> list[EdgeGraph]:
        return [self._graph(frames, b) for b in range(len(frames))]

    def prepare_wide(self, frames: Frames, skin: float) -> EdgeBatch:
        """Like :meth:`prepare`, with neighbours up to the cut-off plus ``skin`` (Angstrom)."""
        frames = self.ready(frames)
        return self.collate([self._graph(frames, b, skin) for b in range(len(frames))])

    def moved(self, wide: EdgeBatch, positions: torch.Tensor, cell: torch.Tensor) -> EdgeBatch:
        """A wide batch with moved atoms, and only those of its neighbours within the cut-off.

        Args:
            wide: from :meth:`prepare_wide`; stays as it is.
            positions: [N,3], Angstrom, near to what they were, not wrapped.
            cell: [B,3,3], Angstrom, rows are vectors; not looked at where isolated.
        """
        cell = cell.to(self.dtype) if wide.periodic else wide.cell
        moved = replace(wide, positions=positions.to(self.dtype), cell=cell)
        # Pairs in the skin have no message, and would cost as much as the others.
        near = (moved.vectors**2).sum(dim=1) < self.about.cutoff**2
        return replace(moved, edges=wide.edges[:, near], unit_shifts=wide.unit_shifts[near])

    def _neighbours(self, frames: Frames, frame: int, cutoff: float) -> Found:
        """All pairs up to the cut-off (Angstrom), each in both directions."""
        search = NeighborList(cutoff=cutoff, full_list=True, n_threads=1)
        cell, periodic = frames.cell[frame], bool(frames.periodic[frame])
        positions = frames.positions[frames.atoms_of(frame)]
        sender, receiver, shifts = search.compute(positions, cell, periodic, "ijS")
        return np.stack([sender, receiver]).astype(np.int64), shifts, cell

    def _graph(self, frames: Frames, frame: int, skin: float = 0.0) -> EdgeGraph:
        rows = frames.atoms_of(frame)
        edges, unit_shifts, cell = self._neighbours(frames, frame, self.about.cutoff + skin)
        order = np.argsort(edges[1], kind="stable")  # by receiver
        try:
            species = [self._species[int(z)] for z in frames.numbers[rows]]
        except KeyError as error:
            raise LimbeckError(
                f"{self.about.name}: element {error} is not among {sorted(self._species)}"
            ) from error
        return EdgeGraph(
            species=torch.tensor(species),
            positions=torch.as_tensor(frames.positions[rows], dtype=self.dtype),
            cell=torch.as_tensor(cell, dtype=self.dtype),
            edges=torch.as_tensor(edges[:, order], dtype=torch.long),
            unit_shifts=torch.as_tensor(unit_shifts[order], dtype=self.dtype),
            periodic=bool(frames.periodic[frame]),
            charge=float(frames.charge[frame]),
            around=_around(frames, frame) if frames.n_points[frame] else None,
        )

    def collate(self, graphs: Sequence[EdgeGraph]) -> EdgeBatch:
        # Node numbers of each graph are shifted by the atoms before it.
        counts = torch.tensor([len(g.species) for g in graphs])
        pointers = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)])
        edges = [g.edges + start for g, start in zip(graphs, pointers, strict=False)]
        on_device = self.device
        return EdgeBatch(
            species=torch.cat([g.species for g in graphs]).to(on_device),
            positions=torch.cat([g.positions for g in graphs]).to(on_device),
            cell=torch.stack([g.cell for g in graphs]).to(on_device),
            edges=torch.cat(edges, dim=1).to(on_device),
            unit_shifts=torch.cat([g.unit_shifts for g in graphs]).to(on_device),
            frame_of_atom=torch.repeat_interleave(torch.arange(len(graphs)), counts).to(on_device),
            pointers=pointers.to(on_device),
            periodic=graphs[0].periodic,
            charge=torch.tensor([g.charge for g in graphs], dtype=self.dtype).to(on_device),
            around=_together(graphs, on_device) if any(g.around for g in graphs) else None,
        )

    def rotate(self, batch: EdgeBatch, matrices: np.ndarray) -> EdgeBatch:
        q = torch.as_tensor(matrices, dtype=self.dtype, device=self.device)
        return replace(
            batch,
            positions=torch.einsum("nij,nj->ni", q[batch.frame_of_atom], batch.positions),
            cell=torch.einsum("bij,bkj->bki", q, batch.cell),
            around=batch.around and batch.around.rotated(matrices, batch.frame_of_atom),
        )

    def is_periodic(self, batch: EdgeBatch) -> bool:
        return batch.periodic


def _around(frames: Frames, frame: int) -> Around:
    points = torch.as_tensor(frames.points[frames.points_of(frame)])
    positions = torch.as_tensor(frames.positions[frames.atoms_of(frame)])
    return Around(points, positions, torch.zeros(len(points), dtype=torch.long))


def _together(graphs: Sequence[EdgeGraph], device: torch.device) -> Around:
    """The points of all frames, some of which may have none."""
    none = torch.zeros(0, 3, dtype=torch.float64)
    points = [none if g.around is None else g.around.points for g in graphs]
    exact = [g.positions.double() if g.around is None else g.around.positions for g in graphs]
    counts = torch.tensor([len(of_one) for of_one in points])
    return Around(
        torch.cat(points).to(device),
        torch.cat(exact).to(device),
        torch.repeat_interleave(torch.arange(len(graphs)), counts).to(device),
    )


def voigt(stress: torch.Tensor) -> torch.Tensor:
    """[B,3,3] -> [B,6] in the order xx yy zz yz xz xy."""
    rows, columns = [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]
    return ((stress + stress.transpose(1, 2)) / 2)[:, rows, columns]
