"""Studies of a run's own frames, labels and students."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.messages import shown
from limbeck.config.sections.studies.study import AnyStudy


class Expectation(AnyStudy):
    """Which labels make the better student, at an equal number of model calls."""

    kind: Literal["expectation"]
    baselines: t.Some[str]
    """Names of label sets of one view a frame; students of all other label sets are compared with
    theirs."""
    n_frames: t.AtLeastTwo = 400
    """Largest number of test frames to compare on."""
    views: t.AtLeastTwo = 4
    """Random views of each test frame, for the errors and the gap of students in other
    orientations."""


class FramesByViews(AnyStudy):
    """What frames and views are worth to a student, for teachers of different gaps."""

    kind: Literal["frames_by_views"]
    potentials: t.Some[t.ToPotential]
    """Names of the potentials that label, the teachers; each has a table and a job of its own."""
    reference: t.ToPotential
    """Name of the potential that errors are measured against."""
    timed: t.ToPotential | None = None
    """Name of the potential whose time for one view and for more is taken, for the comparison at
    equal wall time; each teacher's own where not given. Toys take times that mean nothing."""
    student: Annotated[str, t.Names(("students",))]
    """Name of the student to train; it needs steps, which are the same for every number of
    frames."""
    n_frames: t.Some[Annotated[int, Field(ge=6)]] = Field(default=[60, 360, 1440])
    """Numbers of labelled frames, ascending; a sixth of them is for validation, and the frames of a
    smaller number are among those of a larger."""
    views: t.Some[t.Count] = Field(default=[1, 4, 12])
    """Numbers of random views that a label is averaged over, ascending from 1; the views of a
    smaller number are the first of those of a larger."""
    draws: t.AtLeastTwo = 3
    """How many times everything is repeated, each time with other frames, other views and another
    seed of the student."""
    n_test_frames: t.AtLeastTwo = 400
    """Largest number of test frames to compare on."""
    test_views: t.AtLeastTwo = 4
    """Random views of each test frame, for the errors of students in other orientations."""

    def faults(self) -> Iterator[Fault]:
        """Numbers out of order, or nothing to compare averages with."""
        for field in ("n_frames", "views"):
            values = getattr(self, field)
            if values != sorted(values):
                yield field, f"{shown(values)}, expected them in ascending order"
        if self.views[0] != 1:
            yield "views", f"{shown(self.views)}, expected 1 first: others are compared with it"
