"""Views of the labels: which there were, how they were chosen, and what grids of them are worth."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from limbeck.report.collect import Run
from limbeck.report.figures import WIDTH, Figure, look, plain
from limbeck.report.table import Column, Table, count, estimate, number, spread_intervals, text
from limbeck.warrant.statistics import Estimate, estimate_of


def choices(run: Run) -> Table | None:
    """What ``views: auto`` chose, why, and what was saved; a row per label set."""
    rows = []
    for name, found in run.choices.items():
        largest, calls = found["largest"], found["model_calls"]
        rows.append(
            {
                "label_set": name,
                "potential": found["potential"],
                "gap_meV_per_A": estimate_of(largest["forces"]),
                "source": largest["source"],
                "threshold_meV_per_A": found["threshold_meV_per_A"],
                "views": found["views"],
                "calls_beforehand": calls["beforehand"],
                "calls_of_labels": calls["labels"],
                "calls_saved": calls["saved"],
                "reason": found["reason"],
            }
        )
    if not rows:
        return None
    return Table(
        "views_chosen",
        "Views chosen by measuring beforehand (views: auto). The gap is that of the source where "
        "it is largest. Saved: calls of the potential beside averaging in any case, less those "
        "spent beforehand; negative where averaging was chosen.",
        [
            text("label_set", "Label set"),
            text("potential", "Potential"),
            estimate("gap_meV_per_A", "Gap of the forces, meV/Å"),
            text("source", "In source"),
            number("threshold_meV_per_A", "Negligible below, meV/Å", ".3g"),
            Column(
                "views", "Views chosen", lambda v: "as given" if v == "as_given" else f"{v} random"
            ),
            count("calls_beforehand", "Calls before"),
            count("calls_of_labels", "Calls of labels"),
            Column("calls_saved", "Calls saved", lambda n: f"{n:,}".replace("-", "−"), True),
        ],
        pd.DataFrame(rows),
    )


def certificates(run: Run) -> Table | None:
    """How far the mean over each grid is from the mean over all rotations."""
    rows = [
        {"potential": name} | row
        for name, found in run.certificates.items()
        for row in map(_row, found["rules"])
    ]
    if not rows:
        return None
    return Table(
        "quadrature",
        f"What the mean over a grid of views is worth, on {_frames(run)}: the root mean square "
        "distance of its forces from the mean over all rotations (over "
        f"{_random_views(run):,} random views, whose own noise is taken out), what as many random "
        "views would leave, and how much the mean changes to the next grid. Zero where it cannot "
        "be told from zero.",
        [
            text("views", "Views"),
            count("n_views", "Number"),
            count("exact_to_degree", "Exact to l ="),
            estimate("error_meV_per_A", "Error, meV/Å"),
            estimate("random_meV_per_A", "As many random, meV/Å"),
            estimate("change_meV_per_A", "Change to the next, meV/Å"),
            estimate("energy_meV_per_atom", "Error of the energy, meV/atom"),
        ],
        pd.DataFrame(rows),
        group="potential",
    )


def _row(rule: dict[str, Any]) -> dict[str, Any]:
    order = rule["order"]
    return {
        "views": "as given" if rule["views"] == "as_given" else rule["views"] + f" {order or ''}",
        "n_views": rule["n_views"],
        "exact_to_degree": rule["exact_to_degree"],
        "error_meV_per_A": _forces(rule["error"]),
        "random_meV_per_A": _forces(rule["as_many_random"]),
        "change_meV_per_A": _forces(rule["change_to_next"]),
        "energy_meV_per_atom": estimate_of(rule["error"]["energy"]),
    }


def _forces(figures: dict[str, Any] | None) -> Estimate:
    return estimate_of((figures or {}).get("forces") or {})


def _frames(run: Run) -> str:
    counts = sorted({found["n_frames"] for found in run.certificates.values()})
    return f"{counts[0]} to {counts[-1]} frames" if len(counts) > 1 else f"{counts[0]} frames"


def _random_views(run: Run) -> int:
    return int(next(iter(run.certificates.values()))["random_views"])


def convergence(run: Run) -> Figure | None:
    """The error of the mean against the number of views."""
    found = {
        name: pd.DataFrame(map(_row, certificate["rules"]))
        for name, certificate in run.certificates.items()
    }
    if not found:
        return None
    canvas = Canvas(figsize=(WIDTH, 3.4))
    axes = canvas.add_subplot()
    for place, (name, rows) in enumerate(found.items()):
        _draw(axes, name, rows, look(place))
    axes.set(xscale="log", yscale="log", xlabel="Views", ylabel="Error of the mean force, meV/Å")
    ticks = sorted({n for rows in found.values() for n in rows["n_views"]})
    axes.set_xticks(ticks, map(str, ticks))
    axes.minorticks_off()
    plain(axes.yaxis)
    axes.legend()
    return Figure(
        "quadrature_convergence",
        "Error of the mean over grids of views (solid) beside what as many independent random "
        "views leave (dashed), with 95 % intervals over roots, by potential. Errors that cannot be "
        f"told from zero stand at {FLOOR} meV/Å.",
        "Lines falling with the number of views. "
        + "; ".join(
            f"{name}: {rows['error_meV_per_A'].iloc[-1].text('meV/Å')} with "
            f"{rows['n_views'].iloc[-1]} views"
            for name, rows in found.items()
        ),
        canvas,
        spread_intervals(pd.concat([r.assign(potential=n) for n, r in found.items()])),
        vector=True,
    )


#: meV/Angstrom
FLOOR = 1e-3


def _draw(axes: Axes, name: str, rows: pd.DataFrame, style: tuple[str, str]) -> None:
    colour, marker = style
    errors = [max(e.value, FLOOR) for e in rows["error_meV_per_A"]]
    axes.plot(rows["n_views"], errors, marker, color=colour, ls="-", ms=5, label=name)
    for views, error in zip(rows["n_views"], rows["error_meV_per_A"], strict=True):
        ends = [max(error.low, FLOOR), max(error.high, FLOOR)]
        axes.plot([views, views], ends, color=colour, lw=1.6)
    random = [max(e.value, FLOOR) for e in rows["random_meV_per_A"]]
    axes.plot(rows["n_views"], random, color=colour, ls="--", lw=1.2)
