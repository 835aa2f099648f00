"""Molecules of crystals: how many, of what, whole, and what is none."""

import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, graphene, molecule
from ase.geometry import get_distances
from ase.neighborlist import neighbor_list

from limbeck.molecules.bonds import BOND_FACTOR, find_bonds
from limbeck.molecules.detection import NotMolecular, detect_molecules
from molecular_crystals import benzene, catenane, ice, shared_crystal, skewed, urea

CRYSTALS = [(urea, 2, "CH4N2O"), (benzene, 4, "C6H6"), (ice, 8, "H2O"), (catenane, 2, "C18")]


def bonds_of(atoms):
    return find_bonds(atoms.numbers, atoms.positions, np.asarray(atoms.cell), bool(atoms.pbc.all()))


@pytest.mark.parametrize(("make", "count", "formula"), CRYSTALS)
def test_molecules_of_known_structures(make, count, formula):
    found = detect_molecules(make())
    assert len(found) == count
    assert found.graph.formulas == [formula] * count
    assert sorted(np.concatenate([m.indices for m in found]).tolist()) == list(range(len(make())))


@pytest.mark.parametrize(("name", "count"), [("urea", 2), ("CO2", 4), ("ammonia", 4)])
def test_molecules_of_the_x23_crystals(shared, name, count):
    assert len(detect_molecules(shared_crystal(shared, name))) == count


@pytest.mark.parametrize("make", [urea, benzene, ice])
def test_a_leaning_cell_has_the_same_molecules(make):
    straight, leaning = detect_molecules(make()), detect_molecules(skewed(make()))
    # the order of atoms is kept, so is what belongs together
    assert np.array_equal(straight.graph.molecule, leaning.graph.molecule)
    for one, other in zip(straight, leaning, strict=True):
        # rounding: the coordinates were divided by another cell and multiplied again
        np.testing.assert_allclose(inner_distances(one), inner_distances(other), atol=1e-9)


def inner_distances(one):
    return np.linalg.norm(one.positions[:, None] - one.positions, axis=-1)


@pytest.mark.parametrize("make", [urea, benzene, ice])
def test_every_molecule_is_whole(make):
    """However an image is chosen for each atom, bonds of unwrapped molecules are short."""
    atoms = make() * (2, 1, 1)
    rng = np.random.default_rng(0)
    atoms.positions += rng.integers(-2, 3, (len(atoms), 3)) @ np.asarray(atoms.cell)
    found = detect_molecules(atoms)
    bonds = found.graph.bonds
    length = np.linalg.norm(found.positions[bonds.second] - found.positions[bonds.first], axis=1)
    assert length.max() < 1.5  # the longest bond, C-C of benzene, is 1.4
    # negative control: the atoms as they were given are far apart
    given = np.linalg.norm(atoms.positions[bonds.second] - atoms.positions[bonds.first], axis=1)
    assert given.max() > 5
    # and no atom was moved but by lattice vectors
    moved = np.linalg.solve(np.asarray(atoms.cell).T, (found.positions - atoms.positions).T)
    assert np.abs(moved - np.rint(moved)).max() < 1e-9


def test_a_molecule_across_three_faces():
    water = molecule("H2O")
    expected = sorted(water.get_all_distances()[np.triu_indices(3, 1)])
    boxed = Atoms(water, cell=np.diag([6.0, 7, 8]), pbc=True)
    boxed.positions += [0.01, 0.02, 0.1] - boxed.positions[0]
    boxed.rotate(30, "z", center=boxed.positions[0])
    boxed.wrap()
    assert (np.ptp(boxed.positions, axis=0) > 4).sum() >= 2  # it is divided
    (found,) = detect_molecules(boxed)
    distances = sorted(inner_distances(found)[np.triu_indices(3, 1)])
    np.testing.assert_allclose(distances, expected, atol=1e-12)  # rounding


def test_an_isolated_molecule_with_and_without_a_box():
    water = molecule("H2O")
    assert len(detect_molecules(water)) == 1
    water.center(vacuum=8)
    water.pbc = True
    assert len(detect_molecules(water)) == 1


