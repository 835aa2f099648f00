"""The error that depends on how a frame is turned: no mean over rotations, and the dial's size."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from scipy.integrate import lebedev_rule
from scipy.spatial.transform import Rotation as Turn

from limbeck.averaging.orbit import orbit_of
from limbeck.frames import from_atoms
from limbeck.geometry import turn
from limbeck.potentials import open_potential
from limbeck.potentials.models import lab_frame
from limbeck.potentials.models.lab_frame import LabFrameError
from limbeck.potentials.models.toys import LennardJones
from limbeck.structures.sources.clusters import compact
from limbeck.symmetry.rotation import Rotation, haar_rotations

#: Of the field squared: twice its largest degree. Exact means need no more.
DEGREE = 13


def clusters(count=4):
    rng = np.random.default_rng(0)
    found = [compact("Cu", 5 + 3 * n, rng) for n in range(count)]
    atoms = [Atoms(["Cu"] * len(p), p + rng.normal(0, 0.1, p.shape)) for p in found]
    return from_atoms(atoms, groups=["g"] * count, source="clusters")


def grid():
    """Rotations and weights whose mean is exact up to :data:`DEGREE`: as the product grid."""
    (x, y, z), weights = lebedev_rule(DEGREE)
    gamma = 2 * np.pi * np.arange(DEGREE + 1) / (DEGREE + 1)
    points = np.stack([np.arctan2(y, x), np.arccos(np.clip(z, -1, 1))], axis=1)
    outer = Turn.from_euler("ZY", points).as_matrix()
    inner = Turn.from_euler("Z", gamma[:, None]).as_matrix()
    matrices = (outer[:, None] @ inner[None]).reshape(-1, 3, 3)
    return matrices, np.repeat(weights / weights.sum() / len(gamma), len(gamma))


def answers_over_rotations(potential, frames):
    """Forces brought back, [K,N,3], and the weights of the rotations."""
    matrices, weights = grid()
    found = orbit_of(potential, frames, Rotation(), np.repeat(matrices[None], len(frames), axis=0))
    return found.forces, weights


@pytest.mark.parametrize("error", [0.1, 0.3, 1.0, 3.0])
def test_the_mean_over_rotations_is_the_toy_and_the_size_is_the_dial(error):
    frames = clusters()
    truth = LennardJones().predict(frames).forces
    found, weights = answers_over_rotations(LabFrameError(LennardJones(), error), frames)
    mean = np.einsum("k,kni->ni", weights, found)
    np.testing.assert_allclose(mean, truth, atol=1e-11)  # rounding of thousands of sums
    squares = np.einsum("k,kni->ni", weights, (found - truth) ** 2)
    for b in range(len(frames)):
        rows = frames.atoms_of(b)
        size = np.sqrt(squares[rows].mean() / (truth[rows] ** 2).mean())
        assert size == pytest.approx(error, rel=1e-9)  # frame by frame


def test_a_field_that_turns_like_a_vector_would_have_a_mean(monkeypatch):
    """Negative control: with l = 1 the mean is another force, and the grid sees it."""
    monkeypatch.setattr(lab_frame, "DEGREES", range(1, 3))
    frames = clusters()
    truth = LennardJones().predict(frames).forces
    found, weights = answers_over_rotations(LabFrameError(LennardJones(), 1.0), frames)
    away = np.einsum("k,kni->ni", weights, found) - truth
    assert np.sqrt((away**2).mean() / (truth**2).mean()) > 0.05


def test_a_turned_batch_is_the_batch_of_turned_frames():
    frames = clusters()
    potential = LabFrameError(LennardJones(), 1.0)
    matrices = haar_rotations(len(frames), np.random.default_rng(1))
    rotated = potential.evaluate(potential.rotate(potential.prepare(frames), matrices))
    again = potential.evaluate(potential.prepare(turn(frames, matrices)))
    np.testing.assert_allclose(rotated.forces, again.forces, atol=1e-10)
    own = potential.predict(frames)
    assert np.abs(own.forces - LennardJones().predict(frames).forces).max() > 0.1
    np.testing.assert_array_equal(own.energy, LennardJones().predict(frames).energy)


def test_it_is_a_smooth_function_of_the_surroundings():
    """No neighbour comes or goes with a jump: half the step, half the change."""
    frames = clusters(1)
    potential = LabFrameError(LennardJones(), 1.0)
    atoms = frames.to_atoms()[0]
    step = np.random.default_rng(2).normal(0, 1e-4, (len(atoms), 3))
    changes = []
    for share in (1.0, 0.5):
        moved = Atoms(atoms.symbols, atoms.positions + share * step)
        other = from_atoms([moved], groups=["g"], source="clusters")
        changes.append(potential.predict(other).forces - potential.predict(frames).forces)
    np.testing.assert_allclose(changes[1], changes[0] / 2, atol=1e-2 * np.abs(changes[0]).max())


def test_a_lone_atom_has_no_error_and_crystals_have_one():
    lone, crystal = Atoms("Cu"), bulk("Cu", cubic=True)
    crystal.rattle(0.1, seed=0)
    potential = LabFrameError(LennardJones(), 1.0)
    alone, solid = (from_atoms([a], groups=["g"], source="s") for a in (lone, crystal))
    assert potential.predict(alone).forces.tolist() == [[0.0, 0.0, 0.0]]
    moved = potential.predict(solid).forces - LennardJones().predict(solid).forces
    assert np.isfinite(moved).all()
    assert np.abs(moved).max() > 0


def test_the_config_opens_it_and_says_what_it_is():
    plain = open_potential({"name": "emt", "model": "emt"})
    wrong = open_potential({"name": "emt-30", "model": "emt", "lab_frame_error": 0.3})
    assert plain.about.equivariant
    assert not wrong.about.equivariant
    assert not wrong.about.conservative
    assert wrong.about.name == "emt-30"
    assert wrong.about.weights != plain.about.weights
