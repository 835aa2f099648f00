"""Shifts, orders, supercells and lattices: their operations by hand and by distribution."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from limbeck.frames import from_atoms
from limbeck.geometry import wrapped
from limbeck.properties import Predictions
from limbeck.symmetry import SYMMETRIES
from limbeck.symmetry.cell_choice import CellChoice, unimodular
from limbeck.symmetry.permutation import Permutation
from limbeck.symmetry.supercell import REPEATS, Repetition, Supercell
from limbeck.symmetry.translation import Translation

SKEWED = np.array([[4.0, 0, 0], [2.0, 3.5, 0], [-1.0, 1.0, 5.0]])


@pytest.fixture
def salt():
    """Three different atoms in a skewed cell, one of them outside."""
    atoms = Atoms("NaClK", [[0.1, 0.2, 0.3], [2, 2, 2], [5, 6, 7]], cell=SKEWED, pbc=True)
    return from_atoms([atoms], groups=["a"], source="named")


@pytest.fixture
def water():
    return from_atoms([molecule("H2O")], groups=["b"], source="named")


def distances(frame):
    """Sorted distances with the nearest images: what no presentation changes."""
    (atoms,) = frame.to_atoms()
    return np.sort(atoms.get_all_distances(mic=True), axis=None)


def test_which_frames_suit(salt, water):
    lonely = from_atoms([Atoms("Ar")], groups=["c"], source="named")
    of = {name: [bool(s.suits(f)[0]) for f in (salt, water, lonely)] for name, s in
          SYMMETRIES.items()}  # fmt: skip
    assert of == {
        "rotation": [True, True, True],
        "reflection": [True, True, True],
        "translation": [True, True, True],
        "permutation": [True, True, False],
        "supercell": [True, False, False],
        "cell_choice": [True, False, False],
        "space_group": [False, False, False],  # P1: nothing but itself
    }


def test_shift_of_a_crystal_is_uniform_and_wrapped(salt):
    drawn = Translation().sample(salt, 10_000, np.random.default_rng(0))
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 4 * np.sqrt(1 / 12 / 10_000)  # 4 errors
    views = Translation().views(salt, drawn[:50])
    fractional = views.positions @ np.linalg.inv(SKEWED)
    assert fractional.min() > -1e-12  # rounding at the edge
    assert fractional.max() < 1 + 1e-12
    for k in range(50):
        np.testing.assert_allclose(distances(views.select([k])), distances(salt), atol=1e-12)


def test_shift_by_hand(salt, water):
    half = np.array([[0.5, 0, 0]])
    view = Translation().views(salt, half)
    np.testing.assert_allclose(view.positions[0], [2.1, 0.2, 0.3], atol=1e-12)
    away = Translation().views(water, 80 * half).positions - water.positions
    np.testing.assert_allclose(away, np.tile([40, 0, 0], (3, 1)), atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 8])
def test_isolated_frames_are_shifted_by_1_40_and_1000_angstrom(water, k):
    drawn = Translation().sample(water, k, np.random.default_rng(0))
    lengths = np.linalg.norm(drawn, axis=1)
    np.testing.assert_allclose(lengths, ([1000, 1, 40] * 3)[:k], rtol=1e-12)
    many = Translation().sample(water, 3000, np.random.default_rng(1)) / 1000
    # every direction alike: the mean square of a component of a unit vector is 1/3, with a variance
    # of 4/45
    far = many[::3]
    np.testing.assert_allclose((far**2).mean(axis=0), 1 / 3, atol=4 * np.sqrt(4 / 45 / 1000))


def test_orders_are_uniform_and_forces_return_to_their_atoms(salt):
    orders = Permutation().sample(salt, 6000, np.random.default_rng(0))
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 6  # of three atoms
    assert np.abs(counts - 1000).max() < 4 * np.sqrt(6000 * 5 / 36)  # 4 standard deviations
    order = np.array([2, 0, 1])
    view = Permutation().apply(order, salt)
    assert view.numbers.tolist() == [19, 11, 17]  # K, Na, Cl
    seen = Predictions(np.array([1.0]), view.positions, np.zeros((1, 6)))
    np.testing.assert_array_equal(Permutation().restore(order, seen).forces, salt.positions)


def test_supercell_by_hand(salt):
    twice = Repetition((1, 2, 1), copy=1)
    view = Supercell().apply(twice, salt)
    assert view.n_atoms.tolist() == [6]
    assert view.numbers.tolist() == [11, 17, 19] * 2
    np.testing.assert_allclose(view.cell[0], SKEWED * [[1], [2], [1]])
    np.testing.assert_allclose(view.positions[3:], salt.positions + SKEWED[1])
    seen = Predictions(np.array([6.0]), np.arange(18.0).reshape(6, 3), np.ones((1, 6)))
    back = Supercell().restore(twice, seen)
    assert back.energy == 3.0
    np.testing.assert_array_equal(back.forces, np.arange(9.0, 18).reshape(3, 3))
    np.testing.assert_array_equal(back.stress, np.ones((1, 6)))


def test_supercells_and_their_copies_are_equally_likely(salt):
    drawn = Supercell().sample(salt, 8000, np.random.default_rng(0))
    counts = [sum(d.repeats == r for d in drawn) for r in REPEATS]
    assert np.abs(np.array(counts) - 2000).max() < 4 * np.sqrt(8000 * 3 / 16)
    second = sum(d.copy for d in drawn)  # half of three quarters
    assert abs(second - 3000) < 4 * np.sqrt(8000 * 3 / 8 * 5 / 8)


def test_lattices_are_the_same_and_described_otherwise(salt):
    every = unimodular()
    assert len(every) == 3480
    np.testing.assert_allclose(np.linalg.det(every), 1, atol=1e-12)
    assert (every == np.eye(3)).all(axis=(1, 2)).sum() == 1
    operations = CellChoice().sample(salt, 50, np.random.default_rng(0))
    views = CellChoice().views(salt, operations)
    for k in range(50):
        view = views.select([k])
        np.testing.assert_allclose(np.linalg.det(view.cell[0]), np.linalg.det(SKEWED), rtol=1e-12)
        there = view.cell[0] @ np.linalg.inv(SKEWED)
        np.testing.assert_allclose(there, np.rint(there), atol=1e-12)
        moved = (view.positions - salt.positions) @ np.linalg.inv(SKEWED)
        np.testing.assert_allclose(moved, np.rint(moved), atol=1e-12)  # by lattice vectors


def test_negative_control_a_wrapped_atom_of_another_lattice_moves():
    cell = bulk("Cu", cubic=True).cell.array
    stretched = cell * [[1.1], [1], [1]]
    outside = np.array([[4.0, 1.0, 1.0]])
    assert not np.allclose(wrapped(outside, cell), wrapped(outside, stretched))
