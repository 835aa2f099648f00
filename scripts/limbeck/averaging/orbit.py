"""A potential's answers for views of each frame, brought back into the frame."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from limbeck.check.progress import each
from limbeck.frames import Frames, concatenate
from limbeck.potentials.evaluation import in_pieces, predict_or_nan
from limbeck.potentials.heartbeat import beat
from limbeck.potentials.interface import Potential
from limbeck.properties import EFS, Predictions, nothing, property_of, select
from limbeck.seeds import frame_generator
from limbeck.symmetry.interface import Operations, Symmetry

#: Atoms of views that are held at a time: some tens of batches, so that few of them are cut short
#: by the end, and a few megabytes.
CHUNK_ATOMS = 20_000


class Orbit(Predictions):
    """Restored answers of K views of B frames with N atoms in all.

    As :class:`~limbeck.properties.Predictions`, with a first dimension K of every array.
    """


class OrbitPart(NamedTuple):
    """The orbit of some of the frames.

    Attributes:
        members: int64 [b], which.
        orbit: of these.
        whole: the views are the whole group, and no sample of it.
    """

    members: np.ndarray
    orbit: Orbit
    whole: bool


def orbit(
    potential: Potential[Any], frames: Frames, symmetry: Symmetry, k: int, purpose: str
) -> Orbit:
    """Answers for k views of each frame, for a symmetry that acts on a batch.

    The views of a frame come from its id and the purpose alone, so they depend on neither the
    run, nor the shard, nor the frames beside it. Frames that the model fails on have NaN.
    """
    if not len(frames):
        return _empty(frames, k)
    return orbit_of(potential, frames, symmetry, draw(symmetry, frames, k, purpose))


def orbit_of(
    potential: Potential[Any], frames: Frames, symmetry: Symmetry, operations: np.ndarray
) -> Orbit:
    """Answers for given operations [B,K,...] of a symmetry that acts on a batch."""
    result = _empty(frames, operations.shape[1])
    for part in _orbits_by_batch(potential, frames, operations, symmetry):
        _fill(result, frames, part.members, part.orbit)
    return result


def draw(symmetry: Symmetry, frames: Frames, k: int, purpose: str) -> np.ndarray:
    """Operations of a symmetry that acts on batches, [B,k,...]."""
    return np.array(
        [
            symmetry.sample(frames.select([b]), k, frame_generator(frames.id[b], purpose))
            for b in range(len(frames))
        ]
    )


def orbits(
    potential: Potential[Any], frames: Frames, symmetry: Symmetry, k: int, purpose: str
) -> Iterator[OrbitPart]:
    """Answers for views of all frames, in parts, for any symmetry; the memory held stays flat.

    A symmetry whose views are structures of their own (with other atoms or lattices) has the views
    of many frames answered together. Frames that the model fails on have NaN.
    """
    if symmetry.acts_on_batch:
        yield from _orbits_by_batch(potential, frames, draw(symmetry, frames, k, purpose), symmetry)
    else:
        yield from _orbits_by_views(potential, frames, symmetry, k, purpose)


def _orbits_by_batch(
    potential: Potential[Any], frames: Frames, operations: np.ndarray, symmetry: Symmetry
) -> Iterator[OrbitPart]:
    def ask(index: np.ndarray) -> Orbit:
        return _of_batch(potential, frames, symmetry, operations, index)

    if not len(frames):
        return
    count = operations.shape[1]
    batches = each(
        potential.batches(frames),
        f"{count} views of frames",
        "frames",
        len(frames),
        amount=len,
        atoms=lambda batch: count * int(frames.n_atoms[batch].sum()),
    )
    for batch in batches:
        for piece in in_pieces(potential, frames, batch, ask):
            found = piece.answer
            if found is None:
                found = _empty(frames.select(piece.members), count)
            yield OrbitPart(piece.members, found, whole=False)


def _of_batch(
    potential: Potential[Any],
    frames: Frames,
    symmetry: Symmetry,
    operations: np.ndarray,
    index: np.ndarray,
) -> Orbit:
    """The orbit of the frames of one batch, prepared once."""
    part = frames.select(index)
    count = operations.shape[1]
    result = Orbit()
    batch = potential.prepare(part)
    for k in range(count):
        chosen = operations[index, k]
        answers = potential.evaluate(symmetry.apply_to_batch(potential, batch, chosen))
        beat()
        answers = symmetry.restore_batch(chosen, answers, part.n_atoms)
        for name, value in answers.values.items():
            # Made at the first view, when it is known which properties the potential predicts.
            whole = result.values.setdefault(name, np.full((count, *value.shape), np.nan))
            whole[k] = value
    return result


def _orbits_by_views(
    potential: Potential[Any], frames: Frames, symmetry: Symmetry, k: int, purpose: str
) -> Iterator[OrbitPart]:
    waiting: list[tuple[int, Operations, Frames]] = []
    atoms = 0
    for b in each(range(len(frames)), f"{k} views of frames", "frames"):
        frame = frames.select([b])
        operations = symmetry.sample(frame, k, frame_generator(frames.id[b], purpose))
        views = symmetry.views(frame, operations)
        waiting.append((b, operations, views))
        atoms += len(views.numbers)
        if atoms >= CHUNK_ATOMS:
            yield from _answered(potential, symmetry, waiting)
            waiting, atoms = [], 0
    if waiting:
        yield from _answered(potential, symmetry, waiting)


def _answered(
    potential: Potential[Any],
    symmetry: Symmetry,
    waiting: list[tuple[int, Operations, Frames]],
) -> Iterator[OrbitPart]:
    """The orbit of each frame that waits, all their views answered together."""
    views = concatenate([v for _, _, v in waiting])
    answers = predict_or_nan(potential, views)
    first = 0
    for b, operations, own in waiting:
        rows = range(first, first + len(own))
        first += len(own)
        restored = [
            symmetry.restore(g, _one(answers, views, row)).values
            for g, row in zip(operations, rows, strict=True)
        ]
        found = {name: np.stack([r[name] for r in restored]) for name in restored[0]}
        yield OrbitPart(np.array([b]), Orbit(values=found), symmetry.is_whole(operations))


def _one(answers: Predictions, views: Frames, row: int) -> Predictions:
    return Predictions(values=select(answers.values, views.rows_of_one(row)))


def _fill(result: Orbit, frames: Frames, index: np.ndarray, part: Orbit) -> None:
    rows = frames.rows(index)
    for name, value in part.values.items():
        of = property_of(name)
        empty = np.full((len(value), of.of(frames.counts), *value.shape[2:]), np.nan)
        result.values.setdefault(name, empty)[:, of.of(rows)] = value


def _empty(frames: Frames, k: int) -> Orbit:
    values = nothing(EFS, frames.counts)
    return Orbit(values={name: np.stack([value] * k) for name, value in values.items()})
