"""Whether trajectories have the temperature that was asked for: their means, by block averages.

Looks at a temperature that follow each other are alike, and their scatter says little about the
error of their mean. Means of blocks are more independent. What is left of their likeness is taken
into account as that of a temperature which forgets itself exponentially in the thermostat time.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from limbeck.config.sections.sampling import MolecularDynamics
from limbeck.reasons import NOT_EQUILIBRATED, OFF_TARGET, OFF_TARGET_TOGETHER

#: Blocks of the time after equilibration, and the fewest that give an error: of a trajectory that
#: is cut, those before.
BLOCKS, FEWEST = 10, 5
#: Of so many trajectories of the right temperature one is marked, and of so many shards of them one
#: as a whole.
ONCE_IN, ALL_ONCE_IN = 100, 1000
#: A share of the target that is let pass, however sure: velocities of a C-H stretch at steps of 0.5
#: fs are too cold by (omega dt)^2 / 4 = 2 %.
ALLOWED = 0.02


@dataclass(frozen=True)
class Offset:
    """Of R trajectories, how far the measured temperature is from the one asked for.

    Attributes:
        mean: float64 [R], K, over all steps after equilibration; of a ramp as well.
        error: float64 [R], K, standard error of the mean; NaN where nothing holds the temperature,
            or too few blocks were seen.
        blocks: int64 [R], those that the error comes from.
        target: float64 [R], K, mean of what was asked for.
    """

    mean: np.ndarray
    error: np.ndarray
    blocks: np.ndarray
    target: np.ndarray


class BlockAverages:
    """Sums of measured less asked temperature of R trajectories, in blocks of time."""

    def __init__(self, count: int, own: MolecularDynamics) -> None:
        """Start with nothing seen."""
        self._own = own
        self._start = own.time_equilibration_fs
        # at least one step long
        self._length = max((own.time_total_fs - self._start) / BLOCKS, own.time_step_fs)
        self._sums, self._counts, self._targets = np.zeros((3, count, BLOCKS))

    def add(
        self, members: np.ndarray, time: float, measured: np.ndarray, target: np.ndarray
    ) -> None:
        """Take a step at ``time`` (fs) of the trajectories ``members``; temperatures in K."""
        # a hair, so that binary fractions put the end of a block into it
        block = min(int((time - self._start) / self._length - 1e-9), BLOCKS - 1)
        self._sums[members, block] += measured - target
        self._targets[members, block] += target
        self._counts[members, block] += 1

    @property
    def sums(self) -> np.ndarray:
        """All that was seen, [3,R,10]; setting it goes on from there."""
        return np.stack([self._sums, self._counts, self._targets])

    @sums.setter
    def sums(self, sums: np.ndarray) -> None:
        self._sums, self._counts, self._targets = sums

    def offset(self) -> Offset:
        """Means and their errors."""
        whole = self._counts >= int(self._length / self._own.time_step_fs)
        blocks = whole.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean, target = (
                sums.sum(axis=1) / self._counts.sum(axis=1) for sums in (self._sums, self._targets)
            )
            each = np.where(whole, self._sums / self._counts, 0.0)
            centre = each.sum(axis=1) / blocks
            squares = np.where(whole, (each - centre[:, None]) ** 2, 0.0).sum(axis=1)
            likeness = alike(self._length / self._own.thermostat_time_fs, blocks)
            error = np.sqrt(squares / (blocks - 1) / blocks * likeness)
        held = (blocks >= FEWEST) & (self._own.ensemble != "NVE")
        return Offset(mean, np.where(held, error, np.nan), blocks, target)


def alike(length: float, blocks: np.ndarray) -> np.ndarray:
    """Variance of a mean of correlated blocks over what independent ones of their scatter give.

    With the autocorrelation exp(-t), the variance of a mean over a time y is g(y) = 2 / y
    (1 - (1 - exp(-y)) / y) of that of a single look (Flyvbjerg, Petersen, J. Chem. Phys. 91, 461
    (1989), for blocks in general). That of k blocks of length x is g(k x), and their scatter
    s^2 = k / (k - 1) (g(x) - g(k x)).

    Args:
        length: x, of a block, in correlation times.
        blocks: k, two or more, of any shape.
    """

    def g(y: np.ndarray) -> np.ndarray:
        return np.asarray(2 / y * (1 + np.expm1(-y) / y))

    whole, one = g(length * blocks), g(np.array(length))
    return np.asarray((blocks - 1) * whole / (one - whole))


def doubts(own: MolecularDynamics, trajectory: np.ndarray, found: Offset) -> np.ndarray:
    """Why the temperature of each of R trajectories is in doubt, an empty string where it is not.

    Those of one number have one target: of few atoms each has too wide an error to show what all
    of them together do.

    Args:
        trajectory: int64 [R], number among those of its structure.

    Returns:
        object [R].
    """
    doubt = np.full(len(trajectory), "", dtype=object)
    if own.ensemble == "NVE":
        return doubt
    for number in np.unique(trajectory):
        here = np.flatnonzero((trajectory == number) & np.isfinite(found.mean))
        if len(here) >= FEWEST:
            values = found.mean[here]
            error = values.std(ddof=1) / np.sqrt(len(here))
            limit = _limit(len(here), ALL_ONCE_IN) * error
            if abs(values.mean()) > max(limit, ALLOWED * found.target[here].mean()):
                doubt[here] = OFF_TARGET_TOGETHER
    # Comparisons with NaN are false: without an error there is no test.
    limit = _limit(np.maximum(found.blocks, 2), ONCE_IN) * found.error
    doubt[np.abs(found.mean) > np.maximum(limit, ALLOWED * found.target)] = OFF_TARGET
    if not own.waits:
        doubt[:] = NOT_EQUILIBRATED
    return doubt


def _limit(count: int | np.ndarray, once_in: int) -> np.ndarray:
    """Standard errors of a mean of ``count`` values beyond which it is once in so many."""
    return np.asarray(student.isf(0.5 / once_in, np.asarray(count) - 1))
