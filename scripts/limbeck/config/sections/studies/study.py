"""What all studies of the engine have; see :mod:`limbeck.studies`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, NamedSection, Section
from limbeck.config.sections.messages import shown

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$"), t.ToldAs("64 hexadecimal digits")]
Whole = Literal["whole"]


class Views(Section):
    """How many presentations of each input are used for what."""

    labels: t.AtLeastTwo | Whole = 8
    """Random views that a label is averaged over; whole takes the whole group, where it is
    small."""
    train: t.Count | None = None
    """Random views of each input that students on views learn from; not given, new ones in every
    step."""
    test: t.AtLeastTwo | Whole = 8
    """Random views that models are tested in; whole takes the whole group, where it is small."""


class Split(Section):
    """How the inputs are split, by cluster, as parts of a whole; 1 and 4 give the second four times
    what the first has."""

    pilot: t.NotNegative = 1.0
    """For the search before the study, which never uses them again; none where there is no
    pilot."""
    teach: t.Positive = 4.0
    """What the teacher learns from."""
    learn: t.Positive = 1.0
    """What the teacher labels, and students learn from; the teacher has not seen them."""
    more: t.NotNegative = 7.0
    """Beyond learn, for a student of one label each at the cost of the averaged labels."""
    test: t.Positive = 2.0
    """What all are tested on."""


class Training(Section):
    """How nets are trained; all nets of a study alike, of a net's last weights."""

    steps: t.Count = 1500
    """Steps of training."""
    batch_size: t.Count = 64
    """Inputs of a step."""
    learning_rate: t.Positive = 0.002
    """Largest learning rate, from which it falls to zero along a cosine."""
    width: t.Count = 128
    """Width of hidden layers; of FNO and U-Net, channels."""
    layers: t.Count = 2
    """Hidden layers; of FNO, Fourier layers."""
    weight_decay: t.NotNegative = 0.0
    """Weight decay of AdamW, no unit."""


class Pilot(Section):
    """A search for settings that are hard but not dead, by the teacher alone, on inputs that the
    study never uses again. It looks at the teacher's error and share, never at what averaging
    gains; all trials are in the results."""

    grid: dict[str, list[float | int | str | bool]] = Field(default={})
    """Fields of training, as steps, and the values to try, in this order; the first of all
    combinations that is within the bounds is taken."""
    error_of_constant: Annotated[list[t.NotNegative], Field(min_length=2, max_length=2)] = Field(
        default=[0.0, 0.8]
    )
    """Smallest and largest mean square error of the teacher, as shares of that of the constant, no
    unit."""
    share_at_least: t.Fraction = 0.05
    """Smallest share of the teacher's mean square error that is spread over views, no unit."""

    def faults(self) -> Iterator[Fault]:
        """Fields that training has not, or bounds out of order."""
        for name, values in self.grid.items():
            if name not in Training.model_fields:
                known = ", ".join(Training.model_fields)
                yield "grid", f"{shown(name)}, expected fields of training: {known}"
            elif not values:
                yield "grid", f"{name}: nothing, expected values to try"
        if self.error_of_constant[0] >= self.error_of_constant[1]:
            yield "error_of_constant", f"{self.error_of_constant}, expected the smaller first"


class AnyStudy(NamedSection):
    """What all studies have."""

    kind: str
    """What is asked; `limbeck studies` has a few lines about each. expectation asks which label
    sets make the better student, at an equal number of model calls; it compares all students of the
    run on the same test frames, against warrant.reference. frames_by_views trains one student on
    every number of frames and of views, for each of some potentials, and asks when averaging over
    views pays. All others are of other fields, and need neither frames nor labels."""


class EngineStudy(AnyStudy):
    """What all studies of the engine have."""

    #: the file of ``envs/`` in which the data are made, without its ending
    environment: ClassVar[str] = "limbeck"
    #: fields that change nothing of the data, of those that only some studies have
    beside_data: ClassVar[frozenset[str]] = frozenset()

    count: t.Count = 4000
    """Number of inputs to make; of a file, the most that is taken."""
    seeds: t.Some[t.Whole] = Field(default=[1])
    """Seeds of the nets and the views; the data are the same for all. An interval over seeds needs
    two or more."""
    views: Views = Views()
    """Presentations of each input."""
    split: Split = Split()
    """Shares of the inputs."""
    training: Training = Training()
    """How nets are trained."""
    hard_weight: t.Fraction = 0.0
    """Weight of the truth in the loss of students that learn from labels, no unit; 0 learns from
    labels alone."""
    pilot: Pilot | None = None
    """A search for training settings before the study; null for none."""
    log_to: t.Unique[Literal["tensorboard", "wandb"]] = Field(default=[])
    """Where curves are shown beside metrics.csv, which is always written; wandb keeps its files on
    this machine, unless WANDB_MODE says otherwise."""
    gif: bool = False
    """Whether a GIF of the error over the number of views is drawn."""

    @property
    def made_in(self) -> str:
        """The environment in which the data of these settings are made."""
        return self.environment

    def of_data(self) -> Self:
        """The same with defaults for all that changes nothing of the data."""
        given = {"name", "kind", "count"}
        beside = {*EngineStudy.model_fields.keys() - given, *self.beside_data}
        fields = type(self).model_fields
        return self.model_copy(
            update={n: fields[n].get_default(call_default_factory=True) for n in beside}
        )

    def faults(self) -> Iterator[Fault]:
        """A pilot without inputs."""
        if self.pilot and not self.split.pilot:
            yield "split", "pilot: 0, expected a share for the pilot that the study has"


class FromFile(EngineStudy):
    """A study whose inputs may come from a file of the user."""

    path: t.UserPath | None = None
    """Path of a file to read; not given, inputs are made."""
    sha256: Sha256 | None = None
    """SHA-256 of the file, which another is refused by; not checked where not given."""


class ElsewhereStudy(FromFile):
    """A study whose data are made in an environment of their own."""

    beside_data: ClassVar[frozenset[str]] = frozenset({"python"})

    python: t.UserPath | None = None
    """Path of a Python in whose environment the data are made; not given, the one of
    envs/study-{kind}.yaml, with --use-conda, or of the run."""
