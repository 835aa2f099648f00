"""At an equal number of teacher calls, which labels make the better student?

An arm is a label set: the same number of calls, spent on more frames or on more views of each. Its
students are compared with those of other arms on the same test frames, against a reference that no
student saw; differences are paired by group.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.labels import Labels
from limbeck.properties import Predictions
from limbeck.warrant.correlation import rank_correlation
from limbeck.warrant.measure import Sums, take
from limbeck.warrant.on_frames import (
    MEV,
    Part,
    counts,
    drawn_together,
    errors_of,
    in_all_and_by_source,
    per_frame,
    root_mean_square,
)
from limbeck.warrant.statistics import entry_of, spread
from limbeck.warrant.tidy import SIZES, Row, rows

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

#: purpose of the views' random numbers; labels and gaps have others
STUDY_VIEWS = "study"
TEACHER, CONSTANT = "teacher", "constant"
#: how a student is asked: the frames as given, or in random views
_ASKED = ("as_given", "random")


class Model(NamedTuple):
    """Who answers: a student by its name, the teacher or the constant, of one arm."""

    label_set: str
    name: str


@dataclass(frozen=True)
class Arm:
    """One way to spend the calls.

    Attributes:
        views: in words. n_views: calls for each frame.
        frames: part of the split -> frames with a label.
    """

    label_set: str
    views: str
    n_views: int
    frames: dict[str, int]


Found = dict[Model, Sums]  # [S,B] each


def absolute_errors(answers: Labels | Predictions, reference: Labels, frames: Frames) -> Sums:
    """Of the frames as they are given, summed over the components of each frame. [B]"""
    return {
        "as_given/energy": np.abs(answers.energy - reference.energy) / frames.n_atoms,
        "as_given/forces": per_frame(np.abs(answers.forces - reference.forces), frames),
    }


def student_sums(student: "Potential[Any]", test: Dataset, views: int) -> Sums:
    """Errors of a student as the frames are given and in random views, and its gap. [B] each.

    ``random``: the errors, not the answers, of the views are averaged. NaN for frames with an
    element that the student does not know.
    """
    from limbeck.averaging.orbit import orbit
    from limbeck.students.evaluation import answer
    from limbeck.symmetry.rotation import Rotation

    frames, reference = test.frames, test.labels
    known = np.flatnonzero(~student.unknown_elements(frames))
    part = test.select(known)
    seen = orbit(student, part.frames, Rotation(), views, STUDY_VIEWS)
    energy = np.abs(seen.energy - part.labels.energy).mean(axis=0) / part.frames.n_atoms
    forces = np.abs(seen.forces - part.labels.forces).mean(axis=0)
    found = {
        "random/energy": energy,
        "random/forces": per_frame(forces, part.frames),
        "gap/forces": per_frame(spread(seen.forces), part.frames),
    }
    result = absolute_errors(answer(student, frames), reference, frames)
    for name, values in found.items():
        result[name] = np.full(len(frames), np.nan)
        result[name][known] = values
    return result


def answered(found: Found) -> np.ndarray:
    """bool [B]: all models of all arms have an answer, so that all are compared on the same frames.

    Raises:
        LimbeckError: there is no such frame.
    """
    finite = [np.isfinite(v).all(axis=0) for sums in found.values() for v in sums.values()]
    result: np.ndarray = np.all(finite, axis=0)
    if not result.any():
        raise LimbeckError(
            f"study: none of {len(result)} test frames has an answer of every student and a label "
            "of the teacher; look for an arm with few frames, whose students know few elements"
        )
    return result


def results(
    arms: Sequence[Arm], found: Found, frames: Frames, comparisons: Iterable[tuple[Model, Model]]
) -> dict[str, Any]:
    """What stands in ``studies/expectation/results.json``, but for the spread.

    Args:
        found: sums over the test frames, of which only those are used that all have answered.
        frames: B test frames.
        comparisons: pairs of models; figures are of the first less the second.
    """
    used, pairs = answered(found), list(comparisons)
    flat = {f"{'/'.join(m)}/{name}": v for m, sums in found.items() for name, v in sums.items()}

    def figures(sums: Sums, part: Frames) -> Part:
        of_models = {m: {n: sums[f"{'/'.join(m)}/{n}"] for n in found[m]} for m in found}
        return {
            "arms": [_arm(arm, of_models, part) for arm in arms],
            "differences": [_difference(of_models, a, b, part) for a, b in pairs],
        }

    return {
        "n_left_out": int((~used).sum()),
        **in_all_and_by_source(take(flat, used), frames.select(used), figures),
    }


def _arm(arm: Arm, found: Found, frames: Frames) -> dict[str, Any]:
    models = {m.name: sums for m, sums in found.items() if m.label_set == arm.label_set}
    students = {n: _student(s, frames) for n, s in models.items() if n not in (TEACHER, CONSTANT)}
    return {
        "label_set": arm.label_set,
        "views": arm.views,
        "n_views": arm.n_views,
        "frames": arm.frames,
        "teacher_calls": {part: n * arm.n_views for part, n in arm.frames.items()},
        TEACHER: _errors(models[TEACHER], "as_given", frames),
        CONSTANT: _errors(models[CONSTANT], "as_given", frames),
        "students": students,
    }


def _student(sums: Sums, frames: Frames) -> dict[str, Any]:
    components = 3 * frames.n_atoms
    return {
        **{kind: _errors(sums, kind, frames) for kind in _ASKED},
        "gap": root_mean_square(sums["gap/forces"], components, frames, "meV/A", MEV),
    }


def _difference(found: Found, model: Model, against: Model, frames: Frames) -> dict[str, Any]:
    first, second = found[model], found[against]
    less = {name: first[name] - second[name] for name in first if not name.startswith("gap")}
    return {
        **model._asdict(),
        "against": against._asdict(),
        **{kind: _errors(less, kind, frames, signed=True) for kind in _ASKED},
    }


def _errors(sums: Sums, kind: str, frames: Frames, **signed: bool) -> Part:
    """Mean absolute errors, or differences of them, with intervals over groups."""
    return errors_of(sums[f"{kind}/energy"], sums[f"{kind}/forces"], frames, **signed)


def study_rows(study: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of ``studies/expectation/results.json``: of models, differences and correlations."""
    for source, part in {"": study, **study["by_source"]}.items():
        counts_of = {key: part[key] for key in SIZES}
        for kind, subject, figures in _subjects(part):
            names = {"subject": subject, "kind": kind, "set": "test"}
            seeds = study["seeds"].get(subject.partition(" less ")[0], [])
            found = {"by_source": {source: figures | counts_of}}
            yield from rows(found, _names, seeds=seeds, **names)
    for label_set, part in study["spread"].items():
        yield from rows(part, _names_of_spread, subject=label_set, kind="labels", set="test")


