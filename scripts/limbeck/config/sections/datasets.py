"""Data sets: how frames are split, and differences of label sets."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, NamedSection, Section
from limbeck.config.sections.messages import shown

#: the test sets: of chemistry that is trained on, and of chemistry that is not
TESTS = ("test_known", "test_new")
PARTS = ("train", "valid", *TESTS)


class DatasetSettings(Section):
    """How frames are split for training."""

    valid_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of what test_new leaves of the groups (or roots) of each source, no unit; these frames
    tell when training stops."""
    test_known_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the roots of each source that are left to train on, no unit: the test set of known
    chemistry, which leaves at least one root of each group to training."""
    test_new_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the groups of each source, no unit: the test set of new chemistry, where split_by is
    group. No student sees the frames of either test set, and all is measured on them."""
    split_by: t.SplitBy = "group"
    """group keeps groups apart for test_new and roots (a first structure, and all frames made from
    it) for test_known. With root and frame there is no new chemistry. frame keeps each sampled
    frame apart with all clusters cut out of it, and is for one crystal: its test frames resemble
    those it trained on, so that errors on them are too small for anything else."""

    def faults(self) -> Iterator[Fault]:
        """Nothing left to train on, or nothing to test on."""
        new = self.test_new_fraction if self.split_by == "group" else 0
        total = self.valid_fraction + self.test_known_fraction + new
        if total >= 1:
            text = "expected less than 1, so that frames are left to train on"
            names = "valid_fraction, test_known_fraction and test_new_fraction"
            yield names, f"{total:g} together, {text}"
        if not self.test_known_fraction + new:
            text = "expected more than 0, so that there are frames to test on"
            yield "test_known_fraction", f"no test set with split_by: {self.split_by}, {text}"


class Delta(NamedSection):
    """The difference of two label sets on the same frames."""

    baseline: t.ToLabelSet
    """Name of the label set that is taken off, the cheap one."""
    target: t.ToLabelSet
    """Name of the label set that it is taken off from, the good one."""
    atoms: Literal["fit", "isolated"] = "fit"
    """Where the energies of single atoms come from that a model of the difference starts with; fit
    to the training frames, which starts from isolated atoms where both potentials know them, or
    isolated for those of the two potentials as they are, which not every potential knows."""

    def faults(self) -> Iterator[Fault]:
        """The difference of a label set with itself."""
        if self.baseline == self.target:
            yield "target", f"{shown(self.target)}, expected another label set than baseline"
