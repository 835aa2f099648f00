"""When a student has paid for itself: what its labels and its training cost, in steps of dynamics.

Labels are counted as the evaluations that they are made of, at what one costs, and not as the time
that their jobs took: a label that an earlier run had paid for takes none, and a job that was killed
is timed from its last start alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, isfinite, nan

import numpy as np

from limbeck.labels import calls_of_a_label
from limbeck.reasons import NOT_WANTED
from limbeck.report.page import cols
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run
from limbeck.report.run.made import spoken
from limbeck.report.run.student import Student, students_of
from limbeck.report.topics import labels
from limbeck.report.topics.speed import costs
from limbeck.report.topics.speed.costs import MICRO, in_steps

told = prose("speed")


@dataclass(frozen=True)
class Payback:
    """What a student cost, and when that has come back; NaN where not known.

    Attributes:
        name: of the student with its seed; teacher: of its potential.
        n_atoms: of the system that steps are of.
        labels, training: seconds.
        step: of the student, seconds; one_view, all_views: of the teacher.
        views: of a label.
    """

    name: str
    teacher: str
    n_atoms: int
    labels: float
    training: float
    step: float
    one_view: float
    all_views: float
    views: int

    def steps(self, teacher_step: float) -> float:
        """Steps of dynamics after which labels and training have paid, against a teacher's step in
        seconds: infinite where the student is no faster, NaN where something is not known."""
        spent, gain = self.labels + self.training, teacher_step - self.step
        if not (isfinite(spent) and isfinite(gain)):
            return nan
        return spent / gain if gain > 0 else inf

    @property
    def unknown(self) -> str:
        """What is not known; "" where all is."""
        parts = {"labels": self.labels, "training": self.training, "a step": self.step}
        parts["a step of the teacher"] = self.one_view
        return ", ".join(name for name, value in parts.items() if not isfinite(value))


def paybacks(run: Run) -> dict[str, Payback]:
    """Student with its seed -> when it has paid for itself; none where costs were not measured."""
    found = run.once(costs.read)
    data = found[found["set"] == costs.DATA]
    if not len(data):
        return {}
    clock, n_atoms = data["clock"].iloc[0], int(data["n_atoms"].iloc[0])
    every = (_of_student(run, s, clock, n_atoms) for s in run.once(students_of))
    return {each.name: each for each in every}


def _of_student(run: Run, student: Student, clock: str, n_atoms: int) -> Payback:
    name = f"{student.title}/seed{student.seed}"
    teacher = run.config.labels[student.label_set].potential or ""
    views, evaluations = run.once(evaluated)[student.label_set]
    own, one, best = (
        costs.cost_of(run, model, which).value / MICRO
        for model, which in ((name, "one"), (teacher, "one"), (teacher, "best"))
    )
    minutes = student.training.cpu_minutes if clock == "cpu" else student.training.minutes
    return Payback(
        name=name,
        teacher=teacher,
        n_atoms=n_atoms,
        labels=evaluations * best,
        training=nan if minutes is None else 60 * minutes,
        step=n_atoms * own,
        one_view=n_atoms * one,
        # the views of a step are a batch
        all_views=n_atoms * (views * best if views > 1 else one),
        views=views,
    )


def evaluated(run: Run) -> dict[str, tuple[int, float]]:
    """Label set -> views of a label, and atoms evaluated for all of them; NaN of labels from files,
    whose cost nobody knows."""
    found = {}
    for name, parts in run.once(labels.read).items():
        atoms = sum(int(part.n_atoms[~np.isin(part.status, NOT_WANTED)].sum()) for part in parts)
        views = parts[0].attrs.get("views", "as_given")
        count = 1 if views == "as_given" else int(views)
        known = run.config.labels[name].potential
        calls = calls_of_a_label(parts[0].attrs)
        found[name] = (count, float(calls * atoms) if known else nan)
    return found


def payback_table(run: Run) -> Table | None:
    """All students: what was spent, and the steps after which it has come back."""
    found = list(run.once(paybacks).values())
    columns = cols.text(name="Student", teacher="Teacher")
    columns += cols.text(
        labels=("Labels", _time("labels")), training=("Training", _time("training"))
    )
    columns += cols.text(
        one_view=("Steps, against one view", lambda p: in_steps(p.steps(p.one_view))),
        all_views=("Steps, against all views of a label", _against_all),
    )
    n_atoms = found[0].n_atoms if found else 0
    return table("pay_back", told("payback", n_atoms=n_atoms), columns, found)


def _time(part: str) -> Callable[[Payback], str]:
    def shown(payback: Payback) -> str:
        seconds = getattr(payback, part)
        return spoken(seconds) if isfinite(seconds) else "unknown"

    return shown


def _against_all(payback: Payback) -> str:
    if payback.views == 1:
        return "the same"
    return f"{in_steps(payback.steps(payback.all_views))} ({payback.views} views)"


def line_of(run: Run, names: list[str]) -> str:
    """The line of a student on its card, of its first seed that was timed; "" where none was."""
    found = run.once(paybacks)
    for name in names:
        if name in found:
            p = found[name]
            steps = [in_steps(p.steps(each)) for each in (p.one_view, p.all_views)]
            values = {"one": steps[0], "all": steps[1], "views": p.views, "n_atoms": p.n_atoms}
            return told("payback_line", unknown=p.unknown, teacher=p.teacher, **values)
    return ""


def steps_of(run: Run, names: list[str]) -> Iterator[float]:
    """Steps against one view of the teacher, of those students for which they are known."""
    found = run.once(paybacks)
    steps = (found[name].steps(found[name].one_view) for name in names if name in found)
    return (each for each in steps if isfinite(each))
