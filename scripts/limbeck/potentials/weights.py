"""Weights from outside: found, checked against their SHA-256, never unpickled unchecked."""

from pathlib import Path
from typing import Any

from limbeck.errors import LimbeckError
from limbeck.files import sha256_of


def checked_path(settings: dict[str, Any]) -> Path:
    """The potential's ``path``, once it exists and has the ``sha256`` that the config gives.

    Raises:
        LimbeckError: no path, nothing there, or another hash; both hashes are shown.
    """
    name = settings["name"]
    if not settings.get("path"):
        raise LimbeckError(f"potentials.{name}.path: expected a file or folder, got nothing")
    path = Path(settings["path"])
    if not path.exists():
        raise LimbeckError(f"potentials.{name}.path: {path} does not exist")
    check_hash(path, settings.get("sha256"), f"potentials.{name}.sha256")
    return path


def check_hash(path: Path, expected: str | None, field: str) -> None:
    """Compare a file's or folder's SHA-256 with the one expected, where one is given."""
    if not expected:
        return
    found = sha256_of(path)
    if found != expected:
        raise LimbeckError(f"{field}: {path} has {found}, expected {expected}")
