"""Displacements along normal modes: all at once at a temperature, or one after another.

u_k = sum over modes of Re[z sigma e_k exp(2 pi i q r)] / sqrt(N m_k), with the thermal amplitude
sigma and N primitive cells in the supercell. phonopy's generator does the sum and the phases. The
functions here make z, in units of sigma: standard normal numbers, an even grid, or a moving phase.
Where a q-point is its own negative, z is one real number for each band. Elsewhere it is complex,
with two independent real numbers. (A real z there would give half of the thermal displacement.)
"""

from dataclasses import dataclass

import numpy as np
from phonopy import Phonopy

from limbeck.phonons.modes import Modes, ModeStatistics, displacer, mean_square


@dataclass(frozen=True)
class Draws:
    """S sets of displacements of a supercell of n atoms.

    Attributes:
        displacements: float64 [S,n,3], Angstrom.
        wave: int64 [S], which of the chosen waves moves; -1 where all do.
        amplitude: float64 [S], of z, in thermal amplitudes, NaN where all modes move.
        time: float64 [S], fs, NaN where nothing passes.
    """

    displacements: np.ndarray
    wave: np.ndarray
    amplitude: np.ndarray
    time: np.ndarray


@dataclass(frozen=True)
class Waves:
    """M real normal coordinates.

    Attributes:
        q: int64 [M], q-point; band: int64 [M], from 0; part: int64 [M], 0 or 1 for the second
            wave of a pair q and -q.
    """

    q: np.ndarray
    band: np.ndarray
    part: np.ndarray

    def __len__(self) -> int:
        return len(self.q)


def waves_of(modes: Modes, chosen: np.ndarray) -> Waves:
    """The real normal coordinates of the modes ``chosen`` bool [Q,n], by q-point and band."""
    # A q-point that is its own negative has no second wave.
    parts = np.stack([chosen, chosen & modes.paired[:, None]], axis=-1)  # [Q,n,2]
    return Waves(*np.nonzero(parts))


def canonical(
    phonon: Phonopy,
    modes: Modes,
    chosen: np.ndarray,
    *,
    temperature: float,
    statistics: ModeStatistics,
    count: int,
    seed: int,
) -> Draws:
    """Draws from the harmonic canonical distribution of the chosen modes, the others at rest.

    Args:
        temperature: K.
        seed: a non-negative integer; draw i depends on it and on i alone.
    """
    source = displacer(phonon, statistics, mix=True)
    source.frequencies = np.where(chosen, modes.frequencies, 0.0)  # below the floor: at rest
    source.run(temperature, number_of_snapshots=count, random_seed=seed)
    nothing = np.full(count, np.nan)
    # phonopy sets it in run()
    assert source.u is not None
    return Draws(source.u, np.full(count, -1), nothing, nothing)


def scan(patterns: np.ndarray, factor: float, count: int) -> Draws:
    """Each wave alone, at ``count`` even steps from -factor to factor thermal amplitudes.

    Args:
        patterns: float64 [M,n,3] of :func:`unit_patterns`.
    """
    steps = np.linspace(-factor, factor, count)
    moved = steps[None, :, None, None] * patterns[:, None]  # [M,count,n,3]
    waves = np.arange(len(patterns))
    return Draws(
        displacements=moved.reshape(-1, *patterns.shape[1:]),
        wave=np.repeat(waves, count),
        amplitude=np.tile(steps, len(patterns)),
        time=np.full(count * len(patterns), np.nan),
    )


def propagate(
    patterns: np.ndarray,
    modes: Modes,
    waves: Waves,
    *,
    time_step: float,
    count: int,
    rng: np.random.Generator,
) -> Draws:
    """Each mode alone, with its mean thermal energy, at ``count`` times; the first phase is random.

    A mode at a q-point that is its own negative swings with sqrt(2) cos(omega t + phase) thermal
    amplitudes. At the others a wave travels, along q as the first of the two, along -q as the
    second: z = exp(-+ i (omega t + phase)), whose two real coordinates share the energy of one
    mode.

    Args:
        patterns: float64 [M,n,3] of :func:`unit_patterns`, for all ``waves``.
        time_step: fs.
    """
    # THz are 1e-3 per fs
    omega = 2e-3 * np.pi * modes.frequencies[waves.q, waves.band]  # 1/fs
    time = time_step * np.arange(count)
    phase = omega[:, None] * time + rng.uniform(0, 2 * np.pi, (len(waves), 1))  # [M,count]
    first, second = _partners(patterns, modes, waves)
    # The mean square of sqrt(2) cos is 1. A travelling wave has cos and sin in its two
    # coordinates, each with a mean square of 1/2.
    size = np.where(modes.paired[waves.q], 1.0, np.sqrt(2))[:, None]
    turn = np.where(waves.part == 0, -1.0, 1.0)[:, None]
    swing = size * np.cos(phase)
    moved = np.einsum("ms,mnx->msnx", swing, first)
    moved += np.einsum("ms,mnx->msnx", turn * size * np.sin(phase), second)
    return Draws(
        displacements=moved.reshape(-1, *patterns.shape[1:]),
        wave=np.repeat(np.arange(len(waves)), count),
        amplitude=np.repeat(size, count),
        time=np.tile(time, len(waves)),
    )


