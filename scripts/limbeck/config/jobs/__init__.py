"""What each rule tells its script, as ``--settings``: made of the config, read by the script.

``of`` takes the config and the wildcards of a job, which are text. What a job does not depend on is
left out or put at a fixed value, so that a change of it makes nothing anew.
"""

from limbeck.config.jobs.base import (
    ANY_YIELD,
    AsksPotential,
    Compute,
    MayAskPotential,
    Origins,
    Split,
)
from limbeck.config.jobs.datasets import (
    BuildDataset,
    BuildDeltaSet,
    EvaluateIsolatedAtoms,
)
from limbeck.config.jobs.labels import (
    CheckFileLabels,
    ChooseOverAll,
    ChooseViews,
    FromGenerator,
    JudgeLabels,
    LabelFrames,
    ReadLabels,
    SelectFrames,
    labels_of_slice,
)
from limbeck.config.jobs.rounds import (
    ChooseFrames,
    CompareRounds,
    ExploreRound,
    ExtendDataset,
    LabelRound,
    data_set,
)
from limbeck.config.jobs.structures import (
    CalculateForceConstants,
    CheckYields,
    CompareSources,
    ExpandManyBody,
    ExtractSubsystems,
    FetchWeights,
    FindDuplicates,
    GenerateStructures,
    RunGenerator,
    SampleFrames,
)
from limbeck.config.jobs.students import (
    EvaluateStudent,
    TrainStudent,
)
from limbeck.config.jobs.studies import (
    CompareLabelSets,
    FillTable,
    GatherTables,
    MakeStudyData,
    RunStudy,
    results_of_study,
)
from limbeck.config.jobs.warrant import (
    CertifyQuadrature,
    MeasureGap,
    MeasurePhysics,
    MeasureSpeed,
)

__all__ = [
    "ANY_YIELD",
    "AsksPotential",
    "BuildDataset",
    "BuildDeltaSet",
    "CalculateForceConstants",
    "CertifyQuadrature",
    "CheckFileLabels",
    "CheckYields",
    "ChooseFrames",
    "ChooseOverAll",
    "ChooseViews",
    "CompareLabelSets",
    "CompareRounds",
    "CompareSources",
    "Compute",
    "EvaluateIsolatedAtoms",
    "EvaluateStudent",
    "ExpandManyBody",
    "ExploreRound",
    "ExtendDataset",
    "ExtractSubsystems",
    "FetchWeights",
    "FillTable",
    "FindDuplicates",
    "FromGenerator",
    "GatherTables",
    "GenerateStructures",
    "JudgeLabels",
    "LabelFrames",
    "LabelRound",
    "MakeStudyData",
    "MayAskPotential",
    "MeasureGap",
    "MeasurePhysics",
    "MeasureSpeed",
    "Origins",
    "ReadLabels",
    "RunGenerator",
    "RunStudy",
    "SampleFrames",
    "SelectFrames",
    "Split",
    "TrainStudent",
    "data_set",
    "labels_of_slice",
    "results_of_study",
]
