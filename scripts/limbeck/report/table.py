"""A table of the report: numbers for the CSV, text for the page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from limbeck.warrant.statistics import NO_INTERVAL, Estimate

ABSENT = "–"


@dataclass(frozen=True)
class Column:
    """One column: a key of the data, its heading, and how a value reads on the page."""

    key: str
    heading: str
    show: Callable[[Any], str] = str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        name: of its CSV file.
        caption: one or two sentences, with units.
        columns: what the page shows.
        data: what the CSV holds; a list of values may be wider than what is shown.
        folded: shown closed, for whoever wants it.
        group: key of a column that becomes a heading above the rows that share it.
    """

    name: str
    caption: str
    columns: list[Column]
    data: pd.DataFrame
    folded: bool = False
    group: str = ""
    kind: ClassVar[str] = "table"

    def groups(self) -> list[tuple[str, list[list[str]]]]:
        """(heading, text of every cell), one entry without a heading where nothing is grouped."""
        records = self.data.to_dict("records")
        found: dict[str, list[list[str]]] = {}
        for record in records:
            cells = [_cell(c, record.get(c.key)) for c in self.columns]
            found.setdefault(str(record[self.group]) if self.group else "", []).append(cells)
        return list(found.items())

    def csv(self) -> pd.DataFrame:
        """The data with each interval as three columns of numbers."""
        return spread_intervals(self.data)


def spread_intervals(data: pd.DataFrame) -> pd.DataFrame:
    """Each column of intervals ``x`` as ``x``, ``x_low`` and ``x_high``."""
    columns: dict[str, Any] = {}
    for key in data:
        if any(isinstance(v, Estimate) for v in data[key]):
            for suffix, part in (("", "value"), ("_low", "low"), ("_high", "high")):
                columns[f"{key}{suffix}"] = [getattr(v, part, None) for v in data[key]]
        else:
            columns[str(key)] = data[key].tolist()
    return pd.DataFrame(columns)


def percent(value: float) -> str:
    """A fraction in percent; what rounds to nothing says so."""
    return f"{value:.2%}" if value >= 1e-4 else "< 0.01%"


def _cell(column: Column, value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ABSENT
    return column.show(value)


def _brief(value: Estimate) -> str:
    return value.text().removesuffix(NO_INTERVAL) if value.known else ABSENT


def text(key: str, heading: str) -> Column:
    """A column of text."""
    return Column(key, heading)


def count(key: str, heading: str) -> Column:
    """A column of whole numbers."""
    return Column(key, heading, lambda v: f"{round(v):,}", numeric=True)


def estimate(key: str, heading: str) -> Column:
    """A column of values with intervals."""
    return Column(key, heading, _brief, numeric=True)


def number(key: str, heading: str, form: str) -> Column:
    """A column of numbers in one format."""
    return Column(key, heading, lambda v: format(v, form).replace("-", "−"), numeric=True)
