"""The config of studies and of scores: what has to be there, and one line where it is not."""

import copy
from pathlib import Path

import pytest
import yaml

from limbeck.config import plan
from limbeck.config.load import load, resolve
from limbeck.config.plan import results, tables_of_study, trained
from limbeck.errors import LimbeckError


@pytest.fixture
def config(repository: Path) -> dict:
    config = yaml.safe_load((repository / "tests/config/tiny.yaml").read_text())
    config["distill"] = [
        {"labels": name, "students": ["mace-tiny"], "seeds": [1, 2]} for name in config["labels"]
    ]
    return config | {"studies": {"labels": {"kind": "expectation", "baselines": ["emt"]}}}


def errors_of(config: dict) -> str:
    with pytest.raises(LimbeckError) as caught:
        resolve(config)
    return str(caught.value)


def test_a_study_has_defaults_and_a_run_without_one_has_none(config):
    study = resolve(config).frames_study
    assert study.model_dump() == {
        "name": "labels",
        "kind": "expectation",
        "baselines": ["emt"],
        "n_frames": 400,
        "views": 4,
    }
    del config["studies"]
    assert resolve(config).frames_study is None


def test_what_a_study_cannot_do_without(config):
    without_truth, other_seeds, other_name = (copy.deepcopy(config) for _ in range(3))
    del without_truth["warrant"]["reference"]
    assert errors_of(without_truth).startswith("warrant.reference: nothing, expected a label set")
    other_seeds["distill"][1]["seeds"] = [1, 3]
    assert errors_of(other_seeds).startswith("distill: other seeds in other entries")
    other_name["studies"]["labels"]["baselines"] = ["emtt"]
    assert errors_of(other_name) == (
        "studies.labels.baselines: 'emtt', expected labels of distill: emt-k2, emt"
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
    return config | {"studies": {"table": study | {"student": "mace-steps"}}}


def test_a_study_of_frames_by_views_has_the_shipped_table_by_default(table):
    study = resolve(table).frames_study
    assert (study.n_frames, study.views, study.draws) == ([60, 360, 1440], [1, 4, 12], 3)
    assert tables_of_study(resolve(table)) == ["studies/table/emt-100.json"]
    assert "studies/table/results.json" in results(resolve(table))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"views": [4, 12]},
            "studies.table.views: [4, 12], expected 1 first: others are compared with it",
        ),
        (
            {"views": [1, 12, 4]},
            "studies.table.views: [1, 12, 4], expected them in ascending order",
        ),
        (
            {"n_frames": [360, 60]},
            "studies.table.n_frames: [360, 60], expected them in ascending order",
        ),
        (
            {"reference": "emt-100"},
            "studies.table.reference: 'emt-100', expected another: a teacher is",
        ),
        (
            {"potentials": ["emt-30"]},
            "studies.table.potentials: 'emt-30', expected one of emt, emt-100",
        ),
        ({"student": "mace-tiny"}, "students.mace-tiny.steps: not given, expected a number"),
        (
            {"student": "mace-free"},
            "students.mace-free.batch_size: not given, expected a number: what is recommended",
        ),
        ({"draws": 1}, "studies.table.draws: 1, expected at least 2"),
        ({"baselines": ["emt"]}, "studies.table.baselines: unknown field, expected one of kind, "),
        (
            {"kind": "frames"},
            "studies.table.kind: 'frames', expected one of expectation, frames_by_views, pde, ",
        ),
    ],
)
def test_what_is_wrong_with_a_study_of_frames_by_views_is_one_line(table, changes, said):
    table["studies"]["table"] |= changes
    assert errors_of(table).startswith(said)


def test_a_study_of_frames_by_views_tests_on_groups_that_no_student_saw(table):
    table["dataset"]["split_by"] = "root"
    assert errors_of(table).startswith("dataset.split_by: 'root', expected group")


def test_the_teachers_of_a_study_know_its_frames(table):
    table["sources"]["metals"]["elements"] = ["Li"]
    assert "studies.table.potentials: 'emt-100' does not know Li" in errors_of(table)


def test_the_shipped_table_is_what_the_docs_say(repository: Path, monkeypatch):
    """81 students: 3 numbers of frames, 3 of views, 3 dials, 3 draws."""
    monkeypatch.chdir(repository)
    config = load("config/study_views.yaml")
    study = config.frames_study
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


def test_the_old_name_is_answered_with_the_new_one(config):
    config["study"] = config.pop("studies")["labels"]
    assert errors_of(config) == "study: unknown field, it is called studies now"


def test_of_the_frames_of_a_run_there_is_one_study_at_most(config):
    config["studies"]["again"] = config["studies"]["labels"]
    assert errors_of(config).startswith("studies.again: of the run's own frames, as labels is")


def test_a_run_may_have_studies_alone_and_then_nothing_of_frames():
    alone = {"run": "alone", "studies": {"one": {"kind": "integral"}}}
    config = resolve(alone)
    assert results(config)[0] == "studies/one/results.json"
    assert all(path.startswith("studies/one/") for path in results(config))
    assert errors_of({"run": "none"}).startswith("sources: none, expected a source, or studies")
    wrong = alone | {
        "labels": {"emt": {"potential": "emt"}},
        "potentials": {"emt": {"model": "emt"}},
    }
    assert errors_of(wrong).startswith("labels: given, expected none")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "integrals"}, "studies.one.kind: 'integrals', expected one of expectation, "),
        ({"steps": 3}, "studies.one.steps: unknown field, expected one of kind, "),
        ({"views": {"labels": 1}}, "studies.one.views.labels: 1, expected at least 2"),
        ({"pilot": {"grid": {"step": [1]}}}, "studies.one.pilot.grid: 'step', expected fields of"),
        ({"pilot": {}, "split": {"pilot": 0.0}}, "studies.one.split: pilot: 0, expected a share"),
        ({"kind": "pde", "path": "no.h5"}, "studies.one.path: 'no.h5', "),
    ],
)
def test_what_is_wrong_with_a_study_of_another_field_is_one_line(changes, said):
    own = {"kind": "integral"} | changes
    assert errors_of({"run": "x", "studies": {"one": own}}).startswith(said)


def test_data_that_are_dear_are_made_once_for_all_studies_that_differ_in_what_is_done_with_them():
    jets = {"kind": "jets", "count": 10}
    studies = {"a": jets, "order": jets | {"view": "permute", "seeds": [1, 2]}}
    studies |= {
        "soft": jets | {"min_pt": 400},
        "flow": jets | {"teacher": {"net": "particle_flow"}},
    }
    own = {"kind": "integral", "count": 10}
    config = resolve({"run": "x", "studies": studies | {"one": own, "two": own}})
    found = {name: plan.maker_of_data(config, name) for name in config.studies}
    assert found == {
        "a": "a", "order": "a", "soft": "soft", "flow": "a", "one": "one", "two": "two"
    }  # fmt: skip
    assert plan.studies_in(config, "study-jets") == ["a", "soft"]
    assert plan.data_of_study(config, "flow") == ["studies/a/data.h5"]
