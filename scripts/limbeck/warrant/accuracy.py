"""Errors of a potential against reference labels: as given, in one random view, and averaged."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from limbeck.averaging.orbit import orbit
from limbeck.frames import Frames
from limbeck.labels import Labels, select_labels
from limbeck.potentials.evaluation import predict_or_nan
from limbeck.potentials.interface import Potential
from limbeck.symmetry.rotation import Rotation
from limbeck.warrant.measure import (
    MEV,
    Sums,
    answerable,
    by_source,
    complain_if_empty,
    counts,
    figure,
    finite,
    per_frame,
    stack,
    take,
)
from limbeck.warrant.statistics import ratio

RANDOM_VIEWS = 8
MEAN_VIEWS = 24
#: kind of error -> views it is made of
KINDS = {"as_given": 1, "random": RANDOM_VIEWS, "averaged": MEAN_VIEWS}


def measure_errors(
    potentials: Sequence[Potential], frames: Frames, reference: Labels, name: str
) -> dict[str, Any]:
    """Mean absolute errors against labels, as they stand in ``warrant/**/*.json``.

    ``as_given``: of the frame as it is given. ``random``: of one random view; 8 views are drawn and
    their errors (not their answers) averaged, to have less noise. ``averaged``: of the mean of 24
    views. ``gain``: random less averaged, on the same frames, its interval paired by root.

    The error of a mean never exceeds the mean error of what went into it, so a gain over the
    very views that were averaged would be positive whatever the model: the random views are drawn
    independently of the 24. (In expectation the gain is still not negative, for the same reason.)

    Energies are compared as they are: a reference with another zero for each element would make
    their error an error of that zero.

    Args:
        potentials: one model, or one student from several seeds, whose errors are averaged.
        frames: B frames; those without a good reference, or without an answer, are left out.
        reference: labels of any frames, joined by id; those of another status than 0 do not count.
        name: of the reference's label set.
    """
    known = answerable(potentials, frames)
    found, labels = labels_of(known, reference)
    known = known.select(found)
    complain_if_empty(known, len(frames), potentials)
    sums = stack([error_sums(p, known, labels) for p in potentials])
    used = finite(sums, list(sums))
    sums, kept = take(sums, used), known.select(used)
    complain_if_empty(kept, len(frames), potentials)
    return {
        "reference": name,
        "n_left_out": len(frames) - len(kept),
        **_figures(sums, kept),
        "by_source": {n: _figures(take(sums, mask), part) for n, mask, part in by_source(kept)},
    }


def labels_of(frames: Frames, labels: Labels) -> tuple[np.ndarray, Labels]:
    """Which frames have a good label (bool [B]), and the labels of these, in their order."""
    good = np.flatnonzero(labels.status == 0)
    row_of = dict(zip(labels.id[good].tolist(), good.tolist(), strict=True))
    rows = np.array([row_of.get(i, -1) for i in frames.id.tolist()], dtype=np.int64)
    return rows >= 0, select_labels(labels, rows[rows >= 0])


def error_sums(potential: Potential, frames: Frames, reference: Labels) -> Sums:
    """Absolute errors summed over the components of each frame. [B] by kind and quantity."""
    own = predict_or_nan(potential, frames)
    random = orbit(potential, frames, Rotation(), RANDOM_VIEWS, "errors/random")
    views = orbit(potential, frames, Rotation(), MEAN_VIEWS, "errors/mean")
    answers = {  # [views whose errors are averaged, ...]
        "as_given": (own.energy[None], own.forces[None]),
        "random": (random.energy, random.forces),
        "averaged": (views.energy.mean(axis=0)[None], views.forces.mean(axis=0)[None]),
    }
    result = {}
    for kind, (energy, forces) in answers.items():
        result[f"{kind}/energy"] = np.abs(energy - reference.energy).mean(axis=0) / frames.n_atoms
        result[f"{kind}/forces"] = per_frame(np.abs(forces - reference.forces).mean(axis=0), frames)
    for quantity in ("energy", "forces"):
        result[f"gain/{quantity}"] = result[f"random/{quantity}"] - result[f"averaged/{quantity}"]
    return result


def _figures(sums: Sums, frames: Frames) -> dict[str, Any]:
    kinds = {kind: {"n_views": n, **_errors(sums, kind, frames)} for kind, n in KINDS.items()}
    return counts(frames) | kinds | {"gain": _errors(sums, "gain", frames)}


def _errors(sums: Sums, kind: str, frames: Frames) -> dict[str, Any]:
    forces, energy = sums[f"{kind}/forces"], sums[f"{kind}/energy"]
    weights = 3 * frames.n_atoms
    return _mean(forces, weights, frames, "force_mae_meV_per_A", kind) | {
        "energy": _mean(energy, np.ones(len(frames)), frames, "mae_meV_per_atom", kind)
    }


def _mean(
    sums: np.ndarray, weights: np.ndarray, frames: Frames, key: str, kind: str
) -> dict[str, Any]:
    pooled = ratio(sums.mean(axis=0), weights, frames.root, signed=kind == "gain")
    return figure(pooled.times(MEV), sums.sum(axis=1) / weights.sum() * MEV, key)
