"""What each rule tells its script, as ``--settings``: made of the config, read by the script.

``of`` takes the config and the wildcards of a job, which are text. What a job does not depend on is
left out or put at a fixed value, so that a change of it makes nothing anew.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field

from limbeck.check.content import sha256_now
from limbeck.config.config import Config
from limbeck.config.plan import (
    all_stay,
    arms,
    batches,
    driver,
    floor_under,
    is_isolated,
    labelled_sources,
    of_kind,
    origins,
    physics_temperatures,
    shards_judged,
    sources_selected,
    takers,
    teachers,
    trained,
    zeros_differ,
)
from limbeck.config.rounds import (
    Asked,
    asked,
    dynamics_of,
    label_set_of,
    later_rounds,
    round_named,
)
from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, Section
from limbeck.config.sections.datasets import DatasetSettings, Delta
from limbeck.config.sections.file_labels import FileLabels
from limbeck.config.sections.force_constants import ForceConstants
from limbeck.config.sections.labels import Choice, Gate, LabelSet, Select
from limbeck.config.sections.potentials import Potential, Weights, keep_faults
from limbeck.config.sections.sampling import MolecularDynamics, Sampling
from limbeck.config.sections.screen import Screen
from limbeck.config.sections.sources import Source, StructureFile
from limbeck.config.sections.students import Distill, Rounds, StudentSettings
from limbeck.config.sections.subsystems import Subsystem
from limbeck.config.sections.warrant import (
    Bars,
    Expectation,
    FramesByViews,
    Physics,
    PhysicsBars,
    Warrant,
)
from limbeck.errors import LimbeckError

#: source -> licence and citation of its structures
Origins = dict[str, dict[str, str]]
#: no job but CheckYields depends on whether a part may be empty
ANY_YIELD = {"allow_empty": False}


class Compute(Section):
    """A job that computes with models."""

    device: t.Device
    threads: t.Count


class AsksPotential(Compute):
    """A job that asks a potential; ``batch_plans`` is their folder, where there is one."""

    potential: Potential
    batch_plans: str | None = None


class MayAskPotential(Section):
    """A job that asks a potential, or none."""

    potential: Potential | None = None
    device: t.Device = "cpu"
    threads: t.Count = 1
    batch_plans: str | None = None


def _by_potential(config: Config, label_set: str) -> LabelSet:
    section = config.labels[label_set]
    if not isinstance(section, LabelSet):
        raise LimbeckError(f"labels.{label_set}: from a file, expected a potential's")
    return section


def _compute(config: Config) -> dict[str, Any]:
    return {"device": config.device, "threads": config.threads}


def _asking(config: Config, name: str | None, *, labels: bool = False) -> dict[str, Any]:
    """Fields of a job that asks the potential of this name; none where there is no name.

    Args:
        labels: whether the job labels frames: no other depends on what the potential was trained
            on.
    """
    if not name:
        return {}
    potential = _potential(config, name)
    if not labels:
        potential = potential.model_copy(update={"trained_on": None})
    return {"potential": potential, **_compute(config)}


def _potential(config: Config, name: str) -> Any:
    """A potential, with the hash of its weights where the config trusts them without.

    So other weights under the same path are noticed, as with a hash of the config's own.
    """
    potential = config.potentials[name]
    if isinstance(potential, Weights) and potential.path and not potential.sha256:
        return potential.model_copy(update={"sha256": sha256_now(potential.path) or None})
    return potential


class GenerateStructures(Section):
    """One shard of a source.

    Attributes:
        taken_before: structures of its kind of cell that sources before it ask of its
            ``generative_model``.
    """

    seed: t.Whole
    shard: t.Whole
    source: Source
    taken_before: t.Whole = 0

    @classmethod
    def of(cls, config: Config, source: str, shard: str) -> Self:
        found = config.sources[source].model_copy(update=ANY_YIELD)
        before = _taken_before(config, source)
        return cls(seed=config.seed, shard=int(shard), source=found, taken_before=before)


def _taken_before(config: Config, source: str) -> int:
    """Each structure of a reserve goes to one source: these take theirs in the config's order."""
    own = config.sources[source]
    others = takers(config, own.generative_model) if own.generative_model else []
    alike = (config.sources[n] for n in others[: others.index(source)]) if source in others else ()
    return sum(s.n_generative for s in alike if is_isolated(s) == is_isolated(own))