def unit_patterns(
    phonon: Phonopy, modes: Modes, waves: Waves, *, temperature: float, statistics: ModeStatistics
) -> np.ndarray:
    """Displacements of each wave at one thermal amplitude (z = 1, or i). float64 [M,n,3],
    Angstrom.
    """
    source = displacer(phonon, statistics, mix=False)
    real, pairs = source.draw_standard_normals(len(waves))
    real, pairs = np.zeros_like(real), np.zeros_like(pairs)
    # phonopy lists the points that are their own negatives first, then the others
    number, lone = np.arange(len(waves)), len(real)
    single = ~modes.paired[waves.q]
    # A draw for each wave, in which its own number is 1 and all others are 0: what comes out is
    # the pattern of that wave.
    real[waves.q[single], number[single], waves.band[single]] = 1.0
    double = ~single
    pairs[waves.q[double] - lone, waves.part[double], number[double], waves.band[double]] = 1.0
    source.run(temperature, standard_normals=(real, pairs))
    assert source.u is not None
    return source.u


def _partners(patterns: np.ndarray, modes: Modes, waves: Waves) -> tuple[np.ndarray, np.ndarray]:
    """Patterns of z = 1 and of z = i of each wave's mode; zeros where it has no second."""
    paired = modes.paired[waves.q]
    number = np.arange(len(waves))
    # The two waves of a pair follow each other in the list.
    first = patterns[number - waves.part]
    other = np.minimum(number - waves.part + 1, len(waves) - 1)
    return first, np.where(paired[:, None, None], patterns[other], 0.0)


def over_nearest(draws: Draws, nearest: np.ndarray) -> np.ndarray:
    """The largest displacement of an atom in each draw, over its distance to the nearest. [S]

    Args:
        nearest: float64 [n], Angstrom, of each atom from the nearest other, at rest.
    """
    return np.asarray((np.linalg.norm(draws.displacements, axis=2) / nearest).max(axis=1))


def sampled_over_thermal(
    draws: Draws,
    masses: np.ndarray,
    modes: Modes,
    waves: Waves,
    *,
    temperature: float,
    statistics: ModeStatistics,
) -> tuple[float, float]:
    """Mass-weighted mean-square displacement of the frames over that of the modes that move, and
    its standard error.

    It checks the drawing and not the physics: both are of the same force constants, and agree
    however wrong these are. See :func:`over_nearest`, and the checks of force constants.

    Weighted with masses, sum_k m_k u_k^2, it is the sum of the squared normal coordinates,
    whichever eigenvectors a degenerate mode was given. The thermal value comes from frequencies
    alone. Frames with all modes are independent; of modes that move one at a time, each gives one
    mean. NaN where there are fewer than two of them.

    Args:
        masses: float64 [n], amu.
        temperature: K.
    """
    # Normal coordinates are orthonormal in mass-weighted displacements, so no eigenvector is
    # needed.
    squares = np.einsum("snx,n->s", draws.displacements**2, masses)  # [S], amu Angstrom^2
    thermal = mean_square(modes.frequencies[waves.q, waves.band], temperature, statistics)  # [M]
    if np.all(draws.wave < 0):
        ratios = squares / thermal.sum()
    else:
        # Frames of one wave are not independent of each other: each wave counts once.
        sums = np.bincount(draws.wave, weights=squares, minlength=len(waves))
        counts = np.bincount(draws.wave, minlength=len(waves))
        moved = counts > 0
        ratios = sums[moved] / counts[moved] / thermal[moved]
    if len(ratios) < 2:
        return float(ratios.mean()) if len(ratios) else float("nan"), float("nan")
    # standard error of a mean of independent values
    return float(ratios.mean()), float(ratios.std(ddof=1) / np.sqrt(len(ratios)))
