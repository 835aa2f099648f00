"""The first card: the word for each student, what stands behind it, and what to do next."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from limbeck.config.written import Training
from limbeck.report.page.cols import in_percent
from limbeck.report.run.gap import Measured
from limbeck.report.run.student import Student, students_of
from limbeck.report.topics import students
from limbeck.report.topics.got import (
    gap_of,
    next_of,
    of_student,
    parts_of,
    table_of,
    verdict_in_words,
    worse_than_nothing,
)
from limbeck.report.topics.students import _signed, curves_figure, offset_of
from limbeck.warrant.judgement import GOOD, LEARNING, USELESS
from report_results import SETTINGS, TRAINING, build, opened

COUNTS = {"n_frames": 40, "n_roots": 20, "n_groups": 9}
#: error of a constant, root mean square of the forces, and error of who knows the compounds
CONSTANT, RMS, BY_COMPOUND = {"forces": 700.0, "energy": 150.0}, 1000.0, 20.0


def student_of(own, *, seed=1, alone=True, curve=None, **new):
    """A student with these errors on known chemistry, and on new where any are given.

    Args:
        own: (quantity, source) -> error; intervals are of 10 to either side.
        new: the same on new chemistry, by quantity.
    """
    tests = {"test_known": own, "test_new": {(q, ""): v for q, v in new.items()}}
    rows = []
    for test, errors in tests.items():
        for (quantity, source), value in errors.items():
            nothing = CONSTANT[quantity]
            figures = {
                ("student", "mae_against_labels"): (value, value - 10, value + 10),
                ("student", "mae_against_constant_excess"): (
                    value - nothing,
                    value - nothing - 10,
                    value - nothing + 10,
                ),
                ("constant", "mae_against_labels"): (nothing, np.nan, np.nan),
            }
            if quantity == "forces":
                figures["student", "rms_of_labels"] = (RMS, np.nan, np.nan)
            elif test == "test_known":
                figures["by_compound", "mae_against_labels"] = (BY_COMPOUND, np.nan, np.nan)
            for (kind, statistic), ends in figures.items():
                row = dict(zip(("value", "low", "high"), ends, strict=True)) | COUNTS
                row |= {"kind": kind, "statistic": statistic, "quantity": quantity}
                row |= {"seed": seed if kind == "student" else np.nan}
                rows.append(row | {"source": source, "set": test})
    gaps = Measured("k12/mace-small", {}, [], {}, {})
    training = Training.model_validate(TRAINING)
    return Student("k12", "mace-small", seed, pd.DataFrame(rows), curve, training, gaps, alone)


WELL = {
    ("forces", ""): 80.0,
    ("forces", "salts"): 90.0,
    ("energy", ""): 9.0,
    ("energy", "salts"): 9.0,
}


def test_a_good_student_is_called_good_with_its_numbers():
    student = student_of(WELL, forces=400.0, energy=90.0)
    assert student.word == GOOD
    text = verdict_in_words([student])
    assert text.startswith("Known chemistry: forces are off by 80 (70 to 90) meV/Å, 8 % of")
    assert "(a constant: 700)" in text
    assert "a constant: 150; one who knows each compound's mean: 20)" in text
    assert "Trained on 30 frames, tested on 9 groups." in text
    assert "To be called good" not in text
    hard = student.training.model_copy(update={"hard_share": 0.3, "hard": {"train_frames": 30}})
    text = verdict_in_words([replace(student, training=hard)])
    assert "on 30 frames (30 % of the loss of energies and forces on labels of the ref" in text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({("forces", "salts"): 140.0}, "10 % of theirs in every source (now salts 14 %)."),
        ({("energy", ""): 12.0}, "To be called good it needs energies within 10 meV/atom."),
    ],
)
def test_what_keeps_a_student_from_good_is_named(change, told):
    student = student_of(WELL | change)
    assert student.word == LEARNING
    assert told in verdict_in_words([student])


def test_a_student_that_is_no_better_than_no_forces_is_useless():
    student = student_of(WELL | {("forces", ""): 695.0})  # 5 less than nothing, give or take 10
    assert student.word == USELESS
    assert "no better than a constant, which has no forces" in verdict_in_words([student])


def test_a_student_tested_on_new_chemistry_alone_is_not_called_good():
    student = student_of({}, forces=80.0, energy=9.0)
    assert student.word == LEARNING
    assert "Known chemistry was not tested" in verdict_in_words([student])


def test_where_a_student_is_worse_than_a_constant_is_named():
    worse = {("forces", "salts"): 777.0, ("energy", ""): 155.0, ("energy", "salts"): 200.0}
    found = worse_than_nothing([student_of(WELL | worse)])
    assert found == [  # all sources stand for each
        "known chemistry, energies of all sources, 155 against 150 meV/atom (9 groups)",
        "known chemistry, forces of salts, 777 against 700 meV/Å (9 groups, surely)",
    ]
    assert not worse_than_nothing([student_of(WELL)])


def test_of_several_seeds_the_worst_gives_the_word(tmp_path):
    seeds = [
        student_of(WELL, seed=1, alone=False, curve=CURVE),
        student_of(WELL | {("energy", ""): 12.0}, seed=2, alone=False, curve=CURVE),
    ]
    assert [s.word for s in seeds] == [GOOD, LEARNING]
    assert "By seed: good (seed 1), learning (seed 2)." in verdict_in_words(seeds)
    assert "means of 2 seeds, whose forces are off by 80 meV/Å." in verdict_in_words(seeds)
    assert "seed" not in verdict_in_words(seeds[:1])


def test_error_and_share_of_several_seeds_are_of_the_same_thing():
    """100 and 160 of 1,000 meV/Å: 130 in the mean, which is 13 %, and not the 16 % of the worst."""
    bad = {("forces", ""): 160.0, ("forces", "salts"): 180.0}
    good = {("forces", ""): 100.0, ("forces", "salts"): 120.0}
    seeds = [student_of(WELL | good), student_of(WELL | bad, seed=2)]
    text = verdict_in_words(seeds)
    assert "forces are off by 130 (90 to 170) meV/Å, 13 % of their root mean square" in text
    assert "means of 2 seeds, whose forces are off by 100 to 160 meV/Å." in text
    assert "(now salts 18 %, in the worst seed)" in text
    found = table_of({"k12/mace-small": seeds}).data.set_index("quantity")["test_known"]
    assert found["as a share of their root mean square"].value == pytest.approx(0.13)
    assert found["the same in the worst source"].value == pytest.approx(0.15)


EPOCHS = np.arange(1, 21)
CURVE = pd.DataFrame({"epoch": EPOCHS, "train_loss": 1 / EPOCHS, "valid_loss": 2 / EPOCHS})


def test_what_to_do_next_is_read_from_the_curve_and_the_size(tmp_path):
    run = opened(build(tmp_path / "made-up"), SETTINGS)
    falling = student_of(WELL, curve=CURVE)
    epochs, frames = next_of(run, [falling], LEARNING)
    assert epochs == "more epochs: the validation loss still falls (best epoch 20 of 20)"
    assert "with a loss of 0.051 against 0.1" in frames
    assert "see the learning curves" in frames
    flat = pd.DataFrame({"train_loss": np.ones(20), "valid_loss": np.ones(20)})
    (size,) = next_of(run, [student_of(WELL, curve=flat)], LEARNING)
    assert size.startswith("a larger size (it is small)")
    swinging = pd.DataFrame({"train_loss": np.ones(20), "valid_loss": 1.2 + 0.2 * (-1.0) ** EPOCHS})
    (calmer,) = next_of(run, [student_of(WELL, curve=swinging)], LEARNING)
    assert calmer.startswith("a lower learning_rate")
    assert "(about 1.2 at the end, 1 at its lowest)" in calmer
    seeds = [student_of(WELL, curve=flat), student_of(WELL, curve=swinging, seed=2)]
    assert list(next_of(run, seeds, LEARNING))[1] == calmer  # of the seed that has it
    settings = deepcopy(SETTINGS)
    settings["students"]["mace-small"]["size"] = "medium"
    run = opened(tmp_path / "made-up", settings)
    (size,) = next_of(run, [student_of(WELL, curve=flat)], LEARNING)
    assert "there is no larger size than medium" in size
    assert list(next_of(run, [falling], GOOD)) == ["it can be used for what it was trained on."]


def test_the_card_has_paths_speeds_gaps_and_both_questions(tmp_path):
    run = opened(build(tmp_path / "made-up"), SETTINGS)
    (section,) = parts_of(run)
    card, table = section.items[:2]
    student, *_, reference = card.answers
    lines = dict(student.lines)
    assert lines["Where"] == "results/made-up/students/orb-demo-k12/mace-small/seed1/"
    assert lines["Speed"] == (  # of one round
        "3.3 times orb-demo (3.3 to 3.3 in rounds taken in turn); 3,000 atoms per second at its "
        "best batch."
    )
    assert lines["Symmetry"].startswith("rotation gap of the forces 0.010 (0.009 to 0.011) meV/Å")
    assert "no merit" not in lines["Symmetry"]
    assert "no merit" in gap_of(run, students_of(run)[0], useless=True)
    assert reference.subject == "chgnet"
    assert "atoms of H, C apart" in reference.text  # beside energies that it does not determine
    assert dict(reference.lines)["Where"] == "results/made-up/datasets/chgnet/"
    assert [c.heading for c in table.columns][1:] == ["Known chemistry", "New chemistry"]


def test_known_and_new_chemistry_stand_side_by_side():
    table = table_of({"k12/mace-small": [student_of(WELL, forces=400.0, energy=90.0)]})
    found = table.data.set_index("quantity")
    for name, known, new in (
        ("Forces, meV/Å", 80.0, 400.0),
        ("as a share of their root mean square", 0.08, 0.4),
        ("the same in the worst source", 0.09, np.nan),
        ("Energies, meV/atom", 9.0, 90.0),
        ("of one who knows each compound's mean", BY_COMPOUND, np.nan),
        ("Training frames", 30, 30),
    ):
        values = [found.loc[name, part].value for part in ("test_known", "test_new")]
        np.testing.assert_allclose(values, [known, new], rtol=1e-12)


def test_a_card_without_symmetries_is_silent_about_them(tmp_path):
    settings = deepcopy(SETTINGS)
    run = opened(build(tmp_path / "made-up", settings), settings)
    student = student_of(WELL, curve=CURVE)
    student = Student(**{**vars(student), "label_set": "orb-demo-k12", "name": "mace-small"})
    answer = of_student(run, student.title, [student])
    assert dict(answer.lines).keys() == {"Speed", "Pay-back", "Where", "Next"}


def test_the_dot_of_a_learning_curve_is_the_epoch_that_was_kept(tmp_path):
    curve = CURVE.assign(valid_forces_mae_meV_per_A=100.0 / EPOCHS)
    figure = curves_figure("k12", [student_of(WELL, curve=curve)])
    assert "mace-small 20 of 20" in figure.caption
    assert "only from there on can the two be compared" in figure.caption
    dots = [line for axes in figure.canvas.axes for line in axes.lines if line.get_marker() == "o"]
    assert [(x, y) for dot in dots for x, y in zip(*dot.get_data(), strict=True)] == [
        (20, 0.1),
        (20, 5.0),
    ]


def test_the_offset_is_what_all_energies_are_off_by():
    labels = np.array([0.1, 0.2, 0.4])  # eV/atom
    energy = pd.DataFrame({"label": labels, "student": labels - 0.025})
    assert offset_of(energy) == pytest.approx(-25.0, rel=1e-9)  # rounding
    assert [_signed(v) for v in (1398.2, -25.0, 3e-12)] == ["+1,398", "−25", "0"]


def test_energies_that_are_undetermined_are_told_beside_them(tmp_path):
    settings = deepcopy(SETTINGS)
    settings["distill"][0]["labels"] = "chgnet"  # whose data set does not determine two
    settings["warrant"]["reference"] = None
    run = opened(build(tmp_path / "made-up", settings), settings)
    (section,) = students.parts_of(run)
    table, *_, parity = section.items
    assert "from chgnet do not tell the atoms of H, C apart" in table.caption
    assert "energies of H, C are not determined one by one" in parity.caption
    assert "Mean of student less label (offset), meV/atom: organics" in parity.caption


def test_a_share_has_two_digits_or_all_before_the_point():
    assert [in_percent(v) for v in (0.0812, 0.346, 0.994, 1.046)] == [
        "8.1 %",
        "35 %",
        "99 %",
        "105 %",
    ]
