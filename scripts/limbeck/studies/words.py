"""What a study found, in plain sentences, for a reader who knows its field and nothing of ours."""

from collections.abc import Mapping
from typing import Any

from limbeck.studies.judge import AVERAGED, GIVEN, MEAN, OWN, RANDOM, WORDS
from limbeck.warrant.statistics import Estimate, estimate_of

#: arms in words
ARMS = {
    "constant": "The mean of the training answers",
    "teacher": "Teacher",
    "teacher/canonical": "Teacher, asked in the canonical form",
    "canonical": "Teacher's net, trained and asked in the canonical form",
    "augmented": "Teacher's net, trained in random views (augmentation)",
    "reference": "Net with the symmetry built in",
    "simple": "Simple rival: what a field predicts by where it has no net",
    "student/own/given": "Student of the teacher's own label, inputs as given",
    "student/own/views": "Student of the teacher's own label, inputs in random views",
    "student/averaged/given": "Student of averaged labels, inputs as given",
    "student/averaged/views": "Student of averaged labels, inputs in random views",
    "student/truth/given": "Student of the truth, inputs as given",
    "student/truth/views": "Student of the truth, inputs in random views (augmentation alone)",
    "student/each": "Student of each view's own label, at the cost of averaging",
    "student/more": "Student of more inputs with one label each, at about the cost of averaging",
}

_Entry = Mapping[str, Any]


def sentences(results: _Entry) -> list[str]:
    """The sentences, from ``results.json``."""
    return [
        _question(results),
        *_pilot(results),
        _share(results),
        *([] if results["words"] == ["void"] else [_teacher(results), *_students(results)]),
        *_scores(results),
        _verdict(results),
        *map(_published, results["published"]),
    ]


def _scores(found: _Entry) -> list[str]:
    """The field's own figure, means over seeds."""
    if not found.get("scores"):
        return []
    mean = {
        (arm, how): sum(values) / len(values)
        for arm, by in found["scores"].items()
        for how, values in by.items()
    }
    text = (
        f"{found['score_name']}: {mean['teacher', RANDOM]:.3f} of the teacher in a random view, "
        f"{mean['teacher', MEAN]:.3f} of its mean over views; {mean['reference', RANDOM]:.3f} of "
        f"the net with the symmetry built in"
    )
    simple = f"; {mean['simple', RANDOM]:.3f} of {found['simple']} alone" if found["simple"] else ""
    return [f"{text}{simple}."]


def percent(value: Estimate) -> str:
    """A share or a difference of errors in percent, with its interval."""
    return value.times(100).text("%")


def _question(found: _Entry) -> str:
    return (
        f"The question: {found['about']}. The same {found['noun']} can be presented in other ways "
        f"({found['symmetry']}), and the right answer is the same, or changes in a known way. "
        f"Tested on {_counted(found)} that no net has seen, in {_views(found)}, with "
        f"{_seeds(found)}. Errors are mean square errors in percent of the constant's, which "
        "answers the mean of the training answers to everything."
    )


def _counted(found: _Entry) -> str:
    text = f"{found['n_inputs']:,} {found['noun']}"
    if found["n_independent"] == found["n_inputs"]:
        return text
    return f"{text} of {found['n_independent']:,} {found['independent']}"


def _views(found: _Entry) -> str:
    n, whole = found["n_test_views"], found["whole_group"]
    return f"all {n} views of each" if whole else f"{n} random views of each"


def _seeds(found: _Entry) -> str:
    n = found["n_seeds"]
    if n == 1:
        return f"one seed: intervals say nothing of other trainings, only of other {found['noun']}"
    return f"{n} seeds; intervals are over {found['independent']} and seeds"


def _pilot(found: _Entry) -> list[str]:
    if not found["pilot"]:
        return []
    taken = [t["values"] for t in found["pilot"] if t["taken"]]
    which = f"took {taken[0]}" if taken else "none was within the bounds, so that nothing changed"
    tried = "; ".join(
        f"{t['values']}: error {t['error_of_constant']:.3g}, share {t['share']:.3g}"
        for t in found["pilot"]
    )
    return [f"A pilot on other {found['noun']} looked at the teacher alone and {which} ({tried})."]


def _share(found: _Entry) -> str:
    share = estimate_of(found["share"])
    return (
        f"The share: {percent(share)} of the teacher's mean square error in a random view changes "
        "with the view. It is all that averaging over views can win."
    )


def _teacher(found: _Entry) -> str:
    teacher = found["arms"]["teacher"]
    given, random, mean = (percent(estimate_of(teacher[m])) for m in (GIVEN, RANDOM, MEAN))
    text = f"The teacher's error: {given} as given, {random} in a random view, {mean} averaged"
    rivals = (
        ("augmented", "its net trained in random views"),
        ("canonical", "its net in the canonical form"),
        ("reference", "a net with the symmetry built in"),
    )
    for arm, name in rivals:
        if arm in found["arms"]:
            text += f"; {name} has {percent(estimate_of(found['arms'][arm][RANDOM]))}"
    return f"{text}."


def _students(found: _Entry) -> list[str]:
    own, averaged, truth = (
        percent(estimate_of(found["arms"][arm][RANDOM]))
        for arm in (OWN, AVERAGED, "student/truth/views")
    )
    differences = {(d["arm"], d["less"]): estimate_of(d) for d in found["differences"]}
    less = percent(differences[AVERAGED, OWN])
    calls = found["arms"][AVERAGED]["teacher_calls"]
    return [
        f"Students in random views: {own} of the teacher's own labels, {averaged} of averaged ones "
        f"({calls:,} calls of the teacher), a difference of {less}; {truth} of the truth itself."
    ]


def _verdict(found: _Entry) -> str:
    told = "; ".join(f"{word} ({WORDS[word]})" for word in found["words"])
    return f"Verdict: {told}."


def _published(entry: _Entry) -> str:
    return (
        f"Published: {entry['what']}, {entry['value']:g} {entry['unit']} ({entry['source']}). "
        f"What differs here: {entry['differs']}."
    )
