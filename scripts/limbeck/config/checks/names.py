"""Names that refer to each other, and parts that nothing refers to."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from limbeck.config.checks.rounds import asked_rounds
from limbeck.config.config import Config
from limbeck.config.plan import samplings_used
from limbeck.config.rounds import sampling_of
from limbeck.config.sections.base import NamedSection, Section
from limbeck.config.sections.messages import dotted, one_of, shown
from limbeck.config.sections.types import Names


def name_errors(config: Config) -> Iterator[str]:
    """A line for each name that refers to nothing, or to two things."""
    for name in config.subsystems:
        if name in config.sampling:
            yield f"subsystems.{name}: a sampling has this name, too, expected another"
    yield from _references(config, config)


def _references(config: Config, part: Any, *path: str) -> Iterator[str]:
    """Names that refer to what is not there, of a section and all in it."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            if isinstance(value, NamedSection) and value.name != key:
                yield f"{dotted(*path, key)}.name: {value.name!r}, expected none, or {key!r}"
            yield from _references(config, value, *path, key)
    elif isinstance(part, list):
        for i, value in enumerate(part):
            yield from _references(config, value, *path, str(i))
    elif isinstance(part, Section):
        for field, info in type(part).model_fields.items():
            value = getattr(part, field)
            yield from _references(config, value, *path, field)
            for marked in _marks([info.annotation, *info.metadata]):
                allowed = [n for s in marked.sections for n in getattr(config, s, [s])]
                for name in value if isinstance(value, list) else [value] if value else []:
                    if name not in allowed:
                        yield f"{dotted(*path, field)}: {shown(name)}, {one_of(name, allowed)}"


def _marks(parts: Any) -> Iterator[Names]:
    """Every :class:`Names` inside a type."""
    for part in parts:
        if isinstance(part, Names):
            yield part
        yield from _marks(get_args(part))


def remarks(config: Config) -> Iterator[str]:
    """What is harmless, and perhaps not meant: parts of the config that the run does without."""
    used = {*_used(config, config)}
    of_rounds = {sampling_of(config, own) for own in asked_rounds(config).values()}
    for name in config.sampling:
        if name not in samplings_used(config) and name not in of_rounds:
            yield f"sampling.{name}: neither select.include nor a subsystem takes its frames"
    for section in ("potentials", "students"):
        for name in getattr(config, section):
            if (section, name) not in used:
                yield f"{section}.{name}: nothing uses it"


def _used(config: Config, part: Any) -> Iterator[tuple[str, str]]:
    """Entries of sections that a section, or anything in it, names."""
    if isinstance(part, Mapping | list):
        for value in part.values() if isinstance(part, Mapping) else part:
            yield from _used(config, value)
    elif isinstance(part, Section):
        for field, info in type(part).model_fields.items():
            value = getattr(part, field)
            yield from _used(config, value)
            names = value if isinstance(value, list) else [value]
            for marked in _marks([info.annotation, *info.metadata]):
                yield from ((s, name) for s in marked.sections for name in names if name)
