"""Results of the dynamics of a shard: frames, a trace, averages, and why trajectories ended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import units
from ase.data import atomic_masses

from limbeck.config.sections.sampling import MolecularDynamics
from limbeck.frames import Frames, concatenate, derive
from limbeck.geometry import G_CM3
from limbeck.sampling import Sample, SummaryTable, number
from limbeck.sampling.dynamics.temperature import BlockAverages, doubts

if TYPE_CHECKING:
    from limbeck.sampling.dynamics.integrate import Observation

TRAJECTORY_COLUMNS = (
    "id",
    "trajectory",
    "n_atoms",
    "frames",
    "target_K",
    "temperature_K",
    "temperature_error_K",
    "pressure_GPa",
    "density_g_cm3",
    "energy_eV_per_atom",
    "energy_drift_eV_per_atom_per_ps",
    "total_energy_drift_eV_per_atom_per_ps",
    "doubt",
    "cut",
    "cut_time_fs",
)
TRACE = (
    "id",
    "trajectory",
    "time_fs",
    "temperature_K",
    "target_K",
    "energy_eV_per_atom",
    "pressure_GPa",
    "density_g_cm3",
)
#: of every step, and of the steps that are traced: there pressure is known
# Running sums: with one entry a step, whole trajectories need not be kept for a mean or a slope.
SUMS = ("n", "t", "tt", "e", "te", "h", "th", "T", "target")
TRACED_SUMS = ("n_traced", "pressure", "density")


@dataclass(frozen=True)
class RecordedStep:
    """Observables of B' trajectories at one time.

    Attributes:
        members: int64 [B'], which trajectories.
        time: fs.
        seen: energies, temperatures, pressures.
        target: float64 [B'], K.
        pressure: float64 [B'], GPa, what was asked for; None at constant volume.
        cell: float64 [B',3,3], Angstrom.
    """

    members: np.ndarray
    time: float
    seen: "Observation"
    target: np.ndarray
    pressure: np.ndarray | None
    cell: np.ndarray


class Record:
    """Notes on R trajectories.

    Attributes:
        frames: the structures they start from, one for each trajectory.
        trajectory: int64 [R], number of the trajectory among those of its structure.
        cut: str [R], why a trajectory was cut, empty where it was not.
        cut_time: float64 [R], fs, NaN where it was not cut.
        energy_start: float64 [R], eV, at the start; averages are summed as differences from
            it, so that they keep their digits.
    """

    def __init__(
        self, frames: Frames, trajectory: np.ndarray, own: MolecularDynamics | None = None
    ) -> None:
        """Start with empty sums and tables.

        Args:
            own: what was asked for; without it, temperatures have no errors, and are not tested.
        """
        count = len(frames)
        self.frames, self.trajectory = frames, trajectory
        self.cut = np.full(count, "", dtype=object)
        self.cut_time = np.full(count, np.nan)
        self.energy_start = np.full(count, np.nan)
        mass = np.bincount(frames.frame_of_atom, atomic_masses[frames.numbers], minlength=count)
        # NaN makes the density of isolated systems NaN, which tables leave empty.
        self._mass = np.where(frames.periodic, mass, np.nan)
        self._sums = {name: np.zeros(count) for name in (*SUMS, *TRACED_SUMS)}
        self._own = own
        self._blocks = BlockAverages(count, own) if own else None
        self._kept: list[Frames] = []
        self._infos: list[dict[str, Any]] = []
        self._parents: list[np.ndarray] = []
        self._rows_of_trace: list[np.ndarray] = []

    def name(self, r: int) -> tuple[str, int]:
        """What tells trajectory ``r`` from all others: the id of its structure, and its number."""
        return self.frames.id[r].decode(), int(self.trajectory[r])

    def snapshot(self, members: np.ndarray, positions: np.ndarray, cell: np.ndarray) -> Frames:
        """The structures ``members`` with their atoms at ``positions`` (Angstrom).

        Args:
            cell: float64 [B,3,3], Angstrom; not looked at where they are isolated.
        """
        found = self.frames.select(members)
        return replace(
            found,
            positions=positions,
            # Dynamics gives isolated systems a unit cell; frames have zeros.
            cell=np.where(found.periodic[:, None, None], cell, found.cell),
        )

    def keep(self, snapshot: Frames, at: RecordedStep, good: np.ndarray) -> None:
        """Keep the frames of a snapshot where the mask ``good`` is true."""
        self._kept.append(snapshot.select(good))
        self._parents.append(at.members[good])
        # trajectory numbers start from 0: any other number means more than one
        several = bool(self.trajectory.any())
        for b in np.flatnonzero(good):
            info = {"time_fs": at.time, "temperature_K": float(at.target[b])}
            if at.pressure is not None:
                info["pressure_GPa"] = float(at.pressure[b])
            if several:
                info["trajectory"] = int(self.trajectory[at.members[b]])
            self._infos.append(info)

    def trace(self, at: RecordedStep, good: np.ndarray, *, equilibrated: bool) -> None:
        """Take the trajectories where ``good`` is true into the trace and its averages."""
        members, seen = at.members, at.seen
        # dalton / Angstrom^3 -> g/cm3
        density = self._mass[members] / np.abs(np.linalg.det(at.cell)) * G_CM3
        columns = [
            members,
            np.full(len(members), at.time),
            seen.temperature,
            at.target,
            seen.energy / self.frames.n_atoms[members],
            seen.pressure,
            density,
        ]
        self._rows_of_trace.append(np.column_stack(columns)[good])
        if equilibrated:
            self._add(TRACED_SUMS, members[good], (1.0, seen.pressure[good], density[good]))

    def cut_off(self, members: np.ndarray, why: np.ndarray, time: float) -> None:
        """Note that trajectories end at ``time`` (fs)."""
        self.cut[members] = why
        self.cut_time[members] = time

    def average(self, at: RecordedStep, good: np.ndarray) -> None:
        """Take one step into the averages of the trajectories where ``good`` is true."""
        members, seen = at.members[good], at.seen
        t, atoms = at.time / 1000, self.frames.n_atoms[members]  # ps
        # Differences from the start: total energies of thousands of eV would leave few digits for
        # a drift in sums of squares and products.
        e = (seen.energy[good] - self.energy_start[members]) / atoms
        h = e + seen.kinetic[good] / atoms
        values = (1.0, t, t * t, e, t * e, h, t * h, seen.temperature[good], at.target[good])
        self._add(SUMS, members, values)
        if self._blocks:
            self._blocks.add(members, at.time, seen.temperature[good], at.target[good])

    def standing(self) -> dict[str, Any]:
        """All that was noted, for check-points."""
        return {
            "cut": self.cut.tolist(),
            "cut_time": self.cut_time,
            "energy_start": self.energy_start,
            "sums": self._sums,
            "blocks": self._blocks.sums if self._blocks else None,
            "parents": self._parents,
            "positions": [kept.positions for kept in self._kept],
            "cells": [kept.cell for kept in self._kept],
            "infos": self._infos,
            "trace": self._rows_of_trace,
        }

    def stand(self, found: dict[str, Any]) -> None:
        """Go on from what a record of the same trajectories had noted."""
        self.cut[:] = found["cut"]
        self.cut_time, self.energy_start = found["cut_time"], found["energy_start"]
        self._sums, self._infos = found["sums"], found["infos"]
        if self._blocks:
            self._blocks.sums = found["blocks"]
        self._parents, self._rows_of_trace = found["parents"], found["trace"]
        kept = zip(self._parents, found["positions"], found["cells"], strict=True)
        self._kept = [self.snapshot(*each) for each in kept]

    def doubts(self) -> np.ndarray:
        """Why the temperature of each trajectory is in doubt, empty where it is not. object [R]."""
        if self._blocks is None or self._own is None:
            return np.full(len(self.frames), "", dtype=object)
        found = doubts(self._own, self.trajectory, self._blocks.offset())
        # of what never moved there is no temperature
        return np.where(self._sums["n"] > 0, found, "")

    def warnings(self) -> Iterator[str]:
        """Of each doubt, how many trajectories have it and how warm they are."""
        means, found = self.averages(), self.doubts()
        for doubt in sorted(set(found) - {""}):
            here = found == doubt
            measured, asked = (means[k][here].mean() for k in ("temperature_K", "target"))
            yield (
                f"{here.sum()} of {len(found)} trajectories: {doubt}; they average "
                f"{measured:.0f} K, {asked:.0f} K asked for"
            )

    def averages(self) -> dict[str, np.ndarray]:
        """Means of all steps after equilibration, each [R], in the order of :data:`COLUMNS`.

        Drifts are slopes of least-squares lines, of the potential and of the total energy; NaN
        where too few steps were seen. Pressure and density are means over the trace.
        """
        s = self._sums
        with np.errstate(divide="ignore", invalid="ignore"):
            t, tt, e, te, h, th, kelvin, target = (s[k] / s["n"] for k in SUMS[1:])
            pressure, density = (s[k] / s["n_traced"] for k in TRACED_SUMS[1:])
            # Slope of least squares: (<te> - <t><e>) / (<tt> - <t><t>). Two points fit any line,
            # so that a slope needs three.
            spread = np.where(s["n"] > 2, tt - t * t, np.nan)
            return {
                "target": target,
                "temperature_K": kelvin,
                "temperature_error": self._errors(),
                "pressure": pressure,
                "density": density,
                "energy": self.energy_start / self.frames.n_atoms + e,
                "drift": (te - t * e) / spread,
                "total_drift": (th - t * h) / spread,
            }

    def total_energies(self, r: int) -> tuple[np.ndarray, np.ndarray]:
        """Time (ps) and total energy (eV/atom) of trajectory ``r`` along its trace, [S] each."""
        if not self._rows_of_trace:
            return np.zeros(0), np.zeros(0)
        rows = np.concatenate([part[part[:, 0] == r] for part in self._rows_of_trace])
        n = int(self.frames.n_atoms[r])
        # the kinetic energy of 3n - 3 degrees of freedom, from the temperature that was made of it
        return rows[:, 1] / 1000, rows[:, 4] + (3 * n - 3) * units.kB * rows[:, 2] / (2 * n)

    def _errors(self) -> np.ndarray:
        return self._blocks.offset().error if self._blocks else np.full(len(self.frames), np.nan)

    def sample(self, *, sampling: str, seed: int) -> Sample:
        """All kept frames, by trajectory and then by time, the summary and the trace."""
        trace = SummaryTable(TRACE, self._trace())
        if not self._kept:
            rows = self._rows(np.zeros(0, dtype=np.int64))
            return Sample(concatenate([]), TRAJECTORY_COLUMNS, rows, trace=trace)
        parents = np.concatenate(self._parents)
        order = np.argsort(parents, kind="stable")  # they were kept in the order of time
        frames = concatenate(self._kept).select(order)
        measured = self._measured()
        infos = [self._infos[i] | measured(parents[i], self._infos[i]) for i in order]
        children = derive(
            frames, frames.positions, frames.cell, sampling=sampling, seed=seed, infos=infos
        )
        return Sample(children, TRAJECTORY_COLUMNS, self._rows(parents), trace=trace)

    def _measured(self) -> Callable[[int, dict[str, Any]], dict[str, Any]]:
        """What a frame of trajectory r says of its temperature, beside the one asked for.

        That is the mean of the trajectory; where the target is a ramp, the target of the frame
        and the mean difference from it.
        """
        means, found = self.averages(), self.doubts()
        apart, error = means["temperature_K"] - means["target"], means["temperature_error"]

        def of_frame(r: int, info: dict[str, Any]) -> dict[str, Any]:
            said: dict[str, Any] = {
                "temperature_measured_K": round(info["temperature_K"] + float(apart[r]), 3)
            }
            if np.isfinite(error[r]):
                said["temperature_error_K"] = round(float(error[r]), 3)
            return said | ({"doubt": found[r]} if found[r] else {})

        return of_frame

    def _add(self, names: tuple[str, ...], members: np.ndarray, values: tuple[Any, ...]) -> None:
        for name, value in zip(names, values, strict=True):
            self._sums[name][members] += value

    def _rows(self, parents: np.ndarray) -> list[list[Any]]:
        count = np.bincount(parents, minlength=len(self.frames))
        means, found = self.averages(), self.doubts()
        return [
            [
                *self.name(r),
                int(self.frames.n_atoms[r]),
                int(count[r]),
                *(number(values[r]) for values in means.values()),
                str(found[r]),
                str(self.cut[r]),
                number(self.cut_time[r]),
            ]
            for r in range(len(self.frames))
        ]

    def _trace(self) -> list[list[Any]]:
        if not self._rows_of_trace:
            return []
        table = np.concatenate(self._rows_of_trace)
        # by trajectory; a stable sort keeps the order of time within each
        table = table[np.argsort(table[:, 0], kind="stable")]
        return [[*self.name(int(row[0])), *map(number, row[1:])] for row in table]
