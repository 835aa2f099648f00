"""Relaxations that are killed on the way end with the same bits as those that are not."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

import killed
from killed import Killed
from limbeck.frames import from_atoms
from limbeck.potentials import checkpoint
from limbeck.potentials.batches import Limits
from limbeck.potentials.checkpoint import packed, resumable
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.preparation.fire import BatchedRelaxation
from limbeck.preparation.relaxation import relax


def structures():
    """Crystals of several sizes, more than a batch holds, and isolated clusters."""
    made = []
    for n in range(3):
        atoms = bulk(["Cu", "Al"][n % 2], cubic=True).repeat((1, 1, 1 + n % 2))
        atoms.set_cell(atoms.cell * (1 + 0.02 * n), scale_atoms=True)
        atoms.rattle(0.1, seed=n)
        made.append(atoms)
    for n in range(2):
        cluster = Atoms(
            "Cu4", 2.4 / np.sqrt(2) * np.array([[0, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]])
        )
        cluster.rattle(0.1, seed=n)
        made.append(cluster)
    return from_atoms(made, groups=["x"] * 5, source="s")


def run(how="full", **changes):
    potential = EffectiveMedium()
    potential.batch_limits = dict.fromkeys((True, False), Limits(8))
    choice = {"force_tolerance": 0.05, "steps": 15, "record": True} | changes
    done = relax(structures(), potential, how, **choice)
    paths = [[(s.energy, s.positions, s.cell) for s in path] for path in done.paths]
    return packed(
        [
            *(done.frames.positions, done.frames.cell, done.reason.tolist(), done.steps),
            *(done.force, done.energy, paths),
        ]
    )


def kill(monkeypatch, folder, after, **changes):
    killed.kill(monkeypatch, folder / "0.h5", after, lambda: run(**changes))


@pytest.mark.parametrize("how", ["full", "only_atoms"])
def test_it_ends_with_the_same_bits(monkeypatch, tmp_path, how):
    steps = []
    step = BatchedRelaxation.step
    monkeypatch.setattr(BatchedRelaxation, "step", lambda self: steps.append(1) or step(self))
    whole = run(how)
    count = len(steps)
    monkeypatch.setenv(checkpoint.VARIABLE, "0")
    for after in (5, 12, 9):  # while others wait, and when some have ended
        kill(monkeypatch, tmp_path, after, how=how)
    steps.clear()
    with resumable(tmp_path / "0.h5", "r"):
        assert run(how) == whole
    assert 0 < len(steps) < count - 20
    assert not list(tmp_path.iterdir())


def test_one_that_ended_is_not_made_again(monkeypatch, tmp_path):
    """A job that is killed later, in its dynamics say, has what it relaxed."""
    monkeypatch.setenv(checkpoint.VARIABLE, "0")
    whole = run()

    def job():
        with resumable(tmp_path / "0.h5", "r"):
            run()
            raise Killed

    with pytest.raises(Killed):
        job()
    monkeypatch.setattr(BatchedRelaxation, "step", None)
    with resumable(tmp_path / "0.h5", "r"):
        assert run() == whole


def test_a_check_point_of_another_relaxation_is_not_used(monkeypatch, tmp_path):
    whole = run(force_tolerance=0.2)
    monkeypatch.setenv(checkpoint.VARIABLE, "0")
    kill(monkeypatch, tmp_path, 9)
    with resumable(tmp_path / "0.h5", "r"):
        assert run(force_tolerance=0.2) == whole
    assert whole != run(), "negative control: they are two relaxations"
