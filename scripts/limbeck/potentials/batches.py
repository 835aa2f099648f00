"""Cut frames into batches, by atoms, by neighbours, and by periodicity."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from limbeck.frames import Frames


class Limits(NamedTuple):
    """Limits of a batch of more than one frame.

    Attributes:
        atoms: of all its frames.
        neighbours: of all its atoms, as :func:`estimated_neighbours` counts them.
    """

    atoms: int
    neighbours: float = float("inf")


def cut_batches(
    n_atoms: np.ndarray,
    periodic: np.ndarray,
    limits: dict[bool, Limits],
    neighbours: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """Cut frames into batches within the limits of their kind, or of one larger frame.

    Isolated and periodic frames never share a batch; inside a kind frames go by size, so
    that a batch holds structures of like size. Yields int64 indices into the frames.

    Args:
        n_atoms: int [B]; periodic: bool [B].
        limits: of periodic (True) and of isolated frames (False).
        neighbours: float [B]; not looked at where it is not given.
    """
    counted = np.zeros(len(n_atoms)) if neighbours is None else neighbours
    for kind, limit in limits.items():
        members = np.flatnonzero(np.asarray(periodic) == kind)
        # Stable: frames of equal size keep their order, so that the same frames always make the
        # same batches, and the same last bits.
        members = members[np.argsort(np.asarray(n_atoms)[members], kind="stable")]
        batch: list[int] = []
        atoms, pairs = 0, 0.0
        for b in members:
            atoms, pairs = atoms + int(n_atoms[b]), pairs + float(counted[b])
            # An empty batch takes any frame, so that one larger than the limits goes alone.
            if batch and (atoms > limit.atoms or pairs > limit.neighbours):
                yield np.array(batch, dtype=np.int64)
                batch, atoms, pairs = [], int(n_atoms[b]), float(counted[b])
            batch.append(int(b))
        if batch:
            yield np.array(batch, dtype=np.int64)


def batches_of(frames: "Frames", max_atoms: int) -> Iterator[np.ndarray]:
    """Indices of batches with at most ``max_atoms`` atoms, see :func:`cut_batches`."""
    limit = Limits(max_atoms)
    yield from cut_batches(frames.n_atoms, frames.periodic, {True: limit, False: limit})


def estimated_neighbours(
    frames: "Frames", cutoff: float, max_neighbours: int | None = None
) -> np.ndarray:
    """Estimated number of neighbours of all atoms of each frame. float [B].

    Nothing is searched. Each of the n atoms counts the atoms in a sphere of the cut-off at the mean
    density, 4/3 pi r^3 n / V; in an isolated frame, the n - 1 others. For a cell with vacuum the
    estimate is too low.

    Args:
        cutoff: Angstrom, may be infinite.
        max_neighbours: most that a model keeps of one atom.
    """
    others = frames.n_atoms - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):  # isolated frames have no volume
        sphere = 4 / 3 * np.pi * cutoff**3 * frames.n_atoms / np.abs(np.linalg.det(frames.cell))
    within = np.where(frames.periodic & np.isfinite(sphere), sphere, others)
    return frames.n_atoms * np.minimum(within, np.inf if max_neighbours is None else max_neighbours)
