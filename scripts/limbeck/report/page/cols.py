"""Columns of tables: some of one kind at a time, from their keys to their headings.

Beside the heading may stand what gives the value: ``count(frames=("Frames", len))``.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from limbeck.report.page.prose import groups_in_words
from limbeck.report.page.table import ABSENT, Column, Of
from limbeck.warrant.statistics import NO_INTERVAL
from limbeck.warrant.statistics import digits as three_digits

Heading = str | tuple[str, Of]


def words(show: Callable[[Any], str], **headings: Heading) -> list[Column]:
    """Columns that read as ``show`` says."""
    pairs = {k: (h, None) if isinstance(h, str) else h for k, h in headings.items()}
    return [Column(key, heading, show, of=of) for key, (heading, of) in pairs.items()]


def shown(show: Callable[[Any], str], **headings: Heading) -> list[Column]:
    """The same of numbers, which stand to the right."""
    return [replace(column, numeric=True) for column in words(show, **headings)]


def text(**headings: Heading) -> list[Column]:
    """Columns of text."""
    return words(str, **headings)


def count(**headings: Heading) -> list[Column]:
    """Columns of whole numbers."""
    return number(",.0f", **headings)


def number(form: str, **headings: Heading) -> list[Column]:
    """Columns of numbers in one format."""
    return shown(lambda v: format(v, form).replace("-", "−"), **headings)


def digits(**headings: Heading) -> list[Column]:
    """Columns of numbers of any size, with three digits."""
    return shown(three_digits, **headings)


def groups(of: Of | None = None) -> list[Column]:
    """The number of groups that intervals in the same row are over; of one group, its roots.

    Args:
        of: the counts of a row, where they are not in the row itself.
    """

    def counted(row: Any) -> str:
        counts = row if of is None else of(row)
        return groups_in_words(counts, short=True)

    return shown(str, n_groups=("Groups", counted))


def estimate(**headings: Heading) -> list[Column]:
    """Columns of values with intervals."""
    return shown(lambda v: v.text().removesuffix(NO_INTERVAL) if v.known else ABSENT, **headings)


def each(key: str, how: str | Callable[[Any], Any]) -> Of:
    """What rows come to in one column: ``each("modes", "sum")``, ``each("cut", reasons)``."""
    return lambda rows: getattr(rows[key], how)() if isinstance(how, str) else how(rows[key])


def good(of: Of) -> Of:
    """Of the rows alone that have no reason against them."""
    return lambda rows: of(rows[rows["reason"].isna()])


def percent(value: float) -> str:
    """A fraction in percent; what rounds to nothing says so."""
    return f"{value:.2%}" if value >= 1e-4 else "< 0.01%"


def in_percent(value: float) -> str:
    """A share in percent, with two digits or all of those before the point."""
    percent = 100 * value
    return f"{percent:.2g} %" if percent < 99.5 else f"{percent:,.0f} %"


def reasons(found: Iterable[object]) -> str:
    """Reasons with their numbers, the most frequent first: ``too hot (3), bond broken (1)``."""
    numbers = pd.Series(list(found), dtype=object).dropna().value_counts(sort=True)
    return ", ".join(f"{reason} ({n})" for reason, n in numbers.items())
