"""How far what one set is like is from what another is like, and what chance makes of it.

Kinds (elements, space groups, scaffolds) are apart by the total variation distance,
d = 1/2 sum_k |p_k - q_k|, the share of one set that would have to be replaced; numbers (atoms,
densities) by Wasserstein's distance, in their unit. Two finite sets of one kind are apart as well:
the noise level is what two draws of as many structures, from both sets together, stay below in 95
of 100.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.stats import wasserstein_distance

DRAWS = 200

Distance = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Apart:
    """How far a set is from another: the distance, its noise level, and numbers of structures."""

    distance: float
    noise: float
    count: int
    count_reference: int


def of_kinds(
    ours: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]], seed: int = 0
) -> Apart | None:
    """Total variation distance of the kinds that structures have; None where a set has none.

    Args:
        ours, theirs: the kinds of each structure: its elements, its functional groups.
    """
    names = columns_of([*ours, *theirs])
    first, second = (table_of(rows, names) for rows in (ours, theirs))
    if not first.any() or not second.any():
        return None
    return _apart(first, second, total_variation, seed)


def columns_of(rows: Sequence[Sequence[str]]) -> dict[str, int]:
    """A column for each kind that any structure has."""
    return {name: k for k, name in enumerate(sorted({name for row in rows for name in row}))}


def table_of(rows: Sequence[Sequence[str]], names: Mapping[str, int]) -> np.ndarray:
    """1 where a structure has a kind, whose column ``names`` has. float64 [B,K]."""
    table = np.zeros((len(rows), len(names)))
    for b, row in enumerate(rows):
        table[b, [names[name] for name in row]] = 1
    return table


def of_numbers(ours: np.ndarray, theirs: np.ndarray, seed: int = 0) -> Apart | None:
    """Wasserstein's distance of numbers, one of each structure; None where a set has none."""
    if not len(ours) or not len(theirs):
        return None
    return _apart(np.asarray(ours), np.asarray(theirs), wasserstein_distance, seed)


def total_variation(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Of kinds counted over structures. [B,K], [C,K] -> from 0 to 1; of nothing, 1."""
    shares = [table.sum(axis=0) / max(table.sum(), 1) for table in (ours, theirs)]
    if not all(share.any() for share in shares):
        return 1.0
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def _apart(ours: np.ndarray, theirs: np.ndarray, distance: Distance, seed: int) -> Apart:
    both, rng = np.concatenate([ours, theirs]), np.random.default_rng(seed)
    draw = partial(rng.integers, 0, len(both))
    chance = [distance(both[draw(len(ours))], both[draw(len(theirs))]) for _ in range(DRAWS)]
    noise = float(np.quantile(chance, 0.95))
    return Apart(float(distance(ours, theirs)), noise, len(ours), len(theirs))
