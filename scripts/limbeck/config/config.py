"""The config: its sections, and what belongs to the run as a whole."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Section
from limbeck.config.sections.datasets import DatasetSettings, Delta
from limbeck.config.sections.file_labels import FileLabels
from limbeck.config.sections.force_constants import ForceConstants
from limbeck.config.sections.generators import Generator, filled
from limbeck.config.sections.labels import Gate, LabelSet, Select, default_views
from limbeck.config.sections.potentials import Potential
from limbeck.config.sections.sampling import Sampling
from limbeck.config.sections.screen import Compare, Duplicates, Screen
from limbeck.config.sections.sources import Source
from limbeck.config.sections.students import Distill, StudentSettings
from limbeck.config.sections.studies import EngineStudy, FramesStudy, StudySettings
from limbeck.config.sections.subsystems import Subsystem
from limbeck.config.sections.warrant import Speed, Warrant

LabelSets = t.Named[Annotated[LabelSet | FileLabels, Field(discriminator="from_")]]


class Config(Section):
    """Limbeck's config."""

    run: t.Name
    """Name of this run; everything it makes stands in results/{run}/."""
    seed: t.Whole = 1
    """Every random number of the run starts from this one."""
    scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the structures and frames of this config that is made, no unit; 0.01 tries a plan on
    a hundredth of it, in the same proportions. It scales the counts of sources, select, its
    batches, and n_frames of label sets, and the pilot, with their shards and slices."""
    device: t.Device = "cpu"
    """Where potentials are evaluated and students trained."""
    lost_device: t.LostDevice = "stop"
    """What a labelling job does where device is cuda and no GPU is there, or it goes away; stop
    with an error, or go on with the CPU."""
    max_silence_min: t.Minutes = 60
    """How long a potential may take for one answer (to a batch, a step of training, its opening); a
    job that waits longer ends with an error. Results do not depend on it."""
    checkpoint_min: t.Minutes = 5
    """Time between two check-points of a dynamics, a relaxation or a training, in minutes; one that
    is killed goes on from its last. Results do not depend on it."""
    threads: t.Count = 1
    """CPU threads of one sampling, labelling, training or measuring job. The last bits of a result
    depend on it."""
    sources: t.Named[Source] = Field(default={})
    """Where structures come from, by name; none where the run has nothing but studies of other
    fields."""
    generators: t.Named[Generator] = Field(default={})
    """Generative models that are run for structures, by name; a source of kind generated takes
    them."""
    screen: Screen = Screen()
    """Which structures are refused before they are sampled."""
    duplicates: Duplicates = Duplicates()
    """Structures that are the same as an earlier one are dropped before they are sampled."""
    potentials: t.Named[Potential] = Field(default={})
    """Models that give energy, forces and stress, by name; used as samplers and as teachers."""
    force_constants: t.Named[ForceConstants] = Field(default={})
    """Force constants of crystals, by name, for samplings along phonons and for the report."""
    sampling: t.NamedFreely[Sampling] = Field(default={})
    """Named ways to make frames from the structures of sources."""
    subsystems: t.NamedFreely[Subsystem] = Field(default={})
    """Named ways to cut clusters of molecules out of frames; a cluster is an isolated frame."""
    select: Select = Select()
    """Which frames are labelled."""
    labels: LabelSets = Field(default={})
    """Label sets, by name; a choice of potential and views, or labels that your own files have.
    None where nothing but the gaps of warrant.teachers is asked for."""
    gate: Gate = Gate()
    """When the labels are good enough to go on."""
    compare: Compare | None = None
    """Sources to be compared with each other, such as generative models; null for none."""
    dataset: DatasetSettings = DatasetSettings()
    """How frames are split for training."""
    delta: t.Named[Delta] = Field(default={})
    """Data sets for delta-learning, by name; the difference of two label sets on the same
    frames."""
    students: t.Named[StudentSettings] = Field(default={})
    """Small potentials to be trained, by name."""
    distill: list[Distill] = Field(default=[])
    """Which label sets are distilled into which students."""
    warrant: Warrant = Warrant()
    """How far teachers and students can be trusted."""
    speed: Speed = Speed()
    """What the speed of teachers and students is measured on, and beside what."""
    studies: t.Named[StudySettings] = Field(default={})
    """Questions that take many students to answer, by name; of the run's own frames at most one,
    and any number of other fields."""

    @property
    def frames_study(self) -> FramesStudy | None:
        """The study of the run's own frames, where it has one."""
        found = (s for s in self.studies.values() if not isinstance(s, EngineStudy))
        return next(found, None)

    @property
    def engine_studies(self) -> dict[str, EngineStudy]:
        """Studies of other fields, by name."""
        return {n: s for n, s in self.studies.items() if isinstance(s, EngineStudy)}

    @model_validator(mode="before")
    @classmethod
    def _generators(cls, config: Any) -> Any:
        """What a source of what a generator makes has by default depends on that."""
        sources, generators = (
            _mapping(config.get(part)) if isinstance(config, dict) else {}
            for part in ("sources", "generators")
        )
        found = {
            name: filled(source, _mapping(generators.get(str(source["generator"]))))
            if isinstance(source, dict) and source.get("generator")
            else source
            for name, source in sources.items()
        }
        return {**config, "sources": found} if generators else config

    @model_validator(mode="before")
    @classmethod
    def _views(cls, config: Any) -> Any:
        """What views a label set has by default depends on its potential."""
        labels, potentials = (
            _mapping(config.get(part)) if isinstance(config, dict) else {}
            for part in ("labels", "potentials")
        )
        if not labels:
            return config
        found = {}
        for name, label_set in labels.items():
            if isinstance(label_set, dict):
                potential = _mapping(potentials.get(str(label_set.get("potential"))))
                label_set = default_views(label_set, potential)
            found[name] = label_set
        return {**config, "labels": found}


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
