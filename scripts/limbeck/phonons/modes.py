"""Normal modes of a crystal at the q-points that its supercell holds, and which of them are chosen.

A q-point is commensurate with a supercell if its waves repeat in it. Only these waves make
periodic frames. The modes at q and -q are complex conjugates, so that one of the two is listed.
Together they have two real coordinates for each band, which are called the waves 0 and 1 here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase import units
from phonopy import Phonopy
from phonopy.phonon.grid import length2mesh
from phonopy.phonon.random_displacements import RandomDisplacements

from limbeck.errors import LimbeckError

ModeStatistics = Literal["quantum", "classical"]

#: THz. Below it a mode counts as none: its thermal amplitude would be beyond any harmonic range.
#: phonopy has the same floor.
FLOOR = 0.01
#: THz times this is an angular frequency in ASE's units.
ANGULAR = 2 * np.pi / (1000 * units.fs)
HBAR = units._hbar * units.J * units.second  # eV times ASE's unit of time


class Incommensurate(LimbeckError):
    """A mesh of q-points that a supercell does not hold."""


@dataclass(frozen=True)
class Modes:
    """Modes at Q q-points: all commensurate ones, of each pair q and -q one.

    Attributes:
        qpoints: float64 [Q,3], in the reciprocal basis of the primitive cell.
        paired: bool [Q], -q is another point than q, so that each band has two waves.
        frequencies: float64 [Q,n], THz, ascending at each q-point, negative where imaginary.
        translations: bool [Q,n], the crystal moves as a whole.
    """

    qpoints: np.ndarray
    paired: np.ndarray
    frequencies: np.ndarray
    translations: np.ndarray

    def imaginary(self, threshold: float) -> np.ndarray:
        """bool [Q,n]: below minus ``threshold`` (THz); a translation never is, but for rounding."""
        return (self.frequencies < -threshold) & ~self.translations

    @property
    def lowest(self) -> float:
        """THz, of all modes but translations; 0 where there are no others."""
        others = self.frequencies[~self.translations]
        return float(others.min()) if len(others) else 0.0

    def waves(self, chosen: np.ndarray) -> int:
        """Number of real normal coordinates among the modes ``chosen`` bool [Q,n]."""
        return int((chosen * (1 + self.paired[:, None])).sum())


def displacer(phonon: Phonopy, statistics: ModeStatistics, *, mix: bool) -> RandomDisplacements:
    """phonopy's generator of thermal displacements of the supercell.

    Args:
        statistics: quantum or classical.
        mix: turn each random number into displacements through the square root of the covariance,
            so that draws do not depend on the choice of degenerate eigenvectors; else one number
            moves one mode.
    """
    phonon.init_random_displacements(
        dist_func=statistics,
        cutoff_frequency=FLOOR,
        sampling_matrix="symmetric" if mix else "eigenvector",
    )
    assert phonon.random_displacements is not None
    return phonon.random_displacements


def modes_of(phonon: Phonopy) -> Modes:
    """All modes of a crystal with force constants."""
    qpoints = displacer(phonon, "quantum", mix=True).qpoints
    at_q = phonon.run_qpoints(qpoints, with_eigenvectors=True)
    # A uniform translation, in mass-weighted coordinates and normalised: e_k = sqrt(m_k / M) along
    # x, y or z.
    weights = np.sqrt(phonon.primitive.masses / phonon.primitive.masses.sum())  # [n/3]
    uniform = np.kron(weights, np.eye(3))  # [3,n], rows are the three translations
    assert at_q.eigenvectors is not None
    # Translations are recognised by their eigenvectors. Their frequency is no sign: it is zero
    # only to rounding, and a soft optical mode may be as low.
    overlap = np.einsum("tn,qnb->qtb", uniform, at_q.eigenvectors)
    at_gamma = np.all(np.abs(qpoints) < 1e-9, axis=1)
    return Modes(
        qpoints=qpoints,
        # q = -q where 2 q is a reciprocal lattice vector (Gamma and points on the zone boundary)
        paired=np.any(np.abs(2 * qpoints - np.rint(2 * qpoints)) > 1e-6, axis=1),
        frequencies=at_q.frequencies,
        # Eigenvectors of degenerate modes may mix; a mode is a translation where more than half of
        # it is.
        translations=at_gamma[:, None] & ((np.abs(overlap) ** 2).sum(axis=1) > 0.5),
    )


def atomic_squares(phonon: Phonopy, modes: Modes) -> np.ndarray:
    """|e_k|^2 / m_k of every mode at every atom k of the primitive cell. float64 [Q,k,n], 1/amu.

    Times the thermal mean square of the mode (:func:`mean_square`), and over the number of
    primitive cells in the supercell, it is the mean-square displacement of the atom by the mode.
    """
    vectors = phonon.run_qpoints(modes.qpoints, with_eigenvectors=True).eigenvectors
    assert vectors is not None
    count, bands = modes.frequencies.shape
    sizes = (np.abs(vectors) ** 2).reshape(count, -1, 3, bands).sum(axis=2)
    return np.asarray(sizes / phonon.primitive.masses[:, None])


def thermal_shares(
    phonon: Phonopy, modes: Modes, temperature: float, statistics: ModeStatistics
) -> np.ndarray:
    """Share of each mode in the thermal mean-square displacement of the atoms. float64 [Q,n].

    Of one of its waves, where it has two. All waves of all modes that have a thermal amplitude
    make 1; imaginary modes, those below :data:`FLOOR` and translations have none.

    Args:
        temperature: K.
    """
    moving = choose_modes(modes, 0.0, None, None)
    squares = mean_square(np.where(moving, modes.frequencies, 1.0), temperature, statistics)
    found = np.where(moving, squares * atomic_squares(phonon, modes).sum(axis=1), 0.0)
    whole = (found * (1 + modes.paired[:, None])).sum()
    return found / whole if whole else found


def on_mesh(phonon: Phonopy, modes: Modes, mesh: str | float | Sequence[int]) -> np.ndarray:
    """A mask of the q-points of ``modes`` that lie on a mesh around Gamma. bool [Q].

    Args:
        mesh: "all", those that the supercell holds; "gamma"; a length in Angstrom, for numbers as
            near to it over the lattice spacings as there are (phonopy's rule); or three numbers.

    Raises:
        Incommensurate: the supercell does not hold all points of the mesh.
    """
    if mesh == "all":
        return np.ones(len(modes.qpoints), dtype=bool)
    numbers = _mesh_numbers(phonon, mesh)
    transform = np.rint(phonon.supercell.cell @ np.linalg.inv(phonon.primitive.cell)).astype(int)
    # e_i / n_i repeats in the supercell where n_i divides every number of column i
    largest = np.gcd.reduce(transform, axis=0)
    if np.any(largest % numbers):
        raise Incommensurate(
            f"k_point_mesh {_shown(mesh, numbers)}: not all of its points are commensurate with "
            f"the supercell, expected numbers that divide {largest.tolist()}, one by one"
        )
    steps = modes.qpoints * numbers
    return np.all(np.abs(steps - np.rint(steps)) < 1e-6, axis=1)


def _shown(mesh: str | float | Sequence[int], numbers: np.ndarray) -> str:
    """A mesh as errors name it."""
    text = str(numbers.tolist())
    return f"{mesh:g} A (which is {text})" if isinstance(mesh, int | float) else text


def _mesh_numbers(phonon: Phonopy, mesh: str | float | Sequence[int]) -> np.ndarray:
    if mesh == "gamma":
        return np.ones(3, dtype=int)
    if isinstance(mesh, int | float):
        rotations = phonon.primitive_symmetry.pointgroup_operations
        return np.asarray(length2mesh(mesh, phonon.primitive.cell, rotations))
    return np.asarray(mesh, dtype=int)


def choose_modes(
    modes: Modes,
    freq_min: float,
    freq_max: float | None,
    selected: Sequence[int] | None,
) -> np.ndarray:
    """A mask of the modes to be sampled. bool [Q,n].

    Translations, imaginary modes and those below :data:`FLOOR` never are.

    Args:
        freq_min, freq_max: THz, the window; None for no upper end.
        selected: bands, 1 for the lowest at each q-point; the window does not count then.

    Raises:
        LimbeckError: a band is selected that the crystal does not have.
    """
    fit = (modes.frequencies > FLOOR) & ~modes.translations
    if selected is None:
        highest = np.inf if freq_max is None else freq_max
        return fit & (modes.frequencies >= freq_min) & (modes.frequencies <= highest)
    bands = modes.frequencies.shape[1]
    if max(selected) > bands:
        raise LimbeckError(
            f"selected_modes: {max(selected)}, expected 1 to {bands}, the modes at each q-point"
        )
    return fit & np.isin(np.arange(1, bands + 1), selected)


def mean_square(
    frequencies: np.ndarray, temperature: float, statistics: ModeStatistics
) -> np.ndarray:
    """Thermal mean square of normal coordinates, amu Angstrom^2, of any shape.

    sigma^2 = E / omega^2, with E = (hbar omega / 2) coth(hbar omega / 2 kT), the mean energy of a
    quantum oscillator, or kT, of a classical one (Dove, Introduction to Lattice Dynamics, 1993,
    ch. 4).

    Args:
        frequencies: THz, positive.
        temperature: K.
        statistics: quantum or classical.
    """
    omega, thermal = frequencies * ANGULAR, units.kB * temperature
    if statistics == "classical":
        return thermal / omega**2
    # E = (hbar omega / 2) coth(hbar omega / 2kT); coth is 1 / tanh
    half = HBAR * omega / 2
    return half / np.tanh(half / thermal) / omega**2
