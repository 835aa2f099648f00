"""Label frames with a potential's mean over views, batch by batch.

A frame without a good answer gets a status and keeps its place. It costs no other frame its label.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.averaging.mean import Average, as_given, average
from limbeck.averaging.views import Views
from limbeck.config.jobs import LabelFrames
from limbeck.frames import Frames, atom_rows
from limbeck.labels import Labels, put_labels, unlabelled
from limbeck.potentials.evaluation import in_pieces
from limbeck.properties import put
from limbeck.reasons import Status
from limbeck.selection.fair import share

if TYPE_CHECKING:
    from limbeck.labelling.store import LabelStore
    from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)

#: Consecutive batches share an entry of the label store up to so many evaluations of an atom:
#: enough that writing one (5 ms) is no cost, few enough that little is lost with a killed job.
ENTRY_EVALUATIONS = 1024


def label(
    potential: "Potential[Any]",
    frames: Frames,
    views: Views,
    *,
    max_force: float,
    asked: np.ndarray | None = None,
    store: "LabelStore | None" = None,
) -> Labels:
    """Label frames with the mean of a potential's answers over views.

    Args:
        max_force: eV/Angstrom; a frame with a larger force component is not good.
        asked: bool [B], the frames to label; all where not given.
        store: where finished batches are kept, and looked for first.

    Returns:
        Labels of all frames in their order; ``attrs["halved_batches"]`` counts the batches that
        did not fit into memory and were cut in two.

    Raises:
        DeviceLost: the device went away. (What else a potential raises is a frame's status.)
    """
    result = unlabelled(frames, potential.about.properties)
    result.status[potential.unknown_elements(frames)] = Status.UNKNOWN_ELEMENT
    if asked is not None:
        result.status[~asked] = Status.NOT_ASKED
    todo = np.flatnonzero(result.status == Status.GOOD)
    halved = 0
    batches = potential.batches(frames.select(todo))
    for entry in _entries(batches, frames.n_atoms[todo] * views.count):
        index = todo[np.concatenate(entry)]
        lengths = [len(batch) for batch in entry]
        found = _labels_of(potential, frames.select(index), lengths, views, store)
        put_labels(result, found, index)
        halved += found.attrs["halved_batches"]
    _judge(frames, result, max_force)
    return replace(result, attrs={"halved_batches": halved})


def asked_for(frames: Frames, job: LabelFrames) -> np.ndarray | None:
    """A mask of the frames to be labelled: the slice's share of the first ``n_frames``. bool [B].

    "First" is by a hash of their ids, so that the frames of a smaller number are a part of those
    of a larger one. None where all frames are to be labelled.
    """
    if job.label_set.n_frames is None:
        return None
    quota = share(job.label_set.n_frames, job.slice, job.slices)
    hashes = [hashlib.sha256(b"label/" + name).digest() for name in frames.id.tolist()]
    first = sorted(range(len(frames)), key=hashes.__getitem__)[:quota]
    return np.isin(np.arange(len(frames)), first)


def _entries(batches: Iterable[np.ndarray], evaluations: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Consecutive batches of at most :data:`ENTRY_EVALUATIONS`, or one larger batch."""
    entry: list[np.ndarray] = []
    filled = 0
    for batch in batches:
        size = int(evaluations[batch].sum())
        if entry and filled + size > ENTRY_EVALUATIONS:
            yield entry
            entry, filled = [], 0
        entry.append(batch)
        filled += size
    if entry:
        yield entry


def _labels_of(
    potential: "Potential[Any]",
    frames: Frames,
    lengths: list[int],
    views: Views,
    store: "LabelStore | None",
) -> Labels:
    """Labels of one entry of the store, read where they are there and made where not."""
    found = store.read(frames, lengths) if store else None
    if found is not None:
        return found
    made = _made(potential, frames, lengths, views)
    if store and not made.status.any():
        store.write(frames, made, lengths)
    return made


def _made(potential: "Potential[Any]", frames: Frames, lengths: list[int], views: Views) -> Labels:
    """Labels of some batches, one after another; a frame that fails gets a status."""
    result = unlabelled(frames, potential.about.properties)
    halved = 0
    for batch in np.split(np.arange(len(frames)), np.cumsum(lengths)[:-1]):
        for piece in in_pieces(
            potential, frames, batch, lambda i: _average(potential, frames.select(i), views)
        ):
            halved += piece.halved
            result.status[piece.members] = piece.status
            if piece.answer is not None:
                _keep(result, frames.offsets, piece.members, piece.answer, views)
    return replace(result, attrs={"halved_batches": halved})


def _average(potential: "Potential[Any]", frames: Frames, views: Views) -> Average:
    """The mean over views of frames that make one batch."""
    # not turned by the unit matrix, which would change the last bits
    if views.as_given:
        return as_given(potential.evaluate(potential.prepare(frames)))
    return average(potential, frames, views.operations(frames), views.weights)


def _keep(
    result: Labels, offsets: np.ndarray, index: np.ndarray, seen: Average, views: Views
) -> None:
    rows = atom_rows(offsets, index)
    factor = views.spread_factor
    put(result.values, seen.mean.values, index, rows)
    # Bessel's correction for independent views, none for a grid: see spread_factor.
    put(result.spreads, {n: np.sqrt(v * factor) for n, v in seen.variances.items()}, index, rows)


def _judge(frames: Frames, labels: Labels, max_force: float) -> None:
    """Set the status of frames with answers that are not finite, or too large."""
    largest = np.zeros(len(frames))
    with np.errstate(invalid="ignore"):  # NaN is passed on, and found below
        # the largest component of the force on each atom; frames without atoms keep 0
        strongest = np.abs(labels.forces).max(axis=1, initial=0.0)
        np.maximum.at(largest, frames.frame_of_atom, strongest)
    finite = np.isfinite(labels.energy) & np.isfinite(largest)
    undecided = labels.status == Status.GOOD
    labels.status[undecided & ~finite] = Status.NOT_FINITE
    labels.status[undecided & finite & (largest > max_force)] = Status.TOO_STRONG


def provenance(
    potential: "Potential[Any]", views: Views, label_set: str, threads: int
) -> dict[str, Any]:
    """Provenance of labels, for the attributes of their file."""
    about = potential.about
    return {
        "label_set": label_set,
        "potential": about.name,
        "model": about.model,
        "weights": about.weights,
        "dtype": about.dtype,
        **views.attributes(),
        "batch_plan": batch_limits(potential),
        "device": str(potential.device),
        "threads": threads,
        "licence": about.licence,
        "citation": about.citation,
    }


def batch_limits(potential: "Potential[Any]") -> dict[str, Any]:
    """Most atoms and estimated neighbours of a batch, by periodicity; None where unbounded."""
    limits = potential.limits()
    return {
        kind: {
            "atoms": limits[periodic].atoms,
            "neighbours": _bounded(limits[periodic].neighbours),
        }
        for kind, periodic in (("periodic", True), ("isolated", False))
    }


def _bounded(number: float) -> float | None:
    return number if np.isfinite(number) else None
