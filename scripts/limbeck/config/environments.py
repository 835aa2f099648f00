"""The environment of a rule that has one of its own: generative models, quantum chemistry, studies.

Conda makes it of ``envs/NAME.yaml``. What runs in it can also be told another Python, by the field
``python`` of its section of the config; ``make env NAME=...`` makes one.
"""

import shutil
from collections.abc import Iterable
from typing import Protocol

#: of all other rules
LIMBECK = "limbeck"


class InItsOwn(Protocol):
    """A section of the config with a field ``python``."""

    @property
    def python(self) -> str | None:
        """Path of a Python; None for that of the rule's environment."""


def file_of(name: str, sections: Iterable[InItsOwn]) -> str:
    """What a rule says after ``conda:``: envs/NAME.yaml, unless all sections name a Python."""
    own = any(section.python is None for section in sections)
    return f"../../envs/{name if own else LIMBECK}.yaml"


def python_of(section: InItsOwn) -> str:
    """What a rule calls: the Python that is named, or that of its environment."""
    return section.python or "python"


def faults_of_python(section: InItsOwn, name: str) -> list[str]:
    """What is wrong with the Python that a section names, if it does; envs/NAME.yaml makes one."""
    if section.python is None or shutil.which(section.python):
        return []
    text = "is nothing that can be run, expected the Python of an environment"
    return [f"{section.python!r} {text}: make env NAME={name} makes .envs/{name}/bin/python"]
