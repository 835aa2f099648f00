"""A potential's answers over views of each frame, brought back into the frame."""

from typing import NamedTuple

import numpy as np

from limbeck.frames import Frames, atom_rows
from limbeck.potentials.interface import Potential
from limbeck.seeds import frame_generator
from limbeck.symmetry.interface import Symmetry
from limbeck.symmetry.rotation import Rotation
from limbeck.warrant import views_of


class Orbit(NamedTuple):
    """Restored answers of K views of B frames with N atoms in all.

    Attributes:
        energy: float64 [K,B], eV.
        forces: float64 [K,N,3], eV/Angstrom.
        stress: float64 [K,B,6], eV/Angstrom^3, Voigt; NaN where there is none.
    """

    energy: np.ndarray
    forces: np.ndarray
    stress: np.ndarray


def orbit(potential: Potential, frames: Frames, symmetry: Symmetry, k: int, purpose: str) -> Orbit:
    """Answers for k views of each frame.

    The views of a frame come from its id and the purpose alone, so they depend on neither the
    run, nor the shard, nor the frames beside it.
    """
    if not len(frames):
        return _empty(frames, k)
    if not symmetry.acts_on_batch:
        return _orbit_one_by_one(potential, frames, symmetry, k, purpose)
    return _orbit_by_batch(potential, frames, symmetry, draw(symmetry, frames, k, purpose))


def draw(symmetry: Symmetry, frames: Frames, k: int, purpose: str) -> np.ndarray:
    """Operations of a symmetry that acts on batches, [B,k,...]."""
    return np.array(
        [
            symmetry.sample(frames.select([b]), k, frame_generator(frames.id[b], purpose))
            for b in range(len(frames))
        ]
    )


def orbit_predictions(potential: Potential, frames: Frames, matrices: np.ndarray) -> Orbit:
    """Answers for given views, each batch prepared once and turned K times.

    Args:
        matrices: float64 [B,K,3,3], orthogonal, proper or not.
    """
    return _orbit_by_batch(potential, frames, Rotation(), matrices)


def _orbit_by_batch(
    potential: Potential, frames: Frames, symmetry: Symmetry, operations: np.ndarray
) -> Orbit:
    result = _empty(frames, operations.shape[1])
    offsets = frames.offsets
    for index in frames.batches(potential.batch_atoms):
        rows = atom_rows(offsets, index)
        batch = potential.prepare(frames.select(index))
        for k in range(operations.shape[1]):
            chosen = operations[index, k]
            answers = potential.evaluate(symmetry.apply_to_batch(potential, batch, chosen))
            answers = symmetry.restore_batch(chosen, answers, frames.n_atoms[index])
            result.energy[k, index] = answers.energy
            result.forces[k, rows] = answers.forces
            result.stress[k, index] = answers.stress
    return result


def _orbit_one_by_one(
    potential: Potential, frames: Frames, symmetry: Symmetry, k: int, purpose: str
) -> Orbit:
    result = _empty(frames, k)
    for b in range(len(frames)):
        rng = frame_generator(frames.id[b], purpose)
        answers = views_of(potential.predict, symmetry, frames.select([b]), k, rng)
        result.energy[:, b] = [a.energy[0] for a in answers]
        result.forces[:, frames.atoms_of(b)] = [a.forces for a in answers]
        result.stress[:, b] = [a.stress[0] for a in answers]
    return result


def _empty(frames: Frames, k: int) -> Orbit:
    return Orbit(
        energy=np.full((k, len(frames)), np.nan),
        forces=np.full((k, len(frames.numbers), 3), np.nan),
        stress=np.full((k, len(frames), 6), np.nan),
    )
