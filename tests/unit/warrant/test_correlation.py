"""Rank correlation: scipy's value, and intervals that hold what they promise."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from limbeck.warrant.correlation import rank_correlation

TRIALS = 200


def clustered(rng, correlation, roots=40, members=12):
    """Pairs that share most of what they are with the others of their cluster.

    Both quantities are normal, of one correlation between clusters and inside them.
    """
    mix = np.linalg.cholesky(np.array([[1.0, correlation], [correlation, 1.0]]))
    shared = rng.standard_normal((roots, 1, 2)) @ mix.T
    own = rng.standard_normal((roots, members, 2)) @ mix.T
    x, y = np.moveaxis(np.sqrt(0.7) * shared + np.sqrt(0.3) * own, -1, 0)
    return np.exp(x).ravel(), np.exp(y).ravel(), np.repeat(np.arange(roots), members)


def spearman(correlation):
    """Of two normal variables (Pearson 1907)."""
    return 6 / np.pi * np.arcsin(correlation / 2)


@pytest.mark.parametrize("digits", [None, 0])
def test_the_value_is_scipys_with_ties_and_without(digits):
    x, y, clusters = clustered(np.random.default_rng(0), 0.6)
    if digits is not None:
        x, y = np.round(x, digits), np.round(y, digits)
    found = rank_correlation(x, y, clusters).value
    assert found == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)  # sums of 480 terms


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_the_interval_holds_the_truth_as_often_as_promised(correlation):
    """At least 91 of 100: 95 less twice the standard error of a share of 200 trials, 1.5, and
    one for the bootstrap's own; resampling members in place of clusters holds it in 60."""
    held, naive = 0, 0
    for seed in range(TRIALS):
        x, y, clusters = clustered(np.random.default_rng(seed), correlation)
        found = rank_correlation(x, y, clusters, draws=200)
        held += found.low <= spearman(correlation) <= found.high
        found = rank_correlation(x, y, np.arange(len(x)), draws=50)
        naive += found.low <= spearman(correlation) <= found.high
    assert held >= 0.91 * TRIALS
    assert naive < 0.8 * TRIALS  # negative control


def test_a_perfect_correlation_either_way():
    x, _, clusters = clustered(np.random.default_rng(0), 0.0)
    for y, expected in ((x**3, 1.0), (-x, -1.0)):
        found = rank_correlation(x, y, clusters)
        assert found.value == pytest.approx(expected, abs=1e-12)
        assert found.low <= found.value + 1e-9
        assert abs(found.high - found.low) < 1e-6


def test_what_is_not_finite_is_left_out():
    x, y, clusters = clustered(np.random.default_rng(0), 0.6)
    bad = np.arange(len(x)) % 7 == 0
    found = rank_correlation(np.where(bad, np.nan, x), y, clusters)
    assert found.value == rank_correlation(x[~bad], y[~bad], clusters[~bad]).value


def test_where_there_is_nothing_to_tell():
    few = rank_correlation(np.arange(8.0), np.arange(8.0), np.repeat([0, 1, 2, 3], 2))
    assert few.value == pytest.approx(1)
    assert np.isnan([few.low, few.high]).all()  # four clusters
    for x in (np.ones(20), np.full(20, np.nan)):
        assert np.isnan(rank_correlation(x, np.arange(20.0), np.arange(20)).value)
    assert np.isnan(rank_correlation(np.zeros(0), np.zeros(0), np.zeros(0)).value)
