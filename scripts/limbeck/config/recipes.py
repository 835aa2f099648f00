"""Which recipe each file of a run should have: see :mod:`limbeck.check.recipe`.

The table says which settings and which files the job of each file has. It follows the rules in
``workflow/rules``: an input is listed here in the order of the rule's ``recipes``.
"""

import re
from collections.abc import Callable, Iterable
from typing import Protocol

from limbeck.check.recipe import FOREIGN, digest
from limbeck.config import jobs, plan, rounds
from limbeck.config.config import Config

#: finds the inputs of a job: config and wildcards -> paths below the run
Find = Callable[..., Iterable[str]]


class Told(Protocol):
    """Settings of a job."""

    def text(self) -> str:
        """As JSON."""


def _slices(pattern: str) -> Find:
    """``pattern`` for every slice, and for the wildcards of a job."""
    return lambda config, **wildcards: [
        pattern.format(slice=i, **wildcards) for i in range(config.select.slices)
    ]


def _files(*patterns: str) -> Find:
    return lambda config, **wildcards: [pattern.format(**wildcards) for pattern in patterns]


#: What the gate reads, of a part or of the whole set.
_JUDGED: tuple[Find, ...] = (
    lambda config, label_set, part="set": plan.frames_judged(config, part),
    lambda config, label_set, part="set": plan.labels_judged(config, label_set, part),
    lambda config, label_set, part="set": plan.reference_of_gate(config, part),
    lambda config, label_set, part="set": plan.structures_of_gate(config, part),
)


def _of_data_set(config: Config, label_set: str) -> list[str]:
    """What a data set is made of: selected frames and labels; of a round, what it extends."""
    if label_set in config.labels:
        wildcards = {"label_set": label_set}
        return [path for find in (SELECTED, LABELS) for path in find(config, **wildcards)]
    return [*rounds.extended(config, label_set), *rounds.added(config, label_set)]


def _screen(config: Config, **wildcards: str) -> Told:
    return config.screen


SELECTED = _slices("selected/{slice}.h5")
LABELS = _slices("labels/{label_set}/{slice}.h5")
DATASET = "datasets/{label_set}/"
STUDENT = "students/{label_set}/{student}/seed{seed}/"

