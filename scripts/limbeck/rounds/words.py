"""What rounds were worth, in sentences."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from limbeck.warrant.statistics import estimate_of


class Frames(NamedTuple):
    """What the frames of a set are, in a sentence and above a column."""

    sentence: str
    heading: str


#: frames of the dynamics of all rounds, on which all are tested alike, and of a round's own
ALL_DYNAMICS, OWN_DYNAMICS = "all_dynamics", "own_dynamics"
SETS = {
    "test_known": Frames("test frames of known chemistry", "Known chemistry"),
    "test_new": Frames("test frames of new chemistry", "New chemistry"),
    ALL_DYNAMICS: Frames("frames of the students' dynamics", "Dynamics of all rounds"),
    OWN_DYNAMICS: Frames("frames of its own dynamics", "Its own dynamics"),
}


def in_order(errors: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The errors of each set that there is, in the order of :data:`SETS`."""
    return ((name, errors[name]) for name in SETS if name in errors)


def title(each: Mapping[str, Any]) -> str:
    """A round for people."""
    frames = "random frames" if each["random"] else "chosen frames"
    return f"round {each['number']}" + (f", {frames}" if each["number"] > 1 else "")


def verdict(entry: Mapping[str, Any]) -> str:
    """Of a difference: better or worse where the whole interval is on that side of zero."""
    return {-1: "better", 1: "worse", 0: "inconclusive"}[estimate_of(entry).sign]


def answers(found: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each comparison, on the frames that there are."""
    titles = {each["round"]: title(each) for each in found["rounds"]}
    who = f"{found['student']} from {found['label_set']}"
    for each in found["differences"]:
        parts = [
            f"{verdict(errors['forces'])} on {SETS[name].sentence} "
            f"({estimate_of(errors['forces']).text('meV/Å')})"
            for name, errors in in_order(each["errors"])
        ]
        if parts:
            pair = f"{titles[each['round']]}, against {titles[each['less']]}"
            yield f"{who}, {pair}: forces are {'; '.join(parts)}."
