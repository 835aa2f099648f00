"""The three questions, put to the teachers and students of a run."""

from typing import Any

from limbeck.report.collect import Run, Student
from limbeck.report.words import (
    NOT_MEASURED,
    Answer,
    accuracy,
    averaging,
    closing,
    from_the_reference,
)
from limbeck.warrant.statistics import Estimate, estimate_of, over_seeds


def averaging_of(run: Run) -> list[Answer]:
    """One answer for each teacher but the reference itself."""
    measured = [averaging(t.name, t.errors) for t in run.compared]
    if measured:
        return measured
    reference = run.settings["warrant"]["reference"]
    return [
        _not_asked(
            f"No teacher but the reference itself, {reference}." if reference else _NO_REFERENCE
        )
    ]


_NO_REFERENCE = "No errors were asked for (warrant.reference)."


def accuracy_of(run: Run) -> list[Answer]:
    """One answer for each student, over its seeds."""
    reference = run.settings["warrant"]["reference"]
    found = []
    for title, members in _by_title(run).items():
        test = [s.metrics for s in members]
        if members[0].label_set == reference:
            own = over_seeds([_mae(t["against"]["labels"]) for t in test])
            found.append(from_the_reference(title, own))
            continue
        found.append(
            accuracy(
                title,
                over_seeds([_mae(t.get("teacher_against_reference")) for t in test]),
                over_seeds([_mae(t["against"].get("reference")) for t in test]),
                over_seeds([s.loss for s in members]),
                reference,
            )
        )
    return found or [_not_asked("No student was asked for (distill).")]


def closing_of(run: Run) -> list[Answer]:
    """One answer for each student, over its seeds, from the first symmetry measured."""
    symmetries = run.settings["warrant"]["symmetries"]
    if not symmetries:
        return [_not_asked("No gap was asked for (warrant.symmetries).")]
    symmetry, teachers = symmetries[0], {t.name: t for t in run.teachers}
    found = []
    for title, members in _by_title(run).items():
        potential = run.settings["labels"][members[0].label_set]["potential"]
        before = teachers[potential].gaps if potential in teachers else {}
        found.append(
            closing(title, _gap(before, symmetry), _gap(members[0].gaps, symmetry), symmetry)
        )
    return found or [_not_asked("No student was asked for (distill).")]


def _not_asked(text: str) -> Answer:
    return Answer("", NOT_MEASURED, text)


def _by_title(run: Run) -> dict[str, list[Student]]:
    titles = dict.fromkeys(s.title for s in run.students)
    return {t: [s for s in run.students if s.title == t] for t in titles}


def _mae(entry: dict[str, Any] | None) -> Estimate:
    return estimate_of((entry or {}).get("forces"))


def _gap(gaps: dict[str, dict[str, Any]], symmetry: str) -> Estimate:
    return estimate_of((gaps.get(symmetry) or {}).get("forces"))
