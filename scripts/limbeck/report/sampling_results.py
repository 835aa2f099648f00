"""What dynamics, phonons, clusters and differences came to, read a shard at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from limbeck.config.plan import frames_of, sources_of
from limbeck.frames import Frames
from limbeck.report.counts import shards, used_samplings
from limbeck.report.reading import promised, read_csv, read_json
from limbeck.storage import read_frames

#: trajectories of a sampling, and crystals of each set of force constants, that are drawn
TRAJECTORIES, CRYSTALS = 12, 4
TRACE = (
    "id trajectory time_fs temperature_K target_K energy_eV_per_atom pressure_GPa density_g_cm3"
).split()
SUMMARY = (
    "id trajectory n_atoms target_K temperature_K density_g_cm3 energy_drift_eV_per_atom_per_ps "
    "total_energy_drift_eV_per_atom_per_ps cut"
).split()
#: columns that tell one trajectory of a sampling from another
ONE = ["source", "shard", "id", "trajectory"]
CLUSTER_COLUMNS = "n_molecules distance_A n_atoms id composition reason".split()

Settings = dict[str, Any]


@dataclass(frozen=True)
class Crystal:
    """Phonons of one crystal: its id, what it is made of, and ``bands.json``."""

    id: str
    formula: str
    spectrum: dict[str, Any]


@dataclass(frozen=True)
class SamplingResults:
    """All that the report shows of these; empty where there are none.

    Attributes:
        traces: sampling -> rows along its first trajectories, with their source.
        trajectories: the summaries of dynamics, a row per trajectory, with sampling, source, and
            spread_K, the standard deviation of its temperature after equilibration.
        constants: force constants and source -> their table, a row per structure.
        crystals: force constants -> the first crystals that have them.
        draws: a row per structure of each sampling along phonons.
        clusters: a row per cluster asked for: subsystem, sampling, source, ...
        pictures: subsystem -> number of molecules -> the first cluster of that size.
        deltas: data set of differences -> its ``counts.json``.
    """

    traces: dict[str, pd.DataFrame]
    trajectories: pd.DataFrame
    constants: dict[tuple[str, str], pd.DataFrame]
    crystals: dict[str, list[Crystal]]
    draws: pd.DataFrame
    clusters: pd.DataFrame
    pictures: dict[str, dict[int, Frames]]
    deltas: dict[str, dict[str, Any]]


def sampling_results(folder: Path, settings: Settings) -> SamplingResults:
    """Everything of one run.

    Raises:
        LimbeckError: a file that the config promises is missing or not what it should be.
    """
    traces, trajectories = _dynamics(folder, settings)
    clusters, pictures = _clusters(folder, settings)
    return SamplingResults(
        traces=traces,
        trajectories=trajectories,
        constants=_constants(folder, settings),
        crystals=_crystals(folder, settings),
        draws=_draws(folder, settings),
        clusters=clusters,
        pictures=pictures,
        deltas={n: read_json(folder / f"delta/{n}/counts.json") for n in settings["delta"]},
    )


def _of_method(settings: Settings, method: str) -> list[str]:
    return [n for n, s in used_samplings(settings).items() if s["method"] == method]


def _dynamics(folder: Path, settings: Settings) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    traces: dict[str, pd.DataFrame] = {}
    rows = []
    for name in _of_method(settings, "md"):
        start = settings["sampling"][name]["time_equilibration_fs"]
        kept: list[pd.DataFrame] = []
        for source in settings["sampling"][name]["sources"]:
            for shard in shards(settings["sources"][source]):
                path = folder / f"samples/{name}/{source}/{shard}"
                trace = read_csv(path.with_suffix(".trace.csv"), *TRACE)
                summary = read_csv(path.with_suffix(".csv"), *SUMMARY)
                summary["spread_K"] = _spread(trace, summary, start)
                rows.append(summary.assign(sampling=name, source=source))
                number = trace.groupby(["id", "trajectory"], sort=False).ngroup()
                kept.append(trace[number < TRAJECTORIES].assign(source=source, shard=shard))
        trace = pd.concat(kept, ignore_index=True)
        traces[name] = trace[trace.groupby(ONE, sort=False).ngroup() < TRAJECTORIES]
    return traces, pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


def _spread(trace: pd.DataFrame, summary: pd.DataFrame, start: float) -> np.ndarray:
    """Standard deviation of each trajectory's temperature from ``start`` (fs) on, K.

    About the target, since that may be a ramp.
    """
    late = trace[trace["time_fs"] >= start]
    off = late["temperature_K"] - late["target_K"]
    found = off.groupby([late["id"], late["trajectory"]]).std()
    return found.reindex(pd.MultiIndex.from_frame(summary[["id", "trajectory"]])).to_numpy()


def _constants(folder: Path, settings: Settings) -> dict[tuple[str, str], pd.DataFrame]:
    columns = "id supercell_atoms displacements lowest_THz modes imaginary_modes reason".split()
    return {
        (name, source): pd.concat(
            [
                read_csv(folder / f"force_constants/{name}/{source}/{shard}.csv", *columns)
                for shard in shards(settings["sources"][source])
            ],
            ignore_index=True,
        )
        for name, section in settings["force_constants"].items()
        for source in section["sources"]
    }


def _crystals(folder: Path, settings: Settings) -> dict[str, list[Crystal]]:
    found = {}
    for name in settings["force_constants"]:
        crystals = _first_crystals(folder, settings, name)
        found[name] = list(islice(crystals, CRYSTALS))
    return found


def _first_crystals(folder: Path, settings: Settings, name: str) -> Iterator[Crystal]:
    for source in settings["force_constants"][name]["sources"]:
        for shard in shards(settings["sources"][source]):
            structures = read_frames(promised(folder / f"screened/{source}/{shard}.h5"))
            for b, identity in enumerate(structures.id.astype(str)):
                path = folder / f"force_constants/{name}/{source}/{shard}/{identity}/bands.json"
                if path.is_file():
                    yield Crystal(identity, _formula(structures, b), read_json(path))


def _formula(frames: Frames, b: int) -> str:
    from ase.formula import Formula
    from ase.symbols import Symbols

    whole = Symbols(frames.numbers[frames.atoms_of(b)]).formula
    reduced, _ = Formula(str(whole)).convert("hill").reduce()
    return str(reduced)


def _draws(folder: Path, settings: Settings) -> pd.DataFrame:
    columns = "id frames modes sampled_over_thermal sampled_over_thermal_error too_near reason"
    parts = [
        read_csv(folder / f"samples/{name}/{source}/{shard}.csv", *columns.split()).assign(
            sampling=name, source=source, draw=settings["sampling"][name]["draw"]
        )
        for name in _of_method(settings, "phonons")
        for source in settings["sampling"][name]["sources"]
        for shard in shards(settings["sources"][source])
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _clusters(
    folder: Path, settings: Settings
) -> tuple[pd.DataFrame, dict[str, dict[int, Frames]]]:
    parts: list[pd.DataFrame] = []
    pictures: dict[str, dict[int, Frames]] = {}
    for name, section in settings["subsystems"].items():
        pictures[name] = {}
        for path, source in _cluster_files(settings, name):
            table = read_csv(folder / path.replace(".h5", ".csv"), *CLUSTER_COLUMNS)
            sampling = path.split("/")[2]
            parts.append(
                table.assign(subsystem=name, rule=section["rule"], sampling=sampling, source=source)
            )
            _add_pictures(pictures[name], folder / path, table)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), pictures


def _cluster_files(settings: Settings, name: str) -> Iterator[tuple[str, str]]:
    for source in sources_of(settings, name):
        for shard in shards(settings["sources"][source]):
            for path in frames_of(settings, name, source, shard):
                yield path, source


def _add_pictures(pictures: dict[int, Frames], path: Path, table: pd.DataFrame) -> None:
    """The first cluster of each number of molecules that is not there yet."""
    built = table[table["id"].notna()]
    sizes = built["n_molecules"].astype(int)
    new = built[~sizes.isin(list(pictures)) & ~sizes.duplicated()]
    if not len(new):
        return
    frames = read_frames(promised(path))
    for identity, size in zip(new["id"], new["n_molecules"].astype(int), strict=True):
        (place,) = np.flatnonzero(frames.id == identity.encode())[:1]
        pictures[int(size)] = frames.select([place])