class FindDuplicates(Section):
    """Which structures of a source are the same as an earlier one.

    Attributes:
        all_stay: whether none of it is dropped.
        siblings: how structures of the source are compared with each other: all; those that may be
            displacements of one another not, as of a file; or none, as where it strains them.
    """

    source: str
    distance_A: t.Positive
    screen: Screen
    all_stay: bool
    siblings: Literal["all", "not_displaced", "none"]

    @classmethod
    def of(cls, config: Config, source: str) -> Self:
        section = config.sources[source]
        siblings: Literal["all", "not_displaced", "none"] = "all"
        if isinstance(section, StructureFile):
            siblings = "not_displaced"
        elif getattr(section, "strain", 0):
            siblings = "none"
        return cls(
            source=source,
            distance_A=config.duplicates.distance_A or 1.0,
            screen=config.screen,
            all_stay=all_stay(config, source),
            siblings=siblings,
        )


class CalculateForceConstants(AsksPotential):
    """Force constants of one shard of a source."""

    seed: t.Whole
    source: str
    shard: t.Whole
    force_constants: ForceConstants

    @classmethod
    def of(cls, config: Config, force_constants: str, source: str, shard: str) -> Self:
        """That of a job, which does not depend on the section's other sources."""
        section = config.force_constants[force_constants]
        return cls(
            seed=config.seed,
            source=source,
            shard=int(shard),
            force_constants=section.model_copy(update={"sources": [source], **ANY_YIELD}),
            **_asking(config, section.potential),
        )


class SampleFrames(MayAskPotential):
    """Frames of one shard of a source; ``force_constants`` is their folder, for phonons."""

    seed: t.Whole
    source: str
    shard: t.Whole
    sampling: Sampling
    force_constants: str | None = None

    @classmethod
    def of(cls, config: Config, sampling: str, source: str, shard: str) -> Self:
        """That of a job, which does not depend on the sampling's other sources."""
        return cls(
            seed=config.seed,
            source=source,
            shard=int(shard),
            sampling=config.sampling[sampling].model_copy(
                update={"sources": [source], **ANY_YIELD}
            ),
            **_asking(config, driver(config, sampling)),
        )

    def faults(self) -> Iterator[Fault]:
        """Something is to be kept that no potential says."""
        yield from keep_faults(self.sampling.keep, self.potential)


class ExtractSubsystems(MayAskPotential):
    """Clusters of one shard of the frames of a sampling."""

    seed: t.Whole
    sampling: str
    source: str
    shard: t.Whole
    subsystem: Subsystem

    @classmethod
    def of(cls, config: Config, subsystem: str, sampling: str, source: str, shard: str) -> Self:
        """That of a job, which does not depend on what else the subsystem is cut out of."""
        section = config.subsystems[subsystem]
        return cls(
            seed=config.seed,
            sampling=sampling,
            source=source,
            shard=int(shard),
            subsystem=section.model_copy(update={"of": [sampling], **ANY_YIELD}),
            **_asking(config, section.potential if section.keep else None),
        )

    def faults(self) -> Iterator[Fault]:
        """Something is to be kept that no potential says."""
        yield from keep_faults(self.subsystem.keep, self.potential)


class ExpandManyBody(Section):
    """Many-body terms of a subsystem's clusters."""

    label_set: str
    many_body_order: t.AtLeastTwo

    @classmethod
    def of(cls, config: Config, subsystem: str, label_set: str) -> Self:
        order = config.subsystems[subsystem].many_body_order
        return cls(label_set=label_set, many_body_order=order or 2)


