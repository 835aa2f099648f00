"""Prose of the page: captions and sentences, kept beside the code.

``templates/{topic}.md`` has the texts of a topic. Each begins with its name, and its further lines
are indented. It is a template of Jinja, and becomes one line, wherever it is broken in the file.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from limbeck.warrant.statistics import Estimate

TEMPLATES = Path(__file__).parents[1] / "templates"
#: of nearly all figures of the page
UNIT = "meV/Å"


def prose(topic: str) -> Callable[..., str]:
    """Gives the texts of a topic: ``told = prose("speed")``, then ``told("best")``."""

    def told(name: str, /, **values: object) -> str:
        return " ".join(texts(topic)[name].render(**values).split())

    return told


@cache
def texts(topic: str) -> dict[str, Template]:
    """The texts of a topic by name."""
    environment = Environment(undefined=StrictUndefined)
    environment.filters["unit"] = lambda value: value.text(UNIT)
    whole = (TEMPLATES / f"{topic}.md").read_text(encoding="utf-8")
    _, *parts = re.split(r"^(\w+):\s", whole, flags=re.MULTILINE)
    return dict(zip(parts[::2], map(environment.from_string, parts[1::2]), strict=True))


def why(value: Estimate) -> str:
    """Why a sign cannot be told."""
    return "an interval that includes zero" if value.bounded else "too few groups for an interval"


def groups_in_words(counts: Mapping[str, Any], *, short: bool = False) -> str:
    """What intervals are over: ``9 groups``, or of one group ``1 group (12 roots)``."""
    n = counts.get("n_groups")
    if n is None or n != n:
        return ""
    text = f"{int(n):,}" if short else counted(int(n), "group")
    return text + f" ({counted(int(counts['n_roots']), 'root')})" * (n == 1)


def spelled(unit: str) -> str:
    """A unit as people write it."""
    return unit.replace("A", "Å")


def lower(text: str) -> str:
    """With a small letter at the start; units keep theirs."""
    return text[:1].lower() + text[1:]


def counted(n: int, what: str) -> str:
    """``3 students``, ``no student``."""
    return f"{n or 'no'} {what}{'s' * (n != 1)}"
