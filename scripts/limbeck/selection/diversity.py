"""Select the frames that are least alike, by the descriptors of their atoms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from limbeck.check.progress import each
from limbeck.config.jobs import SelectFrames
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.selection.fair import shares_of_strata

#: frames compared at once; bounds the memory beside the features themselves
_CHUNK = 4096


@dataclass(frozen=True)
class Features:
    """Features by which B frames are compared.

    Attributes:
        elements: int [E], atomic numbers.
        values: float32 [B,E,D]; NaN in frames whose descriptors are not known.
    """

    elements: np.ndarray
    values: np.ndarray


def features(frames: Frames) -> Features:
    """Mean descriptors of each frame, separately for each element.

    For each element, the descriptors of its atoms are summed and divided by the number of all atoms
    of the frame. The result is zero for an element that is not there, and the elements add up to
    the frame's mean. In one common mean, changes at hydrogen could hide changes at oxygen, whose
    descriptors mean something else.

    Raises:
        LimbeckError: frames have no descriptors.
    """
    elements, place = np.unique(frames.numbers, return_inverse=True)
    found = frames.atom_extra.get("descriptors", np.zeros((0, 0)))
    if len(found) != len(frames.numbers):
        name = frames.sampling[0].decode()
        raise LimbeckError(f"frames of {name}: no descriptors, expected keep: [descriptors]")
    values = np.zeros((len(frames) * len(elements), found.shape[1]), dtype=np.float32)
    np.add.at(values, frames.frame_of_atom * len(elements) + place, found)
    means = values.reshape(len(frames), len(elements), found.shape[1])
    return Features(elements, (means / frames.n_atoms[:, None, None]).astype(np.float32))


def joined(parts: Sequence[Features]) -> np.ndarray:
    """The features of all parts as points. float32 [B,F].

    What a part does not have is zero. Descriptors of two potentials may differ in number, and
    points of the one are never compared with those of the other.
    """
    elements = sorted(set().union(*(part.elements.tolist() for part in parts)))
    width = max((part.values.shape[2] for part in parts), default=0)
    points = np.zeros((sum(len(p.values) for p in parts), len(elements), width), np.float32)
    start = 0
    for part in parts:
        count, _, own = part.values.shape
        columns = np.searchsorted(elements, part.elements)
        points[start : start + count, columns, :own] = part.values
        start += count
    return points.reshape(len(points), -1)


def priorities_by_diversity(frames: Frames, points: np.ndarray, job: SelectFrames) -> np.ndarray:
    """Priorities that make the selected frames unlike each other. float [B], low ones first.

    Frames of one (source, sampling) are compared with each other, and with no others: what each
    of these gets of ``count``, and each root in it, stays as it is without.

    Args:
        points: [B,F], see :func:`joined`; a frame with NaN is taken last.
        job: its ``select.diversity`` says how.
    """
    assert job.select.diversity is not None
    rank = _METHODS[job.select.diversity.by]
    result = np.full(len(frames), np.inf)
    for members, share in shares_of_strata(frames, job):
        # by id, so that the order of the input decides nothing
        members = members[np.argsort(frames.id[members], kind="stable")]
        members = members[np.isfinite(points[members]).all(axis=1)]
        if share < len(members):
            result[members] = rank(points[members], share, job.seed)
        else:
            # all are taken, so that there is nothing to rank
            result[members] = 0.0
    return result


def farthest_point(points: np.ndarray, count: int) -> np.ndarray:
    """Indices of ``count`` points, each the farthest from all before it. int64 [count].

    The first is the one nearest to the mean; of equals the first is taken. The largest distance
    of a point to its nearest chosen one is at most twice the smallest possible (Gonzalez,
    Theor. Comput. Sci. 38, 293 (1985)).

    Args:
        points: [n,F]; count: at most n.
    """
    chosen = np.zeros(count, dtype=np.int64)
    nearest = np.full(len(points), np.inf)
    for place in each(range(count), "selection", "frames"):
        if place:
            chosen[place] = np.argmax(nearest)
        else:
            # A start that depends on no random number; float64, since a float32 mean of many
            # points loses digits.
            chosen[place] = np.argmin(_squares(points, points.mean(axis=0, dtype=np.float64)))
        np.minimum(nearest, _squares(points, points[chosen[place]]), out=nearest)
        nearest[chosen[place]] = -1  # where points coincide, none is taken twice
    return chosen


def middle_points(points: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The point nearest to the mean of each of ``count`` k-means clusters. int64, sorted.

    Fewer than ``count`` where fewer points are distinct.

    Args:
        points: [n,F]; count: at most n; seed: of the random starts.
    """
    from sklearn.cluster import KMeans

    distinct = len(np.unique(points, axis=0))
    # scikit-learn makes no more clusters than there are distinct points, and warns.
    found = KMeans(min(count, distinct), n_init=3, random_state=seed).fit(points)
    squares = np.einsum("nf,nf->n", *[points - found.cluster_centers_[found.labels_]] * 2)
    # by cluster, nearest to its mean first: the first of each cluster is taken
    order = np.lexsort([squares, found.labels_])
    return np.sort(order[np.unique(found.labels_[order], return_index=True)[1]])


def _rank_farthest(points: np.ndarray, count: int, seed: int) -> np.ndarray:
    rank = np.full(len(points), float(count))
    rank[farthest_point(points, count)] = np.arange(count)
    return rank


def _rank_middle(points: np.ndarray, count: int, seed: int) -> np.ndarray:
    rank = np.ones(len(points))
    rank[middle_points(points, count, seed)] = 0.0
    return rank


def _squares(points: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Squared distances to ``centre`` [F]. float64 [n]."""
    squares = np.empty(len(points))
    for start in range(0, len(points), _CHUNK):
        away = points[start : start + _CHUNK] - centre.astype(np.float64)
        squares[start : start + _CHUNK] = np.einsum("nf,nf->n", away, away)
    return squares


_METHODS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "farthest_point": _rank_farthest,
    "kmeans": _rank_middle,
}
