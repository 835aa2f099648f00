"""Sources of structures.

A new one is a module here with ``generate`` and ``elements``, and one line below.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from limbeck.frames import Frames
    from limbeck.structures.screening import Rejected

#: kind in the config -> module of this folder; imported when asked for, since they are heavy
SOURCES = {
    "molecules": "molecules",
    "crystals": "crystals",
    "clusters": "clusters",
    "file": "files",
}


def generate(kind: str, settings: dict[str, Any]) -> "tuple[Frames, list[Rejected]]":
    """Structures of one shard of a source, and a list of those that could not be made.

    Args:
        kind: a key of :data:`SOURCES`.
        settings: seed, source (its name), shard, shards, count, and the kind's own fields.

    Raises:
        LimbeckError: the settings or an input file are wrong as a whole.
    """
    if kind not in SOURCES:
        raise LimbeckError(f"sources: kind is {kind!r}, expected one of {sorted(SOURCES)}")
    return import_module(f"limbeck.structures.{SOURCES[kind]}").generate(settings)


def elements_of(source: dict[str, Any]) -> frozenset[str]:
    """Symbols of all elements that a source of the config may be made of; opens its files.

    Raises:
        LimbeckError: a file is missing, or not what it should be; one line for each error.
    """
    return import_module(f"limbeck.structures.{SOURCES[source['kind']]}").elements(source)


def write_shard(kind: str, settings: dict[str, Any], output: Path, failed: Path) -> None:
    """Make one shard of a source; write its frames and a table of the structures that failed."""
    from limbeck.storage import write_frames
    from limbeck.structures.screening import write_rejected

    frames, rejected = generate(kind, settings)
    write_rejected(failed, rejected)
    write_frames(output, frames, stage=f"generate_{kind}", settings=settings)
