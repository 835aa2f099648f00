"""Files that the config promises: there, readable, and with what they should have."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from limbeck.errors import LimbeckError


def promised(path: Path) -> Path:
    """The path of a file that has to be there.

    Raises:
        LimbeckError: it is missing.
    """
    if not path.is_file():
        raise LimbeckError(f"{path}: no such file, but the config asks for it")
    return path


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that has to be there.

    Raises:
        LimbeckError: it is missing, or no JSON object.
    """
    try:
        value = json.loads(promised(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise LimbeckError(f"{path}: not readable as JSON: {error}") from error
    if not isinstance(value, dict):
        raise LimbeckError(f"{path}: expected a JSON object, got {type(value).__name__}")
    return value


def read_csv(path: Path, *columns: str) -> pd.DataFrame:
    """A CSV file that has to be there and have ``columns``.

    Raises:
        LimbeckError: it is missing, unreadable, or lacks a column.
    """
    try:
        # Ids are hexadecimal, and some would pass for numbers; a molecule may be called "NA".
        text = dict.fromkeys(("id", "name", "reason", "cut"), str)
        table = pd.read_csv(
            promised(path), dtype=text, keep_default_na=False, na_values=["", "nan"]
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise LimbeckError(f"{path}: not readable as CSV: {error}") from error
    missing = [c for c in columns if c not in table]
    if missing:
        raise LimbeckError(f"{path}: no column {missing}, it has {list(table.columns)}")
    return table
