"""Errors of a student on the test frames, beside those of its teacher and of a constant."""

from dataclasses import replace
from typing import Any

import numpy as np

from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, atom_rows
from limbeck.geometry import composition
from limbeck.labels import Labels, select_labels, unlabelled
from limbeck.potentials.evaluation import predict_or_nan
from limbeck.potentials.interface import Potential, empty_predictions
from limbeck.properties import Predictions, put, select
from limbeck.reasons import Status
from limbeck.students.statistics import measure
from limbeck.warrant.accuracy import labels_of
from limbeck.warrant.measure import MEV, by_source, per_frame
from limbeck.warrant.statistics import Estimate, ratio


def evaluate(
    answers: Predictions, training: Dataset, test: Dataset, reference: Labels | None
) -> dict[str, Any]:
    """Mean absolute errors with 95 % intervals over roots, as they stand in ``metrics.json``.

    Args:
        answers: the student's, for the test frames in order.
        training: what a constant predictor is fitted to: offsets per element, no forces.
        reference: labels of another potential to be measured against, joined by id.

    Raises:
        LimbeckError: there is no test frame that the student answers.
    """
    answered = np.flatnonzero(answered_frames(answers, test.frames))
    if not len(answered):
        raise LimbeckError(f"none of {len(test)} test frames has an answer of the student")
    n_left_out = len(test) - len(answered)
    answers, test = _take(answers, test.frames, answered), test.select(answered)
    frames = test.frames
    result: dict[str, Any] = {
        "n_frames": len(frames),
        "n_left_out": n_left_out,
        "n_roots": len(np.unique(frames.root)),
        "against": {"labels": errors(answers, test.labels, frames)},
        "constant": errors(constant(training, frames), test.labels, frames),
    }
    if reference is not None:
        found, labels = labels_of(frames, reference)
        index = np.flatnonzero(found)
        part = frames.select(index)
        result["against"]["reference"] = errors(_take(answers, frames, index), labels, part)
        teacher = select_labels(test.labels, index)
        result["teacher_against_reference"] = errors(teacher, labels, part)
    return result


def answer(student: Potential[Any], frames: Frames) -> Predictions:
    """A student's answers; NaN for frames that it fails on, or with an element it does not know."""
    result = empty_predictions(frames)
    known = np.flatnonzero(~student.unknown_elements(frames))
    found = predict_or_nan(student, frames.select(known))
    put(result.values, found.values, known, atom_rows(frames.offsets, known))
    return result


def answered_frames(answers: Predictions, frames: Frames) -> np.ndarray:
    """bool [B]: energy and forces of the frame are finite."""
    return np.isfinite(answers.energy) & np.isfinite(per_frame(answers.forces, frames))


def errors(answers: Predictions, labels: Labels, frames: Frames) -> dict[str, Any]:
    """Errors of the energy per atom and of the forces, in all and by source."""
    energy = np.abs(answers.energy - labels.energy) / frames.n_atoms
    forces = per_frame(np.abs(answers.forces - labels.forces), frames)
    square = per_frame(labels.forces**2, frames)
    result = _figures(energy, forces, square, frames)
    result["by_source"] = {
        name: _figures(energy[mask], forces[mask], square[mask], part)
        for name, mask, part in by_source(frames)
    }
    return result


def constant(training: Dataset, frames: Frames) -> Predictions:
    """The answer of one who knows the composition alone: offsets per element, no forces."""
    statistics = measure(training)
    counts = composition(frames, np.array(statistics.elements))
    return Predictions(
        energy=counts @ statistics.reference_energies,
        forces=np.zeros((len(frames.numbers), 3)),
        stress=np.full((len(frames), 6), np.nan),
    )


def _figures(
    energy: np.ndarray, forces: np.ndarray, square: np.ndarray, frames: Frames
) -> dict[str, Any]:
    # Each frame counts by its number of components, so that the ratio of sums is the mean over all
    # of them.
    components = 3 * frames.n_atoms
    return {
        "energy_mae_meV_per_atom": _estimate(energy, np.ones(len(frames)), frames),
        "forces_mae_meV_per_A": _estimate(forces, components, frames),
        "forces_rms_meV_per_A": MEV * float(np.sqrt(square.sum() / components.sum())),
    }


def _estimate(sums: np.ndarray, weights: np.ndarray, frames: Frames) -> dict[str, Any]:
    found: Estimate = ratio(sums, weights, frames.root).times(MEV)
    return {"value": found.value, "ci95": [found.low, found.high]}


def _take(answers: Predictions, frames: Frames, index: np.ndarray) -> Predictions:
    return Predictions(values=select(answers.values, index, atom_rows(frames.offsets, index)))


def as_labels(answers: Predictions, frames: Frames) -> Labels:
    """A student's answers in the form of labels, to be kept in a file."""
    empty = unlabelled(frames, answers.values)
    status = np.where(answered_frames(answers, frames), Status.GOOD, Status.NOT_FINITE)
    return replace(empty, values=answers.values, status=status.astype(np.uint8))
