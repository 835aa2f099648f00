"""What a study of label sets is made from: data sets, students and teachers of one run."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.averaging.views import views_of
from limbeck.config.jobs import CompareLabelSets
from limbeck.config.plan import TrainedStudent, student_folder, trained_by
from limbeck.config.sections.datasets import PARTS, TESTS
from limbeck.config.sections.labels import LabelSet
from limbeck.config.sections.students import StudentSettings
from limbeck.datasets.split import Dataset, read_part
from limbeck.frames import concatenate
from limbeck.labelling.label import label
from limbeck.labels import Labels, concatenate_labels
from limbeck.potentials import open_potential
from limbeck.students.evaluation import constant
from limbeck.students.handover import open_student
from limbeck.studies.frames.expectation import (
    CONSTANT,
    TEACHER,
    Arm,
    Found,
    Model,
    absolute_errors,
    results,
    spread_predicts,
    student_sums,
)
from limbeck.warrant.measure import Sums, stack

log = logging.getLogger(__name__)


def study(folder: Path, job: CompareLabelSets) -> dict[str, Any]:
    """The results of ``study: {kind: expectation}``.

    Args:
        folder: of the run.

    Raises:
        LimbeckError: a file is missing or damaged, or nothing can be compared.
    """
    test = test_set(folder, job)
    teachers = teacher_labels(test, job)
    arms, found = [], {}
    for name in job.label_sets:
        training, arm = _read_arm(folder, job.label_sets[name])
        arms.append(arm)
        found[Model(name, TEACHER)] = _once(teachers[name], test)
        found[Model(name, CONSTANT)] = _once(constant(training, test.frames), test)
    found |= _students(folder, test, job)
    spreads = {n: spread_predicts(teachers[n], test.labels, test.frames) for n in teachers}
    return {
        "kind": "expectation",
        "reference": job.reference,
        "teachers": sorted({s.potential for s in job.label_sets.values()}),
        "baselines": job.study.baselines,
        "students": {name: s.model_dump() for name, s in job.students.items()},
        "seeds": seeds_of(trained_by(job.distill)),
        **results(arms, found, test.frames, comparisons(job)),
        "spread": {name: found for name, found in spreads.items() if found},
    }


def inputs_of(folder: Path, job: CompareLabelSets) -> list[Path]:
    """What :func:`study` reads: data sets, then the models of students."""
    names = dict.fromkeys([*job.label_sets, job.reference])
    sets = [folder / f"datasets/{name}/{part}.h5" for name in names for part in PARTS]
    return sets + [folder / student_folder(e) / "model" for e in trained_by(job.distill)]


def seeds_of(trained: Iterable[TrainedStudent]) -> dict[str, list[int]]:
    """``{label_set}/{student}`` -> its seeds, in the order in which figures list them."""
    seeds: dict[str, list[int]] = {}
    for label_set, student, seed in trained:
        seeds.setdefault(f"{label_set}/{student}", []).append(seed)
    return seeds


def test_set(folder: Path, job: CompareLabelSets) -> Dataset:
    """Test frames with the reference's labels, at most ``n_frames`` of them, of the lowest ids."""
    of_reference = folder / f"datasets/{job.reference}"
    tests = [read_part(str(of_reference / f"{part}.h5"), job.reference) for part in TESTS]
    test = Dataset(
        concatenate([part.frames for part in tests]),
        concatenate_labels([part.labels for part in tests]),
    )
    return test.select(np.argsort(test.frames.id, kind="stable")[: job.study.n_frames])


def teacher_labels(test: Dataset, job: CompareLabelSets) -> dict[str, Labels]:
    """What each arm's teacher says of the test frames, in the views that the arm pays for."""
    potentials = {n: open_potential(p, device=job.device) for n, p in job.potentials.items()}
    labels = {}
    for name, label_set in job.label_sets.items():
        labels[name] = label(
            potentials[label_set.potential],
            test.frames,
            views_of(label_set),
            max_force=label_set.max_force_eV_per_A,
        )
        log.info("%s: the teacher has answered", name)
    return labels


def _read_arm(folder: Path, label_set: LabelSet) -> tuple[Dataset, Arm]:
    name, views = label_set.name, views_of(label_set)
    parts = {part: read_part(str(folder / f"datasets/{name}/{part}.h5"), name) for part in PARTS}
    frames = {part: len(data) for part, data in parts.items()}
    return parts["train"], Arm(name, str(views), views.count, frames)


def _once(answers: Any, test: Dataset) -> Sums:
    """Errors of who has no seeds, as [1,B]."""
    return stack([absolute_errors(answers, test.labels, test.frames)])


def _students(folder: Path, test: Dataset, job: CompareLabelSets) -> Found:
    by_model: dict[Model, list[Sums]] = {}
    for label_set, student, seed in trained_by(job.distill):
        path = folder / "students" / label_set / student / f"seed{seed}"
        potential = open_student(path, device=job.device)
        sums = student_sums(potential, test, job.study.views)
        by_model.setdefault(Model(label_set, student), []).append(sums)
        log.info("%s/%s, seed %d: has answered", label_set, student, seed)
    return {model: stack(seeds) for model, seeds in by_model.items()}


def comparisons(job: CompareLabelSets) -> Iterator[tuple[Model, Model]]:
    """Each arm's students with the same of each baseline, and with its controls.

    A baseline is compared with those before it. The controls of a student without ``augment`` are
    those of its architecture with it, trained on a baseline; those of a student with
    ``spread_weight`` are those without, trained on the same labels.
    """
    trained = list(dict.fromkeys(Model(*entry[:2]) for entry in trained_by(job.distill)))
    baselines, students = job.study.baselines, job.students
    for model in trained:
        own = students[model.name]
        place = baselines.index(model.label_set) if model.label_set in baselines else None
        others = [Model(baseline, model.name) for baseline in baselines[:place]]
        if not own.augment:
            turned = _like(own, students, "augment")
            others += [Model(baseline, name) for name in turned for baseline in baselines]
        if own.spread_weight:
            others += [
                Model(model.label_set, name) for name in _like(own, students, "spread_weight")
            ]
        yield from ((model, other) for other in others if other in trained)


def _like(own: StudentSettings, students: Mapping[str, StudentSettings], field: str) -> list[str]:
    """Students of the same architecture that have this field where it has not, or the reverse."""
    return [
        name
        for name, section in students.items()
        if section.architecture == own.architecture
        and bool(getattr(section, field)) != bool(getattr(own, field))
    ]
