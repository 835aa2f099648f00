"""From sums over each frame to the figures of a gap: what all kinds of gap have in common."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from ase.units import GPa

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.potentials.interface import Potential
from limbeck.reasons import NO_GOOD_ANSWER, UNKNOWN_ELEMENT, UNSUITED
from limbeck.warrant.statistics import Estimate, ratio

#: For each frame, what a quantity sums to [B], or [S,B] by seed.
Sums = dict[str, np.ndarray]
#: Figures from sums [S,B] of B frames.
Figures = Callable[[Sums, Frames], dict[str, Any]]

MEV = 1e3  # meV per eV


def measure(
    name: str,
    potentials: Sequence[Potential[Any]],
    frames: Frames,
    find: Callable[[Potential[Any], Frames], Sums],
    figures: Figures,
    *,
    suits: np.ndarray | None = None,
    needs: Sequence[str],
    most: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One gap, as it stands in ``warrant/**/*.json``.

    Args:
        name: of the gap.
        potentials: one model, or the same student trained from several seeds.
        frames: B frames; those that cannot be measured are left out, and counted by reason.
        find: sums for the frames a potential knows.
        figures: from the sums of all seeds.
        suits: bool [B], frames that have this gap at all; all where not given.
        needs: sums that have to be finite.
        most: measure the first so many of the frames that can be; all where not given.
        more: entries to put beside the name.

    Raises:
        LimbeckError: there are frames for this gap, and no potential can answer any.
    """
    start = time.perf_counter()
    suited = frames if suits is None else frames.select(suits)
    known = answerable(potentials, suited)
    asked = known.select(np.arange(len(known))[:most])
    sums = stack([find(potential, asked) for potential in potentials])
    used = finite(sums, needs)
    sums, kept = take(sums, used), asked.select(used)
    reasons = {
        UNSUITED: len(frames) - len(suited),
        UNKNOWN_ELEMENT: len(suited) - len(known),
        NO_GOOD_ANSWER: len(asked) - len(kept),
    }
    if len(suited) and (len(known) or not len(answerable(potentials, frames))):
        # Else it knows frames of other kinds, and this gap alone has none to be measured on.
        complain_if_empty(kept, len(frames), potentials, reasons)
    return {
        "symmetry": name,
        **more,
        "n_left_out": sum(reasons.values()),
        "left_out": {reason: n for reason, n in reasons.items() if n},
        "n_evaluations": int(sums["evaluations"].sum()),
        "seconds": time.perf_counter() - start,
        **counts(kept),
        **figures(sums, kept),
        "by_source": {
            source: counts(part) | figures(take(sums, mask), part)
            for source, mask, part in by_source(kept)
        },
    }


def size(
    sums: np.ndarray,
    square: np.ndarray,
    weights: np.ndarray,
    frames: Frames,
    key: str,
    factor: float,
) -> dict[str, Any] | None:
    """A root mean square, and its ratio to the root mean square of the quantity itself.

    Args:
        sums: [S,B], squares of what was found, over ``weights`` [B] components of each frame.
        square: [S,B], squares of the quantity, over the same components.
        key, factor: name and unit of the figure.

    Returns:
        None where there are no frames.
    """
    if not len(frames):
        return None
    result = root_mean_square(sums, weights, frames, key, factor)
    relative = ratio(sums.mean(axis=0), square.mean(axis=0), frames.root).root()
    return result | {"relative": relative.value, "relative_ci95": [relative.low, relative.high]}


def force_size(sums: Sums, frames: Frames, name: str = "forces") -> dict[str, Any] | None:
    """Over the three force components of all atoms, meV/Angstrom."""
    square = sums["forces_square"]
    return size(sums[name], square, 3 * frames.n_atoms, frames, "rms_meV_per_A", MEV)


def stress_size(sums: Sums, frames: Frames) -> dict[str, Any] | None:
    """Over the nine stress components of periodic frames that are no slabs, GPa."""
    used = finite(sums, ("stress",)) & ~slabs(frames)
    part, kept = take(sums, used), frames.select(used)
    nine = np.full(len(kept), 9.0)
    return size(part["stress"], part["stress_square"], nine, kept, "rms_GPa", 1 / GPa)


def slabs(frames: Frames) -> np.ndarray:
    """bool [B]: periodic with vacuum, where a stress means nothing."""
    found = [frames.info_of(b).get("vacuum_axis") is not None for b in range(len(frames))]
    return np.array(found, dtype=bool)


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


def answerable(potentials: Sequence[Potential[Any]], frames: Frames) -> Frames:
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


def complain_if_empty(
    kept: Frames,
    given: int,
    potentials: Sequence[Potential[Any]],
    reasons: dict[str, int] | None = None,
) -> None:
    """Raise where nothing is left to measure."""
    if len(kept):
        return
    why = "; ".join(f"{reason}: {n}" for reason, n in (reasons or {}).items() if n)
    raise LimbeckError(
        f"{potentials[0].about.name}: none of {given} frames could be measured: "
        + (
            why
            or "their elements are unknown to it, its answers are not finite, or no good reference"
        )
    )
