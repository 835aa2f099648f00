"""Rattled frames: Gaussian displacements of the atoms and a random strain of the cell."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from limbeck import seeds
from limbeck.check.progress import each
from limbeck.config.jobs import SampleFrames
from limbeck.config.sections.sampling import Rattle
from limbeck.frames import Frames, atom_rows, derive
from limbeck.geometry import shortest_distance_ratio, vacuum_axes
from limbeck.sampling import Sample

#: Draws of one child before it is given up.
MAX_DRAWS = 20
_COLUMNS = ("id", "n_atoms", "frames", "set_aside", "drawn_again")


def sample(frames: Frames, own: Rattle, job: SampleFrames) -> Sample:
    """Rattled children of every frame.

    The random numbers of a child depend only on its parent's id and its own number, not on the
    shard or the other structures in it.

    Args:
        settings: seed, sampling, and the fields of ``method: rattle``.
    """
    parents = frames.select(np.repeat(np.arange(len(frames)), own.n_frames))
    rngs = _generators(parents, own.n_frames, job.seed, f"sample_rattle/{own.name}")
    positions, cell, draws, good = draw_apart(parents, own, rngs)
    children = derive(parents, positions, cell, sampling=own.name, seed=job.seed)
    return Sample(children.select(good), _COLUMNS, _summary(frames, own.n_frames, draws, good))


def rattled(
    frames: Frames,
    standard_deviation: float,
    strain: float,
    rngs: Sequence[np.random.Generator],
) -> tuple[np.ndarray, np.ndarray]:
    """One draw for every frame: strain first, displacements after.

    The strain e is symmetric, with e_ii of standard deviation ``strain`` and e_ij of
    strain / sqrt(2): the one such distribution that prefers no direction. Lattice vectors
    and positions (rows) are multiplied by 1 + e. That of a slab or wire is in its plane, or along
    its axis.

    Args:
        frames: B frames with N atoms in all.
        standard_deviation: Angstrom, of each component of each atom's displacement.
        rngs: B generators.

    Returns:
        positions float64 [N,3] and cell float64 [B,3,3], Angstrom.
    """
    positions, cell = frames.positions.copy(), frames.cell.copy()
    offsets, periodic, across = frames.offsets, frames.periodic, vacuum_axes(frames)
    for b, rng in enumerate(each(rngs, "displacements", "structures")):
        rows = slice(offsets[b], offsets[b + 1])
        if periodic[b] and strain > 0:
            # Symmetric, since the antisymmetric part would only rotate the crystal.
            along = _projection(cell[b][~across[b]])
            deformation = np.eye(3) + along @ _symmetric(rng, strain) @ along
            # Rows times the matrix: positions and cell strain together, fractional coordinates
            # stay.
            cell[b] = cell[b] @ deformation
            positions[rows] = positions[rows] @ deformation
        positions[rows] += rng.normal(0.0, standard_deviation, (frames.n_atoms[b], 3))
    return positions, cell


def _projection(vectors: np.ndarray) -> np.ndarray:
    """Onto the space of lattice vectors [k,3]: a slab is strained in its plane alone. [3,3]."""
    if len(vectors) == 3:
        return np.eye(3)
    basis = np.linalg.qr(vectors.T)[0]
    return np.asarray(basis @ basis.T)


def draw_apart(
    parents: Frames, own: Rattle, rngs: Sequence[np.random.Generator]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw every frame until no two atoms are nearer than ``min_distance_ratio``.

    Returns:
        positions [N,3], cell [B,3,3], number of draws int [B], and good bool [B]: false
        where none of :data:`MAX_DRAWS` draws held.
    """
    positions, cell = parents.positions.copy(), parents.cell.copy()
    draws = np.zeros(len(parents), dtype=int)
    good = np.zeros(len(parents), dtype=bool)
    limit = own.min_distance_ratio
    # Rejection cuts off part of the distribution; the summary says how many draws it took.
    for _ in range(MAX_DRAWS):
        todo = np.flatnonzero(~good)
        if not len(todo):
            break
        part = parents.select(todo)
        # A generator goes on where it stopped: a second draw is another one, and does not depend
        # on which other frames were drawn again.
        new = rattled(part, own.standard_deviation_A, own.strain, [rngs[int(b)] for b in todo])
        positions[atom_rows(parents.offsets, todo)], cell[todo] = new
        draws[todo] += 1
        moved = replace(part, positions=new[0], cell=new[1])
        good[todo] = shortest_distance_ratio(moved, limit) >= limit
    return positions, cell, draws, good


def _generators(parents: Frames, frames: int, seed: int, purpose: str) -> list[np.random.Generator]:
    return [
        seeds.generator(seed, f"{purpose}/{parent.decode()}/{b % frames}")
        for b, parent in enumerate(parents.id)
    ]


def _symmetric(rng: np.random.Generator, standard_deviation: float) -> np.ndarray:
    """Random symmetric [3,3] whose distribution no rotation changes."""
    draw = rng.normal(0.0, standard_deviation, (3, 3))
    # The mean of two independent entries has 1/sqrt(2) of their deviation: the isotropic
    # distribution of symmetric matrices (Gaussian orthogonal ensemble).
    return (draw + draw.T) / 2


def _summary(frames: Frames, count: int, draws: np.ndarray, good: np.ndarray) -> list[list[Any]]:
    kept = good.reshape(-1, count).sum(axis=1)
    # every child is drawn at least once
    again = draws.reshape(-1, count).sum(axis=1) - count
    return [
        [
            frames.id[b].decode(),
            int(frames.n_atoms[b]),
            int(kept[b]),
            int(count - kept[b]),
            int(again[b]),
        ]
        for b in range(len(frames))
    ]
