"""Symmetries: uniform views, and the way there and back."""

import numpy as np
import pytest
from ase.build import bulk, molecule
from scipy.spatial.transform import Rotation as ScipyRotation

from limbeck.averaging.orbit import draw, orbit, orbit_of, orbits
from limbeck.errors import LimbeckError
from limbeck.frames import atom_rows, from_atoms
from limbeck.geometry import turn
from limbeck.potentials.models.toys import EffectiveMedium, LennardJones
from limbeck.properties import Predictions, turned_back
from limbeck.symmetry import SYMMETRIES, symmetry_named
from limbeck.symmetry.reflection import Reflection, random_improper
from limbeck.symmetry.rotation import Rotation, haar_rotations

#: rows of a strained cell: no axis is special
SHEAR = np.array([[1.02, 0.03, 0], [0, 0.98, 0.01], [0, 0, 1.04]])


class RotationOneByOne(Rotation):
    """Rotation as a symmetry that cannot act on a prepared batch."""

    acts_on_batch = False


@pytest.fixture(scope="module")
def frames():
    """A rattled crystal, a strained one and two molecules."""
    copper = bulk("Cu", cubic=True)
    copper.rattle(0.1, seed=1)
    alloy = bulk("Au", a=4.1).repeat((2, 1, 1))
    alloy.numbers[0] = 47
    alloy.set_cell(alloy.cell @ SHEAR, scale_atoms=True)
    structures = [copper, molecule("CH3CH2OH"), alloy, molecule("NH3")]
    return from_atoms(structures, groups=["a", "b", "c", "d"], source="named")


def moments(matrices):
    """Means of R33^2, R33^4, trace and trace^2."""
    trace, corner = np.trace(matrices, axis1=1, axis2=2), matrices[:, 2, 2]
    return [(corner**2).mean(), (corner**4).mean(), trace.mean(), (trace**2).mean()]


def test_rotations_are_uniform():
    matrices = haar_rotations(40_000, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.det(matrices), 1, atol=1e-14)  # rounding
    # Moments of SO(3): a corner is uniform in [-1, 1]; the trace is the character of the vector
    # representation, of mean 0 and mean square 1. Their standard errors are below 0.007.
    np.testing.assert_allclose(moments(matrices), [1 / 3, 1 / 5, 0, 1], atol=0.03)
    # negative control: uniform Euler angles crowd at the poles
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, size=(40_000, 3))
    euler = ScipyRotation.from_euler("zyz", angles).as_matrix()
    assert abs(moments(euler)[0] - 1 / 3) > 0.1


def test_reflections_are_mirrored_half_of_the_time(frames):
    matrices = Reflection().sample(frames, 4000, np.random.default_rng(0))
    signs = np.linalg.det(matrices)
    np.testing.assert_allclose(np.abs(signs), 1, atol=1e-14)
    assert abs(signs.mean()) < 4 / np.sqrt(4000)  # four standard errors
    improper = random_improper(100, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.det(improper), -1, atol=1e-14)


@pytest.mark.parametrize("name", sorted(SYMMETRIES))
@pytest.mark.parametrize("potential", [LennardJones(), EffectiveMedium()], ids=["lj", "emt"])
def test_answers_of_a_view_come_back(frames, name, potential):
    symmetry = symmetry_named(name)
    own = potential.predict(frames)
    for b in np.flatnonzero(symmetry.suits(frames)):
        frame = frames.select([b])
        operations = symmetry.sample(frame, 3, np.random.default_rng(b))
        for g in operations:
            back = symmetry.restore(g, potential.predict(symmetry.apply(g, frame)))
            # float64: rounding of sums over some hundred pairs, of the order of 1 to 100 eV
            np.testing.assert_allclose(back.energy[0], own.energy[b], atol=1e-10)
            np.testing.assert_allclose(back.forces, own.forces[frames.atoms_of(b)], atol=1e-10)
            np.testing.assert_allclose(back.stress[0], own.stress[b], atol=1e-10)  # NaN with NaN


@pytest.mark.parametrize("name", sorted(SYMMETRIES))
def test_views_together_are_the_views_one_by_one(frames, name):
    symmetry = symmetry_named(name)
    assert symmetry.about
    for b in np.flatnonzero(symmetry.suits(frames)):
        frame = frames.select([b])
        operations = symmetry.sample(frame, 3, np.random.default_rng(b))
        together = symmetry.views(frame, operations)
        for k, g in enumerate(operations):
            alone, one = symmetry.apply(g, frame), together.select([k])
            np.testing.assert_array_equal(one.numbers, alone.numbers)
            # products of stacks and of single matrices may round differently
            np.testing.assert_allclose(one.positions, alone.positions, atol=1e-12)
            np.testing.assert_allclose(one.cell, alone.cell, atol=1e-12)
            assert one.id == alone.id == frame.id


def test_negative_control_answers_that_are_not_brought_back_differ(frames):
    frame = frames.select([0])
    potential = LennardJones()
    view = Rotation().apply(haar_rotations(1, np.random.default_rng(0))[0], frame)
    turned, own = potential.predict(view), potential.predict(frame)
    assert np.abs(turned.forces - own.forces).max() > 0.01
    assert np.abs(turned.stress - own.stress).max() > 1e-4


