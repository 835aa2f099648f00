"""The section on charges: errors beside the floor, what both heads cost, maps."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from ase.build import molecule
from ase.units import kcal, mol

from limbeck.report.topics import charges
from limbeck.warrant.statistics import Estimate

COUNTS = {"n_frames": 9, "n_roots": 6, "n_groups": 3}


def figure(value, unit="kcal/mol/e"):
    return {"value": value, "ci95": [value * 0.9, value * 1.1], "unit": unit}


def part(value):
    return {"all": figure(value), "by_element": {"H": value}, "by_shell": {"1.4": value + 1}}


def metrics(esp):
    water = molecule("H2O")
    own = {"esp": figure(esp), "dipole": figure(0.1, "D"), "charges": figure(0.02, "e")}
    return {
        "test_known": COUNTS
        | {
            "against": {"labels": own},
            "by": {"charges": {"O": COUNTS | {"charges": figure(0.03, "e")}}},
            "esp": COUNTS
            | {"rms": figure(10.0), "dipoles_fitted": part(0.4), "student": part(esp)},
        },
        "charge_map": {
            "numbers": [8, 1, 1],
            "positions": water.positions.tolist(),
            "points": (3 * np.eye(3)).tolist(),
            "labels": [0.1, -0.2, 0.3],
            "student": [0.1, -0.2, 0.4],
            "charges": [[-0.8], [0.4], [0.4]],
            "places": water.positions[:, None].tolist(),
        },
    }


def student(name, architecture, seed, minutes, parameters):
    gap = SimpleNamespace(of=lambda quantity: Estimate(3.0 if name == "fixed" else 1e-5))
    return SimpleNamespace(
        label_set="hf",
        name=name,
        seed=seed,
        title=f"hf/{name}",
        title_of_seed=f"hf/{name} ({seed})",
        folder=f"{name}{seed}",
        tests=["test_known"],
        training=SimpleNamespace(
            architecture=architecture,
            minutes=9.0,
            cpu_minutes=minutes,
            parameters=parameters,
            peak_memory_MB=500.0,
        ),
        gaps=SimpleNamespace(gaps={"rotation": gap, "conservativity": gap}),
    )


STUDENTS = [
    student("turning", "painn_distributed", 1, 2.0, 1000),
    student("turning", "painn_distributed", 2, 4.0, 1000),
    student("fixed", "painn_cartesian", 1, 1.5, 530),
]
FILES = {
    "turning1/metrics.json": metrics(0.5),
    "turning2/metrics.json": metrics(0.6),
    "fixed1/metrics.json": metrics(2.0),
    **{
        f"{name}/training.json": {"best": {"valid_esp_rmse_kcal_per_mol_per_e": value}}
        for name, value in (("turning1", 0.4), ("turning2", 0.8), ("fixed1", 1.9))
    },
}
SPEEDS = pd.DataFrame(
    {
        "name": ["hf/turning/seed1", "hf/turning/seed2", "hf/fixed/seed1"],
        "atoms_per_second": [1000.0, 1000.0, 2000.0],
        "best": True,
    }
)


@pytest.fixture
def run():
    with_charges = SimpleNamespace(has_charges=True)
    students = {"turning": with_charges, "fixed": with_charges}
    read = {charges.students_of: STUDENTS, charges.speed.read: SPEEDS}

    def once(what):
        return read[what] if what in read else what(found)

    found = SimpleNamespace(
        config=SimpleNamespace(students=students), json=FILES.__getitem__, once=once
    )
    return found


def test_errors_stand_beside_what_needs_no_model(run):
    data = charges.errors_table(run, STUDENTS).data
    rows = data.set_index("model")
    assert list(rows.index) == [
        "the potential itself",
        "best fit: and dipoles",
        *("hf/turning (1)", "hf/turning (2)", "hf/fixed (1)"),
    ]
    assert rows["esp"]["hf/turning (2)"] == Estimate(0.6, 0.54, 0.66)
    assert rows["share"]["hf/fixed (1)"] == pytest.approx(5)  # of 0.4
    assert rows["dipole"]["hf/fixed (1)"].value == 0.1


def test_costs_are_means_over_seeds_and_gaps_those_of_symmetries(run):
    found = charges.heads_table(run, STUDENTS)
    rows = found.data.set_index("model")
    assert rows["minutes"].tolist() == [3.0, 1.5]
    assert rows["valid"].tolist() == pytest.approx([0.6, 1.9])
    assert rows["inference"].tolist() == [1000.0, 500.0]  # ms for 1,000 atoms
    assert rows["rotation"].map(lambda gap: gap.value).tolist() == [1e-5, 3.0]
    # half of the time to answer, half to train, 53 % of the parameters: published or not
    assert "takes 0.50 of the time to answer and 0.50 to train, with 0.53 of" in found.caption


def test_one_head_alone_is_not_compared(run):
    found = charges.heads_table(run, STUDENTS[:2])
    assert "Published" not in found.caption


def test_parts_and_elements_are_told(run):
    parts = charges.parts_table(run, STUDENTS[:1]).data
    assert parts[["name", "esp", "floor"]].to_numpy().tolist() == [
        ["H", 0.5, 0.4],
        ["1.4", 1.5, 1.4],
    ]
    assert charges.elements_table(run, STUDENTS[:1]).data["charges"][0].value == 0.03


def test_the_map_has_the_error_in_the_units_of_the_page(run):
    found = charges.map_figure(run, STUDENTS[0])
    error = found.data["student"] - found.data["labels"]
    assert error.tolist() == pytest.approx([0, 0, 0.1 * mol / kcal])
    assert "H2O" in found.alt
    assert "off by 1.33 kcal/mol/e" in found.alt  # a third of the squares
    assert len(found.canvas.axes) == 7  # four panels, three bars of colours
    assert charges.map_figure(run, SimpleNamespace(folder="none")) is None


FILES["none/metrics.json"] = {"charge_map": None}


def test_there_is_no_section_without_such_students(run):
    run.config.students = dict.fromkeys(("turning", "fixed"), SimpleNamespace(has_charges=False))
    assert list(charges.parts_of(run)) == []
