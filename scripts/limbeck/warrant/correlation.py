"""Rank correlation of two quantities whose samples come in clusters. Knows nothing of atoms."""

import numpy as np
from scipy import stats

from limbeck.warrant.statistics import MINIMUM_CLUSTERS, Estimate, resamples

#: Resamples of an interval, each of which takes ranks anew; its ends then repeat to a tenth of its
#: width.
RANKINGS = 1000


def rank_correlation(
    x: np.ndarray, y: np.ndarray, clusters: np.ndarray, *, draws: int = RANKINGS
) -> Estimate:
    """Spearman's rank correlation, with a 95 % bootstrap interval over clusters.

    A resample gives every cluster a count, and all its members with it; ranks are taken anew in
    each (ties share their mean rank). The interval is value +- t(97.5 %, clusters - 1) standard
    deviations of the resamples on the scale of artanh, where the correlation's distribution is
    nearly normal (Fisher 1915); percentiles of the resamples are too narrow with few clusters.

    Args:
        x, y: float [M]; pairs with a value that is not finite are left out.
        clusters: [M], labels.

    Returns:
        NaN with fewer than two different values of x or of y; no interval with fewer than
        :data:`limbeck.warrant.statistics.MINIMUM_CLUSTERS` clusters.
    """
    used = np.isfinite(x) & np.isfinite(y)
    x_group, y_group, cluster = (
        np.unique(np.asarray(values)[used], return_inverse=True)[1] for values in (x, y, clusters)
    )
    value = _weighted(x_group, y_group, np.ones(used.sum()))
    count = cluster.max(initial=-1) + 1
    if not np.isfinite(value) or count < MINIMUM_CLUSTERS:
        return Estimate(value)
    counts = resamples(int(count), draws, "studies/rank_correlation")
    found = np.array([_weighted(x_group, y_group, c[cluster]) for c in counts])
    spread = np.nanstd(_artanh(found), ddof=1)
    quantile = stats.t.ppf(0.975, count - 1)
    low, high = np.tanh(_artanh(np.array(value)) + quantile * spread * np.array([-1, 1]))
    return Estimate(value, float(low), float(high))


def _artanh(values: np.ndarray) -> np.ndarray:
    return np.arctanh(np.clip(values, -1 + 1e-12, 1 - 1e-12))  # finite at a perfect correlation


def _weighted(x_group: np.ndarray, y_group: np.ndarray, weights: np.ndarray) -> float:
    """Correlation of mean ranks, each sample standing as often as its weight says."""
    total = weights.sum()
    if not total:
        return float("nan")
    x, y = (_ranks(group, weights) for group in (x_group, y_group))
    x, y = (ranks - (weights @ ranks) / total for ranks in (x, y))
    size = np.sqrt((weights @ x**2) * (weights @ y**2))
    return float(weights @ (x * y) / size) if size > 0 else float("nan")


def _ranks(group: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean rank of each sample; ``group`` numbers the different values in ascending order."""
    members = np.bincount(group, weights)
    return (np.cumsum(members) - (members - 1) / 2)[group]
