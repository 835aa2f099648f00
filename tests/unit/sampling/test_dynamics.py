"""Batched molecular dynamics: temperatures, cuts, and the same bits twice."""

from math import sqrt

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk

from argon import ARGON, SETTINGS, crystal, frames_of, tetrahedron
from jobs_of import sampling
from limbeck import reasons
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, from_atoms
from limbeck.potentials.batches import Limits
from limbeck.potentials.models.toys import EffectiveMedium, LennardJones
from limbeck.properties import Predictions
from limbeck.sampling.dynamics import run as md
from limbeck.sampling.dynamics.record import Record


def overlapping() -> Atoms:
    """Two atoms at 0.55 of the sum of their radii: some 1,000 eV/A apart from equilibrium."""
    atoms = tetrahedron()
    atoms.positions[1] = atoms.positions[0] + [0.55 * ARGON, 0, 0]
    return atoms


def run(frames: Frames, potential=None, *, seed: int = 1, **changes) -> Record:
    settings = sampling("md", SETTINGS | changes)
    potential = potential or LennardJones()
    potential.batch_limits = dict.fromkeys((True, False), Limits(settings.batch_atoms))
    return md.run_dynamics(frames, potential, settings, seed=seed, place="test/s/0")


def near() -> LennardJones:
    """Bonds to the second shell of a crystal alone: a seventh of the pairs, and as warm."""
    return LennardJones(cutoff=(sqrt(2) + sqrt(3)) / 2 * ARGON)  # where no pair is


def sample_of(record: Record):
    return record.sample(sampling="test", seed=1)


@pytest.mark.parametrize("algorithm", ["csvr", "langevin", "nose_hoover"])
@pytest.mark.parametrize(("make", "count"), [(tetrahedron, 20), (crystal, 3)])
def test_the_mean_temperature_is_the_target(algorithm, make, count):
    n_atoms = len(make())
    record = run(
        frames_of(*(make(i) for i in range(count))),
        near(),
        nvt_algorithm=algorithm,
        time_total_fs=3500.0,
        time_equilibration_fs=500.0,  # five times the thermostat time
    )
    measured = record.averages()["temperature_K"]
    # One look at n degrees of freedom has a relative error of sqrt(2 / n). Looks are not
    # independent: kinetic energy forgets itself within the thermostat time of 100 fs, so
    # that 3,000 fs hold 3,000 / (2 x 100) = 15 independent ones.
    error = sqrt(2 / (count * (3 * n_atoms - 3) * 15))
    assert abs(measured.mean() / 100 - 1) < 4 * error
    # Negative control: 3n in place of 3n - 3 degrees of freedom would be seen for n = 4.
    if n_atoms == 4:
        assert abs(measured.mean() * 9 / 12 / 100 - 1) > 4 * error


def test_each_system_has_a_thermostat_of_its_own():
    strained = crystal()
    strained.rattle(0.08, seed=7)  # releases heat for some 200 K
    record = run(
        frames_of(strained, crystal(1), crystal(2)),
        near(),
        nvt_algorithm="nose_hoover",
        time_total_fs=3000.0,
        time_equilibration_fs=1000.0,
        max_temperature_factor=10.0,  # for the heat that is released at first
    )
    # With one chain for the batch, as in torch-sim's own function, the hot system would stay
    # hot and cool the others. 93 degrees of freedom and 2,000 / (2 x 100) = 10 independent
    # looks: the standard error is sqrt(2 / 930) = 4.6 %, four of them.
    np.testing.assert_allclose(record.averages()["temperature_K"], 100, rtol=4 * 0.046)


def test_kept_frames_are_those_after_equilibration_on_the_interval():
    record = run(frames_of(crystal(), tetrahedron()), time_equilibration_fs=40.0)
    frames = sample_of(record).frames
    times = [frames.info_of(b)["time_fs"] for b in range(len(frames))]
    assert times == [50.0, 75.0, 100.0] * 2
    assert {frames.info_of(b)["temperature_K"] for b in range(len(frames))} == {100.0}
    np.testing.assert_array_equal(frames.n_atoms, [32] * 3 + [4] * 3)  # in the order given
    np.testing.assert_array_equal(frames.parent, np.repeat(record.frames.id, 3))
    assert len(set(frames.id)) == 6


def test_periodic_frames_are_wrapped_and_keep_their_cell():
    atoms = crystal()
    atoms.set_cell(atoms.cell[:] @ [[1, 0.05, 0], [0, 1, -0.04], [0.02, 0, 1]], scale_atoms=True)
    record = run(frames_of(atoms))
    energy = LennardJones().predict(record.frames).energy
    np.testing.assert_allclose(record.energy_start, energy, rtol=1e-12)  # the cell came through
    frames = sample_of(record).frames
    fractions = frames.positions.reshape(-1, 32, 3) @ np.linalg.inv(frames.cell)
    assert fractions.min() > -1e-12  # rounding of the inverse
    assert fractions.max() < 1 + 1e-12
    np.testing.assert_array_equal(frames.cell, np.broadcast_to(atoms.cell[:], (4, 3, 3)))


