"""What no section can say alone: names that refer to each other, files, elements, counts.

Every check takes a config whose sections are right, and gives one line for each error.
"""

from limbeck.config.amounts import batch_errors
from limbeck.config.checks import (
    file_labels,
    potentials,
    rounds,
    selection,
    sources,
    students,
    studies,
)
from limbeck.config.checks.names import name_errors, remarks
from limbeck.config.checks.potentials import unserved
from limbeck.config.checks.sources import RUN_IT_FIRST, only_studies
from limbeck.config.config import Config

__all__ = ["RUN_IT_FIRST", "config_errors", "remarks", "unserved"]

_CHECKS = (
    *sources.CHECKS,
    *selection.CHECKS,
    batch_errors,
    *potentials.CHECKS,
    *file_labels.CHECKS,
    *students.CHECKS,
    *rounds.CHECKS,
    *studies.CHECKS,
)
#: of a run that has nothing but studies of other fields
_WITHOUT_SOURCES = (only_studies, *studies.CHECKS)


def config_errors(config: Config) -> list[str]:
    """Everything wrong with a config whose sections are right, one line each."""
    # The other checks follow names, so that these have to be right first.
    checks = _CHECKS if config.sources else _WITHOUT_SOURCES
    found = list(name_errors(config)) or [line for check in checks for line in check(config)]
    return list(dict.fromkeys(found))  # entries of distill share what they need
