"""Training batches: graphs are made once, and collated anew in every epoch."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from limbeck.datasets.split import Dataset
from limbeck.frames import atom_rows
from limbeck.geometry import near_origin, voigt_to_stress
from limbeck.potentials.trainable import TrainablePotential
from limbeck.properties import property_of, select

#: beyond so many atoms graphs are made anew in every epoch, since they no longer fit in memory
CACHED_ATOMS = 2_000_000


@dataclass(frozen=True)
class Targets:
    """Labels of a batch on the device.

    Attributes:
        values: by property; energy [B] and forces [N,3] always, others where some frames have them,
            NaN in the rest. Tensors of rank 2, as the stress, are [B,3,3].
        known: by property that not all rows have, as a stress: int64, the rows that have it.
        forces_scale: [N,1], eV/Angstrom, the unit in which a force error of the atom counts.
        forces_weight: [N,1], no unit, how much it counts; None where all count the same.
        n_atoms: [B].
    """

    values: dict[str, torch.Tensor]
    forces_scale: torch.Tensor
    forces_weight: torch.Tensor | None
    n_atoms: torch.Tensor
    known: dict[str, torch.Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.n_atoms)

    def turned(self, matrices: np.ndarray) -> "Targets":
        """The labels of the frames turned by orthogonal matrices [B,3,3]."""
        like = self.values["forces"]
        q = torch.as_tensor(matrices, dtype=like.dtype, device=like.device)
        per_atom = q.repeat_interleave(self.n_atoms, dim=0)
        turned = {}
        for name, value in self.values.items():
            of = property_of(name)
            turn = per_atom if of.per_atom else q
            if of.rank == 1:
                value = torch.einsum("nij,nj->ni", turn, value)
            elif of.rank == 2:
                value = turn @ value @ turn.transpose(1, 2)
            # the sign of the determinant, as in properties.turned_back
            if of.parity < 0:
                value = value * torch.linalg.det(turn).sign().view(-1, *[1] * (value.ndim - 1))
            turned[name] = value
        return replace(self, values=turned)


class Batches:
    """A data set as batches of a student. Isolated and periodic frames never share one."""

    def __init__(
        self,
        student: TrainablePotential[Any],
        data: Dataset,
        batch_size: int,
        forces_scales: dict[bytes, float],
        forces_weights: np.ndarray | None = None,
    ) -> None:
        """See :class:`Targets`.

        Args:
            forces_scales: by source, 1 for a source that it lacks.
            forces_weights: [N], by atom.
        """
        self.student = student
        self._forces_weight = None if forces_weights is None else forces_weights[:, None]
        scales = [forces_scales.get(source, 1.0) for source in data.frames.source.tolist()]
        self._forces_scale = np.repeat(scales, data.frames.n_atoms)[:, None]  # [N,1]
        self.data = data
        self.batch_size = batch_size
        self.periodic = data.frames.periodic
        cached = len(data.frames.numbers) <= CACHED_ATOMS
        self._graphs = student.graphs(near_origin(data.frames)) if cached else None

    @property
    def per_epoch(self) -> int:
        """Batches that hold every frame once."""
        return sum(1 for _ in self._cut(np.arange(len(self.data))))

    def in_order(self) -> Iterator[tuple[Any, Targets]]:
        """Every frame once, in a fixed order."""
        for index in self._cut(np.arange(len(self.data))):
            yield self._batch(index)

    def shuffled(self, rng: np.random.Generator) -> Iterator[tuple[Any, Targets]]:
        """Every frame once, in random batches."""
        # Shuffled twice: the frames in the batches, and then the batches, so that periodic ones do
        # not all come first.
        cuts = list(self._cut(rng.permutation(len(self.data))))
        for i in rng.permutation(len(cuts)):
            yield self._batch(cuts[i])

    def _cut(self, order: np.ndarray) -> Iterator[np.ndarray]:
        # Potentials take batches of one periodicity only.
        for kind in (True, False):
            members = order[self.periodic[order] == kind]
            for start in range(0, len(members), self.batch_size):
                yield members[start : start + self.batch_size]

    def _batch(self, index: np.ndarray) -> tuple[Any, Targets]:
        if self._graphs is None:
            graphs = self.student.graphs(near_origin(self.data.frames.select(index)))
        else:
            graphs = [self._graphs[i] for i in index]
        return self.student.collate(graphs), self._targets(index)

    def _targets(self, index: np.ndarray) -> Targets:
        labels, device = self.data.labels, self.student.device
        dtype = next(self.student.module.parameters()).dtype

        def tensor(values: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(values, dtype=dtype, device=device)

        rows = atom_rows(self.data.frames.offsets, index)
        values = select(labels.values, index, rows)
        has = {n: _known(n, v) for n, v in values.items()}
        weight = self._forces_weight
        return Targets(
            values={n: tensor(_tensors(n, v)) for n, v in values.items() if has[n].any()},
            forces_scale=tensor(self._forces_scale[rows]),
            forces_weight=None if weight is None else tensor(weight[rows]),
            n_atoms=torch.as_tensor(
                self.data.frames.n_atoms[index], dtype=torch.long, device=device
            ),
            known={
                n: torch.as_tensor(np.flatnonzero(rows_of), device=device)
                for n, rows_of in has.items()
                if rows_of.any() and not rows_of.all()
            },
        )


def _known(name: str, values: np.ndarray) -> np.ndarray:
    """Which rows are targets: of energy and forces all, of others those that are numbers. bool."""
    if name in ("energy", "forces"):
        return np.ones(len(values), dtype=bool)
    return np.isfinite(values).all(axis=tuple(range(1, values.ndim)))


def _tensors(name: str, values: np.ndarray) -> np.ndarray:
    """Values with tensors of rank 2 as 3x3 matrices instead of Voigt vectors."""
    return voigt_to_stress(values) if property_of(name).rank == 2 else values
