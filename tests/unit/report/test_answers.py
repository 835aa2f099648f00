"""Verdicts of the report follow the intervals, and nothing else."""

from copy import deepcopy

import numpy as np
import pytest

from limbeck.report.page import items
from limbeck.report.topics.answers import accuracy, averaging, cautions, closing
from limbeck.warrant.statistics import Estimate
from report_results import SETTINGS, opened


def errors(gain, low=np.nan, high=np.nan, own=100.0):
    """Errors of a teacher whose mean of 24 views is wrong by 80 meV/Angstrom."""
    entry = {"as_given": own, "random": 80 + gain, "averaged": 80.0}
    found = {f"mae_{kind}": Estimate(v, v - 2, v + 2) for kind, v in entry.items()}
    return found | {"mae_gain": Estimate(gain, low, high)}


@pytest.mark.parametrize(
    ("gain", "low", "high", "verdict"),
    [
        (10.0, 4.0, 16.0, items.YES),
        (10.0, -1.0, 21.0, items.CANNOT_TELL),
        (10.0, 0.0, 20.0, items.CANNOT_TELL),  # an interval that touches zero includes it
        (-10.0, -16.0, -4.0, items.NO),
        (10.0, np.nan, np.nan, items.CANNOT_TELL),  # too few roots for an interval
        (1e-3, 5e-4, 2e-3, items.NO_GAP),  # an equivariant teacher: rounding, however sure
        (np.nan, np.nan, np.nan, items.NOT_MEASURED),
    ],
)
def test_averaging_follows_the_interval_of_the_gain(gain, low, high, verdict):
    assert averaging("orb-demo", "chgnet", errors(gain, low, high)).verdict == verdict


def test_averaging_is_no_full_yes_where_the_frames_as_given_do_better():
    """A teacher trained in one orientation: averaging beats a random view, but not its own."""
    answer = averaging("orb-demo", "chgnet", errors(10.0, 4.0, 16.0, own=50.0))
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
    assert accuracy("s", "t", labels, own, loss_of_accuracy).verdict == verdict


def test_accuracy_without_a_truth_is_not_measured():
    answer = accuracy("s", None, Estimate(60), Estimate(65), Estimate(5, 4, 6))
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
    assert closing("s", teacher, student, "rotation").verdict == verdict


def test_only_the_small_orb_gets_a_caution(tmp_path):
    models = {"orb-demo": "orb", "orb-v2": "orb-v2", "mace-demo": "mace"}
    settings = deepcopy(SETTINGS)
    settings["potentials"] |= {"orb-v2": {"model": "orb-v2"}}
    settings["warrant"] |= {"teachers": list(models)}
    (caution,) = cautions(opened(tmp_path, settings))
    assert caution.text.startswith("orb-demo is a small Orb with weights of its own, not orb-v2.")
