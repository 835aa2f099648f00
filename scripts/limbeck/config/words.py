"""How errors of a config say what is wrong: fields, values, and what is allowed."""

import difflib
from collections.abc import Collection
from typing import Any


def dotted(*parts: Any) -> str:
    """A field as it is named in errors: ``sources.organics.count``."""
    return ".".join(map(str, parts)) or "config"


def shown(value: Any) -> str:
    """A value as it is shown in errors, cut where it is long."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def nearest(value: Any, allowed: Collection[Any]) -> str:
    """`` (did you mean ...?)``, or nothing where no allowed name is like ``value``."""
    found = difflib.get_close_matches(str(value), map(str, allowed), n=1)
    return f" (did you mean {found[0]}?)" if found else ""


def one_of(value: Any, allowed: Collection[Any]) -> str:
    """``expected one of ...``, and the nearest of them."""
    names = ", ".join(map(str, allowed)) or "none, since the config has none"
    return f"expected one of {names}{nearest(value, allowed)}"
