"""Jobs of a head that is gone, and a config that is edited while jobs are at work."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from limbeck.check import head
from limbeck.config.load import load
from limbeck.config.recipes import Recipes
from limbeck.config.settings_files import SettingsFiles
from limbeck.storage import read_header
from workspaces import copy_workflow, snakemake_in

SAMPLE = "results/tiny/samples/md/clusters/0.h5"
PATIENCE = 600  # s for what takes ten on two free cores


@pytest.fixture(scope="module")
def folder(repository, tmp_path_factory):
    """A copy of the workflow with a config of its own, whose structures are screened."""
    folder = copy_workflow(repository, tmp_path_factory.mktemp("heads"))
    write_config(folder)
    done = snakemake_in(folder)(*call("results/tiny/screened/clusters/0.h5"))
    assert done.returncode == 0, done.stderr
    return folder


def write_config(folder, *, temperature=300, time_fs=20):
    """The tiny config, with another temperature and a trajectory of another length."""
    config = yaml.safe_load((folder / "tests/config/tiny.yaml").read_text())
    config["sampling"]["md"] |= {"temperature_K": temperature, "time_total_fs": time_fs}
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))


def call(*arguments):
    return ("--configfile", "mine.yaml", "--cores", "1", *arguments)


def temperature(folder):
    return read_header(folder / SAMPLE)["settings"].split('"temperature_K": ')[1].split(",")[0]


def remote(folder, *arguments):
    """What an executor such as SLURM's calls for one job, in the environment of its head."""
    return snakemake_in(folder)(
        *call(SAMPLE, "--mode", "remote", "--nolock", "--force", "--allowed-rules", "sample_md")
    )


@pytest.fixture
def head_at_300(folder, monkeypatch):
    """This process stands for a head that has read 300 K and runs jobs; the file then has 900."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.chdir(folder)
    write_config(folder)
    head.announce("results/tiny")
    head.take_over(yaml.safe_load((folder / "mine.yaml").read_text()))
    files, told = SettingsFiles("results/tiny"), Recipes(load("mine.yaml"))
    files.write([files.path(told.job_of(SAMPLE.removeprefix("results/tiny/"))[0])])
    write_config(folder, temperature=900)
    (folder / SAMPLE).unlink(missing_ok=True)
    yield
    Path("results/tiny/head.json").unlink(missing_ok=True)


@pytest.mark.slow
def test_a_job_has_the_config_of_its_head(folder, head_at_300):
    done = remote(folder)
    assert done.returncode == 0, done.stderr
    assert temperature(folder) == "300.0"


@pytest.mark.slow
def test_a_job_whose_head_was_replaced_is_not_run(folder, head_at_300):
    (folder / SAMPLE).parent.mkdir(parents=True, exist_ok=True)
    (folder / SAMPLE).write_text("of the new head")
    mine = os.environ[head.HEAD]
    head.announce("results/tiny")
    head.take_over({})
    os.environ[head.HEAD] = mine
    done = remote(folder)
    assert done.returncode == 1
    assert "This job is not run: the run that started this job has ended" in done.stderr
    assert (folder / SAMPLE).read_text() == "of the new head"  # and nothing is removed


@pytest.mark.parametrize("arguments", [("-n",), ("--lint",), ("--summary",), ("--unlock",)])
def test_looking_disturbs_nobody(folder, head_at_300, arguments):
    before = Path("results/tiny/head.json").read_text()
    snakemake_in(folder)(*call(*arguments))
    assert Path("results/tiny/head.json").read_text() == before
    assert not head.replaced()


@pytest.mark.slow
def test_a_second_head_of_a_run_that_is_at_work_ends(folder, head_at_300):
    """This process is alive, and its head.json says that it is the head."""
    done = snakemake_in(folder)(*call("--nolock", SAMPLE))
    assert done.returncode != 0
    said = f"another snakemake is at work on this run, process {os.getpid()}"
    assert said in done.stdout + done.stderr
    assert not (folder / SAMPLE).exists()


@pytest.mark.slow
def test_an_orphan_publishes_nothing_under_a_new_config(folder):
    """kill -9 of the head in the middle of dynamics, another temperature, the same command."""
    (folder / SAMPLE).unlink(missing_ok=True)
    write_config(folder, time_fs=1000)
    first = start(folder)
    orphan = until(lambda: job_of(first), "the dynamics")
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert orphan.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    orphan.suspend()  # so that it ends last, which is the worst
    # Snakemake removes the log before it starts the job again: it goes on without a name.
    with open(f"/proc/{orphan.pid}/fd/1", encoding="utf-8") as said:
        write_config(folder, temperature=900)
        again = snakemake_in(folder)(*call("--unlock"))
        assert again.returncode == 0, again.stderr
        again = snakemake_in(folder)(*call("--rerun-incomplete", SAMPLE))
        assert again.returncode == 0, again.stderr
        assert temperature(folder) == "900.0"
        bits = (folder / SAMPLE).read_bytes()

        orphan.resume()
        psutil.wait_procs([orphan], timeout=PATIENCE)
        assert not orphan.is_running()
        assert (folder / SAMPLE).read_bytes() == bits
        assert "0.h5 is dropped: the run that started this job has ended" in said.read()


def start(folder):
    python = Path(sys.executable).parent
    return subprocess.Popen(
        [str(python / "snakemake"), *call(SAMPLE)],
        cwd=folder,
        env=os.environ | {"PATH": os.pathsep.join([str(python), os.environ["PATH"]])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def job_of(process):
    """The script that makes the sample, once it is at work."""
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if "scripts/sample_frames.py" in child.cmdline()[1:2]:
                return child
        except (psutil.Error, IndexError):
            continue
    return None


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    pytest.fail(f"waited {PATIENCE} s in vain for {what}")
