"""What are frames, and views of each, worth to a student? The table of one teacher.

A student is trained on every number of frames and every number of views, several times over: a
draw has its own frames, its own views and its own seed of the student. Within a draw all is
nested, so that its students differ in as little as can be: the frames of a smaller number are the
first of those of a larger, the views as well, and weights and batches start from the same seed.
"""

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from limbeck import seeds
from limbeck.averaging.orbit import Orbit, orbit
from limbeck.check.progress import each
from limbeck.config.jobs import FillTable
from limbeck.datasets.split import Dataset, split_as, tests
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, atom_rows
from limbeck.labels import Labels, unlabelled
from limbeck.potentials import open_potential
from limbeck.properties import Predictions
from limbeck.reasons import Status
from limbeck.students import new_student
from limbeck.students.loop import train
from limbeck.students.statistics import training_statistics
from limbeck.studies.frames.expectation import student_sums
from limbeck.symmetry.rotation import Rotation
from limbeck.warrant.statistics import cluster_sums, spread

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)

#: one labelled frame in so many is for validation
VALIDATION_SHARE = 6
#: on which the time of labels is taken, and how often
TIMED_FRAMES = 32
TIMES = 6


@dataclass(frozen=True)
class Teacher:
    """Who labels, and what is true.

    Attributes:
        pool: frames to draw from. truth: of these, by the reference.
        test: frames of groups that the pool has not, with the reference's labels.
    """

    potential: "Potential[Any]"
    pool: Frames
    truth: Predictions
    test: Dataset


def fill_table(job: FillTable, frames: Frames) -> dict[str, Any]:
    """The table of one teacher, as ``studies/frames_by_views/{potential}.json``.

    Args:
        frames: all that were selected, of which the test groups are set apart.

    Raises:
        LimbeckError: there are too few frames, or a potential has no answer for some.
    """
    study = job.study
    teacher = _prepare(job, frames)
    groups, components = np.unique(teacher.test.frames.group), 3 * teacher.test.frames.n_atoms
    forces = np.abs(teacher.test.labels.forces).sum(axis=1)
    constant = np.bincount(teacher.test.frames.frame_of_atom, forces)
    draws = each(range(1, study.draws + 1), "study", "draws")
    found = [_draw(job, teacher, draw) for draw in draws]
    return {
        "kind": study.kind,
        "potential": job.potential.name,
        "reference": job.reference.name,
        "student": job.student.model_dump(),
        "n_frames": study.n_frames,
        "views": study.views,
        "draws": study.draws,
        "n_pool": len(teacher.pool),
        "n_test_frames": len(teacher.test),
        "test_groups": groups.astype(str).tolist(),
        "components": _by_group(teacher.test, components),
        "constant": _by_group(teacher.test, constant),
        "timed": job.timed.name,
        "seconds_per_frame": _seconds(job, teacher.pool),
        "labels": [entry for labels, _ in found for entry in labels],
        "cells": [cell for _, cells in found for cell in cells],
    }


def _prepare(job: FillTable, frames: Frames) -> Teacher:
    study = job.study
    frames = frames.select(np.unique(frames.id, return_index=True)[1])
    parts = split_as(frames, job)
    pool = frames.select(np.concatenate([parts["train"], parts["valid"]]))
    test = frames.select(tests(parts))
    test = test.select(seeds.first_by_hash(test.id, "study/test", study.n_test_frames))
    for what, part, least in (("to draw from", pool, study.n_frames[-1]), ("to test on", test, 1)):
        if len(part) < least:
            raise LimbeckError(
                f"study: {len(part)} frames {what}, expected at least {least}; raise select.count "
                "or lower study.n_frames"
            )
    reference = open_potential(job.reference, device=job.device)
    potential = open_potential(job.potential, device=job.device)
    truth = reference.predict(pool)
    return Teacher(potential, pool, truth, Dataset(test, _labels(test, reference.predict(test))))


