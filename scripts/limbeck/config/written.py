"""What jobs write as JSON and later jobs trust: fields, ranges, and what has to fit together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, Section
from limbeck.config.sections.messages import validated
from limbeck.errors import LimbeckError, Unfit

#: of a file, that are told one by one
MOST_FAULTS = 5

#: how a training ended that was as long as it should be
AS_PLANNED = "as planned"

Fraction = Annotated[float, Field(ge=0, le=1)]


class Written(Section):
    """A JSON file; fields that no job reads are not looked at."""

    model_config = ConfigDict(extra="ignore")


_W = TypeVar("_W", bound=Written)


class BatchPlan(Written):
    """``batch_plans/{machine}/{potential}-{key}-{kind}.json``."""

    potential: str
    weights: str
    dtype: str
    device: str
    threads: t.Count
    batch_atoms: Annotated[int, Field(ge=1, le=65536)]
    batch_neighbours: t.Positive | None


class ChosenViews(Written):
    """``labels/{label_set}.views.json``."""

    label_set: str
    potential: str
    views: Annotated[
        Literal["as_given"] | Annotated[int, Field(ge=1, le=10_000)],
        t.ToldAs("as_given or a whole number from 1 to 10000"),
    ]


#: properties that a user's files have under keys of their own
ReadFromFiles = Literal["energy", "forces", "stress", "virial", "dipole", "mbis_charges", "esp"]


class LabelsOfFile(Written):
    """``labels/{label_set}.file.json``: which key each property of a user's files is read from."""

    label_set: str
    keys: dict[ReadFromFiles, str]
    isolated_atoms_eV: dict[t.Element, float]

    def faults(self) -> Iterator[Fault]:
        if not {"energy", "forces"} <= self.keys.keys():
            yield "keys", f"{self.keys}, expected one of the energy and one of the forces"


class AtomEnergies(Written):
    """``atoms/{label_set}.json``: energies of single atoms, eV."""

    potential: str
    energies_eV: Annotated[dict[t.Element, float], Field(min_length=1)]


class Training(Written):
    """``students/.../training.json``."""

    architecture: str
    network: str
    parameters: t.Count
    built_with: dict[str, Any] = Field(default={})
    train_frames: t.Count
    valid_frames: t.Whole
    epochs: t.Count
    best_epoch: t.Count
    steps: t.Whole
    minutes: t.NotNegative
    #: on all threads; older files do not say
    cpu_minutes: t.NotNegative | None = None
    #: how it ended, and with what; older ones do not say
    ended: str = AS_PLANNED
    optimiser: str = "adamw"
    learning_rate: t.NotNegative | None = None
    batch_size: t.Count | None = None
    loss: str | None = None
    augment: bool = False
    hessian_weight: t.NotNegative = 0.0
    hard_share: Fraction = 0.0
    #: how many frames have a label of the reference, and what was taken off its energies
    hard: dict[str, Any] | None = None
    #: of a student with charges: weights of its loss, see config/README.md
    losses: dict[str, float] | None = None
    #: of a pilot
    trials: list[dict[str, Any]] = Field(default=[])
    muon_share: Fraction | None = None
    #: the most that the process held; older files do not say
    peak_memory_MB: t.NotNegative | None = None

    @property
    def as_planned(self) -> bool:
        """Whether it neither diverged nor ran out of patience."""
        return self.ended == AS_PLANNED

    def faults(self) -> Iterator[Fault]:
        if self.best_epoch > self.epochs:
            yield "best_epoch", f"{self.best_epoch}, expected one of the {self.epochs} epochs"


class Criterion(Written):
    """One of a verdict; one that was not measured has no value, and is not passed."""

    name: str
    scope: str
    value: float | None
    threshold: float
    passed: bool
    #: whether the threshold is the most, and not the least, that was asked for
    at_most: bool = False
    #: told, and stops nothing
    advice: bool = False
    unit: str = ""
    #: what it means, in plain words
    words: str = ""

    def line(self) -> str:
        """In a few words."""
        bound = f"{'at most' if self.at_most else 'at least'} {self.threshold:g}"
        unit = f" {self.unit}" if self.unit else ""
        found = "was not measured" if self.value is None else f"is {self.value:.3f}{unit}"
        words = f" ({self.words})" if self.words else ""
        return f"{self.name} of {self.scope} {found}, {bound} was asked for{words}"

    def faults(self) -> Iterator[Fault]:
        if self.name == "good_label_fraction" and not 0 <= (self.value or 0) <= 1:
            yield "value", f"{self.value:g}, expected at most 1"
        if self.passed != meets(self.value, self.threshold, at_most=self.at_most):
            found = "nothing" if self.value is None else f"{self.value:g}"
            text = f"{self.passed}, but {found} was found and {self.threshold:g} asked for"
            yield "passed", text


