"""Consistency: forces against slopes of the energy, and the stress against strained energies.

A slope along a random direction e of all atoms is taken from central differences,

    D(h) = (E(x + h e) - E(x - h e)) / (2 h),    R = (4 D(h) - D(2h)) / 3   (Richardson),

and F.e + R is what the force is wrong by in this direction. Random directions, and not single
coordinates: in the mean over directions the square is that over all components, and at the same
displacement of each atom the energy changes by sqrt(N) as much, which stands out of the
rounding of a float32 energy. So with the stress: along a random symmetric strain of
Frobenius norm 1, V S:e - dE/de.

The step is chosen on a few frames from a ladder: where R changes least from one step to the next.
Below it the rounding of the energy is larger, above it what Richardson leaves. The change there
is the error that is given beside the value.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from ase.units import GPa

from limbeck.frames import Frames, concatenate
from limbeck.geometry import voigt_to_stress, volumes
from limbeck.potentials.evaluation import predict_or_nan
from limbeck.potentials.interface import Potential
from limbeck.seeds import frame_generator
from limbeck.warrant.measure import Sums
from limbeck.warrant.on_frames import (
    MEV,
    force_size,
    known_frames,
    measure_gap_of,
    per_frame,
    slabs,
    stress_size,
)
from limbeck.warrant.statistics import Estimate, entry_of

DIRECTIONS_PER_FRAME = 3
#: Frames that are measured, the first of those given: one takes 25 evaluations.
_MOST_FRAMES = 50
#: frames that a step is chosen on
LADDER_FRAMES = 8
#: Angstrom; root mean square displacement of an atom
STEPS_A = 0.001 * 2.0 ** np.arange(7)
#: no unit; Frobenius norm of the strain
STEPS_STRAIN = 0.00025 * 2.0 ** np.arange(7)

#: Frames moved by some size along their direction of some number.
Move = Callable[[Frames, int, float], Frames]


class Step(NamedTuple):
    """A step of the ladder, and the root mean square error of a component found with it."""

    size: float
    error: float


def measure_consistency(potentials: Sequence[Potential[Any]], frames: Frames) -> dict[str, Any]:
    """The gap "consistency", as it stands in ``warrant/**/*.json``.

    ``forces``: root mean square over the components of all atoms, ``stress``: over the nine
    components of periodic frames that are no slabs; each with its step and error.
    A model whose forces are no gradient (see conservativity) cannot be consistent.
    """
    known = frames.select(known_frames(potentials, frames))
    step = choose_step(potentials, known, displaced, STEPS_A)
    strain = choose_step(potentials, known.select(stressed(known)), strained, STEPS_STRAIN)
    return measure_gap_of(
        "consistency",
        potentials,
        frames,
        partial(inconsistency, step=step.size, strain=strain.size),
        partial(_figures, step=step, strain=strain),
        needs=("forces",),
        most=_MOST_FRAMES,
        n_views=DIRECTIONS_PER_FRAME,
    )


def inconsistency(potential: Potential[Any], frames: Frames, step: float, strain: float) -> Sums:
    """Squares of what forces and stress are wrong by, over the components of a frame. [B] each."""
    own = predict_or_nan(potential, frames)
    wrong = [
        per_frame(own.forces * directions(frames, number), frames)
        + richardson(potential, frames, displaced, number, step)
        for number in range(DIRECTIONS_PER_FRAME)
    ]
    has_stress = stressed(frames) & potential.about.has_stress
    return {
        # a direction is of length sqrt(N) in 3N dimensions: the mean square is |wrong|^2 / 3
        "forces": 3 * np.mean(np.square(wrong), axis=0),
        "forces_square": per_frame(own.forces**2, frames),
        **_stress_sums(potential, frames, has_stress, own.stress, strain),
        # itself, and four points of each slope
        "evaluations": 1 + 4 * DIRECTIONS_PER_FRAME * (1 + has_stress),
    }


def _stress_sums(
    potential: Potential[Any], frames: Frames, used: np.ndarray, stress: np.ndarray, strain: float
) -> Sums:
    """As :func:`inconsistency`; NaN where ``used`` [B] is false."""
    sums = {name: np.full(len(frames), np.nan) for name in ("stress", "stress_square")}
    if used.any():
        part, own = frames.select(used), voigt_to_stress(stress[used])
        wrong = [
            np.einsum("bij,bij->b", own, strains(part, number))
            - richardson(potential, part, strained, number, strain) / volumes(part)
            for number in range(DIRECTIONS_PER_FRAME)
        ]
        # a strain is of length 1 in the six dimensions of symmetric tensors
        sums["stress"][used] = 6 * np.mean(np.square(wrong), axis=0)
        sums["stress_square"][used] = (own**2).sum(axis=(1, 2))
    return sums


def choose_step(
    potentials: Sequence[Potential[Any]], frames: Frames, move: Move, steps: np.ndarray
) -> Step:
    """The step of ``steps`` (each twice the one before) at which slopes are most certain.

    Over the first :data:`LADDER_FRAMES` frames and all potentials; the error is in eV/Angstrom for
    displacements, eV/Angstrom^3 for strains, of one component.
    """
    few = frames.select(np.arange(min(len(frames), LADDER_FRAMES)))
    if not len(few):
        return Step(np.nan, np.nan)
    # how much of a change in a slope there is in a component: see ``inconsistency``
    share = 6 / 9 / volumes(few) ** 2 if move is strained else 1 / few.n_atoms
    changes = []
    for potential in potentials:
        for number in range(DIRECTIONS_PER_FRAME):
            found = np.stack([_difference(potential, few, move, number, h) for h in steps])
            better = (4 * found[:-1] - found[1:]) / 3
            changes.append((better[:-1] - better[1:]) ** 2 * share)  # [steps - 2,B]
    errors = np.sqrt(np.nanmean(changes, axis=(0, 2)))
    best = int(np.argmin(errors))
    return Step(float(steps[best]), float(errors[best]))


def richardson(
    potential: Potential[Any], frames: Frames, move: Move, number: int, step: float
) -> np.ndarray:
    """Slope of the energy at the frames along a direction, from steps h and 2h. [B]"""
    near, far = (_difference(potential, frames, move, number, h) for h in (step, 2 * step))
    return (4 * near - far) / 3


def _difference(
    potential: Potential[Any], frames: Frames, move: Move, number: int, step: float
) -> np.ndarray:
    """Central difference of the energy along a direction. [B]"""
    both = concatenate([move(frames, number, step), move(frames, number, -step)])
    up, down = np.split(predict_or_nan(potential, both).energy, 2)
    return np.asarray((up - down) / (2 * step))


def displaced(frames: Frames, number: int, size: float) -> Frames:
    """All atoms moved; ``size`` in Angstrom, root mean square."""
    return replace(frames, positions=frames.positions + size * directions(frames, number))


def strained(frames: Frames, number: int, size: float) -> Frames:
    """Cells and atoms strained; ``size`` is the Frobenius norm of the strain."""
    grown = np.eye(3) + size * strains(frames, number)  # [B,3,3], symmetric
    positions = np.einsum("ni,nij->nj", frames.positions, grown[frames.frame_of_atom])
    return replace(frames, positions=positions, cell=frames.cell @ grown)


def directions(frames: Frames, number: int) -> np.ndarray:
    """A random direction of each frame, root mean square 1 an atom. float64 [N,3]"""
    drawn = [
        _generator(frames.id[b], "forces", number).standard_normal((n, 3))
        for b, n in enumerate(frames.n_atoms)
    ]
    return np.concatenate([d / np.sqrt((d**2).sum() / len(d)) for d in drawn])


def strains(frames: Frames, number: int) -> np.ndarray:
    """A random symmetric strain of each frame, Frobenius norm 1. float64 [B,3,3]

    Symmetrised Gaussian matrices: no rotation changes their distribution.
    """
    drawn = [_generator(id, "stress", number).standard_normal((3, 3)) for id in frames.id.tolist()]
    symmetric = [d + d.T for d in drawn]
    return np.array([s / np.linalg.norm(s) for s in symmetric]).reshape(-1, 3, 3)


def _generator(id: bytes, of: str, number: int) -> np.random.Generator:
    return frame_generator(id, f"gap/consistency/{of}/{number}")


def stressed(frames: Frames) -> np.ndarray:
    """bool [B]: periodic, and no slab, whose stress means nothing."""
    return np.asarray(frames.periodic & ~slabs(frames))


def _figures(sums: Sums, frames: Frames, step: Step, strain: Step) -> dict[str, Any]:
    forces, stress = force_size(sums, frames), stress_size(sums, frames)
    if forces is not None:
        error = entry_of(Estimate(step.error * MEV), "meV/A")
        forces |= {"numerical_error": error, "step_A": step.size, "extrapolated": True}
    if stress is not None:
        error = entry_of(Estimate(strain.error / GPa), "GPa")
        stress |= {"numerical_error": error, "step_strain": strain.size, "extrapolated": True}
    return {"forces": forces, "stress": stress}