class CheckYields(Section):
    """Whether every part of a stage has made something; ``config`` is what says which there are."""

    stage: Literal["structures", "frames"]
    config: Config

    @classmethod
    def of(cls, config: Config, stage: str) -> Self:
        """That of a stage, which does not depend on what comes after it."""
        asked = {
            "run": "any",
            "sources": config.sources,
            "force_constants": config.force_constants,
            "sampling": config.sampling,
            "subsystems": config.subsystems,
            "select": {"include": config.select.include},
        }
        return cls.model_validate({"stage": stage, "config": asked})


class ChooseOverAll(Section):
    """Which frames of all slices, or of those of a batch, are labelled."""

    seed: t.Whole
    count: t.Whole
    choice: Choice

    @classmethod
    def of(cls, config: Config, batch: str) -> Self:
        choice, select = config.select.choice, config.select
        if choice is None:
            raise LimbeckError("select.choice: the config has none")
        # As many as its slices would take one by one; the first ones take what does not divide.
        ends = [sum(map(len, batches(config)[: int(batch) + more])) for more in (0, 1)]
        whole, rest = divmod(select.count, select.slices)
        before, up_to = (end * whole + min(end, rest) for end in ends)
        return cls(seed=config.seed, count=up_to - before, choice=choice)


class SelectFrames(MayAskPotential):
    """One slice's share of the frames."""

    seed: t.Whole
    slice: t.Whole
    select: Select

    @classmethod
    def of(cls, config: Config, slice: str) -> Self:
        select = config.select
        asked = _asking(config, select.score.potential if select.score else None)
        return cls(seed=config.seed, slice=int(slice), select=select, **asked)


class ChooseViews(AsksPotential):
    """Whether averaging over views is worth its calls."""

    label_set: LabelSet
    lost_device: t.LostDevice

    @classmethod
    def of(cls, config: Config, label_set: str) -> Self:
        section = _by_potential(config, label_set)
        asked = _asking(config, section.potential)
        return cls(label_set=section, lost_device=config.lost_device, **asked)


class LabelFrames(ChooseViews):
    """Labels of the frames of one slice."""

    slice: t.Whole
    slices: t.Count

    @classmethod
    def of(cls, config: Config, label_set: str, slice: str) -> Self:  # type: ignore[override]
        section = _by_potential(config, label_set)
        return cls(
            label_set=section,
            lost_device=config.lost_device,
            slice=int(slice),
            slices=config.select.slices,
            **_asking(config, section.potential, labels=True),
        )

    def text(self) -> str:
        """Without what decided on the views: the choice is an input, as a file."""
        return json.dumps(self.model_dump(mode="json", exclude={"label_set": {"auto"}}))


class CheckFileLabels(Section):
    """What the files that have the labels of a set have, and whether it fits together."""

    label_set: FileLabels
    files: list[StructureFile]

    @classmethod
    def of(cls, config: Config, label_set: str) -> Self:
        return cls(**_of_files(config, label_set))


class ReadLabels(CheckFileLabels):
    """Labels of the frames of one slice, from the files that these were read from."""

    slice: t.Whole
    slices: t.Count

    @classmethod
    def of(cls, config: Config, label_set: str, slice: str) -> Self:  # type: ignore[override]
        found = _of_files(config, label_set)
        return cls(slice=int(slice), slices=config.select.slices, **found)


def _of_files(config: Config, label_set: str) -> dict[str, Any]:
    section = config.labels[label_set]
    if not isinstance(section, FileLabels):
        raise LimbeckError(f"labels.{label_set}: a potential's, expected labels from a file")
    return {"label_set": section, "files": labelled_sources(config, label_set)}


def labels_of_slice(config: Config, label_set: str, slice: str) -> LabelFrames | ReadLabels:
    """The job that makes the labels of a slice: a potential is asked, or files are read."""
    kind = ReadLabels if isinstance(config.labels[label_set], FileLabels) else LabelFrames
    return kind.of(config, label_set, slice)


