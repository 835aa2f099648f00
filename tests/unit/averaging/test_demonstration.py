"""One structure turned and shifted: changes that are known, and none where there is none."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from breakers import Breaker
from limbeck.averaging.demonstration import axis_of, rotations, scan, shifted, turned
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms

Y, Z = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])


def isotropic(scene):
    return scene.sites.sum()


def along_z(scene):
    """Bonds along z count twice."""
    unit = scene.vectors / scene.vectors.norm(dim=1, keepdim=True)
    return scene.sites.sum() + 0.5 * (scene.terms * unit[:, 2] ** 2).sum()


def slope(scene):
    """0.3 eV/Angstrom on each atom along x: it reads where a frame stands."""
    return scene.sites.sum() + 0.3 * scene.positions[:, 0].sum()


def dimer():
    return from_atoms([Atoms("Cu2", [[0, 0, 0], [2.5, 0, 0]])], groups=["Cu2"], source="s")


def crystal():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    return from_atoms([atoms], groups=["Cu"], source="s")


def test_a_bond_turned_into_the_axis_counts_twice():
    energy = Breaker(isotropic).predict(dimer()).energy[0]
    _, (about_y, about_z) = turned(
        Breaker(along_z), dimer(), np.concatenate([rotations(Y, [90.0]), rotations(Z, [90.0])])
    )
    assert about_y.energy == pytest.approx(1000 * energy / 2)  # meV/atom; two atoms
    # float64 rounding of an energy of some eV
    assert abs(about_z.energy) < 1e-9
    assert about_y.forces > 100 > about_z.forces


@pytest.mark.parametrize("frame", [dimer(), crystal()], ids=["dimer", "crystal"])
def test_nothing_changes_where_the_symmetry_is_kept(frame):
    answers, changes = turned(Breaker(isotropic), frame, rotations(axis_of("1,2,3"), [10.0, 200.0]))
    given = Breaker(isotropic).predict(frame).forces
    assert answers.forces == pytest.approx(np.tile(given, (2, 1)), abs=1e-9)
    _, moved = shifted(Breaker(isotropic), frame, np.array([[1.0, 2.0, 3.0]]))
    for change in (*changes, *moved):
        # meV; rounding in float64 of answers of some eV
        assert abs(change.energy) < 1e-7
        assert change.largest < 1e-7
        assert change.size > 1


def test_a_model_that_reads_the_place_is_told():
    _, (change,) = shifted(Breaker(slope), dimer(), np.array([[1.0, 0.0, 0.0]]))
    assert change.energy == pytest.approx(300.0)
    assert change.forces < 1e-7


def test_a_scan_comes_back_to_where_it_began():
    table = scan(Breaker(along_z), crystal(), axis_of("x"), 90.0)
    assert table["angle_deg"].tolist() == [0, 90, 180, 270, 360]
    change = table["relative"].to_numpy()
    # half a turn about x keeps the squares of z
    assert change[[0, 2, 4]] == pytest.approx(0, abs=1e-9)
    assert change[1] > 0.01
    assert change[1] == pytest.approx(change[3])


@pytest.mark.parametrize("text", ["w", "0,0,0", "1,2", "nan,0,1", ""])
def test_no_axis(text):
    with pytest.raises(LimbeckError, match="axis"):
        axis_of(text)
