"""A bounded part of a set: the structures whose ids have the smallest hashes.

The same structures are drawn however the set is cut into shards, and in whatever order these come.
"""

import numpy as np

from limbeck.frames import Frames, concatenate, empty
from limbeck.seeds import first_by_hash


class Subsample:
    """The first structures of a stream in the order of a hash of their ids and of a purpose."""

    def __init__(self, purpose: str, count: int) -> None:
        """Nothing is drawn yet.

        Args:
            purpose: other words draw other structures.
            count: structures at most.
        """
        self.purpose, self.count = purpose, count
        self.frames = empty()

    def add(self, frames: Frames) -> None:
        """Further structures."""
        first = frames.select(first_by_hash(frames.id, self.purpose, self.count))
        both = concatenate([self.frames, first])
        self.frames = both.select(first_by_hash(both.id, self.purpose, self.count))


def blocks(roots: np.ndarray, count: int) -> np.ndarray:
    """A block for each structure, all of one root in the same, blocks of about as many roots each.

    Bytes [B] -> int64 [B], from 0.
    """
    names, which = np.unique(roots, return_inverse=True)
    order = np.empty(len(names), dtype=np.int64)
    order[first_by_hash(names, "blocks", len(names))] = np.arange(len(names))
    return np.asarray(order[which] % count)
