"""Errors of charges, dipoles and electrostatic potentials on frames, with intervals over groups."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from ase.data.vdw import vdw_radii
from ase.units import Debye

from limbeck.charges.floor import errors, references
from limbeck.charges.loss import label_of
from limbeck.charges.sites import KCAL
from limbeck.charges.student import ChargesPotential
from limbeck.datasets.split import Dataset
from limbeck.frames import Frames
from limbeck.labels import Labels, select_labels
from limbeck.properties import Predictions, Values
from limbeck.warrant.measure import Sums, take
from limbeck.warrant.on_frames import Part, counts, mean_absolute, per_frame, root_mean_square
from limbeck.warrant.statistics import Estimate, entry_of

#: quantity -> unit of its figure, and from the unit of the labels to it
SHOWN = {"charges": ("e", 1.0), "dipole": ("D", 1 / Debye), "esp": ("kcal/mol/e", KCAL)}
#: what is added to the name of a quantity, for its squares and for how many numbers these are
SQUARE, NUMBER = "_square", "_number"
#: between two shells, in van der Waals radii
SHELL = 0.2
DIGITS = 5  # of what is drawn


def sums_of(answers: Predictions, labels: Predictions, frames: Frames) -> Sums:
    """Of charges and components of dipoles the absolute errors, and of ESPs the squares of errors,
    summed over each frame; and squares of the labels, and how many numbers have both. [B] each.

    Frames without a label of a property have none of its numbers.
    """
    sums: Sums = {}
    for name, (own, target) in _both(answers.values, labels.values).items():
        there = np.isfinite(own) & np.isfinite(target)
        wrong = np.where(there, own - target, 0.0)
        cost = wrong**2 if name == "esp" else np.abs(wrong)
        parts = {"": cost, SQUARE: np.where(there, target, 0.0) ** 2, NUMBER: there}
        for ending, value in parts.items():
            sums[name + ending] = _of_frames(name, value, frames)
    return sums


def _both(own: Values, target: Values) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Answer and label of each quantity that both have."""
    names = {"charges": label_of("monopole", target), "dipole": "dipole", "esp": "esp"}
    return {
        name: (own[name], target[label])
        for name, label in names.items()
        if label in target and name in own and own[name].shape == target[label].shape
    }


def _of_frames(name: str, values: np.ndarray, frames: Frames) -> np.ndarray:
    if name == "dipole":
        return values.sum(axis=1).astype(float)
    return per_frame(values[:, None], frames, "point" if name == "esp" else "atom")


def figures_of(sums: Sums, frames: Frames) -> Part:
    """Mean absolute errors of charges (e) and of components of dipoles (D), and the root mean
    square error of ESPs (kcal/mol/e), each with the root mean square ``size`` of the labels.

    Args:
        sums: of :func:`sums_of`, [S,B].
    """
    found: Part = {}
    for name, (unit, factor) in SHOWN.items():
        if name not in sums or not sums[name + NUMBER].any():
            continue
        used = np.asarray((sums[name + NUMBER] > 0).all(axis=0))
        part, kept = take(sums, used), frames.select(used)
        number = part[name + NUMBER][0]
        figure = root_mean_square if name == "esp" else mean_absolute
        found[name] = figure(part[name], number, kept, unit, factor)
        rms = factor * float(np.sqrt(part[name + SQUARE][0].sum() / number.sum()))
        found[name]["size"] = entry_of(Estimate(rms), unit)
    return found


def by_element(answers: Predictions, labels: Predictions, frames: Frames) -> dict[str, Part]:
    """Mean absolute errors of charges (e) of each element's atoms; none where there are none."""
    both = _both(answers.values, labels.values)
    if "charges" not in both:
        return {}
    wrong = np.abs(both["charges"][0] - both["charges"][1])
    return dict(_by(np.array(chemical_symbols)[frames.numbers], wrong, frames))


def _by(names: np.ndarray, values: np.ndarray, frames: Frames) -> Iterator[tuple[str, Part]]:
    """A figure of each name that stands beside some values [N]."""
    unit, factor = SHOWN["charges"]
    for name in np.unique(names).tolist():
        here = (names == name) & np.isfinite(values)
        number = _of_frames("charges", here, frames)
        has = number > 0
        if has.any():
            part = frames.select(has)
            total = _of_frames("charges", np.where(here, values, 0.0), frames)[has]
            figure = mean_absolute(total[None], number[has], part, unit, factor)
            yield name, {**counts(part), "n_atoms": int(number.sum()), "charges": figure}


def beside_the_floor(answers: Predictions, labels: Labels, frames: Frames) -> dict[str, Any] | None:
    """Errors of the student's ESP beside the best that charges at atoms, and their multipoles, can
    do, as :func:`limbeck.charges.floor.errors` has them; None where either has no ESP.

    Args:
        frames: B frames, with the points of the labels around them.
    """
    both = _both(answers.values, labels.values)
    if "esp" not in both:
        return None
    own, target = both["esp"]
    good = np.isfinite(own) & np.isfinite(target)
    bad = np.bincount(frames.frame_of_point[~good], minlength=len(frames))
    used = np.flatnonzero((frames.n_points > 0) & (bad == 0))
    if not len(used):
        return None
    rows, kept = frames.rows(used).point, frames.select(used)
    made = references(kept, select_labels(labels, used)) | {"student": own[rows]}
    return errors(kept, target[rows], made)


def drawn(student: ChargesPotential, tests: Iterable[Dataset]) -> dict[str, Any] | None:
    """One molecule to be drawn: its ESP on the innermost shell of its points, by the labels and by
    the student, and the point charges that make the latter. None where no test has an ESP.

    The largest molecule of the tests, and of these the one of the lowest id.

    Returns:
        ``id``, ``numbers``, ``positions`` (A); ``points`` (A), ``labels`` and ``student`` (V);
        ``charges`` (e) and ``places`` (A) by atom.
    """
    found = [(data, b) for data in tests for b in np.flatnonzero(data.frames.n_points).tolist()]
    found = [(d, b) for d, b in found if not student.unknown_elements(d.frames.select([b])).any()]
    if not found:
        return None
    data, b = min(found, key=lambda one: (-one[0].frames.n_atoms[one[1]], one[0].frames.id[one[1]]))
    frame, rows = data.frames.select([b]), data.frames.points_of(b)
    labels = data.labels.values["esp"][rows]
    away = np.linalg.norm(frame.points[:, None] - frame.positions, axis=2)
    ratio = (away / np.nan_to_num(vdw_radii[frame.numbers], nan=1.0)).min(axis=1)
    inner = ratio < ratio.min() + SHELL / 2
    charges, places = student.sites(frame)
    numbers = {
        "positions": frame.positions,
        "points": frame.points[inner],
        "labels": labels[inner],
        "student": student.predict(frame).values["esp"][inner],
        "charges": charges,
        "places": places,
    }
    of = {"id": frame.id[0].decode(), "numbers": frame.numbers.tolist()}
    return of | {name: values.round(DIGITS).tolist() for name, values in numbers.items()}
