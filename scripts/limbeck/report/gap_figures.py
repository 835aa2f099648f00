"""The figure of all gaps of all potentials, made to stand in a paper."""

from collections.abc import Sequence
from math import isfinite

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from limbeck.report.collect import Measured
from limbeck.report.figures import BLACK, GREY, WIDTH, Figure, look, plain
from limbeck.report.gap_kinds import (
    CLOSED,
    FORCE_FIELD,
    OPEN,
    UNSURE,
    Headline,
    headline,
    in_order,
    kind_of,
    spoken,
)
from limbeck.report.gap_tables import meanings
from limbeck.report.table import spread_intervals
from limbeck.report.words import ROUNDING

#: meV/Angstrom; what is smaller stands here, since it would rule the axis and say no more
FLOOR = 1e-3
#: height of one model's row within a gap, and of the room between gaps; inches
ROW, BETWEEN = 0.15, 0.17
#: below the name of a gap, where it is another thing than the others
NOTES = {"conservativity": "work / length", "consistency": "forces + slope of energy"}


def gaps(models: Sequence[Measured]) -> Figure | None:
    """Every gap of every potential, on a logarithmic axis."""
    models = [m for m in models if m.gaps]
    names = in_order(name for m in models for name in m.gaps)
    points = [
        (row, place, headline(name, m.gaps[name]))
        for row, name in enumerate(names)
        for place, m in enumerate(models)
        if name in m.gaps
    ]
    points = [p for p in points if p[2].value.known]
    if not points:
        return None
    height = max(ROW * len(models) + BETWEEN, 0.42)  # of one gap; two lines have to fit
    canvas = Canvas(figsize=(WIDTH, len(names) * height + 1.1))
    axes = canvas.add_subplot()
    for row, place, found in points:
        _draw(axes, row + (place - (len(models) - 1) / 2) * ROW / height, found, place)
    _frame(axes, names, [m.name for m in models])
    return Figure(
        "warrant_gaps",
        f"Warrant gaps: {meanings(names)}. Points are estimates, bars 95 % intervals over roots. "
        "Filled: the whole interval is above rounding and the error of the integration or of the "
        "differences; pale: it reaches down to them; hollow: it is within them. Shaded: below "
        f"{ROUNDING} meV/Å, where rounding in single precision alone may lead; what is below "
        f"{FLOOR} stands at the edge.",
        "Dots with intervals on a logarithmic axis. "
        + "; ".join(f"{m.name}: {_told(m)}" for m in models),
        canvas,
        _data(models, names),
        vector=True,
    )


def _draw(axes: Axes, height: float, found: Headline, place: int) -> None:
    colour, marker = look(place)
    value = found.value
    if isfinite(value.low) and isfinite(value.high):
        ends = [max(value.low, FLOOR), max(value.high, FLOOR)]
        axes.plot(ends, [height, height], color=colour, lw=1.6, solid_capstyle="butt", zorder=2)
    fill = {OPEN: 1.0, UNSURE: 0.35, CLOSED: 0.0}[found.state]
    axes.plot(
        max(value.value, FLOOR),
        height,
        marker,
        ms=5.5,
        color=colour,
        markerfacecolor=paled(colour, fill),
        markeredgewidth=1.2,
        zorder=3,
    )


def paled(colour: str, strength: float) -> tuple[float, ...]:
    """A colour mixed with white: 1 keeps it, 0 is white."""
    return tuple(1 - strength * (1 - part) for part in to_rgb(colour))


def _frame(axes: Axes, names: Sequence[str], potentials: Sequence[str]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(FLOOR / 1.5, max(axes.get_xlim()[1], 10 * ROUNDING))
    axes.axvspan(FLOOR / 1.5, ROUNDING, color="#eef0f2", zorder=0, lw=0)
    plain(axes.xaxis)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: _edge(v) + f"{v:,g}"))
    axes.set_yticks(range(len(names)), [_label(n) for n in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    for row in range(1, len(names)):
        first_of_others = names[row] in FORCE_FIELD and names[row - 1] not in FORCE_FIELD
        axes.axhline(row - 0.5, color=GREY if first_of_others else "#e6e8eb", lw=0.8, zorder=1)
    axes.set_xlabel("Gap (root mean square), meV/Å")
    handles = [
        Line2D([], [], color=look(i)[0], marker=look(i)[1], ms=5.5, lw=1.6, label=name)
        for i, name in enumerate(potentials)
    ]
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=min(len(handles), 5),
        borderaxespad=0.3,
        columnspacing=1.6,
        labelcolor=BLACK,
    )


def _edge(value: float) -> str:
    return "≤ " if value < 1.01 * FLOOR else ""


def _label(name: str) -> str:
    return "\n".join(filter(None, [kind_of(name).title, NOTES.get(name)]))


def _told(model: Measured) -> str:
    found = {n: headline(n, model.gaps[n]) for n in in_order(model.gaps)}
    return ", ".join(
        f"{spoken(n)} {'none' if h.state == CLOSED else h.value.text('meV/Å')}"
        for n, h in found.items()
        if h.value.known
    )


def _data(models: Sequence[Measured], names: Sequence[str]) -> pd.DataFrame:
    rows = []
    for name in names:
        for m in models:
            if name in m.gaps:
                found = headline(name, m.gaps[name])
                row = {"gap": name, "potential": m.name, "meV_per_A": found.value}
                rows.append(row | {"relative": found.relative, "level_meV_per_A": found.level})
    return spread_intervals(pd.DataFrame(rows))