def _draw(
    job: FillTable, teacher: Teacher, draw: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Errors of the labels, and the cells of one draw."""
    study, purpose = job.study, f"study/{job.seed}/{draw}"
    chosen = seeds.first_by_hash(teacher.pool.id, purpose, study.n_frames[-1])
    frames = teacher.pool.select(chosen)
    truth = teacher.truth.forces[atom_rows(teacher.pool.offsets, chosen)]
    seen = orbit(teacher.potential, frames, Rotation(), study.views[-1], purpose)
    gap = 1e3 * float(np.sqrt(spread(seen.forces).mean())) if len(seen.forces) > 1 else None
    labels, cells = [], []
    for views in study.views:
        data = Dataset(frames, _mean(frames, seen, views))
        error = 1e3 * float(np.abs(data.labels.forces - truth).mean())
        labels.append({"draw": draw, "views": views, "error": error, "gap": gap})
        for count in each(study.n_frames, f"students of {views} views", "students"):
            cell = _cell(job, teacher, data.select(np.arange(count)), draw)
            cells.append({"draw": draw, "n_frames": count, "views": views, **cell})
            log.info("draw %d, %d frames, %d views: %.1f meV/A", draw, count, views, cell["error"])
    return labels, cells


def _mean(frames: Frames, seen: Orbit, views: int) -> Labels:
    means = {name: values[:views].mean(axis=0) for name, values in seen.values.items()}
    return _labels(frames, Predictions(values=means))


def _labels(frames: Frames, answers: Predictions) -> Labels:
    """Answers as labels, all of them good.

    Raises:
        LimbeckError: some are not finite.
    """
    bad = ~(np.isfinite(answers.forces).all() and np.isfinite(answers.energy).all())
    if bad:
        raise LimbeckError("study: a potential has no answer for some of the frames")
    empty = unlabelled(frames, answers.values)
    good = np.full(len(frames), Status.GOOD, dtype=np.uint8)
    return replace(empty, values=answers.values, status=good)


def _cell(job: FillTable, teacher: Teacher, data: Dataset, draw: int) -> dict[str, Any]:
    """Train one student and ask it; sums of absolute errors by group, eV/Angstrom."""
    start, cpu = time.perf_counter(), time.process_time()
    held_out = np.arange(len(data)) % VALIDATION_SHARE == VALIDATION_SHARE - 1
    validation, training = (data.select(np.flatnonzero(m)) for m in (held_out, ~held_out))
    purpose = f"study/student/{draw}"
    torch.manual_seed(seeds.torch_seed(job.seed, purpose))
    student = new_student(job.student, training_statistics(training), device=job.device)
    history = train(student, training, validation, job.student, seeds.generator(job.seed, purpose))
    sums = student_sums(student, teacher.test, job.study.test_views)
    total = 3 * len(teacher.test.frames.numbers)
    return {
        "error": 1e3 * float(sums["as_given/forces"].sum() / total),
        "as_given": _by_group(teacher.test, sums["as_given/forces"]),
        "random": _by_group(teacher.test, sums["random/forces"]),
        "training_frames": len(training),
        "best_round": history.best_epoch,
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - cpu,
    }


def _by_group(test: Dataset, values: np.ndarray) -> list[float]:
    """Sums [B] over the frames of each group, in the order of their names."""
    (sums,) = cluster_sums(test.frames.group, values)
    return [float(value) for value in sums]


def _seconds(job: FillTable, pool: Frames) -> list[float]:
    """Wall time of a label in seconds a frame, for each number of views, as labels are made: many
    frames at once, prepared once for all views. The shortest of several times."""
    potential = open_potential(job.timed, device=job.device)
    some = pool.select(seeds.first_by_hash(pool.id, "study/time", TIMED_FRAMES))
    times = [[_time(potential, some, count) for count in job.study.views] for _ in range(TIMES)]
    return [min(own) / len(some) for own in zip(*times, strict=True)]


def _time(potential: "Potential[Any]", frames: Frames, views: int) -> float:
    start = time.perf_counter()
    orbit(potential, frames, Rotation(), views, "study/time")
    return time.perf_counter() - start
