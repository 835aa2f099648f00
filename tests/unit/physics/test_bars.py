"""Bars of physics: what is lost or missing never passes."""

import pytest

from limbeck.config.sections.warrant import Physics
from limbeck.physics.bars import bars_of
from limbeck.physics.figures import exact, figures
from limbeck.reasons import BOND_BROKEN, NO_SYMMETRY, OFF_TARGET
from limbeck.warrant.judgement import (
    FAILED,
    INCONCLUSIVE,
    NOT_ASKED,
    NOT_MEASURED,
    PASSED,
    verdict,
)
from limbeck.warrant.statistics import Estimate, entry_of

NVE = Physics(checks=["nve"], nve_time_steps_fs=[0.5, 2.0])
NVT = Physics(checks=["nvt"], temperatures_K=[300.0])


def about(rows, failed="", offered=3):
    return {"rows": rows, "left_out": [], "offered": offered, "failed": failed}


def drifting(*drifts, cut="", step=0.5):
    return [
        {"id": str(n), "formula": "Cu4", "time_step_fs": step, "cut": cut}
        | {"drift": entry_of(found, "meV/atom/ps")}
        for n, found in enumerate(drifts)
    ]


def outcomes(rows, own, failed="", offered=3, check="nve"):
    found = {check: about(rows, failed, offered)}
    return [b.outcome for b in bars_of(figures(found, own), found, own, "teacher")]


def test_the_start_that_drifts_most_at_the_shortest_step_is_judged():
    small, large = Estimate(0.1, 0.0, 0.2), Estimate(-3.0, -3.5, -2.5)
    long = drifting(large, step=2.0)
    assert outcomes([*drifting(small), *long], NVE) == [PASSED]
    assert outcomes([*drifting(small, large), *long], NVE) == [FAILED]
    assert outcomes([*drifting(Estimate(0.9, 0.5, 1.3)), *long], NVE) == [INCONCLUSIVE]
    # its sign does not matter, and an interval about zero is one about its size
    assert outcomes(drifting(Estimate(-0.1, -2.0, 1.8)), NVE) == [INCONCLUSIVE]


def test_a_cut_trajectory_fails_however_little_it_drifts():
    rows = drifting(exact(0.01)) + drifting(exact(0.01), cut="too hot")
    found = {"nve": about(rows)}
    (bar,) = bars_of(figures(found, NVE), found, NVE, "teacher")
    assert (bar.outcome, bar.why) == (FAILED, "Cu4: too hot")


def test_what_was_not_measured_fails():
    assert outcomes([], NVE, failed="no structure that fits") == [NOT_MEASURED]
    assert outcomes([], NVT, failed="a broken model", check="nvt") == [NOT_MEASURED]
    own = Physics(checks=["phonons", "equation_of_state", "symmetry_kept", "structure"])
    bars = bars_of([], {}, own, "teacher")  # a file in which nothing of it stands
    assert {bar.outcome for bar in bars} == {NOT_MEASURED}
    assert verdict(bars) == FAILED


def test_nothing_of_a_kind_is_not_asked_and_alone_does_not_pass():
    own = Physics(checks=["symmetry_kept"])
    rows = outcomes([], own, failed="no structure that fits", offered=0, check="symmetry_kept")
    assert set(rows) == {NOT_ASKED}
    labels = Physics(checks=["phonons", "equation_of_state"])
    bars = bars_of([], {}, labels, None)
    assert {bar.why for bar in bars} == {"its labels are from a file"}
    assert verdict(bars) == FAILED


def test_no_symmetry_to_lose_is_not_asked_and_a_drift_that_is_unknown_is_lost():
    own = Physics(checks=["symmetry_kept"])
    rows = [{"id": "1", "formula": "C6H6", "reason": NO_SYMMETRY}]
    assert set(outcomes(rows, own, check="symmetry_kept")) == {NOT_ASKED}
    assert outcomes(drifting(exact(0.1), Estimate(float("nan"))), NVE) == [FAILED]


def test_a_trajectory_that_the_teacher_has_and_the_student_has_not_is_lost():
    own = Physics(checks=["structure"], temperatures_K=[300.0])
    its = moving() | {"radial": {"C-H": [1.0]}, "radial_noise": 0.0}
    found, teacher = {"nvt": about([])}, {"nvt": about([its])}
    (bar,) = bars_of(figures(found, own, teacher), found, own, "teacher")
    assert (bar.outcome, bar.why) == (FAILED, "CH4: no whole trajectory")


def moving(cut="", doubt=""):
    start = {"id": "1", "formula": "CH4", "temperature_K": 300.0, "measured_K": 350.0}
    return start | {"cut": cut, "cut_time_fs": 10.0, "doubt": doubt}


@pytest.mark.parametrize(
    ("mine", "its", "lost", "doubts"),
    [
        (moving(), moving(), [], []),
        (moving(BOND_BROKEN), moving(), ["CH4: a bond broke at 0.01 ps"], []),
        (moving(BOND_BROKEN), moving(BOND_BROKEN), [], []),  # it does in the teacher's, too
        (moving("energy rise"), moving(BOND_BROKEN), ["CH4: energy rise at 0.01 ps"], []),
        (moving(doubt=OFF_TARGET), moving(), [], [f"CH4: {OFF_TARGET}, 350 K"]),
    ],
)
def test_a_trajectory_is_lost_by_what_the_teacher_does_not_do(mine, its, lost, doubts):
    (made,) = figures({"nvt": about([mine])}, NVT, {"nvt": about([its])})
    assert (made["lost"], made["doubts"]) == (lost, doubts)
    assert made["value"] == len(lost)


def test_noise_of_the_teacher_makes_a_difference_inconclusive():
    own = Physics(checks=["structure"], temperatures_K=[300.0])
    mine, its = (
        moving() | {"radial": {"C-H": g}}
        for g in ([0.0] * 118 + [4.0, 1.0], [0.0] * 118 + [4.0, 2.0])
    )
    for noise, expected in ((0.0, PASSED), (0.2, INCONCLUSIVE)):
        its["radial_noise"] = noise
        found, teacher = {"nvt": about([mine])}, {"nvt": about([its])}
        (bar,) = bars_of(figures(found, own, teacher), found, own, "teacher")
        assert bar.own.value == pytest.approx(1 / 11)
        assert bar.outcome == expected


def test_a_temperature_in_doubt_is_inconclusive():
    found = {"nvt": about([moving(doubt=OFF_TARGET)])}
    (bar,) = bars_of(figures(found, NVT), found, NVT, "teacher")
    assert bar.outcome == INCONCLUSIVE
    assert OFF_TARGET in bar.why


def test_what_the_teacher_has_not_is_said():
    own = Physics(checks=["equation_of_state"])
    rows = [{"id": "1", "formula": "NaCl", "reason": "not relaxed in 100 steps"}]
    found = {"equation_of_state": about(rows)}
    bars = bars_of(figures(found, own, found), found, own, "teacher")
    assert {bar.outcome for bar in bars} == {NOT_MEASURED}
    assert bars[0].why.endswith("the teacher's own: not relaxed in 100 steps")
