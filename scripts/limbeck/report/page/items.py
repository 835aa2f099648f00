"""What a section of the page holds, besides figures and tables."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

YES, PARTLY, NO = "yes", "partly", "no"
CANNOT_TELL, NO_GAP, NOT_MEASURED = "cannot tell", "no gap", "not measured"
#: what an interval above zero, about it, or below it says of what was hoped for
VERDICT = {1: YES, 0: CANNOT_TELL, -1: NO}


@dataclass(frozen=True)
class Words:
    """A piece of text: kind is "text", "heading", "note", "code", or "fold", which is shown when
    its title is clicked."""

    kind: str
    text: str
    title: str = ""


@dataclass(frozen=True)
class Answer:
    """What one potential or student, the subject, has to say to one question: a verdict, which is
    one of the constants of this module or of ``warrant.judgement``, one or two sentences with the
    numbers, and lines below them, each with its term."""

    subject: str
    verdict: str
    text: str
    lines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Question:
    """A question and what each potential or student answers; without words, of the page's name."""

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


def paragraph(text: str) -> Words:
    """A paragraph."""
    return Words("text", text)
