"""How far a job is: what is said, when, and that no script is silent."""

import logging
import re
import time
from pathlib import Path

import pytest

from limbeck import cli
from limbeck.check import progress
from limbeck.check.progress import Progress, each, report, span, told

ROOT = Path(__file__).parents[3]


class Clock:
    """Seconds that pass when they are told to."""

    now = 1000.0

    def __call__(self):
        return self.now


def test_a_line_says_how_far_how_fast_and_how_long():
    clock = Clock()
    loop = Progress("labels", 200, "frames", clock=clock)
    assert loop.line() == "labels: 0 of 200 frames"  # nothing is done: no speed to tell from
    clock.now += 30
    loop.add(40, atoms=6000)
    clock.now += 10
    assert loop.line() == "labels: 40 of 200 frames, 150 atoms/s, 2 min 40 s left"
    loop.add(10, atoms=2000, at="batch 2 of 8")
    assert loop.line() == "labels: batch 2 of 8, 200 atoms/s, 2 min 0 s left"


def test_what_was_done_before_tells_nothing_of_the_speed():
    clock = Clock()
    loop = Progress("dynamics", 100, "steps", clock=clock)
    loop.begin(60)
    assert loop.line() == "dynamics: 60 of 100 steps"
    clock.now += 10
    loop.add(10)
    assert loop.line() == "dynamics: 70 of 100 steps, 30 s left"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3725, "1 h 2 min"), (200000, "2 d 7 h")],
)
def test_times_are_in_units_that_say_it_best(seconds, said):
    assert span(seconds) == said


def test_young_loops_are_steps_of_older_ones(monkeypatch):
    clock = Clock()
    assert report(61) == "at work for 1 min 1 s"
    with Progress("gaps", 9, "gaps", clock=clock) as outer:
        outer.add()
        clock.now += progress.YOUNG
        with Progress("answers", 8, "frames", clock=clock) as inner:
            assert report(61).startswith("gaps: 1 of 9 gaps")
            assert "answers" not in report(61)
            clock.now += progress.YOUNG
            inner.add(2)
            assert re.fullmatch(r"gaps: 1 of 9 .*; answers: 2 of 8 frames, 30 s left", report(61))
    assert report(61) == "at work for 1 min 1 s"


def test_items_are_counted_when_they_are_done(monkeypatch):
    monkeypatch.setattr(progress, "YOUNG", 0.0)
    seen = [
        report(0).split(",")[0] for _ in each([2, 3], "read", "atoms", 5, amount=float, atoms=int)
    ]
    assert seen == ["read: 0 of 5 atoms", "read: 2 of 5 atoms"]
    assert report(0) == "at work for 0 s"
    for _ in each(range(3), "left early", "items"):
        break
    assert report(0) == "at work for 0 s", "a loop that is left is told of no more"
    assert list(each((n for n in (1, 2)), "x", "y")) == [1, 2]


def test_a_job_tells_again_and_again_until_it_ends(caplog, monkeypatch):
    monkeypatch.setattr(progress, "YOUNG", 0.0)
    often = told(first=0.05, every=0.05)
    with caplog.at_level(logging.INFO), Progress("frames", 3, "frames"), often:
        time.sleep(0.4)
    said = [r.getMessage() for r in caplog.records]
    assert 2 <= len(said) <= 8
    assert set(said) == {"frames: 0 of 3 frames"}
    caplog.clear()
    time.sleep(0.15)
    assert not caplog.records


def test_a_job_tells_in_time():
    """First before 20 s are over, and then at least every 30 s."""
    assert progress.FIRST <= 20
    assert progress.EVERY <= 30
    assert progress.YOUNG < progress.FIRST


def test_whatever_a_script_does_it_is_told(caplog, monkeypatch):
    monkeypatch.setattr(cli, "told", lambda: told(first=0.05, every=0.05))
    with caplog.at_level(logging.INFO):
        cli.run(lambda: time.sleep(0.2))
    assert "at work for 0 s" in caplog.text


def test_no_rule_has_a_script_that_is_not_run_so():
    """And no script of a rule runs its work beside ``cli.run``."""
    rules = "".join(path.read_text() for path in ROOT.glob("workflow/rules/*.smk"))
    scripts = set(re.findall(r"\{SCRIPTS\}/(\w+)\.py", rules))
    assert len(scripts) > 20
    for name in scripts:
        text = (ROOT / f"scripts/{name}.py").read_text()
        assert text.endswith('if __name__ == "__main__":\n    cli.run(main)\n'), name


#: modules of the loops that can take longer than 20 s: each counts what it has done
LONG = {
    "averaging/orbit.py",
    "labelling/label.py",
    "molecules/subsystems.py",
    "phonons/calculation.py",
    "physics/measure.py",
    "potentials/evaluation.py",
    "potentials/speed.py",
    "preparation/relaxation.py",
    "sampling/contour.py",
    "sampling/dynamics/run.py",
    "sampling/phonons.py",
    "sampling/rattle.py",
    "selection/choice.py",
    "selection/diversity.py",
    "selection/points.py",
    "structures/duplicates/groups.py",
    "structures/screening.py",
    "structures/shard.py",
    "students/loop.py",
    "studies/frames/frames_by_views.py",
    "timing/card.py",
    "warrant/gaps.py",
}


def test_every_long_loop_counts():
    library = ROOT / "scripts/limbeck"
    counting = {
        path.relative_to(library).as_posix()
        for path in library.rglob("*.py")
        if re.search(r"\b(each|Progress)\((?!Thread)", path.read_text())
        and "from limbeck.check.progress import" in path.read_text()
    }
    assert counting == LONG
