"""Seeds of a student as a committee: whether their spread says how wrong their mean is."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from limbeck.labels import Labels, select_labels
from limbeck.report.run.folder import Run
from limbeck.report.run.student import Student
from limbeck.storage import read_frames, read_labels
from limbeck.warrant.correlation import rank_correlation


def committees(run: Run, found: Sequence[Student]) -> Iterator[dict[str, Any]]:
    """Of each student of several seeds and each test set: ``student``, ``seeds``, ``set``,
    ``atoms``; the ``rank`` correlation of spread and error; root mean squares of the ``spread``,
    the ``error`` of the mean, and that of one ``alone``, meV/Angstrom, over atoms that all answer
    for."""
    of_title: dict[str, list[Student]] = {}
    for student in found:
        of_title.setdefault(student.title, []).append(student)
    for seeds in of_title.values():
        if len(seeds) > 1:
            yield from _rows(run, seeds)


def _rows(run: Run, seeds: Sequence[Student]) -> Iterator[dict[str, Any]]:
    first = seeds[0]
    paths = [run.path(f"{student.folder}/predictions.h5") for student in seeds]
    answers = [read_labels(path, "student") for path in paths]
    for test in first.tests:
        path = run.path(f"datasets/{first.label_set}/{test}.h5")
        frames, labels = read_frames(path), read_labels(path, first.label_set)
        forces = np.stack([_forces(answer, labels.id) for answer in answers])  # [M,N,3]
        known = np.isfinite(forces).all(axis=(0, 2))
        forces, truth = forces[:, known], labels.forces[known]
        group = frames.group[frames.frame_of_atom][known]
        error = np.linalg.norm(forces.mean(axis=0) - truth, axis=1)
        spread = np.sqrt(forces.var(axis=0, ddof=1).sum(axis=1))
        yield {
            "student": first.title,
            "set": test,
            "seeds": len(seeds),
            "atoms": len(truth),
            "rank": rank_correlation(spread, error, group),
            "spread": 1e3 * float(np.sqrt((spread**2).mean())),
            "error": 1e3 * float(np.sqrt((error**2).mean())),
            "alone": 1e3 * float(np.sqrt(((forces - truth) ** 2).sum(axis=2).mean())),
        }


def _forces(answers: Labels, ids: np.ndarray) -> np.ndarray:
    """The answers for frames of these ids, [N,3]; all are among them, in another order perhaps."""
    row = {name: i for i, name in enumerate(answers.id.tolist())}
    return select_labels(answers, np.array([row[name] for name in ids.tolist()])).forces
