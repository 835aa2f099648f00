"""The data set of a round: that of the one before, and new frames in its training set."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from limbeck.config.sections.datasets import PARTS
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate
from limbeck.gate.outliers import judged
from limbeck.labels import concatenate_labels
from limbeck.reasons import Status


def joined(parts: list[Dataset]) -> Dataset:
    """All frames of some data sets, end to end."""
    return Dataset(
        concatenate([part.frames for part in parts]),
        concatenate_labels([part.labels for part in parts]),
    )


def extended(parts: Mapping[str, Dataset], new: Dataset) -> tuple[dict[str, Dataset], Dataset]:
    """A data set with new frames to train on.

    Validation and test sets stay as they are, so that all rounds are kept and tested by the same
    frames. Labels far from all others, old and new, are not learned.

    Args:
        parts: each of :data:`PARTS`.
        new: of structures of the training set; other labels than good ones are left out.

    Returns:
        The parts, and the new frames with the status of each.

    Raises:
        LimbeckError: a new frame is of a structure that is not in the training set, or none has a
            good label.
    """
    foreign = ~np.isin(new.frames.root, parts["train"].frames.root)
    if foreign.any():
        raise LimbeckError(
            f"{foreign.sum()} of {len(new)} new frames are of structures that are not in the "
            f"training set, such as {new.frames.root[foreign][0].decode()}; expected none: a test "
            "set may have them"
        )
    whole = joined([parts["train"], new])
    status = judged(whole.frames, whole.labels).status[len(parts["train"]) :]
    new = replace(new, labels=replace(new.labels, status=status))
    good = new.select(status == Status.GOOD)
    if not len(good):
        raise LimbeckError(
            f"none of {len(new)} new frames has a good label, expected some: the dynamics of the "
            "students may end in structures that the teacher does not know"
        )
    return {**{part: parts[part] for part in PARTS}, "train": joined([parts["train"], good])}, new
