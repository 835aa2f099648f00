"""Jobs of studies, and the report's."""

from typing import Self

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
from limbeck.config.sections.base import Section
from limbeck.config.sections.labels import LabelSet
from limbeck.config.sections.potentials import Potential
from limbeck.config.sections.students import Distill, StudentSettings
from limbeck.config.sections.warrant import (
    Expectation,
    FramesByViews,
)
from limbeck.errors import LimbeckError


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
    def of(cls, config: Config, potential: str) -> Self:
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
    def of(cls, config: Config) -> Self:
        return cls(study=frames_by_views(config))
