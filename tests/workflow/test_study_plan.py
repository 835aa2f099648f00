"""The plans of studies, and of a run that scores its frames."""

import json

import pytest
import yaml

from limbeck.config.load import resolve
from snakemake_plan import jobs, told

TABLE = ("--configfile", "config/study_views.yaml")
STUDY = ("--configfile", "config/study_expectation.yaml")
TINY = ("--configfile", "tests/config/tiny.yaml")


@pytest.fixture(scope="module")
def plain(snakemake):
    """The plan of a run without a study and without scores, with the commands it would run."""
    return snakemake("-n", "-p", *TINY).stdout


def test_a_study_is_one_job_that_the_report_waits_for(snakemake):
    plan = snakemake("-n", *STUDY)
    assert plan.returncode == 0, plan.stdout + plan.stderr
    found = jobs(plan.stdout)
    assert (found["label_frames"], found["train_student"], found["compare_label_sets"]) == (
        7,
        42,
        1,
    )
    report = plan.stdout.split("\nrule write_report:")[1].split("\n\n")[0].split("output:")[0]
    assert "results/study_expectation/studies/expectation/results.json" in report


def test_a_study_of_frames_by_views_has_a_job_for_each_teacher(snakemake):
    plan = snakemake("-n", "-p", *TABLE)
    assert plan.returncode == 0, plan.stdout + plan.stderr
    found = jobs(plan.stdout)
    assert (found["fill_table"], found["gather_tables"]) == (3, 1)
    assert not {"label_frames", "train_student", "compare_label_sets"} & set(found)
    report = plan.stdout.split("\nrule write_report:")[1].split("\n\n")[0].split("output:")[0]
    assert "results/study_views/studies/frames_by_views/results.json" in report


def test_a_run_without_a_study_has_no_rule_for_it(snakemake, plain):
    assert not {"run_study", "compare_label_sets", "fill_table", "gather_tables"} & set(jobs(plain))
    target = snakemake("results/tiny/studies/expectation/results.json", "-n", *TINY)
    assert "MissingRuleException" in target.stdout + target.stderr


def test_studies_of_other_fields_need_neither_frames_nor_labels(snakemake):
    plan = snakemake("-n", "--configfile", "config/studies.yaml")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    found = jobs(plan.stdout)
    assert set(found) == {"make_study_data", "run_study", "write_report", "all"}
    assert found["make_study_data"] == found["run_study"] == 8


def test_lint_finds_nothing_in_a_study(snakemake):
    result = snakemake("--lint", *STUDY)
    assert result.returncode == 0, result.stdout + result.stderr


def test_frames_are_scored_where_that_is_asked_for(snakemake, workspace, plain):
    config = yaml.safe_load((workspace / TINY[1]).read_text())
    assert '"score": null' in told(resolve(config), "selected/0.h5", selection(plain))
    scores = {"include": ["rattled"], "score": {"potential": "emt"}}
    scored = snakemake("-n", "-p", *TINY, "--config", f"select={json.dumps(scores)}")
    assert scored.returncode == 0, scored.stderr
    config["select"] |= scores  # as --config does: what else is in the file stays
    text = told(resolve(config), "selected/0.h5", selection(scored.stdout))
    assert '"potential": {"name": "emt", "model": "emt", "batch_atoms": null, ' in text


def selection(plan):
    (line,) = [line for line in plan.splitlines() if "--output results/tiny/selected/0.h5" in line]
    return line
