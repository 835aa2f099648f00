"""Which sites of a cluster have which metal: how many atoms of each, and where."""

from collections.abc import Callable, Sequence

import numpy as np

#: The golden ratio: its multiples, without their whole parts, fill an interval evenly however many
#: are taken, so that the composition of structure n is known without random numbers.
GOLDEN = (5**0.5 - 1) / 2
#: Angstrom. Atoms of one shell are as far from the middle, to rounding.
ONE_SHELL_A = 1e-3


def counts_of(size: int, n_metals: int, first: int) -> tuple[int, ...]:
    """Atoms of each metal, where the first has so many and the others have equal parts."""
    rest, others = size - first, n_metals - 1
    return (first, *(rest // others + (k < rest % others) for k in range(others)))


def first_of(size: int, n_metals: int, shares: Sequence[float], turn: int) -> int:
    """Atoms of the first metal in turn so many; each metal has one at least.

    Args:
        shares: smallest and largest share of the first metal.
    """
    share = shares[0] + (shares[1] - shares[0]) * ((turn + 0.5) * GOLDEN % 1)
    return int(np.clip(round(share * size), 1, size - n_metals + 1))


def closed_cores(positions: np.ndarray, n_metals: int, shares: Sequence[float]) -> list[int]:
    """Atoms of each core that ends with a shell and has a share between the two.

    Args:
        positions: [n,3], Angstrom, of a closed shape.
    """
    distance = np.sort(_from_middle(positions))
    ends = np.flatnonzero(np.diff(distance) > ONE_SHELL_A) + 1
    low, high = (share * len(positions) for share in shares)
    fits = (ends >= low) & (ends <= high) & (ends <= len(positions) - n_metals + 1)
    return [int(end) for end in ends[fits]]


def _from_middle(positions: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(positions - positions.mean(axis=0), axis=1))


def _core_first(positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.argsort(_from_middle(positions).round(6), kind="stable")


def _anywhere(positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(len(positions))


def _side_first(positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Along a random direction."""
    return np.argsort(positions @ rng.normal(size=3), kind="stable")


#: alloy -> the order in which sites get the first metal, then the second
ORDERS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "core_shell": _core_first,
    "random": _anywhere,
    "janus": _side_first,
}


def mixed(
    positions: np.ndarray,
    metals: Sequence[str],
    counts: Sequence[int],
    alloy: str,
    rng: np.random.Generator,
) -> list[str]:
    """Symbol of each site.

    Args:
        positions: [n,3], Angstrom.
        alloy: one of :data:`ORDERS`.
    """
    symbols = np.repeat(np.array(metals), counts)
    found = np.empty_like(symbols)
    found[ORDERS[alloy](positions, rng)] = symbols
    return [str(symbol) for symbol in found]
