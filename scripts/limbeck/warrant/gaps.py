"""Warrant gaps of potentials on frames: by name, and the spread over views of a symmetry."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from limbeck.averaging.orbit import Orbit, orbits
from limbeck.check.progress import each
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, Rows
from limbeck.potentials.interface import Potential, tell_ignored
from limbeck.properties import EFS, PROPERTIES, components
from limbeck.symmetry import SYMMETRIES
from limbeck.symmetry.interface import Symmetry
from limbeck.warrant.conservativity import measure_conservativity
from limbeck.warrant.consistency import measure_consistency
from limbeck.warrant.measure import Sums, finite, take
from limbeck.warrant.on_frames import (
    measure_gap_of,
    per_frame,
    root_mean_square,
    size,
    slabs,
)
from limbeck.warrant.statistics import spread
from limbeck.warrant.tidy import Row, rows

#: Gaps of a force field that are no symmetry.
FIELD_GAPS: dict[str, Callable[[Sequence[Potential[Any]], Frames], dict[str, Any]]] = {
    "conservativity": measure_conservativity,
    "consistency": measure_consistency,
}
#: ends the name of the sum of squares of a property
SQUARE = "_square"
#: Displaced frames have lost it: measured on the structures as their sources made them.
ON_STRUCTURES = "space_group"


def choose(frames: Frames, count: int) -> Frames:
    """At most ``count`` different frames, those of the lowest ids (a hash: as good as random)."""
    _, first = np.unique(frames.id, return_index=True)  # sorted by id
    return frames.select(first[:count])


def structures_of(frames: Frames, structures: Frames) -> Frames:
    """The periodic structures, as their source made them, that frames descend from."""
    return structures.select(structures.periodic & np.isin(structures.id, frames.root))


def measure_gaps(
    potentials: Sequence[Potential[Any]],
    frames: Frames,
    names: Sequence[str],
    views: int,
    structures: Frames | None = None,
) -> list[dict[str, Any]]:
    """Gaps by name, as they stand in ``warrant/**/*.json``.

    Args:
        potentials: one model, or the same student trained from several seeds: then a figure is
            the root of the mean of their variances, ``by_seed`` has each one's own, and the
            interval says how sure it is for these seeds over other groups.
        frames: B frames; those that a potential cannot answer are left out and counted.
        names: of symmetries of the registry, "conservativity", "consistency".
        views: drawn independently for each frame and symmetry, at least 2.
        structures: frames for ``space_group``; the same as for the others where not given.

    Raises:
        LimbeckError: a name is unknown, or a potential can answer for no frame.
    """
    known = [*SYMMETRIES, *FIELD_GAPS]
    for name in names:
        if name not in known:
            raise LimbeckError(f"symmetry {name!r} is unknown, expected one of {sorted(known)}")
    for potential in potentials:
        tell_ignored(frames, potential.about.name, potential.about.conditions)
    result = []
    for name in each(names, "gaps", "gaps"):
        measured = frames
        if name == ON_STRUCTURES and structures is not None:
            measured = structures
        if name in FIELD_GAPS:
            result.append(FIELD_GAPS[name](potentials, measured))
        else:
            result.append(measure_gap(potentials, measured, SYMMETRIES[name], views))
    return result


def gap_rows(gap: Mapping[str, Any], **columns: Any) -> Iterator[Row]:
    """Rows of one gap; ``columns`` as of :func:`limbeck.warrant.tidy.rows`."""

    def naming(quantity: str, part: str = "rms") -> tuple[str, str]:
        return quantity, f"{gap['symmetry']}_gap_{part}"

    return rows(gap, naming, **columns)


def measure_gap(
    potentials: Sequence[Potential[Any]], frames: Frames, symmetry: Symmetry, views: int
) -> dict[str, Any]:
    """The gap for one symmetry: of each property the root mean square over frames and views.

    Of the energy that of its value per atom; of what belongs to atoms over all atoms; of vectors
    over their three components; of the stress over its nine (so that no orientation is preferred),
    of periodic frames that are not slabs. ``relative`` is the gap over the root mean square of the
    components themselves; energies have none, since their zero is arbitrary.
    """
    return measure_gap_of(
        symmetry.name,
        potentials,
        frames,
        partial(_spreads, symmetry=symmetry, views=views),
        _figures,
        suits=symmetry.suits(frames),
        needs=("energy", "forces"),
        n_views=views,
    )


def _spreads(potential: Potential[Any], frames: Frames, symmetry: Symmetry, views: int) -> Sums:
    """Variances over views, summed over the components of each frame. [B] each."""
    names = [name for name in (*EFS, *potential.about.properties) if name in PROPERTIES]
    names += [name + SQUARE for name in names]
    result = {name: np.full(len(frames), np.nan) for name in (*names, "evaluations", "whole")}
    for index, answers, whole in orbits(potential, frames, symmetry, views, f"gap/{symmetry.name}"):
        part = spread_sums(answers, frames.select(index), whole=whole)
        part["evaluations"] = np.full(len(index), len(answers.energy))
        part["whole"] = np.full(len(index), whole)
        for name, values in part.items():
            result[name][index] = values
    return result


def spread_sums(answers: Orbit, frames: Frames, *, whole: bool = False) -> Sums:
    """Variances and squares of each property, summed over the components of each frame. [B] each.

    Of the energy, which is given by atoms, the variance of the value over their number.
    """
    sums: Sums = {}
    for name, values in answers.values.items():
        of, parts = PROPERTIES[name], components(name, values)
        with np.errstate(invalid="ignore"):  # what is infinite has a NaN spread, and is left out
            found = {name: spread(parts, whole=whole), name + SQUARE: (parts**2).mean(axis=0)}
        for key, value in found.items():  # [N,C] or [B,C]
            summed = value.sum(axis=1) if of.per == "frame" else per_frame(value, frames, of.per)
            sums[key] = summed / frames.n_atoms**2 if of.by_atoms else summed
    return sums


def _figures(sums: Sums, frames: Frames) -> dict[str, Any]:
    """A figure of each property; None where no frame has it."""
    figures = {name: _figure(name, sums, frames) for name in PROPERTIES if name in sums}
    return figures | {"n_whole_group": int(sums["whole"][0].sum())}


def _figure(name: str, sums: Sums, frames: Frames) -> dict[str, Any] | None:
    """Root mean square over all components of the frames that have the property."""
    of = PROPERTIES[name]
    used = finite(sums, (name,))
    if of.per == "point":
        used &= frames.n_points > 0
    if name == "stress":
        used &= ~slabs(frames)
    part, kept = take(sums, used), frames.select(used)
    if not len(kept):
        return None
    each = of.of(Rows(np.ones(len(kept)), kept.n_atoms, kept.n_points))
    weights = 3**of.rank * each
    if of.by_atoms:  # relative to what, where its zero is arbitrary
        return root_mean_square(part[name], weights, kept, of.shown, of.factor)
    return size(part[name], part[name + SQUARE], weights, kept, of.shown, of.factor)
