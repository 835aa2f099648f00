"""Tables of the teachers: gaps, errors, spread of their labels."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from limbeck.report.collect import Run, Teacher
from limbeck.report.table import Column, Table, count, estimate, number, percent, text
from limbeck.report.words import interval


def gap_row(entry: dict[str, Any]) -> dict[str, Any]:
    """The numbers of one gap, of a symmetry or of one source within it."""
    forces = entry.get("forces") or {}
    return {
        "energy_meV_per_atom": interval(entry.get("energy") or {}, "rms_meV_per_atom"),
        "forces_meV_per_A": interval(forces, "rms_meV_per_A"),
        "relative": forces.get("relative"),
        "stress_GPa": interval(entry.get("stress") or {}, "rms_GPa"),
    }


def _gap_columns() -> list[Column]:
    return [
        estimate("energy_meV_per_atom", "Energy, meV/atom"),
        estimate("forces_meV_per_A", "Forces, meV/Å"),
        Column("relative", "Forces, relative", percent, numeric=True),
        estimate("stress_GPa", "Stress, GPa"),
    ]


def gaps(teachers: Iterable[Teacher]) -> Table | None:
    """Warrant gaps of models by symmetry."""
    rows = [
        {"model": m.name, "symmetry": s, "frames": g.get("n_frames"), "roots": g.get("n_roots")}
        | {"views": g.get("n_views")}
        | gap_row(g)
        for m in teachers
        for s, g in m.gaps.items()
    ]
    if not rows:
        return None
    return Table(
        "gaps",
        "Warrant gaps of the teachers on the test frames: root mean square spread over views, with "
        "95 % intervals (bootstrap over roots). Relative: over the root mean square force.",
        [
            text("model", "Teacher"),
            text("symmetry", "Symmetry"),
            count("frames", "Frames"),
            count("roots", "Roots"),
            count("views", "Views"),
            *_gap_columns(),
        ],
        pd.DataFrame(rows),
    )


def gaps_by_source(teachers: Iterable[Teacher]) -> Table | None:
    """The gaps of the forces by source."""
    rows = [
        {"model": t.name, "symmetry": s, "source": source}
        | {"frames": entry.get("n_frames"), "roots": entry.get("n_roots")}
        | gap_row(entry)
        for t in teachers
        for s, g in t.gaps.items()
        for source, entry in g.get("by_source", {}).items()
    ]
    if not rows:
        return None
    columns = ["model", "symmetry", "source", "frames", "roots", "forces_meV_per_A", "relative"]
    return Table(
        "gaps_by_source",
        "Warrant gaps of the forces by source",
        [
            text("symmetry", "Symmetry"),
            text("source", "Source"),
            count("frames", "Frames"),
            count("roots", "Roots"),
            *_gap_columns()[1:3],
        ],
        pd.DataFrame(rows)[columns],
        folded=True,
        group="model",
    )


def errors(run: Run) -> Table | None:
    """Errors of each teacher against the truth, and what averaging gains."""
    rows = [_error_row(t.name, t.errors) for t in run.compared]
    if not rows:
        return None
    return Table(
        "teacher_errors",
        f"Mean absolute errors of the force components against {run.settings['warrant']['truth']} "
        "on the test frames, meV/Å, with 95 % intervals. The gain is the error of one random view "
        "less that of the mean of 24, paired by root.",
        [text("model", "Teacher"), *_error_columns()],
        pd.DataFrame(rows),
    )


def errors_by_source(run: Run) -> Table | None:
    """The same by source."""
    rows = [
        _error_row(t.name, entry) | {"source": source}
        for t in run.compared
        for source, entry in t.errors.get("by_source", {}).items()
    ]
    if not rows:
        return None
    return Table(
        "teacher_errors_by_source",
        "Errors of the teachers by source",
        [text("source", "Source"), *_error_columns()],
        pd.DataFrame(rows),
        folded=True,
        group="model",
    )


def _error_row(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    values = {k: interval(entry.get(k), "force_mae_meV_per_A") for k in ERRORS}
    return {"model": name, "frames": entry.get("n_frames"), "roots": entry.get("n_roots")} | values


def _error_columns() -> list[Column]:
    known = [count("frames", "Frames"), count("roots", "Roots")]
    return known + [estimate(k, heading) for k, heading in ERRORS.items()]


ERRORS = {
    "own": "As given",
    "random": "One random view",
    "mean24": "Mean of 24 views",
    "gain": "Gain of averaging",
}


def spreads(run: Run) -> Table | None:
    """Quantiles of the label spread."""
    rows = []
    for name, values in run.spreads.items():
        if len(values):
            series = pd.Series(values)
            row = {"label_set": name, "atoms": len(values)}
            rows.append(row | {f"q{q}": float(series.quantile(q / 100)) for q in (5, 50, 95, 99)})
    if not rows:
        return None
    return Table(
        "label_spread_quantiles",
        "Quantiles of the spread of the force labels over views, meV/Å (root mean square over the "
        "three components of an atom's force).",
        [
            text("label_set", "Label set"),
            count("atoms", "Atoms"),
            number("q5", "5 %", ".3g"),
            number("q50", "Median", ".3g"),
            number("q95", "95 %", ".3g"),
            number("q99", "99 %", ".3g"),
        ],
        pd.DataFrame(rows),
    )
