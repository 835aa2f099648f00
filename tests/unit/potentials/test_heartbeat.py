"""A potential that never answers ends its job, a slow one does not: each in its own process."""

import os
import subprocess
import sys
import time

import pytest

from limbeck.errors import LimbeckError
from limbeck.potentials import heartbeat

#: seconds that an answer may take here
LIMIT = 2.0

POTENTIAL = """
import ctypes, sys, time
from ase.build import bulk
from limbeck import cli
from limbeck.frames import from_atoms
from limbeck.potentials import heartbeat
from limbeck.potentials.models.toys import LennardJones

frames = from_atoms([bulk("Ar", cubic=True)] * 6, groups=["g"] * 6, source="s")

class Hung(LennardJones):
    def evaluate(self, batch):
        hang()
        return super().evaluate(batch)

potential = Hung(batch_atoms=4)  # a frame in each batch
"""
HANGS = {
    "sleeps in C": "hang = lambda: time.sleep(1000)",
    "spins": "def hang():\n    while True:\n        pass",
    # a library function that is called without letting other threads of Python go on
    "holds Python's lock": "def hang():\n    ctypes.PyDLL(None).sleep(1000)",
}


def run(*parts: str, limit: float | None = LIMIT) -> subprocess.CompletedProcess[str]:
    environment = {name: v for name, v in os.environ.items() if name != heartbeat.VARIABLE}
    if limit is not None:
        environment[heartbeat.VARIABLE] = str(limit / 60)
    scripts = os.path.dirname(os.path.dirname(os.path.dirname(heartbeat.__file__)))
    return subprocess.run(
        [sys.executable, "-c", POTENTIAL + "\n".join(parts)],
        env=environment | {"PYTHONPATH": scripts},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("how", HANGS)
def test_a_call_that_never_returns_ends_the_job(how):
    done = run(HANGS[how], "cli.run(lambda: potential.predict(frames))")
    assert done.returncode == 1
    said, _, where = done.stderr.partition("most recent call first")
    assert "in hang" in where or "in <lambda>" in where
    assert "in evaluate" in where
    if how == "holds Python's lock":
        assert "Timeout (0:00:02" in said  # no line of ours can be written: 2.4 s
    else:
        assert "no answer of the potential for 0.0333333 min (max_silence_min): this job" in said


@pytest.mark.parametrize(
    "asked",
    [
        "potential.predict(frames)",
        "FailureTolerantModel(potential)(state_of(frames, potential.torch_sim_model()))",
        "[hang() for _ in heartbeat.each_awaited([1])]",
    ],
)
def test_wherever_it_is_asked(asked):
    done = run(
        "from limbeck.potentials.torch_sim import FailureTolerantModel, state_of",
        HANGS["sleeps in C"],
        f"cli.run(lambda: {asked})",
    )
    assert done.returncode == 1
    assert "no answer of the potential" in done.stderr


def test_many_slow_answers_and_the_time_between_them_are_no_silence():
    wait = LIMIT / 4
    done = run(
        f"hang = lambda: time.sleep({wait})",
        "def job():",
        "    potential.predict(frames)",  # 6 answers: 1.5 limits
        f"    time.sleep({1.5 * LIMIT})",  # what is no question to a potential
        "    with heartbeat.awaited():",
        "        for _ in range(6):",
        "            hang()",
        "            heartbeat.beat()",
        "    print('done')",
        "cli.run(job)",
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    assert "no answer" not in done.stderr


def test_without_the_variable_nothing_is_watched():
    done = run(
        f"hang = lambda: time.sleep({1.5 * LIMIT})",
        "potential.predict(frames.select([0]))",
        "import threading",
        "print(threading.active_count())",
        limit=None,
    )
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def test_a_limit_that_is_no_number_is_named(monkeypatch):
    monkeypatch.setenv(heartbeat.VARIABLE, "an hour")
    expected = "LIMBECK_MAX_SILENCE_MIN: 'an hour', expected a number"
    with pytest.raises(LimbeckError, match=expected), heartbeat.awaited():
        pass


def test_a_beat_costs_next_to_nothing():
    start = time.perf_counter()
    for _ in range(1000):
        with heartbeat.awaited():
            heartbeat.beat()
    # some 3 microseconds each; a hundred times as much would be seen beside a small batch
    assert time.perf_counter() - start < 0.3
