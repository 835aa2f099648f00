"""The answer in words, computed from numbers with intervals.

Three questions are answered. A verdict follows the sign of an interval and nothing else: where
it includes zero, the answer is "cannot tell", however good the number in its middle looks.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from limbeck.warrant.statistics import Estimate, estimate_of

#: Forces of float32 models repeat to a few hundredths of this under rotation (CHGNet: 0.03), so
#: that a gap below it is rounding. meV/Angstrom.
ROUNDING = 0.1


YES, PARTLY, NO = "yes", "partly", "no"
CANNOT_TELL, NO_GAP, NOT_MEASURED = "cannot tell", "no gap", "not measured"


@dataclass(frozen=True)
class Answer:
    """What one potential or student has to say to one question.

    Attributes:
        subject: of whom it speaks.
        verdict: one of the constants of this module.
        text: one or two sentences with the numbers.
    """

    subject: str
    verdict: str
    text: str


def averaging(potential: str, errors: dict[str, Any]) -> Answer:
    """Did averaging over views make the labels better? From ``errors`` of a warrant file.

    The gain is the force error of one random view less that of the mean of 24, paired by root.
    """
    gain, reference = _mae(errors, "gain"), errors.get("reference")
    if not gain.known:
        return Answer(
            potential, NOT_MEASURED, "No labels of a reference to measure errors against."
        )
    own, one, mean = (_mae(errors, k) for k in ("as_given", "random", "averaged"))
    if max(abs(gain.low), abs(gain.high)) < ROUNDING:
        text = "Its answers do not depend on the view beyond rounding: there is nothing to average."
        return Answer(potential, NO_GAP, f"{text} Error against {reference}: {mean.text(_UNIT)}.")
    size = gain.text(_UNIT) + (f", {gain.value / one.value:.0%}" if one.value else "")
    lead = {
        1: f"A mean of 24 views lowers the force error of one view by {size}.",
        0: f"A mean of 24 views lowers the force error of one view by {size}: {_why(gain)}.",
        -1: f"A mean of 24 views raises the force error of one view: a gain of {size}.",
    }[gain.sign]
    as_given = own.less(mean)
    rest = {
        1: " The mean is also better than the answer for the frames as given.",
        0: " From the answer for the frames as given, the mean cannot be told apart.",
        -1: " But the answer for the frames as given is better still: the teacher knows their "
        "orientation better than others, and a test in it flatters.",
    }[as_given.sign]
    numbers = (
        f"Error against {reference}: frames as given {own.text(_UNIT)}, one random view "
        f"{one.text(_UNIT)}, mean of 24 views {mean.text(_UNIT)}."
    )
    worse_than_given = gain.sign > 0 and as_given.sign < 0
    verdict = PARTLY if worse_than_given else _VERDICT[gain.sign]
    return Answer(potential, verdict, f"{lead}{rest if gain.sign > 0 else ''} {numbers}")


def accuracy(
    student: str, labels: Estimate, own: Estimate, loss: Estimate, reference: str | None
) -> Answer:
    """Did the student keep the accuracy of its labels?

    Args:
        labels: force error of the labels against the reference, meV/Angstrom.
        own: that of the student.
        loss: the student's less the labels', paired by root.
        reference: name of the label set both are measured against.
    """
    if reference is None:
        return Answer(student, NOT_MEASURED, "No labels of a reference to measure both against.")
    if not loss.known:
        text = f"No test frame has a good label of {reference}, or the answers are not finite."
        return Answer(student, NOT_MEASURED, text)
    share = f", {abs(loss.value) / labels.value:.0%} of theirs" if labels.value > ROUNDING else ""
    lead = {
        -1: f"The student is nearer to {reference} than its labels are, by "
        f"{(-loss).text(_UNIT)}{share}.",
        0: f"The student's force error differs from its labels' by {loss.text(_UNIT)}{share}: "
        f"{_why(loss)}.",
        1: f"The student's force error is larger than its labels' by {loss.text(_UNIT)}{share}.",
    }[loss.sign]
    rest = f"Against {reference}: labels {labels.text(_UNIT)}, student {own.text(_UNIT)}."
    return Answer(student, _VERDICT[-loss.sign], f"{lead} {rest}")


def from_the_reference(student: str, own: Estimate) -> Answer:
    """A student whose labels are the reference itself: it can only lose, so its error is told."""
    text = f"Its labels are the reference here; it differs from them by {own.text(_UNIT)}."
    return Answer(student, NOT_MEASURED, text)


def closing(student: str, teacher: Estimate, own: Estimate, symmetry: str) -> Answer:
    """Did the warrant gap close? From the force gaps of teacher and student, meV/Angstrom."""
    if not (teacher.known and own.known):
        return Answer(student, NOT_MEASURED, f"The {symmetry} gap of both was not measured.")
    numbers = (
        f"{symmetry.capitalize()} gap of the forces: teacher {teacher.text(_UNIT)}, "
        f"student {own.text(_UNIT)}."
    )
    if max(teacher.value, own.value) < ROUNDING:
        return Answer(student, NO_GAP, f"Neither has a gap beyond rounding. {numbers}")
    change = teacher.less(own)
    if change.sign > 0 and own.value < ROUNDING:
        return Answer(student, YES, f"Closed: what is left of it is rounding. {numbers}")
    lead = {
        1: f"Narrowed, not closed: {own.value / teacher.value:.0%} of the teacher's gap is left.",
        0: f"Teacher's less student's gap is {change.text(_UNIT)}: {_why(change)}.",
        -1: "The student's gap is larger than its teacher's.",
    }[change.sign]
    verdict = PARTLY if change.sign > 0 else _VERDICT[change.sign]
    return Answer(student, verdict, f"{lead} {numbers}")


def caution(potential: str, model: str) -> str | None:
    """What has to be said beside the numbers of a potential, if anything."""
    if model != "orb":
        return None
    return (
        f"{potential} is a small Orb with weights of its own, not orb-v2. It shows that the "
        "method works; the size of its gap and of its errors tells nothing about those of orb-v2."
    )


_UNIT = "meV/Å"
_VERDICT = {1: YES, 0: CANNOT_TELL, -1: NO}


def _why(value: Estimate) -> str:
    """Why a sign cannot be told."""
    if isfinite(value.low) and isfinite(value.high):
        return "an interval that includes zero"
    return "too few roots for an interval"


def _mae(errors: dict[str, Any], kind: str) -> Estimate:
    return estimate_of((errors.get(kind) or {}).get("forces"))
