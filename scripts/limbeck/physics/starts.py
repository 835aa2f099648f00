"""What a model's physics is measured on: starts of dynamics, crystals, and what is left out."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from limbeck.config.sections.warrant import Physics
from limbeck.frames import Frames
from limbeck.geometry import vacuum_axes
from limbeck.physics.motion import dynamics
from limbeck.physics.naming import named
from limbeck.potentials.interface import Potential
from limbeck.preparation.prepare import prepare
from limbeck.reasons import CHARGED, LONE_ATOM, UNKNOWN_ELEMENT, WITH_VACUUM

#: of the frames in turn, so many times as many are looked at as are wanted
LOOKED_AT = 8


@dataclass
class Starts:
    """Frames that fit, and the others with their reasons.

    Attributes:
        frames: that fit, in turn from each source and group.
        left_out: of those that were looked at: id, formula and reason.
        offered: how many there were to begin with.
    """

    frames: Frames
    left_out: list[dict[str, Any]] = field(default_factory=list)
    offered: int = 0


def in_turn(frames: Frames) -> np.ndarray:
    """The order that takes frames from each source in turn, within one from each group in turn, and
    else by their ids, which are hashes. int64 [B]."""
    order = np.argsort(frames.id, kind="stable")
    for key in (frames.root, frames.group, frames.source):
        order = order[np.argsort(_turns(key[order]), kind="stable")]
    return order


def _turns(keys: np.ndarray) -> np.ndarray:
    """How many of the same key stand before each. int64 [B]."""
    seen: Counter[bytes] = Counter()
    found = []
    for key in keys.tolist():
        found.append(seen[key])
        seen[key] += 1
    return np.array(found, dtype=np.int64)


def of_dynamics(frames: Frames, potential: Potential[Any], own: Physics) -> Starts:
    """Starts of dynamics among test frames, their cells repeated as ``supercell_radius_A`` asks.

    Args:
        frames: as they are: with the displacements that the data have.
    """
    looked = frames.select(in_turn(frames)[: LOOKED_AT * own.n_structures])
    prepared = prepare(looked, potential, dynamics("NVE", 1.0, 1.0, [300.0], own))
    made = prepared.frames
    reasons = np.select(
        [
            prepared.reason != "",
            potential.unknown_elements(made),
            made.n_atoms < 2,
            made.n_atoms > own.max_atoms,
        ],
        [prepared.reason, UNKNOWN_ELEMENT, LONE_ATOM, _large(own)],
        default="",
    ).astype(object)
    return _chosen(made, reasons, own.n_structures, len(frames))


def of_crystals(structures: Frames, potential: Potential[Any], own: Physics) -> Starts:
    """Crystals among the structures that test frames descend from, as their sources made them."""
    crystals = structures.select(structures.periodic)
    crystals = crystals.select(in_turn(crystals))
    reasons = np.select(
        [
            vacuum_axes(crystals).any(axis=1),
            potential.unknown_elements(crystals),
            (crystals.charge != 0) | (crystals.spin != 0),
            crystals.n_atoms > own.max_atoms,
        ],
        [WITH_VACUUM, UNKNOWN_ELEMENT, CHARGED, _large(own)],
        default="",
    ).astype(object)
    return _chosen(crystals, reasons, own.n_structures, len(crystals))


def _large(own: Physics) -> str:
    return f"more than {own.max_atoms} atoms (warrant.physics.max_atoms)"


def _chosen(frames: Frames, reasons: np.ndarray, count: int, offered: int) -> Starts:
    """The first ``count`` without a reason, and the others before the last of them."""
    fit = np.flatnonzero(reasons == "")[:count]
    last = int(fit[-1]) if len(fit) == count else len(frames)
    out = [b for b in np.flatnonzero(reasons != "").tolist() if b < last]
    left = [named(frames, b) | {"reason": str(reasons[b])} for b in out]
    return Starts(frames.select(fit), left, offered)
