"""Preparation: relaxed, then repeated, under the ids of what was given."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from jobs_of import potential
from limbeck.config.jobs import AsksPotential
from limbeck.frames import Frames, derive, from_atoms
from limbeck.potentials.models.toys import EffectiveMedium, LennardJones
from limbeck.potentials.opening import open_planned
from limbeck.preparation.prepare import prepare
from limbeck.reasons import CHARGED, UNKNOWN_ELEMENT


@dataclass(frozen=True)
class Own:
    supercell_radius_A: float | None = 7.0
    supercell_matrix: list | None = None
    relax_input_cell: str = "full"
    relax_force_tolerance_eV_per_A: float = 0.01
    relax_steps: int = 300


def frames_of(*structures: Atoms) -> Frames:
    return from_atoms(structures, groups=["g"] * len(structures), source="s")


MIXED = frames_of(
    bulk("Cu", "fcc", 3.5), molecule("CO"), bulk("Si"), bulk("Cu", "fcc", 3.7, cubic=True)
)


def test_ids_stay_so_that_children_have_the_screened_structure_as_parent():
    ready = prepare(MIXED, EffectiveMedium(), Own()).frames
    np.testing.assert_array_equal(ready.id, MIXED.id)
    moved = ready.positions + 0.01
    children = derive(ready, moved, ready.cell, sampling="md", seed=1)
    np.testing.assert_array_equal(children.parent, MIXED.id)
    np.testing.assert_array_equal(children.root, MIXED.root)


def test_crystals_are_relaxed_then_repeated_and_what_cannot_be_is_as_it_was():
    done = prepare(MIXED, EffectiveMedium(), Own())
    assert done.reason.tolist() == ["", "", UNKNOWN_ELEMENT, ""]
    assert done.frames.n_atoms.tolist() == [27, 2, 2, 32]
    # the relaxed edge, 3.59 A, not the one that was given: 3 x 3.59 / sqrt(2) = 7.6
    edge = np.linalg.norm(done.frames.cell[0], axis=1)
    np.testing.assert_allclose(edge, 3 * 3.59 / np.sqrt(2), atol=0.01)
    assert done.frames.info_of(0)["supercell"] == np.diag([3, 3, 3]).tolist()
    for b in (1, 2):
        assert "supercell" not in done.frames.info_of(b)
    np.testing.assert_array_equal(
        done.frames.positions[done.frames.atoms_of(2)], MIXED.positions[MIXED.atoms_of(2)]
    )
    assert done.relaxed.frames.n_atoms.tolist() == MIXED.n_atoms.tolist()


def test_energy_and_forces_of_a_supercell_are_those_of_the_cell():
    argon = bulk("Ar", "fcc", 3.1, cubic=True)
    argon.rattle(0.05, seed=1)
    start, potential = frames_of(argon), LennardJones()
    ready = prepare(start, potential, Own(relax_input_cell="none")).frames
    copies = int(ready.n_atoms[0]) // 4
    assert copies > 1
    one, many = potential.predict(start), potential.predict(ready)
    np.testing.assert_allclose(many.energy, copies * one.energy, rtol=1e-12)  # rounding
    np.testing.assert_allclose(many.forces, np.tile(one.forces, (copies, 1)), atol=1e-12)
    np.testing.assert_allclose(many.stress, one.stress, atol=1e-12)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [([1, 2, 3], np.diag([1, 2, 3])), ([[1, 1, 0], [-1, 1, 0], [0, 0, 2]], None)],
    ids=["diagonal", "full"],
)
def test_a_matrix_overrides_the_radius(entries, expected):
    own = Own(supercell_matrix=entries, relax_input_cell="none")
    start = MIXED.select([0])
    ready = prepare(start, EffectiveMedium(), own).frames
    matrix = np.array(entries) if expected is None else expected
    np.testing.assert_allclose(ready.cell[0], matrix @ start.cell[0], atol=1e-12)
    assert ready.n_atoms[0] == round(np.linalg.det(matrix))


def test_null_leaves_the_cell_as_it_is():
    own = Own(supercell_radius_A=None, relax_input_cell="none")
    ready = prepare(MIXED, EffectiveMedium(), own).frames
    np.testing.assert_array_equal(ready.cell, MIXED.cell)
    assert "supercell" not in ready.info_of(0)


def test_a_cell_that_bears_a_charge_or_a_spin_is_not_repeated():
    crystals = frames_of(bulk("Cu", "fcc", 3.6), bulk("Cu", "fcc", 3.61))
    own = Own(relax_input_cell="none")
    for changes in ({"charge": [1, 0]}, {"spin": [1, 0]}):
        done = prepare(replace(crystals, **changes), EffectiveMedium(), own)
        assert done.reason.tolist() == [CHARGED, ""]
    narrow = replace(own, supercell_radius_A=2.0)  # wide enough already
    done = prepare(replace(crystals, charge=[1, 0]), EffectiveMedium(), narrow)
    assert done.reason.tolist() == ["", ""]


def test_no_frames_give_nothing():
    none = from_atoms([], groups=[], source="s")
    assert len(prepare(none, EffectiveMedium(), Own()).frames) == 0


def test_the_batch_plan_is_used_where_nothing_was_said(tmp_path):
    frames = frames_of(*[bulk("Ar", "fcc", 3.0 + 0.01 * i) for i in range(3)])
    toy = potential({"model": "lj"})
    job = AsksPotential(potential=toy, device="cpu", threads=1, batch_plans=str(tmp_path))
    planned = open_planned(job, frames)
    assert planned.batch_limits is not None
    assert list(tmp_path.rglob("*.json"))
    without = job.model_copy(update={"batch_plans": None})
    assert open_planned(without, frames).batch_limits is None
    bounded = job.model_copy(update={"potential": potential({"model": "lj", "batch_atoms": 8})})
    assert open_planned(bounded, frames).batch_limits is None
