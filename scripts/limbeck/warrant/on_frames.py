"""Measurements on frames of atoms: the one place where atoms meet the statistics.

Frames of one compound vary together (:func:`drawn_together`), frames of one source are a
population. Figures are in the units that people read, and an entry of a JSON file is a
:data:`Part` with ``by_source`` beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from ase.units import GPa
from scipy.sparse import block_array, coo_array
from scipy.sparse.csgraph import connected_components

from limbeck.frames import Frames
from limbeck.geometry import vacuum_axes
from limbeck.potentials.interface import Potential
from limbeck.reasons import UNKNOWN_ELEMENT
from limbeck.warrant.measure import Measurement, Sums, finite, measure, take
from limbeck.warrant.statistics import entry_of, pool, ratio

#: Figures and counts of some frames.
Part = dict[str, Any]
#: A part from sums [S,B] of B frames.
Figures = Callable[[Sums, Frames], Part]

MEV = 1e3  # meV per eV


@dataclass(frozen=True)
class FrameSample:
    """Frames as a :class:`limbeck.warrant.measure.Sample`."""

    frames: Frames
    noun = "frames"

    @property
    def clusters(self) -> np.ndarray:
        """What was drawn together [B], see :func:`drawn_together`."""
        return drawn_together(self.frames)

    @property
    def strata(self) -> np.ndarray:
        """Sources [B]."""
        return self.frames.source.astype(str)

    def __len__(self) -> int:
        return len(self.frames)

    def select(self, which: np.ndarray) -> "FrameSample":
        """Some of the frames, by a mask or by their places."""
        return FrameSample(self.frames.select(which))


def measure_frames(
    potentials: Sequence[Potential[Any]],
    frames: Frames,
    find: Callable[[Potential[Any], Frames], Sums],
    *,
    known: dict[str, np.ndarray] | None = None,
    **choice: Any,
) -> Measurement[FrameSample]:
    """:func:`limbeck.warrant.measure.measure` on the frames all of whose elements are known.

    Args:
        known: more reasons to leave a frame out, as there.
        choice: ``needs``, ``suits``, ``most``, as there.
    """
    return measure(
        potentials[0].about.name,
        potentials,
        FrameSample(frames),
        lambda potential, sample: find(potential, sample.frames),
        known={UNKNOWN_ELEMENT: known_frames(potentials, frames)} | (known or {}),
        **choice,
    )


def measure_gap_of(
    name: str,
    potentials: Sequence[Potential[Any]],
    frames: Frames,
    find: Callable[[Potential[Any], Frames], Sums],
    figures: Figures,
    *,
    n_views: int,
    **choice: Any,
) -> dict[str, Any]:
    """One gap, as it stands in ``warrant/**/*.json``.

    Args:
        name: of the gap.
        potentials: one model, or the same student trained from several seeds.
        frames: B frames; those that cannot be measured are left out, and counted by reason.
        find: sums for the frames a potential knows.
        figures: from the sums of all seeds.
        n_views: of each frame, or loops or directions.
        choice: ``suits``, ``needs``, ``most`` of :func:`limbeck.warrant.measure.measure`.

    Raises:
        LimbeckError: there are frames for this gap, and no potential can answer any.
    """
    found = measure_frames(potentials, frames, find, **choice)
    return {
        "symmetry": name,
        "n_views": n_views,
        "n_evaluations": int(found.sums["evaluations"].sum()),
        "seconds": found.seconds,
        **left_out(found),
        **in_all_and_by_source(found.sums, found.sample.frames, figures),
    }


def left_out(found: Measurement[FrameSample]) -> dict[str, Any]:
    """How many frames were not measured, and why."""
    return {"n_left_out": sum(found.left_out.values()), "left_out": dict(found.left_out)}


def in_all_and_by_source(sums: Sums, frames: Frames, figures: Figures) -> dict[str, Any]:
    """Counts and figures of all frames, and once more of each source's."""
    found = Measurement(FrameSample(frames), sums, {})
    parts = found.strata()
    return {
        **counts(frames),
        **figures(sums, frames),
        "by_source": {
            name: counts(part.sample.frames) | figures(part.sums, part.sample.frames)
            for name, part in parts
        },
    }


def root_mean_square(
    sums: np.ndarray, weights: np.ndarray, frames: Frames, unit: str, factor: float
) -> dict[str, Any]:
    """A figure from sums of squares [S,B] over ``weights`` [B] components, in a unit."""
    return pool(sums, weights, drawn_together(frames)).root().times(factor).entry(unit)


