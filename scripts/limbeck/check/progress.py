"""How far a job is, said while it is at work.

Loops count what they have done, which costs next to nothing; a thread beside them says it, first
after :data:`FIRST` seconds and then every :data:`EVERY`. So no job is silent for longer, whatever
it does, and what is done within seconds says nothing.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Self, TypeVar

log = logging.getLogger(__name__)

#: s, when a job first says how far it is, and how often from then on
FIRST, EVERY = 20.0, 30.0
#: s; loops that are younger are not told of: they are steps of an older one
YOUNG = 10.0

_T = TypeVar("_T")
#: the loops that the job is in, from the outermost
_loops: list["Progress"] = []


class Progress:
    """How far a loop is; it is told of while it is entered as a context.

    Attributes:
        total: of what there is to do.
        done: of it.
    """

    def __init__(
        self,
        what: str,
        total: float,
        unit: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is done yet.

        Args:
            what: the loop does.
            unit: what ``total`` counts.
            clock: seconds; for tests.
        """
        self.what, self.total, self.unit, self._clock = what, total, unit, clock
        self.done = 0.0
        self._atoms, self._at = 0, ""
        self.begin(0.0)

    def begin(self, done: float) -> None:
        """So much was done before, by a job that was killed or another: it took no time here."""
        self.done = self._before = done
        self._start = self._clock()

    def add(self, amount: float = 1, *, atoms: int = 0, at: str = "") -> None:
        """So much more is done.

        Args:
            atoms: evaluated for it, counted once for each evaluation.
            at: where it is, in place of how much of the total is done.
        """
        self.done += amount
        self._atoms += atoms
        self._at = at

    @property
    def age(self) -> float:
        """Seconds since it began."""
        return self._clock() - self._start

    def line(self) -> str:
        """What it does, how far it is, how fast, and how long it will still take."""
        at = self._at or f"{self.done:.0f} of {self.total:.0f} {self.unit}"
        here = self.done - self._before
        speed = [f"{self._atoms / self.age:.3g} atoms/s"] if self._atoms and self.age else []
        left = [f"{span(self.age / here * (self.total - self.done))} left"] if here > 0 else []
        return ", ".join([f"{self.what}: {at}", *speed, *left])

    def __enter__(self) -> Self:
        _loops.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _loops.remove(self)


def each(
    items: Iterable[_T],
    what: str,
    unit: str,
    total: float | None = None,
    *,
    amount: Callable[[_T], float] = lambda item: 1,
    atoms: Callable[[_T], int] = lambda item: 0,
) -> Iterator[_T]:
    """The items; each is done when the next one is asked for.

    Args:
        total: amount of all of them, their number where not given.
        amount: of an item.
        atoms: evaluated for an item.
    """
    if total is None:
        items = list(items)
        total = len(items)
    with Progress(what, total, unit) as progress:
        for item in items:
            yield item
            progress.add(amount(item), atoms=atoms(item))


@contextmanager
def told(first: float = FIRST, every: float = EVERY) -> Iterator[None]:
    """A job that says how far it is, until it ends."""
    ended = Event()
    start = time.monotonic()

    def tell() -> None:
        wait = first
        while not ended.wait(wait):
            log.info("%s", report(time.monotonic() - start))
            wait = every

    # A daemon: a job that ends in an error does not wait for it.
    Thread(target=tell, name="progress", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def report(seconds: float) -> str:
    """One line for all loops that the job is in, of a job that takes so long already."""
    lines = [loop.line() for loop in list(_loops) if loop.age >= YOUNG]
    return "; ".join(lines) or f"at work for {span(seconds)}"


def span(seconds: float) -> str:
    """A time in the two units that say it best."""
    whole = max(int(seconds), 0)
    for size, unit, below, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // below} {smaller}"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
