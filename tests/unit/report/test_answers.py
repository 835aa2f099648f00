"""Verdicts of the report follow the intervals, and nothing else."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from ase.build import molecule

from limbeck.frames import from_atoms
from limbeck.report.page import items
from limbeck.report.run.student import Student
from limbeck.report.topics.answers import accuracy, averaging, cautions, closing, learning, unread
from limbeck.storage import write_frames
from limbeck.warrant.statistics import Estimate
from report_results import SETTINGS, opened

NINE_GROUPS = {"n_frames": 40, "n_roots": 20, "n_groups": 9}


def errors(gain, low=np.nan, high=np.nan, own=100.0):
    """Errors of a teacher whose mean of 24 views is wrong by 80 meV/Angstrom."""
    entry = {"as_given": own, "random": 80 + gain, "averaged": 80.0}
    found = {f"mae_{kind}": Estimate(v, v - 2, v + 2) for kind, v in entry.items()}
    return found | {"mae_gain": Estimate(gain, low, high)} | NINE_GROUPS


STUDENT = ("own/mace", Estimate(100.0, 90.0, 110.0))


@pytest.mark.parametrize(
    ("gain", "low", "high", "verdict"),
    [
        (30.0, 24.0, 36.0, items.YES),  # surely more than a tenth of 90 to 110
        (2.0, 1.0, 3.0, items.NO),  # labels are surely better, and it does not matter
        (10.0, 4.0, 16.0, items.CANNOT_TELL),
        (-10.0, -16.0, -4.0, items.NO),
        (30.0, np.nan, np.nan, items.CANNOT_TELL),  # too few groups for an interval
        (1e-3, 5e-4, 2e-3, items.NO_GAP),  # an equivariant teacher: rounding, however sure
        (np.nan, np.nan, np.nan, items.NOT_MEASURED),
    ],
)
def test_averaging_matters_where_the_gain_is_large_beside_the_error_of_the_student(
    gain, low, high, verdict
):
    assert averaging("orb-demo", "chgnet", errors(gain, low, high), STUDENT).verdict == verdict


def test_the_interval_of_the_students_error_counts_too():
    """A gain of 8 to 12 against a tenth of 50 is sure, against a tenth of 20 to 130 it is not."""
    found = errors(10.0, 8.0, 12.0)
    sure, unsure = (("s", Estimate(50.0, *ends)) for ends in ((45.0, 55.0), (20.0, 130.0)))
    assert averaging("orb-demo", "chgnet", found, sure).verdict == items.YES
    assert averaging("orb-demo", "chgnet", found, unsure).verdict == items.CANNOT_TELL


def test_without_a_student_nobody_can_tell_whether_averaging_matters():
    answer = averaging("orb-demo", "chgnet", errors(30.0, 24.0, 36.0), None)
    assert answer.verdict == items.CANNOT_TELL
    assert "No student of these labels" in answer.text


def test_averaging_is_no_full_yes_where_the_frames_as_given_do_better():
    """A teacher trained in one orientation: averaging beats a random view, but not its own."""
    answer = averaging("orb-demo", "chgnet", errors(30.0, 24.0, 36.0, own=50.0), STUDENT)
    assert answer.verdict == items.PARTLY
    assert "50.0 (48.0 to 52.0)" in answer.text
    assert "flatters" in answer.text


@pytest.mark.parametrize(
    ("loss_of_accuracy", "verdict"),
    [
        (Estimate(5.0, 2.0, 8.0), items.NO),
        (Estimate(5.0, -1.0, 11.0), items.CANNOT_TELL),
        (Estimate(-5.0, -8.0, -2.0), items.YES),
        (Estimate(np.nan), items.NOT_MEASURED),
    ],
)
def test_accuracy_follows_the_interval_of_the_loss(loss_of_accuracy, verdict):
    labels, own = Estimate(60, 50, 70), Estimate(65, 55, 75)
    assert accuracy("s", "t", labels, own, loss_of_accuracy, NINE_GROUPS).verdict == verdict


def test_accuracy_without_a_truth_is_not_measured():
    answer = accuracy("s", None, Estimate(60), Estimate(65), Estimate(5, 4, 6), NINE_GROUPS)
    assert answer.verdict == items.NOT_MEASURED


@pytest.mark.parametrize(
    ("teacher", "student", "verdict"),
    [
        (Estimate(40, 36, 44), Estimate(0.01, 0.009, 0.011), items.YES),
        (Estimate(40, 36, 44), Estimate(12, 10, 14), items.PARTLY),
        (Estimate(40, 36, 44), Estimate(38, 33, 43), items.CANNOT_TELL),
        (Estimate(40, 36, 44), Estimate(38), items.CANNOT_TELL),
        (Estimate(40, 36, 44), Estimate(90, 80, 100), items.NO),
        (Estimate(0.02, 0.01, 0.03), Estimate(0.01, 0.0, 0.02), items.NO_GAP),
        (Estimate(0.02, 0.01, 0.03), Estimate(30, 25, 35), items.NO),  # a direct student opens one
        (Estimate(np.nan), Estimate(30, 25, 35), items.NOT_MEASURED),
    ],
)
def test_closing_follows_the_difference_of_the_gaps(teacher, student, verdict):
    answer = closing("s", teacher, student, "rotation", NINE_GROUPS)
    assert answer.verdict == verdict
    assert ("(9 groups.)" in answer.text) == (verdict != items.NOT_MEASURED)


def test_one_group_is_told_with_its_roots():
    one = {"n_frames": 60, "n_roots": 12, "n_groups": 1}
    answer = closing("s", Estimate(40, 36, 44), Estimate(12, 10, 14), "rotation", one)
    assert "(1 group (12 roots).)" in answer.text


def student_of(**less):
    """A student whose errors less those of a constant are these, by quantity and source."""
    rows = []
    for key, (value, low, high) in less.items():
        quantity, _, source = key.partition("_of_")
        counts = {"n_frames": 40, "n_roots": 20, "n_groups": 9, "source": source}
        for kind, seed, against, figure in (
            ("student", 1, "constant_excess", (value, low, high)),
            ("student", 1, "labels", (200 + value, np.nan, np.nan)),
            ("constant", np.nan, "labels", (200, np.nan, np.nan)),
        ):
            numbers = dict(zip(("value", "low", "high"), figure, strict=True))
            names = {"kind": kind, "seed": seed, "quantity": quantity}
            rows.append(names | numbers | counts | {"statistic": f"mae_against_{against}"})
    return Student("k12", "mace", 1, pd.DataFrame(rows), None, None, None, alone=True)


BETTER, WORSE, UNSURE = (-80, -100, -60), (77, 10, 150), (-20, -60, 20)


@pytest.mark.parametrize(
    ("rocksalts", "whole", "verdict", "told"),
    [
        (BETTER, BETTER, items.YES, "Better than a constant in every source"),
        (UNSURE, BETTER, items.YES, "includes zero for forces of rocksalts (9 groups)"),
        (
            WORSE,
            BETTER,
            items.PARTLY,
            "forces of rocksalts, 277 against 200 meV/Å (9 groups, surely)",
        ),
        (WORSE, WORSE, items.NO, "forces of all sources, 277 against 200 meV/Å (9 groups, surely)"),
    ],
)
def test_a_student_that_is_worse_than_nothing_is_named_first(rocksalts, whole, verdict, told):
    energies = {"energy": BETTER, "energy_of_rocksalts": BETTER}
    student = student_of(**energies, forces=whole, forces_of_rocksalts=rocksalts)
    answer = learning("k12/mace", [student])
    assert answer.verdict == verdict
    assert told in answer.text


def test_only_the_small_orb_gets_a_caution(tmp_path):
    models = {"orb-demo": "orb", "orb-v2": "orb-v2", "mace-demo": "mace"}
    settings = deepcopy(SETTINGS)
    settings["potentials"] |= {"orb-v2": {"model": "orb-v2"}}
    settings["warrant"] |= {"teachers": list(models)}
    (caution,) = cautions(opened(tmp_path, settings))
    assert caution.text.startswith("orb-demo is a small Orb with weights of its own, not orb-v2.")


def test_ions_and_radicals_that_students_see_as_atoms_alone_are_told(tmp_path):
    """Hydroxide and the radical: the same atoms, and labels that are 7 eV apart."""
    run = opened(tmp_path, SETTINGS)
    names = list(dict.fromkeys(entry.labels for entry in run.config.distill))
    for n, name in enumerate(names):
        (tmp_path / f"datasets/{name}").mkdir(parents=True)
        states = {"charges": [-1, 0], "spins": [0, 1]} if n == 0 else {}
        pair = [molecule("OH"), molecule("OH")]
        pair[1].positions += 0.1
        frames = from_atoms(pair, groups=["OH", "OH"], source="s", **states)
        write_frames(tmp_path / f"datasets/{name}/train.h5", frames, stage="build_dataset")
    (note,) = unread(run)
    assert note.text.startswith(f"{names[0]}: 1 of 2 training frames have a charge, and 1 have")
