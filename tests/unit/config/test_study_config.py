"""The config of studies and of scores: what has to be there, and one line where it is not."""

import copy
from pathlib import Path

import pytest
import yaml

from limbeck.config.load import load, resolve
from limbeck.config.plan import results, tables_of_study, trained
from limbeck.errors import LimbeckError


@pytest.fixture
def config(repository: Path) -> dict:
    config = yaml.safe_load((repository / "tests/config/tiny.yaml").read_text())
    config["distill"] = [
        {"labels": name, "students": ["mace-tiny"], "seeds": [1, 2]} for name in config["labels"]
    ]
    return config | {"study": {"kind": "expectation", "baselines": ["emt"]}}


def errors_of(config: dict) -> str:
    with pytest.raises(LimbeckError) as caught:
        resolve(config)
    return str(caught.value)


def test_a_study_has_defaults_and_a_run_without_one_has_none(config):
    study = resolve(config).study
    assert study.model_dump() == {
        "kind": "expectation",
        "baselines": ["emt"],
        "n_frames": 400,
        "views": 4,
    }
    del config["study"]
    assert resolve(config).study is None


def test_what_a_study_cannot_do_without(config):
    without_truth, other_seeds, other_name = (copy.deepcopy(config) for _ in range(3))
    del without_truth["warrant"]["reference"]
    assert errors_of(without_truth).startswith("warrant.reference: nothing, expected a label set")
    other_seeds["distill"][1]["seeds"] = [1, 3]
    assert errors_of(other_seeds).startswith("distill: other seeds in other entries")
    other_name["study"]["baselines"] = ["emtt"]
    assert errors_of(other_name) == (
        "study.baselines: 'emtt', expected labels of distill: emt-k2, emt"
    )


@pytest.fixture
def table(repository: Path) -> dict:
    config = yaml.safe_load((repository / "tests/config/tiny.yaml").read_text())
    config["potentials"]["emt-100"] = {"model": "emt", "lab_frame_error": 1.0}
    own = {"architecture": "mace", "steps": 10}
    config["students"]["mace-steps"] = own | {"hyperparameters": "given"}
    config["students"]["mace-free"] = own | {"learning_rate": 0.01}
    config["dataset"]["split_by"] = "group"
    study = {"kind": "frames_by_views", "potentials": ["emt-100"], "reference": "emt"}
    return config | {"study": study | {"student": "mace-steps"}}


def test_a_study_of_frames_by_views_has_the_shipped_table_by_default(table):
    study = resolve(table).study
    assert (study.n_frames, study.views, study.draws) == ([60, 360, 1440], [1, 4, 12], 3)
    assert tables_of_study(resolve(table)) == ["studies/frames_by_views/emt-100.json"]
    assert "studies/frames_by_views/results.json" in results(resolve(table))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"views": [4, 12]}, "study.views: [4, 12], expected 1 first: others are compared with it"),
        ({"views": [1, 12, 4]}, "study.views: [1, 12, 4], expected them in ascending order"),
        ({"n_frames": [360, 60]}, "study.n_frames: [360, 60], expected them in ascending order"),
        ({"reference": "emt-100"}, "study.reference: 'emt-100', expected another: a teacher is"),
        ({"potentials": ["emt-30"]}, "study.potentials: 'emt-30', expected one of emt, emt-100"),
        ({"student": "mace-tiny"}, "students.mace-tiny.steps: not given, expected a number"),
        (
            {"student": "mace-free"},
            "students.mace-free.batch_size: not given, expected a number: what is recommended",
        ),
        ({"draws": 1}, "study.draws: 1, expected at least 2"),
        ({"baselines": ["emt"]}, "study.baselines: unknown field, expected one of kind, "),
        ({"kind": "frames"}, "study.kind: 'frames', expected one of expectation, frames_by_views"),
    ],
)
def test_what_is_wrong_with_a_study_of_frames_by_views_is_one_line(table, changes, said):
    table["study"] |= changes
    assert errors_of(table).startswith(said)


def test_a_study_of_frames_by_views_tests_on_groups_that_no_student_saw(table):
    table["dataset"]["split_by"] = "root"
    assert errors_of(table).startswith("dataset.split_by: 'root', expected group")


def test_the_teachers_of_a_study_know_its_frames(table):
    table["sources"]["metals"]["elements"] = ["Li"]
    assert "study.potentials: 'emt-100' does not know Li" in errors_of(table)


def test_the_shipped_table_is_what_the_docs_say(repository: Path, monkeypatch):
    """81 students: 3 numbers of frames, 3 of views, 3 dials, 3 draws."""
    monkeypatch.chdir(repository)
    config = load("config/study_views.yaml")
    study = config.study
    assert (study.n_frames, study.views, study.draws) == ([60, 360, 1440], [1, 4, 12], 3)
    dials = [config.potentials[name].lab_frame_error for name in study.potentials]
    assert dials == [0.1, 1.0, 3.0]
    assert config.potentials[study.reference].lab_frame_error == 0


def test_a_score_is_of_a_potential_that_is_there_and_knows_the_frames(config):
    config["select"]["score"] = {"potential": "emtt"}
    assert errors_of(config).startswith("select.score.potential: 'emtt', expected one of emt")
    config["select"]["score"] = {"potential": "emt"}
    assert (score := resolve(config).select.score)
    assert (score.views, score.prefer) == (3, "low")
    config["sources"]["metals"]["elements"] = ["Li"]
    assert "select.score.potential: 'emt' does not know Li" in errors_of(config)


def test_arms_of_the_study_of_expectation_cost_the_same(repository: Path, monkeypatch):
    monkeypatch.chdir(repository)  # its paths are relative
    config = load("config/study_expectation.yaml")
    views = {"octahedral": 24}
    for name, section in config.labels.items():
        if name == config.warrant.reference:
            continue
        number = section.views or views[section.quadrature]
        frames = section.n_frames or config.select.count
        assert frames * (1 if number == "as_given" else number) == config.select.count == 1440
    assert len({student.steps for student in config.students.values()}) == 1
    assert len(trained(config)) == 6 * 2 * 3 + 3 + 3
