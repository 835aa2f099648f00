"""What `make run` says of a config that is none, and what it needs of the machine."""

import os
import pty
import subprocess

import pytest

from workspaces import copy_for_make

#: name of the config, its text (None for a folder, "" for an empty file), and what is said of it
BAD = {
    "a folder": ("bad", None, "bad: a folder, expected a file"),
    "empty": ("bad.yaml", "", "bad.yaml: nothing in it, expected a mapping"),
    "a list": ("bad.yaml", "- run: a\n", "bad.yaml: a list in it, expected a mapping"),
    "an open bracket": (
        "bad.yaml",
        "run: [\n",
        "bad.yaml, line 2, column 1: not a readable YAML file: while parsing a flow node",
    ),
    "a tab": (
        "bad.yaml",
        "run: a\nseed:\n\t1\n",
        "bad.yaml, line 3, column 1: not a readable YAML",
    ),
    "a colon": ("bad.yaml", "run: a: b\n", "bad.yaml, line 1, column 7: not a readable YAML file"),
    "a key twice": (
        "bad.yaml",
        "run: a\nsources:\n  c: {}\n  d: {}\n  c: {}\n",
        "bad.yaml, line 5: the key 'c' stands in line 3, too, expected it once",
    ),
}


@pytest.fixture(scope="module")
def folder(repository, tmp_path_factory):
    return copy_for_make(repository, tmp_path_factory.mktemp("make"))


def make_run(folder, config, *more, **environment):
    return subprocess.run(
        ["make", "run", f"CONFIG={config}", *more],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def said(done):
    """The one line that make itself did not write."""
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    return line


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_with_a_config_is_told_in_a_line(folder, name):
    path, text, expected = BAD[name]
    if text is None:
        (folder / path).mkdir(exist_ok=True)
    else:
        (folder / path).write_text(text)
    assert said(make_run(folder, path)).startswith(f"error: {expected}")


def test_a_config_that_is_not_there_is_named(folder):
    assert said(make_run(folder, "config/no.yaml")) == "error: config/no.yaml: no such file"


def test_a_path_with_a_space_runs_without_a_home(folder):
    tiny = (folder / "tests/config/tiny.yaml").read_text()
    (folder / "a 'b.yaml").write_text(tiny)
    made = "results/tiny/structures/metals/0.h5"
    done = make_run(folder, "a 'b.yaml", f"CORES=1 {made}", HOME="/proc/nohome")
    assert done.returncode == 0, done.stderr
    assert (folder / made).is_file()
    assert (folder / ".cache").is_dir()
    assert done.stdout.splitlines()[-1] == "The report: results/tiny/report/index.html"


@pytest.mark.slow
def test_a_failed_job_shows_its_sentence_and_little_else(folder):
    """A source of which nothing is left: all that the terminal shows from the error on."""
    (folder / "few.yaml").write_text(
        "run: few\n"
        "sources: {metals: {kind: crystals, count: 2, elements: [Cu], prototypes: [fcc]}}\n"
        "screen: {max_atoms: 1}\n"
        "potentials: {lj: {model: lj}}\n"
        "labels: {lj: {potential: lj}}\n"
    )
    done = make_run(folder, "few.yaml", "CORES=1 results/few/yields/structures.json")
    assert done.returncode != 0
    told = done.stderr[done.stderr.index("Error in rule check_yields") :]
    assert len(told) < 2500
    (line,) = [line for line in told.splitlines() if line.startswith("error: ")]
    assert line == (
        "error: sources.metals: of 2 structures none is left; 1 of them: too many atoms (raise "
        "screen.max_atoms, or take smaller cells); 1 of them: repeats a structure of smaller "
        "number; where that is meant, write allow_empty: true into sources.metals"
    )


@pytest.mark.slow
@pytest.mark.parametrize("terminal", [True, False])
def test_live_bars_are_for_a_terminal_alone(repository, tmp_path, terminal):
    """Elsewhere, in a file or in CI, they would be torn into lines of odd characters."""
    folder = copy_for_make(repository, tmp_path)
    programs = folder / ".venv/bin"
    real = programs.resolve()
    programs.unlink()
    programs.mkdir()
    for part in real.iterdir():
        (programs / part.name).symlink_to(part)
    (programs / "snakemake").unlink()
    (programs / "snakemake").write_text('#!/bin/sh\necho "$@" >> called.txt\n')
    (programs / "snakemake").chmod(0o755)
    main, end = pty.openpty()
    done = subprocess.run(
        ["make", "run", "CONFIG=tests/config/tiny.yaml"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=end if terminal else subprocess.PIPE,
        check=False,
    )
    os.close(end)
    os.close(main)
    assert done.returncode == 0
    unlocking, run = (folder / "called.txt").read_text().splitlines()
    assert "--unlock" in unlocking
    assert "--logger" not in unlocking
    assert ("--logger rich" in run) is terminal
    assert "--show-failed-logs" in run


@pytest.mark.parametrize(
    ("words", "has", "lacks"),
    [
        ((), "--cores all --resources gpu=1", "--profile"),
        (("PROFILE=slurm",), "--profile slurm", "--cores"),
        (("PROFILE=slurm", "CORES=2"), "--profile slurm --cores 2", "--resources"),
        (
            ("OPTIONS=--use-conda --keep-going",),
            "--use-conda --keep-going --configfile",
            "--profile",
        ),
        (("TARGET=batch_1 gate",), "--rerun-incomplete -- batch_1 gate", "--profile"),
    ],
)
def test_where_and_what_is_run(folder, tmp_path, words, has, lacks):
    """What `make run` calls Snakemake with, which here only writes that down."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for part in (folder / ".venv/bin").resolve().iterdir():
        (programs / part.name).symlink_to(part)
    (programs / "snakemake").unlink()
    (programs / "snakemake").write_text('#!/bin/sh\necho "$@" >> called.txt\n')
    (programs / "snakemake").chmod(0o755)
    (folder / "called.txt").unlink(missing_ok=True)
    (folder / ".venv/bin").rename(folder / ".venv/real")
    (folder / ".venv/bin").symlink_to(programs)
    try:
        done = make_run(folder, "tests/config/tiny.yaml", *words)
    finally:
        (folder / ".venv/bin").unlink()
        (folder / ".venv/real").rename(folder / ".venv/bin")
    assert done.returncode == 0, done.stderr
    unlocking, run = (folder / "called.txt").read_text().splitlines()
    assert "--unlock" in unlocking
    assert has in run
    assert lacks not in run
    # a part of a run ends without a report
    assert ("The report: results/tiny" in done.stdout) is not any("TARGET" in w for w in words)
