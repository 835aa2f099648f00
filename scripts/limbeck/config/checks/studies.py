"""Studies, of frames and of other fields."""

from collections.abc import Iterator
from pathlib import Path

from limbeck.check.content import nothing_at
from limbeck.config.config import Config
from limbeck.config.environments import LIMBECK, faults_of_python
from limbeck.config.plan import file_of_study
from limbeck.config.sections.messages import shown
from limbeck.config.sections.students import not_installed
from limbeck.config.sections.studies import ElsewhereStudy, EngineStudy, Expectation, FramesByViews


def _study(config: Config) -> Iterator[str]:
    if isinstance(config.frames_study, Expectation):
        yield from _expectation(config, config.frames_study)
    elif config.frames_study:
        yield from _frames_by_views(config, config.frames_study)
    of_frames = [n for n, s in config.studies.items() if not isinstance(s, EngineStudy)]
    for name in of_frames[1:]:
        text = f"of the run's own frames, as {of_frames[0]} is, expected at most one such study"
        yield f"studies.{name}: {text}"


def _studies(config: Config) -> Iterator[str]:
    """Files and programs that are not there, and packages that curves are sent by."""
    for name, study in config.engine_studies.items():
        for path in file_of_study(config, name):
            if not Path(path).is_file():
                field = "path" if path == getattr(study, "path", None) else study.kind
                yield f"studies.{name}.{field}: {path!r}, {nothing_at(path)}"
        if isinstance(study, ElsewhereStudy) and study.made_in != LIMBECK:
            for line in faults_of_python(study, study.made_in):
                yield f"studies.{name}.python: {line}"
        for line in not_installed(study.log_to):
            yield f"studies.{name}.log_to: {line}"


def _expectation(config: Config, study: Expectation) -> Iterator[str]:
    if config.warrant.reference is None:
        yield "warrant.reference: nothing, expected a label set: the study compares with it"
    if any(entry.seeds != config.distill[0].seeds for entry in config.distill):
        yield "distill: other seeds in other entries, expected the same: the study pairs them"
    arms = [entry.labels for entry in config.distill]
    for name in study.baselines:
        if name not in arms:
            text = f"{shown(name)}, expected labels of distill: {', '.join(arms)}"
            yield f"studies.{study.name}.baselines: {text}"


def _frames_by_views(config: Config, study: FramesByViews) -> Iterator[str]:
    if "results" in study.potentials:
        text = "'results', expected another name: all tables go by that one"
        yield f"studies.{study.name}.potentials: {text}"
    if study.reference in study.potentials and study.views != [1]:
        text = "expected another: a teacher is not measured against itself, but for views: [1]"
        yield f"studies.{study.name}.reference: {shown(study.reference)}, {text}"
    own = config.students[study.student]
    if own.steps is None:
        yield f"students.{study.student}.steps: not given, expected a number: the study needs it"
    for field in ("batch_size", "learning_rate"):
        if field not in own.chosen_by_user:
            text = "not given, expected a number: what is recommended changes with the frames"
            yield f"students.{study.student}.{field}: {text}"
    for field in ("hessian_weight", "hard_share"):
        if getattr(own, field):
            text = "expected 0: the study has neither products nor labels of a reference to learn"
            yield f"students.{study.student}.{field}: {getattr(own, field):g}, {text}"
    if config.dataset.split_by != "group":
        text = f"{shown(config.dataset.split_by)}, expected group: the study tests on unseen ones"
        yield f"dataset.split_by: {text}"


CHECKS = (
    _study,
    _studies,
)