class JudgeLabels(Gate):
    """When a label set is good enough, or its pilot; ``sources`` are those whose time is judged,
    with their shards."""

    label_set: str
    part: Literal["set", "pilot"] = "set"
    sources: dict[str, list[t.Whole]] = Field(default={})

    @classmethod
    def of(cls, config: Config, label_set: str, part: Literal["set", "pilot"] = "set") -> Self:
        """That of a job, where the proportions are those of the sources if not given."""
        included = sources_selected(config)
        found: dict[str, Any] = {"label_set": label_set, "part": part}
        if config.gate.min_balance is not None and config.gate.proportions is None:
            found["proportions"] = {s: float(config.sources[s].count) for s in included}
        if config.gate.max_seconds_per_structure is not None:
            found["sources"] = {s: shards_judged(config, s, part) for s in included}
        return cls(**{**config.gate.model_dump(), **found})


class JudgePilot(JudgeLabels):
    """When the pilot of a label set is good enough for the rest to be made."""

    @classmethod
    def of(cls, config: Config, label_set: str, part: Literal["set", "pilot"] = "pilot") -> Self:
        return super().of(config, label_set, part)


class Split(Section):
    """How all frames are split, whatever they are labelled with."""

    seed: t.Whole
    dataset: DatasetSettings


class BuildDataset(Split):
    """The data set of a label set; ``origins`` are those of its structures."""

    label_set: str
    origins: Origins = Field(default={})

    @classmethod
    def of(cls, config: Config, label_set: str) -> Self:
        return cls(
            label_set=label_set,
            seed=config.seed,
            dataset=config.dataset,
            origins=origins(config),
        )


class BuildDeltaSet(Split):
    """The data set of a difference."""

    delta: Delta

    @classmethod
    def of(cls, config: Config, delta: str) -> Self:
        return cls(delta=config.delta[delta], seed=config.seed, dataset=config.dataset)


class EvaluateIsolatedAtoms(AsksPotential):
    """Energies of isolated atoms by the potential of a label set."""

    @classmethod
    def of(cls, config: Config, label_set: str) -> Self:
        return cls(**_asking(config, _by_potential(config, label_set).potential))


class CertifyQuadrature(AsksPotential):
    """How good a potential's means over grids of views are."""

    n_frames: t.Whole

    @classmethod
    def of(cls, config: Config, potential: str) -> Self:
        return cls(n_frames=config.warrant.n_quadrature_frames, **_asking(config, potential))


class MeasureGap(Compute, Split):
    """Gaps and errors of a teacher, or of a student, whose models are files."""

    name: str
    potential: Potential | None = None
    warrant: Warrant
    fit_zeros: bool = False

    @classmethod
    def of(
        cls, config: Config, potential: str = "", label_set: str = "", student: str = ""
    ) -> Self:
        """That of a job, which does not depend on what other potentials are measured."""
        others = {"teachers": None, "n_quadrature_frames": 0, "bars": Bars(), "physics": Physics()}
        if not potential:
            others["n_floor_frames"] = 0
        return cls(
            name=potential or f"{label_set}/{student}",
            warrant=config.warrant.model_copy(update=others),
            fit_zeros=zeros_differ(config, label_set, potential),
            seed=config.seed,
            dataset=config.dataset,
            **(_compute(config) | _asking(config, potential)),
        )


class MeasurePhysics(Compute, Split):
    """Dynamics and crystals of a teacher, or of a student, whose model is a file."""

    name: str
    potential: Potential | None = None
    physics: Physics

    @classmethod
    def of(
        cls,
        config: Config,
        potential: str = "",
        label_set: str = "",
        student: str = "",
        seed: str = "",
    ) -> Self:
        """That of a job; ``seed`` is the student's, and names it alone."""
        found: dict[str, Any] = {"seeds": "first", "bars": PhysicsBars()}
        found["temperatures_K"] = physics_temperatures(config)
        return cls(
            name=potential or f"{label_set}/{student}/seed{seed}",
            physics=config.warrant.physics.model_copy(update=found),
            seed=config.seed,
            dataset=config.dataset,
            **(_compute(config) | _asking(config, potential)),
        )


