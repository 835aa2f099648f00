"""Tidy tables of figures, written beside every JSON file of a measurement: a row for each figure.

All files share these columns and one dialect of names (docs/formats.md), so that whoever reads them
filters and pivots, and need not know which measurement wrote them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.errors import LimbeckError, Unfit
from limbeck.files import write_csv
from limbeck.warrant.statistics import Estimate, estimate_of

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "subject kind set quantity statistic unit value low high seed n_frames n_roots n_groups source"
).split()
#: of frames, of the roots that they come from, and of the groups that these are of
SIZES = ("n_frames", "n_roots", "n_groups")
COUNTS = ("seed", *SIZES)
NUMBERS = ("value", "low", "high", *COUNTS)
#: one row, by column; a column that is not there is empty
Row = dict[str, Any]
#: quantity and statistic of a figure, from the keys that lead to it in a part of a result
Naming = Callable[..., tuple[str, str]]


def rows(
    result: Mapping[str, Any], naming: Naming, *, seeds: Sequence[int] = (), **names: Any
) -> Iterator[Row]:
    """A row for each figure of a result, in all and by source.

    Args:
        result: figures (``limbeck.warrant.statistics.Figure.entry``) at any depth, with
            the counts of :data:`SIZES` beside them, and the same by source in ``by_source``.
        naming: called with the keys of each figure.
        seeds: of the models; those that ``by_seed`` lists have rows besides that of all together.
        names: columns that all rows share: subject, kind, set, and a seed where there is one.
    """
    for source, part in {"": result, **result.get("by_source", {})}.items():
        counts = {key: part.get(key) for key in SIZES}
        for keys, figure in _figures(part):
            quantity, statistic = naming(*keys)
            row = names | counts | {"source": source, "quantity": quantity, "statistic": statistic}
            found = estimate_of(figure)
            yield row_of(found, figure["unit"], **row)
            own = [Estimate(v) for v in figure.get("by_seed", [])]
            own = own or [found] * (len(seeds) == 1)  # the only seed is all of them
            for seed, each in zip(seeds, own, strict=bool(own)):
                yield row_of(each, figure["unit"], **row | {"seed": seed})


def row_of(found: Estimate, unit: str, **names: Any) -> Row:
    """One row."""
    return names | {"unit": unit} | found._asdict()


def _figures(part: Mapping[str, Any], *keys: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in part.items():
        if isinstance(value, Mapping) and key != "by_source":
            if "unit" in value:
                yield (*keys, key), value
            yield from _figures(value, *keys, key)


def write_table(json: str | Path, found: Iterable[Row]) -> None:
    """Write the table of a JSON file, beside it and under its name; NaN and None are empty."""
    lines = [[_shown(row.get(column)) for column in COLUMNS] for row in found]
    write_csv(Path(json).with_suffix(".csv"), COLUMNS, lines)


def _shown(value: Any) -> Any:
    return "" if value is None or (isinstance(value, float) and not isfinite(value)) else value


def read_table(path: str | Path) -> "pd.DataFrame":
    """A table, with empty numbers as NaN and empty text as "".

    Raises:
        LimbeckError: it is missing, unreadable, lacks a column, or a number is out of range.
    """
    import numpy as np
    import pandas as pd

    text = {column: str for column in COLUMNS if column not in NUMBERS}
    numbers = dict.fromkeys(NUMBERS, float)
    try:
        table = pd.read_csv(
            path, dtype=text | numbers, keep_default_na=False, na_values={n: [""] for n in NUMBERS}
        )
    except FileNotFoundError as error:
        raise LimbeckError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        raise Unfit(path, f"not readable as a table of figures: {error}") from error
    if list(table.columns) != COLUMNS:
        raise Unfit(path, f"expected the columns {COLUMNS}, got {list(table.columns)}")
    for column in NUMBERS:
        wrong = np.isinf(table[column])
        if column in COUNTS:
            wrong |= (table[column] < 0) | (table[column] % 1 > 0)
        if wrong.any():
            found, row = table[column][wrong].iloc[0], int(np.argmax(wrong))
            raise LimbeckError(
                f"{path}: {column} of row {row + 1}: {found:g}, expected "
                f"{'a whole number' if column in COUNTS else 'a number'}; remove it and run again"
            )
    return table


def pick(
    table: "pd.DataFrame", names: Mapping[str, str], *, seed: int | None = None, source: str = ""
) -> Estimate:
    """The figure of a row; NaN where there is none.

    Args:
        names: column -> its value.
        seed: of one seed; of all together where not given.
        source: of one source; of all where not given.

    Raises:
        LimbeckError: several rows are meant.
    """
    of_seed = table["seed"].isna() if seed is None else table["seed"] == seed
    found = table[of_seed & (table["source"] == source)]
    for column, value in names.items():
        found = found[found[column] == value]
    if len(found) > 1:
        raise LimbeckError(f"{len(found)} rows where one is meant: {names}, source {source!r}")
    return Estimate(*(found[["value", "low", "high"]].iloc[0] if len(found) else (nan,)))


def pivot(table: "pd.DataFrame", index: Sequence[str], columns: str) -> list[Row]:
    """A row for each combination of the index columns, with an estimate under each name that the
    other column has there; counts are those of its first figure."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in table.to_dict("records"):
        names = {column: row[column] for column in index}
        names |= {n: int(row[n]) for n in SIZES if row[n] == row[n]}
        part = found.setdefault(tuple(row[column] for column in index), names)
        part[row[columns]] = Estimate(row["value"], row["low"], row["high"])
    return list(found.values())
