"""Data sets: how frames are split, and differences of label sets."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, NamedSection, Section
from limbeck.config.sections.messages import shown


class DatasetSettings(Section):
    """How frames are split for training."""

    valid_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of what the test set leaves of the groups (or roots) of each source, no unit; these
    frames tell when training stops."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the groups (or roots) of each source, no unit; no student sees these frames, and all
    is measured on them."""
    split_by: t.SplitBy = "group"
    """group keeps each chemistry on one side, root each first structure and all frames made from
    it, frame each sampled frame and all clusters cut out of it. frame is for one crystal; its test
    frames resemble those it trained on, so that errors on them are too small for anything else."""

    def faults(self) -> Iterator[Fault]:
        """Nothing left to train on."""
        total = self.valid_fraction + self.test_fraction
        if total >= 1:
            text = "expected less than 1, so that frames are left to train on"
            yield "valid_fraction and dataset.test_fraction", f"{total:g} together, {text}"


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
