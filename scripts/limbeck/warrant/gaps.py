"""Warrant gaps of potentials on frames: by name, and the spread over views of a symmetry."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from limbeck.averaging.orbit import Orbit, orbits
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import voigt_to_stress
from limbeck.potentials.interface import Potential
from limbeck.symmetry import SYMMETRIES
from limbeck.symmetry.interface import Symmetry
from limbeck.warrant.conservativity import measure_conservativity
from limbeck.warrant.consistency import measure_consistency
from limbeck.warrant.measure import (
    MEV,
    Sums,
    force_size,
    measure,
    per_frame,
    root_mean_square,
    stress_size,
)
from limbeck.warrant.statistics import spread

#: Gaps of a force field that are no symmetry.
FIELD_GAPS: dict[str, Callable[[Sequence[Potential[Any]], Frames], dict[str, Any]]] = {
    "conservativity": measure_conservativity,
    "consistency": measure_consistency,
}
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
            interval says how sure it is for these seeds over other roots.
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
    result = []
    for name in names:
        measured = frames
        if name == ON_STRUCTURES and structures is not None:
            measured = structures
        if name in FIELD_GAPS:
            result.append(FIELD_GAPS[name](potentials, measured))
        else:
            result.append(measure_gap(potentials, measured, SYMMETRIES[name], views))
    return result


def measure_gap(
    potentials: Sequence[Potential[Any]], frames: Frames, symmetry: Symmetry, views: int
) -> dict[str, Any]:
    """The gap for one symmetry. Root mean squares over frames, components and views:

    energy per atom over frames; force components over atoms; the nine components of the stress
    tensor (so that no orientation is preferred) over periodic frames that are not slabs.
    ``relative`` is the gap over the root mean square of the components themselves; energies have
    none, since their zero is arbitrary.
    """
    return measure(
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
    names = ("energy", "forces", "forces_square", "stress", "stress_square", "evaluations", "whole")
    result = {name: np.full(len(frames), np.nan) for name in names}
    for index, answers, whole in orbits(potential, frames, symmetry, views, f"gap/{symmetry.name}"):
        part = spread_sums(answers, frames.select(index), whole=whole)
        part["evaluations"] = np.full(len(index), len(answers.energy))
        part["whole"] = np.full(len(index), whole)
        for name, values in part.items():
            result[name][index] = values
    return result


def spread_sums(answers: Orbit, frames: Frames, *, whole: bool = False) -> Sums:
    """Variances and squares, summed over the components of each frame. [B] each."""
    tensors = voigt_to_stress(answers.stress)
    with np.errstate(invalid="ignore"):  # an infinite answer has a NaN spread, and is left out
        return {
            "energy": spread(answers.energy, whole=whole) / frames.n_atoms**2,
            "forces": per_frame(spread(answers.forces, whole=whole), frames),
            "forces_square": per_frame((answers.forces**2).mean(axis=0), frames),
            "stress": spread(tensors, whole=whole).sum(axis=(1, 2)),
            "stress_square": (tensors**2).mean(axis=0).sum(axis=(1, 2)),
        }


def _figures(sums: Sums, frames: Frames) -> dict[str, Any]:
    """Energy, forces and stress; None where no frame has them."""
    return {
        "energy": _energy(sums, frames),
        "forces": force_size(sums, frames),
        "stress": stress_size(sums, frames),
        "n_whole_group": int(sums["whole"][0].sum()),
    }


def _energy(sums: Sums, frames: Frames) -> dict[str, Any] | None:
    if not len(frames):
        return None
    ones = np.ones(len(frames))
    return root_mean_square(sums["energy"], ones, frames, "rms_meV_per_atom", MEV)
