"""Amounts of frames: how many, of how many atoms, periodic and isolated apart.

The two have rates of their own: an atom of a crystal has several times the neighbours.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from limbeck.frames import Frames


class Amount(NamedTuple):
    """Frames of one kind, and the atoms of all of them."""

    frames: float = 0.0
    atoms: float = 0.0

    def times(self, factor: float, size: float = 1.0) -> "Amount":
        """So many times as many frames, each with ``size`` times as many atoms."""
        return Amount(self.frames * factor, self.atoms * factor * size)


NONE = Amount()


@dataclass(frozen=True)
class Amounts:
    """Frames, or evaluations of frames."""

    isolated: Amount = NONE
    periodic: Amount = NONE

    @classmethod
    def of(cls, frames: Frames) -> "Amounts":
        """What frames come to."""
        kinds = (
            Amount(float(mask.sum()), float(frames.n_atoms[mask].sum()))
            for mask in (~frames.periodic, frames.periodic)
        )
        return cls(*kinds)

    @property
    def frames(self) -> float:
        """Number of frames."""
        return self.isolated.frames + self.periodic.frames

    @property
    def atoms(self) -> float:
        """Number of atoms."""
        return self.isolated.atoms + self.periodic.atoms

    def times(self, factor: float, *, cells: float = 1.0) -> "Amounts":
        """So many times as many frames, periodic ones of so many cells."""
        return Amounts(self.isolated.times(factor), self.periodic.times(factor, cells))

    def at_most(self, count: float) -> "Amounts":
        """So many of them, of the same mixture; all where there are fewer."""
        return self.times(min(1.0, count / self.frames)) if self.frames else self


def total(parts: Iterable[Amounts]) -> Amounts:
    """All together."""
    numbers = np.array([[*part.isolated, *part.periodic] for part in parts]).reshape(-1, 4)
    isolated, periodic = numbers.sum(axis=0).reshape(2, 2).tolist()
    return Amounts(Amount(*isolated), Amount(*periodic))


def shared(count: float, there: list[Amounts]) -> list[Amounts]:
    """A number of frames taken in turn from several parts, until it is reached or none is left."""
    left, taken = count, [0.0] * len(there)
    order = sorted(range(len(there)), key=lambda i: there[i].frames)
    for place, i in enumerate(order):  # the small ones first: the others share what these leave
        taken[i] = min(there[i].frames, left / (len(order) - place))
        left -= taken[i]
    return [part.at_most(n) for part, n in zip(there, taken, strict=True)]
