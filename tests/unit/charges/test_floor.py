"""The floor of models of charges: fits that are known, and what labels are worth by themselves."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import molecule

from limbeck.charges.floor import at_points, errors, references
from limbeck.charges.multipoles import VOLT_A, fitted, of_charges, potentials
from limbeck.charges.surface import on_shells, sphere
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.labels import Labels
from limbeck.properties import PROPERTIES
from limbeck.symmetry.rotation import haar_rotations

SHELLS = (1.4, 1.6, 1.8, 2.0)
#: of water, at ASE's geometry
WATER = molecule("H2O").positions


def labels_for(frames, **values):
    count = len(frames)
    return Labels(
        frames.id,
        frames.n_atoms,
        np.zeros(count, np.uint8),
        energy=np.zeros(count),
        forces=np.zeros_like(frames.positions),
        stress=np.full((count, 6), np.nan),
        n_points=frames.n_points,
        points=frames.points,
        **values,
    )


def test_a_volt_and_an_angstrom():
    # Coulomb's law: two unit charges at 1 A have 332.06 kcal/mol
    np.testing.assert_allclose(VOLT_A, 14.399645, atol=1e-5)
    assert VOLT_A * PROPERTIES["esp"].factor == pytest.approx(332.0637, abs=1e-3)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_multipoles_are_those_of_charges_close_together(rank):
    # a multipole is a derivative of the potential of a charge, here by differences of 0.01 A
    h, at, points = 0.01, np.array([[0.3, -0.2, 0.1]]), 5 * sphere(40)
    axes = np.eye(3) * h

    def one(*places):
        return sum(s * VOLT_A / np.linalg.norm(points - at - x, axis=1) for s, x in places)

    zero = np.zeros(3)
    expected = [one((1, zero))]
    expected += [one((0.5 / h, axis), (-0.5 / h, -axis)) for axis in axes]
    x, y, z = axes

    def mixed(a, b):
        signs = ((1, a + b), (-1, a - b), (-1, b - a), (1, -a - b))
        return one(*[(s / (4 * h**2), place) for s, place in signs]) / 3

    def second(a):
        return one((1 / h**2, a), (-2 / h**2, zero), (1 / h**2, -a))

    # d_a d_b (1/d) = (3 d_a d_b - delta d^2) / d^5
    expected += [mixed(x, y), mixed(x, z), mixed(y, z), (second(x) - second(y)) / 3, second(z)]
    found = potentials(points, at, rank)
    count = (1, 4, 9)[rank]
    assert found.shape == (40, count)
    np.testing.assert_allclose(found, np.stack(expected[:count], axis=1), atol=2e-4)


def test_a_rank_that_there_is_not_is_refused():
    with pytest.raises(LimbeckError, match="multipoles of rank 3, expected 0 to 2"):
        potentials(sphere(4), WATER, 3)


def test_a_fit_finds_the_multipoles_that_made_a_potential():
    rng = np.random.default_rng(0)
    points = np.concatenate([4 * sphere(100), 5 * sphere(100)])
    made = rng.normal(size=(3, 9))
    esp = potentials(points, WATER, 2) @ made.T.ravel()
    fit = fitted(points, WATER, esp, 2)
    np.testing.assert_allclose(fit.esp, esp, atol=1e-8)
    for found, columns in (
        (fit.charges, 0),
        (fit.dipoles, slice(1, 4)),
        (fit.quadrupoles, slice(4, 9)),
    ):
        np.testing.assert_allclose(found, made[:, columns], atol=1e-4)
    # negative control: charges alone cannot
    assert np.abs(fitted(points, WATER, esp, 0).esp - esp).max() > 0.1


def test_the_floor_turns_with_the_molecule():
    frames = on_shells(from_atoms([molecule("CH3OH")], groups=["a"], source="s"), SHELLS, 0.5)
    esp = potentials(frames.points, frames.positions[:1] + np.array([0.2, 0.1, 0.3]), 0)[:, 0]
    turn = haar_rotations(1, np.random.default_rng(0))[0]
    for rank in range(3):
        one = fitted(frames.points, frames.positions, esp, rank)
        other = fitted(frames.points @ turn.T, frames.positions @ turn.T, esp, rank)
        # five quadrupoles, whole shells of a rank: nothing is left of the axes they are counted by
        np.testing.assert_allclose(one.esp, other.esp, atol=2e-5)


def test_charges_as_they_are_and_the_molecular_dipole():
    frames = on_shells(from_atoms([molecule("H2O")] * 1, groups=["a"], source="s"), SHELLS, 1.0)
    charges = np.array([-0.8, 0.4, 0.4])
    esp = of_charges(frames, charges)
    dipole = (charges @ frames.positions)[None]
    labels = labels_for(frames, esp=esp, charges=charges, mbis_charges=0 * charges, dipole=dipole)
    kept, own = at_points(frames, labels)
    found = errors(kept, esp, references(kept, own))
    assert found["charges"]["all"]["value"] < 1e-10
    assert found["charges_fitted"]["all"]["value"] < 1e-6
    assert found["mbis_charges"]["all"]["value"] == pytest.approx(found["rms"]["value"])
    assert found["mbis_charges"]["all"]["relative"]["value"] == pytest.approx(1)
    # a dipole at one place leaves more the nearer the points are
    shells = found["molecular_dipole"]["by_shell"]
    assert list(shells) == ["1.4", "1.6", "1.8", "2.0"]
    assert sorted(shells.values(), reverse=True) == list(shells.values())
    assert set(found["molecular_dipole"]["by_element"]) == {"O", "H"}
    assert found["points"] == len(esp)


def test_frames_without_a_good_label_are_left_out():
    frames = on_shells(
        from_atoms([molecule("H2O"), molecule("CO2")], groups=["a", "b"], source="s"), SHELLS, 1.0
    )
    labels = labels_for(frames, esp=np.ones(len(frames.points)))
    labels = replace(labels, status=np.array([4, 0], np.uint8))
    kept, own = at_points(frames, labels)
    assert kept.numbers.tolist() == [6, 8, 8]
    assert len(own.values["esp"]) == len(kept.points) == frames.n_points[1]
    with pytest.raises(LimbeckError, match=r"labels have no esp, expected potentials at points"):
        at_points(frames, labels_for(frames))


@pytest.mark.parametrize(
    ("name", "floor", "as_they_are"),
    [
        # best fits by charges, dipoles and quadrupoles, and MBIS charges as they are, kcal/mol/e
        ("H2O", (1.23, 0.30, 0.03), 2.06),
        ("CH3OH", (1.14, 0.31, 0.10), 1.47),
        ("CO2", (0.39, 0.03, 0.02), 2.04),
    ],
)
def test_the_floor_of_hartree_fock_is_what_it_was(name, floor, as_they_are):
    pytest.importorskip("pyscf", reason="needs pip install .[quantum]")
    from limbeck.averaging.views import Views
    from limbeck.labelling.label import label
    from limbeck.potentials import open_potential

    frames = on_shells(from_atoms([molecule(name)], groups=["a"], source="s"), SHELLS, 1.0)
    potential = open_potential({"name": "q", "model": "pyscf", "method": "HF"})
    potential.ask_for(["esp", "mbis_charges"])
    kept, labels = at_points(frames, label(potential, frames, Views()))
    found = errors(kept, labels.values["esp"], references(kept, labels))
    values = [
        found[n]["all"]["value"] for n in ("charges_fitted", "dipoles_fitted", "quadrupoles_fitted")
    ]
    # another orientation of the spheres moves an error by some percent
    np.testing.assert_allclose(values, floor, rtol=0.05, atol=0.01)
    assert found["mbis_charges"]["all"]["value"] == pytest.approx(as_they_are, rel=0.03)
