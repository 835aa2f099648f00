"""A study in one picture: its share, its error over the number of views, its students."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from limbeck.files import whole_file
from limbeck.studies.judge import GIVEN, RANDOM
from limbeck.warrant.statistics import Estimate, estimate_of

BLUE, RED, GREY, GREEN = "#2c6fbb", "#c8452f", "#8a8a8a", "#3a8a4f"
#: arms that are drawn, and their short names
STUDENTS = {
    "student/own/views": "own label",
    "student/averaged/views": "averaged label",
    "student/each": "each view's label",
    "student/more": "more inputs",
    "student/truth/views": "truth",
    "augmented": "augmentation",
    "canonical": "canonical form",
    "reference": "symmetry built in",
}
SIZE = (9.6, 3.0)
DPI = 110
#: pictures of a GIF in a second
FPS = 2

_Entry = Mapping[str, Any]


def draw_tile(path: str | Path, results: _Entry) -> None:
    """Write the picture as PNG."""
    with whole_file(path) as temporary:
        canvas_of(results).savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})


def draw_tiles(path: str | Path, all_results: Sequence[_Entry]) -> None:
    """Write several studies into one PNG, one above the other."""
    canvas = Figure(figsize=(SIZE[0], SIZE[1] * len(all_results)), layout="constrained")
    for part, results in zip(_parts(canvas, len(all_results)), all_results, strict=True):
        _fill(part, results, None)
    with whole_file(path) as temporary:
        canvas.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})


def draw_gif(path: str | Path, all_results: Sequence[_Entry]) -> None:
    """Write a GIF in which the number of views grows; several studies stand one above the other."""
    steps = max(len(_numbers_of_views(results)) for results in all_results)
    size = (SIZE[0], SIZE[1] * len(all_results))
    canvas, writer = Figure(figsize=size, layout="constrained"), PillowWriter(fps=FPS)
    with whole_file(path) as temporary, writer.saving(canvas, str(temporary), dpi=80):
        for step in range(steps):
            canvas.clear()
            for part, results in zip(_parts(canvas, len(all_results)), all_results, strict=True):
                ks = _numbers_of_views(results)
                _fill(part, results, ks[min(step, len(ks) - 1)])
            writer.grab_frame()


def _parts(canvas: Figure, number: int) -> Sequence[Any]:
    return list(canvas.subfigures(number, 1, squeeze=False)[:, 0])


def _numbers_of_views(results: _Entry) -> list[int]:
    return sorted(int(k) for k in results["arms"]["teacher"]["by_views"])


def canvas_of(results: _Entry, most_views: int | None = None) -> Figure:
    """The picture, with the teacher's curve up to a number of views; all of it where not given."""
    canvas = Figure(figsize=SIZE, layout="constrained")
    _fill(canvas, results, most_views)
    return canvas


def _fill(canvas: Any, results: _Entry, most_views: int | None) -> None:
    canvas.suptitle(f"{results['name']}: {results['verdict']}", fontsize=10, x=0.01, ha="left")
    share, curve, students = canvas.subplots(1, 3, width_ratios=(0.5, 1, 1.3))
    _share(share, estimate_of(results["share"]))
    _curve(curve, results, most_views)
    _arms(students, results)


def _share(axes: Axes, share: Estimate) -> None:
    axes.bar([0], [100 * share.value], color=BLUE, width=0.6)
    if share.bounded:
        axes.plot([0, 0], [100 * share.low, 100 * share.high], color="black", lw=1.5)
    axes.set(xlim=(-0.8, 0.8), ylim=(0, 100), xticks=[], ylabel="% of the error")
    axes.set_title("share: changes with the view", fontsize=8)


def _curve(axes: Axes, results: _Entry, most_views: int | None) -> None:
    teacher = results["arms"]["teacher"]
    ks = _numbers_of_views(results)
    shown = [k for k in ks if most_views is None or k <= most_views]
    values = [estimate_of(teacher["by_views"][str(k)]).times(100) for k in shown]
    axes.fill_between(
        shown, [v.low for v in values], [v.high for v in values], color=BLUE, alpha=0.15
    )
    axes.plot(shown, [v.value for v in values], "o-", color=BLUE, ms=4, label="averaged")
    lines = (
        ("teacher", GIVEN, GREY, ":", "as given"),
        ("reference", RANDOM, GREEN, "--", "symmetry built in"),
    )
    for arm, measure, colour, style, label in lines:
        height = 100 * estimate_of(results["arms"][arm][measure]).value
        axes.axhline(height, color=colour, ls=style, lw=1.3, label=label)
    axes.set(xscale="log", xlim=(0.9, 1.1 * ks[-1]), xlabel="views", ylabel="error, % of constant")
    axes.set_xticks(ks, [str(k) for k in ks], minor=False)
    axes.minorticks_off()
    # of all views, so that pictures of a GIF agree
    every = [v for k in ks for v in estimate_of(teacher["by_views"][str(k)]) if np.isfinite(v)]
    axes.set_ylim(0, 115 * max(every))
    axes.legend(fontsize=7, frameon=False)
    axes.set_title("teacher", fontsize=8)


def _arms(axes: Axes, results: _Entry) -> None:
    found = [
        (n, estimate_of(results["arms"][a][RANDOM]))
        for a, n in STUDENTS.items()
        if a in results["arms"]
    ]
    names = [name for name, _ in found]
    for row, (_, value) in enumerate(found):
        scaled = value.times(100)
        axes.plot([scaled.low, scaled.high], [row, row], color=RED, lw=1.8)
        axes.plot([scaled.value], [row], "o", color=RED, ms=5)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("error in random views, % of constant")
    axes.set_title("students and rivals", fontsize=8)
