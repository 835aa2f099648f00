"""Samplings: ways to make new frames of structures.

A method is a module with ``sample(frames, own, job) -> Sample``; a new one is a file in this
folder and a line in :data:`METHODS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck.config.jobs import SampleFrames
from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from limbeck.frames import Frames

#: method -> module, imported when it is asked for, so that rattling loads no torch
METHODS = {
    "contour": "limbeck.sampling.contour",
    "md": "limbeck.sampling.dynamics.run",
    "phonons": "limbeck.sampling.phonons",
    "rattle": "limbeck.sampling.rattle",
    "relax_path": "limbeck.sampling.relax_path",
}
#: methods that also write a table along their trajectories
TRACED = frozenset({"contour", "md", "relax_path"})


@dataclass(frozen=True)
class SummaryTable:
    """Rows of the named columns."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Sample:
    """The result of a sampling.

    Attributes:
        frames: the children, in the order of their parents.
        columns: names of the summary's columns.
        rows: the summary, one row for each input structure, in order; of dynamics one for each
            trajectory, by structure. :func:`sample` adds the name of each.
        about: what the potential is that drove it, where there is one.
        trace: what was seen along trajectories, of the methods in :data:`TRACED`.
    """

    frames: "Frames"
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    about: dict[str, Any] = field(default_factory=dict)
    trace: SummaryTable | None = None


def number(value: float) -> float | str:
    """A number for summaries and traces: rounded to six decimals, empty if not finite."""
    return round(float(value), 6) if isfinite(value) else ""


def sample(frames: "Frames", job: SampleFrames) -> Sample:
    """Children of ``frames`` by the method of the job's sampling.

    With ``keep``, what its potential says of the frames is stored with them.

    Raises:
        LimbeckError: the sampling cannot be, as its method says.
    """
    from limbeck.potentials.opening import opened
    from limbeck.sampling.annotate import annotate

    method = import_module(METHODS[job.sampling.method])
    made = _named(method.sample(frames, job.sampling, job), frames)
    if not job.sampling.keep:
        return made
    potential = opened(job)
    frames = annotate(made.frames, potential, job.sampling.keep)
    return replace(made, frames=frames, about=potential.about.described())


def _named(made: Sample, structures: "Frames") -> Sample:
    """The same, with the name of each structure in a last column of the summary."""
    names = dict(zip(structures.id.astype(str).tolist(), structures.names, strict=True))
    at = made.columns.index("id")
    rows = [[*row, names[row[at]]] for row in made.rows]
    return replace(made, columns=(*made.columns, "name"), rows=rows)


def write_sample(
    result: Sample,
    output: str | Path,
    summary: str | Path,
    trace: str | Path | None = None,
    *,
    job: SampleFrames,
    recipe: str = "",
) -> None:
    """Write the frames, with what made them, the summary and the trace, each as a whole file.

    Args:
        recipe: what the frames are made of, for their header.

    Raises:
        LimbeckError: a trace is to be written, and the method made none.
    """
    from limbeck.files import write_csv
    from limbeck.storage import write_frames

    write_csv(summary, result.columns, result.rows)
    stage = f"sample_{job.sampling.method}"
    if trace is not None:
        if result.trace is None:
            raise LimbeckError(
                f"--trace {trace}: {stage} makes no trace, expected none to be asked"
            )
        write_csv(trace, result.trace.columns, result.trace.rows)
    made_with = job.model_dump(mode="json") | ({"about": result.about} if result.about else {})
    write_frames(output, result.frames, stage=stage, settings=made_with, recipe=recipe)