@pytest.mark.parametrize("algorithm", ["csvr", "langevin", "nose_hoover"])
def test_the_same_seed_gives_the_same_bits_and_another_does_not(algorithm):
    structures = frames_of(crystal(), tetrahedron(), tetrahedron(1))
    ids = [
        sample_of(run(structures, nvt_algorithm=algorithm, seed=seed)).frames.id
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(ids[0], ids[1])
    assert not set(ids[0]) & set(ids[2])


def test_the_global_generator_is_left_as_it_was():
    before = torch.get_rng_state()
    run(frames_of(tetrahedron()))
    assert torch.equal(before, torch.get_rng_state())


def test_a_system_that_explodes_is_cut_and_the_others_go_on():
    record = run(frames_of(tetrahedron(), overlapping(), tetrahedron(1)))
    sample = sample_of(record)
    assert list(record.cut) == ["", reasons.TOO_FAST, ""]
    assert [row[3] for row in sample.rows] == [4, 0, 4]
    assert np.isfinite(sample.frames.positions).all()


def test_overlapping_atoms_are_not_run_at_all():
    record = run(frames_of(overlapping(), tetrahedron()), min_distance_ratio=0.6)
    assert list(record.cut) == [reasons.TOO_NEAR, ""]
    assert record.cut_time[0] == 0


class Spoilt(LennardJones):
    """Lennard-Jones whose answer for dimers goes wrong from a call on."""

    def __init__(self, energy: float = 0.0, force: float = 0.0) -> None:
        super().__init__()
        self.calls, self.energy, self.force = 0, energy, force

    def evaluate(self, batch):
        answer, self.calls = super().evaluate(batch), self.calls + 1
        if self.calls < 13:  # the first call is for time 0: from 60 fs on
            return answer
        bad = batch.n_atoms == 2
        energy = answer.energy + np.where(bad, self.energy, 0)
        forces = answer.forces + np.where(np.repeat(bad, batch.n_atoms), self.force, 0)[:, None]
        return Predictions(energy, forces, answer.stress)


@pytest.mark.parametrize("algorithm", ["csvr", "langevin", "nose_hoover"])
@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({"force": np.nan}, reasons.NOT_FINITE),
        ({"energy": np.nan}, reasons.NOT_FINITE),
        ({"energy": np.inf}, reasons.NOT_FINITE),
        ({"energy": 2.1}, reasons.TOO_HIGH),
        ({"force": 1e6}, reasons.TOO_FAST),
    ],
)
def test_a_trajectory_ends_at_its_last_good_frame(algorithm, spoilt, reason):
    dimer = Atoms("Ar2", [[0, 0, 0], [ARGON, 0, 0]])
    frames = frames_of(tetrahedron(), dimer, tetrahedron(1))
    record = run(frames, Spoilt(**spoilt), nvt_algorithm=algorithm)
    sample = sample_of(record)
    assert list(record.cut) == ["", reason, ""]
    assert record.cut_time[1] == 60
    assert [row[3] for row in sample.rows] == [4, 2, 4]  # frames at 25 and 50 fs of the dimer
    assert np.isfinite(sample.frames.positions).all()
    np.testing.assert_allclose(record.averages()["energy"][[0, 2]], -0.15, atol=0.05)


def test_batches_of_the_same_atoms_cut_otherwise_are_not_mixed_up():
    # torch-sim's MACE remembers how the atoms of its last call were cut into systems and looks
    # again only when their numbers differ: 4 + 4 coppers, then 8, look the same to it.
    from limbeck.potentials.models.mace import MacePotential
    from limbeck.potentials.trainable import Statistics

    torch.manual_seed(0)
    statistics = Statistics([29], np.array([-1.0]), 0.0, 1.0, 1.0, 1.0)
    potential = MacePotential.build("tiny", statistics, name="m", device="cpu")
    small, large = bulk("Cu", cubic=True), bulk("Cu", cubic=True).repeat((2, 1, 1))
    frames = frames_of(small, large, small)
    record = run(frames, potential, batch_atoms=8, time_total_fs=25.0)
    expected = potential.predict(frames).energy
    # float32 energies of order 10 eV
    np.testing.assert_allclose(record.energy_start, expected, rtol=0, atol=1e-4)


def test_what_cannot_be_run_is_said_and_the_rest_is_run():
    frames = frames_of(Atoms("Cu"), bulk("Si", cubic=True), bulk("Cu", cubic=True))
    record = run(frames, EffectiveMedium("emt"), time_total_fs=25.0)
    assert list(record.cut) == [reasons.LONE_ATOM, reasons.UNKNOWN_ELEMENT, ""]
    assert [row[3] for row in sample_of(record).rows] == [0, 0, 1]


def test_an_empty_shard_gives_an_empty_sample():
    sample = sample_of(run(from_atoms([], groups=[], source="s")))
    assert len(sample.frames) == 0
    assert sample.rows == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampling_interval_fs": 12.0}, "sampling_interval_fs: 12, expected a multiple"),
        ({"time_total_fs": 101.0}, "time_total_fs: 101, expected a multiple"),
        ({"sampling_interval_fs": 2.0}, "sampling_interval_fs: 2, expected a multiple"),
        ({"time_equilibration_fs": 101.0}, "time_equilibration_fs: 101, expected at most 100"),
        ({"sampling_interval_fs": 105.0}, "sampling_interval_fs: 105, expected at most time_total"),
        (
            {"sampling_interval_fs": 60.0, "time_equilibration_fs": 65.0},
            "time_equilibration_fs: 65, expected at most 60",
        ),
    ],
)
def test_times_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(LimbeckError, match=f"sampling.test.{message}"):
        sampling("md", SETTINGS | changes)


def test_decimal_time_steps_are_multiples():
    times = {"time_step_fs": 0.1, "sampling_interval_fs": 0.3, "time_total_fs": 0.7}
    settings = sampling("md", SETTINGS | times)
    assert [settings.time_fs(s) for s in range(8) if settings.kept(s)] == [0.3, 0.6]
