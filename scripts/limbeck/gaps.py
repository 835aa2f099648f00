"""Warrant gaps of potentials on frames: the side of the engine that knows atoms."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from ase.units import GPa

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.potentials.interface import Potential, voigt_to_stress
from limbeck.symmetry import symmetry_named
from limbeck.symmetry.interface import Symmetry
from limbeck.symmetry.orbit import Orbit, orbit
from limbeck.warrant import Estimate, ratio, spread

#: For each frame, what a quantity sums to [S,B] by seed, and over how many components [B].
Sums = dict[str, np.ndarray]

MEV = 1e3  # meV per eV


def choose(frames: Frames, count: int) -> Frames:
    """At most ``count`` different frames, those of the lowest ids (a hash: as good as random)."""
    _, first = np.unique(frames.id, return_index=True)  # sorted by id
    return frames.select(first[:count])


def measure_gaps(
    potentials: Sequence[Potential], frames: Frames, symmetries: Sequence[str], views: int
) -> list[dict[str, Any]]:
    """Gaps for each symmetry, as they stand in ``warrant/**/*.json``.

    Args:
        potentials: one model, or the same student trained from several seeds: then a figure is
            the root of the mean of their variances, ``by_seed`` has each one's own, and the
            interval says how sure it is for these seeds over other roots.
        frames: B frames; those that a potential cannot answer are left out and counted.
        symmetries: names of the registry.
        views: drawn independently for each frame and symmetry, at least 2.
    """
    return [measure_gap(potentials, frames, symmetry_named(name), views) for name in symmetries]


def measure_gap(
    potentials: Sequence[Potential], frames: Frames, symmetry: Symmetry, views: int
) -> dict[str, Any]:
    """The gap for one symmetry. Root mean squares over frames, components and views:

    energy per atom over frames; force components over atoms; the nine components of the stress
    tensor (so that no orientation is preferred) over periodic frames that are not slabs.
    ``relative`` is the gap of the forces over the root mean square of the force components.
    """
    start = time.perf_counter()
    known = answerable(potentials, frames)
    complain_if_empty(known, len(frames), potentials)
    orbits = (orbit(p, known, symmetry, views, f"gap/{symmetry.name}") for p in potentials)
    sums = stack([spread_sums(o, known) for o in orbits])
    seconds = time.perf_counter() - start
    used = finite(sums, ("energy", "forces"))
    sums, kept = take(sums, used), known.select(used)
    complain_if_empty(kept, len(frames), potentials)
    return {
        "symmetry": symmetry.name,
        "n_views": views,
        "n_left_out": len(frames) - len(kept),
        "seconds": seconds,
        **_figures(sums, kept),
        "by_source": {n: _figures(take(sums, mask), part) for n, mask, part in by_source(kept)},
    }


def _figures(sums: Sums, frames: Frames) -> dict[str, Any]:
    return {
        **counts(frames),
        "energy": _energy(sums, frames),
        "forces": _forces(sums, frames),
        "stress": _stress(sums, frames),
    }


def spread_sums(answers: Orbit, frames: Frames) -> Sums:
    """Variances over views, summed over the components of each frame. [B] each."""
    with np.errstate(invalid="ignore"):  # an infinite answer has a NaN spread, and is left out
        return {
            "energy": spread(answers.energy) / frames.n_atoms**2,
            "forces": per_frame(spread(answers.forces), frames),
            "forces_square": per_frame((answers.forces**2).mean(axis=0), frames),
            "stress": spread(voigt_to_stress(answers.stress)).sum(axis=(1, 2)),
        }


def _energy(sums: Sums, frames: Frames) -> dict[str, Any]:
    ones = np.ones(len(frames))
    return root_mean_square(sums["energy"], ones, frames, "rms_meV_per_atom", MEV)


def _forces(sums: Sums, frames: Frames) -> dict[str, Any]:
    result = root_mean_square(sums["forces"], 3 * frames.n_atoms, frames, "rms_meV_per_A", MEV)
    size = sums["forces_square"].mean(axis=0)
    relative = ratio(sums["forces"].mean(axis=0), size, frames.root).root()
    return result | {"relative": relative.value, "relative_ci95": [relative.low, relative.high]}


def _stress(sums: Sums, frames: Frames) -> dict[str, Any] | None:
    """None where no frame has a stress."""
    used = finite(sums, ("stress",)) & ~_slabs(frames)
    if not used.any():
        return None
    part = frames.select(used)
    nine = np.full(len(part), 9.0)
    return root_mean_square(sums["stress"][:, used], nine, part, "rms_GPa", 1 / GPa)


def _slabs(frames: Frames) -> np.ndarray:
    """bool [B]: periodic with vacuum, where a stress means nothing."""
    return np.array([frames.info_of(b).get("vacuum_axis") is not None for b in range(len(frames))])


def root_mean_square(
    sums: np.ndarray, weights: np.ndarray, frames: Frames, key: str, factor: float
) -> dict[str, Any]:
    """A figure of the report from sums of squares [S,B] over ``weights`` [B] components."""
    pooled = ratio(sums.mean(axis=0), weights, frames.root).root().times(factor)
    by_seed = np.sqrt(sums.sum(axis=1) / weights.sum()) * factor
    return figure(pooled, by_seed, key)


def figure(pooled: Estimate, by_seed: np.ndarray, key: str) -> dict[str, Any]:
    """``{key: value, "ci95": [low, high]}``, and each seed's value where there are several."""
    result: dict[str, Any] = {key: pooled.value, "ci95": [pooled.low, pooled.high]}
    return result | ({"by_seed": by_seed.tolist()} if len(by_seed) > 1 else {})


def per_frame(values: np.ndarray, frames: Frames) -> np.ndarray:
    """Sum of per-atom components [N,3] over each frame. [B]"""
    return np.bincount(frames.frame_of_atom, weights=values.sum(axis=1), minlength=len(frames))


def stack(seeds: Sequence[Sums]) -> Sums:
    """Sums [B] of several seeds as one [S,B] each."""
    return {name: np.stack([s[name] for s in seeds]) for name in seeds[0]}


def take(sums: Sums, frames: np.ndarray) -> Sums:
    """The columns of the frames that are true in a mask [B]."""
    return {name: values[:, frames] for name, values in sums.items()}


def finite(sums: Sums, names: Sequence[str]) -> np.ndarray:
    """bool [B]: these sums are finite for every seed."""
    return np.all([np.isfinite(sums[name]).all(axis=0) for name in names], axis=0)


def answerable(potentials: Sequence[Potential], frames: Frames) -> Frames:
    """The frames all of whose elements all potentials know."""
    unknown = np.any([p.unknown_elements(frames) for p in potentials], axis=0)
    return frames.select(~unknown)


def counts(frames: Frames) -> dict[str, int]:
    """How many frames, and how many roots they come from."""
    return {"n_frames": len(frames), "n_roots": len(np.unique(frames.root))}


def by_source(frames: Frames) -> Iterator[tuple[str, np.ndarray, Frames]]:
    """Name of each source, the mask [B] of its frames, and these frames."""
    for name in np.unique(frames.source):
        mask = frames.source == name
        yield name.decode(), mask, frames.select(mask)


def complain_if_empty(kept: Frames, given: int, potentials: Sequence[Potential]) -> None:
    """Raise where nothing is left to measure."""
    if not len(kept):
        raise LimbeckError(
            f"{potentials[0].about.name}: none of {given} frames could be measured: their "
            "elements are unknown to it, its answers are not finite, or no good truth is there"
        )
