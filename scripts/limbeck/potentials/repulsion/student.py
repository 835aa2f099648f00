"""A student of any architecture with the repulsion of near nuclei added to its answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from limbeck.frames import Frames
from limbeck.potentials.interface import IN_MEMORY
from limbeck.potentials.repulsion import zbl
from limbeck.potentials.trainable import Outputs, Statistics, TrainablePotential, predictions
from limbeck.properties import Predictions


@dataclass(frozen=True)
class Both:
    """A graph or a batch of the network, and the pairs of the same frames that are close."""

    inner: Any
    close: zbl.ClosePairs


class WithZbl(TrainablePotential[Both]):
    """The answers of another student and those of :mod:`~limbeck.potentials.repulsion.zbl`.

    The repulsion is part of the answer in training as well, so that the network learns what is
    left. Where no atoms are near, it adds nothing.
    """

    def __init__(self, inner: TrainablePotential[Any]) -> None:
        """``inner`` is marked, so that what it saves says that it has a repulsion."""
        inner.zbl = True
        self.inner, self.zbl = inner, True
        self.device, self.dtype, self.sizes = inner.device, inner.dtype, inner.sizes
        self.module, self.batch_atoms = inner.module, inner.batch_atoms
        self.shortest_ratio = inner.shortest_ratio
        self.about = inner.about
        if inner.about.weights != IN_MEMORY:
            self.about = replace(inner.about, weights=f"{inner.about.weights} zbl")
        # of the architecture, which is known only here
        self.architecture = inner.architecture  # type: ignore[misc]
        self.settable = inner.settable  # type: ignore[misc]
        self.has_descriptors = inner.has_descriptors  # type: ignore[misc]
        self.has_atom_energies = inner.has_atom_energies  # type: ignore[misc]
        self.can_move = inner.can_move  # type: ignore[misc]

    @classmethod
    def build(
        cls, size: str, statistics: Statistics, *, name: str, device: str, **changed: Any
    ) -> "TrainablePotential[Any]":
        """Nothing of its own: it is made of a student that was built."""
        raise NotImplementedError

    @classmethod
    def from_description(
        cls, description: dict[str, Any], *, name: str, device: str
    ) -> "TrainablePotential[Any]":
        """Nothing of its own: it is made of a student that was opened."""
        raise NotImplementedError

    @property
    def built_with(self) -> dict[str, Any]:
        return {**self.inner.built_with, "zbl": True}

    @property
    def parameters(self) -> int:
        return self.inner.parameters

    def normalise(self, frames: Frames) -> None:
        self.inner.normalise(frames)

    def matrices(self) -> list[tuple[torch.nn.Parameter, list[torch.Tensor]]]:
        return self.inner.matrices()

    def compile(self) -> None:
        self.inner.compile()

    def graphs(self, frames: Frames) -> list[Both]:
        both = zip(self.inner.graphs(frames), zbl.close_pairs(frames), strict=True)
        return [Both(graph, close) for graph, close in both]

    def collate(self, graphs: Sequence[Both]) -> Both:
        close = zbl.together([graph.close for graph in graphs], self.device)
        return Both(self.inner.collate([graph.inner for graph in graphs]), close)

    def rotate(self, batch: Both, matrices: np.ndarray) -> Both:
        return Both(self.inner.rotate(batch.inner, matrices), zbl.turned(batch.close, matrices))

    def prepare_wide(self, frames: Frames, skin: float) -> Both:
        """As that of the student, where it has one."""
        inner: Any = self.inner
        close = zbl.close_pairs(self.ready(frames), skin)
        return Both(inner.prepare_wide(frames, skin), zbl.together(close, self.device))

    def moved(self, wide: Both, positions: torch.Tensor, cell: torch.Tensor) -> Both:
        """As that of the student, where it has one."""
        inner: Any = self.inner
        periodic = self.inner.is_periodic(wide.inner)
        close = zbl.moved(wide.close, positions, cell, periodic=periodic)
        return Both(inner.moved(wide.inner, positions, cell), close)

    def outputs(self, batch: Both, *, training: bool, stress: bool) -> Outputs:
        return self._with_repulsion(
            self.inner.outputs(batch.inner, training=training, stress=stress), batch.close
        )

    def evaluate_described(self, batch: Both) -> Predictions:
        described = self.inner.evaluate_described(batch.inner)
        values = predictions(self._answers(batch)).values
        return Predictions(values=described.values | values)

    def is_periodic(self, batch: Both) -> bool:
        return self.inner.is_periodic(batch.inner)

    def save(self, folder: Path) -> None:
        self.inner.shortest_ratio = self.shortest_ratio
        self.inner.save(folder)

    @staticmethod
    def _with_repulsion(answers: Outputs, close: zbl.ClosePairs) -> Outputs:
        if not len(close.first):
            return answers
        more = zbl.repulsion(close)
        added = {"energy": more.energy, "forces": more.forces, "stress": more.stress}
        values = {
            name: value + added[name].to(value) if name in added else value
            for name, value in answers.values.items()
        }
        atoms = answers.atom_energies
        return Outputs(
            **values,
            features=answers.features,
            atom_energies=None if atoms is None else atoms + more.atom_energies.to(atoms),
            sites=answers.sites,
        )
