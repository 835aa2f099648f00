"""Verdicts of the report follow the intervals, and nothing else."""

from copy import deepcopy

import numpy as np
import pytest
from ase.build import molecule

from limbeck.frames import from_atoms
from limbeck.report.page import items
from limbeck.report.topics.answers import accuracy, averaging, cautions, closing, unread
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


def test_a_closed_gap_of_a_student_that_predicts_nothing_is_no_merit():
    """Nothing has no gap; one that is wrong and opens a gap is told so all the same."""
    gaps = Estimate(40, 36, 44), Estimate(0.01, 0.009, 0.011)
    answer = closing("s", *gaps, "rotation", NINE_GROUPS, useless=True)
    assert answer.verdict == items.NO_GAP
    assert "That is no merit" in answer.text
    assert "no merit" not in closing("s", *gaps, "rotation", NINE_GROUPS).text
    opened = closing("s", *gaps[::-1], "rotation", NINE_GROUPS, useless=True)
    assert opened.verdict == items.NO
    assert "no merit" not in opened.text


def test_one_group_is_told_with_its_roots():
    one = {"n_frames": 60, "n_roots": 12, "n_groups": 1}
    answer = closing("s", Estimate(40, 36, 44), Estimate(12, 10, 14), "rotation", one)
    assert "(1 group (12 roots).)" in answer.text


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
