"""When a run was made, how long its jobs took, and on which machine: the line above its page."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pandas as pd

from limbeck.config.plan import results
from limbeck.report.page.prose import counted
from limbeck.report.run.folder import Run


def made(run: Run) -> str:
    """E.g. ``29 November 2026 · 36 jobs, 5 min in all · AMD EPYC 7713, 2 cores``.

    The day is that of the newest result, so that the same results give the same page.
    """
    return " · ".join(filter(None, (_day(run), _duration(run), _machine(run))))


def _day(run: Run) -> str:
    found = [path for name in results(run.config) if (path := run.folder / name).is_file()]
    newest = max((path.stat().st_mtime for path in found), default=None)
    return "" if newest is None else f"{datetime.fromtimestamp(newest):%-d %B %Y}"


def _duration(run: Run) -> str:
    """Of all jobs but that of the page, which is at work; "" where none was timed."""
    seconds = [*_seconds(run)]
    return f"{counted(len(seconds), 'job')}, {spoken(sum(seconds))} in all" if seconds else ""


def _seconds(run: Run) -> Iterator[float]:
    """Seconds of each job, as Snakemake timed it."""
    for path in sorted((run.folder / "benchmarks").rglob("*.tsv")):
        if path.stem != "write_report":
            yield float(pd.read_csv(path, sep="\t")["s"].sum())


def spoken(seconds: float) -> str:
    """``45 s``, ``7 min``, ``3 h 20 min``."""
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _machine(run: Run) -> str:
    """What the speeds were measured on, where that is known."""
    if not run.config.sources:
        return ""
    machine: dict[str, Any] = run.json("speed.json").get("machine") or {}
    cores = machine.get("cores")
    named = [machine.get("processor"), cores and counted(cores, "core")]
    return ", ".join(str(each) for each in named if each)