class MeasureSpeed(Compute):
    """Speed of all teachers and students, and of potentials beside them."""

    potentials: list[Potential]
    beside: list[Potential] = Field(default=[])
    n_atoms: list[t.Count] = Field(default=[])
    #: students that are also timed as torch.compile makes them
    compiled: list[str] = Field(default=[])

    @classmethod
    def of(cls, config: Config) -> Self:
        names = teachers(config)
        others = [name for name in config.speed.beside if name not in names]
        asked, beside = ([_potential(config, n) for n in part] for part in (names, others))
        used = {entry.student for entry in trained(config)}
        compiled = [n for n in of_kind(config.students, "inference", "compile") if n in used]
        return cls(
            potentials=asked,
            beside=beside,
            n_atoms=config.speed.n_atoms,
            compiled=compiled,
            **_compute(config),
        )


class TrainStudent(Compute):
    """One student on one label set with one seed."""

    label_set: str
    student: StudentSettings
    seed: t.Whole
    reference: str | None = None

    @classmethod
    def of(cls, config: Config, label_set: str, student: str, seed: str) -> Self:
        # how it is called later changes nothing of how it is trained
        section = config.students[student].model_copy(update={"inference": "eager"})
        return cls(
            label_set=label_set,
            student=section,
            seed=int(seed),
            reference=config.warrant.reference if section.hard_share else None,
            **_compute(config),
        )


class EvaluateStudent(Compute):
    """What one student is worth on the test frames; ``origins`` are those of its structures."""

    origins: Origins = Field(default={})
    label_set: str
    student: str
    seed: t.Whole
    reference: str | None
    split_by: t.SplitBy
    fit_zeros: bool = False
    floor: Literal["none", "measured", "unknown"] = "unknown"

    @classmethod
    def of(cls, config: Config, label_set: str, student: str, seed: str) -> Self:
        return cls(
            floor=floor_under(config, label_set),
            label_set=label_set,
            student=student,
            seed=int(seed),
            reference=config.warrant.reference,
            split_by=config.dataset.split_by,
            fit_zeros=zeros_differ(config, label_set),
            origins=origins(config),
            **_compute(config),
        )


class ExploreRound(Compute):
    """Dynamics with the students of a round; ``n_starts`` is 0 where no round chooses from it."""

    seed: t.Whole
    round: str
    pair: str
    dynamics: MolecularDynamics
    n_starts: t.Whole
    n_test_starts: t.Whole
    n_test_frames: t.Whole

    @classmethod
    def of(cls, config: Config, round: str) -> Self:
        each = round_named(config, round)
        own = asked(config)[each.label_set, each.student].settings
        followed = any(each == later.explored for later in later_rounds(config))
        return cls(
            seed=config.seed,
            round=round,
            pair=f"{each.label_set}.{each.student}",
            dynamics=dynamics_of(config, each.label_set, each.student).model_copy(
                update={"sources": ["any"], **ANY_YIELD}
            ),
            n_starts=own.n_starts if followed else 0,
            n_test_starts=own.n_test_starts,
            n_test_frames=own.n_test_frames,
            **_compute(config),
        )


class ChooseFrames(MayAskPotential):
    """Which frames of the dynamics a round adds, or their draw at random."""

    seed: t.Whole
    round: str
    rounds: Rounds
    random: bool
    label_set: LabelSet

    @classmethod
    def of(cls, config: Config, round: str) -> Self:
        each = round_named(config, round)
        own = asked(config)[each.label_set, each.student].settings
        label_set = _by_potential(config, each.label_set)
        asks = own.choose == "views" and not each.random
        return cls(
            seed=config.seed,
            round=round,
            rounds=own.model_copy(update=_NOT_OF_A_CHOICE),
            random=each.random,
            label_set=label_set,
            **(_compute(config) | (_asking(config, label_set.potential) if asks else {})),
        )


