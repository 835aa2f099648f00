"""Points around molecules where electrostatic potentials are asked for: Merz-Kollman shells.

Singh and Kollman, J. Comput. Chem. 5, 129 (1984): spheres about every atom, of 1.4, 1.6, 1.8 and
2.0 times its van der Waals radius, without what lies inside of another atom's sphere of the same
shell.
"""

from collections.abc import Sequence

import numpy as np
from ase.data import chemical_symbols
from ase.data.vdw import vdw_radii

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.seeds import frame_generator
from limbeck.symmetry.rotation import haar_rotations

#: purpose of the random numbers that orient the spheres of each frame
PURPOSE = "label/esp"
#: on the smallest sphere that is made
FEWEST_POINTS = 8
#: Angstrom; a sphere's own points lie on it, and rounding may put them inside
HAIR_A = 1e-6


def radii(numbers: np.ndarray) -> np.ndarray:
    """Van der Waals radii, Angstrom: Bondi's, J. Phys. Chem. 68, 441 (1964), and for what he has
    not those of Mantina et al., J. Phys. Chem. A 113, 5806 (2009), as ASE has both. float64 [n]

    Raises:
        LimbeckError: an element has none.
    """
    found = vdw_radii[numbers]
    without = sorted(set(numbers[~np.isfinite(found)].tolist()))
    if without:
        symbols = ", ".join(chemical_symbols[z] for z in without)
        raise LimbeckError(
            f"{symbols}: no van der Waals radius is known, which points around a molecule need"
        )
    return found


def sphere(count: int) -> np.ndarray:
    """Points on the unit sphere, nearly equal areas each, on a Fibonacci spiral. float64 [n,3]"""
    place = np.arange(count) + 0.5
    z = 1 - 2 * place / count
    angle = np.pi * (1 + 5**0.5) * place
    radius = np.sqrt(1 - z**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)


def shell(
    numbers: np.ndarray, positions: np.ndarray, scale: float, density: float, turn: np.ndarray
) -> np.ndarray:
    """Points at ``scale`` times the radii of the nearest atoms, Angstrom. float64 [g,3]

    Args:
        numbers, positions: int [n], float64 [n,3], Angstrom.
        density: points per square Angstrom.
        turn: float64 [3,3], how the spheres are turned.

    Raises:
        LimbeckError: an element has no radius.
    """
    reach, found = scale * radii(numbers), []
    for radius, centre in zip(reach, positions, strict=True):
        count = max(FEWEST_POINTS, round(density * 4 * np.pi * radius**2))
        points = centre + radius * sphere(count) @ turn.T
        away = np.linalg.norm(points[:, None] - positions, axis=2)
        found.append(points[(away > reach - HAIR_A).all(axis=1)])
    return np.concatenate([np.zeros((0, 3)), *found])


def on_shells(frames: Frames, scales: Sequence[float], density: float) -> Frames:
    """Isolated frames with points around them; periodic ones get none, nor do those with an element
    that has no radius.

    Each frame's spheres have an orientation that its id alone decides: every label set has the
    same points, and no model can learn an orientation that all share.

    Args:
        scales: of the radii; density: points per square Angstrom.
    """
    parts = []
    for b in range(len(frames)):
        atoms = frames.atoms_of(b)
        numbers, own = frames.numbers[atoms], np.zeros((0, 3))
        if not frames.periodic[b] and np.isfinite(vdw_radii[numbers]).all():
            turn = haar_rotations(1, frame_generator(frames.id[b], PURPOSE))[0]
            shells = (shell(numbers, frames.positions[atoms], s, density, turn) for s in scales)
            own = np.concatenate(list(shells))
        parts.append(own)
    counts = np.array([len(part) for part in parts], dtype=np.int32)
    return frames.with_points(counts, np.concatenate([np.zeros((0, 3)), *parts]))


def nearest(frames: Frames) -> np.ndarray:
    """The atom nearest to each point in units of its radius, a row of the arrays by atom, int64
    [G]; of elements without a radius it is taken for 1 Angstrom."""
    found = [np.zeros(0, np.int64)]
    for b in range(len(frames)):
        atoms = frames.atoms_of(b)
        size = np.nan_to_num(vdw_radii[frames.numbers[atoms]], nan=1.0)
        points = frames.points[frames.points_of(b)]
        away = np.linalg.norm(points[:, None] - frames.positions[atoms], axis=2) / size
        found.append(atoms.start + away.argmin(axis=1) if len(size) else np.zeros(0, np.int64))
    return np.concatenate(found)
