"""A student beside its labels on the test frames, and beside the reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from limbeck.errors import LimbeckError
from limbeck.frames import Frames, atom_rows
from limbeck.labels import Labels, select_labels
from limbeck.storage import read_frames, read_labels, read_many_labels
from limbeck.warrant.statistics import Estimate, ratio


@dataclass(frozen=True)
class Parity:
    """Labels and student on the B test frames with N atoms.

    Attributes:
        frame_source: str [B].
        energy_labels, energy_student: float [B], eV/atom, less the elements' own energies.
        atom_source: str [N].
        forces_labels, forces_student: float [N,3], eV/Angstrom.
    """

    frame_source: np.ndarray
    energy_labels: np.ndarray
    energy_student: np.ndarray
    atom_source: np.ndarray
    forces_labels: np.ndarray
    forces_student: np.ndarray


def parity(
    dataset: Path,
    predictions: Path,
    label_set: str,
    reference: str | None,
    reference_files: Sequence[Path],
) -> tuple[Parity, Estimate]:
    """Points of the parity plots, and the student's loss of accuracy.

    Args:
        dataset: folder with train.h5 and test.h5.
        predictions: the test frames with the label set "student".
        reference: label set in ``reference_files``, or None.

    Returns:
        The points, and the difference of the mean absolute force errors (student less labels)
        against the reference in meV/Angstrom with its interval by root; NaN without a reference.

    Raises:
        LimbeckError: the predictions are of other frames than the test set.
    """
    frames = read_frames(dataset / "test.h5")
    labels = read_labels(dataset / "test.h5", label_set)
    student = read_labels(predictions, "student")
    if not np.array_equal(labels.id, student.id):
        raise LimbeckError(f"{predictions}: not the frames of {dataset / 'test.h5'}, in its order")
    answered = np.flatnonzero(student.status == 0)  # not those of an element it never saw
    frames = frames.select(answered)
    labels, student = (select_labels(each, answered) for each in (labels, student))
    offsets = element_energies(dataset / "train.h5", label_set)
    own = composition(frames) @ offsets
    source = frames.source.astype(str)
    points = Parity(
        frame_source=source,
        energy_labels=(labels.energy - own) / frames.n_atoms,
        energy_student=(student.energy - own) / frames.n_atoms,
        atom_source=np.repeat(source, frames.n_atoms),
        forces_labels=labels.forces,
        forces_student=student.forces,
    )
    if reference is None:
        return points, Estimate(np.nan)
    references = read_many_labels(reference_files, reference)
    return points, loss(frames, labels.forces, student.forces, references)


def loss(frames: Frames, labels: np.ndarray, student: np.ndarray, reference: Labels) -> Estimate:
    """mean |student - reference| less mean |labels - reference| of a force component, meV/Angstrom.

    Paired: each root brings both errors into a resample, so that frames which are hard for
    both do not widen the interval.

    Args:
        frames: B test frames with N atoms.
        labels, student: float [N,3], eV/Angstrom.
        reference: labels of at least the test frames; frames without a good one are left out.
    """
    row_of = {name: b for b, name in enumerate(reference.id.tolist())}
    missing = [name for name in frames.id.tolist() if name not in row_of]
    if missing:
        raise LimbeckError(f"reference: no labels of test frame {missing[0].decode()}")
    rows = np.array([row_of[name] for name in frames.id.tolist()], dtype=np.int64)
    forces = reference.forces[atom_rows(reference.offsets, rows)]  # [N,3]
    excess = (np.abs(student - forces) - np.abs(labels - forces)).sum(axis=1)  # [N]
    sums = np.bincount(frames.frame_of_atom, weights=excess, minlength=len(frames))
    weights = np.where(reference.status[rows] == 0, 3.0 * frames.n_atoms, 0.0)
    found = ratio(np.where(weights > 0, sums, 0.0), weights, frames.root, signed=True)
    return found.times(1000.0)


def element_energies(train: Path, label_set: str) -> np.ndarray:
    """Least-squares energy of each element in the training labels, eV. float64 [256]."""
    counts = composition(read_frames(train))
    return np.linalg.lstsq(counts, read_labels(train, label_set).energy, rcond=None)[0]


def composition(frames: Frames) -> np.ndarray:
    """How many atoms of each atomic number a frame has. float64 [B,256]."""
    counts = np.zeros((len(frames), 256))
    np.add.at(counts, (frames.frame_of_atom, frames.numbers.astype(int)), 1)
    return counts