def meets(value: float | None, threshold: float, *, at_most: bool = False) -> bool:
    """Whether a value is within what was asked for; what was not measured never is."""
    if value is None:
        return False
    return value <= threshold if at_most else value >= threshold


class Verdict(Written):
    """``gate/{label_set}.json``."""

    go: bool
    criteria: list[Criterion]
    status: dict[str, t.Whole]
    by_source: dict[str, dict[str, t.Whole]] = Field(default={})
    on_no_go: Literal["stop", "continue"] = "stop"
    fallback: str | None = None
    less_generative: dict[str, float] = Field(default={})
    #: of limbeck.diversity.measure; older files have none
    diversity: dict[str, Any] | None = None
    #: by source, quantiles of what good labels are like
    ranges: dict[str, dict[str, list[float] | None]] = Field(default={})

    def faults(self) -> Iterator[Fault]:
        if self.go != is_go(self.criteria):
            yield "go", f"{self.go}, which its criteria do not say"


def is_go(criteria: list[Criterion]) -> bool:
    """Whether all criteria that are no advice are met; of none, no."""
    asked = [c.passed for c in criteria if not c.advice]
    return bool(asked) and all(asked)


class ComparedFigure(Written):
    """A figure of a source, with its interval where it has one."""

    source: str
    name: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    count: t.Whole


class ComparedDistance(Written):
    """How far what a source is like is from the reference."""

    source: str
    name: str
    distance: t.NotNegative
    noise: t.NotNegative
    unit: str
    count: t.Whole
    count_reference: t.Whole


class ComparedKind(Written):
    """One of the most frequent kinds of a source."""

    source: str
    sort: str
    kind: str
    share: Fraction
    count: t.Whole


class ComparedSources(Written):
    """``comparison.json``."""

    figures: list[ComparedFigure]
    apart: list[ComparedDistance]
    frequent: list[ComparedKind]


class DeltaPart(Written):
    """One part of a difference of label sets: frames, and how much there is to learn."""

    frames: t.Whole
    energy_rms_meV_per_atom: t.NotNegative | None
    energy_less_atoms_rms_meV_per_atom: t.NotNegative | None
    forces_rms_meV_per_A: t.NotNegative | None


class DatasetCounts(Written):
    """``datasets/{label_set}/counts.json``."""

    near_copies: list[str]
    validated_by: dict[str, Literal["group", "root"]]


class DeltaCounts(Written):
    """``delta/{name}/counts.json``."""

    train: DeltaPart
    valid: DeltaPart
    test_known: DeltaPart
    test_new: DeltaPart


class Student(Written):
    """``model.json`` of a student; what ``sizes`` has to hold, its architecture knows."""

    architecture: str
    elements: Annotated[list[Annotated[int, Field(ge=1, le=118)]], Field(min_length=1)]
    sizes: dict[str, Any]
    #: in sums of covalent radii; older models have none
    shortest_ratio: Annotated[float, Field(gt=0)] | None = None
    #: whether near nuclei repel each other beside what the network says
    zbl: bool = False

    def faults(self) -> Iterator[Fault]:
        if len(set(self.elements)) < len(self.elements):
            yield "elements", f"{self.elements}, expected each once"


def as_written(kind: type[_W], value: Any, path: str | Path) -> _W:
    """What a file holds, its fields and their ranges checked.

    Raises:
        Unfit: something is wrong; one line that names the file, fields and values.
    """
    if not isinstance(value, dict):
        raise Unfit(path, f"expected a mapping, got {type(value).__name__}")
    try:
        return validated(kind, value)
    except LimbeckError as error:
        lines = str(error).splitlines()
        more = [f"and {len(lines) - MOST_FAULTS} more"] if len(lines) > MOST_FAULTS else []
        said = "; ".join([*lines[:MOST_FAULTS], *more])
        raise Unfit(path, said) from error
