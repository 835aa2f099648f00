"""JSON that says whether it is as it was written: a hash of all else stands in it."""

import hashlib
import json
from pathlib import Path
from typing import Any

from limbeck.errors import Unfit

SEAL = "sha256"


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
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None  # whose words say less


def _hash(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
