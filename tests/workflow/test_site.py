"""What jobs ask a cluster for: by rule, by attempt, and by what a profile says of its site."""

import re

import pytest

from workspaces import copy_workflow, snakemake_in

ROOT_RULES = {"all", "fetch_weights", "pass_gate", "pass_part"}  # they run where Snakemake runs
EXAMPLE = (  # that of docs/cluster.md: one H100 of a named partition, 8 cores, 180 GB, 24 hours
    "slurm_account=abc123",
    "slurm_partition=standard",
    "constraint='intel&ib'",
    "on_gpu_slurm_partition=gpu",
    "on_gpu_constraint=gpu80gb",
    "on_gpu_gpu_model=h100",
    "on_gpu_cpus_per_task=8",
    "on_gpu_mem_mb=180000",
    "on_gpu_runtime=1440",
    "most_mem_mb=180000",
    "most_runtime=1440",
    "mem_mb=2000",
    "runtime=60",
)


@pytest.fixture(scope="module")
def asked(repository, tmp_path_factory):
    """``asked("--option", ...)``: rule -> the resources of its first job."""
    folder = copy_workflow(repository, tmp_path_factory.mktemp("site"))

    def plan(*arguments, device="cuda"):
        done = snakemake_in(folder)(
            *("-n", "--profile", "slurm", *arguments, "--configfile", "tests/config/tiny.yaml"),
            *("--config", f"device={device}"),
        )
        assert done.returncode == 0, done.stderr
        found = {}
        for block in re.split(r"(?m)^(?:local)?rule ", done.stdout + done.stderr)[1:]:
            line = re.search(r"(?m)^    resources: (.*)$", block)
            pairs = (pair.split("=", 1) for pair in line[1].split(", ")) if line else []
            found.setdefault(block.split(":")[0], dict(pairs))
        return found

    return plan


def test_every_rule_states_what_it_needs(repository):
    """In its own words: nothing is left to the defaults of a profile."""
    for path in sorted((repository / "workflow/rules").glob("*.smk")):
        rules = re.split(r"(?m)^ *(?:rule|checkpoint)\b", path.read_text())[1:]
        for text in rules:
            name = re.match(r" ?(\w*)", text)[1]
            if name in ROOT_RULES or "input:" not in text:
                continue
            assert "needs(" in text, f"{path.name}: {name}"
            assert re.search(r"(?m)^ *threads:", text), f"{path.name}: {name}"


def test_a_job_with_a_gpu_asks_for_what_the_site_says(asked):
    found = asked("--default-resources", *EXAMPLE)
    gpu, cpu = found["label_frames"], found["generate_clusters"]
    wanted = {"gpu": "1", "slurm_partition": "gpu", "constraint": "gpu80gb", "gpu_model": "h100"}
    wanted |= {"cpus_per_task": "8", "mem_mb": "180000", "runtime": "1440"}
    assert {name: gpu[name] for name in wanted} == wanted
    assert int(gpu["gpu_mem_mb"]) > 0
    # and others do not: the executor would take `gpu_model` alone for one GPU
    wanted = {"gpu": "0", "slurm_partition": "standard", "constraint": "intel&ib"}
    assert {name: cpu[name] for name in wanted} == wanted
    assert "gpu_model" not in cpu
    assert int(cpu["mem_mb"]) < 10_000
    assert all(job.get("slurm_account", "abc123") == "abc123" for job in found.values())


def test_without_a_gpu_nobody_asks_for_one(asked):
    found = asked("--default-resources", *EXAMPLE, device="cpu")
    assert {job.get("gpu", "0") for job in found.values()} == {"0"}
    assert found["label_frames"]["slurm_partition"] == "standard"


def test_no_job_asks_for_more_than_the_site_has(asked):
    whole = asked()
    least = asked("--default-resources", "most_runtime=30", "most_mem_mb=3000")
    assert int(whole["label_frames"]["runtime"]) > 30  # else nothing is cut
    assert int(least["label_frames"]["runtime"]) == 30
    assert int(least["label_frames"]["mem_mb"]) == 3000
    assert least["check_yields"]["runtime"] == "10" == whole["check_yields"]["runtime"]


def test_a_rule_is_changed_by_the_site_without_touching_it(asked):
    found = asked(
        *("--set-resources", "label_frames:mem_mb=7777", "label_frames:runtime=33"),
        *("--set-threads", "label_frames=3"),
    )
    assert found["label_frames"]["mem_mb"] == "7777"
    assert found["label_frames"]["runtime"] == "33"
    assert found["measure_teacher_gap"]["mem_mb"] != "7777"
