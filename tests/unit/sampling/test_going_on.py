"""Dynamics that are killed on the way end with the same bits as those that are not."""

import numpy as np
import pytest
import torch
from ase.build import bulk

import killed
from argon import SETTINGS, crystal, frames_of
from jobs_of import sampling
from limbeck.potentials import checkpoint
from limbeck.potentials.batches import Limits
from limbeck.potentials.checkpoint import packed, resumable
from limbeck.potentials.models.mace import MacePotential
from limbeck.potentials.models.toys import LennardJones
from limbeck.potentials.torch_sim import VerletListModel
from limbeck.potentials.trainable import Statistics
from limbeck.sampling.dynamics import run as md

ALL = [
    {"ensemble": "NVE"},
    *({"nvt_algorithm": name} for name in ("csvr", "langevin", "nose_hoover")),
    *(
        {"ensemble": "NPT", "npt_algorithm": name}
        for name in ("mtk_full", "mtk_isotropic", "langevin", "nose_hoover")
    ),
]


@pytest.fixture
def at_every_step(monkeypatch):
    monkeypatch.setenv(checkpoint.VARIABLE, "0")


def run(frames, potential, **changes):
    settings = sampling("md", SETTINGS | changes)
    potential.batch_limits = dict.fromkeys((True, False), Limits(settings.batch_atoms))
    return md.run_dynamics(frames, potential, settings, seed=1, place="test/s/0")


def bits(record) -> bytes:
    sample = record.sample(sampling="test", seed=1)
    frames = [sample.frames.positions, sample.frames.cell, str(sample.frames.info.tolist())]
    return packed([record.standing(), sample.rows, frames])


def kill(monkeypatch, folder, after, *args, **changes):
    """A run that is killed after so many check-points."""
    killed.kill(monkeypatch, folder / "0.h5", after, lambda: run(*args, **changes))


@pytest.mark.parametrize("changes", ALL, ids=lambda c: "-".join(c.values()))
def test_it_ends_with_the_same_bits(monkeypatch, tmp_path, at_every_step, changes):
    frames = frames_of(crystal(0), crystal(1))
    changes = changes | {"batch_atoms": 32}  # two batches of 21 looks each
    whole = bits(run(frames, LennardJones(), **changes))
    for after in (9, 21):  # in the first batch, and from there on in the second
        kill(monkeypatch, tmp_path, after, frames, LennardJones(), **changes)
    asked = []
    monkeypatch.setattr(md.Dynamics, "step", counted(md.Dynamics.step, asked))
    with resumable(tmp_path / "0.h5", "r"):
        assert bits(run(frames, LennardJones(), **changes)) == whole
    assert len(asked) == 40 - 9 - 21 + 2, "steps that were made are not made again"
    assert not list(tmp_path.iterdir())


def counted(step, made):
    def stepped(self, share):
        made.append(share)
        step(self, share)

    return stepped


def test_it_goes_on_without_the_systems_that_were_cut(monkeypatch, tmp_path, at_every_step):
    strained = crystal(0)
    strained.rattle(0.08, seed=7)  # releases heat for some 200 K
    frames = frames_of(crystal(1), strained, crystal(2))
    # 93 degrees of freedom at 100 K vary by sqrt(2 / 93) = 15 %: the others stay below 1.6 times
    changes = {"ensemble": "NPT", "npt_algorithm": "langevin", "max_temperature_factor": 1.6}
    whole = run(frames, LennardJones(), **changes)
    assert [bool(cut) for cut in whole.cut] == [False, True, False]
    assert 0 < whole.cut_time[1] < 75
    kill(monkeypatch, tmp_path, 16, frames, LennardJones(), **changes)
    with resumable(tmp_path / "0.h5", "r"):
        assert bits(run(frames, LennardJones(), **changes)) == bits(whole)


def test_a_network_goes_on_with_the_neighbours_it_had(monkeypatch, tmp_path, at_every_step):
    torch.manual_seed(0)
    statistics = Statistics([11, 17], np.full(2, -1.0), 0.0, 1.0, 1.0, 1.0)
    potential = MacePotential.build("tiny", statistics, name="m", device="cpu")
    salt = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
    salt.rattle(0.1, seed=1)
    changes = {"temperature_K": 300.0, "time_step_fs": 2.5, "max_bond_stretch": None}
    whole = bits(run(frames_of(salt), potential, **changes))
    kill(monkeypatch, tmp_path, 15, frames_of(salt), potential, **changes)
    sought = []
    renew = VerletListModel._renew
    monkeypatch.setattr(
        VerletListModel, "_renew", lambda self, state: sought.append(state) or renew(self, state)
    )
    with resumable(tmp_path / "0.h5", "r"):
        assert bits(run(frames_of(salt), potential, **changes)) == whole
    # once as the batch is made, and once for where it stood: not where it goes on
    assert torch.equal(sought[0].positions, sought[1].positions)


def test_a_check_point_of_other_structures_is_not_used(monkeypatch, tmp_path, at_every_step):
    frames = frames_of(crystal(0))
    kill(monkeypatch, tmp_path, 9, frames, LennardJones())
    moved = frames_of(crystal(3))
    whole = bits(run(moved, LennardJones()))
    with resumable(tmp_path / "0.h5", "r"):
        assert bits(run(moved, LennardJones())) == whole
