"""Physics of students in the config: off by default, temperatures, errors, who is measured."""

import copy

import pytest
import yaml

from limbeck.config import jobs, plan
from limbeck.config.load import resolve
from limbeck.errors import LimbeckError


@pytest.fixture
def config(repository) -> dict:
    return yaml.safe_load((repository / "tests/config/physics.yaml").read_text())


def changed(config, **fields):
    config = copy.deepcopy(config)
    config["warrant"]["physics"].update(fields)
    return config


def test_it_is_off_by_default(config):
    del config["warrant"]["physics"]
    found = resolve(config)
    assert plan.physics_students(found) == plan.physics_teachers(found) == []
    assert not any(path.startswith("physics/") for path in plan.results(found))


def test_a_teacher_is_measured_once_and_students_by_their_first_seed(config):
    config["distill"][0]["seeds"] = [3, 4]
    found = resolve(config)
    assert plan.physics_teachers(found) == ["emt"]
    assert [entry.seed for entry in plan.physics_students(found)] == [3, 3]
    every = resolve(changed(config, seeds="all"))
    assert [entry.seed for entry in plan.physics_students(every)] == [3, 4, 3, 4]
    assert "physics/students/emt/mace-tiny/seed4.csv" in plan.results(every)


def test_temperatures_are_300_and_the_highest_of_the_samplings(config):
    config = changed(config, temperatures_K=None)
    assert plan.physics_temperatures(resolve(config)) == [300.0]
    hot = {"method": "md", "sources": ["metals"], "potential": "emt"}
    config["sampling"]["hot"] = hot | {"temperature_K": {"from": 900.0, "to": 300.0}}
    config["select"]["include"].append("hot")
    assert plan.physics_temperatures(resolve(config)) == [300.0, 900.0]
    job = jobs.MeasurePhysics.of(resolve(config), potential="emt")
    assert job.physics.temperatures_K == [300.0, 900.0]
    # of a sampling that no frame is selected from, nothing follows
    config["select"]["include"].remove("hot")
    assert plan.physics_temperatures(resolve(config)) == [300.0]


def test_bars_are_judged_without_measuring_anew(config):
    other = changed(config, bars={"volume": 0.5})
    texts = [
        jobs.MeasurePhysics.of(resolve(c), label_set="emt", student="mace-tiny", seed="1").text()
        for c in (config, other)
    ]
    assert texts[0] == texts[1]


WRONG = [
    ({"checks": ["heat"]}, "warrant.physics.checks.0: 'heat', expected one of nve"),
    (
        {"symmetry_force_tolerances_eV_per_A": [1e-5, 1e-2]},
        "expected them in descending order",
    ),
    ({"nve_ps": 0.1}, "warrant.physics.nve_ps: 0.1, expected at least 0.2, a hundred time steps"),
    ({"volume_strains": [0.0]}, "warrant.physics.volume_strains"),
    ({"volume_strains": [0.01, 0.02, 0.03, 0.04, 0.05]}, "some below 0 and some above"),
]


@pytest.mark.parametrize(("fields", "said"), WRONG)
def test_what_is_wrong_is_one_line(config, fields, said):
    with pytest.raises(LimbeckError) as caught:
        resolve(changed(config, **fields))
    assert said in str(caught.value)


def test_without_students_there_is_nothing_to_measure(config):
    config["distill"] = []
    with pytest.raises(LimbeckError, match=r"warrant.physics.checks: .* distill has no students"):
        resolve(config)
