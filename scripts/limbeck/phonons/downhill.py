"""Follow the most unstable mode of a crystal to a structure of lower energy."""

from math import gcd
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.geometry import minkowski_reduce
from phonopy import Phonopy

from limbeck.errors import LimbeckError
from limbeck.phonons.crystals import frames_of
from limbeck.phonons.modes import Modes

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

#: Angstrom, of the atom that moves most; the step of lowest energy is taken. A shallow well may
#: end before 0.02 A.
_STEPS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


def step_down(phonon: Phonopy, modes: Modes, potential: "Potential") -> Atoms:
    """The crystal displaced along its lowest mode, by the step of lowest energy among a few.

    Its cell is the smallest that the mode's wave repeats in; the supercell holds it, since the
    mode's q-point is commensurate.

    Raises:
        LimbeckError: the energy falls nowhere along the mode.
    """
    q, band = np.unravel_index(np.argmin(modes.frequencies), modes.frequencies.shape)
    cells = len(phonon.supercell) // len(phonon.primitive)
    repeat = repeating_cell(modes.qpoints[q], cells)
    # The Hermite normal form below may be long and skewed; the reduced basis spans the same
    # lattice.
    _, reduced = minkowski_reduce(repeat @ phonon.primitive.cell)
    wave = phonon.run_modulations((reduced @ repeat).T, [[modes.qpoints[q], int(band), 1.0, 0.0]])
    rest = wave.supercell
    # phonopy gives the complex wave; the real part is a displacement.
    moved = wave.modulations[0].real
    # STEPS are then those of the atom that moves most.
    moved /= np.linalg.norm(moved, axis=1).max()
    tried = [
        Atoms(numbers=rest.numbers, positions=rest.positions + s * moved, cell=rest.cell, pbc=True)
        for s in (0.0, *_STEPS)
    ]
    energy = potential.predict(frames_of(tried)).energy
    # Along a short step rounding alone lets the energy fall, every other time.
    rounding = np.finfo(potential.about.dtype).eps * abs(energy[0])
    # written so that NaN everywhere counts as no descent
    if not np.nanmin(energy[1:]) < energy[0] - rounding:
        raise LimbeckError(
            f"imaginary mode at {modes.frequencies[q, band]:.3g} THz, but the energy falls nowhere "
            f"along it up to {_STEPS[-1]:g} A"
        )
    return tried[1 + int(np.nanargmin(energy[1:]))]


def repeating_cell(q: np.ndarray, cells: int) -> np.ndarray:
    """Fewest primitive cells in which a wave repeats: rows R with integer q R. int64 [3,3].

    Args:
        q: float64 [3], in the reciprocal basis of the primitive cell.
        cells: primitive cells of a supercell that q is commensurate with.
    """
    # Commensurate with the supercell, q is a fraction with its number of cells as a denominator.
    whole = np.rint(q * cells).astype(int).tolist()
    common = gcd(*whole, cells)
    # q = p / n in lowest terms; a row R has to fulfil R p = 0 (mod n)
    p, n = [x // common for x in whole], cells // common
    # Hermite normal form, row by row: the smallest diagonal for which the rest can be found
    rows = []
    for i in range(3):
        rows.append(
            next(
                row
                for diagonal in range(1, n + 1)
                for row in _rows(i, diagonal, n)
                if sum(a * b for a, b in zip(row, p, strict=True)) % n == 0
            )
        )
    return np.array(rows)


def _rows(i: int, diagonal: int, n: int) -> list[list[int]]:
    """Row i of a lower triangular matrix with this diagonal element; all that n tells apart."""
    below = np.indices((n,) * i).reshape(i, -1).T if i else np.zeros((1, 0), dtype=int)
    return [[*row, diagonal, *[0] * (2 - i)] for row in below.tolist()]
