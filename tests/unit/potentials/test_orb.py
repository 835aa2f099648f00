"""Orb with random weights: turned batches, what it does not respect, and orb-v2 from a file."""

import hashlib
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from orb_models.forcefield import pretrained

from answers import (
    ELEMENTS,
    FRAMES,
    KINDS_OF_TURN,
    STATISTICS,
    crystals,
    cutting_gap,
    force_slopes,
    gap,
    molecules,
    stress_of,
    stress_slopes,
    turning_gap,
)
from jobs_of import potential as section_of
from limbeck.averaging.orbit import orbit
from limbeck.config.sections.known import KINDS, SYMBOLS
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate
from limbeck.potentials import open_potential
from limbeck.potentials.models.orb import OrbPotential
from limbeck.symmetry.rotation import Rotation

# float32: forces of 0.1 eV/A come from sums of some hundred terms; rounding is seen at 2e-7. The
# energy is that of the offsets, up to 40 eV, where a rounding step is 4e-6 eV.
ENERGY, FORCES, STRESS = 1e-5, 1e-6, 1e-7


def new_orb(statistics=STATISTICS):
    torch.manual_seed(0)
    return OrbPotential.build("tiny", statistics, name="tiny", device="cpu")


@pytest.fixture(scope="module")
def orb():
    return new_orb()


@pytest.mark.parametrize("turns", KINDS_OF_TURN)
@pytest.mark.parametrize("kind", FRAMES)
def test_a_turned_batch_is_a_batch_of_turned_frames(orb, kind, turns):
    found = turning_gap(orb, FRAMES[kind](), turns)
    assert found.energy < ENERGY
    assert found.forces < FORCES
    assert found.stress < STRESS


def test_edge_vectors_alone_are_right_for_crystals_only(orb):
    q = KINDS_OF_TURN["proper"](2, np.random.default_rng(0))
    wrong = {}
    for kind in ("crystals", "molecules"):
        batch = orb.prepare(FRAMES[kind]())
        turned = orb.rotate(batch, q)
        positions = {**turned.node_features, "positions": batch.positions}
        edges_alone = orb.evaluate(turned._replace(node_features=positions))
        wrong[kind] = gap(orb.evaluate(turned), edges_alone).forces
    # The net torque is removed from isolated frames alone, and reads positions.
    assert wrong["crystals"] < FORCES
    assert wrong["molecules"] > 1e4 * FORCES


@pytest.mark.parametrize("kind", ["crystals", "molecules"])
def test_it_has_a_rotation_gap(orb, kind):
    # negative control: without it the tests above would pass for a model that answers nothing
    seen = orbit(orb, FRAMES[kind](), Rotation(), 8, "test")
    assert seen.forces.std(axis=0, ddof=1).mean() > 1e3 * FORCES
    assert seen.energy.std(axis=0, ddof=1).min() > 2 * ENERGY


def test_its_forces_and_stress_are_no_gradients(orb):
    frames = crystals()
    forces = orb.predict(frames).forces[:2]
    # central differences of its energy are good to ENERGY / step: 1e-3 eV/A, and 3e-5 eV/A^3
    assert np.abs(forces - force_slopes(orb, frames, [0, 1], 0.01)).max() > 0.01
    assert np.abs(stress_of(orb, frames) - stress_slopes(orb, frames, 0.01)).max() > 1e-3
    assert (orb.about.conservative, orb.about.equivariant) == (False, False)
    assert KINDS["orb"].equivariant is orb.about.equivariant  # the default of views rests on it


def test_net_force_and_torque_vanish(orb):
    frames = molecules()
    forces = orb.predict(frames).forces
    assert np.abs(forces).max() > 0.01
    for b in range(2):
        rows = frames.atoms_of(b)
        torque = np.cross(frames.positions[rows], forces[rows]).sum(axis=0)
        np.testing.assert_allclose(forces[rows].sum(axis=0), 0, atol=FORCES)
        # solving for the torque in float32 loses two digits more
        np.testing.assert_allclose(torque, 0, atol=100 * FORCES)
    # of a crystal only the force is removed
    crystal = crystals().select([0])
    pull = orb.predict(crystal).forces
    np.testing.assert_allclose(pull.sum(axis=0), 0, atol=10 * FORCES)
    assert np.abs(np.cross(crystal.positions, pull).sum(axis=0)).max() > 1e-3


