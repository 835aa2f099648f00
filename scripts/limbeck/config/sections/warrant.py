"""How far teachers and students can be trusted, and questions to all students together."""

from typing import Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Section

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
    """Frames to measure on, those of the test set or all that were selected; all where nothing is
    trained."""
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


class Study(Section):
    """A question to all students of the run together; null for a run that asks none. The students
    of different label sets are compared on the same test frames, against warrant.reference."""

    kind: Literal["expectation"]
    """expectation asks which labels make the better student, at an equal number of model calls."""
    baselines: t.Some[str]
    """Names of label sets of one view a frame; students of all other label sets are compared with
    theirs."""
    n_frames: t.AtLeastTwo = 400
    """Largest number of test frames to compare on."""
    views: t.AtLeastTwo = 4
    """Random views of each test frame, for the errors and the gap of students in other
    orientations."""