def _subjects(part: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Kind, name and figures of everything that a study compares."""
    for arm in part["arms"]:
        name = arm["label_set"]
        yield "labels", name, {"as_given": arm[TEACHER]}
        yield "constant", f"{name}/{CONSTANT}", {"as_given": arm[CONSTANT]}
        for student, figures in arm["students"].items():
            yield "student", f"{name}/{student}", figures
    for difference in part["differences"]:
        yield "difference", difference_name(difference), {k: difference[k] for k in _ASKED}


def difference_name(difference: Mapping[str, Any]) -> str:
    """Which is less which."""
    pair = (difference, difference["against"])
    return " less ".join(f"{model['label_set']}/{model['name']}" for model in pair)


def _names(kind: str, quantity: str = "forces") -> tuple[str, str]:
    return quantity, "rotation_gap_rms" if kind == "gap" else f"mae_{kind}"


def _names_of_spread(of: str, by: str) -> tuple[str, str]:
    """Of the error with the label's spread, or with its size; over atoms or frames."""
    return "forces", f"rank_correlation_with_{by}_over_{of}"


def spread_predicts(labels: Labels, reference: Labels, frames: Frames) -> dict[str, Any] | None:
    """Rank correlation of the spread over views with the label's error against the reference.

    Of atoms: their ``forces_spread`` and the length of their force error. Of frames: the root mean
    squares of both. ``force_size`` is the control: the length of the label itself in place of the
    spread, since large forces have large errors whatever the views say.

    Returns:
        None where the labels have no spread.
    """
    good = np.isfinite(labels.energy) & np.isfinite(per_frame(labels.forces, frames))
    if not np.isfinite(labels.forces_spread[good[frames.frame_of_atom]]).any():
        return None
    values = {
        "error": ((labels.forces - reference.forces) ** 2).sum(axis=1),
        "spread": labels.forces_spread**2,
        "force_size": (labels.forces**2).sum(axis=1),
    }
    return {
        **counts(frames.select(good)),
        **_correlations(values, frames),
        "by_source": {
            name.decode(): _of_source(name, values, frames) for name in np.unique(frames.source)
        },
    }


def _of_source(name: bytes, values: Sums, frames: Frames) -> dict[str, Any]:
    mask = frames.source == name
    part = frames.select(mask)
    of_atoms = {k: v[mask[frames.frame_of_atom]] for k, v in values.items()}
    return counts(part) | _correlations(of_atoms, part)


def _correlations(values: Sums, frames: Frames) -> dict[str, Any]:
    """Ranks do not change with a root, so squares do as well as lengths."""
    means = {k: np.bincount(frames.frame_of_atom, v) / frames.n_atoms for k, v in values.items()}
    together = drawn_together(frames)
    of = {"atoms": (values, together[frames.frame_of_atom]), "frames": (means, together)}
    result: dict[str, Any] = {}
    for name, (table, clusters) in of.items():
        result[name] = {
            by: _correlation(table[by], table["error"], clusters) for by in ("spread", "force_size")
        }
    return result


def _correlation(x: np.ndarray, y: np.ndarray, clusters: np.ndarray) -> dict[str, Any]:
    return entry_of(rank_correlation(x, y, clusters), "")