def test_answers_do_not_depend_on_how_batches_are_cut(orb):
    frames = concatenate([molecules(), crystals(), molecules().select([1])])
    found = cutting_gap(orb, frames)
    assert found.energy < ENERGY
    assert found.forces < FORCES
    assert found.stress < STRESS
    assert len(np.unique(orb.predict(frames).energy.round(3))) == 4  # five frames, water twice


def test_a_new_student_knows_the_energies_of_its_elements():
    orb = new_orb(replace(STATISTICS, energy_std=1e-6))  # what the network adds is nothing
    frames = concatenate([molecules(), crystals()])
    # ethanol C2H6O, water H2O, Na4Cl4, Mg2O2, and 0.1 eV of every atom
    expected = [-2 * 2 - 6 - 3 + 0.9, -3 - 2 + 0.3, -4 * 4 - 4 * 6 + 0.8, -2 * 5 - 2 * 3 + 0.4]
    np.testing.assert_allclose(orb.predict(frames).energy, expected, atol=ENERGY)


def test_a_new_student_has_the_scale_of_the_set(orb):
    ten = new_orb(replace(STATISTICS, forces_rms=7.0, stress_rms=0.2))
    frames = crystals()
    np.testing.assert_allclose(
        ten.predict(frames).forces, 10 * orb.predict(frames).forces, atol=20 * FORCES
    )
    np.testing.assert_allclose(
        ten.predict(frames).stress, 10 * orb.predict(frames).stress, atol=20 * STRESS
    )


def test_charge_and_spin_of_a_frame_do_not_reach_orb(orb):
    frames = molecules()
    charged = replace(frames, charge=np.array([1, -1]), spin=np.array([1, 1]))
    assert gap(orb.predict(frames), orb.predict(charged)) == (0, 0, 0)


def test_saved_and_opened_it_says_the_same_bit_for_bit(orb, tmp_path):
    orb.save(tmp_path)
    again = open_potential({"name": "again", "model": "orb", "path": str(tmp_path)})
    for make in (crystals, molecules):
        assert gap(orb.predict(make()), again.predict(make())) == (0, 0, 0)
    assert again.about.elements == frozenset(ELEMENTS)
    assert again.about.name == "again"
    assert len(again.about.weights) == 64  # labels say what they were made with
    assert not any(p.requires_grad for p in again.module.parameters())


@pytest.fixture(scope="module")
def orb_v2_file(tmp_path_factory):
    """orb-v2 with random weights, as the real file is made: a state dictionary."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "orb-v2.ckpt"
    torch.save(pretrained.orb_v2_architecture().state_dict(), path)
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_orb_v2_from_a_file(orb_v2_file):
    settings = {"name": "v2", "model": "orb-v2", "path": str(orb_v2_file)}
    potential = open_potential(settings | {"sha256": sha256(orb_v2_file)})
    assert sum(p.numel() for p in potential.module.parameters()) > 25e6
    assert potential.about.weights == sha256(orb_v2_file)
    frames = crystals().select([0])
    answer = potential.predict(frames)
    assert answer.forces.shape == (8, 3)
    assert np.isfinite(answer.forces).all()
    assert np.isfinite(answer.stress).all()
    found = turning_gap(potential, frames, "proper")
    assert found.forces < FORCES
    seen = orbit(potential, frames, Rotation(), 4, "test")
    gap_of_forces = seen.forces.std(axis=0, ddof=1).mean()
    # random weights have no symmetry: the spread is as large as the forces themselves
    assert 0.3 < gap_of_forces / np.sqrt((answer.forces**2).mean()) < 3


def test_orb_v2_knows_the_elements_that_the_plan_is_told(orb_v2_file):
    potential = open_potential({"name": "v2", "model": "orb-v2", "path": str(orb_v2_file)})
    symbols = {SYMBOLS[z - 1] for z in potential.about.elements}
    assert symbols == section_of({"model": "orb-v2"}).known_elements


@pytest.mark.parametrize("content", [{"weights": torch.zeros(3)}, pickle.Pickler, [1, 2]])
def test_a_pickle_of_something_else_is_refused(tmp_path, content):
    path = tmp_path / "other.ckpt"
    torch.save(content, path)
    settings = {"name": "v2", "model": "orb-v2", "path": str(path), "sha256": sha256(path)}
    with pytest.raises(LimbeckError, match=re.escape(f"v2: orb-v2 did not load from {path}")):
        open_potential(settings)
