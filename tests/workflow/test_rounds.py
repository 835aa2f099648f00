"""Two rounds of a student, run to the end; what is planned of them, and what a change repeats."""

import json
from pathlib import Path

import pytest
import yaml

from limbeck.check.sums import faults
from snakemake_plan import jobs

CONFIG = ("--configfile", "tests/config/rounds.yaml")
COMPARISON = "results/rounds/rounds/emt.nep-tiny.json"
LATER = ("emt.nep-tiny.round2", "emt.nep-tiny.round2-random")


def test_every_round_has_its_own_jobs(snakemake):
    plan = snakemake("-n", *CONFIG)
    assert plan.returncode == 0, plan.stdout + plan.stderr
    found = jobs(plan.stdout)
    assert {name: found[name] for name in found if "round" in name or name == "choose_frames"} == {
        "explore_round": 3,  # the first round, the choice and the draw
        "choose_frames": 2,
        "label_round": 5,  # what is added to two, what three are tested on
        "compare_rounds": 1,
    }
    assert (found["extend_dataset"], found["build_dataset"]) == (2, 1)
    assert found["train_student"] == found["evaluate_student"] == 6  # two seeds of three rounds
    assert found["measure_student_gap"] == 1  # of the first round
    report = plan.stdout.split("\nrule write_report:")[1].split("\n\n")[0].split("output:")[0]
    assert COMPARISON in report


def test_a_third_round_goes_on_from_the_second(snakemake, workspace):
    config = yaml.safe_load((workspace / CONFIG[1]).read_text())
    config["distill"][0]["rounds"] |= {"count": 3, "n_test_starts": 0, "n_test_frames": 0}
    (workspace / "three.yaml").write_text(yaml.safe_dump(config))
    plan = snakemake("-n", "--configfile", "three.yaml")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    found = jobs(plan.stdout)
    # nothing is tested, so that only what is added is labelled
    assert (found["choose_frames"], found["label_round"], found["extend_dataset"]) == (4, 4, 4)
    (choice,) = (
        part.split("output:")[0]
        for part in plan.stdout.split("\nrule choose_frames:")[1:]
        if "round3-random/chosen.h5" in part.split("log:")[0]
    )
    assert "emt.nep-tiny.round2/candidates.h5" in choice
    assert "datasets/emt.nep-tiny.round2-random/train.h5" in choice


def test_a_run_without_rounds_has_no_job_of_one(snakemake):
    plan = snakemake("-n", "--configfile", "tests/config/tiny.yaml")
    assert not {"explore_round", "choose_frames", "compare_rounds"} & set(jobs(plan.stdout))


def test_what_cannot_be_is_told_before_anything_runs(snakemake, workspace):
    config = yaml.safe_load((workspace / CONFIG[1]).read_text())
    config["distill"][0]["seeds"] = [1]
    (workspace / "one_seed.yaml").write_text(yaml.safe_dump(config))
    plan = snakemake("-n", "--configfile", "one_seed.yaml")
    assert plan.returncode != 0
    assert "distill.0.rounds.choose: committee with seeds: [1]" in plan.stdout + plan.stderr


@pytest.fixture(scope="module")
def results(snakemake, workspace: Path) -> Path:
    """What the rounds leave; all of the run but its report, gaps and speed."""
    done = snakemake(COMPARISON, *CONFIG, "--cores", 2)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return workspace / "results/rounds"


@pytest.mark.slow
def test_all_rounds_are_compared_and_tested_by_the_same_bytes(results):
    found = json.loads((results / "rounds/emt.nep-tiny.json").read_text())
    first, chosen, drawn = found["rounds"]
    assert (first["new_labels"], chosen["new_labels"], drawn["new_labels"]) == (0, 6, 6)
    assert chosen["teacher_calls"] == drawn["teacher_calls"] == 6
    assert first["steps"] == chosen["steps"] == drawn["steps"]
    assert {tuple(sorted(d["errors"])) for d in found["differences"]} == {
        ("all_dynamics", "test_known")
    }
    for name in LATER:
        folder = results / "datasets" / name
        assert not faults(folder / "SHA256SUMS")
        for part in ("valid", "test_known", "test_new"):
            old = results / f"datasets/emt/{part}.extxyz"
            assert (folder / f"{part}.extxyz").read_bytes() == old.read_bytes()


@pytest.mark.slow
def test_a_second_run_has_nothing_to_do_and_a_change_repeats_what_it_affects(
    results, snakemake, workspace
):
    again = snakemake("-n", COMPARISON, *CONFIG)
    assert "Nothing to be done" in again.stdout + again.stderr
    config = yaml.safe_load((workspace / CONFIG[1]).read_text())
    config["distill"][0]["rounds"]["n_frames"] = 5
    (workspace / "fewer.yaml").write_text(yaml.safe_dump(config))
    plan = snakemake("-n", COMPARISON, "--configfile", "fewer.yaml")
    found = jobs(plan.stdout)
    # the first round, its dynamics and its labels stay
    assert (found["choose_frames"], found["explore_round"], found["train_student"]) == (2, 2, 4)
    assert found["label_round"] == 4
    assert not {"label_frames", "sample_md", "build_dataset"} & set(found)
