"""Select a slice's share of the frames, evenly over sources, samplings and roots."""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.config.jobs import SelectFrames
from limbeck.errors import LimbeckError
from limbeck.frames import Frames

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

#: purpose of the views' random numbers; labels, gaps and errors have others
SCORE_VIEWS = "select"


def select_frames(
    frames: Frames, job: SelectFrames, priorities: np.ndarray | None = None
) -> Frames:
    """At most this slice's share of ``count`` frames, exact duplicates dropped.

    Frames are taken in turn from every (source, sampling), and inside it in turn from every
    root, so that neither a large source nor a long trajectory crowds out the others; which
    frame of a root comes first is decided by ``priorities``, or by a hash of ids and seed. The
    chosen frames keep their order; of duplicates the first stays.

    Args:
        frames: all frames of the slice.
        priorities: float [B], see :func:`priorities_by_spread`.
    """
    return frames.select(chosen(frames, job, priorities))


def chosen(frames: Frames, job: SelectFrames, priorities: np.ndarray | None = None) -> np.ndarray:
    """Indices of the frames that :func:`select_frames` takes. int64, sorted."""
    first = first_of_each(frames.id)
    quota = share(job.select.count, job.slice, job.select.slices)
    turns = None if priorities is None else priorities[first]
    order = fair_order(frames.select(first), job.seed, turns)
    return first[np.sort(order[:quota])]


def shares_of_strata(frames: Frames, job: SelectFrames) -> Iterator[tuple[np.ndarray, int]]:
    """The frames of each (source, sampling), without duplicates, and how many are chosen of them.

    The numbers depend on the roots and on nothing else of the frames, see :func:`fair_order`.
    Yields int64 indices into the frames, and a count.
    """
    first, taken = first_of_each(frames.id), chosen(frames, job)
    strata = _codes(frames.source, frames.sampling)
    for stratum in np.unique(strata):
        yield first[strata[first] == stratum], int((strata[taken] == stratum).sum())


def priorities_by_spread(
    potential: "Potential[Any]", frames: Frames, *, views: int, prefer: str
) -> np.ndarray:
    """Priorities from a teacher's scores of the frames. float [B], low ones first.

    The score is the spread of the teacher's forces over a few random views, eV/Angstrom, root
    mean square over atoms and components: how far its answer depends on the frame's orientation.

    Args:
        views: of each frame, at least 2.
        prefer: "low" takes frames first on which the teacher agrees with itself, "high" those on
            which it does not. A frame that it cannot answer is taken last.
    """
    from limbeck.averaging.orbit import orbit
    from limbeck.symmetry.rotation import Rotation

    known = np.flatnonzero(~potential.unknown_elements(frames))
    part = frames.select(known)
    answers = orbit(potential, part, Rotation(), views, SCORE_VIEWS)
    variance = answers.forces.var(axis=0, ddof=1).mean(axis=1)  # of independent views: K - 1
    mean = np.bincount(part.frame_of_atom, variance, len(part)) / part.n_atoms
    scores = np.full(len(frames), np.nan)
    # low first: to prefer high scores their sign is turned
    scores[known] = np.sqrt(mean) * (1 if prefer == "low" else -1)
    # NaN compares with nothing: as infinity it comes last.
    return np.nan_to_num(scores, nan=np.inf, posinf=np.inf, neginf=np.inf)


def share(count: int, number: int, slices: int) -> int:
    """The share of ``count`` that slice ``number`` of ``slices`` gets; all shares add up to it.

    Raises:
        LimbeckError: there is no such slice.
    """
    if not 0 <= number < slices:
        raise LimbeckError(f"slice {number}: expected 0 to {slices - 1}, there are {slices} slices")
    # The remainder goes to the first slices, one each.
    return count // slices + (number < count % slices)


def first_of_each(values: np.ndarray) -> np.ndarray:
    """int64: where each distinct value stands first, in order."""
    return np.sort(np.unique(values, return_index=True)[1])


def fair_order(frames: Frames, seed: int, priorities: np.ndarray | None = None) -> np.ndarray:
    """Order in which frames are taken: by turn over strata, in them by turn over roots. [B].

    In a root frames go by ``priorities`` [B], and by chance where these are equal or not given.
    """
    chance = hashes(frames.id, seed)
    if priorities is not None:
        # ranks by priority, ties by the hash
        chance = np.lexsort([chance, priorities]).argsort()
    strata = _codes(frames.source, frames.sampling)
    # n-th frame of its root; then n-th of its stratum, where first frames of roots come before
    # second ones. Taking all first turns, then all second ones, is dealing in turn.
    turn_in_root = turns_in(_codes(strata, frames.root), chance)
    turn_in_stratum = turns_in(strata, turn_in_root, chance)
    return np.lexsort([chance, turn_in_stratum])


def turns_in(groups: np.ndarray, *keys: np.ndarray) -> np.ndarray:
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
        # Renumbered after each column, so that the product of many columns does not overflow.
        codes = np.unique(codes * len(values) + inverse, return_inverse=True)[1]
    return codes


def hashes(ids: np.ndarray, seed: int) -> np.ndarray:
    """A number for each id that looks like chance. uint64 [B]."""
    return np.array([_hash(seed, frame_id) for frame_id in ids], dtype=np.uint64)


def _hash(seed: int, frame_id: bytes) -> int:
    digest = hashlib.sha256(f"select/{seed}/{frame_id.decode()}".encode()).digest()
    return int.from_bytes(digest[:8], "little")
