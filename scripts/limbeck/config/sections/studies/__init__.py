"""Studies: a module for each field, and a line in the union below."""

from typing import Annotated

from pydantic import Field

from limbeck.config.sections.studies.frames import Expectation, FramesByViews
from limbeck.config.sections.studies.kernels import (
    EigenSettings,
    IntegralSettings,
    KeplerSettings,
    LinearSettings,
    OdeSettings,
)
from limbeck.config.sections.studies.pde import PdeSettings
from limbeck.config.sections.studies.study import EngineStudy, FromFile

__all__ = [
    "EigenSettings",
    "EngineStudy",
    "Expectation",
    "FramesByViews",
    "FramesStudy",
    "FromFile",
    "IntegralSettings",
    "KeplerSettings",
    "LinearSettings",
    "OdeSettings",
    "PdeSettings",
    "StudySettings",
]

#: studies of a run's own frames
FramesStudy = Expectation | FramesByViews
StudySettings = Annotated[
    Expectation
    | FramesByViews
    | PdeSettings
    | KeplerSettings
    | LinearSettings
    | OdeSettings
    | IntegralSettings
    | EigenSettings,
    Field(discriminator="kind"),
]
