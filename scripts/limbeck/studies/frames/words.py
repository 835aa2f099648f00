"""What a study found, in plain sentences. A verdict follows intervals and seeds, and nothing else.

One arm is better than another where the whole interval of the difference lies on one side of
zero, and all seeds agree on the side: the interval knows of other groups, and not of other seeds.
"""

from collections.abc import Sequence
from typing import Any

from limbeck.warrant.statistics import estimate_of

_UNIT = "meV/Å"

_Entry = dict[str, Any]


def answers(results: _Entry) -> list[str]:
    """The sentences, from ``studies/expectation/results.json``."""
    students = dict.fromkeys(name for arm in results["arms"] for name in arm["students"])
    return [
        _setting(results),
        _labels(results),
        *(line for student in students for line in _student(results, student)),
        *_against_controls(results),
        *_against_constant(results),
        _spread(results),
    ]


def side(entry: _Entry) -> int:
    """-1 where a difference of force errors is surely negative, 1 where surely positive, else 0."""
    sign = estimate_of(entry["forces"]).sign
    agree = all(value * sign > 0 for value in entry["forces"].get("by_seed", []))
    return sign if agree else 0


def _setting(results: _Entry) -> str:
    arms = [
        f"{arm['label_set']} ({arm['views']}, {arm['frames']['train']:,} training frames)"
        for arm in results["arms"]
    ]
    calls = [sum(arm["teacher_calls"].values()) for arm in results["arms"]]
    return (
        f"Every arm spent {_range(calls)} calls of {' and '.join(results['teachers'])}: "
        f"{'; '.join(arms)}. Errors are against {results['reference']}, on {results['n_frames']:,} "
        f"test frames of {results['n_groups']:,} groups."
    )


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _labels(results: _Entry) -> str:
    errors = [f"{a['label_set']} {_mae(a['teacher'])}" for a in results["arms"]]
    return f"Force error of the labels themselves: {', '.join(errors)}."


def _student(results: _Entry, student: str) -> list[str]:
    """Two sentences for each baseline that the student's averaged arms were compared with."""
    lines = []
    for baseline in results["baselines"]:
        found = _compared(results, results, student, baseline)
        if found:
            parts = [
                f"{name}: {_verdict(_compared(results, part, student, baseline))}"
                for name, part in results["by_source"].items()
            ]
            lines.append(
                f"{student}: {_verdict(found)}. Force error less that with {baseline}: "
                f"{'; '.join(map(_told, found))}. By source, {', '.join(parts)}."
            )
    return lines


def _compared(results: _Entry, part: _Entry, student: str, baseline: str) -> list[_Entry]:
    """Differences of the student's averaged arms to the same student of a baseline."""
    averaged = {a["label_set"] for a in results["arms"] if a["n_views"] > 1}
    return [
        d
        for d in part["differences"]
        if d["name"] == student
        and d["label_set"] in averaged
        and d["against"] == {"label_set": baseline, "name": student}
    ]


def _verdict(differences: Sequence[_Entry]) -> str:
    sides = [side(d["as_given"]) for d in differences]
    return {
        (False, False): "cannot tell whether averaging pays",
        (True, False): "averaging pays",
        (False, True): "averaging loses",
        (True, True): "whether averaging pays depends on the views",
    }[-1 in sides, 1 in sides]


def _told(difference: _Entry) -> str:
    words = {-1: "smaller", 0: "not told apart", 1: "larger"}[side(difference["as_given"])]
    return f"{difference['label_set']} {words}, by {_mae(difference['as_given'])}"


def _against_controls(results: _Entry) -> list[str]:
    """Students beside one that saw its frames turned, or that counted all labels alike."""
    students, lines = results["students"], []
    for d in results["differences"]:
        own, control = students[d["name"]], students[d["against"]["name"]]
        if control["augment"] and not own["augment"]:
            what = "which saw its frames turned"
        elif own["spread_weight"] and not control["spread_weight"]:
            what = "which counts labels alike, whatever their spread"
        else:
            continue
        words = {-1: "better than", 0: "not told apart from", 1: "worse than"}
        lines.append(
            f"{_name(d)} is {words[side(d['as_given'])]} {_name(d['against'])}, {what}, on the "
            f"frames as given ({_mae(d['as_given'])}), and {words[side(d['random'])]} it in random "
            f"views ({_mae(d['random'])})."
        )
    return lines


def _against_constant(results: _Entry) -> list[str]:
    """Students that learned nothing that could be compared."""
    idle = [
        f"{arm['label_set']}/{name}"
        for arm in results["arms"]
        for name, student in arm["students"].items()
        if student["as_given"]["forces"]["value"] >= arm["constant"]["forces"]["value"]
    ]
    if not idle:
        return []
    return [f"No better than no forces at all, so that they tell little: {', '.join(idle)}."]


def _spread(results: _Entry) -> str:
    if not results["spread"]:
        return "Whether the spread predicts the label's error was not asked: no arm has a spread."
    parts = []
    for name, entry in results["spread"].items():
        spread, size = (estimate_of(entry["atoms"][k]) for k in ("spread", "force_size"))
        verdict = {1: "yes", 0: "cannot tell", -1: "no, the other way round"}[spread.sign]
        parts.append(
            f"{name}: {verdict}, rank correlation over atoms {spread.text()} "
            f"(of the size of the force itself {size.text()})"
        )
    return f"Does the spread predict the label's error? {'; '.join(parts)}."


def _name(model: _Entry) -> str:
    return f"{model['label_set']}/{model['name']}"


def _mae(entry: _Entry) -> str:
    return estimate_of(entry["forces"]).text(_UNIT)
