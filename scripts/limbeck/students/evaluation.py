"""Errors of a student on the test frames, beside those of its teacher and of a constant."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from ase.units import GPa

from limbeck.averaging.displaced import lines_of, product
from limbeck.charges import accuracy as of_charges
from limbeck.config.sections.datasets import TESTS
from limbeck.datasets.atom_energies import fit_atoms
from limbeck.datasets.split import Dataset
from limbeck.datasets.zeros import Zeros, enough_elements, fitted_on
from limbeck.datasets.zeros import fit_zeros as zeros_of
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import composition
from limbeck.labels import Labels, labels_of, select_labels, unlabelled
from limbeck.potentials.evaluation import predict_or_nan
from limbeck.potentials.interface import Potential, empty_predictions
from limbeck.potentials.trainable import TrainablePotential
from limbeck.properties import DIRECTIONS, PRODUCTS, Predictions, put, select
from limbeck.reasons import Status
from limbeck.structures.chemistry import near_copies
from limbeck.students.statistics import residual_energies, training_statistics
from limbeck.warrant.judgement import NOTHING
from limbeck.warrant.measure import Sums, stack, take
from limbeck.warrant.on_frames import (
    MEV,
    Part,
    counts,
    drawn_together,
    errors_of,
    in_all_and_by_source,
    mean_absolute,
    per_frame,
    root_mean_square,
    slabs,
)
from limbeck.warrant.statistics import Estimate, entry_of, estimate_of, pool, ratio
from limbeck.warrant.tidy import SIZES as COUNTED
from limbeck.warrant.tidy import Row, row_of, rows

log = logging.getLogger(__name__)


#: how often each component of a stress in Voigt's order stands in the tensor
STRESS_TIMES = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])


def evaluate(
    answers: Predictions,
    training: Dataset,
    test: Dataset,
    reference: Labels | None,
    *,
    fit_zeros: bool = False,
) -> dict[str, Any]:
    """Mean absolute errors on one test set with 95 % intervals over groups, as they stand in
    ``metrics.json``.

    Of the forces beside it the root mean square error, which is what a floor is under, and the mean
    cosine between answer and label. ``by`` has errors against the labels by sampling, size and
    element besides. ``less_constant`` is the student's error less that of a constant, paired by
    group: where it is above zero, the student is worse than nothing. ``by_compound``, where all
    groups are of the training set, are the errors of one who knows each compound's mean energy.
    ``esp`` has errors of its electrostatic potential beside those of the best multipoles at atoms;
    None where there is none. ``near_copies`` are names of the groups whose chemistry is in training
    under another name.

    Args:
        answers: the student's, for the test frames in order.
        training: what a constant predictor is fitted to: offsets per element, no forces.
        reference: other labels to be measured against, joined by id.
        fit_zeros: energies of the reference have other zeros than those of the training set: what
            they are above these is fitted to the training frames that have both, or else to the
            test frames, and taken off.
    """
    answered = np.flatnonzero(answered_frames(answers, test.frames))
    n_left_out = len(test) - len(answered)
    answers, test = _take(answers, test.frames, answered), test.select(answered)
    frames, nothing = test.frames, constant(training, test.frames)
    result: dict[str, Any] = {
        **counts(frames),
        "n_left_out": n_left_out,
        "near_copies": near_copies(_of_new_groups(frames, training), training.frames),
        "against": {"labels": errors(answers, test.labels, frames)},
        "by": breakdown(answers, test.labels, frames),
        "constant": errors(nothing, test.labels, frames),
        "less_constant": less_constant(answers, nothing, test.labels, frames),
    }
    result["esp"] = of_charges.beside_the_floor(answers, test.labels, frames)
    if np.isin(frames.group, training.frames.group).all():
        result["by_compound"] = errors(by_compound(training, frames), test.labels, frames)
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


def evaluate_all(
    answers: Mapping[str, Predictions],
    training: Dataset,
    tests: Mapping[str, Dataset],
    reference: Labels | None,
    *,
    fit_zeros: bool = False,
) -> dict[str, Any]:
    """:func:`evaluate` on each of the test sets, by name; None where the student answers nothing.

    Raises:
        LimbeckError: it answers nothing at all.
    """
    found: dict[str, Any] = {}
    for name, test in tests.items():
        own = answers[name]
        found[name] = None
        if answered_frames(own, test.frames).any():
            found[name] = evaluate(own, training, test, reference, fit_zeros=fit_zeros)
        elif len(test):
            log.warning("%s: none of %d frames has an answer of the student", name, len(test))
    if not any(found.values()):
        raise LimbeckError(
            f"none of {sum(map(len, tests.values()))} test frames has an answer of the student"
        )
    return found


def _of_new_groups(frames: Frames, training: Dataset) -> Frames:
    return frames.select(~np.isin(frames.group, training.frames.group))


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
    """Rows of ``metrics.json``: of the student, its labels, the constant, and the floor."""
    floor = metrics.get("floor") or {}
    names = {"subject": f"{metrics['label_set']}/floor", "kind": "floor", "set": "test"}
    for source, part in {"": floor, **floor.get("by_source", {})}.items():
        if part:
            more = {key: part.get(key) for key in COUNTED} | {"source": source, **names}
            yield row_of(estimate_of(part), "meV/A", quantity="forces", statistic="floor", **more)
    for part in TESTS:
        if metrics[part] is not None:
            yield from _rows_of(part, metrics, metrics[part])


def _rows_of(part: str, metrics: Mapping[str, Any], test: Mapping[str, Any]) -> Iterator[Row]:
    label_set = metrics["label_set"]
    student = {"subject": f"{label_set}/{metrics['student']}", "seed": metrics["seed"]}
    kinds = {
        "student": test["against"]
        | {"reference_excess": test.get("excess", {}), "constant_excess": test["less_constant"]},
        "constant": {"labels": test["constant"]},
        "by_compound": {"labels": test.get("by_compound", {})},
        "labels": {"reference": test.get("teacher_against_reference", {})},
    }
    for kind, tables in kinds.items():
        names = student if kind == "student" else {"subject": f"{label_set}/{kind}"}
        for against, table in tables.items():
            naming = partial(_names, against)
            yield from rows(table, naming, kind=kind, set=part, **names)
    yield from _esp_rows(part, label_set, test.get("esp") or {})


def _esp_rows(part: str, label_set: str, found: Mapping[str, Any]) -> Iterator[Row]:
    """What an ESP can be made of beside the student's own, which stands among its errors."""
    figures = {n: f["all"] for n, f in found.items() if isinstance(f, Mapping) and "all" in f}
    names: dict[str, Any] = {"set": part, "quantity": "esp", "statistic": "rmse_against_labels"}
    names |= {key: found.get(key) for key in COUNTED}
    for name, figure in figures.items():
        if name != "student":
            subject = {"subject": f"{label_set}/{name}", "kind": "esp_reference"}
            yield row_of(estimate_of(figure), figure["unit"], source="", **names, **subject)


