"""Conservativity: the work that forces do around a closed loop, which of a gradient is none.

The loop is a circle around the frame in the 3N-dimensional space of its atoms,

    x(t) = x0 + a (u cos t + v sin t),

with u and v random orthonormal directions and a = sqrt(N) * :data:`AMPLITUDE`, so that the root
mean square displacement of an atom is ``AMPLITUDE`` all along. The work divided by the length of
the path is the mean of the force along the path, F(x(t)).(v cos t - u sin t), in eV/Angstrom. It
grows with the radius, as the work of a curl does: figures of two amplitudes cannot be compared.

The mean over n equally spaced points is the trapezoidal rule, which for a smooth periodic integrand
converges faster than any power of the step: there is no leading power that an extrapolation could
take away. (Lennard-Jones: 1e-3, 1e-7, 1e-16 eV/Angstrom with 4, 8, 16 points. CHGNet, less smooth,
comes to 0.3 meV/Angstrom with 64.) So points are doubled, those at hand are used again, and the
change from n to 2n (Richardson's estimate) tells the error. A change can be small by chance: in a
trial with CHGNet one loop of five changed by 0.8 meV/Angstrom and was off by 12. So the error is
not believed to have fallen by more than a factor 4 in a doubling, as of a rule of second order.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from limbeck.frames import Frames
from limbeck.potentials.evaluation import predict_or_nan
from limbeck.potentials.interface import Potential
from limbeck.seeds import frame_generator
from limbeck.warrant.measure import Sums
from limbeck.warrant.on_frames import MEV, measure_gap_of, per_frame, size
from limbeck.warrant.statistics import Estimate, entry_of

#: Angstrom; root mean square displacement of an atom, as of a stiff solid at room temperature: what
#: a step of dynamics explores, and where the frames that were measured on still stand for it.
AMPLITUDE = 0.05
LOOPS_PER_FRAME = 1
FIRST_POINTS = 4
LAST_POINTS = 64
#: A loop is done where its error is less than this part of its value, ...
TOLERANCE = 0.1
#: ... or of the force along it: some tens of times the rounding of float32.
_FLOOR = 1e-5
#: Frames that loops are laid around, the first of those given: one takes 16 to 64 evaluations.
_MOST_FRAMES = 50


def measure_conservativity(potentials: Sequence[Potential[Any]], frames: Frames) -> dict[str, Any]:
    """The gap "conservativity", as it stands in ``warrant/**/*.json``.

    ``work``: root mean square over frames of the work around a loop by the length of its path,
    with its ``numerical_error``. A conservative potential has no more work than error.
    ``relative``: to the force along the path.
    """
    return measure_gap_of(
        "conservativity",
        potentials,
        frames,
        work,
        _figures,
        needs=("work",),
        most=_MOST_FRAMES,
        n_views=LOOPS_PER_FRAME,
    )


def work(potential: Potential[Any], frames: Frames) -> Sums:
    """Squares of the work by path length, of its error, of the force along it; points. [B] each."""
    found = around(potential, frames, *directions(frames))
    return {
        "work": found.mean**2,
        "error": found.error**2,
        "forces_square": found.square,
        "evaluations": found.points,
    }


class Loops(NamedTuple):
    """One loop around each of B frames.

    Attributes:
        mean: of the force along the path, which is the work by its length, eV/Angstrom. [B]
        error: of this mean, eV/Angstrom. [B]
        square: mean square of the force along the path, (eV/Angstrom)^2. [B]
        points: evaluations. [B]
    """

    mean: np.ndarray
    error: np.ndarray
    square: np.ndarray
    points: np.ndarray


def around(
    potential: Potential[Any],
    frames: Frames,
    u: np.ndarray,
    v: np.ndarray,
    last_points: int = LAST_POINTS,
) -> Loops:
    """The work around a loop in the plane of u and v, [N,3] each, as :func:`directions` has them.

    Points are doubled up to ``last_points``.
    """
    n = FIRST_POINTS
    mean, square = _along(potential, frames, u, v, _angles(n))
    change = np.full(len(frames), np.inf)  # of the mean, in the last doubling
    error = change.copy()
    points = np.full(len(frames), n)
    active = np.arange(len(frames))
    while len(active) and n < last_points:
        atoms = np.isin(frames.frame_of_atom, active)
        between = _angles(n) + np.pi / n
        new, new_square = _along(potential, frames.select(active), u[atoms], v[atoms], between)
        before = change[active]
        change[active] = np.abs(new - mean[active]) / 2  # mean over 2n points, less that over n
        error[active] = np.maximum(change[active], before / 4)
        mean[active] = (mean[active] + new) / 2
        square[active] = (square[active] + new_square) / 2
        n *= 2
        points[active] = n
        enough = np.maximum(TOLERANCE * np.abs(mean), _FLOOR * np.sqrt(square))
        active = active[error[active] > enough[active]]
    return Loops(mean, error, square, points)


def directions(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    """Two random directions a frame, orthogonal, each of root mean square 1 an atom. [N,3]"""
    drawn = [
        frame_generator(id, "gap/conservativity").standard_normal((2, n, 3))
        for id, n in zip(frames.id.tolist(), frames.n_atoms.tolist(), strict=True)
    ]
    u, v = np.concatenate(drawn, axis=1) if drawn else np.zeros((2, 0, 3))
    u = _unit(u, frames)
    v = v - u * _dot(u, v, frames)[frames.frame_of_atom, None] / _atoms(frames)
    return u, _unit(v, frames)


def _along(
    potential: Potential[Any], frames: Frames, u: np.ndarray, v: np.ndarray, angles: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean over angles of the force along the path, and of its square. [B] each."""
    found = np.empty((len(angles), len(frames)))
    for i, angle in enumerate(angles):
        shift = AMPLITUDE * (u * np.cos(angle) + v * np.sin(angle))
        forces = predict_or_nan(
            potential, replace(frames, positions=frames.positions + shift)
        ).forces
        tangent = v * np.cos(angle) - u * np.sin(angle)
        found[i] = _dot(forces, tangent, frames) / np.sqrt(frames.n_atoms)
    return found.mean(axis=0), (found**2).mean(axis=0)


def _angles(n: int) -> np.ndarray:
    return 2 * np.pi * np.arange(n) / n


def _dot(a: np.ndarray, b: np.ndarray, frames: Frames) -> np.ndarray:
    """Scalar products over the atoms of each frame. [N,3], [N,3] -> [B]"""
    return per_frame(a * b, frames)


def _unit(values: np.ndarray, frames: Frames) -> np.ndarray:
    """Scaled so that the root mean square length of an atom's vector is 1 in each frame."""
    length = np.sqrt(_dot(values, values, frames) / frames.n_atoms)
    return values / length[frames.frame_of_atom, None]


def _atoms(frames: Frames) -> np.ndarray:
    """Number of atoms of each atom's frame. [N,1]"""
    return np.asarray(frames.n_atoms[frames.frame_of_atom, None])


def _figures(sums: Sums, frames: Frames) -> dict[str, Any]:
    ones = np.ones(len(frames))
    found = size(sums["work"], sums["forces_square"], ones, frames, "meV/A", MEV)
    if found is None:
        return {"work": None}
    points = float(sums["evaluations"].mean())
    error = float(np.sqrt(sums["error"].mean())) * MEV
    return {
        "work": found
        | {
            "numerical_error": entry_of(Estimate(error), "meV/A"),
            "n_points": points,
            "step_A": 2 * np.pi * AMPLITUDE / points,
            "extrapolated": False,
        }
    }
