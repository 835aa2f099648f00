"""What is quicker than PyXtal's own gives PyXtal's own crystals."""

import numpy as np
import pytest
from ase.build import molecule

from limbeck.structures.building.crystals import space_groups, swift

LIMITS = space_groups.Limits(volume_factor=1.5, distance_factor=1.0, attempts=10)
#: of each lattice one, hexagonal axes and centrings among them; merging into special positions
OF_ATOMS = {2: {"Al": 3}, 62: {"Al": 8, "O": 12}, 166: {"Al": 4, "O": 6}, 194: {"Cu": 4, "S": 2}}
OF_ATOMS |= {87: {"Cu": 3, "O": 5}, 225: {"Mg": 1, "O": 2}}


def made():
    """Crystals of atoms and of a molecule, each of its own seed."""
    for number, counts in OF_ATOMS.items():
        rng = np.random.default_rng(number)
        yield space_groups.crystal_of_atoms(number, counts, LIMITS, rng)
    for number in (14, 166):
        step = space_groups.molecules_held(number, (1, 12))[0]
        rng = np.random.default_rng(number)
        water = molecule("H2O")
        yield space_groups.crystal_of_molecules(number, water, step, LIMITS, rng)


def test_crystals_are_those_of_pyxtal(monkeypatch):
    ours = list(made())
    from pyxtal import operations, symmetry, tolerance, wyckoff_site

    monkeypatch.setattr(space_groups, "_group", symmetry.Group)
    monkeypatch.setattr(operations, "Tol_matrix", tolerance.Tol_matrix)
    for module in (symmetry, wyckoff_site):
        assert module.distance_matrix is not operations.distance_matrix
        monkeypatch.setattr(module, "distance_matrix", operations.distance_matrix)
    for atoms, plain in zip(ours, made(), strict=True):
        assert atoms.get_chemical_formula() == plain.get_chemical_formula()
        assert np.allclose(atoms.cell, plain.cell, atol=1e-8)  # rounding of coordinates of 10 A
        apart = atoms.get_scaled_positions() - plain.get_scaled_positions()
        assert np.abs(apart - np.round(apart)).max() < 1e-8


@pytest.mark.parametrize("number", [14, 166, 194, 227])
def test_points_move_to_where_pyxtal_moves_them(number):
    from pyxtal.symmetry import Group

    rng = np.random.default_rng(1)
    cell = rng.normal(size=(3, 3)) + 5 * np.eye(3)  # of no group's shape: it may be any
    ours, plain = swift.swift_group(number), Group(number)
    for index in range(len(plain)):
        point = rng.uniform(-1, 2, 3)
        moved = [group[index].project(point.copy(), cell) for group in (ours, plain)]
        apart = moved[0] - moved[1]
        assert np.abs(apart - np.round(apart)).max() < 1e-8  # rounding, summed over 27 cells
        inside = point % 1
        found = [g[index].search_generator_dist(inside.copy(), cell, g) for g in (ours, plain)]
        assert found[0][1] == pytest.approx(found[1][1], abs=1e-8)
        assert np.allclose(found[0][0], found[1][0], atol=1e-8)
        assert ours[index].get_dof() == plain[index].get_dof()
