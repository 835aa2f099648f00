"""Trainings that are killed on the way end with the same bits as those that are not."""

import numpy as np
import pytest
import torch

import killed
from jobs_of import student as student_of
from limbeck.potentials import checkpoint
from limbeck.potentials.checkpoint import packed, resumable
from limbeck.seeds import generator
from limbeck.students import architecture, batches, loop
from limbeck.students.statistics import training_statistics
from metals import SETTINGS, example


def fit(seed=0, kind="direct", **changes):
    torch.manual_seed(seed)
    data = example()
    student = architecture(kind).build("tiny", training_statistics(data), name="tiny", device="cpu")
    settings = student_of(SETTINGS | {"augment": True} | changes)
    history = loop.train(student, data, example(3, seed=9), settings, generator(seed, "test"))
    curve = [row[:1] + row[2:] for row in history.rows]  # without the seconds
    state = dict(student.module.state_dict())
    ends = [history.best_epoch, history.steps, history.ended]
    return packed([state, history.last, curve, ends])


def kill(monkeypatch, folder, after, **changes):
    """A training that is killed after so many check-points, one a step."""
    killed.kill(monkeypatch, folder / "seed1", after, lambda: fit(**changes))


# 8 crystals and 8 clusters in batches of 4: 4 steps an epoch
@pytest.mark.parametrize("budget", [{"epochs": 4}, {"steps": 17, "patience": None}])
def test_it_ends_with_the_same_bits(monkeypatch, tmp_path, budget):
    monkeypatch.setattr(batches, "ROUNDS", 5)  # of 3 or 4 steps: not at the ends of epochs
    whole = fit(**budget)
    monkeypatch.setenv(checkpoint.VARIABLE, "0")
    for after in (4, 2, 5):  # at the end of an epoch, within the next, and in the one after
        kill(monkeypatch, tmp_path, after, **budget)
    steps = []
    step = loop.Stepper._step
    monkeypatch.setattr(loop.Stepper, "_step", lambda *a: steps.append(1) or step(*a))
    with resumable(tmp_path / "seed1", "r"):
        assert fit(**budget) == whole
    assert len(steps) == (17 if "steps" in budget else 16) - 11
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("optimiser", ["adamw", "adam", "rmsprop", "muon"])
@pytest.mark.parametrize("kind", ["direct", "mace"])
def test_with_any_optimiser(monkeypatch, tmp_path, optimiser, kind):
    own = {"optimiser": optimiser, "kind": kind, "epochs": 2, "learning_rate": 0.01}
    whole = fit(**own)
    monkeypatch.setenv(checkpoint.VARIABLE, "0")
    kill(monkeypatch, tmp_path, 6, **own)
    with resumable(tmp_path / "seed1", "r"):
        assert fit(**own) == whole


@pytest.mark.parametrize("after", [7, 14])  # before patience is used up, and in the cool-down
def test_within_patience(monkeypatch, tmp_path, after):
    # a rate of nothing: patience is used up after three epochs of four steps, and one is left
    own = {"epochs": 9, "patience": 2, "learning_rate": 1e-30, "weight_decay": 0.0}
    whole = fit(**own)
    monkeypatch.setenv(checkpoint.VARIABLE, "0")
    kill(monkeypatch, tmp_path, after, **own)
    with resumable(tmp_path / "seed1", "r"):
        assert fit(**own) == whole


@pytest.mark.parametrize("other", [{"seed": 1}, {"learning_rate": 0.01}, {"kind": "mace"}])
def test_a_check_point_of_another_training_is_not_used(monkeypatch, tmp_path, other):
    whole = fit(epochs=2, **other)
    monkeypatch.setenv(checkpoint.VARIABLE, "0")
    kill(monkeypatch, tmp_path, 5, epochs=2)
    with resumable(tmp_path / "seed1", "r"):
        assert fit(epochs=2, **other) == whole
    assert whole != fit(epochs=2), "negative control: they are two trainings"


def test_the_time_before_it_was_killed_counts(monkeypatch, tmp_path):
    monkeypatch.setenv(checkpoint.VARIABLE, "0")
    clock = [0.0]
    monkeypatch.setattr("limbeck.students.checkpoint.time.monotonic", lambda: clock[0])
    step = loop.Stepper._step

    def slow(*arguments):
        clock[0] += 10
        return step(*arguments)

    monkeypatch.setattr(loop.Stepper, "_step", slow)
    kill(monkeypatch, tmp_path, 5, epochs=2)
    clock[0] += 1000  # until it is started again
    rows = []
    monkeypatch.setattr(loop, "_progress", lambda row, epochs: rows.append(row))
    with resumable(tmp_path / "seed1", "r"):
        fit(epochs=2)
    assert np.isclose([row[1] for row in rows], [80.0]).all()
