"""JSON that says whether it is as it was written: a hash of all else stands in it."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from limbeck.errors import Unfit

SEAL = "sha256"
#: levels of nesting in JSON; what Limbeck writes has a dozen
DEEPEST = 100
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def sealed(value: dict[str, Any]) -> dict[str, Any]:
    """The same, with its hash; ``value`` is what JSON can hold."""
    rest = {name: entry for name, entry in value.items() if name != SEAL}
    return rest | {SEAL: _hash(rest)}


def read_sealed(path: str | Path) -> dict[str, Any]:
    """What was written with its hash, without it.

    Raises:
        FileNotFoundError: it is missing.
        Unfit: it is not readable, or was changed since it was written.
    """
    try:
        value = parsed_json(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise Unfit(path, f"not readable as JSON: {error}") from error
    if not isinstance(value, dict) or SEAL not in value:
        raise Unfit(path, f"expected a mapping with its {SEAL}, as Limbeck writes it")
    found = value.pop(SEAL)
    if found != _hash(value):
        raise Unfit(path, f"was changed after it was written (its {SEAL} is another)")
    return value


def parsed_json(text: str | bytes) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: it is no JSON, or too deeply nested to be read.
    """
    text = text.decode("utf-8") if isinstance(text, bytes) else text
    if _depth(text) > DEEPEST:
        raise ValueError("nested too deeply")
    return json.loads(text)


def _depth(text: str) -> int:
    """How deeply a JSON text is nested, at most.

    Python's own limit of recursion does not protect: symfc, which phonons use, raises it for the
    whole process, so far that the parser overflows the stack.
    """
    if text.count("[") + text.count("{") <= DEEPEST:
        return 0  # not worth a look
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _hash(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
