"""The pilot of a run: what waits for it, and what comes of one that does not pass."""

import re

import pytest
import yaml

CONFIG = """
run: pilot
sources:
  clusters: {kind: clusters, count: 8, shards: 2, elements: [Cu, Ni], sizes: [4, 6], strain: 0.05}
potentials:
  emt: {model: emt}
select: {include: [generated], count: 8, slices: 2}
labels:
  emt: {potential: emt}
gate: {pilot: 3, max_force_eV_per_A: 1.0e-9, fallback: config/config.yaml}
dataset: {split_by: root}
"""


@pytest.fixture(scope="module")
def config(workspace):
    """Its config in the workspace, from which it may be changed."""
    path = workspace / "pilot.yaml"
    path.write_text(CONFIG)
    return path


def inputs(output: str) -> dict[str, str]:
    """First output of each job of a plan -> its inputs."""
    pairs = re.findall(r"(?m)^    input: (.*)\n    output: ([^,\n]+)", output)
    return {made: read for read, made in pairs}


def test_later_slices_wait_for_the_pilot(snakemake, config):
    planned = snakemake("-n", "--configfile", config.name)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    read = inputs(planned.stdout)
    for made in ("structures/clusters", "labels/emt"):
        waits = {n: "gate/emt.pilot.passed" in read[f"results/pilot/{made}/{n}.h5"] for n in "01"}
        assert waits == {"0": False, "1": True}
    judged = read["results/pilot/gate/emt.pilot.json"]
    assert re.findall(r"labels/emt/(\d)\.h5", judged) == ["0"]


@pytest.mark.slow
def test_a_pilot_that_does_not_pass_stops_the_run_or_says_so(snakemake, workspace, config):
    target = "results/pilot/structures/clusters/1.h5"  # waits for the pilot
    stopped = snakemake("--cores", 2, "--show-failed-logs", target, "--configfile", config.name)
    told = stopped.stdout + stopped.stderr
    assert stopped.returncode != 0
    assert any("1e-09" in line and "force" in line for line in told.splitlines())
    assert "config/config.yaml" in told
    results = workspace / "results" / "pilot"
    assert (results / "gate" / "emt.pilot.json").exists()
    assert not (results / "gate" / "emt.pilot.passed").exists()
    assert not (workspace / target).exists()

    changed = yaml.safe_load(CONFIG)
    changed["gate"]["on_no_go"] = "continue"
    config.write_text(yaml.safe_dump(changed))
    went_on = snakemake("--cores", 2, "--show-failed-logs", target, "--configfile", config.name)
    assert went_on.returncode == 0, went_on.stdout + went_on.stderr
    assert "not passed" in (results / "gate" / "emt.pilot.passed").read_text()
    assert (workspace / target).exists()
