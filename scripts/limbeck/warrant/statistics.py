"""How sure one can be of a figure: the one set of statistics, of gaps, errors, studies and report.

It knows nothing of atoms: an answer is an array, and a cluster is whatever was drawn independently
of the others.

Every figure is a ratio of sums: what was found, over how many components it was found in. A
mean square is one, a mean absolute error is one, and so is the difference of two errors.
Its interval comes from a bootstrap over clusters, since members of a cluster (the frames of one
compound) are alike, and resampling members promises far more than it holds.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import hypot, isfinite, nan
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from limbeck.errors import LimbeckError
from limbeck.seeds import generator

#: Resamples of an interval; the ends then repeat to a few percent of its width.
DRAWS = 4000
#: Below this many clusters no interval is given: resampling two or three things says nothing.
MINIMUM_CLUSTERS = 5
#: No arm of an interval is longer than so many times that of Student's t. A bootstrap of a handful
#: of clusters knows the tails of t badly, and makes some intervals absurdly wide for no more
#: coverage.
WIDEST = 2.0
#: Values that are smaller read "< 0.001", whatever their unit.
TINY = 0.001
#: Ends the text of a value without an interval.
NO_INTERVAL = " (no interval)"


class Estimate(NamedTuple):
    """A figure and the ends of its 95 % interval; NaN where there is none."""

    value: float
    low: float = nan
    high: float = nan

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return isfinite(self.value)

    @property
    def bounded(self) -> bool:
        """Whether there is an interval."""
        return isfinite(self.low) and isfinite(self.high)

    @property
    def sign(self) -> int:
        """1 or -1 where the whole interval lies above or below zero, else 0."""
        return int(self.low > 0) - int(self.high < 0) if self.bounded else 0

    def root(self) -> "Estimate":
        """The square root: of a mean square, the root mean square."""
        return Estimate(*(float(np.sqrt(v)) for v in self))

    def times(self, factor: float) -> "Estimate":
        """In another unit; the factor is positive."""
        return Estimate(*(v * factor for v in self))

    def less(self, other: "Estimate") -> "Estimate":
        """This less another, from two separate intervals (Zou, Donner, Stat. Med. 27, 1693, 2008).

        Right for independent estimates; where both are of the same inputs, as two gaps are, the
        interval is, if anything, too wide.
        """
        value = self.value - other.value
        below = hypot(self.value - self.low, other.high - other.value)
        above = hypot(self.high - self.value, other.value - other.low)
        return Estimate(value, value - below, value + above)

    def __neg__(self) -> "Estimate":
        return Estimate(-self.value, -self.high, -self.low)

    def text(self, unit: str = "") -> str:
        """E.g. ``41.2 (38.9 to 43.1) meV/A``; decimals follow the width of the interval."""
        if not self.known:
            return "not measured"
        unit = f" {unit}" if unit else ""
        if all(abs(v) < TINY for v in self if isfinite(v)):
            return f"< {TINY}{unit}"
        if not self.bounded:
            return f"{_number(self.value, abs(self.value) / 10)}{unit}{NO_INTERVAL}"
        value, low, high = (_number(v, self.high - self.low) for v in self)
        return f"{value} ({low} to {high}){unit}"


def digits(value: float) -> str:
    """Three digits, or all of those before the point; what is as good as zero says so."""
    if 0 < abs(value) < TINY:
        return f"< {TINY}" if value > 0 else f"> −{TINY}"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", "−")


def _number(value: float, width: float) -> str:
    """With as many decimals as the width of the interval makes worth reading."""
    decimals = 0
    while decimals < 3 and width < 10.0 ** (1 - decimals):
        decimals += 1
    return f"{value:,.{decimals}f}".replace("-", "−")


class Figure(NamedTuple):
    """A figure over models of one kind, such as the seeds of a student.

    Attributes:
        pooled: over all of them.
        each: of each alone, [S].
    """

    pooled: Estimate
    each: np.ndarray

    def root(self) -> "Figure":
        """The square root: of mean squares, the root mean squares."""
        return Figure(self.pooled.root(), np.sqrt(self.each))

    def times(self, factor: float) -> "Figure":
        """In another unit; the factor is positive."""
        return Figure(self.pooled.times(factor), self.each * factor)

    def entry(self, unit: str) -> dict[str, Any]:
        """As it stands in every JSON file; each one's own value only where there are several."""
        several = {"by_seed": self.each.tolist()} if len(self.each) > 1 else {}
        return entry_of(self.pooled, unit) | several


