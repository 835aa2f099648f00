"""What every script shares: its parser, its settings, its log, its way to fail."""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from limbeck.errors import LimbeckError


class Settings(dict[str, Any]):
    """Settings that say which field is missing."""

    def __missing__(self, key: str) -> Any:
        raise LimbeckError(f"settings: no {key!r}, there are {sorted(map(str, self))}")


yaml.SafeDumper.add_representer(Settings, yaml.SafeDumper.represent_dict)


def parser(description: str | None) -> argparse.ArgumentParser:
    """Parser with ``--settings``: JSON from a rule, or the path of a YAML file from a person."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument(
        "--settings",
        type=read_settings,
        required=True,
        help="the rule's part of the config: JSON, or the path of a YAML file",
    )
    return result


def read_settings(text: str) -> Settings:
    """Settings from JSON text or from a YAML file."""
    try:
        value = json.loads(text) if text.lstrip().startswith("{") else _read_yaml(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        one_line = " ".join(str(error).split())
        raise argparse.ArgumentTypeError(f"not readable: {one_line}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"expected a mapping, got {type(value).__name__}")
    return _strict(value)


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return Settings({k: _strict(v) for k, v in value.items()})
    return [_strict(v) for v in value] if isinstance(value, list) else value


def _read_yaml(path: str) -> Any:
    if not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"{path}: no such file")
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


def run(main: Callable[[], None]) -> None:
    """Run a script: log to stderr; bad input ends in one line and exit status 1."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    logging.captureWarnings(True)
    try:
        main()
    except LimbeckError as error:
        sys.exit(f"error: {error}")
