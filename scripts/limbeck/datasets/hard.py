"""Hard labels: those of a reference, which a student learns beside its teacher's.

The names are those of distillation (Hinton et al., arXiv:1503.02531): what the teacher says is
soft, what the reference says is hard.
"""

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from limbeck.datasets.split import Dataset
from limbeck.datasets.zeros import Zeros, fit_zeros
from limbeck.errors import LimbeckError
from limbeck.labels import Labels, labels_of

log = logging.getLogger(__name__)


def with_hard(
    training: Dataset, validation: Dataset, reference: Labels
) -> tuple[Dataset, Dataset, dict[str, Any]]:
    """Both sets with the reference's energies and forces beside their labels.

    Two methods have other zeros of energy for each element, which a student of both would have to
    average: what the reference is above the labels is fitted to the training frames that have both,
    and taken off. A frame without a good label of the reference, or with an element of which no
    zero is known, has its own label in that place: then it is learned from the teacher alone.

    Returns:
        Training set, validation set, and for ``training.json`` how many frames have a hard label.

    Raises:
        LimbeckError: no training frame has one.
    """
    both = training.select(labels_of(training.frames, reference)[0])
    if not len(both):
        raise LimbeckError(
            f"none of {len(training)} training frames has a good label of the reference, expected "
            "some: hard_share is above 0"
        )
    labels = labels_of(both.frames, reference)[1]
    zeros = fit_zeros(both.frames, both.labels.energy, labels, "training frames")
    parts = {"train": training, "valid": validation}
    found, told = {}, {}
    for name, data in parts.items():
        found[name], count = _joined(data, reference, zeros)
        told[f"{name}_frames"] = count
        log.info("%d of %d %s frames have a hard label", count, len(data), name)
    return found["train"], found["valid"], told | {"zeros": zeros.entry()}


def _joined(data: Dataset, reference: Labels, zeros: Zeros) -> tuple[Dataset, int]:
    """A set with hard labels, and how many of its frames have one."""
    known = labels_of(data.frames, reference)[0] & np.isfinite(zeros.of(data.frames))
    part = data.frames.select(known)
    labels = zeros.taken_off(part, labels_of(part, reference)[1])
    energy, forces = data.labels.energy.copy(), data.labels.forces.copy()
    energy[known] = labels.energy
    forces[known[data.frames.frame_of_atom]] = labels.forces
    return replace(data, hard={"energy": energy, "forces": forces}), int(known.sum())
