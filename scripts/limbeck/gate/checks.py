"""What the label of one frame can be: statuses that need no other frame."""

from collections.abc import Collection

import numpy as np

from limbeck.frames import Frames
from limbeck.geometry import vacuum_axes
from limbeck.labels import Labels, status_of
from limbeck.properties import Property, property_of
from limbeck.reasons import Fault, Status


def judge(frames: Frames, labels: Labels, predicted: Collection[str]) -> None:
    """Set the status of good labels that are not finite where they have to be, or too large.

    A property has to be finite in the frames that its row of the table names, and wherever some of
    its numbers in a frame are. Of several faults the first in the table's order is told.

    Args:
        frames: B frames; labels: of these, in their order.
        predicted: properties that the potential predicts.
    """
    for name, values in labels.values.items():
        of, open_ = property_of(name), labels.status == Status.GOOD
        size = sizes(of, values, frames)
        spread = np.full(len(frames), np.nan)  # of one view there is none
        if name in labels.spreads:  # files from before all properties had one
            spread = sizes(of, labels.spreads[name], frames)
        lacks = _lacking(of, values, frames)
        if name in predicted:
            lacks &= ~_has_to_have(of, frames)
        bad = open_ & (~(np.isfinite(size) | lacks) | np.isinf(spread))
        labels.status[bad] = status_of(name, Fault.NOT_FINITE)
        large = open_ & ~bad & (np.fmax(size, spread) > of.largest)
        labels.status[large] = status_of(name, Fault.IMPOSSIBLE)


def judge_forces(frames: Frames, labels: Labels, max_force: float) -> None:
    """Set the status of good labels with a force component beyond ``max_force``, eV/Angstrom.

    What is far from all others needs the others, see :mod:`limbeck.gate.outliers`.
    """
    size = sizes(property_of("forces"), labels.forces, frames)
    labels.status[(labels.status == Status.GOOD) & (size > max_force)] = Status.TOO_STRONG


def sizes(of: Property, values: np.ndarray, frames: Frames) -> np.ndarray:
    """The largest component in each frame, NaN where one is NaN. float64 [B].

    That of an extensive property is divided by the number of atoms.
    """
    found = np.abs(values).max(axis=_components(values), initial=0.0)
    if of.per != "frame":
        each, found = found, np.zeros(len(frames))  # frames without atoms or points keep 0
        with np.errstate(invalid="ignore"):  # NaN is passed on
            np.maximum.at(found, frames.frame_of(of.per), each)
    return found / np.maximum(frames.n_atoms, 1) if of.extensive else found


def _components(values: np.ndarray) -> tuple[int, ...]:
    """The axes of an array beside that of frames, atoms or points; none of an array of numbers."""
    return tuple(range(1, values.ndim))


def _lacking(of: Property, values: np.ndarray, frames: Frames) -> np.ndarray:
    """Which frames have no number of a property. bool [B]."""
    nothing = np.isnan(values).all(axis=_components(values))
    if of.per == "frame":
        return nothing
    return np.bincount(frames.frame_of(of.per), weights=~nothing, minlength=len(frames)) == 0


def _has_to_have(of: Property, frames: Frames) -> np.ndarray:
    """Which frames have the property wherever a potential predicts it. bool [B]."""
    every = np.ones(len(frames), dtype=bool)
    # The stress of a slab or wire is taken off: it is one of the vacuum as well.
    crystals = frames.periodic & ~vacuum_axes(frames).any(axis=1)
    kinds = {"all": every, "periodic": crystals, "isolated": ~frames.periodic}
    return kinds.get(of.found_in, ~every)
