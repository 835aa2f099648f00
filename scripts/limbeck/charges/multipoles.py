"""Electrostatic potentials of atomic multipoles, and those that fit a potential best.

Charges q (e), dipoles p (e Angstrom) and traceless quadrupoles Theta (e Angstrom^2) at the atoms
make at a distance d from each

    V = k [ q / d + p . d / d^3 + d . Theta . d / d^5 ],    k = e / (4 pi eps0) = 14.4 V Angstrom

(Stone, The Theory of Intermolecular Forces, 2nd edition, chapter 3; his Theta).
"""

from typing import NamedTuple

import numpy as np
from ase.units import Bohr, Hartree

from limbeck.errors import LimbeckError
from limbeck.frames import Frames

#: e / (4 pi eps0), V Angstrom
VOLT_A = Hartree * Bohr
#: singular values smaller than this part of the largest are taken for zero in a fit: charges of
#: buried atoms are hardly told apart by what they do outside
SMALLEST = 1e-6
#: highest rank of multipoles
MOST_RANK = 2


def potentials(points: np.ndarray, positions: np.ndarray, rank: int) -> np.ndarray:
    """Potential at each point of each unit multipole, V. float64 [G, n k], k = 1, 4 or 9

    Columns are those of all charges, then x, y and z of all dipoles, then five quadrupoles.

    Args:
        points, positions: float64 [G,3], [n,3], Angstrom.
        rank: 0 for charges alone, 1 with dipoles, 2 with quadrupoles.

    Raises:
        LimbeckError: a higher rank is asked for.
    """
    if not 0 <= rank <= MOST_RANK:
        raise LimbeckError(f"multipoles of rank {rank}, expected 0 to {MOST_RANK}")
    away = points[:, None] - positions  # [G,n,3]
    distance = np.linalg.norm(away, axis=2)
    columns = [1 / distance]
    if rank > 0:
        columns += [away[..., i] / distance**3 for i in range(3)]
    if rank > 1:
        x, y, z = np.moveaxis(away, 2, 0)
        parts = (x * y, x * z, y * z, x**2 - y**2, 3 * z**2 - distance**2)
        columns += [part / distance**5 for part in parts]
    return VOLT_A * np.concatenate(columns, axis=1)


def of_charges(frames: Frames, charges: np.ndarray) -> np.ndarray:
    """Potential of charges at the atoms, float64 [N] in e, at the points. float64 [G], V"""
    found = np.zeros(len(frames.points))
    for b in range(len(frames)):
        atoms, points = frames.atoms_of(b), frames.points_of(b)
        found[points] = (
            potentials(frames.points[points], frames.positions[atoms], 0) @ charges[atoms]
        )
    return found


class Fit(NamedTuple):
    """The best fit of one potential.

    Attributes:
        esp: what it makes at the points, V.
        charges, dipoles: float64 [n] in e and [n,3] in e Angstrom (none of rank 0).
        quadrupoles: float64 [n,5], e Angstrom^2, as the columns of :func:`potentials`.
    """

    esp: np.ndarray
    charges: np.ndarray
    dipoles: np.ndarray
    quadrupoles: np.ndarray


def fitted(points: np.ndarray, positions: np.ndarray, esp: np.ndarray, rank: int) -> Fit:
    """Multipoles whose potential differs least, in the mean square over the points.

    Nothing holds them back: not even the charge of the molecule. So no model of such multipoles
    has a smaller error at these points.

    Args:
        points, positions, rank: as of :func:`potentials`.
        esp: float64 [G], V.
    """
    columns = potentials(points, positions, rank)
    found = np.linalg.lstsq(columns, esp, rcond=SMALLEST)[0]
    each = found.reshape(-1, len(positions)).T  # [n,k]
    return Fit(columns @ found, each[:, 0], each[:, 1:4], each[:, 4:])
