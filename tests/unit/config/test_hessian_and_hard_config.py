"""What the config says of Hessian-vector products and of hard labels, and who needs them."""

import copy
from pathlib import Path

import pytest
import yaml

from limbeck.config import jobs, plan
from limbeck.config.load import resolve
from limbeck.config.recipes import Recipes
from limbeck.cost.work import Work
from limbeck.errors import LimbeckError


@pytest.fixture
def config(repository: Path) -> dict:
    """Two label sets of one potential, the second of which is the reference."""
    config = yaml.safe_load((repository / "tests/config/tiny.yaml").read_text())
    config["labels"]["emt-k2"]["hessian_vectors"] = 2
    config["students"]["mace-tiny"] |= {"hessian_weight": 0.5, "hard_share": 0.25}
    config["distill"] = [{"labels": "emt-k2", "students": ["mace-tiny"], "seeds": [1]}]
    config["warrant"]["reference"] = "emt"
    return config


def test_products_and_hard_labels_cost_calls_and_read_files(config):
    whole = resolve(config)
    labels = whole.labels["emt-k2"]
    assert (labels.hessian_vectors, labels.hessian_step_A, labels.calls_of_a_view) == (2, 0.01, 5)
    slices = [f"labels/emt/{i}.h5" for i in range(whole.select.slices)]
    assert plan.hard_labels(whole, "emt-k2", "mace-tiny", 1) == slices
    job = jobs.TrainStudent.of(whole, "emt-k2", "mace-tiny", "1")
    assert job.reference == "emt"
    _, inputs = Recipes(whole).job_of("students/emt-k2/mace-tiny/seed1/model")
    assert inputs[2:] == slices
    plain = copy.deepcopy(config)
    del plain["labels"]["emt-k2"]["hessian_vectors"]
    for field in ("hessian_weight", "hard_share"):
        del plain["students"]["mace-tiny"][field]
    without = resolve(plain)
    assert plan.hard_labels(without, "emt-k2", "mace-tiny", 1) == []
    assert jobs.TrainStudent.of(without, "emt-k2", "mace-tiny", "1").reference is None

    def evaluations(config, rule):
        return sum(
            j.evaluations for j in Work(config).jobs if j.rule == rule and "emt-k2" in j.name
        )

    # two calls for each of two directions beside the one of the frame; a step of training has
    # as many displaced frames, and so have the test frames
    for rule in ("label_frames", "train_student", "evaluate_student"):
        assert evaluations(whole, rule) == pytest.approx(5 * evaluations(without, rule))


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        (
            ("labels", "emt-k2"),
            {"hessian_vectors": 0},
            "distill.0.labels: 'emt-k2' has hessian_vectors: 0, expected 1 or more, since "
            "students.mace-tiny.hessian_weight needs products of the Hessian",
        ),
        (
            ("labels", "emt"),
            {"hessian_step_A": 0.05},
            "labels.emt.hessian_step_A: 0.05, expected none without hessian_vectors",
        ),
        (("labels", "emt"), {"hessian_vectors": -1}, "labels.emt.hessian_vectors: -1"),
        (
            ("warrant",),
            {"reference": None},
            "warrant.reference: nothing, expected a label set: students.mace-tiny.hard_share is",
        ),
        (
            ("warrant",),
            {"reference": "emt-k2"},
            "distill.0.labels: 'emt-k2', expected another than warrant.reference, which "
            "students.mace-tiny.hard_share is learned from",
        ),
        (("students", "mace-tiny"), {"hard_share": 1.5}, "students.mace-tiny.hard_share: 1.5"),
        (
            ("students", "mace-tiny"),
            {"energy_weight": 0, "forces_weight": 0},
            "students.mace-tiny.hard_share: 0.25, expected 0 where energies and forces have no",
        ),
        (
            ("students", "mace-tiny"),
            {"epochs": 4, "plot_every": 5},
            "students.mace-tiny.plot_every: 5, expected at most epochs, 4",
        ),
    ],
)
def test_what_cannot_be_learned_is_one_line_that_names_the_field(config, section, changes, message):
    part = config
    for name in section:
        part = part[name]
    part |= changes
    with pytest.raises(LimbeckError) as caught:
        resolve(config)
    assert message in str(caught.value)


def test_a_weight_of_products_alone_is_something_to_learn(config):
    none = {f"{name}_weight": 0 for name in ("energy", "forces", "stress")} | {"hard_share": 0}
    config["students"]["mace-tiny"] |= none
    assert resolve(config).students["mace-tiny"].hessian_weight == 0.5
    config["students"]["mace-tiny"]["hessian_weight"] = 0
    with pytest.raises(LimbeckError, match="nothing is learned"):
        resolve(config)