def _names(against: str, quantity: str, part: str = "") -> tuple[str, str]:
    statistic = {"size": "rms_of", "rmse": "rmse_against", "cosine": "cosine_against"}
    statistic["relative"] = "relative_rmse_against"
    if quantity == "esp":  # its square is what a fit of charges makes small
        statistic[""] = "rmse_against"
    return quantity, f"{statistic.get(part, 'mae_against')}_{against}"


def answer(student: Potential[Any], frames: Frames, labels: Labels | None = None) -> Predictions:
    """A student's answers; NaN for frames that it fails on, or with an element it does not know.

    Args:
        labels: of these frames; where they have products of the Hessian, so have the answers, along
            the same lines.
    """
    result = empty_predictions(frames)
    known = np.flatnonzero(~student.unknown_elements(frames))
    found = predict_or_nan(student, frames.select(known))
    put(result.values, found.values, frames.rows(known), frames.counts)
    # a test set without frames has products as well: those of no atoms
    lines = lines_of(frames, labels) if labels is not None else None
    if labels is not None and lines is not None:
        ahead, behind = (answer(student, side).forces for side in (lines.ahead, lines.behind))
        products = np.full_like(labels.values[PRODUCTS], np.nan)
        products[lines.places(frames)] = product(ahead, behind, lines.step)
        result.values[PRODUCTS] = products
    return result


