"""Jobs that train students and evaluate them."""

from typing import Literal, Self

from pydantic import Field

from limbeck.config.config import Config
from limbeck.config.jobs.base import Compute, Origins, computing
from limbeck.config.plan import (
    floor_under,
    origins,
    zeros_differ,
)
from limbeck.config.sections import types as t
from limbeck.config.sections.students import StudentSettings


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
            **computing(config),
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
            **computing(config),
        )
