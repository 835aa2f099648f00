"""Molecular dynamics: temperatures, drift and cuts, and what runs along trajectories."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from limbeck.report.page import cols
from limbeck.report.page.figure import BLACK, SHADE, WIDTH, PageFigure, look, named_rows
from limbeck.report.page.items import Section, section
from limbeck.report.page.prose import lower, prose
from limbeck.report.page.table import Table, grouped, named, table
from limbeck.report.run.averages import averages
from limbeck.report.run.folder import Run

#: trajectories of a sampling that are drawn
TRAJECTORIES = 12
#: fs, from which on times are told in ps
LONG = 2000.0
TRACE = "id trajectory time_fs temperature_K target_K energy_eV_per_atom density_g_cm3".split()
SUMMARY = (
    "id trajectory n_atoms target_K temperature_K temperature_error_K density_g_cm3 "
    "energy_drift_eV_per_atom_per_ps total_energy_drift_eV_per_atom_per_ps doubt cut"
).split()
#: label, factor to its unit, and whether its mean over structures says anything
QUANTITIES = {
    "temperature_K": ("Temperature, K", 1.0, True),
    "pressure_GPa": ("Pressure, GPa", 1.0, True),
    "density_g_cm3": ("Density, g/cm³", 1.0, True),
    "energy_eV_per_atom": ("Potential energy, meV/atom", 1e3, False),
}
#: columns that tell one trajectory of a sampling from another
ONE = ["source", "shard", "id", "trajectory"]

told = prose("dynamics")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of dynamics, where there is any."""
    traces, trajectories, means = read(run)
    items = [
        means_table(means),
        summary_table(run, trajectories),
        temperature_figure(run, trajectories),
    ]
    items += [trace_figure(run, name, trace) for name, trace in traces.items()]
    if traces:
        yield section("dynamics", "Molecular dynamics", items)


def read(run: Run) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame]:
    """Rows along the first trajectories of each sampling; a row per trajectory of all, with
    spread_K, the standard deviation of its temperature after equilibration; and a row per
    quantity of each sampling and source, see :func:`judged`."""
    made = run.samplings("md")
    summaries = run.shards("samples", made, *SUMMARY, of="sampling")
    traces, spreads, means = {}, [], list[dict[str, Any]]()
    for name, sampling in made.items():
        kept: list[pd.DataFrame] = []
        for source in sampling.sources:
            late: list[pd.DataFrame] = []
            for shard in run.shards_of(source):  # one at a time: they are long
                trace = run.csv(f"samples/{name}/{source}/{shard}.trace.csv", *TRACE)
                trace = trace.assign(sampling=name, source=source, shard=shard)
                late.append(trace[trace["time_fs"] >= sampling.time_equilibration_fs])
                kept.append(trace[_place(trace) < TRAJECTORIES])
            after = pd.concat(late, ignore_index=True)
            spreads.append(_spread(after))
            here = (summaries["sampling"] == name) & (summaries["source"] == source)
            means += judged(sampling, summaries[here], after)
        whole = pd.concat(kept, ignore_index=True)
        traces[name] = whole[_place(whole) < TRAJECTORIES].drop(columns="sampling")
    if spreads:
        found = pd.concat(spreads).rename("spread_K").reset_index()
        summaries = summaries.merge(found, how="left", on=["sampling", *ONE])
    return traces, summaries, pd.DataFrame(means)


