"""Means of correlated series: errors that hold what they promise."""

import numpy as np
import pytest

from limbeck.warrant.series import Mean, change_of, mean_of, mean_over

TRIALS = 300


def correlated(rng, memory, length=4096):
    """A stationary series of variance 1 whose correlation falls by ``memory`` from each to the
    next."""
    noise = rng.normal(size=length) * np.sqrt(1 - memory**2)
    series = np.empty(length)
    last = rng.normal()
    for i in range(length):
        last = memory * last + noise[i]
        series[i] = last
    return series


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_the_error_of_a_correlated_mean_is_the_known_one(memory):
    """Of a mean over M values of an AR(1) series: sqrt((1 + a) / (1 - a) / M)."""
    rng = np.random.default_rng(1)
    found = [mean_of(correlated(rng, memory, 2048)).error for _ in range(40)]
    known = np.sqrt((1 + memory) / (1 - memory) / 2048)
    # of one series tau is known to sqrt(2 (2 W + 1) / M), 10 % of an error at most with W = 50, of
    # 40 series to 2 %; the window leaves out exp(-5) of it, and twice that is allowed for both
    assert np.mean(found) == pytest.approx(known, rel=0.05)
    naive = np.sqrt(1 / 2048)
    assert (np.mean(found) > 3 * naive) == (memory > 0)  # negative control: values as independent


def test_a_right_mean_is_called_wrong_about_once_in_a_hundred():
    rng = np.random.default_rng(2)
    wrong = [mean_of(correlated(rng, 0.8, 1024)).differs(0.0) for _ in range(TRIALS)]
    # 3 are expected, and twice as many since tau is not known well: 6 and three times their root
    assert sum(wrong) <= 13
    assert all(mean_of(correlated(rng, 0.8, 1024)).differs(1.0) for _ in range(20))


def test_a_drift_is_seen_and_a_steady_series_has_none():
    rng = np.random.default_rng(3)
    steady = [change_of(correlated(rng, 0.8, 1024)) for _ in range(50)]
    drifting = [change_of(correlated(rng, 0.8, 1024) + np.linspace(0, 3, 1024)) for _ in range(20)]
    assert sum(bool(one.differs()) for one in steady) <= 4  # 0.5 expected
    assert all(one.differs() is True for one in drifting)
    assert np.mean([one.value for one in drifting]) == pytest.approx(3.0, abs=0.4)


def test_what_is_too_short_or_too_slow_has_no_error():
    assert np.isnan(mean_of(np.arange(5.0)).error)
    assert mean_of(np.arange(5.0)).value == 2.0
    assert np.isnan(mean_of(np.linspace(0, 1, 1024)).error)  # a slope is correlated to its end
    assert mean_of(np.zeros(0)).differs() is None
    assert mean_of(np.ones(128)).differs(1.0) is False
    assert Mean(1.0).differs() is None


def test_of_many_short_series_the_scatter_gives_the_error_and_of_few_their_own():
    many = mean_over([Mean(value) for value in (1.0, 2.0, 3.0, 4.0, 5.0)])
    assert many == pytest.approx((3.0, np.sqrt(2.5 / 5), 4))
    few = mean_over([Mean(1.0, 0.3, 20), Mean(2.0, 0.4, 30)])
    assert few == pytest.approx((1.5, 0.25, 50))
    assert np.isnan(mean_over([Mean(1.0), Mean(2.0, 0.4, 30)]).error)


def test_what_is_allowed_is_let_pass_however_sure():
    sure = Mean(298.0, 0.1, 50)
    assert sure.differs(300.0) is True
    assert sure.differs(300.0, allowed=6.0) is False
