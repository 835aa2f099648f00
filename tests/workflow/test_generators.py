"""Generative models in a run: from the config to screened frames."""

import json

import pytest

import stand_ins
from limbeck.storage import read_frames
from workspaces import copy_workflow, snakemake_in

CONFIG = ("--configfile", "tests/config/generators.yaml", "--cores", "2", "-q", "all", "--")
RUN = "results/generators"


@pytest.fixture
def workspace(repository, tmp_path):
    folder = copy_workflow(repository, tmp_path / "limbeck")
    stand_ins.installed("mattergen", folder / "env")
    return folder


@pytest.mark.slow
def test_structures_of_a_generator_are_screened_like_all_others(workspace, monkeypatch):
    snakemake = snakemake_in(workspace)
    monkeypatch.setenv("STAND_IN", "elements,nan")
    targets = [f"{RUN}/screened/{name}/0.h5" for name in ("proposed", "salts")]
    done = snakemake("--show-failed-logs", *CONFIG, *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    frames = read_frames(workspace / targets[0])
    assert len(frames) == 6
    assert frames.periodic.all()
    info = frames.info_of(0)
    assert info["generative_model"] == "MatterGen"
    assert info["file"] == "0/structures.extxyz"
    # a source of its own takes a share of what is left
    infos = [read_frames(workspace / targets[1]).info_of(b) for b in range(4)]
    assert sum("generative_model" in info for info in infos) == 2
    made = json.loads((workspace / RUN / "generators/mattergen/0/made.json").read_text())
    assert made["refused"]
    # nothing is made again, unless what is asked for changes
    again = snakemake("-n", *CONFIG, *targets)
    assert again.returncode == 0, again.stderr
    assert "Nothing to be done" in again.stdout
    changed = workspace / "tests/config/generators.yaml"
    changed.write_text(changed.read_text().replace("count: 6\n", "count: 8\n", 1))
    plan = snakemake("-n", *CONFIG[:-3], "--", *targets)
    assert "run_mattergen" in plan.stdout


def test_every_program_has_a_rule_with_its_environment(workspace):
    text = (workspace / "tests/config/generators.yaml").read_text()
    changed = workspace / "config/own.yaml"
    changed.write_text(text.replace("    python: env/bin/python\n", ""))
    done = snakemake_in(workspace)("-n", "-p", "--configfile", changed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "python scripts/run_mattergen.py" in done.stdout


def test_what_a_job_needs_follows_from_what_it_is_asked_for(workspace):
    """Six structures in two jobs of three, of at most 10 s each, and as many that may be of no use:
    30 + 1 minutes, 8,000 + 3 x 500 MB."""
    done = snakemake_in(workspace)("-n", "--configfile", "tests/config/generators.yaml")
    job = done.stdout[done.stdout.index("rule run_mattergen") :].split("\n\n")[0]
    assert "mem_mb=9500" in job
    assert "runtime=31" in job