def test_atoms_alone_are_molecules():
    argon = bulk("Ar", "fcc", 5.26, cubic=True)
    assert len(detect_molecules(argon)) == 4
    assert len(detect_molecules(Atoms("He"))) == 1
    assert len(detect_molecules(Atoms())) == 0


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (bulk("Si"), r"^framework: bonds of Si2 \(atoms 0, 1\) .* 3 direction"),
        (bulk("NaCl", "rocksalt", 5.64), "^framework: bonds of ClNa "),
        (bulk("Cu"), "^metal: bonds of Cu "),
        (bulk("K", "bcc", 5.33), "^metal: bonds of K "),
        (bulk("Mg") * (2, 2, 1), r"^metal: bonds of Mg8 \(atoms 0, 1, 2, 3, 4, 5, 6, 7\)"),
        (graphene(vacuum=8), "^layer: bonds of C2 .* 2 direction"),
        (Atoms("C", cell=[1.3, 9, 9], pbc=True), "^polymer: bonds of C .* 1 direction"),
        (Atoms("C2", [[0, 0, 0], [1.3, 0, 0]], cell=[2.6, 9, 9], pbc=True), "^polymer: .* C2 "),
    ],
)
def test_what_reaches_its_own_image_is_refused_by_name(atoms, message):
    atoms.pbc = True
    with pytest.raises(NotMolecular, match=message):
        detect_molecules(atoms)


def test_one_endless_component_among_molecules_is_found():
    guest = bulk("Si", cubic=True) * (3, 3, 3)
    middle = guest.cell.sum(axis=0) / 2
    away = np.linalg.norm(guest.positions - middle, axis=1) > 5.5
    hollow = guest[away]
    hollow += Atoms("N2", middle + np.array([[0, 0, 0], [0, 0, 1.1]]))
    with pytest.raises(NotMolecular, match=r"^framework: bonds of Si\d+ "):
        detect_molecules(hollow)
    assert len(detect_molecules(hollow[-2:])) == 1


@pytest.mark.parametrize("oh", [1.0, 1.19, 1.2 - 1e-9, 1.2, 1.2 + 1e-9, 1.21, 1.3])
def test_a_hydrogen_atom_between_two_oxygen_atoms_joins_no_molecules(oh):
    """Ice so dense that a proton in the middle of its hydrogen bond reaches both ends."""
    assert len(detect_molecules(ice(oh, oo=2.4))) == 8


def test_another_atom_between_two_oxygen_atoms_joins_them():
    """Negative control of the one above: fluorine may have two bonds."""
    atoms = ice(1.2, oo=2.4)
    atoms.numbers[atoms.numbers == 1] = 9
    with pytest.raises(NotMolecular, match=r"^framework: bonds of F16O8 "):
        detect_molecules(atoms)


def test_the_nearer_oxygen_atom_has_the_proton():
    for x, expected in ((1.15, 0), (1.25, 2)):
        atoms = Atoms("OHO", [[0, 0, 0], [x, 0, 0], [2.4, 0, 0]])
        found = detect_molecules(atoms)
        assert len(found) == 2
        assert found.graph.molecule[1] == found.graph.molecule[expected]
    assert len(detect_molecules(Atoms("H2", [[0, 0, 0], [0.74, 0, 0]]))) == 1


def test_bonds_in_a_cell_smaller_than_their_reach():
    """Rocksalt's primitive cell is 3.3 A high, bonds reach 3.35 A: against ASE's neighbour list."""
    for atoms in (bulk("NaCl", "rocksalt", 5.2), bulk("Cs", "bcc", 6.05), urea(), skewed(urea())):
        found = bonds_of(atoms)
        from ase.data import covalent_radii

        pairs = {
            (one, other): BOND_FACTOR * (covalent_radii[one] + covalent_radii[other])
            for one in set(atoms.numbers.tolist())
            for other in set(atoms.numbers.tolist())
        }
        first, second, shift = neighbor_list("ijS", atoms, pairs)
        assert 2 * len(found) == len(first)
        ours = {
            (i, j, *s)
            for i, j, s in zip(
                found.first.tolist(), found.second.tolist(), found.shift.tolist(), strict=True
            )
        }
        theirs = zip(first.tolist(), second.tolist(), shift.tolist(), strict=True)
        assert ours <= {(i, j, *s) for i, j, s in theirs}
        vector = atoms.positions[found.second] + found.shift @ np.asarray(atoms.cell)
        length = np.linalg.norm(vector - atoms.positions[found.first], axis=1)
        radii = covalent_radii[atoms.numbers]
        ratio = length / (radii[found.first] + radii[found.second])
        np.testing.assert_allclose(found.ratio, ratio, atol=1e-9)  # rounding


def test_bonds_against_all_distances_of_a_molecule():
    atoms = molecule("C6H6")
    _, distance = get_distances(atoms.positions)
    near = (distance < 1.6) & (distance > 0)
    found = bonds_of(atoms)
    assert len(found) == near.sum() / 2 == 12
    assert near[found.first, found.second].all()


def test_time_grows_linearly():
    """One and twenty milliseconds where this was written: a hundred times slower would fail."""
    for repeat, limit in (((3, 3, 3), 0.1), ((9, 9, 8), 2.0)):
        atoms = urea() * repeat
        detect_molecules(atoms)
        start = time.process_time()
        assert len(detect_molecules(atoms)) == len(atoms) / 8
        assert time.process_time() - start < limit
