"""At an equal number of teacher calls, which labels make the better student?

An arm is a label set: the same number of calls, spent on more frames or on more views of each. Its
students are compared with those of other arms on the same test frames, against a reference that no
student saw; differences are paired by root.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.labels import Labels
from limbeck.properties import Predictions
from limbeck.warrant.correlation import rank_correlation
from limbeck.warrant.measure import MEV, Sums, by_source, counts, figure, per_frame, take
from limbeck.warrant.statistics import Estimate, ratio, spread

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

#: purpose of the views' random numbers; labels and gaps have others
STUDY_VIEWS = "study"
TEACHER, CONSTANT = "teacher", "constant"


class Model(NamedTuple):
    """Who answers: a student by its name, the teacher or the constant, of one arm."""

    label_set: str
    name: str


@dataclass(frozen=True)
class Arm:
    """One way to spend the calls.

    Attributes:
        views: in words. n_views: calls for each frame.
        frames: "train", "valid", "test" -> frames with a label.
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
    kept, found = frames.select(used), _take(found, used)
    return {
        **counts(kept),
        "n_left_out": int((~used).sum()),
        **_tables(arms, found, kept, pairs),
        "by_source": {
            name: counts(part) | _tables(arms, _take(found, mask), part, pairs)
            for name, mask, part in by_source(kept)
        },
    }


def _take(found: Found, frames: np.ndarray) -> Found:
    return {model: take(sums, frames) for model, sums in found.items()}


def _tables(
    arms: Sequence[Arm], found: Found, frames: Frames, pairs: Sequence[tuple[Model, Model]]
) -> dict[str, Any]:
    return {
        "arms": [_arm(arm, found, frames) for arm in arms],
        "differences": [_difference(found, a, b, frames) for a, b in pairs],
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
    gap = ratio(sums["gap/forces"].mean(axis=0), 3 * frames.n_atoms, frames.root).root()
    by_seed = np.sqrt(sums["gap/forces"].sum(axis=1) / (3 * frames.n_atoms.sum()))
    return {
        "as_given": _errors(sums, "as_given", frames),
        "random": _errors(sums, "random", frames),
        "gap": figure(gap.times(MEV), MEV * by_seed, "rms_meV_per_A"),
    }


def _difference(found: Found, model: Model, against: Model, frames: Frames) -> dict[str, Any]:
    first, second = found[model], found[against]
    less = {name: first[name] - second[name] for name in first if not name.startswith("gap")}
    return {
        **model._asdict(),
        "against": against._asdict(),
        "as_given": _errors(less, "as_given", frames, signed=True),
        "random": _errors(less, "random", frames, signed=True),
    }


def _errors(sums: Sums, kind: str, frames: Frames, *, signed: bool = False) -> dict[str, Any]:
    """Mean absolute errors, or differences of them, with intervals over roots."""
    forces, energy = sums[f"{kind}/forces"], sums[f"{kind}/energy"]
    components, ones = 3 * frames.n_atoms, np.ones(len(frames))
    return _mean(forces, components, frames, "force_mae_meV_per_A", signed) | {
        "energy": _mean(energy, ones, frames, "mae_meV_per_atom", signed)
    }


def _mean(
    sums: np.ndarray, weights: np.ndarray, frames: Frames, key: str, signed: bool
) -> dict[str, Any]:
    pooled: Estimate = ratio(sums.mean(axis=0), weights, frames.root, signed=signed)
    return figure(pooled.times(MEV), MEV * sums.sum(axis=1) / weights.sum(), key)


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
            name: counts(part)
            | _correlations({k: v[mask[frames.frame_of_atom]] for k, v in values.items()}, part)
            for name, mask, part in by_source(frames)
        },
    }


def _correlations(values: Sums, frames: Frames) -> dict[str, Any]:
    """Ranks do not change with a root, so squares do as well as lengths."""
    means = {k: np.bincount(frames.frame_of_atom, v) / frames.n_atoms for k, v in values.items()}
    of = {"atoms": (values, frames.root[frames.frame_of_atom]), "frames": (means, frames.root)}
    result: dict[str, Any] = {}
    for name, (table, roots) in of.items():
        result[name] = {
            by: _correlation(table[by], table["error"], roots) for by in ("spread", "force_size")
        }
    return result


def _correlation(x: np.ndarray, y: np.ndarray, roots: np.ndarray) -> dict[str, Any]:
    found = rank_correlation(x, y, roots)
    return {"rank_correlation": found.value, "ci95": [found.low, found.high]}
