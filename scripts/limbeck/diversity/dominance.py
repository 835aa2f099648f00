"""What a set has most of: one size, one composition, one space group, the copies of one structure.

The share of the most frequent is d = max_k n_k / sum_k n_k. Numbers of a bounded number of kinds
are kept: where there are more, the smallest are let go by what the summaries of Misra and Gries do
(Agarwal et al., ACM Trans. Database Syst. 38, 26 (2013)): a number is then too low by at most
``lost``, which the share says as well.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from math import gcd

import numpy as np
from ase.data import chemical_symbols

from limbeck.frames import Frames
from limbeck.geometry import composition

#: kinds that numbers are kept of; of 100,000 structures a share is then right to 0.0001
MOST_KINDS = 20_000
_ELEMENTS = np.arange(1, 119)


@dataclass
class Frequent:
    """Numbers of the most frequent kinds.

    Attributes:
        most_kinds: that numbers are kept of.
        counts: kind -> number, too low by at most ``lost``.
        total: of all that were added.
    """

    most_kinds: int = MOST_KINDS
    counts: Counter[Hashable] = field(default_factory=Counter)
    total: int = 0
    lost: int = 0

    def add(self, kinds: Iterable[Hashable]) -> None:
        """Further structures, by their kinds."""
        more = Counter(kinds)
        self.total += more.total()
        self.counts += more
        if len(self.counts) > self.most_kinds:
            less = sorted(self.counts.values(), reverse=True)[self.most_kinds]
            self.counts = Counter({k: n - less for k, n in self.counts.items() if n > less})
            self.lost += less

    @property
    def share(self) -> float:
        """Of the most frequent kind, no unit: never too low. NaN of nothing."""
        if not self.total:
            return float("nan")
        most = max(self.counts.values(), default=0) + self.lost
        return min(1.0, most / self.total)

    @property
    def kind(self) -> Hashable:
        """The most frequent one; of several the first in order, None of nothing."""
        most = max(self.counts.values(), default=0)
        return min((k for k, n in self.counts.items() if n == most), key=str, default=None)

    @property
    def kinds(self) -> int:
        """How many there are; where some were let go, at least so many."""
        return len(self.counts)


def formulas(frames: Frames) -> list[str]:
    """Composition of each frame: of a crystal the reduced formula, metals first, as in NaCl; of an
    isolated structure all atoms, in Hill's order, as in C2H4."""
    counts = composition(frames, _ELEMENTS).astype(int)
    return [
        _formula(tuple(row), bool(periodic))
        for row, periodic in zip(counts.tolist(), frames.periodic, strict=True)
    ]


@lru_cache(maxsize=10_000)
def _formula(counts: tuple[int, ...], periodic: bool) -> str:
    from ase.formula import Formula

    held = {chemical_symbols[z + 1]: n for z, n in enumerate(counts) if n}
    if not periodic:
        return Formula.from_dict(held).format("hill")
    unit = gcd(*held.values()) or 1  # a supercell has the composition of its cell
    return Formula.from_dict({e: n // unit for e, n in held.items()}).format("metal")
