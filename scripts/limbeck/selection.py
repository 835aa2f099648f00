"""Selection: a slice's share of the frames, spread evenly over where they come from."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from limbeck.errors import LimbeckError
from limbeck.frames import Frames


def select_frames(frames: Frames, settings: Mapping[str, Any]) -> Frames:
    """At most this slice's share of ``count`` frames, exact duplicates dropped.

    Frames are taken in turn from every (source, sampling), and inside it in turn from every
    root, so that neither a large source nor a long trajectory crowds out the others; which
    frame of a root comes first is decided by a hash of ids and seed. The chosen frames keep
    their order; of duplicates the first stays.

    Args:
        frames: all frames of the slice.
        settings: seed, slice, slices, and count (of all slices together).
    """
    unique = frames.select(first_of_each(frames.id))
    quota = share(settings["count"], settings["slice"], settings["slices"])
    order = fair_order(unique, settings["seed"])
    return unique.select(np.sort(order[:quota]))


def share(count: int, number: int, slices: int) -> int:
    """What slice ``number`` of ``slices`` gets of ``count``; the shares add up to it.

    Raises:
        LimbeckError: there is no such slice.
    """
    if not 0 <= number < slices:
        raise LimbeckError(f"slice {number}: expected 0 to {slices - 1}, there are {slices} slices")
    return count // slices + (number < count % slices)


def first_of_each(values: np.ndarray) -> np.ndarray:
    """int64: where each distinct value stands first, in order."""
    return np.sort(np.unique(values, return_index=True)[1])


def fair_order(frames: Frames, seed: int) -> np.ndarray:
    """Order in which frames are taken: by turn over strata, in them by turn over roots. [B]."""
    chance = np.array([_hash(seed, name) for name in frames.id], dtype=np.uint64)
    strata = _codes(frames.source, frames.sampling)
    turn_in_root = _turns(_codes(strata, frames.root), chance)
    turn_in_stratum = _turns(strata, turn_in_root, chance)
    return np.lexsort([chance, turn_in_stratum])


def _turns(groups: np.ndarray, *keys: np.ndarray) -> np.ndarray:
    """Place of each entry in its group, when the group is ordered by ``keys``. int64 [B]."""
    order = np.lexsort([*reversed(keys), groups])
    _, counts = np.unique(groups, return_counts=True)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    turns = np.empty(len(groups), dtype=np.int64)
    turns[order] = np.arange(len(groups)) - starts
    return turns


def _codes(*columns: np.ndarray) -> np.ndarray:
    """A number for each distinct row of the columns. int64 [B]."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        codes = np.unique(codes * len(values) + inverse, return_inverse=True)[1]
    return codes


def _hash(seed: int, frame_id: bytes) -> int:
    digest = hashlib.sha256(f"select/{seed}/{frame_id.decode()}".encode()).digest()
    return int.from_bytes(digest[:8], "little")
