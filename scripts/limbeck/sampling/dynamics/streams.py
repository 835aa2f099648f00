"""Random numbers of trajectories, each from a stream of its own.

A trajectory's numbers depend on its key alone: not on what else is in its batch, on whether that is
cut, nor on the size of the batch. Philox is counter-based (Salmon et al., SC11): where a stream
stands is its key and how many times it was drawn from, and nothing before has to be drawn again to
go on from there.
"""

from collections.abc import Callable, Iterable
from enum import IntEnum

import numpy as np
import torch

from limbeck import seeds

#: Draws that are made at a time: a generator costs 10 microseconds, whatever is drawn from it. They
#: take 0.8 kB an atom, far less than its neighbours. Numbers depend on it.
AHEAD = 32


class Purpose(IntEnum):
    """What numbers are for; each has its own stream. A new purpose is put at the end."""

    MOMENTA = 0
    ATOMS = 1
    CELL = 2
    KINETIC_ENERGY = 3
    OTHER_DEGREES = 4


def keys(seed: int, names: Iterable[str]) -> np.ndarray:
    """Keys of the trajectories of these names. int64 [B,2]."""
    drawn = [seeds.seed_sequence(seed, name).generate_state(2, np.uint64) for name in names]
    # shifted by one bit, so that they fit into torch's signed integers
    return (np.array(drawn, dtype=np.uint64).reshape(-1, 2) >> np.uint64(1)).astype(np.int64)


class Draws:
    """Random numbers of B trajectories for one purpose, draw by draw."""

    def __init__(
        self,
        key: torch.Tensor,
        purpose: Purpose,
        draw: Callable[[np.random.Generator, int, int], np.ndarray],
        sizes: torch.Tensor,
        *,
        ahead: int = AHEAD,
    ) -> None:
        """Start at the first draw.

        Args:
            key: int64 [B,2], see :func:`keys`.
            draw: takes a generator, a number of draws d and a size n, and gives [d,n,...].
            sizes: int64 [B], n of each trajectory.
            ahead: draws that are made at a time.
        """
        self._key, self._sizes, self._draw = _numpy(key), _numpy(sizes), draw
        self._purpose, self._ahead, self._device = purpose, ahead, key.device
        self._made = 0
        self._block: torch.Tensor | None = None  # [draws, sum of n, ...]

    def next(self) -> torch.Tensor:
        """The next draw of all trajectories, one after another: float64 [sum of n,...]."""
        number, row = divmod(self._made, self._ahead)
        if row == 0 or self._block is None:
            self._block = self._drawn(number)
        self._made += 1
        return self._block[row]

    @property
    def made(self) -> int:
        """How many draws were made: with the key, all that tells where the streams stand."""
        return self._made

    @made.setter
    def made(self, made: int) -> None:
        self._made, self._block = made, None

    def keep(self, index: torch.Tensor) -> None:
        """Go on with the trajectories at ``index`` alone; their numbers stay as they are."""
        kept = _numpy(index)
        self._key, self._sizes = self._key[kept], self._sizes[kept]
        self._block = None  # made again from the keys that are left

    def _drawn(self, number: int) -> torch.Tensor:
        """Block ``number``, [draws, sum of n, ...]."""
        each = [
            self._draw(self._generator(key, number), self._ahead, n)
            for key, n in zip(self._key, self._sizes.tolist(), strict=True)
        ]
        # Drawn on the CPU, so that a GPU has the same numbers.
        return torch.as_tensor(np.concatenate(each, axis=1)).to(self._device)

    def _generator(self, key: np.ndarray, number: int) -> np.random.Generator:
        # The lowest of the counter's four words counts within the block.
        counter = [0, number, int(self._purpose), 0]
        return np.random.Generator(np.random.Philox(key=key, counter=counter))


def normal(
    key: torch.Tensor, purpose: Purpose, sizes: torch.Tensor, *shape: int, ahead: int = AHEAD
) -> Draws:
    """Standard normal numbers, [sum of n, *shape] in a draw."""
    return Draws(
        key,
        purpose,
        lambda generator, draws, n: generator.standard_normal((draws, n, *shape)),
        sizes,
        ahead=ahead,
    )


def chi_square(key: torch.Tensor, purpose: Purpose, degrees: torch.Tensor) -> Draws:
    """Chi-square numbers with as many degrees of freedom as a trajectory says, [B] in a draw."""
    return Draws(
        key,
        purpose,
        lambda generator, draws, n: generator.chisquare(n, (draws, 1)),
        degrees.to(torch.int64),
    )


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.cpu().numpy()
