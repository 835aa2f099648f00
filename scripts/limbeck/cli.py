"""What every script shares: its parser, its settings, its log, its way to fail."""

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from limbeck.check import head
from limbeck.check.progress import told
from limbeck.check.recipe import checked, digest
from limbeck.check.seal import parsed_json
from limbeck.config.sections.base import Section
from limbeck.config.sections.messages import validated
from limbeck.config.text import read_text, read_yaml
from limbeck.errors import LimbeckError, Unfit

_S = TypeVar("_S", bound=BaseModel)


def parser(description: str | None, kind: type[BaseModel] = Section) -> argparse.ArgumentParser:
    """Parser with ``--settings``: the path of a JSON file from a rule; of YAML, or JSON, by hand.

    Args:
        kind: what the settings are, one of :mod:`limbeck.config.jobs`; none where not given.
    """
    result = argparse.ArgumentParser(description=description)
    result.add_argument(
        "--settings",
        type=lambda text: read_settings(text, kind),
        required=True,
        help="the rule's part of the config: the path of a JSON or YAML file, or JSON",
    )
    result.add_argument(
        "--recipes",
        nargs="*",
        default=[],
        help="what each input file has to be made of, in the order of the files; not checked "
        "where not given",
    )
    return result


def recipe(args: argparse.Namespace, *inputs: str | Path) -> str:
    """What the outputs of this job are made of, for their headers; its inputs are checked.

    Args:
        args: of a :func:`parser`.
        inputs: the files that it reads, in the order of its rule's ``recipes``.

    Raises:
        LimbeckError: a file is missing, or was made otherwise than ``--recipes`` says.
    """
    return digest(args.settings.text(), checked(inputs, args.recipes))


def read_settings(text: str, kind: type[_S]) -> _S:
    """Settings from a JSON or YAML file, or from JSON text.

    Raises:
        ArgumentTypeError: they cannot be read.
        LimbeckError: a field is missing, unknown or wrong, one line for each error; or the file
            of a job is missing.
    """
    if head.folder() and text.endswith(".json") and not Path(text).exists():
        raise LimbeckError(
            f"{text}: no such file; the head of a run writes it as it starts, which "
            "--no-hooks keeps it from"
        )
    try:
        value = _parsed(text)
    except (LimbeckError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"not readable: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"expected a mapping, got {type(value).__name__}")
    return validated(kind, value, "settings")


def _parsed(text: str) -> Any:
    if text.lstrip().startswith("{"):
        return parsed_json(text)
    if not text.endswith(".json"):  # 1e-05 is a number in JSON, and text in YAML
        return read_yaml(text)
    return parsed_json(read_text(text))


def run(main: Callable[[], None]) -> None:
    """Run a script: log to stderr; bad input ends in one line and exit status 1."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    logging.captureWarnings(True)
    try:
        with told():
            main()
    except Unfit as error:
        sys.exit(f"error: {_set_aside(error)}")
    except LimbeckError as error:
        sys.exit(f"error: {error}")


def _set_aside(error: Unfit) -> str:
    """What is said of a file that is of no use; one of the run that this job is of is moved.

    Then it is found missing, and the same command makes it again. So it is with batch plans; what a
    person hands to a script stays.
    """
    run = head.folder()
    if run is None or head.replaced():
        return str(error)
    if not {run.resolve(), run.parent.resolve() / "batch_plans"} & {*error.path.resolve().parents}:
        return str(error)
    # hidden: it is no part of what stands there, nor of what is taken home
    aside = error.path.with_name(f".{error.path.name}.unfit")
    try:
        error.path.replace(aside)
    except OSError:  # a folder is there already, or it is not ours to move
        return str(error)
    return (
        f"{error.path}: {error.reason}; it was moved to {aside}, "
        "and the same command makes it again"
    )