def judged(sampling: Any, summary: pd.DataFrame, after: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row for each quantity of one sampling and source that has a mean: means with their
    errors, and whether they are what was asked for and steady."""
    parts = grouped(after, *ONE)
    if not parts:
        return
    title = f"{named(after, 'sampling')}, {named(after, 'source')}"
    for found in averages(sampling, summary, parts):
        label, factor, absolute = QUANTITIES[found.quantity]
        if found.mean == found.mean:
            yield {
                "of": f"{title} (trajectories: {len(parts):,})",
                "quantity": label,
                "target": found.target * factor,
                "mean": found.mean * factor if absolute else np.nan,
                "error": found.off.error * factor if absolute else np.nan,
                "change": found.change.value * factor,
                "change_error": found.change.error * factor,
                "verdict": found.verdict,
            }


def means_table(found: pd.DataFrame) -> Table | None:
    """Means after equilibration, judged."""
    columns = cols.text(quantity="Mean of")
    columns += cols.number(".4g", target="Target", mean="Mean")
    columns += cols.number(".2g", error="Standard error")
    columns += cols.number(".3g", change="Change")
    columns += cols.number(".2g", change_error="Its error")
    columns += cols.text(verdict="Verdict")
    return table("dynamics_means", told("means"), columns, found, group="of")


def _place(trace: pd.DataFrame) -> pd.Series:
    return trace.groupby(ONE, sort=False).ngroup()


def _spread(after: pd.DataFrame) -> pd.Series:
    """Standard deviation of each trajectory's temperature, K.

    About the target, since that may be a ramp.
    """
    off = after["temperature_K"] - after["target_K"]
    return off.groupby([after[column] for column in ("sampling", *ONE)]).std()


def summary_table(run: Run, found: pd.DataFrame) -> Table | None:
    """By sampling and source: temperatures and their fluctuation, drift, what was cut."""

    def closed(part: pd.DataFrame) -> bool:
        """Whether nothing holds the temperature."""
        return bool(run.samplings("md")[named(part, "sampling")].ensemble == "NVE")

    def drift(part: pd.DataFrame) -> float:
        energy = "total_energy" if closed(part) else "energy"
        return 1000 * float(part[f"{energy}_drift_eV_per_atom_per_ps"].median())

    def canonical(part: pd.DataFrame) -> float:
        """Of a temperature of 3N - 3 degrees of freedom in the canonical ensemble."""
        freedom = (3 * part["n_atoms"] - 3).clip(lower=1)
        return np.nan if closed(part) else _rms(part["target_K"] * np.sqrt(2 / freedom))

    columns = [
        *cols.text(sampling="Sampling", source="Source"),
        *cols.count(trajectories=("Trajectories", len)),
        *cols.number(".1f", spread_K=("Fluctuation, K", cols.each("spread_K", _rms))),
        *cols.number(".1f", canonical_spread_K=("Canonical, K", canonical)),
        *cols.text(drift_of=("Energy", lambda part: "total" if closed(part) else "potential")),
        *cols.number(".1f", drift_meV_per_atom_per_ps=("Drift, meV/atom/ps", drift)),
        *cols.text(doubts=("In doubt", cols.each("doubt", cols.reasons))),
        *cols.text(reasons=("Cut", cols.each("cut", cols.reasons))),
    ]
    return table("dynamics", told("summary"), columns, grouped(found, "sampling", "source"))


def _rms(values: pd.Series) -> float:
    return float(np.sqrt((values**2).mean()))


def trace_figure(run: Run, name: str, trace: pd.DataFrame) -> PageFigure | None:
    """Temperature, energy and, where it changes, density along the first trajectories."""
    if not len(trace):
        return None
    unit, scale = ("ps", 1e-3) if trace["time_fs"].max() >= LONG else ("fs", 1.0)
    energy = trace["energy_eV_per_atom"]
    rise = 1000 * (energy - energy.groupby([trace[c] for c in ONE]).transform("first"))
    trace = trace.assign(rise_meV_per_atom=rise, time=trace["time_fs"] * scale)
    panels = {"temperature_K": "Temperature, K"}
    panels |= {"rise_meV_per_atom": "Energy since the start, meV/atom"}
    density = trace["density_g_cm3"]
    if density.max() - density.min() > 1e-6 * density.max():  # more than by rounding
        panels |= {"density_g_cm3": "Density, g/cm³"}
    canvas = Canvas(figsize=(WIDTH, 3.1))
    grid = canvas.subplots(1, len(panels), squeeze=False)[0]
    for axes, (key, label) in zip(grid, panels.items(), strict=True):
        end = run.samplings("md")[name].time_equilibration_fs * scale
        axes.axvspan(0, end, color=SHADE, lw=0, zorder=0)
        _lines(run, axes, trace, key)
        axes.set(xlabel=f"Time, {unit}", ylabel=label)
        axes.set_xlim(0, trace["time"].max() or 1)
    _targets(grid[0], trace)
    drawn, sources = trace.groupby(ONE).ngroups, trace["source"].nunique()
    first = f"the first {drawn}" if drawn == TRAJECTORIES else drawn
    caption = told("trace", name=name, number=first, alone=drawn == 1, sources=sources)
    ranges = [
        f"{lower(label)} from {trace[key].min():.3g} to {trace[key].max():.3g}"
        for key, label in panels.items()
    ]
    alt = f"Lines over time up to {trace['time_fs'].max():,.0f} fs: {'; '.join(ranges)}"
    return PageFigure(f"dynamics_{name}", caption, alt, canvas, trace.drop(columns="time"))


def _lines(run: Run, axes: Axes, trace: pd.DataFrame, key: str) -> None:
    alone = trace["source"].nunique() == 1
    for place, part in enumerate(grouped(trace, *ONE)):
        colour = look(place)[0] if alone else run.look(named(part, "source"))[0]
        axes.plot(part["time"], part[key], color=colour, lw=1.0, alpha=0.75)
        if part["time"].max() < trace["time"].max():  # cut
            axes.plot(part["time"].iloc[-1], part[key].iloc[-1], "x", color=colour, ms=6)


def _targets(axes: Axes, trace: pd.DataFrame) -> None:
    parts = grouped(trace.dropna(subset=["target_K"]), *ONE)
    drawn = {tuple(zip(part["time"], part["target_K"], strict=True)) for part in parts}
    for line in sorted(drawn):
        axes.plot(*zip(*line, strict=True), color=BLACK, ls="--", lw=1.3, zorder=3)


def temperature_figure(run: Run, found: pd.DataFrame) -> PageFigure | None:
    """Mean temperature of each trajectory, by sampling and source."""
    groups = grouped(found, "sampling", "source")
    # Where there is one trajectory of each, the figure of each says it all.
    if len(found) == len(groups) or not found["temperature_K"].notna().any():
        return None
    canvas = Canvas(figsize=(WIDTH, 1.0 + 0.42 * len(groups)))
    axes = canvas.add_subplot()
    jitter = np.random.default_rng(0)
    for row, part in enumerate(groups):
        colour, marker = run.look(named(part, "source"))
        style: Any = {"s": 20, "c": colour, "marker": marker, "alpha": 0.6, "lw": 0}
        axes.scatter(part["temperature_K"], row + jitter.uniform(-0.18, 0.18, len(part)), **style)
        for target in part["target_K"].dropna().unique():
            axes.plot([target, target], [row - 0.38, row + 0.38], color=BLACK, lw=1.6)
    named_rows(axes, [f"{named(part, 'sampling')}, {named(part, 'source')}" for part in groups])
    axes.set_xlabel("Mean temperature of a trajectory after equilibration, K")
    means = [f"{named(p, 'source')} {p['temperature_K'].mean():.0f} K" for p in groups]
    alt = f"Dots of mean temperatures beside the target: {', '.join(means)}"
    return PageFigure("temperatures", told("temperatures"), alt, canvas, found)
