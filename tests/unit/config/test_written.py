"""JSON that later jobs trust: fields and ranges, told in one line with the file."""

import pytest

from limbeck.config.written import (
    AtomEnergies,
    ChosenViews,
    DeltaCounts,
    Student,
    Training,
    as_written,
)
from limbeck.errors import LimbeckError

PART = {
    "frames": 3,
    "energy_rms_meV_per_atom": 4.0,
    "energy_less_atoms_rms_meV_per_atom": None,  # of no frames there is none
    "forces_rms_meV_per_A": 1.0,
}
GOOD = {
    ChosenViews: {"label_set": "a", "potential": "emt", "views": 12, "reason": "the gap"},
    AtomEnergies: {"potential": "emt", "about": {}, "energies_eV": {"H": -13.6}},
    Training: {
        "architecture": "mace",
        "network": "MACE.",
        "parameters": 10,
        "train_frames": 3,
        "valid_frames": 0,
        "epochs": 2,
        "best_epoch": 2,
        "steps": 6,
        "minutes": 0.1,
        "best": {},
    },
    DeltaCounts: dict.fromkeys(("train", "valid", "test_known", "test_new"), PART)
    | {"left_out": {}},
    Student: {"architecture": "mace", "elements": [1, 118], "sizes": {}, "format": "any"},
}


@pytest.mark.parametrize("kind", GOOD)
def test_what_jobs_write_is_taken(kind):
    as_written(kind, GOOD[kind], "x.json")


VIEWS = "expected as_given or a whole number from 1 to 10000"


@pytest.mark.parametrize(
    ("kind", "field", "value", "said"),
    [
        (ChosenViews, "views", 0, f"views: 0, {VIEWS}"),
        (ChosenViews, "views", True, f"views: True, {VIEWS}"),
        (ChosenViews, "views", "as_givem", f"views: 'as_givem', {VIEWS}"),
        (ChosenViews, "label_set", None, "label_set: nothing, expected text"),
        (AtomEnergies, "energies_eV", {"H": None}, "energies_eV.H: nothing, expected a number"),
        (AtomEnergies, "energies_eV", {"H": float("inf")}, "energies_eV.H: inf, expected a number"),
        (AtomEnergies, "energies_eV", {"H": False}, "energies_eV.H: False, expected a number"),
        (AtomEnergies, "energies_eV", {"Hx": 1.0}, "the name 'Hx', expected the symbol of"),
        (AtomEnergies, "energies_eV", {}, "energies_eV: {}, expected 1 or more entries"),
        (Training, "parameters", -1, "parameters: -1, expected at least 1"),
        (Training, "minutes", float("nan"), "minutes: nan, expected a number"),
        (Training, "best_epoch", 3, "best_epoch: 3, expected one of the 2 epochs"),
        (
            DeltaCounts,
            "test_new",
            PART | {"frames": -1},
            "test_new.frames: -1, expected at least 0",
        ),
        (DeltaCounts, "test_new", {}, "test_new.frames: not given"),
        (Student, "elements", [0, 1], "elements.0: 0, expected at least 1"),
        (Student, "elements", [119], "elements.0: 119, expected at most 118"),
        (Student, "elements", [True], "elements.0: True, expected a whole number"),
        (Student, "elements", [], "elements: [], expected 1 or more entries"),
        (Student, "sizes", [1], "sizes: [1], expected a mapping"),
    ],
)
def test_what_is_out_of_range_is_told_in_a_line(kind, field, value, said):
    with pytest.raises(LimbeckError) as error:
        as_written(kind, GOOD[kind] | {field: value}, "x.json")
    (line,) = str(error.value).splitlines()
    assert line.startswith("x.json: ")
    assert said in line
    assert line.endswith("; remove it and run again")


@pytest.mark.parametrize("value", [[], "text", 3, None])
def test_only_a_mapping_is_a_file(value):
    with pytest.raises(LimbeckError, match=r"x\.json: expected a mapping, got"):
        as_written(Training, value, "x.json")
