"""What fails for a moment heals by itself; what fails for longer, by the gate's one command."""

import re
import subprocess

import pytest

from limbeck.config.load import load
from limbeck.config.recipes import Recipes
from limbeck.storage import read_labels, write_frames
from planted import real_frames

pytestmark = pytest.mark.slow

#: EMT that fails on one frame in the first so many processes that are asked about it
SPOILT = """

def _spoilt(self, frames, prepare=EffectiveMedium.prepare):
    import os
    from pathlib import Path

    if b"{frame}" in frames.id.tolist():
        seen = Path("processes")
        if str(os.getpid()) not in seen.read_text().split():
            seen.write_text(f"{{seen.read_text()}} {{os.getpid()}}")
        if len(seen.read_text().split()) <= int(Path("failures").read_text()):
            raise RuntimeError("a file server is away")
    return prepare(self, frames)


EffectiveMedium.prepare = _spoilt
"""
FRAMES = real_frames()
BAD = 1  # of the first slice
LABELS = "results/tiny/labels/emt"


@pytest.fixture
def run(workspace, snakemake, monkeypatch):
    """Make a file of labels or of the gate; with the number of processes that fail."""
    toys = workspace / "scripts/limbeck/potentials/models/toys.py"
    if "_spoilt" not in toys.read_text():
        toys.write_text(toys.read_text() + SPOILT.format(frame=FRAMES.id[BAD].decode()))
    monkeypatch.chdir(workspace)
    recipes = Recipes(load("tests/config/tiny.yaml"))
    for number, index in enumerate(([0, 1, 3, 4], [2, 5])):
        name = f"selected/{number}.h5"
        frames, made_of = FRAMES.select(index), recipes.of(name)
        write_frames(f"results/tiny/{name}", frames, stage="select_frames", recipe=made_of)

    def call(target, failures, *more):
        (workspace / "processes").write_text("")
        (workspace / "failures").write_text(str(failures))
        return snakemake(
            *("--configfile", "tests/config/tiny.yaml", "--cores", 2, "--rerun-triggers", "mtime"),
            *("--allowed-rules", "label_frames", "judge_labels", "pass_gate"),
            *("--retries", 0, *more, "--", target),
        )

    return call


def test_a_failure_that_passes_is_healed_by_a_retry_and_one_that_stays_by_the_gate(workspace, run):
    done = run(f"{LABELS}/0.h5", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("Trying to restart job") == 1  # whatever --retries says
    found = read_labels(workspace / LABELS / "0.h5", "emt")
    assert found.status.tolist() == [0] * 4
    # the other frames were read: the log is that of the second attempt
    log = (workspace / "results/tiny/logs/label_frames/emt/0.log").read_text()
    assert "results/label_store: 1 read, 1 made" in log

    (workspace / LABELS / "0.h5").unlink()
    subprocess.run(["rm", "-r", "results/label_store"], cwd=workspace, check=True)
    done = run("results/tiny/gate/emt.passed", 99)
    assert done.returncode == 1  # of the gate alone: the slice was finished
    assert done.stderr.count("Trying to restart job") == 2
    found = read_labels(workspace / LABELS / "0.h5", "emt")
    assert found.status.tolist() == [0, 4, 0, 0]
    log = (workspace / "results/tiny/logs/pass_gate/emt.log").read_text()
    command = re.search(r"run again: (rm .*)$", log.strip())[1]
    assert f"{LABELS}/0.h5" in command
    assert f"{LABELS}/1.h5" not in command

    subprocess.run(command, shell=True, cwd=workspace, check=True)
    done = run("results/tiny/gate/emt.passed", 0)
    assert done.returncode == 0, done.stdout + done.stderr
    assert read_labels(workspace / LABELS / "0.h5", "emt").status.tolist() == [0] * 4
