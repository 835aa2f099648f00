"""Dynamics: whether a model keeps the total energy, and whether its trajectories last."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from scipy import stats

from limbeck.config.sections.sampling import THERMOSTAT_TIMES, MolecularDynamics
from limbeck.config.sections.warrant import Physics
from limbeck.frames import Frames
from limbeck.physics import structure
from limbeck.physics.naming import named
from limbeck.potentials.interface import Potential
from limbeck.sampling.dynamics.record import Record
from limbeck.sampling.dynamics.run import run_dynamics
from limbeck.warrant.statistics import Estimate, entry_of

#: fs: of the thermostat, and between two looks at a trajectory (then an atom has moved by a
#: fraction of a bond, so that it can be followed over the edges of the cell)
THERMOSTAT_FS, LOOK_FS = 100.0, 20.0
#: K, of the first velocities of NVE
NVE_K = 300.0
UNIT = "meV/atom/ps"


def dynamics(
    ensemble: Literal["NVE", "NVT"],
    step_fs: float,
    ps: float,
    temperatures: Sequence[float],
    own: Physics,
) -> MolecularDynamics:
    """Settings of dynamics from frames as they are, with their cells made large enough; NVT comes
    to equilibrium for ten thermostat times before its ``ps`` begin."""
    waits = THERMOSTAT_TIMES * THERMOSTAT_FS if ensemble == "NVT" else 0.0
    every = max(1, round(LOOK_FS / step_fs)) * step_fs
    return MolecularDynamics(
        name="physics",
        method="md",
        sources=["physics"],
        potential="physics",
        ensemble=ensemble,
        temperature_K=list(temperatures),
        time_step_fs=step_fs,
        time_total_fs=round((waits + 1000 * ps) / step_fs) * step_fs,
        time_equilibration_fs=waits,
        sampling_interval_fs=every,
        thermostat_time_fs=THERMOSTAT_FS,
        relax_input_cell="none",
        supercell_radius_A=own.supercell_radius_A,
    )


def keep_energy(
    frames: Frames, potential: Potential[Any], own: Physics, *, seed: int
) -> list[dict[str, Any]]:
    """The drift of the total energy of each start at each of ``nve_time_steps_fs``.

    Args:
        frames: starts, of the size that they have in the dynamics.
    """
    return [
        row
        for step in own.nve_time_steps_fs
        for row in _at_step(frames, potential, own, step, seed)
    ]


def _at_step(
    frames: Frames, potential: Potential[Any], own: Physics, step: float, seed: int
) -> list[dict[str, Any]]:
    settings = dynamics("NVE", step, own.nve_ps, [NVE_K], own)
    settings = settings.model_copy(update={"supercell_radius_A": None})
    record = run_dynamics(frames, potential, settings, seed=seed, place=f"nve/{step:g}")
    return [
        {
            **named(frames, b),
            "time_step_fs": step,
            "cut": str(record.cut[b]),
            "cut_time_fs": float(record.cut_time[b]),
            "drift": entry_of(drift(*record.total_energies(b)), UNIT),
        }
        for b in range(len(frames))
    ]


def drift(time: np.ndarray, energy: np.ndarray) -> Estimate:
    """The slope of the total energy, meV/atom/ps, by least squares, and its 95 % interval.

    What is left beside the line is no white noise: the interval is that of as many independent
    looks as a first-order autoregression of the same correlation r has, S (1 - r) / (1 + r)
    (Wilks, Statistical Methods in the Atmospheric Sciences, 2019, section 5.2.4).

    Args:
        time: ps; energy: eV/atom, [S] each.

    Returns:
        NaN of fewer than three looks; no interval of fewer than ten.
    """
    if len(time) < 3:
        return Estimate(np.nan)
    slope, offset = np.polyfit(time, energy, 1)
    if len(time) < 10:
        return Estimate(1000 * float(slope))
    rest = energy - slope * time - offset
    square = float(rest @ rest)
    alike = float(rest[1:] @ rest[:-1]) / square if square else 0.0
    alike = min(max(alike, 0.0), 0.99)
    looks = max(len(time) * (1 - alike) / (1 + alike), 3.0)
    error = np.sqrt(square / looks) / (time.std() * np.sqrt(len(time)))
    half = float(stats.t.ppf(0.975, looks - 1) * error)
    return Estimate(float(slope), float(slope) - half, float(slope) + half).times(1000)


def last(
    frames: Frames,
    potential: Potential[Any],
    own: Physics,
    temperatures: Sequence[float],
    seed: int,
) -> list[dict[str, Any]]:
    """Whether the trajectory of each start at each temperature lasts, and what it looks like.

    ``cut`` is why it was cut, empty where it lasted; ``doubt`` why its temperature is not the one
    asked for. Radial distribution and mean-square displacement are of whole trajectories alone.
    """
    settings = dynamics("NVT", own.nvt_time_step_fs, own.nvt_ps, temperatures, own)
    settings = settings.model_copy(update={"supercell_radius_A": None})
    record = run_dynamics(frames, potential, settings, seed=seed, place="nvt")
    means, doubts = record.averages(), record.doubts()
    looks = _looks(record, seed) if "structure" in own.checks else {}
    every = settings.sampling_interval_fs / 1000
    rows = []
    for r in range(len(record.frames)):
        b, kelvin = divmod(r, len(temperatures))
        rows.append(
            {
                **named(frames, b),
                "temperature_K": temperatures[kelvin],
                "cut": str(record.cut[r]),
                "cut_time_fs": float(record.cut_time[r]),
                "measured_K": float(means["temperature_K"][r]),
                "doubt": str(doubts[r]),
                **(structure.of(looks[r], every) if r in looks else {}),
            }
        )
    return rows


def _looks(record: Record, seed: int) -> dict[int, Frames]:
    """The kept frames of each trajectory that was not cut, in the order of time."""
    made = record.sample(sampling="physics", seed=seed)
    counts = [row[made.columns.index("frames")] for row in made.rows]
    ends = np.cumsum(counts)
    return {
        r: made.frames.select(np.arange(ends[r] - counts[r], ends[r]))
        for r in range(len(counts))
        if counts[r] and not record.cut[r]
    }
