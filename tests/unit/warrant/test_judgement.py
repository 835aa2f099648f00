"""What a student is called, on numbers that are known."""

from math import nan

import numpy as np
import pytest

from limbeck.warrant.judgement import (
    CALMER,
    FAILED,
    GOOD,
    INCONCLUSIVE,
    LARGER,
    LEARNING,
    MORE_EPOCHS,
    MORE_FRAMES,
    NOT_MEASURED,
    PASSED,
    USELESS,
    TestErrors,
    bar,
    judge,
    next_steps,
    not_asked,
    verdict,
)
from limbeck.warrant.statistics import Estimate

SURELY = Estimate(-500.0, -600.0, -400.0)
#: forces of 9 % of their root mean square, energies at half of what the compound's mean leaves
WELL = TestErrors(forces=90.0, rms=1000.0, energy=10.0, by_compound=20.0)


@pytest.mark.parametrize(
    ("less_constant", "known", "word"),
    [
        (SURELY, {"": WELL, "organics": WELL}, GOOD),
        (SURELY, {"": WELL, "organics": TestErrors(101.0, 1000.0, 10.0, 20.0)}, LEARNING),
        (SURELY, {"": TestErrors(90.0, 1000.0, 10.1, 20.0)}, LEARNING),
        (SURELY, {"": TestErrors(90.0, 1000.0, 10.0)}, LEARNING),  # no compound's mean is known
        (SURELY, {}, LEARNING),  # not tested on known chemistry
        # a source whose forces vanish by symmetry, and are found to: 1 of 2 mueV/A
        (SURELY, {"": WELL, "perfect": TestErrors(1e-3, 2e-3, 1.0, 2.0)}, GOOD),
        # and one where the student sees forces that are not there
        (SURELY, {"": WELL, "perfect": TestErrors(5.0, 2e-3, 1.0, 2.0)}, LEARNING),
        (Estimate(-50.0, -120.0, 20.0), {"": WELL}, USELESS),  # not surely better than no forces
        (Estimate(50.0, 20.0, 90.0), {"": WELL}, USELESS),
        (Estimate(-50.0), {"": WELL}, GOOD),  # too few groups for an interval
        (Estimate(50.0), {"": WELL}, USELESS),
        (Estimate(np.nan), {"": WELL}, USELESS),
    ],
)
def test_the_word_follows_the_numbers(less_constant, known, word):
    assert judge(less_constant, known) == word


def test_no_share_of_forces_that_vanish():
    assert np.isnan(TestErrors(0.03, 0.05, 1.0).share)
    assert WELL.share == pytest.approx(0.09)


EPOCHS = np.arange(1, 81)
#: falls by 8 % within the last third, and then stands
FALLING = np.where(EPOCHS < 73, 1.0 - EPOCHS / 240, 0.7)
STANDING = np.where(EPOCHS < 30, 3.0 - EPOCHS / 15, 1.0)
#: up and down by 15 % to the end, as at a rate that never fell
RESTLESS = np.where(EPOCHS < 30, 3.0 - EPOCHS / 15, 1.0 + 0.15 * (-1.0) ** EPOCHS)
#: best at epoch 30, worse ever after: patience ended it
WORSE_AGAIN = np.where(EPOCHS <= 30, 3.0 - EPOCHS / 15, 1.0 + EPOCHS / 80)


@pytest.mark.parametrize(
    ("training", "validation", "steps"),
    [
        (FALLING, FALLING, [MORE_EPOCHS]),
        (1 / EPOCHS, 1 / EPOCHS, [MORE_EPOCHS]),  # so steep that the best is the last
        (FALLING / 2, FALLING, [MORE_EPOCHS, MORE_FRAMES]),
        (STANDING / 2, STANDING, [MORE_FRAMES]),
        (STANDING / 2, WORSE_AGAIN, [MORE_FRAMES]),
        (STANDING, STANDING, [LARGER]),
        (1.2 * STANDING, STANDING, [LARGER]),  # frames that are turned at random are harder
        (RESTLESS, RESTLESS, [CALMER]),
        (WORSE_AGAIN, WORSE_AGAIN, [CALMER]),  # both went up: it left what it had found
        (STANDING, np.where(EPOCHS == 79, np.nan, STANDING), [CALMER]),
        (STANDING, STANDING * (1 + 0.01 * (-1.0) ** EPOCHS), [LARGER]),  # of rounding and batches
        ([3.0, 2.0], [9.0, 8.0], [MORE_EPOCHS]),  # of two epochs nothing else can be read
    ],
)
def test_a_curve_says_what_to_do(training, validation, steps):
    assert next_steps(training, validation) == steps


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        (Estimate(5, 4, 6), Estimate(10, 9, 11), PASSED),  # below 0.8 * 10 with both intervals
        (Estimate(9, 8.5, 9.5), Estimate(10, 9.8, 10.2), FAILED),
        (Estimate(7.5, 6, 9), Estimate(10, 9, 11), INCONCLUSIVE),  # the intervals overlap
        (Estimate(1), Estimate(10, 9, 11), INCONCLUSIVE),  # no interval proves nothing
        (Estimate(nan), Estimate(10, 9, 11), NOT_MEASURED),
        (Estimate(1, 1, 1), Estimate(nan), NOT_MEASURED),
    ],
)
def test_a_bar_follows_the_sign_of_the_interval(own, other, expected):
    assert bar("gap", own, other, 0.8).outcome == expected


def test_a_bar_that_was_not_measured_says_what_is_lacking():
    known, none = Estimate(1, 1, 1), Estimate(nan)
    assert bar("a", none, known, 1.0).why == "the student's figure was not measured"
    assert bar("a", known, none, 1.0).why == "what it may be at most was not measured"
    assert bar("a", none, none, 1.0).why.endswith("and what it may be at most were not measured")
    assert bar("a", none, known, 1.0, "no view").why == "no view"
    assert bar("a", known, known, 1.0, "no view").why == ""


def test_what_was_not_measured_fails_and_never_passes():
    good = bar("a", Estimate(1, 1, 1), Estimate(2, 2, 2), 1.0)
    missing = bar("b", Estimate(nan), Estimate(2, 2, 2), 1.0)
    unsure = bar("c", Estimate(2, 1, 3), Estimate(2, 2, 2), 1.0)
    bad = bar("d", Estimate(3, 3, 3), Estimate(2, 2, 2), 1.0)
    nothing = not_asked("e", "the teacher has no gap")
    assert verdict([good, nothing]) == PASSED
    assert verdict([good, missing]) == verdict([unsure, missing]) == FAILED
    assert verdict([good, unsure]) == INCONCLUSIVE
    assert verdict([good, unsure, bad]) == FAILED
    assert verdict([nothing]) == verdict([]) == FAILED