def charge_map(student: TrainablePotential[Any], tests: Iterable[Dataset]) -> dict[str, Any] | None:
    """A molecule to be drawn with its point charges, see :func:`limbeck.charges.accuracy.drawn`;
    None of a student without charges."""
    own: Any = getattr(student, "inner", student)  # what repels near nuclei has no part in it
    return of_charges.drawn(own, tests) if "esp" in student.about.properties else None


def answered_frames(answers: Predictions, frames: Frames) -> np.ndarray:
    """bool [B]: energy and forces of the frame are finite."""
    return np.isfinite(answers.energy) & np.isfinite(per_frame(answers.forces, frames))


def errors(answers: Predictions, labels: Labels, frames: Frames) -> dict[str, Any]:
    """Errors of the energy per atom, of the forces, and where both have them of stress, charges,
    dipole and electrostatic potential, in all and by source."""
    sums = _absolute(answers, labels, frames) | {"square": per_frame(labels.forces**2, frames)}
    sums["error_square"] = per_frame((answers.forces - labels.forces) ** 2, frames)
    sums["cosine"], sums["with_forces"] = _cosines(answers.forces, labels.forces, frames)
    sums["stress"] = np.abs(answers.stress - labels.stress) @ STRESS_TIMES
    sums["stress_square"] = labels.stress**2 @ STRESS_TIMES
    own = answers.values.get(PRODUCTS)
    if own is not None and own.shape == getattr(labels.values.get(PRODUCTS), "shape", None):
        sums |= _of_products(answers, labels, frames)
    sums |= of_charges.sums_of(answers, labels, frames)
    return in_all_and_by_source(stack([sums]), frames, _figures)


def _of_products(answers: Predictions, labels: Labels, frames: Frames) -> Sums:
    """Sums over all components of the products of each frame, and how many components these are.
    [B] each"""
    own, target = answers.values[PRODUCTS], labels.values[PRODUCTS]
    there = np.isfinite(own)
    for said in (answers.values, labels.values):  # of a student and its labels, or of two labels
        there &= said.get(DIRECTIONS, np.ones_like(own)) != 0
    wrong, target = np.where(there, own - target, 0.0), np.where(there, target, 0.0)
    parts = {"": np.abs(wrong), "_error": wrong**2, "_square": target**2, "_components": there}
    flat = {name: value.reshape(len(value), -1) for name, value in parts.items()}
    return {f"products{name}": per_frame(value, frames) for name, value in flat.items()}


def _cosines(
    answers: np.ndarray, labels: np.ndarray, frames: Frames
) -> tuple[np.ndarray, np.ndarray]:
    """Sums over the atoms of each frame of the cosine between two forces [N,3], and how many have
    one: those whose label is more than rounding. An answer of no force has a cosine of 0. [B] each
    """
    sizes = np.linalg.norm(labels, axis=1)
    there = sizes > NOTHING / MEV
    product = sizes * np.linalg.norm(answers, axis=1)
    cosine = np.divide(
        (answers * labels).sum(axis=1), product, out=np.zeros(len(sizes)), where=product > 0
    )
    return per_frame((cosine * there)[:, None], frames), per_frame(there[:, None], frames)


#: upper ends of the ranges of sizes that errors are told apart by, atoms
SIZES = (8, 16, 32, 64, 128, 256)


def breakdown(answers: Predictions, labels: Labels, frames: Frames) -> dict[str, Any]:
    """Errors against the labels by sampling, by size (number of atoms) and by element: of forces,
    and of energies but by element, which no energy belongs to. Of charges by element, too."""
    sums = stack([_absolute(answers, labels, frames)])
    ends = np.array([*SIZES, np.inf])
    place = np.searchsorted(ends, frames.n_atoms)
    starts = np.array([1, *(end + 1 for end in SIZES)])
    ranges = [f"{a} to {b:.0f}" for a, b in zip(starts, ends, strict=True)]
    ranges[-1] = f"{starts[-1]} or more"

    def part(members: np.ndarray) -> dict[str, Any]:
        few = frames.select(members)
        own = take(sums, members)
        return {**counts(few), **errors_of(own["energy"], own["forces"], few)}

    sampling = frames.sampling.astype(str)
    return {
        "sampling": {name: part(sampling == name) for name in np.unique(sampling).tolist()},
        "size": {ranges[n]: part(place == n) for n in np.unique(place).tolist()},
        "element": dict(_by_element(answers.forces - labels.forces, frames)),
        "charges": of_charges.by_element(answers, labels, frames),
    }


