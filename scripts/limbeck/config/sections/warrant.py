"""How far teachers and students can be trusted, and questions to all students together."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, Section
from limbeck.config.sections.messages import shown

Gap = Literal[
    "rotation",
    "reflection",
    "translation",
    "permutation",
    "supercell",
    "cell_choice",
    "space_group",
    "conservativity",
    "consistency",
]


class Warrant(Section):
    """How far teachers and students can be trusted."""

    symmetries: t.Unique[Gap] = Field(default=["rotation", "reflection"])
    """Gaps that are measured; none where empty. The last two are no symmetries: work around closed
    loops, and forces and stress against slopes of the energy. space_group is measured on the
    structures as their sources made them, since displaced frames have lost it."""
    n_frames: t.AtLeastTwo = 200
    """Largest number of frames to measure on; conservativity and consistency, which take up to 64
    evaluations of each, are measured on at most 50 of them."""
    subset: Literal["test", "all"] = "test"
    """Frames to measure on, those of the test set or all that were selected; where nothing is
    trained, say all."""
    views: t.AtLeastTwo = 8
    """Random views of each frame."""
    reference: t.ToLabelSet | None = None
    """Name of the label set that errors are measured against, where there is one."""
    teachers: t.Unique[t.ToPotential] | None = None
    """Names of the potentials that are measured as teachers; where not given, those of the label
    sets."""
    n_quadrature_frames: t.Whole = 0
    """Selected frames on which each teacher's grids of views are compared with each other and with
    1,000 random views, about 1,400 evaluations a frame; none where 0."""


class Expectation(Section):
    """Which labels make the better student, at an equal number of model calls."""

    kind: Literal["expectation"]
    """expectation asks which label sets make the better student, at an equal number of model calls;
    it compares all students of the run on the same test frames, against warrant.reference.
    frames_by_views trains one student on every number of frames and of views, for each of some
    potentials, and asks when averaging over views pays."""
    baselines: t.Some[str]
    """Names of label sets of one view a frame; students of all other label sets are compared with
    theirs."""
    n_frames: t.AtLeastTwo = 400
    """Largest number of test frames to compare on."""
    views: t.AtLeastTwo = 4
    """Random views of each test frame, for the errors and the gap of students in other
    orientations."""


class FramesByViews(Section):
    """What frames and views are worth to a student, for teachers of different gaps."""

    kind: Literal["frames_by_views"]
    """expectation asks which label sets make the better student, at an equal number of model calls;
    it compares all students of the run on the same test frames, against warrant.reference.
    frames_by_views trains one student on every number of frames and of views, for each of some
    potentials, and asks when averaging over views pays."""
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


Study = Annotated[Expectation | FramesByViews, Field(discriminator="kind")]
