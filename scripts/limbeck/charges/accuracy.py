"""Errors of charges, dipoles and electrostatic potentials on frames, with intervals over groups."""

from collections.abc import Iterator

import numpy as np
from ase.data import chemical_symbols
from ase.data.vdw import vdw_radii
from ase.units import Debye

from limbeck.charges.loss import label_of
from limbeck.charges.sites import KCAL
from limbeck.frames import Frames
from limbeck.properties import Predictions, Values
from limbeck.warrant.measure import Sums, take
from limbeck.warrant.on_frames import Part, counts, mean_absolute, per_frame, root_mean_square
from limbeck.warrant.statistics import Estimate, entry_of

#: quantity -> unit of its figure, and from the unit of the labels to it
SHOWN = {"charges": ("e", 1.0), "dipole": ("D", 1 / Debye), "esp": ("kcal/mol/e", KCAL)}
#: what is added to the name of a quantity, for its squares and for how many numbers these are
SQUARE, NUMBER = "_square", "_number"
#: shells of points are told apart by so much of a van der Waals radius
SHELL = 0.2


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


def breakdown(answers: Predictions, labels: Predictions, frames: Frames) -> dict[str, Part]:
    """Errors of charges by element, and of ESPs by the element that a point is nearest to and by
    its shell; nearest in units of van der Waals radii."""
    both = _both(answers.values, labels.values)
    found: dict[str, Part] = {}
    if "charges" in both:
        wrong = np.abs(both["charges"][0] - both["charges"][1])
        found["charges"] = dict(_by(chemical(frames.numbers), wrong, frames, "charges"))
    if "esp" in both and len(frames.points):
        squares = (both["esp"][0] - both["esp"][1]) ** 2
        element, shell = nearest(frames)
        found["esp"] = dict(_by(chemical(element), squares, frames, "esp"))
        found["shell"] = dict(_by(np.char.mod("%.1f", shell), squares, frames, "esp"))
    return found


def _by(
    names: np.ndarray, values: np.ndarray, frames: Frames, quantity: str
) -> Iterator[tuple[str, Part]]:
    """A figure of each name that stands beside some rows of ``values``."""
    unit, factor = SHOWN[quantity]
    figure = root_mean_square if quantity == "esp" else mean_absolute
    for name in np.unique(names).tolist():
        here = (names == name) & np.isfinite(values)
        number = _of_frames(quantity, here, frames)
        has = number > 0
        if has.any():
            part = frames.select(has)
            total = _of_frames(quantity, np.where(here, values, 0.0), frames)[has]
            yield (
                name,
                {
                    **counts(part),
                    "number": int(number.sum()),
                    quantity: figure(total[None], number[has], part, unit, factor),
                },
            )


def chemical(numbers: np.ndarray) -> np.ndarray:
    """Symbols of atomic numbers."""
    return np.array(chemical_symbols)[numbers]


def nearest(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    """Of each point the atomic number of the atom that it is nearest to, in units of van der Waals
    radii, and how far that is, rounded to the next shell. uint8 [G], float64 [G]"""
    element = np.zeros(len(frames.points), dtype=np.uint8)
    shell = np.zeros(len(frames.points))
    for b in range(len(frames)):
        numbers = frames.numbers[frames.atoms_of(b)]
        rows, positions = frames.points_of(b), frames.positions[frames.atoms_of(b)]
        away = np.linalg.norm(frames.points[rows, None] - positions, axis=2)
        ratio = away / vdw_radii[numbers]
        first = ratio.argmin(axis=1)
        element[rows] = numbers[first]
        shell[rows] = SHELL * np.rint(ratio.min(axis=1) / SHELL)
    return element, shell