def mean_absolute(
    sums: np.ndarray,
    weights: np.ndarray,
    frames: Frames,
    unit: str,
    factor: float = MEV,
    *,
    signed: bool = False,
) -> dict[str, Any]:
    """A figure from sums of absolute values [S,B], or of differences of them (``signed``)."""
    return pool(sums, weights, drawn_together(frames), signed=signed).times(factor).entry(unit)


def errors_of(energy: np.ndarray, forces: np.ndarray, frames: Frames, **signed: bool) -> Part:
    """Mean absolute errors of energies per atom and of force components, from their sums [S,B]."""
    ones, components = np.ones(len(frames)), 3 * frames.n_atoms
    return {
        "energy": mean_absolute(energy, ones, frames, "meV/atom", **signed),
        "forces": mean_absolute(forces, components, frames, "meV/A", **signed),
    }


def size(
    sums: np.ndarray,
    square: np.ndarray,
    weights: np.ndarray,
    frames: Frames,
    unit: str,
    factor: float,
) -> dict[str, Any] | None:
    """A root mean square, and its ratio to the root mean square of the quantity itself.

    Args:
        sums: [S,B], squares of what was found, over ``weights`` [B] components of each frame.
        square: [S,B], squares of the quantity, over the same components.
        unit, factor: of the figure, and to it.

    Returns:
        None where there are no frames.
    """
    if not len(frames):
        return None
    relative = ratio(sums.mean(axis=0), square.mean(axis=0), drawn_together(frames)).root()
    found = root_mean_square(sums, weights, frames, unit, factor)
    return found | {"relative": entry_of(relative, "")}


def force_size(sums: Sums, frames: Frames, name: str = "forces") -> dict[str, Any] | None:
    """Over the three force components of all atoms, meV/Angstrom."""
    square = sums["forces_square"]
    return size(sums[name], square, 3 * frames.n_atoms, frames, "meV/A", MEV)


def stress_size(sums: Sums, frames: Frames) -> dict[str, Any] | None:
    """Over the nine stress components of periodic frames that are no slabs, GPa."""
    used = finite(sums, ("stress",)) & ~slabs(frames)
    part, kept = take(sums, used), frames.select(used)
    nine = np.full(len(kept), 9.0)
    return size(part["stress"], part["stress_square"], nine, kept, "GPa", 1 / GPa)


def slabs(frames: Frames) -> np.ndarray:
    """bool [B]: periodic with vacuum, where a stress means nothing."""
    return np.asarray(vacuum_axes(frames).any(axis=1))


def per_frame(
    values: np.ndarray, frames: Frames, per: Literal["atom", "point"] = "atom"
) -> np.ndarray:
    """Sum of components by atom [N,C] or by point [G,C] over each frame. [B]"""
    return np.bincount(frames.frame_of(per), weights=values.sum(axis=1), minlength=len(frames))


def known_frames(potentials: Sequence[Potential[Any]], frames: Frames) -> np.ndarray:
    """bool [B]: all potentials know all elements of the frame."""
    return ~np.any([p.unknown_elements(frames) for p in potentials], axis=0)


def groups(frames: Frames) -> np.ndarray:
    """The coarser of group and root: labels [B] such that no group and no root has two of them.

    A root is of one group as a rule, and these are the groups then. Where frames of one root are of
    several (a reaction that ends as another molecule), these groups count as one.
    """
    if not len(frames):
        return np.zeros(0, dtype=np.int64)
    codes = [np.unique(names, return_inverse=True)[1] for names in (frames.group, frames.root)]
    links = coo_array((np.ones(len(frames)), codes))
    graph = block_array([[None, links], [links.T, None]])
    labels: np.ndarray = connected_components(graph, directed=False)[1][codes[0]]
    return labels


def drawn_together(frames: Frames) -> np.ndarray:
    """Labels [B] of what intervals are over: the groups, or where there is one alone, its roots.

    Splits put groups apart, since what people ask is how a model does on chemistry that it never
    saw. Structures of one compound are near-copies of each other there (intraclass correlation of
    force errors up to 0.86), and an interval over them would speak for that compound alone: so it
    does where all frames are of one.
    """
    found = groups(frames)
    return frames.root if len(found) and (found == found[0]).all() else found


def counts(frames: Frames) -> dict[str, int]:
    """How many frames, how many roots they come from, and how many groups these are of."""
    return {
        "n_frames": len(frames),
        "n_roots": len(np.unique(frames.root)),
        "n_groups": len(np.unique(groups(frames))),
    }
