"""The data set of a round: what is added, what stays, and what may not be learned."""

from dataclasses import replace

import numpy as np
import pytest

from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import derive
from limbeck.reasons import Status
from limbeck.rounds.extend import extended, joined
from metals import labelled, metals


def children(frames, seed=0):
    rng = np.random.default_rng(seed)
    moved = frames.positions + rng.normal(0, 0.02, frames.positions.shape)
    return derive(frames, moved, frames.cell, sampling="emt.nep.round2", seed=1)


@pytest.fixture(scope="module")
def parts():
    names = ("train", "valid", "test_known", "test_new")
    return {name: labelled(metals(6 - i, seed=i)) for i, name in enumerate(names)}


def test_new_frames_are_trained_on_and_nothing_else_changes(parts):
    new = labelled(children(parts["train"].frames))
    made, judged = extended(parts, new)
    assert len(made["train"]) == 2 * len(parts["train"])
    assert made["train"].frames.id.tolist()[len(parts["train"]) :] == new.frames.id.tolist()
    assert (judged.labels.status == Status.GOOD).all()
    for name in ("valid", "test_known", "test_new"):
        assert made[name] is parts[name]


@pytest.mark.parametrize("part", ["valid", "test_known", "test_new"])
def test_frames_of_other_structures_than_those_of_training_are_refused(parts, part):
    leak = children(parts[part].frames.select([0]))
    new = joined([labelled(children(parts["train"].frames)), labelled(leak)])
    with pytest.raises(LimbeckError, match=r"1 of 13 new frames are of structures that are not"):
        extended(parts, new)


def test_bad_labels_are_left_out_and_told(parts):
    new = labelled(children(parts["train"].frames))
    status = new.labels.status.copy()
    status[1] = Status.FAILED
    forces = new.labels.forces.copy()
    forces[new.frames.atoms_of(2)] = 1e4  # eV/A, which nothing has
    labels = replace(new.labels, status=status, values={**new.labels.values, "forces": forces})
    made, judged = extended(parts, Dataset(new.frames, labels))
    assert len(made["train"]) == 2 * len(parts["train"]) - 2
    assert np.flatnonzero(judged.labels.status != Status.GOOD).tolist() == [1, 2]
    assert judged.labels.status[1] == Status.FAILED


def test_no_good_label_is_an_error(parts):
    new = labelled(children(parts["train"].frames))
    labels = replace(new.labels, status=np.full(len(new), Status.FAILED, dtype=np.uint8))
    with pytest.raises(LimbeckError, match="none of 12 new frames has a good label"):
        extended(parts, Dataset(new.frames, labels))
