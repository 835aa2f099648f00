"""What the dynamics of a shard gave: frames, averages, and what was cut."""

from dataclasses import replace
from typing import Any

import numpy as np

from limbeck.frames import Frames, concatenate, derive
from limbeck.sampling import Sample

COLUMNS = (
    "id",
    "n_atoms",
    "frames",
    "temperature_K",
    "energy_eV_per_atom",
    "energy_drift_eV_per_atom_per_ps",
    "cut",
    "cut_time_fs",
)
SUMS = ("n", "t", "tt", "e", "te", "T")


class Record:
    """Notes on the trajectories of B structures.

    Attributes:
        frames: the structures they start from.
        cut: str [B], why a trajectory was cut, empty where it was not.
        cut_time: float64 [B], fs, NaN where it was not cut.
        energy_start: float64 [B], eV, at the start; averages are summed as differences from
            it, so that they keep their digits.
    """

    def __init__(self, frames: Frames) -> None:
        """Nothing has happened yet."""
        count = len(frames)
        self.frames = frames
        self.cut = np.full(count, "", dtype=object)
        self.cut_time = np.full(count, np.nan)
        self.energy_start = np.full(count, np.nan)
        self._sums = {name: np.zeros(count) for name in SUMS}
        self._kept: list[Frames] = []
        self._parents: list[np.ndarray] = []
        self._times: list[np.ndarray] = []

    def snapshot(self, members: np.ndarray, positions: np.ndarray) -> Frames:
        """The structures ``members`` with their atoms at ``positions`` (Angstrom)."""
        return replace(self.frames.select(members), positions=positions)

    def keep(self, snapshot: Frames, members: np.ndarray, good: np.ndarray, time: float) -> None:
        """Keep the frames of a snapshot where the mask ``good`` is true; time in fs."""
        self._kept.append(snapshot.select(good))
        self._parents.append(members[good])
        self._times.append(np.full(int(good.sum()), time))

    def cut_off(self, members: np.ndarray, why: np.ndarray, time: float) -> None:
        """Note that trajectories end at ``time`` (fs)."""
        self.cut[members] = why
        self.cut_time[members] = time

    def average(
        self, members: np.ndarray, time: float, energy: np.ndarray, temperature: np.ndarray
    ) -> None:
        """Take one step (fs, eV, K) into the averages of ``members``."""
        t = time / 1000  # ps
        e = (energy - self.energy_start[members]) / self.frames.n_atoms[members]
        for name, value in zip(SUMS, (1.0, t, t * t, e, t * e, temperature), strict=True):
            self._sums[name][members] += value

    def averages(self) -> dict[str, np.ndarray]:
        """Mean temperature (K), mean energy (eV/atom) and its slope (eV/atom/ps), each [B].

        The slope is that of the least-squares line; NaN where too few steps were seen.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            t, tt, e, te, kelvin = (self._sums[k] / self._sums["n"] for k in SUMS[1:])
            slope = np.where(self._sums["n"] > 2, (te - t * e) / (tt - t * t), np.nan)
        energy = self.energy_start / self.frames.n_atoms + e
        return {"temperature_K": kelvin, "energy": energy, "drift": slope}

    def sample(self, *, sampling: str, seed: int, temperature_K: float) -> Sample:
        """All kept frames, by parent and then by time, and the summary."""
        if not self._kept:
            return Sample(concatenate([]), COLUMNS, self._rows(np.zeros(0, dtype=np.int64)))
        parents, times = np.concatenate(self._parents), np.concatenate(self._times)
        order = np.lexsort([times, parents])
        frames = concatenate(self._kept).select(order)
        infos = [{"temperature_K": temperature_K, "time_fs": float(t)} for t in times[order]]
        children = derive(
            frames, frames.positions, frames.cell, sampling=sampling, seed=seed, infos=infos
        )
        return Sample(children, COLUMNS, self._rows(parents))

    def _rows(self, parents: np.ndarray) -> list[list[Any]]:
        count = np.bincount(parents, minlength=len(self.frames))
        means = self.averages()
        return [
            [
                self.frames.id[b].decode(),
                int(self.frames.n_atoms[b]),
                int(count[b]),
                *(_number(values[b]) for values in means.values()),
                str(self.cut[b]),
                _number(self.cut_time[b]),
            ]
            for b in range(len(self.frames))
        ]


def _number(value: float) -> float | str:
    """A number as the table has it: nothing where there is none."""
    return round(float(value), 6) if np.isfinite(value) else ""
