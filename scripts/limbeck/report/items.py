"""What a section of the page holds, besides figures and tables."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from limbeck.report.words import Answer


@dataclass(frozen=True)
class Words:
    """A piece of text: kind is "text", "heading", "note" or "code"."""

    kind: str
    text: str


@dataclass(frozen=True)
class Fold:
    """Text that is shown when asked for."""

    title: str
    text: str
    kind: ClassVar[str] = "fold"


@dataclass(frozen=True)
class Question:
    """A question and what each potential or student answers."""

    question: str
    answers: list[Answer]
    kind: ClassVar[str] = "question"


@dataclass(frozen=True)
class Section:
    """A section of the page."""

    anchor: str
    title: str
    items: list[Any]


def section(anchor: str, title: str, items: Iterable[Any]) -> Section:
    """A section of the items that there are: what has nothing to show is None."""
    return Section(anchor, title, [item for item in items if item is not None])
