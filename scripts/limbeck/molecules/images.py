"""Periodic images of points: all that lie within a radius, however skewed the cell."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

#: distances that many frames may hold at once (48 MB with their vectors)
_CHUNK = 2**21


@dataclass(frozen=True)
class Images:
    """M vectors of F frames, each with K lattice vectors added.

    Attributes:
        distance: float64 [F,M,K], Angstrom.
        base: int64 [F,M,3], lattice vectors that bring a vector near the origin.
        grid: int64 [K,3], lattice vectors added to it then.
    """

    distance: np.ndarray
    base: np.ndarray
    grid: np.ndarray

    def shift(self, frame: np.ndarray, vector: np.ndarray, image: np.ndarray) -> np.ndarray:
        """Lattice vectors of the images that three lists of indices name. int64 [...,3]."""
        return self.base[frame, vector] + self.grid[image]


def images_within(vectors: np.ndarray, cell: np.ndarray, radius: float) -> Images:
    """All images of vectors that are no longer than ``radius``, and further ones.

    Args:
        vectors: float64 [F,M,3], Angstrom.
        cell: float64 [F,3,3], Angstrom; zeros where isolated: then there is one image.
    """
    if not cell.any():
        base = np.zeros(vectors.shape, dtype=np.int64)
        distance = np.linalg.norm(vectors, axis=-1)[..., None]
        return Images(distance, base, np.zeros((1, 3), dtype=np.int64))
    # The image nearest in fractions of the cell; in a skewed cell it need not be the shortest,
    # hence the grid around it.
    base = -np.rint(vectors @ np.linalg.inv(cell)).astype(np.int64)
    near = vectors + base @ cell
    along = [np.arange(-r, r + 1) for r in _reach(cell, radius)]
    grid = np.stack(np.meshgrid(*along, indexing="ij"), axis=-1).reshape(-1, 3)
    distance = np.linalg.norm(near[:, :, None] + (grid @ cell)[:, None], axis=-1)
    return Images(distance, base, grid)


def _reach(cell: np.ndarray, radius: float) -> np.ndarray:
    """Number of cells to look at on either side, along each lattice vector. int64 [3]."""
    # A vector no longer than the radius lies within radius / height cells of the origin; those
    # that lattice vectors are added to lie within half a cell.
    # rows are vectors: the columns of the inverse cell are the reciprocal vectors, of length 1 /
    # height
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=1)
    return np.floor(radius / heights.min(axis=0) + 0.5).astype(np.int64)


def nearest(vectors: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The shortest image of each vector, float64 [F,M], Angstrom, and its shift int64 [F,M,3]."""
    found = images_within(vectors, cell, covering_radius(cell))
    image = found.distance.argmin(axis=-1)
    frame, vector = np.indices(image.shape)
    return found.distance.min(axis=-1), found.shift(frame, vector, image)


def covering_radius(cell: np.ndarray) -> float:
    """A sphere of this radius, Angstrom, holds an image of every point of each cell [F,3,3]."""
    return float(np.linalg.norm(cell, axis=-1).sum(axis=-1).max(initial=0.0)) / 2


def image_count(cell: np.ndarray, radius: float) -> int:
    """Number of images that :func:`images_within` looks at."""
    return int(np.prod(2 * _reach(cell, radius) + 1)) if cell.any() else 1


def chunks(count: int, size: int) -> Iterator[slice]:
    """``count`` things that take ``size`` distances each, in slices that fit into memory."""
    step = max(1, _CHUNK // max(1, size))
    yield from (slice(start, start + step) for start in range(0, count, step))
