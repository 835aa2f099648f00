"""Which head runs, and whether a job is of one that was replaced."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest

from limbeck.check import head
from limbeck.errors import LimbeckError

CONFIG = {"run": "a", "seed": 1}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The folder of a run; what heads put into the environment is put back."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    return tmp_path / "results" / "a"


@pytest.fixture
def sleeper():
    """A process that is alive."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process.pid
    process.kill()
    process.wait()


def head_of(alive, **changes):
    """What ``head.json`` says of a process."""
    import psutil

    started = psutil.Process(alive).create_time()
    return asdict(replace(head.Process.own(), pid=alive, started=started)) | changes


def write(run, **fields):
    run.mkdir(parents=True, exist_ok=True)
    (run / "head.json").write_text(json.dumps({"id": "another", "config": {"seed": 2}, **fields}))


def test_announcing_writes_nothing(run):
    head.announce(run)
    assert not run.exists()
    assert not head.replaced()
    assert head.config_of_head() is None


def test_a_head_that_runs_jobs_is_known_to_them(run):
    head.announce(run)
    head.take_over(CONFIG)
    assert [path.name for path in run.iterdir()] == ["head.json"]
    assert not head.replaced()
    assert head.config_of_head() == CONFIG
    assert head.folder() == run
    assert head.process_in(run / "head.json").alive is True


def test_a_head_that_follows_replaces_the_one_before(run):
    head.announce(run)
    head.take_over(CONFIG)
    of_first = {name: os.environ[name] for name in (head.HEAD, head.FILE)}
    head.announce(run)
    assert not head.replaced()  # the second runs no job yet
    os.environ.update(of_first)
    assert not head.replaced()  # nor has it disturbed the first
    head.announce(run)
    head.take_over(CONFIG | {"seed": 2})
    assert not head.replaced()
    assert head.config_of_head()["seed"] == 2
    os.environ.update(of_first)
    assert "another one has taken its place" in head.replaced()
    with pytest.raises(LimbeckError, match="another one has taken its place"):
        head.config_of_head()


def test_a_head_without_hooks_is_not_taken_for_a_replaced_one(run):
    write(run)  # of an earlier head, which is dead
    head.announce(run)
    assert not head.replaced()
    assert head.config_of_head() is None  # and not the config of the other


@pytest.mark.parametrize("name", [head.HEAD, head.FILE])
def test_a_script_that_a_person_calls_has_no_head(run, name):
    write(run)
    os.environ |= {head.HEAD: "mine none", head.FILE: str(run / "head.json")}
    assert head.replaced()  # negative control
    del os.environ[name]
    assert not head.replaced()
    assert head.folder() is None


def test_a_run_that_is_at_work_is_not_taken_over(run, sleeper):
    write(run, process=head_of(sleeper))
    head.announce(run)
    with pytest.raises(LimbeckError, match=f"results/a: another snakemake .* process {sleeper}"):
        head.take_over(CONFIG)
    assert json.loads((run / "head.json").read_text())["id"] == "another"


@pytest.mark.parametrize(
    "changes",
    [{"started": 1.0}, {"place": "elsewhere"}, {"pid": 2**22 + 1}],
    ids=["its number is used again", "on another machine", "dead"],
)
def test_a_run_that_is_not_at_work_here_is_taken_over(run, sleeper, changes):
    write(run, process=head_of(sleeper, **changes))
    head.announce(run)
    head.take_over(CONFIG)
    assert head.config_of_head() == CONFIG


def look(results, *, locked=True):
    """What make run asks before it opens Snakemake's lock."""
    if locked:
        lock = results.parent / ".snakemake/locks/0.input.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text("")
    command = [sys.executable, "-m", "limbeck.check.head", str(results), "a"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_make_run_looks_for_a_bare_snakemake(run, sleeper):
    write(run, process=head_of(sleeper), locked=False)
    found = look(run.parent)
    assert found.returncode == 1
    assert found.stderr == f"Another run is at work: {run}, process {sleeper}.\n"
    # without a lock of Snakemake's there is nothing that make could open
    (run.parents[1] / ".snakemake/locks/0.input.lock").unlink()
    assert look(run.parent, locked=False).returncode == 0


@pytest.mark.parametrize(
    ("changes", "locked", "status"),
    [
        ({"started": 1.0}, False, 0),
        ({"place": "elsewhere"}, False, 1),
        ({"place": "elsewhere"}, True, 0),  # it had the lock that make holds now
    ],
)
def test_make_run_goes_on_after_a_dead_head(run, sleeper, changes, locked, status):
    write(run, process=head_of(sleeper, **changes), locked=locked)
    found = look(run.parent)
    assert found.returncode == status
    if status:
        assert f"If it is dead: rm {run}/head.json, and the same command again" in found.stderr


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": {"pid": 1}}', '{"process": 3}'])
def test_a_damaged_file_stops_nobody(run, text):
    run.mkdir(parents=True)
    (run / "head.json").write_text(text)
    assert look(run.parent).returncode == 0
    head.announce(run)
    head.take_over(CONFIG)
    assert head.config_of_head() == CONFIG


def test_a_process_is_alive_only_while_it_is():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    known = head.Process(**head_of(process.pid))
    assert known.alive is True
    process.kill()
    process.wait()
    end = time.monotonic() + 10
    while known.alive and time.monotonic() < end:
        time.sleep(0.01)
    assert known.alive is False


def test_a_head_that_cannot_write_says_so(run):
    run.parent.mkdir()
    run.write_text("a file where the folder of the run should be")
    head.announce(run)
    with pytest.raises(LimbeckError, match=r"results/a/head\.json: not written: "):
        head.take_over(CONFIG)
