"""The report of rounds: what its tables say of a comparison whose numbers are known."""

import json
from copy import deepcopy

import pytest

from limbeck.config import plan
from limbeck.files import write_json
from limbeck.report import rounds
from limbeck.report.sections import lead
from report_results import SETTINGS, build, opened


def entry(value, low, high, unit="meV/A"):
    return {"value": value, "ci95": [low, high], "unit": unit}


def errors(forces, **more):
    counts = {"n_frames": 30, "n_roots": 8, "n_groups": 4, "n_left_out": 0}
    return counts | {"forces": forces, "energy": entry(1.0, 0.5, 1.5, "meV/atom")} | more


def round_of(name, number, random, forces, *, chosen=None):
    return {
        "round": name,
        "number": number,
        "random": random,
        "train_frames": 100 + 20 * (number - 1),
        "new_labels": 20 * (number - 1),
        "bad_labels": number - 1,
        "teacher_calls": 240 * (number - 1),
        "steps": [600, 600],
        "choice": chosen or {},
        "dynamics": {
            "trajectories": 10,
            "cut": 4 - number,
            "reasons": {"too hot": 4 - number},
            "whole": entry(0.6 + 0.1 * number, 0.4, 0.9, ""),
            "of_training": {"trajectories": 0, "cut": 0},
        },
        "errors": {"test_known": errors(forces), "own_dynamics": errors(entry(90.0, 80.0, 99.0))},
    }


FOUND = {
    "label_set": "orb-demo-k12",
    "student": "mace-small",
    "seeds": [1, 2],
    "rounds": [
        round_of("a.round1", 1, False, entry(50.0, 45.0, 55.0)),
        round_of(
            "a.round2",
            2,
            False,
            entry(40.0, 36.0, 44.0),
            chosen={"candidates": 200, "set_aside": {"duplicate": 3}, "chosen": 20},
        ),
    ],
    "differences": [
        {
            "round": "a.round2",
            "less": "a.round1",
            "errors": {
                "all_dynamics": errors(entry(-3.0, -9.0, 3.0)),
                "test_known": errors(entry(-10.0, -13.0, -7.0)),
            },
        }
    ],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A made-up run, and a comparison of rounds in it."""
    settings = deepcopy(SETTINGS)
    folder = build(tmp_path_factory.mktemp("run") / "made-up", settings)
    settings["distill"][0]["rounds"] = {"choose": "descriptors", "sampling": "md-300"}
    settings["distill"][0]["students"] = ["mace-small"]
    write_json(folder / "rounds/orb-demo-k12.mace-small.json", FOUND)
    return opened(folder, settings)


def test_the_section_has_every_round_with_its_cost_and_its_errors(run):
    (section,) = rounds.parts_of(run)
    tables = {item.name: item for item in section.items if item.kind == "table"}
    ((pair, (first, second)),) = tables["rounds"].groups()
    assert pair == "orb-demo-k12/mace-small"
    assert first == ["round 1", "100", "0", "0", "0", "600", "50 (45 to 55)", "90 (80 to 99)"]
    assert second[:6] == ["round 2, chosen frames", "120", "20", "1", "240", "600"]
    # there is no column for frames that there are none of
    assert [c.heading for c in tables["rounds"].columns][6:] == [
        "Known chemistry, meV/Å",
        "Its own dynamics, meV/Å",
    ]
    ((_, rows),) = tables["rounds_differences"].groups()
    assert [row[2] for row in rows] == ["Known chemistry", "Dynamics of all rounds"]
    assert [row[-1] for row in rows] == ["better", "inconclusive"]
    ((_, rows),) = tables["rounds_dynamics"].groups()
    assert rows[0][1:4] == ["10", "0.70 (0.40 to 0.90)", "too hot (3)"]
    assert rows[1][-3:] == ["200", "duplicate (3)", "20"]


def test_what_is_inconclusive_is_said_to_be(run):
    (section,) = rounds.parts_of(run)
    said = json.dumps([str(item) for item in section.items])
    assert "round 2, chosen frames, against round 1: forces are better on test frames of" in said
    assert "inconclusive on frames of the students' dynamics" in said


def test_the_students_of_the_last_round_are_named(run):
    (section,) = rounds.parts_of(run)
    (code,) = (item for item in section.items if item.kind == "code")
    assert "results/made-up/students/orb-demo-k12.mace-small.round2/mace-small/" in code.text


def test_the_first_line_counts_students_of_rounds(run):
    later = plan.trained_in_rounds(run.config)
    assert later
    assert lead(run).endswith(f"trained, and {len(later)} more in rounds.")


def test_a_run_without_rounds_has_no_such_section(tmp_path):
    folder = build(tmp_path / "made-up", SETTINGS)
    assert list(rounds.parts_of(opened(folder, SETTINGS))) == []
