"""Figures of the report. Each brings the data it was drawn from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from limbeck.report.collect import Run, Student
from limbeck.report.table import spread_intervals
from limbeck.report.teacher_tables import ERRORS
from limbeck.warrant.statistics import TINY, Estimate, estimate_of

# Okabe and Ito's colours: told apart with any colour vision, and in print.
BLUE, ORANGE, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
YELLOW, SKY, BLACK, GREY = "#b58900", "#56b4e9", "#222222", "#8a8f98"

COLOURS = (BLUE, ORANGE, GREEN, PINK, YELLOW, SKY, BLACK)
MARKERS = "osD^vPX"

#: Width of the page's column, inches at 100 pixels.
WIDTH = 9.6

STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that figures look alike everywhere
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9aa0a6",
    "axes.labelcolor": BLACK,
    "xtick.color": "#5f6368",
    "ytick.color": "#5f6368",
    "xtick.labelcolor": BLACK,
    "ytick.labelcolor": BLACK,
    "axes.grid": True,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # whole letters that can be edited, as journals ask for
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class Figure:
    """A figure of the page.

    Attributes:
        name: of its PNG and CSV files.
        caption: what is drawn, with units.
        alt: what it shows, for whoever cannot see it.
        data: what was drawn.
        vector: worth a PDF as well, for a paper; not where there are thousands of points.
    """

    name: str
    caption: str
    alt: str
    canvas: Canvas
    data: pd.DataFrame
    vector: bool = False


def headline(run: Run) -> Figure | None:
    """Errors against the reference and rotation gaps of teachers and students, side by side."""
    errors, gaps = _error_points(run), _gap_points(run)
    panels = [(t, p) for t, p in ((_ERROR_AXIS, errors), (_GAP_AXIS, gaps)) if p]
    if not panels:
        return None
    rows = max(len(p) for _, p in panels)
    sides = ("left, ", "right, ") if len(panels) > 1 else ("",)
    canvas = Canvas(figsize=(WIDTH, 1.1 + 0.3 * rows))
    for i, (label, points) in enumerate(panels):
        _forest(canvas.add_subplot(1, len(panels), i + 1), points, label)
    data = pd.DataFrame(
        [
            {"quantity": label, "model": name, "value": value}
            for label, points in panels
            for name, value, _ in points
        ]
    )
    return Figure(
        "headline",
        "What the answers rest on: "
        + "; ".join(f"{side}{lower(label)}" for side, (label, _) in zip(sides, panels, strict=True))
        + ". Points are estimates, bars 95 % intervals over roots; teachers blue, students orange. "
        f"On a logarithmic axis, what is below {TINY} stands there.",
        "Dots with intervals. "
        + "; ".join(f"{n} {v.text('meV/Å')}" for _, points in panels for n, v, _ in points),
        canvas,
        spread_intervals(data),
        vector=True,
    )


_ERROR_AXIS = "Force error vs reference (MAE), meV/Å"


_GAP_AXIS = "Rotation gap of forces (RMS), meV/Å"


Points = list[tuple[str, Estimate, str]]


def _error_points(run: Run) -> Points:
    points: Points = []
    for t in run.compared:
        for key in ("as_given", "random", "averaged"):
            value = estimate_of((t.errors.get(key) or {}).get("forces"))
            points.append((f"{t.name}, {ERRORS[key].lower()}", value, BLUE))
    for s in run.students:
        reference = s.metrics["against"].get("reference")
        if reference:
            value = estimate_of(reference.get("forces"))
            points.append((student_name(run, s), value, ORANGE))
    return [p for p in points if p[1].known]


def _gap_points(run: Run) -> Points:
    points = [(m.name, m.gaps.get("rotation"), BLUE) for m in run.teachers]
    students = {s.title: s.gaps.get("rotation") for s in run.students}
    points += [(title, gap, ORANGE) for title, gap in students.items()]
    found = [(n, estimate_of((g or {}).get("forces")), c) for n, g, c in points]
    return [p for p in found if p[1].known]


def student_name(run: Run, student: Student) -> str:
    seeds = {s.seed for s in run.students if s.title == student.title}
    return student.title + (f" ({student.seed})" if len(seeds) > 1 else "")


def _forest(axes: Axes, points: Points, label: str) -> None:
    """One row per model; logarithmic where the values span more than a factor of 30."""
    values = np.array([v.value for _, v, _ in points])
    log = values.min() > 0 and values.max() > 30 * values.min()
    floor = TINY if log else -np.inf  # what is smaller is rounding, and would rule the axis
    for row, (_, v, colour) in enumerate(points):
        ends = [max(v.low, floor), max(v.high, floor)]
        axes.plot(ends, [row, row], color=colour, lw=2, solid_capstyle="round")
        axes.plot(max(v.value, floor), row, "o", color=colour, ms=6)
    axes.set_yticks(range(len(points)), [n for n, _, _ in points])
    axes.set_ylim(len(points) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(label)
    if log:
        axes.set_xscale("log")
        plain(axes.xaxis)
    else:
        highest = max(np.nanmax([v.value, v.high]) for _, v, _ in points)
        axes.set_xlim(0, 1.06 * highest or 1)


def plain(axis: Axis) -> None:
    """Numbers as people write them on a logarithmic axis: 0.1, 20, 3,000."""
    low, high = axis.get_view_interval()
    steps = (1.0, 2.0, 5.0) if high < 300 * low else (1.0,)
    axis.set_major_locator(LogLocator(subs=steps, numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_locator(NullLocator())


def label_spread(run: Run) -> Figure | None:
    """Histogram of the spread of force labels, by label set."""
    found = {n: v[v > 0] for n, v in run.spreads.items() if (v > 0).any()}
    if not found:
        return None
    everything = np.concatenate(list(found.values()))
    edges = np.geomspace(np.quantile(everything, 0.001), everything.max() * 1.001, 49)
    canvas = Canvas(figsize=(WIDTH, 3.2))
    axes = canvas.add_subplot()
    rows = []
    for i, (name, values) in enumerate(found.items()):
        share = np.histogram(values, edges)[0] / len(values)
        colour = COLOURS[i % len(COLOURS)]
        axes.stairs(
            100 * share, edges, color=colour, lw=1.6, fill=len(found) == 1, alpha=0.85, label=name
        )
        axes.axvline(np.median(values), color=colour if len(found) > 1 else BLACK, ls="--", lw=1.2)
        rows += [
            {"label_set": name, "low_meV_per_A": a, "high_meV_per_A": b, "share_of_atoms": s}
            for a, b, s in zip(edges[:-1], edges[1:], share, strict=True)
        ]
    axes.set(xscale="log", xlabel="Spread of an atom's force over views, meV/Å", ylabel="Atoms, %")
    plain(axes.xaxis)
    axes.legend()
    medians = ", ".join(f"{n} {np.median(v):.3g} meV/Å" for n, v in found.items())
    return Figure(
        "label_spread",
        "Spread of the force labels over views (root mean square over components; unbiased where "
        "views are random), by label set; dashed: medians.",
        f"Histogram on a logarithmic axis; medians: {medians}.",
        canvas,
        pd.DataFrame(rows),
    )


def look(place: int) -> tuple[str, str]:
    """Colour and marker of what stands at a place in a list; no two of 49 share both."""
    turn = place // len(COLOURS)
    return COLOURS[place % len(COLOURS)], MARKERS[(place + turn) % len(MARKERS)]


def source_colours(run: Run) -> dict[str, tuple[str, str]]:
    """source -> colour and marker, the same in every figure."""
    return {name: look(place) for place, name in enumerate(run.settings["sources"])}


def lower(text: str) -> str:
    return text[0].lower() + text[1:]


def speed(run: Run) -> Figure | None:
    """Atoms per second at the best batch, and against the size of the batch."""
    if not len(run.speed):
        return None
    best = run.speed[run.speed["best"].astype(bool)].sort_values("atoms_per_second")
    names = best["name"].tolist()[::-1]
    looks = {name: look(place) for place, name in enumerate(names)}
    canvas = Canvas(figsize=(WIDTH, max(3.0, 1.0 + 0.34 * len(best))))
    left, right = canvas.subplots(1, 2)
    colours = [looks[n][0] for n in best["name"]]
    left.barh(best["name"], best["atoms_per_second"], color=colours, height=0.62)
    for row, value in enumerate(best["atoms_per_second"]):
        left.annotate(f" {value:,.0f}", (value, row), va="center", fontsize=9)
    left.margins(x=0.2)
    left.set_xlabel("Atoms per second, best batch")
    left.xaxis.set_major_locator(MaxNLocator(4))
    left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    left.grid(axis="y", visible=False)
    for name, part in run.speed.groupby("name", sort=False):
        colour, marker = looks[str(name)]
        right.plot(part["batch_atoms"], part["atoms_per_second"], color=colour, marker=marker, ms=5)
    right.set(xscale="log", yscale="log", xlabel="Atoms in a batch", ylabel="Atoms per second")
    right.set_xticks(sorted(set(run.speed["batch_atoms"])))
    right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    right.xaxis.set_minor_locator(NullLocator())
    plain(right.yaxis)
    return Figure(
        "speed",
        "From frames to forces, on one machine, one model after the other: left each at its "
        "best batch, right against the size of the batch, in the same colours.",
        "Bar chart of atoms per second: "
        + ", ".join(
            f"{n} {v:,.0f}" for n, v in zip(best["name"], best["atoms_per_second"], strict=True)
        ),
        canvas,
        run.speed,
    )
