"""Tables of the teachers: gaps, errors, spread of their labels."""

from typing import Any

import pandas as pd

from limbeck.report.collect import Run
from limbeck.report.table import Column, Table, count, estimate, number, text
from limbeck.warrant.statistics import estimate_of


def errors(run: Run) -> Table | None:
    """Errors of each teacher against the reference, and what averaging gains."""
    rows = [_error_row(t.name, t.errors) for t in run.compared]
    if not rows:
        return None
    return Table(
        "teacher_errors",
        "Mean absolute errors of the force components against "
        f"{run.settings['warrant']['reference']} on the test frames, meV/Å, "
        "with 95 % intervals. The gain is the error of one random view "
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
    values = {k: estimate_of((entry.get(k) or {}).get("forces")) for k in ERRORS}
    return {"model": name, "frames": entry.get("n_frames"), "roots": entry.get("n_roots")} | values


def _error_columns() -> list[Column]:
    known = [count("frames", "Frames"), count("roots", "Roots")]
    return known + [estimate(k, heading) for k, heading in ERRORS.items()]


ERRORS = {
    "as_given": "As given",
    "random": "One random view",
    "averaged": "Mean of 24 views",
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
