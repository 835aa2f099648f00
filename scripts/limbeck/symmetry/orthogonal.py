"""Rotations and reflections: orthogonal 3x3 matrices Q, a vector r becomes Q r."""

from typing import Any

import numpy as np

from limbeck.frames import Frames
from limbeck.geometry import turn
from limbeck.properties import Predictions, turned_back
from limbeck.symmetry.interface import Symmetry


class Orthogonal(Symmetry):
    """Base of rotation and reflection, which differ only in the matrices they draw."""

    acts_on_batch = True

    def apply(self, operation: np.ndarray, frame: Frames) -> Frames:
        return turn(frame, np.asarray(operation)[None])

    def restore(self, operation: np.ndarray, answer: Predictions) -> Predictions:
        n_atoms = np.array([len(answer.forces)])
        return self.restore_batch(np.asarray(operation)[None], answer, n_atoms)

    def apply_to_batch(self, potential: Any, batch: Any, operations: np.ndarray) -> Any:
        return potential.rotate(batch, operations)

    def restore_batch(
        self, operations: np.ndarray, answers: Predictions, n_atoms: np.ndarray
    ) -> Predictions:
        return Predictions(values=turned_back(answers.values, operations, n_atoms))