def _by_element(wrong: np.ndarray, frames: Frames) -> Iterator[tuple[str, dict[str, Any]]]:
    """Mean absolute error of the force components of each element's atoms; ``wrong`` [N,3]."""
    for number in np.unique(frames.numbers).tolist():
        atoms = frames.numbers == number
        weights = np.bincount(frames.frame_of_atom, weights=atoms, minlength=len(frames))
        total = per_frame(np.abs(wrong) * atoms[:, None], frames)[None]
        forces = mean_absolute(total, 3 * weights, frames, "meV/A")
        yield (
            chemical_symbols[number],
            {**counts(frames.select(weights > 0)), "n_atoms": int(atoms.sum()), "forces": forces},
        )


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


def by_compound(training: Dataset, frames: Frames) -> Predictions:
    """The answer of one who knows the mean energy of each compound besides: what :func:`constant`
    says, and per atom what the labels of the group in training are above it on average; no forces.

    Whoever has learned nothing of how the energy of a compound changes with its shape is no better.
    """
    answers = constant(training, frames)
    names, group = np.unique(training.frames.group, return_inverse=True)
    per_atom = residual_energies(training, fit_atoms(training).energies)
    mean = np.bincount(group, weights=per_atom) / np.bincount(group)
    known = dict(zip(names.tolist(), mean.tolist(), strict=True))
    above = np.array([known.get(name, np.nan) for name in frames.group.tolist()])
    return replace(
        answers, values=answers.values | {"energy": answers.energy + above * frames.n_atoms}
    )


def _figures(sums: Sums, frames: Frames) -> Part:
    """Errors, and beside those of forces and stress how large these are that are learned."""
    found = errors_of(sums["energy"], sums["forces"], frames)
    size = MEV * float(np.sqrt(sums["square"].sum() / ((3 * frames.n_atoms).sum() or np.nan)))
    found["forces"]["size"] = entry_of(Estimate(size), "meV/A")
    square, with_forces = sums["error_square"], sums["with_forces"][0]
    components = 3 * frames.n_atoms
    found["forces"]["rmse"] = root_mean_square(square, components, frames, "meV/A", MEV)
    cosine = pool(sums["cosine"], with_forces, drawn_together(frames), signed=True)
    found["forces"]["cosine"] = cosine.entry("")
    if "products" in sums and sums["products_components"].any():
        found[PRODUCTS] = _figures_of_products(sums, frames)
    found |= of_charges.figures_of(sums, frames)
    used = np.isfinite(sums["stress"]).all(axis=0) & ~slabs(frames)
    if used.any():
        stress, square = sums["stress"][:, used], sums["stress_square"][:, used]
        kept, nine = frames.select(used), np.full(used.sum(), 9.0)
        found["stress"] = mean_absolute(stress, nine, kept, "GPa", 1 / GPa)
        rms = float(np.sqrt(square.sum() / nine.sum())) / GPa
        found["stress"]["size"] = entry_of(Estimate(rms), "GPa")
    return found


def _figures_of_products(sums: Sums, frames: Frames) -> Part:
    """Mean absolute error of Hessian-vector products, how large these are, and the root mean square
    error over that."""
    components, square = sums["products_components"][0], sums["products_square"]
    found = mean_absolute(sums["products"], components, frames, "eV/A^2", 1.0)
    found["size"] = entry_of(Estimate(float(np.sqrt(square.sum() / components.sum()))), "eV/A^2")
    error = sums["products_error"].mean(axis=0)
    relative = ratio(error, square.mean(axis=0), drawn_together(frames)).root()
    return found | {"relative": entry_of(relative, "")}


def _take(answers: Predictions, frames: Frames, index: np.ndarray) -> Predictions:
    return Predictions(values=select(answers.values, frames.rows(index)))


def as_labels(answers: Predictions, frames: Frames) -> Labels:
    """A student's answers in the form of labels, to be kept in a file."""
    empty = unlabelled(frames, answers.values)
    status = np.where(answered_frames(answers, frames), Status.GOOD, Status.NOT_FINITE)
    return replace(empty, values=answers.values, status=status.astype(np.uint8))
