"""The config as a whole: loaded, filled with defaults, checked.

Nothing heavy is imported here: Snakemake reads it for every ``snakemake -n`` and every job.
"""

from pathlib import Path
from typing import Any

from limbeck.config import checks
from limbeck.config.amounts import scaled
from limbeck.config.config import Config
from limbeck.config.sections.messages import validated
from limbeck.config.text import read_yaml
from limbeck.errors import LimbeckError


def load(path: str | Path, *, planned: bool = False) -> Config:
    """Read a config file and resolve it, as the Snakefile does.

    Args:
        planned: as of :func:`resolve`.

    Raises:
        LimbeckError: not a YAML mapping, or as :func:`resolve`.
    """
    config = read_yaml(path)
    if not isinstance(config, dict):
        raise LimbeckError(f"{path}: expected a mapping, got {type(config).__name__}")
    return resolve(config, planned=planned)


def load_with_sources(path: str | Path, *, planned: bool = False) -> Config:
    """:func:`load`, for what is asked of structures.

    Raises:
        LimbeckError: as :func:`load`, or there are no sources.
    """
    config = load(path, planned=planned)
    if not config.sources:
        text = "studies of other fields alone, of which nothing is known before they are run"
        raise LimbeckError(f"{path}: {text}, expected sources of structures")
    return config


def resolve(config: dict[str, Any], *, planned: bool = False) -> Config:
    """The config with all defaults, its parts and the files it names checked, and its amounts
    scaled as it says.

    Args:
        planned: whether generative models may have written nothing yet.

    Raises:
        LimbeckError: something is wrong; one line for each error, with the field's dotted path,
            its value, and what was expected.
    """
    resolved: Config = validated(Config, config)
    errors = checks.config_errors(resolved)
    if planned:
        errors = [line for line in errors if checks.RUN_IT_FIRST not in line]
    if errors:
        raise LimbeckError("\n".join(errors))
    return scaled(resolved)
