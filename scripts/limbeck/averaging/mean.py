"""A potential's answers averaged over views of each frame, each brought back into the frame."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from limbeck.frames import Frames
from limbeck.symmetry.orthogonal import turn_back

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential, Predictions


class Average(NamedTuple):
    """Weighted means over views of B frames with N atoms in all, and the variances about them.

    Attributes:
        energy: float64 [B], eV; forces: float64 [N,3], eV/Angstrom; stress: float64 [B,6],
            eV/Angstrom^3, Voigt, NaN where there is none.
        energy_variance: float64 [B], eV^2.
        forces_variance: float64 [N], of a component, the mean of three, (eV/Angstrom)^2.
            Both are sum_k w_k |f_k - mean|^2, with weights of sum 1.
    """

    energy: np.ndarray
    forces: np.ndarray
    stress: np.ndarray
    energy_variance: np.ndarray
    forces_variance: np.ndarray


class _Mean:
    """A weighted mean and variance, one view at a time (West, Commun. ACM 22, 532 (1979))."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.mean, self._squares, self._weight = np.zeros(shape), np.zeros(shape), 0.0

    def add(self, value: np.ndarray, weight: float) -> None:
        self._weight += weight
        with np.errstate(invalid="ignore"):  # of infinite answers nothing is left but NaN
            away = value - self.mean
            self.mean = self.mean + away * (weight / self._weight)
            self._squares += weight * away * (value - self.mean)

    @property
    def variance(self) -> np.ndarray:
        return self._squares / self._weight


def average(
    potential: "Potential[Any]", frames: Frames, matrices: np.ndarray, weights: np.ndarray
) -> Average:
    """The mean over K views of frames that make one batch: prepared once, turned K times.

    Args:
        frames: B frames, all periodic or all isolated.
        matrices: float64 [B,K,3,3], orthogonal, proper or not.
        weights: float64 [K], of sum 1.
    """
    energy = _Mean((len(frames),))
    forces = _Mean((len(frames.numbers), 3))
    stress = _Mean((len(frames), 6))
    batch = potential.prepare(frames)
    for k, weight in enumerate(weights):
        turns = matrices[:, k]
        answer = potential.evaluate(potential.rotate(batch, turns))
        answer = turn_back(turns, answer, frames.n_atoms)
        energy.add(answer.energy, weight)
        forces.add(answer.forces, weight)
        stress.add(answer.stress, weight)
    return Average(
        energy.mean, forces.mean, stress.mean, energy.variance, forces.variance.mean(axis=1)
    )


def as_given(answer: "Predictions") -> Average:
    """The answer for the frames as they are given, with no variance."""
    return Average(
        answer.energy,
        answer.forces,
        answer.stress,
        np.zeros(len(answer.energy)),
        np.zeros(len(answer.forces)),
    )
