"""A run whose head is killed, and started again, ends with the same bits as one that was not."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import bits
import processes
from processes import at_work, command, descendants, head_among, is_job, status
from workspaces import copy_for_make, snakemake_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="needs a virtual environment"),
]

CONFIG = "tests/config/tiny.yaml"
RUN = "results/tiny"
SEED = 20261121
PATIENCE = 1200  # s for what takes a minute on two free cores


class Run:
    """``make run`` in a folder: the head (Snakemake's main process) and the jobs it started."""

    def __init__(self, folder: Path, number: int) -> None:
        self.log = folder / f"run{number}.log"
        with open(self.log, "w") as log:
            self.make = subprocess.Popen(
                ["make", "run", f"CONFIG={CONFIG}", "CORES=2"],
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> int:
        return self.make.wait(PATIENCE)

    def head(self) -> psutil.Process | None:
        """Snakemake's main process, once it is there."""
        return head_among(descendants(self.make.pid))

    def jobs(self) -> list[psutil.Process]:
        """The scripts that the head has started and that are at work."""
        head = self.head()
        return [p for p in descendants(head.pid) if is_job(p)] if head else []

    def end(self) -> None:
        """Kill what is left of the session of this run, orphans too."""
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == self.make.pid:
                    process.kill()
            except (psutil.NoSuchProcess, ProcessLookupError, PermissionError):
                pass
        self.make.wait(60)


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for something to be true, and return it."""
    return processes.until(condition, what, PATIENCE)


@pytest.fixture
def start() -> Iterator[Callable[[Path], Run]]:
    """Start runs; what is left of them is killed at the end of the test."""
    runs: list[Run] = []

    def started(folder: Path) -> Run:
        runs.append(Run(folder, len(runs)))
        return runs[-1]

    yield started
    for run in runs:
        run.end()


def steps(folder: Path) -> int:
    """Jobs that have ended well: each leaves a benchmark."""
    return sum(1 for _ in (folder / RUN / "benchmarks").rglob("*.tsv"))


def moments() -> list[tuple[int, float]]:
    """(steps done, seconds after that), early, halfway and late among the 35 steps of a run."""
    rng = random.Random(SEED)
    return [(rng.randint(low, low + 6), rng.uniform(0, 2)) for low in (3, 13, 23)]


def kill(run: Run, folder: Path, moment: tuple[int, float], *, freeze: bool) -> list[Any]:
    """kill -9 the head at a moment at which it has jobs at work; these stay, frozen or not."""
    count, delay = moment
    until(lambda: steps(folder) >= count or run.make.poll() is not None, f"{count} steps")
    time.sleep(delay)
    orphans = until(run.jobs, "a job at work")
    if freeze:
        for process in orphans:
            process.suspend()
    head = run.head()
    assert head is not None, run.log.read_text()[-3000:]
    head.send_signal(signal.SIGKILL)
    assert run.wait() != 0
    names = [command(p)[1] for p in orphans if at_work(p)]
    state = "frozen" if freeze else "at work"
    print(f"killed the head at step {steps(folder)} ({count} and {delay:.2f} s), {state}: {names}")
    return orphans


def doubles(run: Run, orphans: list[psutil.Process]) -> list[psutil.Process]:
    """Orphans at work that a job of ``run`` does the work of once more, at the same time."""
    twins = [command(p) for p in run.jobs()]
    return [p for p in orphans if at_work(p) and command(p) in twins]


@pytest.fixture(scope="module")
def folder(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run that is killed takes place."""
    return copy_for_make(repository, tmp_path_factory.mktemp("killed"))


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a run of the very same files that nothing interrupted."""
    other = copy_for_make(folder, tmp_path_factory.mktemp("whole"))
    begin = time.monotonic()
    run = Run(other, 0)
    try:
        assert run.wait() == 0, run.log.read_text()[-3000:]
    finally:
        run.end()
    print(f"the uninterrupted run took {time.monotonic() - begin:.0f} s")
    return other / RUN


def test_a_run_killed_three_times_ends_with_the_same_bits(whole, folder, start):
    """Three ways in which jobs of the dead run meet those of the new one.

    First, they run on as they please. Second, each is frozen until the new run has started the
    same job: two write the same file. Third, they are frozen until the new run has ended.
    """
    early, halfway, late = moments()
    run = start(folder)
    orphans = kill(run, folder, early, freeze=False)

    run = start(folder)
    until(lambda: run.head() or run.make.poll() is not None, "a new head")
    print(f"{sum(map(at_work, orphans))} jobs of the first run at work as the second began")
    frozen = kill(run, folder, halfway, freeze=True)

    run = start(folder)
    met = 0
    while still := [p for p in frozen if status(p) == psutil.STATUS_STOPPED]:
        twins = until(lambda s=still: doubles(run, s) or run.make.poll() is not None, "a twin")
        if twins is True:
            break
        for process in twins:
            print(f"two of {command(process)[1]} at work")
            process.resume()
            met += 1
    assert met >= 1  # else this test has not seen what it is for
    last = kill(run, folder, late, freeze=True)

    run = start(folder)
    assert run.wait() == 0, run.log.read_text()[-3000:]
    for process in last:
        process.resume()
    _, alive = psutil.wait_procs([*orphans, *frozen, *last], timeout=PATIENCE)
    assert not alive

    plan = snakemake_in(folder)("-n", "--configfile", CONFIG)
    assert "Nothing to be done" in plan.stdout, plan.stdout  # late orphans change nothing
    assert_same(whole, folder / RUN)


def assert_same(whole: Path, again: Path) -> None:
    """Same files; frames, labels, weights and metrics bit for bit; nothing half-made is left."""
    names = bits.files(whole)
    assert bits.files(again) == names
    counted = [n for n in names if n.split("/")[0] not in bits.UNCOUNTED]
    assert len(counted) > 80
    assert len(bits.arrays(whole / "labels/emt/0.h5")) >= 8  # a file of labels alone
    assert bits.different(whole, again, counted) == []


def test_a_second_head_ends_at_once(repository, tmp_path, start):
    folder = copy_for_make(repository, tmp_path)
    first = start(folder)
    until(lambda: first.head() or first.make.poll() is not None, "a head")
    begin = time.monotonic()
    second = start(folder)
    assert second.wait() != 0
    seconds = time.monotonic() - begin
    assert "Another run is at work: it holds results/.lock." in second.log.read_text()
    assert "Traceback" not in second.log.read_text()
    assert "Building DAG" not in second.log.read_text()
    # it ends before Snakemake is even loaded: 0.1 s, and a busy machine may be slow
    assert seconds < 5
    assert first.make.poll() is None  # and the first goes on
