"""What a study of label sets is made from: data sets, students and teachers of one run."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.averaging.views import views_of
from limbeck.datasets.split import PARTS, Dataset, read_part
from limbeck.labelling.label import label
from limbeck.labels import Labels
from limbeck.potentials import open_potential
from limbeck.potentials.interface import Potential
from limbeck.students.evaluation import constant
from limbeck.students.handover import open_student
from limbeck.studies.expectation import (
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

Settings = Mapping[str, Any]


def study(folder: Path, settings: Settings) -> dict[str, Any]:
    """The results of ``study: {kind: expectation}``.

    Args:
        folder: of the run.
        settings: ``label_sets`` (each arm's section, with its potential's), ``students``
            (sections), ``trained`` (label set, student and seed of each), ``baselines``,
            ``reference``, ``n_frames``, ``views``, ``device``.

    Raises:
        LimbeckError: a file is missing or damaged, or nothing can be compared.
    """
    test = test_set(folder, settings)
    teachers = teacher_labels(test, settings)
    arms, found = [], {}
    for name in dict.fromkeys(entry[0] for entry in settings["trained"]):
        training, arm = _read_arm(folder, name, settings)
        arms.append(arm)
        found[Model(name, TEACHER)] = _once(teachers[name], test)
        found[Model(name, CONSTANT)] = _once(constant(training, test.frames), test)
    found |= _students(folder, test, settings)
    spreads = {n: spread_predicts(teachers[n], test.labels, test.frames) for n in teachers}
    return {
        "kind": "expectation",
        "reference": settings["reference"],
        "teachers": sorted({s["potential"]["name"] for s in settings["label_sets"].values()}),
        "baselines": settings["baselines"],
        "students": settings["students"],
        "seeds": seeds_of(settings["trained"]),
        **results(arms, found, test.frames, comparisons(settings)),
        "spread": {name: found for name, found in spreads.items() if found},
    }


def seeds_of(trained: Iterable[Sequence[Any]]) -> dict[str, list[int]]:
    """``{label_set}/{student}`` -> its seeds, in the order in which figures list them."""
    seeds: dict[str, list[int]] = {}
    for label_set, student, seed in trained:
        seeds.setdefault(f"{label_set}/{student}", []).append(seed)
    return seeds


def test_set(folder: Path, settings: Settings) -> Dataset:
    """Test frames with the reference's labels, at most ``n_frames`` of them, of the lowest ids."""
    test = read_part(
        str(folder / f"datasets/{settings['reference']}/test.h5"), settings["reference"]
    )
    return test.select(np.argsort(test.frames.id, kind="stable")[: settings["n_frames"]])


def teacher_labels(test: Dataset, settings: Settings) -> dict[str, Labels]:
    """What each arm's teacher says of the test frames, in the views that the arm pays for."""
    potentials: dict[str, Potential[Any]] = {}
    labels = {}
    for name, section in settings["label_sets"].items():
        model = section["potential"]
        if model["name"] not in potentials:
            potentials[model["name"]] = open_potential(model, device=settings["device"])
        labels[name] = label(
            potentials[model["name"]],
            test.frames,
            views_of(section),
            max_force=section["max_force_eV_per_A"],
        )
        log.info("%s: the teacher has answered", name)
    return labels


def _read_arm(folder: Path, name: str, settings: Settings) -> tuple[Dataset, Arm]:
    parts = {part: read_part(str(folder / f"datasets/{name}/{part}.h5"), name) for part in PARTS}
    views = views_of(settings["label_sets"][name])
    frames = {part: len(data) for part, data in parts.items()}
    return parts["train"], Arm(name, str(views), views.count, frames)


def _once(answers: Any, test: Dataset) -> Sums:
    """Errors of who has no seeds, as [1,B]."""
    return stack([absolute_errors(answers, test.labels, test.frames)])


def _students(folder: Path, test: Dataset, settings: Settings) -> Found:
    by_model: dict[Model, list[Sums]] = {}
    for label_set, student, seed in settings["trained"]:
        path = folder / "students" / label_set / student / f"seed{seed}"
        potential = open_student(path, device=settings["device"])
        sums = student_sums(potential, test, settings["views"])
        by_model.setdefault(Model(label_set, student), []).append(sums)
        log.info("%s/%s, seed %d: has answered", label_set, student, seed)
    return {model: stack(seeds) for model, seeds in by_model.items()}


def comparisons(settings: Settings) -> Iterator[tuple[Model, Model]]:
    """Each arm's students with the same of each baseline, and with its controls.

    A baseline is compared with those before it. The controls of a student without ``augment`` are
    those of its architecture with it, trained on a baseline; those of a student with
    ``spread_weight`` are those without, trained on the same labels.
    """
    trained = list(dict.fromkeys(Model(*entry[:2]) for entry in settings["trained"]))
    baselines, students = settings["baselines"], settings["students"]
    for model in trained:
        own = students[model.name]
        place = baselines.index(model.label_set) if model.label_set in baselines else None
        others = [Model(baseline, model.name) for baseline in baselines[:place]]
        if not own["augment"]:
            turned = _like(own, students, "augment")
            others += [Model(baseline, name) for name in turned for baseline in baselines]
        if own["spread_weight"]:
            others += [
                Model(model.label_set, name) for name in _like(own, students, "spread_weight")
            ]
        yield from ((model, other) for other in others if other in trained)


def _like(own: Settings, students: Mapping[str, Settings], field: str) -> list[str]:
    """Students of the same architecture that have this field where it has not, or the reverse."""
    return [
        name
        for name, section in students.items()
        if section["architecture"] == own["architecture"]
        and bool(section[field]) != bool(own[field])
    ]
