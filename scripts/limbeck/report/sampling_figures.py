"""Figures of dynamics and phonons: what runs along trajectories, bands, thermal displacements."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from limbeck.report.collect import Run
from limbeck.report.figures import BLACK, BLUE, GREY, WIDTH, Figure, look, source_colours
from limbeck.report.sampling_results import ONE, TRAJECTORIES, Crystal

#: fs, from which on times are told in ps
LONG = 2000.0
SHADE = "#eef0f2"


def along_dynamics(run: Run, name: str) -> Figure | None:
    """Temperature, energy and, where it changes, density along the first trajectories."""
    trace = run.sampled.traces.get(name)
    if trace is None or not len(trace):
        return None
    long = trace["time_fs"].max() >= LONG
    trace = trace.assign(
        rise_meV_per_atom=_rise(trace), time=trace["time_fs"] * (1e-3 if long else 1.0)
    )
    panels = [("temperature_K", "Temperature, K"), ("rise_meV_per_atom", _RISE)]
    if _changes(trace["density_g_cm3"]):
        panels.append(("density_g_cm3", "Density, g/cm³"))
    canvas = Canvas(figsize=(WIDTH, 3.1))
    end = run.settings["sampling"][name]["time_equilibration_fs"] * (1e-3 if long else 1.0)
    grid = canvas.subplots(1, len(panels), squeeze=False)[0]
    for axes, (key, label) in zip(grid, panels, strict=True):
        axes.axvspan(0, end, color=SHADE, lw=0, zorder=0)
        _lines(axes, trace, key, source_colours(run))
        axes.set(xlabel=f"Time, {'ps' if long else 'fs'}", ylabel=label)
        axes.set_xlim(0, trace["time"].max() or 1)
    _targets(grid[0], trace)
    number = trace.groupby(ONE).ngroups
    first = f"the first {number}" if number == TRAJECTORIES else str(number)
    return Figure(
        f"dynamics_{name}",
        f"{name}: {first} {'trajectory' if number == 1 else 'trajectories'}, "
        + ("the colour by source, " if trace["source"].nunique() > 1 else "")
        + "with the equilibration (shaded); dashed: the thermostat's target; a cross: cut there. "
        "The temperature of a few atoms fluctuates widely, as it should. The energy is the "
        "potential one, from where each trajectory starts.",
        f"Lines over time up to {trace['time_fs'].max():,.0f} fs: "
        + "; ".join(_told(trace, key, label) for key, label in panels),
        canvas,
        trace.drop(columns="time"),
    )


_RISE = "Energy since the start, meV/atom"


def _rise(trace: pd.DataFrame) -> pd.Series:
    energy = trace["energy_eV_per_atom"]
    start = energy.groupby([trace[column] for column in ONE])
    return 1000 * (energy - start.transform("first"))


def _changes(density: pd.Series) -> bool:
    """More than by rounding; isolated systems have none."""
    return bool(density.max() - density.min() > 1e-6 * density.max())


def _lines(axes: Axes, trace: pd.DataFrame, key: str, colours: Mapping[str, Any]) -> None:
    alone = trace["source"].nunique() == 1
    for place, ((source, *_), part) in enumerate(trace.groupby(ONE, sort=False)):
        colour = look(place)[0] if alone else colours[str(source)][0]
        axes.plot(part["time"], part[key], color=colour, lw=1.0, alpha=0.75)
        if part["time"].max() < trace["time"].max():
            axes.plot(part["time"].iloc[-1], part[key].iloc[-1], "x", color=colour, ms=6)


def _targets(axes: Axes, trace: pd.DataFrame) -> None:
    drawn = {
        tuple(zip(part["time"], part["target_K"], strict=True))
        for _, part in trace.dropna(subset=["target_K"]).groupby(ONE)
    }
    for line in sorted(drawn):
        axes.plot(*zip(*line, strict=True), color=BLACK, ls="--", lw=1.3, zorder=3)


def _told(trace: pd.DataFrame, key: str, label: str) -> str:
    values = trace[key].dropna()
    return f"{label.lower()} from {values.min():.3g} to {values.max():.3g}"


def temperatures(run: Run) -> Figure | None:
    """Mean temperature of each MD trajectory, by sampling and source."""
    table = run.sampled.trajectories
    if not len(table) or not table["temperature_K"].notna().any():
        return None
    if not table.duplicated(["sampling", "source"]).any():  # the figure of each says it all
        return None
    groups = list(table.groupby(["sampling", "source"], sort=False))
    colours = source_colours(run)
    canvas = Canvas(figsize=(WIDTH, 1.0 + 0.42 * len(groups)))
    axes = canvas.add_subplot()
    jitter = np.random.default_rng(0)
    for row, ((_, source), part) in enumerate(groups):
        colour, marker = colours[str(source)]
        height = row + jitter.uniform(-0.18, 0.18, len(part))
        axes.scatter(part["temperature_K"], height, s=20, c=colour, marker=marker, alpha=0.6, lw=0)
        for target in part["target_K"].dropna().unique():
            axes.plot([target, target], [row - 0.38, row + 0.38], color=BLACK, lw=1.6)
    _rows(axes, [f"{s}, {source}" for (s, source), _ in groups])
    axes.set_xlabel("Mean temperature of a trajectory after equilibration, K")
    return Figure(
        "temperatures",
        "Mean temperature of each trajectory, by sampling and source; the bar is the thermostat's "
        "target. Small structures in short runs scatter widely.",
        "Dots of mean temperatures beside the target: "
        + ", ".join(f"{source} {p['temperature_K'].mean():.0f} K" for (_, source), p in groups),
        canvas,
        table,
    )


def _rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)


def bands(run: Run, name: str, crystal: Crystal) -> Figure:
    """Bands along the path, and the density of states beside them; low ones once more, larger."""
    segments = crystal.spectrum["segments"]
    lowest = min(float(np.min(s["frequencies_THz"])) for s in segments)
    highest = max(float(np.max(s["frequencies_THz"])) for s in segments)
    windows = _windows(run, name)
    low_end = max((1.2 * high for _, high in windows if high), default=highest)
    tops = [highest, low_end] if low_end < highest / 2 else [highest]
    canvas = Canvas(figsize=(WIDTH, 1.2 + 2.6 * len(tops)))
    grid = canvas.subplots(len(tops), 2, sharey="row", squeeze=False, width_ratios=[4, 1])
    for (left, right), top in zip(grid, tops, strict=True):
        _draw_bands(left, segments)
        _draw_states(right, crystal.spectrum["dos"], top)
        for axes in (left, right):
            axes.axhline(0, color=GREY, lw=0.8, zorder=1)
            for low, high in windows:
                axes.axhspan(low, high or highest, color=SHADE, lw=0, zorder=0)
        left.set_ylim(min(0.0, 1.05 * lowest), 1.03 * top)
    return Figure(
        f"phonons_{name}_{crystal.id[:8]}",
        f"{name}: phonons of {crystal.formula} ({crystal.id[:8]}), bands along the path "
        f"{_spoken(crystal.spectrum['path'])} and density of states of the primitive cell"
        + (", the lowest once more" if len(tops) > 1 else "")
        + (", shaded where a sampling takes its modes from" if windows else "")
        + f". The lowest frequency on the path is {_signed(lowest)} THz; imaginary ones are below "
        "zero. "
        "Between the q-points that fit the supercell, bands are interpolated. Polar crystals lack "
        "the splitting of longitudinal and transverse optical modes: no charges are put in.",
        f"Phonon bands of {crystal.formula} from {_signed(lowest)} to {highest:.3g} THz, beside "
        "the density of states.",
        canvas,
        _band_data(segments),
        vector=True,
    )


def _draw_bands(axes: Axes, segments: list[dict[str, Any]]) -> None:
    for segment in segments:
        axes.plot(segment["distance_per_A"], segment["frequencies_THz"], color=BLUE, lw=1.0)
    _path(axes, segments)
    axes.set_ylabel("Frequency, THz")


def _draw_states(axes: Axes, states: Mapping[str, Any], top: float) -> None:
    density = np.asarray(states["states_per_THz"], dtype=float)
    frequency = np.asarray(states["frequency_THz"], dtype=float)
    axes.fill_betweenx(frequency, density, color=BLUE, alpha=0.25, lw=0)
    axes.plot(density, frequency, color=BLUE, lw=1.0)
    axes.set_xlim(0, 1.05 * density[frequency <= 1.03 * top].max())
    axes.set_xlabel("States per THz")


def _path(axes: Axes, segments: list[dict[str, Any]]) -> None:
    """Names of the points on the axis; where the path jumps, both."""
    places: dict[float, list[str]] = {}
    for segment in segments:
        ends = (segment["distance_per_A"][0], segment["distance_per_A"][-1])
        for place, label in zip(ends, segment["labels"], strict=True):
            names = places.setdefault(round(place, 9), [])
            if _spoken(label) not in names:
                names.append(_spoken(label))
    axes.set_xticks(list(places), ["|".join(names) for names in places.values()])
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(min(places), max(places))


def _spoken(path: str) -> str:
    return path.replace("G", "Γ")


def _signed(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _windows(run: Run, name: str) -> list[tuple[float, float | None]]:
    """Frequencies that samplings take modes from, THz; those by number have no window."""
    found = [
        (section["freq_min_THz"], section["freq_max_THz"])
        for section in run.settings["sampling"].values()
        if section.get("force_constants") == name and not section["selected_modes"]
    ]
    return list(dict.fromkeys(found))


def _band_data(segments: list[dict[str, Any]]) -> pd.DataFrame:
    parts = []
    for segment in segments:
        part = pd.DataFrame(segment["frequencies_THz"])
        part.columns = pd.Index([f"band_{i + 1}_THz" for i in range(part.shape[1])])
        part.insert(0, "distance_per_A", segment["distance_per_A"])
        part.insert(0, "segment", "-".join(segment["labels"]))
        parts.append(part)
    return pd.concat(parts)


def thermal(run: Run) -> Figure | None:
    """Sampled over thermal mean-square displacement of each structure, beside the line at 1."""
    table = run.sampled.draws
    if len(table):
        table = table[(table["draw"] != "mode_scan") & table["sampled_over_thermal"].notna()]
    if not len(table):
        return None
    groups = list(table.groupby(["sampling", "source"], sort=False))
    colours = source_colours(run)
    canvas = Canvas(figsize=(WIDTH, 1.1 + 0.5 * len(groups)))
    axes = canvas.add_subplot()
    axes.axvline(1.0, color=BLACK, lw=1.4, zorder=1)
    for row, ((_, source), part) in enumerate(groups):
        colour, marker = colours[str(source)]
        apart = np.linspace(-0.25, 0.25, len(part)) if len(part) > 1 else np.zeros(1)
        error = 1.96 * part["sampled_over_thermal_error"].fillna(0.0)
        ratio = part["sampled_over_thermal"]
        axes.errorbar(ratio, row + apart, xerr=error, fmt=marker, ms=5.5, color=colour, lw=1.4)
    _rows(axes, [f"{s}, {source}" for (s, source), _ in groups])
    axes.set_xlabel("Sampled over thermal mean-square displacement")
    axes.set_xlim(0, max(1.6, axes.get_xlim()[1]))
    return Figure(
        "thermal_displacement",
        "Mass-weighted mean-square displacement of the frames over the thermal one of the modes "
        "that move, a point for each structure, with 95 % intervals (1.96 standard errors) over "
        "independent frames, over modes where one moves at a time. What is drawn at a temperature "
        "has to meet the line at 1; scans in even steps along a mode do not, and are left out.",
        "Points beside a line at 1: "
        + ", ".join(
            f"{s}, {source} {p['sampled_over_thermal'].mean():.3g}" for (s, source), p in groups
        ),
        canvas,
        table,
        vector=True,
    )
