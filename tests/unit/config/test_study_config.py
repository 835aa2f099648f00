"""The config of studies and of scores: what has to be there, and one line where it is not."""

import copy
from pathlib import Path

import pytest
import yaml

from limbeck.config.load import load, resolve
from limbeck.config.plan import trained
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
