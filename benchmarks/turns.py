"""What the benchmarks share: calls timed in turn, and one line of a table for each comparison."""

import statistics
import time
from collections.abc import Callable


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def ratios(slow: Callable[[], object], fast: Callable[[], object], rounds: int) -> list[float]:
    """Time of ``slow`` over time of ``fast``: once to warm up, then ``rounds`` times in turn."""
    slow(), fast()
    return [seconds(slow) / seconds(fast) for _ in range(rounds)]


def row(name: str, found: list[float], asked: str = "") -> None:
    """One line of the table: median, range, and what was asked for."""
    low, middle, high = min(found), statistics.median(found), max(found)
    print(f"| {name} | {middle:.3g} | {low:.3g} to {high:.3g} | {asked} |", flush=True)


def header() -> None:
    """The head of the table."""
    print("| what | median | range | asked for |\n|---|---|---|---|", flush=True)
