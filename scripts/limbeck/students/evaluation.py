"""Errors of a student on the test frames, beside those of its teacher and of a constant."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from limbeck.datasets.split import Dataset
from limbeck.datasets.zeros import Zeros, enough_elements, fitted_on
from limbeck.datasets.zeros import fit_zeros as zeros_of
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, atom_rows
from limbeck.geometry import composition
from limbeck.labels import Labels, select_labels, unlabelled
from limbeck.potentials.evaluation import predict_or_nan
from limbeck.potentials.interface import Potential, empty_predictions
from limbeck.properties import Predictions, put, select
from limbeck.reasons import Status
from limbeck.structures.chemistry import near_copies
from limbeck.students.statistics import training_statistics
from limbeck.warrant.accuracy import labels_of
from limbeck.warrant.measure import Sums, stack
from limbeck.warrant.on_frames import (
    MEV,
    Part,
    counts,
    errors_of,
    in_all_and_by_source,
    mean_absolute,
    per_frame,
)
from limbeck.warrant.statistics import Estimate, entry_of
from limbeck.warrant.tidy import Row, rows


def evaluate(
    answers: Predictions,
    training: Dataset,
    test: Dataset,
    reference: Labels | None,
    *,
    fit_zeros: bool = False,
) -> dict[str, Any]:
    """Mean absolute errors with 95 % intervals over groups, as they stand in ``metrics.json``.

    ``less_constant`` is the student's error less that of a constant, paired by group: where it is
    above zero, the student is worse than nothing. ``near_copies`` are names of the groups whose
    chemistry is in training all the same.

    Args:
        answers: the student's, for the test frames in order.
        training: what a constant predictor is fitted to: offsets per element, no forces.
        reference: other labels to be measured against, joined by id.
        fit_zeros: energies of the reference have other zeros than those of the training set: what
            they are above these is fitted to the training frames that have both, or else to the
            test frames, and taken off.

    Raises:
        LimbeckError: there is no test frame that the student answers.
    """
    answered = np.flatnonzero(answered_frames(answers, test.frames))
    if not len(answered):
        raise LimbeckError(f"none of {len(test)} test frames has an answer of the student")
    n_left_out = len(test) - len(answered)
    answers, test = _take(answers, test.frames, answered), test.select(answered)
    frames, nothing = test.frames, constant(training, test.frames)
    result: dict[str, Any] = {
        **counts(frames),
        "n_left_out": n_left_out,
        "near_copies": near_copies(frames, training.frames),
        "against": {"labels": errors(answers, test.labels, frames)},
        "constant": errors(nothing, test.labels, frames),
        "less_constant": less_constant(answers, nothing, test.labels, frames),
    }
    if reference is not None:
        found, labels = labels_of(frames, reference)
        index = np.flatnonzero(found)
        part, own = frames.select(index), _take(answers, frames, index)
        teacher = select_labels(test.labels, index)
        if fit_zeros and len(part):
            zeros = _zeros(training, test, reference)
            if zeros:
                labels = zeros.taken_off(part, labels)
                result["zeros"] = zeros.entry()
        result["against"]["reference"] = errors(own, labels, part)
        result["teacher_against_reference"] = errors(teacher, labels, part)
        result["excess"] = excess(own.forces, teacher.forces, labels, part)
    return result


def _zeros(training: Dataset, test: Dataset, reference: Labels) -> Zeros | None:
    """How far a reference is above the labels of a data set; None where no frame has both."""
    both = [data.select(labels_of(data.frames, reference)[0]) for data in (training, test)]
    frames = enough_elements(both[1].frames, both[0].frames)
    if not len(frames):
        return None
    energies = {
        name: energy
        for data in both
        for name, energy in zip(data.frames.id.tolist(), data.labels.energy.tolist(), strict=True)
    }
    own = np.array([energies[name] for name in frames.id.tolist()])
    labels = labels_of(frames, reference)[1]
    return zeros_of(frames, own, labels, fitted_on(test.frames, frames))


def metric_rows(metrics: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of ``metrics.json``: of the student, its labels, and the constant."""
    label_set, test = metrics["label_set"], metrics["test"]
    student = {"subject": f"{label_set}/{metrics['student']}", "seed": metrics["seed"]}
    kinds = {
        "student": test["against"]
        | {"reference_excess": test.get("excess", {}), "constant_excess": test["less_constant"]},
        "constant": {"labels": test["constant"]},
        "labels": {"reference": test.get("teacher_against_reference", {})},
    }
    for kind, tables in kinds.items():
        names = student if kind == "student" else {"subject": f"{label_set}/{kind}"}
        for against, table in tables.items():
            naming = partial(_names, against)
            yield from rows(table, naming, kind=kind, set="test", **names)


