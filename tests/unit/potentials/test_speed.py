"""Speeds: against a clock that goes by what the model is asked."""

import numpy as np
import pytest
from ase.build import bulk, molecule

from limbeck.frames import concatenate, from_atoms
from limbeck.potentials import speed
from limbeck.potentials.interface import Predictions
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.potentials.speed import BATCHES, measure_speeds, speed_ups


class Timed(EffectiveMedium):
    """Takes 2 s a batch and 0.1 s an atom, on a clock of its own, and answers zeros at once."""

    now = 0.0

    def evaluate(self, batch):
        self.now += 2.0 + 0.1 * batch.n_atoms.sum()
        return Predictions(np.zeros(len(batch)), 0 * batch.positions, np.zeros((len(batch), 6)))


@pytest.fixture
def timed(monkeypatch):
    potential = Timed("toy")
    monkeypatch.setattr(speed.time, "perf_counter", lambda: potential.now)
    return potential


def measure_speed(potential, frames, kind, seconds):
    """One model, in two rounds."""
    (found,) = measure_speeds([(potential, kind)], frames, rounds=2, seconds=seconds)
    return found


def copper(count):
    return from_atoms([bulk("Cu", cubic=True)] * count, groups=["Cu"] * count, source="named")


def test_atoms_per_second_are_known(timed):
    # 64 crystals of 4 atoms: 8 batches of 32 atoms, 2 of 128, 1 of 256 (of at most 512)
    found = measure_speed(timed, copper(64), kind="teacher", seconds=1000.0)
    expected = [256 / (2 * batches + 25.6) for batches in (8, 2, 1)]
    assert [row["batch_atoms"] for row in found["by_batch"]] == list(BATCHES)
    speeds = [row["atoms_per_second"] for row in found["by_batch"]]
    assert speeds == pytest.approx(expected)  # whole passes only: nothing is counted in part
    assert found["best_batch_atoms"] == 512
    assert found["atoms_per_second"] == max(speeds)
    assert (found["name"], found["kind"]) == ("toy", "teacher")


def test_the_first_call_is_not_timed(timed, monkeypatch):
    seen = set()

    def evaluate(self, batch):
        """Slow where the batch size is new, as what compiles is."""
        timed.now += 1.0 if self.batch_atoms in seen else 1000.0
        seen.add(self.batch_atoms)
        return EffectiveMedium.evaluate(self, batch)

    monkeypatch.setattr(Timed, "evaluate", evaluate)
    found = measure_speed(timed, copper(2), kind="teacher", seconds=10.0)
    assert found["atoms_per_second"] == pytest.approx(8.0)
    assert seen >= set(BATCHES)


def test_frames_that_a_model_does_not_know_are_not_counted(timed):
    lithium = from_atoms([molecule("LiF")] * 5, groups=["LiF"] * 5, source="named")
    mixed = measure_speed(timed, concatenate([lithium, copper(8)]), kind="teacher", seconds=50.0)
    alone = measure_speed(timed, copper(8), kind="teacher", seconds=50.0)
    assert mixed["atoms_per_second"] == pytest.approx(alone["atoms_per_second"])
    nothing = measure_speed(timed, lithium, kind="student", seconds=50.0)
    assert np.isnan(nothing["atoms_per_second"])
    assert (mixed["n_left_out"], nothing["n_left_out"]) == (5, 5)


class Narrow(Timed):
    """Has memory for so many atoms, and no answer for crystals of two atoms."""

    def evaluate(self, batch):
        if batch.n_atoms.sum() > 100:
            raise MemoryError("Unable to allocate")
        if (batch.n_atoms == 2).any():
            raise RuntimeError("a neighbour is missing")
        return super().evaluate(batch)


def test_a_batch_that_does_not_fit_and_a_frame_that_fails_have_no_speed(monkeypatch, caplog):
    potential = Narrow("toy")
    monkeypatch.setattr(speed.time, "perf_counter", lambda: potential.now)
    pairs = from_atoms([bulk("Cu").repeat((2, 1, 1))] * 3, groups=["Cu"] * 3, source="named")
    frames = concatenate([copper(32), pairs])
    found = measure_speed(potential, frames, kind="teacher", seconds=100.0)
    speeds = [row["atoms_per_second"] for row in found["by_batch"]]
    assert np.isfinite(speeds).tolist() == [True, False, False]
    assert (found["best_batch_atoms"], found["n_frames"], found["n_left_out"]) == (32, 32, 3)
    assert "batches of 128 atoms fail and are not timed: Unable to allocate" in caplog.text


class Disturbed(Timed):
    """Of so many atoms a second, on a clock that all share, which others slow down now and then."""

    clock = 0.0

    def __init__(self, name, speed, calls):
        super().__init__(name)
        self.speed, self.calls = speed, calls

    def evaluate(self, batch):
        answers = super().evaluate(batch)
        self.calls.append(self.about.name)
        # every fifth call of any model takes twenty times as long
        slow = 20 if len(self.calls) % 5 == 0 else 1
        Disturbed.clock += slow * len(batch.numbers) / self.speed
        return answers


def test_a_disturbed_machine_moves_neither_the_median_nor_the_order(monkeypatch):
    calls = []
    teacher, student = Disturbed("teacher", 100.0, calls), Disturbed("student", 1600.0, calls)
    monkeypatch.setattr(speed.time, "perf_counter", lambda: Disturbed.clock)
    # one batch of every size, and a pass that is longer than a round has to be
    models = [(teacher, "teacher"), (student, "student")]
    found = measure_speeds(models, copper(2), seconds=1e-6)
    assert [one["atoms_per_second"] for one in found] == pytest.approx([100.0, 1600.0])
    assert found[0]["low"] < 0.1 * found[0]["high"]  # the slow calls are told all the same
    (ratio,) = speed_ups(found)
    assert (ratio["student"], ratio["teacher"]) == ("student", "teacher")
    assert ratio["ratio"] == pytest.approx(16.0)
    assert ratio["low"] < 16.0 < ratio["high"] or ratio["low"] == ratio["high"]
    # in turn, and not one model after the other
    assert calls.index("student", len(calls) // 2) < len(calls) - 1 - calls[::-1].index("teacher")
