"""A table of the report: numbers for the CSV, text for the page."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from limbeck.warrant.statistics import Estimate

ABSENT = "–"
#: the value of a column, from what a row is about
Of = Callable[[Any], Any]


@dataclass(frozen=True)
class Column:
    """One column: its key in the CSV, its heading, how a value reads on the page, and its value
    from what a row is about; what stands there under the key, where that is not given."""

    key: str
    heading: str
    show: Callable[[Any], str] = str
    numeric: bool = False
    of: Of | None = None

    def value(self, thing: Any) -> Any:
        """Of the row about ``thing``."""
        return self.of(thing) if self.of else named(thing, self.key)


def named(thing: Any, key: str) -> Any:
    """What stands under a key: of a mapping, an object, or rows that share it."""
    if isinstance(thing, pd.DataFrame):
        return thing[key].iloc[0]
    return thing.get(key) if isinstance(thing, Mapping) else getattr(thing, key, None)


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        name: of its CSV file.
        caption: one or two sentences, with units.
        columns: what the page shows.
        data: what the CSV holds; it may be wider than what is shown.
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
        found: dict[str, list[list[str]]] = {}
        for record in self.data.to_dict("records"):
            cells = [_cell(c, record.get(c.key)) for c in self.columns]
            found.setdefault(str(record[self.group]) if self.group else "", []).append(cells)
        return list(found.items())


def table(
    name: str,
    caption: str,
    columns: list[Column],
    rows: pd.DataFrame | Iterable[Any],
    *,
    folded: bool = False,
    group: str = "",
) -> Table | None:
    """A table with a row about each of ``rows``; None where there are none."""
    if not isinstance(rows, pd.DataFrame):
        above = [Column(group, "")] if group else []
        found = [{c.key: c.value(thing) for c in [*above, *columns]} for thing in rows]
        rows = pd.DataFrame(found)
    return Table(name, caption, columns, rows, folded, group) if len(rows) else None


def grouped(rows: pd.DataFrame, *keys: str) -> list[pd.DataFrame]:
    """The rows that share the values of these columns, in the order in which they come."""
    if not len(rows):
        return []
    return [part for _, part in rows.groupby(list(keys), sort=False, dropna=False)]


def with_intervals(data: pd.DataFrame) -> pd.DataFrame:
    """Each column of estimates ``x`` as ``x``, ``x_low`` and ``x_high``."""
    columns: dict[str, Any] = {}
    for key in data:
        if any(isinstance(v, Estimate) for v in data[key]):
            for suffix, part in (("", "value"), ("_low", "low"), ("_high", "high")):
                columns[f"{key}{suffix}"] = [getattr(v, part, None) for v in data[key]]
        else:
            columns[str(key)] = data[key].tolist()
    return pd.DataFrame(columns)


def _cell(column: Column, value: Any) -> str:
    absent = value is None or (isinstance(value, float) and value != value)
    return ABSENT if absent else column.show(value)
