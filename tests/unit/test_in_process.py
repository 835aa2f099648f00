"""What the tests of command lines rest on: a script called here answers as one in a process."""

import logging
import os
import warnings

import pytest
import torch

import in_process
from limbeck.files import write_json
from limbeck.frames import empty
from limbeck.storage import write_frames

STAMP = len("2026-01-01 00:00:00,000 ")  # of a line of the log


CRITERION = {"name": "good_label_fraction", "scope": "a", "value": 1.0, "threshold": 0.9}
PASSED = {"go": True, "criteria": [CRITERION | {"passed": True}], "status": {"good": 5}}


def both_ways(name, *arguments, settings, folder, write):
    """What a script answers here and in a process, each in a folder with the input it wants."""
    for start in (in_process.run, in_process.run_as_process):
        own = folder / start.__name__
        own.mkdir()
        write(own)
        yield start(name, *arguments, settings=settings, cwd=own)


@pytest.mark.parametrize(
    ("verdict", "settings", "code"),
    [
        (PASSED, {}, 0),
        ({"go": False, "criteria": [], "status": {}}, {}, 1),  # the input is refused
        (PASSED, "nothing.yaml", 2),  # the command line is
    ],
)
def test_status_and_words_are_those_of_a_process(tmp_path, verdict, settings, code):
    def write(folder):
        write_json(folder / "verdict.json", verdict)

    arguments = ["--input", "verdict.json", "--output", "passed"]
    here, there = both_ways(
        "pass_gate", *arguments, settings=settings, folder=tmp_path, write=write
    )
    assert here.returncode == there.returncode == code
    assert (here.stdout, here.stderr) == (there.stdout, there.stderr)
    assert bool(here.stderr) == (code > 0)


def test_the_log_is_that_of_a_process(tmp_path):
    def write(folder):
        write_frames(folder / "in.h5", empty(), stage="generate")

    files = ["--input", "in.h5", "--output", "out.h5", "--rejects", "out.csv"]
    limits = {"min_distance_ratio": 0.6, "max_atoms": 500}
    limits |= {"min_density_g_cm3": 0.05, "max_density_g_cm3": 30}
    here, there = (
        [line[STAMP:] for line in done.stderr.splitlines()]
        for done in both_ways(
            "screen_structures", *files, settings=limits, folder=tmp_path, write=write
        )
    )
    assert here == there == ["INFO 0 of 0 frames kept"]


def test_an_error_that_is_not_told_in_a_line_is_raised(tmp_path, monkeypatch):
    def broken(path, found):
        raise KeyError(path)

    write_json(tmp_path / "verdict.json", PASSED)
    monkeypatch.setattr("limbeck.gate.verdict.require_go", broken)
    arguments = ["--input", "verdict.json", "--output", "x"]
    with pytest.raises(KeyError, match=r"verdict\.json"):
        in_process.run("pass_gate", *arguments, settings={}, cwd=tmp_path)


def test_what_a_script_sets_is_put_back(tmp_path):
    write_frames(tmp_path / "in.h5", empty(), stage="select_frames")
    label_set = {"name": "lj", "potential": "lj", "views": 2}
    settings = {"label_set": label_set, "slice": 0, "slices": 1, "lost_device": "stop"}
    settings |= {"potential": {"name": "lj", "model": "lj"}, "device": "cpu", "threads": 3}

    def state():
        root = logging.getLogger()
        threads = torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")
        return *threads, root.level, list(root.handlers), warnings.showwarning, os.getcwd()

    before = state()
    arguments = ["--input", "in.h5", "--output", "out.h5"]
    done = in_process.run("label_frames", *arguments, settings=settings, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert state() == before
    assert before[0] != 3  # or nothing would have changed