def _names(against: str, quantity: str, part: str = "") -> tuple[str, str]:
    return quantity, f"rms_of_{against}" if part == "size" else f"mae_against_{against}"


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
    sums = _absolute(answers, labels, frames) | {"square": per_frame(labels.forces**2, frames)}
    return in_all_and_by_source(stack([sums]), frames, _figures)


def _absolute(answers: Predictions, labels: Labels, frames: Frames) -> Sums:
    return {
        "energy": np.abs(answers.energy - labels.energy) / frames.n_atoms,
        "forces": per_frame(np.abs(answers.forces - labels.forces), frames),
    }


def excess(
    student: np.ndarray, labels: np.ndarray, reference: Labels, frames: Frames
) -> dict[str, Any]:
    """Mean absolute error of a student's force components less that of its labels, in all and by
    source; both against the reference. [N,3] each.

    Paired: each group brings both errors into a resample, so that frames which are hard for
    both do not widen the interval.
    """
    more = np.abs(student - reference.forces) - np.abs(labels - reference.forces)

    def figures(sums: Sums, part: Frames) -> Part:
        components = 3 * part.n_atoms
        return {"forces": mean_absolute(sums["forces"], components, part, "meV/A", signed=True)}

    return in_all_and_by_source({"forces": per_frame(more, frames)[None]}, frames, figures)


def less_constant(
    answers: Predictions, nothing: Predictions, labels: Labels, frames: Frames
) -> dict[str, Any]:
    """Errors of the student less those of the constant, in all and by source."""
    own, other = (_absolute(found, labels, frames) for found in (answers, nothing))
    sums = {name: own[name] - other[name] for name in own}

    def figures(sums: Sums, part: Frames) -> Part:
        return errors_of(sums["energy"], sums["forces"], part, signed=True)

    return in_all_and_by_source(stack([sums]), frames, figures)


def constant(training: Dataset, frames: Frames) -> Predictions:
    """The answer of one who knows the composition alone: offsets per element, no forces."""
    statistics = training_statistics(training)
    atoms = composition(frames, np.array(statistics.elements))
    return Predictions(
        energy=atoms @ statistics.reference_energies,
        forces=np.zeros((len(frames.numbers), 3)),
        stress=np.full((len(frames), 6), np.nan),
    )


def _figures(sums: Sums, frames: Frames) -> Part:
    """Errors, and beside those of the forces how large the forces are that are learned."""
    found = errors_of(sums["energy"], sums["forces"], frames)
    components = (3 * frames.n_atoms).sum() or np.nan
    size = MEV * float(np.sqrt(sums["square"].sum() / components))
    found["forces"]["size"] = entry_of(Estimate(size), "meV/A")
    return found


def _take(answers: Predictions, frames: Frames, index: np.ndarray) -> Predictions:
    return Predictions(values=select(answers.values, index, atom_rows(frames.offsets, index)))


def as_labels(answers: Predictions, frames: Frames) -> Labels:
    """A student's answers in the form of labels, to be kept in a file."""
    empty = unlabelled(frames, answers.values)
    status = np.where(answered_frames(answers, frames), Status.GOOD, Status.NOT_FINITE)
    return replace(empty, values=answers.values, status=status.astype(np.uint8))
