"""Intervals over groups and draws hold what they promise, whichever of the two varies."""

import numpy as np
import pytest

from limbeck.studies.crossed import crossed, estimate


def less(cells):
    return cells[..., 1] - cells[..., 0]


def trial(rng, of_group, of_draw, groups=12, draws=3):
    """Two cells that differ by 0.05 on average, and share what makes a group hard."""
    weights = rng.integers(100, 1000, groups).astype(float)
    hard = np.exp(rng.normal(0, 0.5, groups)) / np.exp(0.125)
    differs = rng.normal(0.05, of_group, groups) + rng.normal(0, of_draw, (draws, 1))
    first = np.tile(hard, (draws, 1))
    return np.stack([first, first + hard * differs]) * weights, weights


def test_means_by_hand():
    sums = np.array([[[2.0, 4.0], [4.0, 8.0]]])  # one cell, two draws, two groups
    found = crossed(sums, np.array([1.0, 2.0]))
    assert found.value.tolist() == [3.0]  # 18 of 2 x 3
    assert found.without_group.tolist() == [[3.0], [3.0]]  # 12 of 2 x 2, 6 of 2 x 1
    assert found.without_draw.tolist() == [[4.0], [2.0]]  # 12 and 6 of 3


@pytest.mark.parametrize(("of_group", "of_draw"), [(0.1, 0.0), (0.0, 0.1), (0.1, 0.05)])
def test_the_interval_holds_the_difference(of_group, of_draw):
    """90 to 98 % of 600 trials; the standard error of 95 % is 0.9 %."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(600):
        found = estimate(crossed(*trial(rng, of_group, of_draw)), less, signed=True)
        held += found.low <= 0.05 <= found.high
    assert 0.90 <= held / 600 <= 0.98


def test_draws_that_differ_widen_the_interval():
    """Three draws tell little: Student's t of two degrees of freedom, 4.3 standard errors."""
    sums = np.zeros((2, 3, 8))
    sums[1] = np.array([0.0, 1.0, 2.0])[:, None]
    found = estimate(crossed(sums, np.ones(8)), less, signed=True)
    assert found.value == pytest.approx(1.0)
    assert found.high - found.value == pytest.approx(4.303 / np.sqrt(3), rel=1e-3)
    alike = np.zeros((2, 3, 8))
    alike[1] = np.arange(8.0) - 2.5
    assert estimate(crossed(alike, np.ones(8)), less, signed=True).high < 1 + 2.37 * 0.87 + 0.01


def test_an_error_has_no_interval_below_zero_and_few_groups_have_none():
    rng = np.random.default_rng(0)
    sums = np.abs(rng.normal(0, 1, (1, 3, 6))) ** 3
    found = estimate(crossed(sums, np.ones(6)), lambda cells: cells[..., 0])
    assert found.low >= 0
    few = estimate(crossed(sums[..., :4], np.ones(4)), lambda cells: cells[..., 0])
    assert few.known
    assert not few.bounded
