"""Lennard-Jones and EMT: known crystals, finite differences, and ASE's own answers."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.lj import LennardJones as AseLennardJones

from limbeck.errors import LimbeckError
from limbeck.frames import derive, from_atoms
from limbeck.geometry import voigt_to_stress
from limbeck.potentials.models.toys import EMT_ELEMENTS, EffectiveMedium, LennardJones
from limbeck.symmetry.rotation import haar_rotations

#: a strained cell: no axis is special
SHEAR = np.array([[1.02, 0.03, 0], [0, 0.98, 0.01], [0, 0, 1.04]])
ARGON = 3.405  # sigma, Angstrom; epsilon 0.0104 eV


def argon(cutoff):
    """Lennard-Jones with argon's sigma: two covalent radii are 2.12 Angstrom."""
    return LennardJones(epsilon=0.0104, radius_scale=ARGON * 2 ** (1 / 6) / 2.12, cutoff=cutoff)


def crystals():
    """Two strained, rattled crystals: of copper and gold, and of palladium."""
    alloy = bulk("Cu", a=3.7, cubic=True)
    alloy.numbers[1] = 79
    palladium = bulk("Pd").repeat((2, 1, 1))
    for seed, atoms in enumerate((alloy, palladium)):
        atoms.rattle(0.1, seed=seed)
        atoms.set_cell(atoms.cell @ SHEAR, scale_atoms=True)
    return from_atoms([alloy, palladium], groups=["a", "b"], source="named")


def test_argon_crystal_has_its_known_energy_and_spacing():
    # fcc Lennard-Jones: -8.610 epsilon per atom at a neighbour distance of 1.0902 sigma
    # (Kittel, Introduction to Solid State Physics, chapter 3: 2.15 * 4 epsilon, 1.09).
    crystal = bulk("Ar", "fcc", a=1.0902 * ARGON * np.sqrt(2))
    frames = from_atoms([crystal], groups=["Ar"], source="named")
    found = argon(cutoff=12 * ARGON).predict(frames)
    # What lies beyond the cut-off R is (8 pi / 3) n sigma^3 (sigma / R)^3 epsilon per atom, n the
    # density sqrt(2) / d^3, and the shift takes as much again.
    beyond = 8 * np.pi / 3 * np.sqrt(2) / 1.0902**3 / 12**3
    assert found.energy[0] / 0.0104 == pytest.approx(-8.610 + 2 * beyond, abs=1e-3)
    # at the minimum there is no stress: 1 epsilon / sigma^3 is 2.6e-4 eV/A^3, the cut tail
    # leaves 1e-2 of it, and the last digit of 1.0902 as much
    assert np.abs(found.stress[0]).max() < 1e-5
    np.testing.assert_allclose(found.forces, 0, atol=1e-12)  # by symmetry, to rounding


def test_dimer_has_its_well_at_the_sum_of_covalent_radii():
    frames = from_atoms([Atoms("Ar2", [[0, 0, 0], [0, 0, 2.12]])], groups=["Ar"], source="named")
    found = LennardJones(epsilon=0.1, cutoff=50.0).predict(frames)
    # the shift at 50 Angstrom is 5e-10 eV
    assert found.energy[0] == pytest.approx(-0.1, abs=1e-8)
    np.testing.assert_allclose(found.forces, 0, atol=1e-12)
    assert np.isnan(found.stress).all()


def test_lennard_jones_agrees_with_ase():
    crystal = bulk("Ar", a=5.26, cubic=True)
    crystal.rattle(0.1, seed=1)
    pair = crystal.repeat((2, 1, 1))
    frames = from_atoms([crystal, pair], groups=["Ar"] * 2, source="named")
    found = argon(cutoff=9.0).predict(frames)
    crystal.calc = AseLennardJones(sigma=ARGON, epsilon=0.0104, rc=9.0)
    # the same float64 sums in another order
    assert found.energy[0] == pytest.approx(crystal.get_potential_energy(), abs=1e-12)
    np.testing.assert_allclose(found.forces[:4], crystal.get_forces(), atol=1e-12)
    np.testing.assert_allclose(found.stress[0], crystal.get_stress(), atol=1e-12)
    assert found.energy[1] == pytest.approx(2 * found.energy[0], abs=1e-12)


@pytest.mark.parametrize("potential", [LennardJones(cutoff=5.0), EffectiveMedium()])
def test_forces_are_minus_the_gradient(potential):
    frames = crystals()
    forces = potential.predict(frames).forces
    step = 1e-4  # Angstrom: truncation 1e-8 times the third derivative, below 1e-5 eV/A here
    for row, axis in [(0, 0), (1, 2), (4, 1), (5, 0)]:
        energies = []
        for sign in (1, -1):
            positions = frames.positions.copy()
            positions[row, axis] += sign * step
            moved = derive(frames, positions, frames.cell, sampling="moved", seed=0)
            energies.append(potential.predict(moved).energy.sum())
        slope = (energies[0] - energies[1]) / (2 * step)
        assert forces[row, axis] == pytest.approx(-slope, abs=1e-5)


@pytest.mark.parametrize("potential", [LennardJones(cutoff=5.0), EffectiveMedium()])
def test_stress_is_the_strain_derivative(potential):
    frames = crystals()
    stress = voigt_to_stress(potential.predict(frames).stress)
    volume = np.abs(np.linalg.det(frames.cell))
    step = 1e-5  # of strain: truncation below 1e-8 eV/A^3, rounding 1e-15 / 1e-5
    for i, j in [(0, 0), (1, 2), (2, 2)]:
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[i, j] += sign * step / 2
            strain[j, i] += sign * step / 2
            moved = derive(
                frames, frames.positions @ strain, frames.cell @ strain, sampling="strained", seed=0
            )
            energies.append(potential.predict(moved).energy)
        slope = (energies[0] - energies[1]) / (2 * step) / volume
        np.testing.assert_allclose(stress[:, i, j], slope, atol=1e-6)


def test_turning_leaves_the_batch_as_it_was():
    frames = crystals()
    for potential in (LennardJones(), EffectiveMedium()):
        batch = potential.prepare(frames)
        before = potential.evaluate(batch).forces
        turned = potential.rotate(batch, haar_rotations(2, np.random.default_rng(0)))
        assert np.abs(potential.evaluate(turned).forces - before).max() > 0.01
        np.testing.assert_array_equal(potential.evaluate(batch).forces, before)


def test_emt_knows_its_elements():
    frames = from_atoms([molecule("CO"), molecule("LiF")], groups=["a", "b"], source="named")
    assert EffectiveMedium().unknown_elements(frames).tolist() == [False, True]
    assert sorted(EMT_ELEMENTS) == [1, 6, 7, 8, 13, 28, 29, 46, 47, 78, 79]


def test_mixed_periodicity_is_refused():
    frames = from_atoms([bulk("Cu"), molecule("CO")], groups=["a", "b"], source="named")
    with pytest.raises(LimbeckError, match="isolated and periodic"):
        LennardJones().prepare(frames)
