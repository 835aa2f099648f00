"""Frames as points of a few numbers, on disk: any number of them in memory that stays the same.

The point of a frame is the sum over its elements of the mean descriptor of their atoms, weighted
with their share of all atoms and projected by a random matrix of the element's own. Distances stay
what they are to about 10 % (Johnson and Lindenstrauss), an atom of one element is never taken for
one of another, and no element needs to be known beforehand.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import IO, Literal

import numpy as np

from limbeck.check.progress import Progress
from limbeck.errors import LimbeckError
from limbeck.frames import Frames

#: numbers of a point
WIDTH = 128
#: points that are in memory at once
CHUNK = 4096

Descriptors = Literal["distances", "kept"]


@dataclass(frozen=True)
class Points:
    """Frames as points, and what is known of them without looking at their atoms.

    Attributes:
        id: bytes [B].
        source: bytes [B].
        values: float32 [B,F], on disk; none where frames are chosen without.
    """

    id: np.ndarray
    source: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.id)


def chunks(values: np.ndarray, rows: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """The rows (all where not given) in turn, few at once."""
    count = len(values) if rows is None else len(rows)
    for start in range(0, count, CHUNK):
        part = slice(start, start + CHUNK)
        yield np.asarray(values[part] if rows is None else values[rows[part]])


@contextmanager
def points_of(parts: Iterable[Frames], descriptors: Descriptors | None) -> Iterator[Points]:
    """The frames of all parts as points; a frame that comes twice is there once.

    Args:
        descriptors: "distances", sorted distances to neighbours, or "kept", those of a potential
            that samplings kept; none, for those that are chosen without.
    """
    with tempfile.TemporaryFile() as file, Progress("descriptors", 0, "frames") as progress:
        ids, sources, seen = [], [], set[bytes]()
        for part in parts:
            first = np.array([i not in seen for i in part.id.tolist()], dtype=bool)
            first &= np.isin(np.arange(len(part)), np.unique(part.id, return_index=True)[1])
            seen |= set(part.id.tolist())
            progress.total += int(first.sum())
            for frames in _few(part.select(first)):
                if descriptors:
                    _append(file, point(frames, descriptors))
                progress.add(len(frames))
            ids.append(part.id[first])
            sources.append(part.source[first])
        count = sum(map(len, ids)) if descriptors else 0
        none = np.array([], dtype="S1")
        yield Points(
            np.concatenate([none, *ids]), np.concatenate([none, *sources]), _on_disk(file, count)
        )


def _few(frames: Frames) -> Iterator[Frames]:
    for start in range(0, len(frames), CHUNK):
        yield frames.select(np.arange(start, min(start + CHUNK, len(frames))))


def _append(file: IO[bytes], values: np.ndarray) -> None:
    file.write(np.ascontiguousarray(values, dtype=np.float32).tobytes())


def _on_disk(file: IO[bytes], count: int) -> np.ndarray:
    if not count:  # which numpy does not map
        return np.zeros((0, WIDTH), np.float32)
    file.flush()
    return np.memmap(file, np.float32, "r", shape=(count, WIDTH))


def point(frames: Frames, descriptors: Descriptors) -> np.ndarray:
    """A point for each frame. float32 [B,WIDTH]."""
    found = by_distances(frames) if descriptors == "distances" else _kept(frames)
    values = np.zeros((len(frames), WIDTH))
    for z in np.unique(frames.numbers):
        rows = frames.numbers == z
        sums = np.zeros((len(frames), found.shape[1]))
        np.add.at(sums, frames.frame_of_atom[rows], found[rows])
        values += sums @ _projection(int(z), found.shape[1])
    return (values / np.maximum(frames.n_atoms, 1)[:, None]).astype(np.float32)


def by_distances(frames: Frames) -> np.ndarray:
    """Sorted distances of each atom to its 32 nearest neighbours, and of these to each other.

    Those of quests (Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025)), weighted to zero at 5 A.
    float64 [N,63], 1/Angstrom.
    """
    from quests.descriptor import descriptor_nopbc, descriptor_pbc

    offsets, found = frames.offsets, [np.zeros((0, 63))]
    for b in range(len(frames)):
        positions = frames.positions[offsets[b] : offsets[b + 1]]
        if not len(positions):
            continue
        parts = (
            descriptor_pbc(positions, cell=frames.cell[b])
            if frames.periodic[b]
            else descriptor_nopbc(positions)
        )
        found.append(np.concatenate(parts, axis=1))
    return np.concatenate(found)


def _kept(frames: Frames) -> np.ndarray:
    found = frames.atom_extra.get("descriptors")
    if found is None:
        if not len(frames):
            return np.zeros((0, 1))
        name = frames.sampling[0].decode()
        raise LimbeckError(f"frames of {name}: no descriptors, expected keep: [descriptors]")
    return found


@cache
def _projection(element: int, width: int) -> np.ndarray:
    """The matrix of an element, the same in every run. float64 [width,WIDTH]."""
    rng = np.random.Generator(np.random.PCG64([element, width]))
    return rng.normal(size=(width, WIDTH)) / np.sqrt(WIDTH)
