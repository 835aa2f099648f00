"""Distances to the nearest atom and of bonds, by pair of elements, against those of a reference.

Atoms are bonded up to :data:`BONDED` times the sum of their covalent radii. Two distributions F and
G of distances are W = integral |F(r) - G(r)| dr apart (Wasserstein's distance, Angstrom: how far a
bond would have to be moved, in the mean). Two finite sets of the same kind are apart as well: the
noise level is what two draws of as many roots as there are, from both sets together, are apart, in
95 of 100 draws. What is not above it says nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from ase.data import covalent_radii

from limbeck.frames import Frames
from limbeck.geometry import check_extent

#: of the sum of covalent radii
BONDED = 1.25
#: Angstrom, of the histograms; a distance between two is right to about as much
BIN_A, LONGEST_A = 0.01, 6.0
#: of fewer distances of a pair in either set, nothing is said
MIN_DISTANCES = 30
DRAWS = 200
_EDGES = np.arange(0, LONGEST_A + BIN_A / 2, BIN_A)

#: kind ("bond" or "nearest") and the two atomic numbers, ascending
Pair = tuple[str, int, int]


@dataclass(frozen=True)
class Apart:
    """How far the distances of a pair of elements are from those of a reference.

    Attributes:
        distance_A: Wasserstein's distance; noise_A: its noise level.
        count, count_reference: distances that were compared.
    """

    distance_A: float
    noise_A: float
    count: int
    count_reference: int


def histograms(frames: Frames) -> dict[Pair, np.ndarray]:
    """Numbers of distances by pair of elements, float64 [R,bins]: a row for each root of frames.

    Args:
        frames: a subsample, see :class:`limbeck.diversity.subsample.Subsample`.
    """
    roots, row = np.unique(frames.root, return_inverse=True)
    found: dict[Pair, np.ndarray] = {}
    offsets, periodic = frames.offsets, frames.periodic
    for b, (start, end) in enumerate(pairwise(offsets)):
        atoms = slice(start, end)
        of_frame = _distances(
            frames.numbers[atoms], frames.positions[atoms], frames.cell[b], bool(periodic[b])
        )
        for pair, distances in of_frame:
            table = found.setdefault(pair, np.zeros((len(roots), len(_EDGES) - 1)))
            table[row[b]] += np.histogram(distances, _EDGES)[0]
    return found


def _distances(
    numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray, periodic: bool
) -> Iterator[tuple[Pair, np.ndarray]]:
    """Distances of one structure, by kind and pair; each bond once, each atom's nearest once."""
    from vesin import NeighborList

    check_extent(positions, cell)
    radii = covalent_radii[numbers]
    first, second, distance = NeighborList(cutoff=LONGEST_A, full_list=True).compute(
        points=positions, box=cell, periodic=periodic, quantities="ijd"
    )
    low = np.minimum(numbers[first], numbers[second]).astype(int)
    high = np.maximum(numbers[first], numbers[second]).astype(int)
    bonded = distance < BONDED * (radii[first] + radii[second])
    once = bonded & ((first < second) | (first == second))
    shortest = np.full(len(numbers), np.inf)
    np.minimum.at(shortest, first, distance)
    # of several that are alike, as in crystals, the first
    at = np.flatnonzero(distance <= shortest[first])
    nearest = at[np.unique(first[at], return_index=True)[1]] if len(at) else at
    for kind, rows in (("bond", np.flatnonzero(once)), ("nearest", nearest)):
        pairs, which = np.unique(low[rows] * 128 + high[rows], return_inverse=True)
        for i, pair in enumerate(pairs.tolist()):
            yield (kind, pair // 128, pair % 128), distance[rows][which == i]


def wasserstein(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """W of histograms on the same grid, Angstrom. [...,bins], [...,bins] -> [...]."""
    shares = [h / np.maximum(h.sum(axis=-1, keepdims=True), 1) for h in (first, second)]
    return np.asarray(np.abs(np.cumsum(shares[0] - shares[1], axis=-1)).sum(axis=-1) * BIN_A)


def compare(
    found: dict[Pair, np.ndarray], reference: dict[Pair, np.ndarray], seed: int = 0
) -> dict[Pair, Apart]:
    """How far apart the distances of each pair are that both have enough of."""
    apart = {}
    for pair in sorted(found.keys() & reference.keys()):
        ours, theirs = (h[pair][h[pair].sum(axis=1) > 0] for h in (found, reference))
        counts = int(ours.sum()), int(theirs.sum())
        if min(counts) >= MIN_DISTANCES:
            distance = float(wasserstein(ours.sum(axis=0), theirs.sum(axis=0)))
            noise = _noise(ours, theirs, np.random.default_rng([seed, pair[1], pair[2]]))
            apart[pair] = Apart(distance, noise, *counts)
    return apart


def _noise(ours: np.ndarray, theirs: np.ndarray, rng: np.random.Generator) -> float:
    """The distance that 95 of 100 draws of as many roots from both together stay below."""
    both = np.concatenate([ours, theirs])
    even = np.full(len(both), 1 / len(both))
    draws = [rng.multinomial(len(part), even, DRAWS) @ both for part in (ours, theirs)]
    return float(np.quantile(wasserstein(*draws), 0.95))
