"""Students: small potentials to be trained, and on what."""

from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import NamedSection, Section

Architecture = Literal["mace", "direct"]


class StudentSettings(NamedSection):
    """A small potential to be trained."""

    architecture: Architecture
    """mace is equivariant and conservative, direct predicts forces without either."""
    size: Literal["tiny", "small", "demo"] = "small"
    """How large the network is; tiny for tests, demo the largest."""
    epochs: t.Count = 100
    """Largest number of passes over the training frames, where steps is not given."""
    steps: t.Count | None = None
    """Number of steps of the optimizer, in place of epochs, so that sets of all sizes are trained
    alike; the student is then validated fifty times on the way, and patience is not used."""
    patience: t.Count = 30
    """Epochs without a better validation loss before training stops."""
    batch_size: t.Count = 16
    """Frames in one step."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.001
    """Highest step size of AdamW, no unit; it falls to zero as a cosine."""
    weight_decay: t.NotNegative = 1.0e-6
    """Weight decay of AdamW, no unit."""
    gradient_clip: t.Positive = 0.5
    """Largest norm of the gradient of the loss, no unit."""
    energy_weight: t.NotNegative = 0.1
    """Weight in the loss of the error of the energy per atom, in units of the standard deviation of
    its residual over the training set."""
    forces_weight: t.NotNegative = 1.0
    """Weight in the loss of the error of the forces, in units of the root mean square of the force
    components of the source in the training set."""
    stress_weight: t.NotNegative = 0.1
    """Weight in the loss of the error of the stress, in units of the root mean square of the stress
    components of the training set."""
    spread_weight: t.NotNegative = 0.0
    """How much less the force of an atom counts in the loss where the teacher's views disagree on
    it; its weight is 1 / (1 + spread_weight s^2), with the spread s in units of its root mean
    square over the source, no unit."""
    augment: bool = False
    """Turn every frame at random in every step; of use to a network that is not equivariant."""


class Distill(Section):
    """Which students learn from a label set."""

    labels: t.ToLabelSet
    """Name of the label set that is learned from."""
    students: t.Some[Annotated[str, t.Names(("students",))]]
    """Names of the students to train."""
    seeds: t.Some[t.Whole] = Field(default=[1])
    """One student is trained for each of these random seeds."""
