"""Errors of a potential against reference labels: as given, in one random view, and averaged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from limbeck.averaging.orbit import orbit
from limbeck.frames import Frames
from limbeck.labels import Labels, labels_of
from limbeck.potentials.evaluation import predict_or_nan
from limbeck.potentials.interface import Potential
from limbeck.reasons import NO_REFERENCE
from limbeck.symmetry.rotation import Rotation
from limbeck.warrant.measure import Sums
from limbeck.warrant.on_frames import (
    Part,
    errors_of,
    in_all_and_by_source,
    left_out,
    measure_frames,
    per_frame,
)
from limbeck.warrant.tidy import Row, rows

_RANDOM_VIEWS = 8
MEAN_VIEWS = 24
#: kind of error -> views it is made of
_KINDS = {"as_given": 1, "random": _RANDOM_VIEWS, "averaged": MEAN_VIEWS}


#: reference labels of frames -> the same with energies on a potential's scale
OnScale = Callable[[Frames, Labels], Labels]


def measure_errors(
    potentials: Sequence[Potential],
    frames: Frames,
    reference: Labels,
    name: str,
    on_scale: Sequence[OnScale] | None = None,
) -> dict[str, Any]:
    """Mean absolute errors against labels, as they stand in ``warrant/**/*.json``.

    ``as_given``: of the frame as it is given. ``random``: of one random view; 8 views are drawn and
    their errors (not their answers) averaged, to have less noise. ``averaged``: of the mean of 24
    views. ``gain``: random less averaged, on the same frames, its interval paired by group.

    The error of a mean never exceeds the mean error of what went into it, so a gain over the
    very views that were averaged would be positive whatever the model: the random views are drawn
    independently of the 24. (In expectation the gain is still not negative, for the same reason.)

    Energies are compared as they are, or ``on_scale``: a reference with another zero for each
    element would make their error an error of that zero.

    Args:
        potentials: one model, or one student from several seeds, whose errors are averaged.
        frames: B frames; those without a good reference, or without an answer, are left out.
        reference: labels of any frames, joined by id; those of another status than 0 do not count.
        name: of the reference's label set.
        on_scale: for each potential, where the reference has other zeros than it has.
    """
    has_label = labels_of(frames, reference)[0]

    def find(potential: Potential, part: Frames) -> Sums:
        labels = labels_of(part, reference)[1]
        if on_scale is not None:
            labels = on_scale[potentials.index(potential)](part, labels)
        return error_sums(potential, part, labels)

    found = measure_frames(potentials, frames, find, known={NO_REFERENCE: has_label})
    return {
        "reference": name,
        **left_out(found),
        **in_all_and_by_source(found.sums, found.sample.frames, _figures),
    }


def error_rows(errors: Mapping[str, Any], **columns: Any) -> Iterator[Row]:
    """Rows of the errors; ``columns`` as of :func:`limbeck.warrant.tidy.rows`."""
    return rows(errors, lambda kind, quantity: (quantity, f"mae_{kind}"), **columns)


def error_sums(potential: Potential, frames: Frames, reference: Labels) -> Sums:
    """Absolute errors summed over the components of each frame. [B] by kind and quantity."""
    own = predict_or_nan(potential, frames)
    random = orbit(potential, frames, Rotation(), _RANDOM_VIEWS, "errors/random")
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


def _figures(sums: Sums, frames: Frames) -> Part:
    kinds = {kind: {"n_views": n, **_errors(sums, kind, frames)} for kind, n in _KINDS.items()}
    return kinds | {"gain": _errors(sums, "gain", frames, signed=True)}


def _errors(sums: Sums, kind: str, frames: Frames, **signed: bool) -> Part:
    return errors_of(sums[f"{kind}/energy"], sums[f"{kind}/forces"], frames, **signed)
