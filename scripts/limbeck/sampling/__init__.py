"""Samplings: ways to make new frames of structures.

A method is a module with ``sample(frames, settings) -> Sample``; a new one is a file in
this folder, a line in :data:`METHODS` and a script ``sample_<method>.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from limbeck.frames import Frames

#: method -> module, imported when it is asked for, so that rattling loads no torch
METHODS = {
    "md": "limbeck.sampling.md",
    "rattle": "limbeck.sampling.rattle",
}


@dataclass(frozen=True)
class Sample:
    """What a sampling made.

    Attributes:
        frames: the children, in the order of their parents.
        columns: names of the summary's columns.
        rows: the summary, one row for each input structure, in order.
        about: what the potential is that drove it, where there is one.
    """

    frames: "Frames"
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    about: dict[str, Any] = field(default_factory=dict)


def sample(method: str, frames: "Frames", settings: Mapping[str, Any]) -> Sample:
    """Children of ``frames`` by the named method.

    Args:
        settings: seed, sampling (its name), source, shard, and the method's own fields.

    Raises:
        LimbeckError: no such method, a setting is missing or cannot be.
    """
    if method not in METHODS:
        raise LimbeckError(f"sampling method {method!r}: expected one of {sorted(METHODS)}")
    return import_module(METHODS[method]).sample(frames, settings)


def write_sample(
    result: Sample, output: str | Path, summary: str | Path, *, stage: str, settings: Any
) -> None:
    """Write the frames, with what made them, and the summary table, each as a whole file."""
    from limbeck.files import write_csv
    from limbeck.storage import write_frames

    write_csv(summary, result.columns, result.rows)
    made_with = {**settings, "about": result.about} if result.about else settings
    write_frames(output, result.frames, stage=stage, settings=made_with)
