"""From what models answer on a sample to figures with intervals, whatever the sample is of.

Frames of atoms, numbers, fields, ensembles, sentences: all that is asked of a :class:`Sample` is
how many there are, a way to take some of them, which of them were drawn together, and which
population each was drawn from. Nothing is asked of a model: whoever measures knows how to put the
question.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from limbeck.errors import LimbeckError
from limbeck.reasons import NO_GOOD_ANSWER, UNSUITED
from limbeck.warrant.statistics import Figure, pool

#: For each of B inputs, what a quantity sums to over its components [B], or [S,B] by model.
Sums = dict[str, np.ndarray]


class Sample(Protocol):
    """B inputs that models are measured on."""

    @property
    def noun(self) -> str:
        """What several of them are called."""

    @property
    def clusters(self) -> np.ndarray:
        """Labels [B] of what was drawn together: intervals go over clusters."""

    @property
    def strata(self) -> np.ndarray:
        """Names [B], str, of the populations they are of: each has its own figures, too."""

    def __len__(self) -> int: ...

    def select(self, which: np.ndarray) -> Any:
        """Some of them, by a mask [B] or by their places, as a sample of the same kind."""


_S = TypeVar("_S", bound=Sample)
M = TypeVar("M")


@dataclass(frozen=True)
class Measurement(Generic[_S]):
    """What was found on the inputs that could be measured.

    Attributes:
        sample: B inputs.
        sums: by name, [S,B], a row for each model.
        left_out: how many of those given were not measured, by reason.
        seconds: that it took.
    """

    sample: _S
    sums: Sums
    left_out: Mapping[str, int]
    seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.sample)

    @property
    def n_clusters(self) -> int:
        """How many clusters the inputs are of."""
        return len(np.unique(self.sample.clusters))

    def select(self, which: np.ndarray) -> "Measurement[_S]":
        """The same of some of the inputs, by a mask [B]."""
        return Measurement(self.sample.select(which), take(self.sums, which), self.left_out)

    def strata(self) -> Iterator[tuple[str, "Measurement[_S]"]]:
        """The name of each stratum, and the same of its inputs alone."""
        for name in np.unique(self.sample.strata):
            yield str(name), self.select(self.sample.strata == name)

    def mean(self, name: str, weights: np.ndarray, *, signed: bool = False) -> Figure:
        """Sums of that name over ``weights`` [B] components of each input."""
        return pool(self.sums[name], weights, self.sample.clusters, signed=signed)


def measure(
    whom: str,
    models: Sequence[M],
    sample: _S,
    find: Callable[[M, _S], Sums],
    *,
    needs: Sequence[str] | None = None,
    suits: np.ndarray | None = None,
    known: Mapping[str, np.ndarray] | None = None,
    most: int | None = None,
) -> Measurement[_S]:
    """Ask every model about the same inputs, and keep those on which all have answered.

    Args:
        whom: names the models where there is something to complain of.
        models: one, or the same one made several times (from several seeds).
        sample: B inputs; those that cannot be measured are left out, and counted by reason.
        find: sums of a model's answers for the inputs it is asked about.
        needs: sums that have to be finite; all where not given.
        suits: bool [B], inputs that this measurement is for; all where not given.
        known: reason -> bool [B], inputs that are not left out for it.
        most: ask about the first so many of those that can be; about all where not given.

    Raises:
        LimbeckError: there are inputs that it is for, and the models answer none. Where none of
            these but others can be asked about, this measurement alone has nothing to measure.
    """
    start = time.perf_counter()
    suited = np.ones(len(sample), dtype=bool) if suits is None else suits
    known = known or {}
    askable, left_out = suited, {UNSUITED: int((~suited).sum())}
    for reason, good in known.items():
        left_out[reason] = int((askable & ~good).sum())
        askable = askable & good
    only_others = not askable.any() and np.logical_and.reduce(list(known.values())).any()
    if suited.any() and not only_others:
        _complain_unless(askable, whom, sample, left_out)
    asked = sample.select(np.flatnonzero(askable)[:most])
    sums = stack([find(model, asked) for model in models])
    used = finite(sums, list(sums) if needs is None else needs)
    left_out[NO_GOOD_ANSWER] = int((~used).sum())
    if len(asked):
        _complain_unless(used, whom, sample, left_out)
    reasons = {reason: n for reason, n in left_out.items() if n}
    seconds = time.perf_counter() - start
    return Measurement(asked.select(used), take(sums, used), reasons, seconds)


def _complain_unless(some: np.ndarray, whom: str, sample: Sample, left_out: dict[str, int]) -> None:
    if not some.any():
        why = "; ".join(f"{reason}: {n}" for reason, n in left_out.items() if n)
        raise LimbeckError(f"{whom}: none of {len(sample)} {sample.noun} could be measured: {why}")


def stack(models: Sequence[Sums]) -> Sums:
    """Sums [B] of several models as one [S,B] each."""
    return {name: np.stack([sums[name] for sums in models]) for name in models[0]}


def take(sums: Sums, which: np.ndarray) -> Sums:
    """The columns of the inputs that are true in a mask [B]."""
    return {name: values[:, which] for name, values in sums.items()}


def finite(sums: Sums, names: Sequence[str]) -> np.ndarray:
    """bool [B]: these sums are finite for every model."""
    return np.all([np.isfinite(sums[name]).all(axis=0) for name in names], axis=0)