#: path below the run -> settings of its job, and what finds the job's inputs, in their order
JOBS: dict[str, tuple[Callable[..., Told], tuple[Find, ...]]] = {
    "generators/{generator}/{shard}/made.json": (jobs.RunGenerator.of, ()),
    "structures/{source}/{shard}.h5": (
        jobs.GenerateStructures.of,
        (plan.reserve_files, plan.generated_files),
    ),
    "duplicates/{source}/{batch}.h5": (
        jobs.FindDuplicates.of,
        (plan.structures_searched, plan.structures_before, plan.keys_before),
    ),
    "screened/{source}/{shard}.h5": (
        _screen,
        (_files("structures/{source}/{shard}.h5"), plan.duplicates_of),
    ),
    "force_constants/{force_constants}/{source}/{shard}": (
        jobs.CalculateForceConstants.of,
        (_files("screened/{source}/{shard}.h5"),),
    ),
    "samples/{sampling}/{source}/{shard}.h5": (
        jobs.SampleFrames.of,
        (_files("screened/{source}/{shard}.h5"), plan.force_constants_of),
    ),
    "subsystems/{subsystem}/{sampling}/{source}/{shard}.h5": (
        jobs.ExtractSubsystems.of,
        (plan.frames_to_cut,),
    ),
    "comparison.json": (jobs.CompareSources.of, (plan.structures_compared_with,)),
    "yields/{stage}.json": (jobs.CheckYields.of, (plan.frames_of_stage,)),
    "choices/{batch}.h5": (
        jobs.ChooseOverAll.of,
        (plan.frames_of_batch, plan.choices_before),
    ),
    "selected/{slice}.h5": (
        jobs.SelectFrames.of,
        (plan.frames_of_slice, plan.choice_of_frames),
    ),
    "labels/{label_set}.views.json": (jobs.ChooseViews.of, (plan.frames_to_choose_views,)),
    "labels/{label_set}/{slice}.h5": (
        jobs.labels_of_slice,
        (
            _files("selected/{slice}.h5"),
            plan.choices_of_views,
            plan.checks_of_file_labels,
        ),
    ),
    "labels/{label_set}.file.json": (jobs.CheckFileLabels.of, ()),
    "gate/{label_set}.{part}.json": (jobs.JudgeLabels.of, _JUDGED),
    "gate/{label_set}.json": (jobs.JudgeLabels.of, _JUDGED),
    "atoms/{label_set}.json": (jobs.EvaluateIsolatedAtoms.of, (SELECTED,)),
    f"{DATASET}{{file}}": (jobs.data_set, (_of_data_set,)),
    "delta/{delta}/{file}": (
        jobs.BuildDeltaSet.of,
        (SELECTED, plan.baseline_labels, plan.target_labels, plan.isolated_atoms),
    ),
    **dict.fromkeys(
        (f"{STUDENT}model", f"{STUDENT}last", f"{STUDENT}training.json"),
        (
            jobs.TrainStudent.of,
            (
                _files(f"{DATASET}train.h5", f"{DATASET}valid.h5"),
                plan.hard_labels,
                rounds.like,
            ),
        ),
    ),
    f"{STUDENT}{{file}}": (
        jobs.EvaluateStudent.of,
        (
            _files(
                f"{STUDENT}model",
                f"{STUDENT}training.json",
                f"{DATASET}train.h5",
                f"{DATASET}test_known.h5",
                f"{DATASET}test_new.h5",
            ),
            plan.reference_labels,
            plan.teacher_of_student,
        ),
    ),
    **dict.fromkeys(
        ("rounds/{round}/candidates.h5", "rounds/{round}/own.h5"),
        (jobs.ExploreRound.of, (rounds.starts_of, rounds.models_of)),
    ),
    **dict.fromkeys(
        ("rounds/{round}/chosen.h5", "rounds/{round}/chosen.json"),
        (jobs.ChooseFrames.of, (rounds.candidates_of, rounds.choosers_of, rounds.extended_train)),
    ),
    "rounds/{round}/{part}.labels.h5": (
        jobs.LabelRound.of,
        (_files("rounds/{round}/{part}.h5"), rounds.views_of),
    ),
    "rounds/{label_set}.{student}.json": (jobs.CompareRounds.of, (rounds.compared,)),
    "warrant/quadrature/{potential}.json": (jobs.CertifyQuadrature.of, (SELECTED,)),
    "warrant/teachers/{potential}.json": (
        jobs.MeasureGap.of,
        (SELECTED, plan.structures_of_gaps, plan.reference_of_teacher),
    ),
    "warrant/students/{label_set}/{student}.json": (
        jobs.MeasureGap.of,
        (SELECTED, plan.structures_of_gaps, plan.reference_labels, plan.models),
    ),
    "physics/teachers/{potential}.json": (
        jobs.MeasurePhysics.of,
        (SELECTED, plan.structures_of_physics),
    ),
    f"physics/{STUDENT.rstrip('/')}.json": (
        jobs.MeasurePhysics.of,
        (
            SELECTED,
            plan.structures_of_physics,
            plan.physics_of_teacher,
            plan.model_of_student,
        ),
    ),
    "speed.json": (jobs.MeasureSpeed.of, (SELECTED, plan.models)),
    "studies/{study}/data.h5": (jobs.MakeStudyData.of, ()),
    "studies/{study}/results.json": (jobs.results_of_study, (plan.read_by_study,)),
    "studies/{study}/{potential}.json": (
        jobs.FillTable.of,
        (lambda config, **wildcards: SELECTED(config),),
    ),
}


class Recipes:
    """The recipes of the files of a run, as its config has them now."""

    def __init__(self, config: Config) -> None:
        """Nothing is worked out yet."""
        self._config = config
        self._found: dict[str, str] = {}

    def of(self, path: str) -> str:
        """The recipe that a file or folder should have.

        Args:
            path: below the run; :data:`~limbeck.check.recipe.FOREIGN` where no job is known to
                make it.
        """
        if path not in self._found:
            self._found[path] = self._work_out(path)
        return self._found[path]

    def _work_out(self, path: str) -> str:
        job = self.job_of(path)
        return digest(job[0], [self.of(path) for path in job[1]]) if job else FOREIGN

    def job_of(self, path: str) -> tuple[str, list[str]] | None:
        """Settings of the job that makes a file or folder, as JSON, and what it reads.

        None where no job is known to make it. Paths are below the run.
        """
        path = path.replace(".fragments.csv", ".h5")  # a table beside its clusters
        for pattern, (told, inputs) in _PATTERNS.items():
            if match := pattern.fullmatch(path):
                wildcards = {k: v for k, v in match.groupdict().items() if k != "file"}
                settings = told(self._config, **wildcards).text()
                return settings, [p for find in inputs for p in find(self._config, **wildcards)]
        return None


def _regular(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(pattern)))


_PATTERNS = {_regular(pattern): job for pattern, job in JOBS.items()}
