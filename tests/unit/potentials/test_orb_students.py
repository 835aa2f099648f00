"""Orb's network with forces that are gradients: exact derivatives, no work round a loop, no turns.

``direct`` is the negative control of each: the same body, with forces of their own.
"""

import numpy as np
import pytest
import torch
from orb_models.forcefield.atomic_system import SystemConfig

from answers import (
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
from limbeck.averaging.orbit import orbit
from limbeck.frames import concatenate, derive
from limbeck.potentials import open_potential
from limbeck.potentials.models.orb import MAX_NEIGHBOURS, RADIUS
from limbeck.students import architecture
from limbeck.students.handover import open_student
from limbeck.symmetry.rotation import Rotation

# Of float32, as for every Orb; see test_orb.
ENERGY, FORCES, STRESS = 1e-5, 1e-6, 1e-7


def made(kind, folder=None):
    torch.manual_seed(0)
    student = architecture(kind).build("tiny", STATISTICS, name="tiny", device="cpu")
    if folder is None:
        return student
    student.save(folder)
    return open_student(folder, dtype="float64")


@pytest.fixture(scope="module")
def conservative():
    return made("direct_conservative")


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    return made("direct_conservative", tmp_path_factory.mktemp("conservative"))


@pytest.fixture(scope="module")
def direct(tmp_path_factory):
    return made("direct", tmp_path_factory.mktemp("direct"))


# A step of 1e-4, in float64: rounding is 1e-14 eV of 40 eV over the step, 1e-10 eV/A; truncation is
# step^2 / 6 times a third derivative of order 1 eV/A^3, 1e-9 eV/A.
@pytest.mark.parametrize("kind", FRAMES)
def test_forces_are_minus_the_gradient(exact, direct, kind):
    frames = FRAMES[kind]()
    rows = [0, 1, len(frames.numbers) - 1]
    forces = exact.predict(frames).forces[rows]
    np.testing.assert_allclose(forces, force_slopes(exact, frames, rows, 1e-4), atol=1e-8)
    assert np.abs(forces).max() > 1e-3
    others = direct.predict(frames).forces[rows]
    assert np.abs(others - force_slopes(direct, frames, rows, 1e-4)).max() > 1e-2


@pytest.mark.parametrize("kind", ["crystals", "left-handed"])
def test_stress_is_the_strain_derivative(exact, direct, kind):
    frames = FRAMES[kind]()
    stress = stress_of(exact, frames)
    np.testing.assert_allclose(stress, stress_slopes(exact, frames, 1e-4), atol=1e-8)
    assert np.abs(stress).max() > 1e-4
    assert np.abs(stress_of(direct, frames) - stress_slopes(direct, frames, 1e-4)).max() > 1e-4


def work_round_a_loop(potential, frames, points):
    """Work of the forces on one atom that goes round a circle of 0.1 A, eV."""
    angles = 2 * np.pi * np.arange(points) / points
    moves = 0.1 * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    steps = 2 * np.pi / points * 0.1 * np.stack([-np.sin(angles), np.cos(angles), 0 * angles], 1)
    round_it = frames.select(np.zeros(points, dtype=int))
    positions = round_it.positions.copy()
    first = round_it.offsets[:-1]
    positions[first] += moves
    there = derive(round_it, positions, round_it.cell, sampling="loop", seed=0)
    return float((potential.predict(there).forces[first] * steps).sum())


def test_no_work_is_done_round_a_loop(exact, direct):
    for make in (molecules, crystals):
        frames = make().select([0])
        # Of a smooth function round a circle, sums of equal steps converge faster than any power;
        # the forces times the length of the path are of order 1e-2 eV.
        assert abs(work_round_a_loop(exact, frames, 24)) < 1e-9
        assert abs(work_round_a_loop(direct, frames, 24)) > 1e-6


@pytest.mark.parametrize("turns", KINDS_OF_TURN)
@pytest.mark.parametrize("kind", FRAMES)
def test_a_turned_batch_is_a_batch_of_turned_frames(conservative, kind, turns):
    found = turning_gap(conservative, FRAMES[kind](), turns)
    assert found.energy < ENERGY
    assert found.forces < 2 * FORCES  # sums of gradients of some hundred edges
    assert found.stress < STRESS


@pytest.mark.parametrize("kind", ["crystals", "molecules"])
def test_it_has_a_rotation_gap(exact, kind):
    seen = orbit(exact, FRAMES[kind](), Rotation(), 8, "test")
    rms = np.sqrt((seen.forces**2).mean())
    # of random weights, in float64: an equivariant one has 1e-13 of its forces
    assert seen.forces.std(axis=0, ddof=1).mean() > 0.01 * rms
    assert seen.energy.std(axis=0, ddof=1).min() > 1e-6
    assert (exact.about.conservative, exact.about.equivariant) == (True, False)


def jump_of_energy(potential, frames, points=60, step=0.01):
    """Largest change of the energy along a line that the forces do not tell, eV."""
    line = frames.select(np.zeros(points, dtype=int))
    positions, first = line.positions.copy(), line.offsets[:-1]
    positions[first, 0] += step * np.arange(points)
    found = potential.predict(derive(line, positions, line.cell, sampling="line", seed=0))
    force = found.forces[first, 0]
    told = -step * (force[1:] + force[:-1]) / 2
    return float(np.abs(np.diff(found.energy) - told).max())


def test_the_energy_stays_where_a_neighbour_takes_the_place_of_another(exact, tmp_path):
    """Along 0.6 A in a crystal, with some hundred neighbours, and with the twenty of direct."""
    frames = crystals().select([1])
    few = made("direct_conservative", tmp_path)
    few.module._system_config = SystemConfig(radius=RADIUS, max_num_neighbors=MAX_NEIGHBOURS)
    # the trapezoidal rule is off by step^3 / 12 of a third derivative of order 1 eV/A^3: 1e-7
    assert jump_of_energy(exact, frames) < 1e-6
    assert jump_of_energy(few, frames) > 1e-4


def test_float32_and_float64_agree_and_batches_can_be_cut(conservative, exact):
    frames = concatenate([molecules(), crystals(), molecules().select([1])])
    found = gap(conservative.predict(frames), exact.predict(frames))
    assert 0 < found.forces < 10 * FORCES
    assert cutting_gap(exact, frames).forces < 1e-12  # float64 sums of 0.1 eV/A


def test_saved_and_opened_it_says_the_same_bit_for_bit(conservative, tmp_path):
    conservative.save(tmp_path)
    again = open_potential({"name": "again", "model": "orb", "path": str(tmp_path)})
    for make in (crystals, molecules):
        assert gap(conservative.predict(make()), again.predict(make())) == (0, 0, 0)
    assert again.about.conservative


@pytest.mark.parametrize("make", [crystals, molecules])
def test_a_loss_of_its_forces_reaches_every_weight_of_the_body(conservative, make):
    batch = conservative.prepare(make())
    answers = conservative.outputs(batch, training=True, stress=make is crystals)
    conservative.module.zero_grad()
    (answers.forces**2).sum().backward()
    body = conservative.module.model.parameters()
    touched = [p.grad is not None and float(p.grad.abs().max()) > 0 for p in body]
    assert np.mean(touched) > 0.9  # the last layer's edges are read by nobody
    again = conservative.outputs(batch, training=False, stress=False)
    assert not again.forces.requires_grad
    torch.testing.assert_close(again.forces, answers.forces.detach())
