"""Intervals of errors that vary with two things at once: what was tested on, and what was drawn.

A table of students says something of other test groups and of other draws of frames, views and
seeds. Groups and draws are crossed: every draw is tested on every group.
"""

from collections.abc import Callable
from math import inf
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student_t

from limbeck.warrant.statistics import MINIMUM_CLUSTERS, Estimate

#: of values [...,C] that C cells have, one figure [...]
Statistic = Callable[[np.ndarray], np.ndarray]


class Crossed(NamedTuple):
    """Means of C cells, over D draws and G groups.

    Attributes:
        value: [C], of all.
        without_group: [G,C], without each group. without_draw: [D,C], without each draw.
    """

    value: np.ndarray
    without_group: np.ndarray
    without_draw: np.ndarray


def crossed(sums: np.ndarray, weights: np.ndarray) -> Crossed:
    """Means of cells as ratios of sums, and the same with a group or a draw left out.

    Args:
        sums: [C,D,G], e.g. of absolute errors, over the components of each group.
        weights: [G], how many components.
    """
    draws = sums.shape[1]
    by_draw, by_group = sums.sum(axis=2), sums.sum(axis=1)  # [C,D], [C,G]
    whole = by_draw.sum(axis=1)  # [C]
    total = weights.sum()
    return Crossed(
        value=whole / (draws * total),
        without_group=((whole[:, None] - by_group) / (draws * (total - weights))).T,
        without_draw=((whole[:, None] - by_draw) / ((draws - 1) * total)).T,
    )


def estimate(found: Crossed, statistic: Statistic, *, signed: bool = False) -> Estimate:
    """A figure of the cells with its 95 % interval over groups and draws.

    The variance is that of a jackknife over groups and of one over draws, added (without the term
    of both at once, which each of the two has in it already: too wide, if anything); the quantile
    is Student's t, with the degrees of freedom of a sum of two variances (Satterthwaite, Biometrics
    Bull. 2, 110, 1946). Three draws that differ much make a wide interval, as they should.
    With 12 groups and 3 draws it held a difference in 94 to 98 % of 2,000 trials, whichever of
    the two it varied with, an interval over groups alone in 25 to 95 % (benchmarks/crossed.py).

    Args:
        statistic: smooth in the means of the cells, such as the difference of two.
        signed: the figure may be negative; else the interval stops at zero.

    Returns:
        No interval with fewer than :data:`MINIMUM_CLUSTERS` groups.
    """
    value = float(statistic(found.value))
    groups = len(found.without_group)
    if groups < MINIMUM_CLUSTERS:
        return Estimate(value)
    parts = [(_variance(statistic(v)), len(v) - 1) for v in found[1:]]
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return Estimate(value, value, value)
    freedom = variance**2 / sum(part**2 / own for part, own in parts)
    half = float(student_t.ppf(0.975, freedom) * np.sqrt(variance))
    return Estimate(value, max(value - half, -inf if signed else 0.0), value + half)


def _variance(left_out: np.ndarray) -> float:
    """Of a figure, from those with one of n left out (Efron and Tibshirani 1993, chapter 11)."""
    n = len(left_out)
    return float((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
