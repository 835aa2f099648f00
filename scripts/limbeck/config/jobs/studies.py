"""Jobs of studies, and the report's."""

from typing import Self, TypeVar, cast

from limbeck.check.content import sha256_now
from limbeck.config.config import Config
from limbeck.config.jobs.base import (
    AsksPotential,
    Compute,
    Split,
    asking,
    computing,
    frames_by_views,
    made_by_potential,
    potential_of,
)
from limbeck.config.plan import (
    arms,
)
from limbeck.config.sections import types as t
from limbeck.config.sections.base import Section
from limbeck.config.sections.labels import LabelSet
from limbeck.config.sections.potentials import Potential
from limbeck.config.sections.students import Distill, StudentSettings
from limbeck.config.sections.studies import (
    Expectation,
    FramesByViews,
    StudySettings,
)
from limbeck.errors import LimbeckError

_S = TypeVar("_S", bound=Section)


class CompareLabelSets(Compute):
    """A question to all students of a run: the label sets that they learned from, and they."""

    study: Expectation
    reference: str
    label_sets: dict[str, LabelSet]
    potentials: dict[str, Potential]
    students: dict[str, StudentSettings]
    distill: list[Distill]

    @classmethod
    def of(cls, config: Config, **wildcards: str) -> Self:
        study, reference = config.frames_study, config.warrant.reference
        if not isinstance(study, Expectation) or reference is None:
            raise LimbeckError("studies: none is of label sets, or there is no warrant.reference")
        label_sets = {name: made_by_potential(config, name) for name in arms(config)}
        return cls(
            study=study,
            reference=reference,
            label_sets=label_sets,
            potentials={
                s.potential: potential_of(config, s.potential) for s in label_sets.values()
            },
            students=config.students,
            distill=config.distill,
            **computing(config),
        )


class FillTable(AsksPotential, Split):
    """Students of one teacher of a study, on every number of frames and of views."""

    study: FramesByViews
    reference: Potential
    timed: Potential
    student: StudentSettings

    @classmethod
    def of(cls, config: Config, potential: str, **wildcards: str) -> Self:
        """That of a job, which does not depend on the study's other potentials."""
        study = frames_by_views(config)
        return cls(
            study=study.model_copy(update={"potentials": [potential]}),
            reference=potential_of(config, study.reference),
            timed=potential_of(config, study.timed or potential),
            student=config.students[study.student],
            seed=config.seed,
            dataset=config.dataset,
            **asking(config, potential),
        )


class GatherTables(Section):
    """The tables of all teachers of a study."""

    study: FramesByViews

    @classmethod
    def of(cls, config: Config, **wildcards: str) -> Self:
        return cls(study=frames_by_views(config))


def _with_hash(study: _S) -> _S:
    """The study with the hash of its file as it is, so that another under its name is seen."""
    path = getattr(study, "path", None)
    if not path or getattr(study, "sha256", None):
        return study
    return study.model_copy(update={"sha256": sha256_now(path) or None})


class MakeStudyData(Section):
    """The data of a study of another field; nothing that is done with them changes them."""

    study: StudySettings
    seed: t.Whole

    @classmethod
    def of(cls, config: Config, study: str) -> Self:
        own = config.engine_studies[study]
        made = cast(StudySettings, own.of_data())
        return cls(study=_with_hash(made), seed=config.seed)


class RunStudy(Compute):
    """A study of another field: its nets, and what is asked of them."""

    study: StudySettings

    @classmethod
    def of(cls, config: Config, study: str) -> Self:
        return cls(study=config.studies[study], **computing(config))


def results_of_study(config: Config, study: str) -> CompareLabelSets | GatherTables | RunStudy:
    """The job that writes the results of a study."""
    own = config.studies[study]
    if isinstance(own, Expectation):
        return CompareLabelSets.of(config)
    return GatherTables.of(config) if isinstance(own, FramesByViews) else RunStudy.of(config, study)
