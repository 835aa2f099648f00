"""What is asked of students in the report, also where something was not measured."""

from copy import deepcopy

import pytest

from limbeck.report.run.bars import bars_of
from limbeck.report.run.student import by_title
from limbeck.report.topics.students import bars_table, breakdown_table, side_by_side_table
from limbeck.warrant.judgement import (
    FAILED,
    INCONCLUSIVE,
    NOT_ASKED,
    NOT_MEASURED,
    PASSED,
    verdict,
)
from report_results import SETTINGS, build, opened

TITLE = "orb-demo-k12/mace-small"


def changed(**warrant):
    return SETTINGS | {"warrant": SETTINGS["warrant"] | warrant}


def outcomes(tmp_path, settings=SETTINGS, **made):
    run = opened(build(tmp_path, settings, **made), settings)
    return run, [b.outcome for b in bars_of(run, run.once(by_title)[TITLE])]


def why_of(run, place):
    return bars_of(run, run.once(by_title)[TITLE])[place].why


def test_a_student_without_a_gap_and_with_small_errors(tmp_path):
    """40 against 800 of the constant, a gap of 0.01 against 41; 75 against 1.5 times 64 of the
    labels; errors in random views have intervals that overlap."""
    run, found = outcomes(tmp_path)
    assert found[:3] == [PASSED, PASSED, PASSED]
    rows = bars_table(run).data
    own = rows[rows["student"] == TITLE]
    assert own["name"].tolist()[1] == "rotation gap at most 0.8 of the teacher's"
    assert own["outcome"].tolist()[-1] == verdict(bars_of(run, run.once(by_title)[TITLE]))


def test_thresholds_are_those_of_the_config(tmp_path):
    settings = changed(bars={"error": 0.5, "gap": 0.8, "one_view": 1.0})
    assert outcomes(tmp_path, settings)[1][2] == FAILED  # 75 against half of 64


def test_a_gap_as_large_as_the_teachers_fails_or_is_inconclusive(tmp_path):
    assert outcomes(tmp_path, student_gap=60.0)[1][1] == FAILED
    assert outcomes(tmp_path / "b", student_gap=33.0)[1][1] == INCONCLUSIVE


def test_what_was_not_measured_fails(tmp_path):
    """No rotation gap among those asked for; the teacher's is not measured."""
    run, found = outcomes(tmp_path, changed(symmetries=["reflection"]))
    assert found[1] == NOT_MEASURED
    assert why_of(run, 1) == "rotation is not among warrant.symmetries"
    assert verdict(bars_of(run, run.once(by_title)[TITLE])) == FAILED
    run, found = outcomes(tmp_path / "b", changed(teachers=["chgnet"]))
    assert (found[1], found[3]) == (NOT_MEASURED, NOT_MEASURED)
    assert [why_of(run, i) for i in (1, 3)] == ["orb-demo is not among warrant.teachers"] * 2
    rows = bars_table(run).data
    assert (rows[rows["outcome"] == NOT_MEASURED]["why"] != "").all()


def test_a_teacher_without_a_gap_cannot_be_beaten(tmp_path, monkeypatch):
    monkeypatch.setattr("report_results.TEACHERS", (("orb-demo", 0.02, 0.0), ("chgnet", 0.02, 0.0)))
    run, found = outcomes(tmp_path)
    assert found[1] == NOT_ASKED
    assert bars_of(run, run.once(by_title)[TITLE])[1].why == "orb-demo has none to be beaten"


def test_without_a_reference_nothing_is_asked_about_it(tmp_path):
    found = outcomes(tmp_path, changed(reference=None))[1]
    assert found[2:] == [NOT_ASKED, NOT_ASKED]


def test_a_teacher_that_is_the_reference_is_not_compared_with_itself(tmp_path):
    """Another label set than that of the reference, of the same potential."""
    settings = deepcopy(SETTINGS)
    settings["labels"]["chgnet"]["potential"] = "orb-demo"
    run, found = outcomes(tmp_path, settings)
    assert run.reference == "chgnet"
    assert found[2:] == [NOT_ASKED, NOT_ASKED]
    assert {why_of(run, i) for i in (2, 3)} == {"its teacher is the reference"}


def test_the_floor_and_the_breakdown_are_on_the_page(tmp_path):
    run, _ = outcomes(tmp_path)
    students = run.once(by_title)
    rows = side_by_side_table(run, {"orb-demo-k12": students[TITLE]}).data
    (floor,) = rows[rows["model"] == "floor of conservative ones"]["rmse"]
    assert floor.value == pytest.approx(26.0)
    by = breakdown_table(run, students[TITLE]).data
    assert by["name"].tolist() == ["md-300", "rattled", "1 to 8", "Na"]
