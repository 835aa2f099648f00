"""Studies: a module for each field, and a line in the union below."""

from typing import Annotated

from pydantic import Field

from limbeck.config.sections.studies.frames import Expectation, FramesByViews
from limbeck.config.sections.studies.jets import JetsSettings
from limbeck.config.sections.studies.kernels import (
    EigenSettings,
    IntegralSettings,
    KeplerSettings,
    LinearSettings,
    OdeSettings,
)
from limbeck.config.sections.studies.pde import PdeSettings
from limbeck.config.sections.studies.study import ElsewhereStudy, EngineStudy, FromFile
from limbeck.config.sections.studies.text import TextSettings

__all__ = [
    "EigenSettings",
    "ElsewhereStudy",
    "EngineStudy",
    "Expectation",
    "FramesByViews",
    "FramesStudy",
    "FromFile",
    "IntegralSettings",
    "JetsSettings",
    "KeplerSettings",
    "LinearSettings",
    "OdeSettings",
    "PdeSettings",
    "StudySettings",
    "TextSettings",
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
    | EigenSettings
    | JetsSettings
    | TextSettings,
    Field(discriminator="kind"),
]
