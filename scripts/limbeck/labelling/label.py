"""Label frames with a potential's mean over views, batch by batch.

A frame without a good answer gets a status and keeps its place. It costs no other frame its label.
One without any is asked about once more at the end, alone: what failed may have been the moment.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck import seeds
from limbeck.averaging.mean import Average, as_given, average
from limbeck.averaging.views import Views
from limbeck.check.progress import each
from limbeck.config.jobs import LabelFrames
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.gate.checks import judge, judge_forces
from limbeck.geometry import vacuum_axes
from limbeck.labelling.trained_on import was_trained_on
from limbeck.labels import Labels, meanings, put_labels, unanswered, unlabelled
from limbeck.potentials.evaluation import in_pieces
from limbeck.potentials.interface import tell_ignored
from limbeck.properties import DIPOLE_ABOUT, put
from limbeck.reasons import Status
from limbeck.selection.fair import share

if TYPE_CHECKING:
    from limbeck.labelling.store import LabelStore
    from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)

#: Consecutive batches share an entry of the label store up to so many evaluations of an atom:
#: enough that writing one (5 ms) is no cost, few enough that little is lost with a killed job.
ENTRY_EVALUATIONS = 1024
#: the same of those that answer for one frame after another, which take seconds for each
SLOW_ENTRY_EVALUATIONS = 48
#: so many frames without an answer are named
NAMED = 5


def label(
    potential: "Potential[Any]",
    frames: Frames,
    views: Views,
    *,
    max_force: float | None = None,
    asked: np.ndarray | None = None,
    trained_on: Collection[bytes] = (),
    store: "LabelStore | None" = None,
) -> Labels:
    """Label frames with the mean of a potential's answers over views.

    Args:
        max_force: eV/Angstrom; a frame with a larger force component is not good. None for no
            limit: what is far from the others of its source is told where all slices are there.
        asked: bool [B], the frames to label; all where not given.
        trained_on: ids of frames that the potential was trained on, or of first structures of such
            frames; it does not label them, nor what was made from these structures.
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
    result.status[was_trained_on(frames, trained_on)] = Status.TRAINED_ON
    todo = np.flatnonzero(result.status == Status.GOOD)
    tell_ignored(frames.select(todo), potential.about.name, potential.about.conditions)
    halved = ask(potential, frames, todo, views, result, store)
    if max_force is not None:
        judge_forces(frames, result, max_force)
    return replace(result, attrs={"halved_batches": halved})


def ask(
    potential: "Potential[Any]",
    frames: Frames,
    todo: np.ndarray,
    views: Views,
    result: Labels,
    store: "LabelStore | None" = None,
) -> int:
    """Write the labels of some of the frames, int64 [b], into those of all.

    Returns:
        How many batches did not fit into memory.

    Raises:
        DeviceLost: as :func:`label`.
    """
    halved = 0
    batches = potential.batches(frames.select(todo))
    evaluations = frames.n_atoms[todo] * views.count
    slow = potential.batch_atoms == 1  # as pyscf
    entries = each(
        _entries(batches, evaluations, SLOW_ENTRY_EVALUATIONS if slow else ENTRY_EVALUATIONS),
        f"labels of {potential.about.name}",
        "frames",
        len(todo),
        amount=lambda entry: sum(map(len, entry)),
        atoms=lambda entry: int(evaluations[np.concatenate(entry)].sum()),
    )
    for entry in entries:
        index = todo[np.concatenate(entry)]
        lengths = [len(batch) for batch in entry]
        found = _labels_of(potential, frames.select(index), lengths, views, store)
        put_labels(result, found, index)
        halved += found.attrs["halved_batches"]
    again = todo[unanswered(result.status[todo])]
    if len(again):
        log.info("%d frames have no answer and are asked about once more, alone", len(again))
    for b in again[:, None]:
        put_labels(result, _labels_of(potential, frames.select(b), [1], views, store), b)
    return halved


def require_answers(labels: Labels, names: Sequence[str] = ()) -> None:
    """Raise LimbeckError, naming frames and reasons, where frames have no answer.

    Args:
        names: what structures are called, beside their ids.
    """
    without = np.flatnonzero(unanswered(labels.status))
    if not len(without):
        return
    meaning = meanings()
    named = [
        f"{names[b] if names else ''} {labels.id[b].decode()} ({meaning[labels.status[b]]})".strip()
        for b in without[:NAMED]
    ]
    more = f" and {len(without) - NAMED} more" if len(without) > NAMED else ""
    raise LimbeckError(
        f"no answer for {len(without)} of {len(labels)} frames, which the next attempt asks about "
        f"again: {', '.join(named)}{more}"
    )


def asked_for(frames: Frames, job: LabelFrames) -> np.ndarray | None:
    """A mask of the frames to be labelled: the slice's share of the first ``n_frames``. bool [B].

    "First" is by a hash of their ids and of the label set's ``draw``, so that the frames of a
    smaller number are a part of those of a larger one, and those of another draw are others. None
    where all frames are to be labelled.
    """
    if job.label_set.n_frames is None:
        return None
    quota = share(job.label_set.n_frames, job.slice, job.slices)
    draw = job.label_set.draw
    purpose = f"label/{draw}" if draw else "label"  # as it was before there were draws
    first = seeds.first_by_hash(frames.id, purpose, quota)
    return np.isin(np.arange(len(frames)), first)


def _entries(
    batches: Iterable[np.ndarray], evaluations: np.ndarray, most: int
) -> Iterator[list[np.ndarray]]:
    """Consecutive batches of at most so many evaluations of an atom, or one larger batch."""
    entry: list[np.ndarray] = []
    filled = 0
    for batch in batches:
        size = int(evaluations[batch].sum())
        if entry and filled + size > most:
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
    there = found is not None
    labels = found if found is not None else _made(potential, frames, lengths, views)
    judge(frames, labels, potential.about.properties)
    # What is good was paid for, and is kept beside what is not: that is asked about alone. Of
    # nothing but failures nothing is kept, so that all of it is asked about again as it was.
    if store and not there and (labels.status == Status.GOOD).any():
        store.write(frames, labels, lengths)
    for part in (labels.values, labels.spreads):
        part["stress"][vacuum_axes(frames).any(axis=1)] = np.nan  # divided by the vacuum's volume
    return labels


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
                _keep(result, piece.members, piece.answer, views)
    return replace(result, attrs={"halved_batches": halved})


def _average(potential: "Potential[Any]", frames: Frames, views: Views) -> Average:
    """The mean over views of frames that make one batch."""
    # not turned by the unit matrix, which would change the last bits
    if views.as_given:
        return as_given(potential.evaluate(potential.prepare(frames)))
    return average(potential, frames, views.operations(frames), views.weights)


def _keep(result: Labels, index: np.ndarray, seen: Average, views: Views) -> None:
    rows, counts = result.rows(index), result.counts
    factor = views.spread_factor
    put(result.values, seen.mean.values, rows, counts)
    # Bessel's correction for independent views, none for a grid: see spread_factor.
    spreads = {n: np.sqrt(v * factor) for n, v in seen.variances.items()}
    put(result.spreads, spreads, rows, counts)


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
        # of an ion it is another about another point
        **({"dipole_about": DIPOLE_ABOUT} if "dipole" in about.properties else {}),
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
