"""Check-points: files that come back bit for bit, and are used where they fit alone."""

import logging
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from limbeck.errors import LimbeckError
from limbeck.potentials import checkpoint
from limbeck.potentials.checkpoint import Checkpoint, packed, resumable, unpacked

TREE = {
    "a": np.array([[0.1, math.nan], [-0.0, 1e-310]]),
    "list": [1, 0.1, None, True, "text", (1, 2)],
    3: {"key": torch.tensor([1, 2], dtype=torch.int64), "scalar": torch.tensor(0.5)},
    "empty": np.zeros((0, 3)),
    "large": 2**100 + 1,  # states of numpy's generators
    "infinite": math.inf,
}


@pytest.fixture
def now(monkeypatch):
    monkeypatch.setenv(checkpoint.VARIABLE, "0")


def test_a_tree_comes_back_bit_for_bit():
    again = unpacked(packed(TREE))
    assert packed(again) == packed(TREE)
    assert again["a"].tobytes() == TREE["a"].tobytes()  # with NaN, -0 and denormal numbers
    assert list(again) == list(TREE)
    assert again["list"] == TREE["list"]
    assert isinstance(again["list"][-1], tuple)
    assert again["large"] == TREE["large"]
    assert again[3]["scalar"].shape == ()
    with pytest.raises(TypeError, match="object in a check-point, expected plain values"):
        packed({"x": object()})


def test_tensors_lie_in_memory_as_before():
    """The last bits of a product depend on it."""
    given = torch.arange(24.0).reshape(2, 3, 4)
    for tensor in (given, given.mT, given.permute(2, 0, 1)):
        again = unpacked(packed([tensor]))[0]
        assert torch.equal(again, tensor)
        assert again.stride() == tensor.stride()


def test_of_a_job_that_ended_well_nothing_is_left(now, tmp_path):
    with resumable(tmp_path / "0.h5", "recipe"):
        own = Checkpoint("md", 1)
        assert own.due
        assert own.found() is None
        own.keep(TREE)
        assert packed(own.found()) == packed(TREE)
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
    assert not own.path.exists()


START = (1, np.arange(3.0))


def killed(folder):
    """A job that ended after a check-point."""

    def job():
        with resumable(folder / "0.h5", "recipe"):
            Checkpoint("md", *START).keep(TREE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job()


def found(folder, recipe="recipe", made_of=START):
    """What the same job, or another, then finds."""
    trees = []

    def job():
        with resumable(folder / "0.h5", recipe):
            trees.append(Checkpoint("md", *made_of).found())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job()
    return trees[0]


@pytest.mark.parametrize(
    "other",
    [
        {"recipe": "of other settings"},
        {"made_of": (2, np.arange(3.0))},
        {"made_of": (1, np.array([0.0, 1.0, 2.0 + 1e-15]))},
    ],
)
def test_one_of_something_else_is_not_used(now, tmp_path, other):
    killed(tmp_path)
    assert found(tmp_path) is not None
    assert found(tmp_path, **other) is None


def test_one_of_other_code_is_not_used(now, tmp_path, monkeypatch, caplog):
    killed(tmp_path)
    monkeypatch.setattr(checkpoint, "_code", lambda: "later")
    with caplog.at_level(logging.INFO):
        assert found(tmp_path) is None
    assert "is of other settings or another version: not used, removed" in caplog.text
    monkeypatch.undo()
    assert found(tmp_path) is None, "it is removed"


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:-1] + b"x", lambda b: b""])
def test_a_damaged_one_is_moved_aside(now, tmp_path, damage, caplog):
    killed(tmp_path)
    (path,) = tmp_path.glob(".0.checkpoint/*/md-*")
    path.write_bytes(damage(path.read_bytes()))
    assert found(tmp_path) is None
    assert not path.exists()
    assert path.with_name(path.name + ".unfit").exists()
    assert "damaged" in caplog.text


def test_it_is_kept_every_few_minutes(monkeypatch, tmp_path):
    monkeypatch.delenv(checkpoint.VARIABLE, raising=False)
    seconds = [0.0]
    with resumable(tmp_path / "0.h5", "recipe"):
        own = Checkpoint("md", clock=lambda: seconds[0])
        for seconds[0], due in ((299.0, False), (300.0, True)):
            assert own.due is due
        own.keep({})
        for seconds[0], due in ((599.0, False), (601.0, True)):
            assert own.due is due
        monkeypatch.setenv(checkpoint.VARIABLE, "60")
        assert not own.due
        monkeypatch.setenv(checkpoint.VARIABLE, "often")
        with pytest.raises(LimbeckError, match="'often', expected a number of minutes"):
            _ = own.due


def test_outside_of_a_job_nothing_is_written(now, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = Checkpoint("md")
    assert not own.due
    assert own.found() is None
    own.keep(TREE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("installed", "same"),
    [(["torch 2", "snakemake 10", "limbeck 9"], True), (["torch 3", "snakemake 9"], False)],
)
def test_packages_that_compute_count(monkeypatch, installed, same):
    """Not those of Snakemake: a plug-in that is added costs nobody a day of dynamics."""

    def of(names):
        found = [
            SimpleNamespace(**dict(zip(("name", "version"), n.split(), strict=True))) for n in names
        ]
        monkeypatch.setattr(checkpoint, "distributions", lambda: found)
        return checkpoint._code.__wrapped__()

    assert (of(["torch 2", "snakemake 9"]) == of(installed)) is same
