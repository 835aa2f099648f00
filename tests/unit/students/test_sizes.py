"""Sizes of students: what they stand for, what can be set in their place, who knows of it."""

import json
from typing import get_args

import numpy as np
import pytest

from limbeck.config.sections.known import NETWORKS
from limbeck.config.sections.messages import validated
from limbeck.config.sections.students import SETTABLE, Architecture, StudentSettings
from limbeck.cost.rates import _table, of_student
from limbeck.errors import LimbeckError
from limbeck.potentials.trainable import DESCRIPTION, Statistics
from limbeck.students import ARCHITECTURES, architecture, new_student
from limbeck.students.card import _built_with
from limbeck.students.handover import open_student
from metals import metals

SIZES = get_args(StudentSettings.model_fields["size"].annotation)
TEN = Statistics(list(range(1, 11)), np.zeros(10), 0.0, 1.0, 1.0, 1.0)
COPPER = Statistics([13, 29], np.array([-3.0, -4.0]), 0.1, 0.2, 0.5, 0.01)
#: other than those of every size
OTHER = {"channels": 12, "layers": 1, "cutoff_A": 3.5, "charges_per_atom": 2}


def settings(kind, **own):
    return StudentSettings(name="s", architecture=kind, size="tiny", **own)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_parameters_are_those_that_are_listed(kind):
    found = {s: architecture(kind).build(s, TEN, name="s", device="cpu").parameters for s in SIZES}
    assert found == NETWORKS[kind].parameters
    assert found["tiny"] < found["small"] < found["medium"]


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_what_can_be_set_is_said_alike_with_and_without_torch(kind):
    assert set(architecture(kind).settable) == NETWORKS[kind].settable
    assert NETWORKS[kind].settable <= set(SETTABLE)
    assert set(NETWORKS) == set(get_args(Architecture))


@pytest.mark.parametrize(
    ("kind", "field"), [(k, f) for k in ARCHITECTURES for f in sorted(NETWORKS[k].settable)]
)
def test_what_is_set_is_built_saved_and_read_again(kind, field, tmp_path):
    plain = new_student(settings(kind), COPPER, device="cpu")
    made = new_student(settings(kind, **{field: OTHER[field]}), COPPER, device="cpu")
    assert made.built_with == plain.built_with | {field: OTHER[field]}
    assert made.built_with != plain.built_with
    if field == "cutoff_A":
        assert (made.about.cutoff, made.parameters) == (OTHER[field], plain.parameters)
    else:
        assert made.parameters != plain.parameters
    made.save(tmp_path)
    again = open_student(tmp_path)
    assert (again.built_with, again.about.cutoff) == (made.built_with, made.about.cutoff)
    frames = metals(1)
    np.testing.assert_array_equal(again.predict(frames).forces, made.predict(frames).forces)
    assert f"{field} {OTHER[field]:g}" in _built_with(made.built_with)


@pytest.mark.parametrize(
    ("kind", "field"),
    [(k, f) for k in ARCHITECTURES for f in SETTABLE if f not in NETWORKS[k].settable],
)
def test_what_cannot_be_set_is_refused_by_its_name(kind, field):
    given = {"name": "s", "architecture": kind, field: OTHER.get(field, True)}
    expected = f"students.s.{field}: .*, expected it not to be given: what {kind} can take is "
    with pytest.raises(LimbeckError, match=expected):
        validated(StudentSettings, given, "students", "s")
    with pytest.raises(KeyError):  # nor can it be built past the config
        architecture(kind).build("tiny", COPPER, name="s", device="cpu", **{field: 1})


def test_a_changed_network_has_no_rate_of_another_size():
    same, other = settings("mace"), settings("mace", channels=12, cutoff_A=4.0)
    assert (of_student("student", same), "cpu", "yes") in _table()
    assert of_student("student", other) == "student mace tiny channels 12 cutoff_A 4"
    trained = of_student("training", other)
    assert trained == "training mace tiny channels 12 cutoff_A 4, batches of 16"
    assert not any(model in (trained, of_student("student", other)) for model, *_ in _table())


def test_a_model_of_before_layers_could_be_set_still_opens(tmp_path):
    made = new_student(settings("mace"), COPPER, device="cpu")
    made.save(tmp_path)
    description = json.loads((tmp_path / DESCRIPTION).read_text())
    assert description["sizes"].pop("layers") == 2
    (tmp_path / DESCRIPTION).write_text(json.dumps(description))
    assert open_student(tmp_path).built_with["layers"] == 2
