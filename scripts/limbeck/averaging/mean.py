"""Average a potential's answers over views of each frame, each rotated back into the frame."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from limbeck.frames import Frames
from limbeck.potentials.heartbeat import beat
from limbeck.properties import Predictions, Values, components, turned_back

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential


class Average(NamedTuple):
    """Weighted means over views of B frames with N atoms in all, and the variances about them.

    Attributes:
        mean: of each property.
        variances: by property, float64 [B] or [N], in the square of its unit: of one component (of
            a vector or tensor the mean over all) sum_k w_k |f_k - mean|^2, with weights that sum
            to 1.
    """

    mean: Predictions
    variances: Values


class _Mean:
    """A weighted mean and variance, one view at a time (West, Commun. ACM 22, 532 (1979))."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.mean, self._squares, self._weight = np.zeros(shape), np.zeros(shape), 0.0

    def add(self, value: np.ndarray, weight: float) -> None:
        self._weight += weight
        with np.errstate(invalid="ignore"):  # of infinite answers nothing is left but NaN
            # One pass, without the difference of two large sums of squares. Views need not be held
            # in memory.
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
    means: dict[str, _Mean] = {}
    # Neighbours do not change under rotation, so they are searched once for all views.
    batch = potential.prepare(frames)
    for k, weight in enumerate(weights):
        turns = matrices[:, k]
        answer = potential.evaluate(potential.rotate(batch, turns))
        beat()
        for name, value in turned_back(answer.values, turns, frames.n_atoms).items():
            means.setdefault(name, _Mean(value.shape)).add(value, weight)
    return Average(
        Predictions(values={name: m.mean for name, m in means.items()}),
        # components of a Voigt tensor stand for one or two of the nine: the mean is over all nine
        {name: components(name, m.variance).mean(axis=-1) for name, m in means.items()},
    )


def as_given(answer: Predictions) -> Average:
    """The answer for the frames as they are given, with no variance."""
    return Average(answer, {name: np.zeros(len(value)) for name, value in answer.values.items()})