def test_a_quarter_turn_by_hand(frames):
    quarter = np.array([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])  # x becomes y
    frame = turn(frames.select([0]), quarter)
    own = frames.select([0])
    np.testing.assert_allclose(frame.positions[:, 1], own.positions[:, 0], atol=1e-14)
    np.testing.assert_allclose(frame.cell[0, :, 1], own.cell[0, :, 0], atol=1e-14)
    seen = Predictions(
        energy=np.array([1.5]),
        forces=np.array([[0.0, 2.0, 0.0]]),
        stress=np.array([[0.0, 5.0, 0.0, 7.0, 0.0, 0.0]]),  # yy and yz
    )
    back = Predictions(values=turned_back(seen.values, quarter, np.array([1])))
    assert back.energy == 1.5
    np.testing.assert_allclose(back.forces, [[2, 0, 0]], atol=1e-15)  # x again
    np.testing.assert_allclose(back.stress, [[5, 0, 0, 0, 7, 0]], atol=1e-15)  # xx and xz


def test_nan_of_one_frame_stays_in_its_row():
    stress = np.array([[np.nan] * 6, [1.0, 2, 3, 4, 5, 6]])
    turns = haar_rotations(2, np.random.default_rng(0))
    back = turned_back({"stress": stress}, turns, np.array([1, 1]))["stress"]
    assert np.isnan(back[0]).all()
    assert np.isfinite(back[1]).all()


def gathered(frames, parts, k):
    """Parts of an orbit put together: energies [k,B], forces [k,N,3], stress [k,B,6]."""
    energy, stress = np.empty((k, len(frames))), np.empty((k, len(frames), 6))
    forces = np.empty((k, len(frames.numbers), 3))
    for members, found, _ in parts:
        energy[:, members], stress[:, members] = found.energy, found.stress
        forces[:, atom_rows(frames.offsets, members)] = found.forces
    return energy, forces, stress


def test_turned_batch_agrees_with_turned_structures(frames, monkeypatch):
    potential = LennardJones(batch_atoms=12)  # several batches, out of order
    by_batch = orbit(potential, frames, Rotation(), 4, "test")
    monkeypatch.setattr("limbeck.averaging.orbit.CHUNK_ATOMS", 20)  # several chunks of views
    for symmetry in (Rotation(), RotationOneByOne()):
        parts = orbits(potential, frames, symmetry, 4, "test")
        found = gathered(frames, parts, 4)
        for a, b in zip(by_batch.values.values(), found, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-10)  # float64 rounding, as above
    matrices = draw(Rotation(), frames, 4, "test")
    again = orbit_of(potential, frames, Rotation(), matrices)
    assert again.values.keys() == by_batch.values.keys() == {"energy", "forces", "stress"}
    for name, value in again.values.items():
        np.testing.assert_array_equal(value, by_batch.values[name])


class Refusing(LennardJones):
    """Fails on whatever has a nitrogen atom."""

    def prepare(self, frames):
        if (frames.numbers == 7).any():
            raise RuntimeError("no nitrogen here")
        return super().prepare(frames)


@pytest.mark.parametrize("symmetry", [Rotation(), RotationOneByOne()], ids=["batch", "views"])
def test_a_frame_that_the_model_fails_on_costs_the_others_nothing(frames, symmetry):
    parts = list(orbits(Refusing(), frames, symmetry, 2, "test"))
    energy, forces, _ = gathered(frames, parts, 2)
    own = LennardJones().predict(frames)
    ill = np.array([False, False, False, True])  # ammonia
    assert np.isnan(energy[:, ill]).all()
    np.testing.assert_allclose(energy[:, ~ill], np.tile(own.energy[~ill], (2, 1)), atol=1e-10)
    assert np.isnan(forces[:, frames.atoms_of(3)]).all()


def test_views_come_from_the_id_alone(frames):
    whole = draw(Rotation(), frames, 5, "test")
    order = np.array([2, 0])
    np.testing.assert_array_equal(draw(Rotation(), frames.select(order), 5, "test"), whole[order])
    assert not np.allclose(draw(Rotation(), frames, 5, "another"), whole)
    assert not np.allclose(whole[0], whole[1])


def test_a_batch_is_prepared_once(frames, monkeypatch):
    potential = LennardJones()
    prepared = []
    prepare = LennardJones.prepare
    monkeypatch.setattr(
        LennardJones, "prepare", lambda self, f: prepared.append(len(f)) or prepare(self, f)
    )
    orbit(potential, frames, Rotation(), 10, "test")
    assert sorted(prepared) == [2, 2]  # one batch of crystals, one of molecules


def test_no_frames_have_no_answers(frames):
    none = frames.select([])
    found = orbit(LennardJones(), none, Rotation(), 3, "test")
    assert found.forces.shape[1:] == (0, 3)


def test_unknown_symmetry_is_named():
    with pytest.raises(LimbeckError, match=r"'spin' is unknown.*'reflection', 'rotation', 'space"):
        symmetry_named("spin")
