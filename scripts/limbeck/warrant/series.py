"""Means of series whose values are alike when they follow each other. Knows nothing of atoms."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

#: Fewest values of a series, fewest independent ones among them, and fewest series that give an
#: error. Of shorter ones, those pass whose correlation was by chance seen too small.
FEWEST_VALUES, FEWEST_INDEPENDENT, FEWEST_SERIES = 100, 16, 5
#: Autocorrelation times up to which an autocorrelation is summed: noise without end is not.
WINDOW = 5
#: Of so many means that are right, one is called wrong; of the shortest series up to four.
ONCE_IN = 100


class Mean(NamedTuple):
    """A mean, its standard error (NaN where unknown), and from how many independent values less
    one that comes."""

    value: float
    error: float = np.nan
    freedom: float = np.nan

    def differs(self, other: float = 0.0, allowed: float = 0.0) -> bool | None:
        """Whether it is surely not ``other``, by more than ``allowed``; None where unknown."""
        if not (np.isfinite(self.error) and np.isfinite(self.value - other)):
            return None
        limit = stats.t.isf(0.5 / ONCE_IN, self.freedom) * self.error
        return bool(abs(self.value - other) > max(limit, allowed))


def mean_of(series: np.ndarray, *, taken_out: int = 1) -> Mean:
    """Mean of a series [M], with an error that knows how alike its values are.

    The values count as M / (2 tau) independent ones, where tau = 1/2 + sum rho(t) is the
    integrated autocorrelation time, summed up to the first t that is :data:`WINDOW` times tau
    (Sokal, in Functional Integration, 1997); what the mean takes out of rho, about (2 t + 1) / M of
    tau, is put back (Wolff, Comput. Phys. Commun. 156, 143 (2004)). The series has to be
    stationary; where it is too short, or not independent, as a slope is, there is no error.

    Args:
        taken_out: how many figures were fitted to it, the mean among them.
    """
    series = series[np.isfinite(series)]
    count = len(series)
    if not count:
        return Mean(np.nan)
    value, away = float(series.mean()), series - series.mean()
    square = float(away @ away) / count
    if count < FEWEST_VALUES:
        return Mean(value)
    if square <= (1e-12 * value) ** 2:  # a constant, but for rounding
        return Mean(value, 0.0, count - 1)
    tau, shift = 0.5, 0
    while shift < WINDOW * tau and shift < count - 1:
        shift += 1
        tau += float(away[:-shift] @ away[shift:]) / count / square
    tau = max(tau, 0.0) * (1 + taken_out * (2 * shift + 1) / count)
    independent = min(count / (2 * tau), count) if tau else count
    if independent < FEWEST_INDEPENDENT or shift >= count - 1:
        return Mean(value)
    return Mean(value, float(np.sqrt(square / (independent - 1))), independent - 1)


def mean_over(found: Sequence[Mean]) -> Mean:
    """The mean of means of independent series: its error from how far they differ, or, of few,
    from their own errors."""
    values = np.array([one.value for one in found if np.isfinite(one.value)])
    if not len(values):
        return Mean(np.nan)
    count = len(values)
    if count >= FEWEST_SERIES:
        error = values.std(ddof=1) / np.sqrt(count)
        return Mean(float(values.mean()), float(error), count - 1)
    errors = np.array([one.error for one in found if np.isfinite(one.value)])
    freedom = sum(one.freedom for one in found if np.isfinite(one.value))
    return Mean(float(values.mean()), float(np.sqrt((errors**2).sum()) / count), freedom)


def change_of(series: np.ndarray) -> Mean:
    """How far the line of least squares through a series [M] goes from its start to its end: zero
    where it is stationary, within its error.

    The error is that of the mean of what the line leaves, times sqrt(12): the standard deviation of
    M times the slope of independent values is sqrt(12 / M) of theirs.
    """
    series = series[np.isfinite(series)]
    if len(series) < 3:  # two points fit any line
        return Mean(np.nan)
    time = np.arange(len(series)) / len(series)
    slope, start = np.polyfit(time, series, 1)
    left = mean_of(series - start - slope * time, taken_out=2)
    return Mean(float(slope), float(np.sqrt(12) * left.error), left.freedom - 1)