def entry_of(found: Estimate, unit: str) -> dict[str, Any]:
    """``{"value", "ci95": [low, high], "unit"}``: how a figure stands in every JSON file."""
    return {"value": found.value, "ci95": [found.low, found.high], "unit": unit}


def estimate_of(entry: Mapping[str, Any] | None) -> Estimate:
    """The estimate of an entry of a JSON file; null is NaN."""
    found = entry or {}
    ends = (found.get("value"), *(found.get("ci95") or (None, None)))
    return Estimate(*(nan if v is None else float(v) for v in ends))


def over_seeds(values: Sequence[Estimate]) -> Estimate:
    """Mean over seeds; the interval reaches from the lowest to the highest end of any seed."""
    if not values:
        return Estimate(nan)
    mean = sum(v.value for v in values) / len(values)
    if not all(v.bounded for v in values):
        return Estimate(mean)
    return Estimate(mean, min(v.low for v in values), max(v.high for v in values))


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
    together: percentiles and BCa do not see that, and stay below the truth too often. What no
    cluster of the sample shows (a rare bad one) no bootstrap can know of; how often the interval
    holds the truth stands in docs/concepts.md, from ``benchmarks/intervals.py``. s* is held above
    s / 5, so that a resample which by chance lacks all spread cannot send an end to infinity, and
    neither quantile of t is let beyond :data:`WIDEST` times that of Student's t.

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
        return Estimate(nan)
    s, w = cluster_sums(np.asarray(clusters)[used], sums[used], weights[used])
    value = float(s.sum() / w.sum())
    if len(s) < MINIMUM_CLUSTERS:
        return Estimate(value)
    low, high = _interval(s, w, draws)
    return Estimate(value, low if signed else max(low, 0.0), high)


def pool(
    sums: np.ndarray, weights: np.ndarray, clusters: np.ndarray, *, signed: bool = False
) -> Figure:
    """The :func:`ratio` of the mean over models of their sums [S,M], and each model's own."""
    pooled = ratio(sums.mean(axis=0), weights, clusters, signed=signed)
    total = weights.sum() or nan  # no input has any component
    return Figure(pooled, sums.sum(axis=1) / total)


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
    moved, errors = _studentised(resamples(clusters, draws), away, w)  # [draws]
    t = moved / np.maximum(errors, error / 5)
    longest = WIDEST * stats.t.ppf(0.975, clusters - 1)
    high, low = value - error * np.clip(np.quantile(t, [0.025, 0.975]), -longest, longest)
    return float(low), float(high)


@lru_cache(maxsize=4)
def resamples(clusters: int, draws: int, purpose: str = "warrant/bootstrap") -> np.ndarray:
    """How often each cluster stands in each resample; the same for all figures. [draws,R]"""
    rng = generator(0, f"{purpose}/{clusters}")
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=draws).astype(float)


def _studentised(counts: np.ndarray, s: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ratio and its linearised standard error for each row of counts [D,R]."""
    clusters = len(s)
    weights = counts @ w  # [D]
    theta = (counts @ s) / weights
    # sum of count * (s - theta w)^2: the squared influence of each cluster on the ratio
    squares = counts @ s**2 - 2 * theta * (counts @ (s * w)) + theta**2 * (counts @ w**2)
    return theta, np.sqrt(np.maximum(squares, 0) * clusters / (clusters - 1)) / weights
