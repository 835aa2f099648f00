"""Batch plans: found by measuring, kept for good, never used for another model."""

import json
import logging
from dataclasses import replace
from multiprocessing import get_context
from unittest.mock import Mock

import numpy as np
import pytest

from limbeck.errors import LimbeckError
from limbeck.files import read_json, write_json
from limbeck.potentials import batch_plan
from limbeck.potentials.batch_plan import machine_name, measure_plan, plan_path, use_plan
from limbeck.potentials.batches import Limits
from limbeck.potentials.devices import DeviceLost
from limbeck.potentials.models.toys import LennardJones
from planted import LabField, Planted, real_frames, trajectories


class Clock:
    """A clock that runs as far as it is told."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Timed(Planted):
    """Takes a time that follows from the batch: some for each call, and more for each atom."""

    def __init__(self, clock, seconds, fails_above=10**9):
        super().__init__()
        self.clock, self.seconds, self.fails_above = clock, seconds, fails_above
        self.sizes = []

    def evaluate(self, batch):
        atoms = len(batch.numbers)
        self.sizes.append(atoms)
        if atoms > self.fails_above:
            raise RuntimeError("out of memory")
        self.clock.now += self.seconds(atoms)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(batch_plan, "_clock", lambda device: clock)
    return clock


@pytest.fixture
def quick(monkeypatch):
    """What is measured is of no matter."""
    monkeypatch.setattr(batch_plan, "_SECONDS", 1e-3)


@pytest.fixture
def frames():
    """Periodic frames of 4 to 8 atoms."""
    return trajectories(0, roots=30)


#: seconds of a batch of n atoms -> the best batch
LADDERS = [
    (lambda n: 0.1 + 1e-3 * n, 1024),  # the more the better, up to the largest that is tried
    (lambda n: 1e-3 * n, 8),  # all the same: the smallest
    (lambda n: 0.004 + 1e-3 * n, 128),  # what is within 5 % of the best
    (lambda n: 0.02 + 1e-3 * n + 1e-5 * n**2, 32),  # CHGNet's kind: sqrt(0.02 / 1e-5) = 45
]


@pytest.mark.parametrize(("seconds", "best"), LADDERS)
def test_the_best_batch_is_found(clock, frames, seconds, best):
    found = measure_plan(Timed(clock, seconds), frames)
    assert found["batch_atoms"] == best
    speeds = {row["batch_atoms"]: row["atoms_per_second"] for row in found["ladder"]}
    assert min(speeds) == 8
    assert speeds[best] >= 0.95 * max(speeds.values())
    for atoms, speed in speeds.items():
        # frames of 4 to 8 atoms do not fill a batch to the last one
        full = [n / seconds(n) for n in range(max(4, atoms - 7), atoms + 1)]
        assert min(full) * 0.999 <= speed <= max(full) * 1.001


def test_no_larger_batches_are_tried_once_they_do_not_pay(clock, frames):
    # 8, 16, and two that fall
    slow = Timed(clock, lambda n: 0.01 + 1e-3 * n + (1e-3 * n**2 if n > 16 else 0))
    assert max(row["batch_atoms"] for row in measure_plan(slow, frames)["ladder"]) == 64


def test_one_dip_is_no_reason_to_stop(clock, frames):
    """At 32 atoms something took time; from 64 on it is the best."""
    dip = Timed(clock, lambda n: 0.1 + (0.5 if 24 < n <= 32 else 0))
    found = measure_plan(dip, frames)
    speeds = {row["batch_atoms"]: row["atoms_per_second"] for row in found["ladder"]}
    assert speeds[32] < speeds[16] < speeds[64]
    assert found["batch_atoms"] == 1024


def test_a_rung_is_the_median_of_its_rounds(clock, frames, caplog):
    """The best rung is disturbed once, in the second round: it stays the best, and less sure."""
    calls = []

    def seconds(n):
        own = 24 < n <= 32
        calls.extend([n] * own)
        # one round is two passes of three batches, each of 0.06 s, until 0.1 s are over
        disturbed = 3 if own and 6 < len(calls) <= 12 else 1
        return disturbed * (0.02 + 1e-3 * n + 1e-5 * n**2)

    with caplog.at_level(logging.INFO):
        found = measure_plan(Timed(clock, seconds), frames)
    assert found["batch_atoms"] == 32  # as in LADDERS, undisturbed
    rows = {row["batch_atoms"]: row for row in found["ladder"]}
    assert rows[32]["rounds"] == 3
    assert rows[8]["rounds"] == 1  # not worth another look
    assert rows[32]["spread"] == pytest.approx(1 / 3, abs=0.01)  # from a third of it to all of it
    assert rows[64]["spread"] == pytest.approx(0, abs=1e-6)
    assert "planted: batches of 32 atoms" in caplog.text
    assert "rounds as fast were seen at 64" in caplog.text


def test_batches_that_do_not_fit_are_not_planned(clock, frames, caplog):
    with caplog.at_level(logging.WARNING):
        found = measure_plan(Timed(clock, lambda n: 1.0, fails_above=100), frames)
    assert found["batch_atoms"] == 64
    assert "batches of 128 atoms fail and are not used: out of memory" in caplog.text


def test_neighbours_are_bounded_by_what_was_timed(clock, frames):
    found = measure_plan(Timed(clock, lambda n: 0.004 + 1e-3 * n), frames)
    density = frames.n_atoms / 6.0**3
    sphere = 4 / 3 * np.pi * 5.0**3 * density
    low, high = (128 - 7) * sphere.min(), 128 * sphere.max()
    assert low <= found["batch_neighbours"] <= high


def test_where_nothing_can_be_timed_the_potentials_own_size_is_kept(clock, frames, caplog):
    potential = Timed(clock, lambda n: 1.0, fails_above=0)
    with caplog.at_level(logging.WARNING):
        found = measure_plan(potential, frames)
    assert found == {"batch_atoms": 500, "batch_neighbours": None, "ladder": []}
    assert "planted: no batch could be timed" in caplog.text


def test_a_device_that_goes_away_is_no_measurement(frames):
    class Gone(LabField):
        def evaluate(self, batch):
            raise RuntimeError("CUDA error: device-side assert triggered")

    with pytest.raises(DeviceLost):
        measure_plan(Gone(), frames)


def test_a_plan_is_measured_once_and_read_ever_after(clock, frames, tmp_path):
    def used(seconds, **options):
        potential = Timed(clock, seconds)
        use_plan(potential, frames, tmp_path, threads=1, **options)
        return potential

    first = used(LADDERS[0][0])
    assert first.batch_limits[True].atoms == 1024
    (path,) = tmp_path.rglob("*.json")
    before = path.read_bytes()
    # the second would have found something else
    again = used(LADDERS[3][0])
    assert again.batch_limits == first.batch_limits
    assert again.sizes == []
    assert path.read_bytes() == before
    content = json.loads(before)
    assert content["potential"] == "planted"
    assert content["weights"] == first.about.weights
    assert content["threads"] == 1
    # negative control: with the folder gone it is measured anew
    path.unlink()
    assert used(LADDERS[3][0]).batch_limits[True].atoms == 32


def test_periodic_and_isolated_frames_have_a_plan_each(clock, tmp_path):
    frames = real_frames()
    potential = Timed(clock, LADDERS[0][0])
    use_plan(potential, frames.select(frames.periodic), tmp_path, threads=1)
    assert list(potential.batch_limits) == [True]
    use_plan(potential, frames, tmp_path, threads=1)
    assert set(potential.batch_limits) == {True, False}
    assert len(list(tmp_path.rglob("planted-*-periodic.json"))) == 1
    assert len(list(tmp_path.rglob("planted-*-isolated.json"))) == 1
    nothing = LennardJones()
    use_plan(nothing, frames.select([]), tmp_path / "none", threads=1)
    assert nothing.batch_limits == {}
    assert not (tmp_path / "none").exists()


def test_another_model_has_another_plan(tmp_path):
    def path(potential=None, threads=1, periodic=True, **about):
        potential = potential or LennardJones()
        potential.about = replace(potential.about, **about)
        return plan_path(potential, tmp_path, periodic=periodic, threads=threads)

    others = [
        path(weights="0" * 64),
        path(dtype="float32"),
        path(threads=2),
        path(periodic=False),
        path(name="other"),
    ]
    assert path() == path()
    assert len({path(), *others}) == 6
    folder = path().parent.name
    assert folder == f"{machine_name('cpu')}-1-threads"
    assert set(folder) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


#: a damaged plan, and what is said of it
DAMAGED = {
    "batch_atoms": [
        ("x", "'x', expected a whole number"),
        (0, "0, expected at least 1"),
        (-5, "-5, expected at least 1"),
        (65537, "65537, expected at most 65536"),
        (6.5, "6.5, expected a whole number"),
        (True, "True, expected a whole number"),
    ],
    "batch_neighbours": [
        (-1, "-1, expected "),
        ("9", "'9', expected "),
    ],
    "threads": [(2, "2, expected 1")],
    "potential": [("other", "'other', expected 'planted'")],
}


@pytest.mark.parametrize(
    ("field", "value", "said"), [(f, *case) for f, cases in DAMAGED.items() for case in cases]
)
def test_a_damaged_plan_is_named_and_said_to_be_removed(
    quick, frames, tmp_path, field, value, said
):
    potential = LabField()
    use_plan(potential, frames, tmp_path, threads=1)
    path = plan_path(potential, tmp_path, periodic=True, threads=1)
    write_json(path, read_json(path) | {field: value})
    with pytest.raises(LimbeckError) as error:
        use_plan(potential, frames, tmp_path, threads=1)
    assert str(error.value).startswith(f"{path}: {field}: {said}")
    assert str(error.value).endswith("; remove it and run again")


@pytest.mark.parametrize("text", ["{}", "[1]", "{", '{"batch_atoms": 8}', "\x00" * 100])
def test_what_is_no_plan_is_named(quick, frames, tmp_path, text):
    potential = LabField()
    path = plan_path(potential, tmp_path, periodic=True, threads=1)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(LimbeckError, match="remove it and run again") as error:
        use_plan(potential, frames, tmp_path, threads=1)
    assert str(error.value).startswith(f"{path}: ")


def a_file(path):
    path.parent.parent.write_text("")


def a_file_below(path):
    path.parent.parent.mkdir()
    path.parent.write_text("")


def a_folder(path):
    path.mkdir(parents=True)


@pytest.mark.parametrize("spoil", [a_file, a_file_below, a_folder])
def test_without_a_place_for_plans_what_was_measured_is_used(
    clock, frames, tmp_path, caplog, spoil
):
    potential = Timed(clock, LADDERS[0][0])
    path = plan_path(potential, tmp_path / "plans", periodic=True, threads=1)
    spoil(path)
    with caplog.at_level(logging.WARNING):
        use_plan(potential, frames, tmp_path / "plans", threads=1)
    assert potential.batch_limits[True].atoms == 1024
    assert str(path) in caplog.text
    assert "the last bits of its answers differ" in caplog.text


def test_without_room_for_plans_what_was_measured_is_used(
    clock, frames, tmp_path, caplog, monkeypatch
):
    full = LimbeckError("plan.json: not written, since no space is left")
    monkeypatch.setattr(batch_plan, "write_json", Mock(side_effect=full))
    potential = Timed(clock, LADDERS[0][0])
    with caplog.at_level(logging.WARNING):
        use_plan(potential, frames, tmp_path, threads=1)
    assert potential.batch_limits[True].atoms == 1024
    assert "cannot be kept (plan.json: not written" in caplog.text


WRONG = {
    ("batch_atoms", 0): "0, expected at least 1",
    ("batch_atoms", -5): "-5, expected at least 1",
    ("batch_atoms", True): "True, expected a whole number",
    ("batch_atoms", 64.0): "64.0, expected a whole number",
    ("batch_atoms", 10**9): "1000000000, expected at most 65536",
    ("batch_neighbours", -1.0): "-1.0, expected more than 0",
    ("batch_neighbours", False): "False, expected a number",
    ("weights", "0" * 64): f"'{'0' * 64}', expected 'planted'",
    ("threads", 2): "2, expected 1",
}


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_plan_out_of_range_or_of_another_model_is_refused(clock, frames, tmp_path, field, value):
    potential = Timed(clock, LADDERS[0][0])
    use_plan(potential, frames, tmp_path, threads=1)
    (path,) = tmp_path.rglob("*.json")
    content = read_json(path)
    path.unlink()
    write_json(path, content | {field: value})
    with pytest.raises(LimbeckError) as error:
        use_plan(potential, frames, tmp_path, threads=1)
    expected = WRONG[field, value].replace("planted", potential.about.weights)
    assert str(error.value) == f"{path}: {field}: {expected}; remove it and run again"


def plan_of_a_process(folder, seconds, queue):
    clock = Clock()
    batch_plan._clock = lambda device: clock
    potential = Timed(clock, lambda n: seconds + 1e-3 * n)
    use_plan(potential, trajectories(0, roots=30), folder, threads=1)
    queue.put(potential.batch_limits[True])


def test_jobs_that_measure_at_the_same_time_use_one_plan(tmp_path):
    context = get_context("fork")
    queue = context.Queue()
    jobs = [
        context.Process(target=plan_of_a_process, args=(tmp_path, s, queue)) for s in (0.004, 0.1)
    ]
    for job in jobs:
        job.start()
    found = [queue.get(timeout=60) for _ in jobs]
    for job in jobs:
        job.join()
    assert found[0] == found[1]
    assert isinstance(found[0], Limits)
    assert len(list(tmp_path.rglob("*"))) == 2  # one folder, one file, nothing half written
