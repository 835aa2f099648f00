"""Points around molecules: how many, how far, and that no direction is special."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.data import chemical_symbols
from ase.data.vdw import vdw_radii

from limbeck.charges.surface import nearest, on_shells, radii, sphere
from limbeck.config.sections.known import NO_RADIUS, QUANTUM
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.geometry import turn
from limbeck.symmetry.rotation import haar_rotations

SHELLS = (1.4, 1.6, 1.8, 2.0)


def frames_of(*structures):
    groups = [str(n) for n in range(len(structures))]
    return from_atoms(structures, groups=groups, source="s")


def test_points_of_a_sphere_are_of_equal_areas():
    points = sphere(1000)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-12)
    # no vector and no quadrupole is left over, but for the spiral's own unevenness of 1/n
    assert np.abs(points.mean(axis=0)).max() < 2e-3
    np.testing.assert_allclose(points.T @ points / 1000, np.eye(3) / 3, atol=2e-3)


def test_an_atom_alone_has_one_point_a_square_angstrom_of_each_shell():
    frames = on_shells(frames_of(Atoms("O")), SHELLS, 1.0)
    expected = [round(4 * np.pi * (s * 1.52) ** 2) for s in SHELLS]
    assert frames.n_points.tolist() == [sum(expected)]
    away = np.linalg.norm(frames.points, axis=1)
    np.testing.assert_allclose(away, np.repeat([s * 1.52 for s in SHELLS], expected), atol=1e-12)
    assert on_shells(frames_of(Atoms("O")), SHELLS, 2.0).n_points[0] > 1.9 * sum(expected)


def test_no_point_of_a_molecule_lies_inside_its_innermost_shell():
    frames = on_shells(frames_of(molecule("CH3OH"), molecule("C6H6")), SHELLS, 1.0)
    assert (np.abs(frames.n_points - [507, 791]) < 15).all()  # seen with other orientations
    for b in range(2):
        atoms, points = frames.atoms_of(b), frames.points_of(b)
        away = np.linalg.norm(frames.points[points][:, None] - frames.positions[atoms], axis=2)
        ratio = (away / vdw_radii[frames.numbers[atoms]]).min(axis=1)
        assert set(ratio.round(6)) == set(SHELLS)


def test_points_are_the_same_wherever_a_frame_stands_and_differ_in_orientation():
    pair = frames_of(Atoms("O"), Atoms("F"))
    whole, alone = on_shells(pair, SHELLS, 1.0), on_shells(pair.select([1]), SHELLS, 1.0)
    np.testing.assert_array_equal(whole.points[whole.points_of(1)], alone.points)
    first = whole.points[0] / np.linalg.norm(whole.points[0])
    other = alone.points[0] / np.linalg.norm(alone.points[0])
    assert abs(first @ other) < 0.99


def test_crystals_and_elements_without_a_radius_get_no_points():
    frames = on_shells(frames_of(bulk("Cu"), Atoms("FeO", [[0, 0, 0], [0, 0, 1.6]])), SHELLS, 1.0)
    assert frames.n_points.tolist() == [0, 0]
    with pytest.raises(LimbeckError, match="Fe: no van der Waals radius is known"):
        radii(np.array([26, 8]))
    # what the config refuses beforehand is what has none here
    symbols = {chemical_symbols[z] for z in range(1, 37) if not np.isfinite(vdw_radii[z])}
    assert symbols == NO_RADIUS < QUANTUM


def test_the_nearest_atom_of_a_point_is_counted_in_radii():
    frames = on_shells(frames_of(Atoms("O"), molecule("H2O")), SHELLS, 1.0)
    owner = nearest(frames)
    assert set(owner[frames.points_of(0)]) == {0}
    assert set(owner[frames.points_of(1)]) == {1, 2, 3}
    turned = turn(frames, haar_rotations(2, np.random.default_rng(0)))
    np.testing.assert_array_equal(nearest(turned), owner)
