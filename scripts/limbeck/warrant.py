"""The warrant engine: views, answers, and how sure one can be of their spread.

It knows nothing of atoms: an answer is an array, and a cluster is whatever was drawn independently
of the others.

Every figure is a ratio of sums: what was found, over how many components it was found in. A
mean square is one, a mean absolute error is one, and so is the difference of two errors.
Its interval comes from a bootstrap over clusters, since members of a cluster (the frames of one
trajectory) are alike, and resampling members promises far more than it holds.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from limbeck.errors import LimbeckError
from limbeck.seeds import generator

#: Resamples of an interval; the ends then repeat to a few percent of its width.
DRAWS = 4000
#: Below this many clusters no interval is given: resampling two or three things says nothing.
MINIMUM_CLUSTERS = 5


class Estimate(NamedTuple):
    """A figure and the ends of its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float

    def root(self) -> "Estimate":
        """The square root: of a mean square, the root mean square."""
        return Estimate(*(float(np.sqrt(v)) for v in self))

    def times(self, factor: float) -> "Estimate":
        """In another unit; the factor is positive."""
        return Estimate(*(v * factor for v in self))


def spread(answers: np.ndarray, *, whole: bool = False) -> np.ndarray:
    """Variance over views. [K,...] -> [...].

    Of K views drawn independently it is unbiased: it divides by K - 1, so that its expectation does
    not depend on K. Where the views are all there are, it divides by K, and is exact.

    Raises:
        LimbeckError: there are fewer than two views.
    """
    if len(answers) < 2:
        raise LimbeckError(f"a spread needs at least 2 views, got {len(answers)}")
    return np.var(answers, axis=0, ddof=0 if whole else 1)


class Decomposition(NamedTuple):
    """mean_g |f_g - t|^2  =  |mean_g f_g - t|^2  +  mean_g |f_g - mean_g f_g|^2."""

    mean_square_error: np.ndarray
    square_error_of_mean: np.ndarray
    spread: np.ndarray


def decompose(answers: np.ndarray, truth: np.ndarray) -> Decomposition:
    """The three terms for the views at hand (the spread divides by K). [K,...], [...] -> [...]."""
    mean = answers.mean(axis=0)
    return Decomposition(
        mean_square_error=((answers - truth) ** 2).mean(axis=0),
        square_error_of_mean=(mean - truth) ** 2,
        spread=((answers - mean) ** 2).mean(axis=0),
    )


def ratio(
    sums: np.ndarray,
    weights: np.ndarray,
    clusters: np.ndarray,
    *,
    signed: bool = False,
    draws: int = DRAWS,
) -> Estimate:
    """sum(sums) / sum(weights), with a 95 % studentised bootstrap interval over clusters.

    A resample gives every cluster a count (multinomial), and t = (theta* - theta) / s*, where
    theta* is the resample's ratio and s* its own linearised standard error; the interval runs from
    theta - s t(97.5 %) to theta - s t(2.5 %) (Efron and Tibshirani 1993, chapter 12). A few
    clusters with large values are the rule, and they move the estimate and its standard error
    together: percentiles and BCa do not see that, and stay below the truth too often. With 20
    and 40 clusters of very unequal size, and mean squares whose logarithm spreads by 0.5, it held
    the truth in 92 and 94 % of 1500 trials (percentiles 87 and 92 %), at a spread of 1 in 91 and
    92 % (82 and 87 %), at 1.5 in 85 and 88 % (70 and 78 %). What no cluster of the sample shows (a
    rare bad one) no bootstrap can know of. s* is held above s / 5, so that a resample which by
    chance lacks all spread cannot send an end to infinity.

    Args:
        sums: float [M], e.g. of squares, over the components of each input.
        weights: float [M], how many components; inputs of weight 0 are left out.
        clusters: [M], labels.
        signed: the ratio may be negative (a difference); else the interval stops at zero.
        draws: number of resamples.

    Returns:
        NaN with no input; no interval with fewer than :data:`MINIMUM_CLUSTERS` clusters.
    """
    used = np.asarray(weights) > 0
    if not used.any():
        return Estimate(np.nan, np.nan, np.nan)
    s, w = cluster_sums(np.asarray(clusters)[used], sums[used], weights[used])
    value = float(s.sum() / w.sum())
    if len(s) < MINIMUM_CLUSTERS:
        return Estimate(value, np.nan, np.nan)
    low, high = _interval(s, w, draws)
    return Estimate(value, low if signed else max(low, 0.0), high)


def cluster_sums(clusters: np.ndarray, *values: np.ndarray) -> list[np.ndarray]:
    """Sums of each of ``values`` [M] over the members of each cluster, [R] each."""
    member_of = np.unique(clusters, return_inverse=True)[1]
    return [np.bincount(member_of, weights=v) for v in values]


def _interval(s: np.ndarray, w: np.ndarray, draws: int) -> tuple[float, float]:
    """Ends of the interval of sum(s) / sum(w), from sums by cluster [R]."""
    clusters = len(s)
    value = float(s.sum() / w.sum())
    away = s - value * w  # [R], how far each cluster pulls; sums to zero
    _, (error,) = _studentised(np.ones((1, clusters)), away, w)
    if error == 0:
        return value, value
    moved, errors = _studentised(_resamples(clusters, draws), away, w)  # [draws]
    t = moved / np.maximum(errors, error / 5)
    high, low = value - error * np.quantile(t, [0.025, 0.975])
    return float(low), float(high)


@lru_cache(maxsize=4)
def _resamples(clusters: int, draws: int) -> np.ndarray:
    """How often each cluster stands in each resample; the same for all figures. [draws,R]"""
    rng = generator(0, f"warrant/bootstrap/{clusters}")
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=draws).astype(float)


def _studentised(counts: np.ndarray, s: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ratio and its linearised standard error for each row of counts [D,R]."""
    clusters = len(s)
    weights = counts @ w  # [D]
    theta = (counts @ s) / weights
    # sum of count * (s - theta w)^2: the squared influence of each cluster on the ratio
    squares = counts @ s**2 - 2 * theta * (counts @ (s * w)) + theta**2 * (counts @ w**2)
    return theta, np.sqrt(np.maximum(squares, 0) * clusters / (clusters - 1)) / weights
