"""Rotations and reflections: orthogonal 3x3 matrices Q, a vector r becomes Q r."""

from typing import Any

import numpy as np

from limbeck.frames import Frames
from limbeck.geometry import stress_to_voigt, turn, voigt_to_stress
from limbeck.potentials.interface import Potential, Predictions
from limbeck.symmetry.interface import Symmetry


class Orthogonal(Symmetry):
    """What rotation and reflection share; they differ in the matrices they draw."""

    acts_on_batch = True

    def apply(self, operation: np.ndarray, frame: Frames) -> Frames:
        return turn(frame, np.asarray(operation)[None])

    def restore(self, operation: np.ndarray, answer: Predictions) -> Predictions:
        n_atoms = np.array([len(answer.forces)])
        return turn_back(np.asarray(operation)[None], answer, n_atoms)

    def apply_to_batch(self, potential: Potential, batch: Any, operations: np.ndarray) -> Any:
        return potential.rotate(batch, operations)

    def restore_batch(
        self, operations: np.ndarray, answers: Predictions, n_atoms: np.ndarray
    ) -> Predictions:
        return turn_back(operations, answers, n_atoms)


def turn_back(matrices: np.ndarray, answers: Predictions, n_atoms: np.ndarray) -> Predictions:
    """Answers for turned frames, in the orientation before: e, Q^T f, Q^T S Q.

    Args:
        matrices: float64 [B,3,3], what each frame was turned by.
        answers: of B frames with N atoms in all; ``properties`` are left out, since only who
            made them knows how they turn.
        n_atoms: int [B].
    """
    per_atom = np.repeat(matrices, n_atoms, axis=0)  # [N,3,3]
    stress = voigt_to_stress(answers.stress)  # [B,3,3]; a frame's NaN stay in its own row
    return Predictions(
        energy=answers.energy,
        forces=np.einsum("nji,nj->ni", per_atom, answers.forces),
        stress=stress_to_voigt(np.einsum("bki,bkl,blj->bij", matrices, stress, matrices)),
    )
