"""Dynamics with students: where it starts, who drives it, and what is cut."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

from jobs_of import sampling
from limbeck import reasons
from limbeck.config.jobs import ExploreRound
from limbeck.config.sections.messages import validated
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, derive, from_atoms
from limbeck.potentials.models.toys import EffectiveMedium
from limbeck.properties import Predictions
from limbeck.rounds.explore import COLUMNS, explore, starts
from planted import Planted

DYNAMICS = {
    "nvt_algorithm": "langevin",
    "temperature_K": 300.0,
    "thermostat_time_fs": 10.0,
    "time_total_fs": 20.0,
    "time_equilibration_fs": 0.0,
    "time_step_fs": 2.0,
    "sampling_interval_fs": 10.0,
    "supercell_radius_A": None,
    "relax_input_cell": "none",
    "batch_atoms": 256,
}


class Explosive(Planted):
    """Pushes all atoms apart, by far more than any guard lets pass."""

    def evaluate(self, batch):
        centre = np.repeat(
            np.add.reduceat(batch.positions, batch.offsets[:-1]) / batch.n_atoms[:, None],
            batch.n_atoms,
            axis=0,
        )
        away = 1e3 * (batch.positions - centre)
        return Predictions(np.zeros(len(batch)), away, np.full((len(batch), 6), np.nan))


def roots(element, count, source="solids", seed=0):
    """So many rattled crystals, each a root, with two children."""
    made = []
    for i in range(count):
        atoms = bulk(element, cubic=True)
        atoms.rattle(0.05, seed=seed + i)
        made.append(atoms)
    first = from_atoms(made, groups=[element] * count, source=source)
    parents = first.select(np.repeat(np.arange(count), 2))
    rng = np.random.default_rng(seed)
    moved = parents.positions + rng.normal(0, 0.02, parents.positions.shape)
    return concatenate([first, derive(parents, moved, parents.cell, sampling="rattled", seed=1)])


def job(**changed):
    own = {
        "seed": 1,
        "round": "emt.nep.round1",
        "pair": "emt.nep",
        "dynamics": sampling("md", DYNAMICS).model_dump(),
        "n_starts": 4,
        "n_test_starts": 2,
        "n_test_frames": 3,
        "device": "cpu",
        "threads": 1,
    }
    return validated(ExploreRound, own | changed, "settings")


def columns(explored):
    return [dict(zip(COLUMNS, row, strict=True)) for row in explored.rows]


@pytest.fixture(scope="module")
def explored():
    students = {1: EffectiveMedium(), 2: EffectiveMedium()}
    return explore(students, roots("Cu", 5), roots("Al", 3, seed=50), job())


def test_candidates_are_of_training_structures_and_the_students_tests_of_test_structures(explored):
    """The sets are known by their elements: no test structure may be among what is trained on."""
    assert set(explored.candidates.numbers.tolist()) == {29}
    assert set(explored.own.numbers.tolist()) == {13}
    training, test = roots("Cu", 5), roots("Al", 3, seed=50)
    assert set(explored.candidates.root.tolist()) <= set(training.root.tolist())
    assert not set(explored.candidates.root.tolist()) & set(test.root.tolist())
    # two frames of each trajectory, at 10 and at 20 fs; of the test structures three drawn of four
    assert (len(explored.candidates), len(explored.own)) == (8, 3)
    assert len(np.unique(explored.candidates.root)) == 4
    assert set(explored.own.sampling.tolist()) == {b"emt.nep.round1"}


def test_structures_in_both_sets_are_refused():
    both = roots("Cu", 3)
    with pytest.raises(LimbeckError, match="3 structures are of the training set and of the test"):
        explore({1: EffectiveMedium()}, both, both.select([0, 1, 2]), job())


def test_every_start_is_run_by_one_seed_and_all_seeds_run_some(explored):
    rows = columns(explored)
    own = [row for row in rows if row["part"] == "candidates"]
    assert len(own) == 4
    assert len({row["root"] for row in own}) == 4
    assert sorted(row["seed"] for row in own) == [1, 1, 2, 2]
    assert {row["cut"] for row in rows} == {""}


def test_test_structures_start_alike_in_all_rounds_and_training_structures_anew(explored):
    """Seeds of round 2 that have learned nothing new go the same way from test structures."""
    students = {1: EffectiveMedium(), 2: EffectiveMedium()}
    later = job(round="emt.nep.round2")
    again = explore(students, roots("Cu", 5), roots("Al", 3, seed=50), later)
    assert again.own.id.tolist() == explored.own.id.tolist()
    assert not set(again.candidates.id.tolist()) & set(explored.candidates.id.tolist())


def test_a_student_that_flies_apart_is_cut_and_counted():
    students = {1: Explosive(), 2: Explosive()}
    found = explore(students, roots("Cu", 4), roots("Al", 2, seed=50), job())
    assert len(found.candidates) == len(found.own) == 0
    rows = columns(found)
    assert len(rows) == 6
    assert all(row["cut"] for row in rows)
    assert {row["cut"] for row in rows} <= {reasons.TOO_FAST, reasons.TOO_HOT, reasons.TOO_NEAR}


def test_without_test_frames_that_is_said(caplog):
    found = explore({1: EffectiveMedium()}, roots("Cu", 4), roots("Al", 0), job())
    assert len(found.own) == 0
    assert len(found.candidates) == 8
    assert "no test frames of known chemistry" in caplog.text


def test_constant_pressure_needs_stress():
    class NoStress(EffectiveMedium):
        def __init__(self):
            super().__init__()
            self.about = replace(self.about, properties=("energy", "forces"))

    constant = sampling("md", DYNAMICS | {"ensemble": "NPT"}).model_dump()
    with pytest.raises(LimbeckError, match="emt predicts no stress, expected a student that does"):
        explore({1: NoStress()}, roots("Cu", 2), roots("Al", 2, seed=9), job(dynamics=constant))


def test_starts_are_one_of_each_root_in_turn_from_the_sources():
    many, few = roots("Cu", 9), roots("Al", 2, source="rare", seed=20)
    both = concatenate([many, few])
    found = starts(both, 4, seed=1)
    assert len(np.unique(found.root)) == 4
    assert sorted(found.source.tolist()) == [b"rare", b"rare", b"solids", b"solids"]
    assert len(starts(both, 100, seed=1)) == 11
    assert starts(both, 4, seed=1).id.tolist() == found.id.tolist()
    assert len({tuple(starts(both, 4, seed=n).id.tolist()) for n in range(5)}) > 1
