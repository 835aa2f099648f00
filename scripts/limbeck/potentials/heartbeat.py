"""An end to jobs whose potential never answers.

A call can hang for ever, in a driver, a download or a lock, and would hold a run as long. A job
that is told how long an answer may take (``max_silence_min`` of the config, by an environment
variable, as it is no setting of a result) ends itself when none comes. Without the variable, in the
library and in scripts that are called by hand, nothing is watched.
"""

import faulthandler
import logging
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread
from typing import NoReturn, TypeVar

from limbeck.errors import LimbeckError

log = logging.getLogger(__name__)

VARIABLE = "LIMBECK_MAX_SILENCE_MIN"
#: how often the watch looks while an answer may take its time
LOOKS = 10

_T = TypeVar("_T")


class Watch(Thread):
    """Looks from beside at how long a potential has not answered.

    Attributes:
        since: when it was asked, or gave a part of its answer; None while it is not asked.
    """

    def __init__(self, seconds: float) -> None:
        """Allow a silence of so many seconds."""
        super().__init__(name="heartbeat", daemon=True)
        self.since: float | None = None
        self._seconds = seconds

    def run(self) -> None:
        """Look again and again, until the process ends."""
        while True:
            # A call may keep Python's lock, so that this thread stands still as well.
            # faulthandler needs no lock, and ends the job if it is not put off in time.
            faulthandler.dump_traceback_later((1 + 2 / LOOKS) * self._seconds, exit=True)
            since = self.since
            if since is not None and time.monotonic() - since > self._seconds:
                self._end_job()
            time.sleep(self._seconds / LOOKS)

    def _end_job(self) -> NoReturn:
        log.error(
            "no answer of the potential for %g min (max_silence_min): this job ends here, and is "
            "tried again if Snakemake has retries left, or by the same command. Where it stood:",
            self._seconds / 60,
        )
        faulthandler.dump_traceback(all_threads=True)
        # Not sys.exit: that ends this thread alone. What a job was writing is under a temporary
        # name, and removed by the next one that writes there.
        os._exit(1)


@contextmanager
def awaited() -> Iterator[None]:
    """A block in which a potential is asked once; with one in another, the inner one counts.

    Raises:
        LimbeckError: the environment variable is no number of minutes.
    """
    watch = _watch(os.environ.get(VARIABLE))
    if watch is None:
        yield
        return
    watch.since = time.monotonic()
    try:
        yield
    finally:
        watch.since = None


def beat() -> None:
    """Note that a part of an answer is there, so that many parts may take longer than one may."""
    watch = _watch(os.environ.get(VARIABLE))
    if watch is not None and watch.since is not None:
        watch.since = time.monotonic()


def each_awaited(items: Iterable[_T]) -> Iterator[_T]:
    """The items; what is done with each of them is awaited as an answer is."""
    for item in items:
        with awaited():
            yield item


@cache
def _watch(minutes: str | None) -> Watch | None:
    """The watch of this process, running."""
    if minutes is None:
        return None
    try:
        watch = Watch(60 * float(minutes))
    except ValueError:
        raise LimbeckError(f"{VARIABLE}: {minutes!r}, expected a number of minutes") from None
    watch.start()
    return watch
