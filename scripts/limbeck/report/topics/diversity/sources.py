"""Sources beside each other, where the config asks for it: generative models among them."""

from collections.abc import Iterator

import pandas as pd

from limbeck.config.plan import sources_compared
from limbeck.config.written import ComparedFigure, ComparedSources
from limbeck.report.page import cols
from limbeck.report.page.items import Section, section
from limbeck.report.page.prose import prose
from limbeck.report.page.table import ABSENT, Table, table
from limbeck.report.run.folder import Run
from limbeck.warrant.statistics import NO_INTERVAL, Estimate

UNKNOWN = Estimate(float("nan"))
#: rows of the most frequent kinds that the page shows open
MOST_OPEN = 24

told = prose("diversity")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of sources that are compared; none of most runs."""
    if run.config.compare is None:
        return
    found = run.written(ComparedSources, "comparison.json")
    reference = run.config.compare.reference
    items = [figures_table(run, found), apart_table(found, reference), frequent_table(found)]
    yield section("sources", "Sources beside each other", items)


def figures_table(run: Run, found: ComparedSources) -> Table | None:
    """A row for each figure, a column for each source."""
    names = sources_compared(run.config)
    rows: dict[str, dict[str, object]] = {}
    for figure in found.figures:
        unit = f", {figure.unit.replace('cm3', 'cm³')}" if figure.unit else ""
        row = rows.setdefault(figure.name, {"figure": figure.name + unit})
        row |= {figure.source: _estimate(figure), f"count_{figure.source}": figure.count}
    shown = [name for name in names if any(name in row for row in rows.values())]
    columns = cols.text(figure="Figure") + cols.shown(_told, **{name: name for name in shown})
    for row in rows.values():  # of a source that has no such figure
        row |= {name: UNKNOWN for name in shown if name not in row}
    return table("sources", told("compared"), columns, pd.DataFrame(list(rows.values())))


def _told(found: Estimate) -> str:
    """As estimates read; a number of kinds has no interval, and is whole."""
    if not found.known:
        return ABSENT
    counted = not found.bounded and found.value == round(found.value)
    return f"{found.value:,.0f}" if counted else found.text().removesuffix(NO_INTERVAL)


def _estimate(figure: ComparedFigure) -> Estimate:
    ends = (figure.value, figure.low, figure.high)
    return Estimate(*(float("nan") if end is None else end for end in ends))


def apart_table(found: ComparedSources, reference: str | None) -> Table | None:
    """How far each source is from the reference."""
    rows = [
        one.model_dump()
        | {"above": "yes" if one.distance > one.noise else "no"}
        | {"unit": one.unit.replace("cm3", "cm³")}
        for one in found.apart
    ]
    columns = [
        *cols.text(source="Source", name="Distribution of"),
        *cols.number(".3f", distance="Distance", noise="Noise level"),
        *cols.text(unit="Unit", above="Above the noise"),
        *cols.count(count="Structures", count_reference="Of the reference"),
    ]
    return table("sources_apart", told("compared_apart", reference=reference), columns, rows)


def frequent_table(found: ComparedSources) -> Table | None:
    """The most frequent kinds of each source."""
    columns = cols.text(source="Source", sort="Sort", kind="Kind")
    columns += cols.shown(cols.in_percent, share="Share") + cols.count(count="Structures")
    rows = [one.model_dump() for one in found.frequent]
    folded = len(rows) > MOST_OPEN
    return table("sources_frequent", told("compared_kinds"), columns, rows, folded=folded)