#: of the settings of rounds, what changes no choice
_NOT_OF_A_CHOICE = {
    **dict.fromkeys(("sampling", "temperature_K", "time_total_fs", "sampling_interval_fs")),
    **dict.fromkeys(("n_test_starts", "n_test_frames"), 0),
    "count": 2,
    "compare_with_random": True,
    "n_starts": 1,
}


class LabelRound(LabelFrames):
    """Labels of frames of a round."""

    @classmethod
    def of(cls, config: Config, round: str, part: str) -> Self:  # type: ignore[override]
        label_set = _by_potential(config, label_set_of(round))
        # nobody is asked for products on the frames that rounds are tested on
        learned = {} if part == "chosen" else {"hessian_vectors": 0}
        return cls(
            label_set=label_set.model_copy(update={"n_frames": None, "draw": 0, **learned}),
            lost_device=config.lost_device,
            slice=0,
            slices=1,
            **_asking(config, label_set.potential, labels=True),
        )


class ExtendDataset(Section):
    """The data set of a round: that of the one before, and new frames to train on.

    Attributes:
        label_set: the new data set's; before: the extended one's; labels: the name under which
            the new labels stand.
    """

    label_set: str
    before: str
    labels: str

    @classmethod
    def of(cls, config: Config, round: str) -> Self:
        each = round_named(config, round)
        return cls(label_set=round, before=each.before.learned, labels=each.label_set)


def data_set(config: Config, label_set: str) -> BuildDataset | ExtendDataset:
    """The job that makes a data set: of a label set of the config, or of a round."""
    if label_set in config.labels:
        return BuildDataset.of(config, label_set)
    return ExtendDataset.of(config, label_set)


class CompareRounds(Compute):
    """What the students of all rounds are worth side by side."""

    label_set: str
    student: str
    rounds: Rounds
    seeds: list[t.Whole]

    @classmethod
    def of(cls, config: Config, label_set: str, student: str) -> Self:
        own = asked(config)[label_set, student]
        return cls(
            label_set=label_set,
            student=student,
            rounds=own.settings,
            seeds=own.seeds,
            **_compute(config),
        )

    @property
    def asked(self) -> Asked:
        """The rounds, and their files."""
        return Asked(self.label_set, self.student, self.rounds, self.seeds)


class RunStudy(Compute):
    """A question to all students of a run: the label sets that they learned from, and they."""

    study: Expectation
    reference: str
    label_sets: dict[str, LabelSet]
    potentials: dict[str, Potential]
    students: dict[str, StudentSettings]
    distill: list[Distill]

    @classmethod
    def of(cls, config: Config) -> Self:
        study, reference = config.study, config.warrant.reference
        if not isinstance(study, Expectation) or reference is None:
            raise LimbeckError("study: the config has none of label sets, or no warrant.reference")
        label_sets = {name: _by_potential(config, name) for name in arms(config)}
        return cls(
            study=study,
            reference=reference,
            label_sets=label_sets,
            potentials={s.potential: _potential(config, s.potential) for s in label_sets.values()},
            students=config.students,
            distill=config.distill,
            **_compute(config),
        )


class FillTable(AsksPotential, Split):
    """Students of one teacher of a study, on every number of frames and of views."""

    study: FramesByViews
    reference: Potential
    timed: Potential
    student: StudentSettings

    @classmethod
    def of(cls, config: Config, potential: str) -> Self:
        """That of a job, which does not depend on the study's other potentials."""
        study = _frames_by_views(config)
        return cls(
            study=study.model_copy(update={"potentials": [potential]}),
            reference=_potential(config, study.reference),
            timed=_potential(config, study.timed or potential),
            student=config.students[study.student],
            seed=config.seed,
            dataset=config.dataset,
            **_asking(config, potential),
        )


class GatherTables(Section):
    """The tables of all teachers of a study."""

    study: FramesByViews

    @classmethod
    def of(cls, config: Config) -> Self:
        return cls(study=_frames_by_views(config))


def _frames_by_views(config: Config) -> FramesByViews:
    if not isinstance(config.study, FramesByViews):
        raise LimbeckError("study: expected one of kind frames_by_views")
    return config.study
