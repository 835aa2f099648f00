"""Which frames of the whole run are labelled: at random, farthest from each other, or by clusters.

Each method sees all frames as points (:mod:`limbeck.selection.points`), which stay on disk.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from limbeck.check.progress import each
from limbeck.config.sections.labels import Choice
from limbeck.selection.fair import hashes, turns_in
from limbeck.selection.points import CHUNK, Points, chunks

#: numbers that clusters are told apart by, at most
COMPONENTS = 16
#: the first clusters, in standard deviations of all points
NARROW = 1e-3
#: how much wider clusters become where there are too many of them
WIDER = 1.15


@dataclass(frozen=True)
class Asked:
    """What methods are told beside the points.

    Attributes:
        seed: of what is left to chance.
        per_cluster: frames of each cluster.
        given: [m,F], points that were chosen before.
    """

    seed: int
    per_cluster: int
    given: np.ndarray


def choose(
    points: Points,
    choice: Choice,
    count: int,
    seed: int,
    given: np.ndarray | None = None,
) -> np.ndarray:
    """Indices of at most ``count`` frames. int64, sorted.

    Args:
        count: of all sources together.
        given: [m,F], points of frames that an earlier batch chose, from which ``farthest`` stays
            away; none where not given.
    """
    given = np.zeros((0, points.values.shape[1])) if given is None else given
    shares = _shares(points, count) if choice.keep_source_shares else {None: count}
    found = [np.zeros(0, dtype=np.int64)]
    for source, share in shares.items():
        rows = np.flatnonzero(points.source == source if source else np.ones(len(points), bool))
        if share >= len(rows):
            found.append(rows)
        else:
            found.append(
                rows[
                    _METHODS[choice.by](points, rows, share, Asked(seed, choice.per_cluster, given))
                ]
            )
    return np.sort(np.concatenate(found))


def _shares(points: Points, count: int) -> dict[bytes | None, int]:
    """How many frames of each source: in the proportions of all, and ``count`` in sum."""
    names, numbers = np.unique(points.source, return_counts=True)
    exact = numbers * min(1.0, count / max(1, len(points)))
    shares = np.floor(exact).astype(int)
    # the largest remainders get what is left
    left = round(exact.sum()) - int(shares.sum())
    shares[np.argsort(shares - exact, kind="stable")[:left]] += 1
    return dict(zip(names.tolist(), shares.tolist(), strict=True))


def at_random(points: Points, rows: np.ndarray, count: int, asked: Asked) -> np.ndarray:
    """By a hash of ids and seed, so that neither order nor other frames decide."""
    return np.argsort(hashes(points.id[rows], asked.seed), kind="stable")[:count]


def farthest(points: Points, rows: np.ndarray, count: int, asked: Asked) -> np.ndarray:
    """Each the farthest from all before it (Gonzalez 1985).

    The first is the nearest to the mean, or the farthest from those of earlier batches.
    """
    values, nearest = points.values, np.full(len(rows), np.inf)
    for one in asked.given:
        np.minimum(nearest, _squares(values, rows, one), out=nearest)
    if not len(asked.given):
        mean = sum(part.sum(axis=0, dtype=np.float64) for part in chunks(values, rows)) / len(rows)
        nearest = -_squares(values, rows, mean)
    chosen = np.zeros(count, dtype=np.int64)
    for place in each(range(count), "selection", "frames"):
        chosen[place] = nearest.argmax()
        if place == 0 and not len(asked.given):
            nearest[:] = np.inf
        there = np.asarray(values[rows[chosen[place]]])
        np.minimum(nearest, _squares(values, rows, there), out=nearest)
        nearest[chosen[place]] = -1  # where points coincide, none is taken twice
    return chosen


def _squares(values: np.ndarray, rows: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Squared distances of the rows from ``centre`` [F]. float64 [n]."""
    squares = np.empty(len(rows))
    for start, part in zip(range(0, len(rows), CHUNK), chunks(values, rows), strict=True):
        away = part - centre
        squares[start : start + CHUNK] = np.einsum("nf,nf->n", away, away)
    return squares


def direct(points: Points, rows: np.ndarray, count: int, asked: Asked) -> np.ndarray:
    """One frame of each of so many clusters, or ``per_cluster`` of fewer.

    DIRECT sampling (Qi et al., npj Comput. Mater. 10, 43 (2024)): principal components, BIRCH
    clusters of them, and of each cluster the frame nearest to its centre, then those farthest
    from it. The clusters are as narrow as their number allows.
    """
    from sklearn.decomposition import IncrementalPCA

    width = min(COMPONENTS, points.values.shape[1], len(rows))
    components = IncrementalPCA(width)
    parts = [len(part) for part in chunks(points.values, rows)]
    for part in chunks(points.values, rows):
        if len(part) >= width or len(parts) == 1:  # fewer rows than components are not taken
            components.partial_fit(part)
    projected = (components.transform(part) for part in chunks(points.values, rows))
    told = each(projected, "clusters", "parts", total=-(-len(rows) // CHUNK))
    scale = float(np.sqrt(components.explained_variance_.sum()))
    centres = _centres(told, -(-count // asked.per_cluster), scale)
    cluster, distance = _nearest(components.transform, points.values, rows, centres)
    return _dealt(cluster, distance, hashes(points.id[rows], asked.seed))[:count]


def _centres(parts: Iterable[np.ndarray], most: int, scale: float) -> np.ndarray:
    """Centres of at most so many clusters, as narrow as that allows. float [C,F].

    Args:
        parts: points, read once.
        scale: how far points are from their mean, which the first clusters are far narrower than.
    """
    from sklearn.cluster import Birch

    threshold = NARROW * scale or NARROW
    tree = Birch(threshold=threshold, n_clusters=None)
    for points in parts:
        tree.partial_fit(points)
        while len(tree.subcluster_centers_) > most:
            threshold *= WIDER
            tree = Birch(threshold=threshold, n_clusters=None).fit(tree.subcluster_centers_)
    return np.asarray(tree.subcluster_centers_)


def _nearest(
    transform: Callable[[np.ndarray], np.ndarray],
    values: np.ndarray,
    rows: np.ndarray,
    centres: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest centre of each row, and how far it is. int64 [n], float64 [n]."""
    from scipy.spatial import cKDTree

    tree = cKDTree(centres)
    found = [tree.query(transform(part)) for part in chunks(values, rows)]
    return np.concatenate([c for _, c in found]), np.concatenate([d for d, _ in found])


def _dealt(cluster: np.ndarray, distance: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """All frames in the order in which they are taken: by turn over clusters. int64 [n]."""
    nearest_first = turns_in(cluster, distance, chance)
    turns = turns_in(cluster, nearest_first > 0, -distance, chance)
    return np.lexsort([chance, turns])


_METHODS: dict[str, Callable[[Points, np.ndarray, int, Asked], np.ndarray]] = {
    "random": at_random,
    "farthest": farthest,
    "direct": direct,
}
