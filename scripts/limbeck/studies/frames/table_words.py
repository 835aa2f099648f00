"""What a study of frames by views found, in plain sentences. A verdict follows intervals alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from limbeck.studies.frames.table_results import forces_of
from limbeck.warrant.statistics import Estimate

_UNIT = "meV/Å"
#: what is said of errors that are surely smaller with averaging (-1), larger (1), or neither
_CALLS = {
    -1: "take fewer frames and average",
    0: "more frames and more views cannot be told apart",
    1: "take one view of each, and more frames",
}
#: a learning curve still falls where a doubling of the frames takes this share off the error
FALLS = 0.05
#: a student is as good as its labels up to so many times their error
AT_LABELS = 1.2
_FRAMES = {-1: "average", 0: "averaging gains nothing that this could tell", 1: "averaging loses"}


def answers(results: Mapping[str, Any]) -> list[str]:
    """The sentences, from ``studies/frames_by_views/results.json``."""
    return [
        _setting(results),
        *(_verdict(teacher) for teacher in results["teachers"] if len(results["views"]) > 1),
        *(_learning(teacher, results) for teacher in results["teachers"] if teacher["learning"]),
        *([_time(results)] if len(results["views"]) > 1 else []),
        *_against_constant(results),
    ]


def _setting(results: Mapping[str, Any]) -> str:
    student = results["student"]
    views = "view" if results["views"] == [1] else "views"
    return (
        f"{student['name']} ({student['steps']:,} steps, whatever the number of frames) learned "
        f"from {_listed(results['n_frames'])} frames in {_listed(results['views'])} random {views} "
        f"each, in {results['draws']} draws of frames, views and seeds. Force errors are against "
        f"{results['reference']}, on {results['n_test_frames']:,} test frames of "
        f"{results['n_groups']} groups that no student saw; intervals are over groups and draws."
    )


def _verdict(teacher: Mapping[str, Any]) -> str:
    """Of one teacher: what to do where calls are scarce, and where frames are."""
    labels = ", ".join(f"{error:.0f} in {views}" for views, error in _by_views(teacher["labels"]))
    return (
        f"{teacher['potential']} (gap {teacher['gap']:.0f} {_UNIT}; force error of its labels by "
        f"views: {labels}). Where calls are scarce: {_told(teacher, 'calls', _CALLS)}. "
        f"Where frames are scarce: {_told(teacher, 'frames', _FRAMES)}."
    )


def _told(teacher: Mapping[str, Any], equal: str, words: Mapping[int, str]) -> str:
    """The verdict with something equal, and by how much errors change on average."""
    if equal not in teacher["overall"]:
        return f"no two students of this study have equal {equal}"
    change = forces_of(teacher["overall"][equal])
    parts = [
        f"{pair['n_frames']:,} frames in {pair['views']} views less {pair['against']:,.0f} in one "
        f"{forces_of(pair).text()}"
        for pair in teacher["comparisons"]
        if pair["equal"] == equal
    ]
    return (
        f"{words[change.sign]} (at equal {equal}, averaging changes errors by "
        f"{change.times(100).text('%')}: {'; '.join(parts)} {_UNIT})"
    )


def _learning(teacher: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    """Of one teacher: what would make its students better, by the end of the learning curve."""
    end, numbers = teacher["learning"][-1], results["n_frames"]
    (last,) = (
        forces_of(cell)
        for cell in teacher["cells"]
        if (cell["n_frames"], cell["views"]) == (numbers[-1], end["views"])
    )
    change, labels = forces_of(end), dict(_by_views(teacher["labels"]))[end["views"]]
    return (
        f"{teacher['potential']}, labels of {end['views']} view{'s' * (end['views'] != 1)}: from "
        f"{numbers[-2]:,} to {numbers[-1]:,} frames each doubling changes errors by "
        f"{change.times(100).text('%')}, down to {last.text(_UNIT)}, where those of the labels are "
        f"{labels:.0f}. {_next(change, last, labels)}."
    )


def _next(change: Estimate, last: Estimate, labels: float) -> str:
    """What a learning curve asks for; see :data:`FALLS` and :data:`AT_LABELS`."""
    if change.sign < 0 and change.value <= -FALLS:
        return "What helps is more frames"
    if not change.bounded or change.low < -FALLS:
        return "Whether more frames help cannot be told: more draws or more test groups would"
    if last.value <= AT_LABELS * labels:
        return (
            "More frames help little, and students are as good as their labels: what helps is "
            "better labels, of more views or of another teacher"
        )
    return (
        "More frames help little, and students are worse than their labels: what helps is a larger "
        "network or more steps, unless the floor of a teacher whose forces are no gradient is in "
        "the way"
    )


def _by_views(values: Mapping[str, float]) -> list[tuple[int, float]]:
    """In the order of numbers: files of JSON have their keys in that of text."""
    return sorted((int(views), value) for views, value in values.items())


def _time(results: Mapping[str, Any]) -> str:
    """What views cost, and what comes of it at equal wall time."""
    cost = ", ".join(f"{k} views {v:.1f}" for k, v in _by_views(results["cost_of_views"])[1:])
    told = [
        f"{teacher['potential']} {forces_of(teacher['overall']['time']).times(100).text('%')}"
        for teacher in results["teachers"]
        if "time" in teacher["overall"]
    ]
    return (
        f"In wall time, in units of one view of {results['timed']}, many frames at once: {cost}. "
        f"At equal wall time averaging changes errors by: {'; '.join(told) or 'not compared'}."
    )


def _against_constant(results: Mapping[str, Any]) -> list[str]:
    """Students that learned nothing that could be compared."""
    idle = [
        f"{teacher['potential']}, {cell['n_frames']} frames, {cell['views']} views"
        for teacher in results["teachers"]
        for cell in teacher["cells"]
        if forces_of(cell).value >= teacher["constant"]["value"]
    ]
    told = f"No better than no forces at all, so that they tell little: {'; '.join(idle)}."
    return [told] if idle else []


def _listed(values: Sequence[int]) -> str:
    *rest, last = (f"{v:,}" for v in values)
    return f"{', '.join(rest)} and {last}" if rest else last
