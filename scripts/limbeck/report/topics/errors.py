"""Errors of the teachers against the reference, and what averaging over views gains."""

from collections.abc import Iterator

import pandas as pd

from limbeck.config.plan import teachers, zeros_differ
from limbeck.report.page import cols
from limbeck.report.page.items import Section, section
from limbeck.report.page.prose import prose
from limbeck.report.page.table import table
from limbeck.report.run.folder import Run
from limbeck.warrant.tidy import pivot

ERRORS = {
    "as_given": "As given",
    "random": "One random view",
    "averaged": "Mean of 24 views",
    "gain": "Gain of averaging",
}

told = prose("errors")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of errors, in all and by source, where any were asked for."""
    found = run.once(read)
    if not len(found):
        return
    columns = cols.count(n_frames="Frames") + cols.groups()
    columns += cols.estimate(**{f"mae_{kind}": heading for kind, heading in ERRORS.items()})
    columns += cols.estimate(energy="Energies, meV/atom")
    whole, by_source = found[found["source"] == ""], found[found["source"] != ""]
    caption, by_name = (
        told("errors", reference=run.reference, fitted=zeros_differ(run.config)),
        [*cols.text(subject="Teacher"), *columns],
    )
    name, named = "teacher_errors_by_source", [*cols.text(source="Source"), *columns]
    folded = table(
        name, told("by_source"), named, by_source.to_dict("records"), folded=True, group="subject"
    )
    items = [table("teacher_errors", caption, by_name, whole.to_dict("records")), folded]
    yield section("errors", f"Teachers: errors against {run.reference}", items)


def read(run: Run) -> pd.DataFrame:
    """Force errors, and those of the energy of frames as given, a row for each teacher but the
    reference itself, and each source ("": all)."""
    if run.reference is None:
        return pd.DataFrame()
    itself = run.config.labels[run.reference].potential
    rows = []
    for name in [name for name in teachers(run.config) if name != itself]:
        figures = run.figures(f"warrant/teachers/{name}.csv")
        errors = figures["statistic"].isin([f"mae_{kind}" for kind in ERRORS])
        energies = figures["quantity"] == "energy"
        found = figures[errors & (~energies | (figures["statistic"] == "mae_as_given"))]
        found = found.assign(statistic=found["statistic"].mask(energies, "energy"))
        rows += pivot(found, ["subject", "source"], "statistic")
    return pd.DataFrame(rows)
