"""A wrong unit or sign in a user's labels is told, and right ones are let pass."""

from itertools import pairwise

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.cluster import Octahedron
from ase.md.verlet import VelocityVerlet

from limbeck.config.sections.file_labels import FileLabels
from limbeck.labelling.file_checks import FITS, Pairs, displacements


def asked(**fields):
    return FileLabels(**{"from": "file", "name": "dft"} | fields)


def labels(atoms, *names):
    atoms = Atoms(atoms)
    atoms.calc = EMT()
    return {name: np.array(atoms.calc.get_property(name, atoms)) for name in names}


@pytest.fixture(scope="module")
def trajectory():
    """A cluster of copper at some 600 K, a frame every 10 fs, by EMT."""
    atoms = Octahedron("Cu", 3)
    atoms.calc = EMT()
    rng = np.random.default_rng(0)
    atoms.set_velocities(rng.normal(0, np.sqrt(units.kB * 600 / atoms.get_masses()[0]), (19, 3)))
    dynamics = VelocityVerlet(atoms, 2 * units.fs)
    found = []
    for _ in range(20):
        dynamics.run(5)
        found.append((Atoms(atoms), labels(atoms, "energy", "forces")))
    return found


@pytest.fixture(scope="module")
def strained():
    """Crystals of copper one after another, each in another cell, and rattled, by EMT."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(20):
        atoms = bulk("Cu", cubic=True)
        deformation = np.eye(3) + rng.normal(0, 0.02, (3, 3))
        atoms.set_cell(atoms.cell @ deformation, scale_atoms=True)
        atoms.positions += rng.normal(0, 0.03, (4, 3))
        found.append((atoms, labels(atoms, "energy", "forces", "stress")))
    return found


def checks(frames, settings=None, **factors):
    """The checks by name, with some of the labels multiplied by a factor."""
    pairs = Pairs(len(frames))
    for atoms, values in frames:
        pairs.add(atoms, {n: v * factors.get(n, 1.0) for n, v in values.items()})
    return {check.name: check for check in pairs.checks(settings or asked())}


FORCES, STRESS = "forces against energies", "stress against energies"


def test_right_forces_of_a_trajectory_fit(trajectory):
    found = checks(trajectory)[FORCES]
    assert found.verdict == "fits"
    assert found.count == 19
    # the trapezoid is off by its cubic term: 10 fs are a tenth of copper's fastest vibration
    assert found.value == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ({"forces": -1.0}, "forces_are: gradients"),
        ({"energy": 1 / units.Hartree}, "energy_unit: Hartree"),
        ({"energy": units.mol / units.kcal}, "energy_unit: kcal/mol"),
        ({"energy": 1 / units.Rydberg}, "energy_unit: Rydberg"),
        ({"forces": units.Bohr / units.Hartree}, "forces_unit: Hartree/Bohr"),
        ({"forces": 1000.0}, "forces_unit: meV/Angstrom"),
        (
            {"energy": 1 / units.Hartree, "forces": -units.Bohr / units.Hartree},
            "forces_are: gradients, and energy_unit: Hartree with forces_unit: Hartree/Bohr",
        ),
    ],
)
def test_a_wrong_unit_or_sign_is_told_and_guessed(trajectory, factors, said):
    found = checks(trajectory, **factors)[FORCES]
    assert found.verdict == "does not fit"
    assert said in found.text


def test_the_guess_starts_from_what_the_config_says(trajectory):
    settings = asked(forces_are="gradients", energy_unit="Hartree")
    found = checks(trajectory, settings, energy=units.Hartree, forces=-1.0)[FORCES]
    assert "forces_are: forces, and energy_unit: eV" in found.text.replace(" or ", ", or ")


def test_forces_of_other_frames_fit_nothing(trajectory):
    """Negative control of the guess: no unit explains forces in the wrong order."""
    order = np.random.default_rng(2).permutation(len(trajectory))
    mixed = [
        (atoms, values | {"forces": trajectory[i][1]["forces"]})
        for (atoms, values), i in zip(trajectory, order, strict=True)
    ]
    assert checks(mixed)[FORCES].verdict != "fits"


@pytest.mark.parametrize(
    ("factors", "verdict", "said"),
    [
        ({}, "fits", ""),
        ({"stress": -1.0}, "does not fit", "stress_positive_under: pressure"),
        ({"stress": 1 / units.GPa}, "does not fit", "stress_unit: GPa"),
        ({"stress": -10 / units.GPa}, "does not fit", "pressure, and stress_unit: kbar"),
    ],
)
def test_stress_is_compared_where_cells_differ(strained, factors, verdict, said):
    found = checks(strained, **factors)
    assert found[STRESS].verdict == verdict
    assert said in found[STRESS].text
    if not factors:
        assert found[STRESS].value == pytest.approx(1, abs=0.25)  # strains of 4 % are not small
        assert found[FORCES].verdict == "fits"


def test_cells_that_differ_without_a_stress_are_counted(strained):
    without = [(a, {n: v for n, v in values.items() if n != "stress"}) for a, values in strained]
    found = checks(without)
    assert found[STRESS].verdict == found[FORCES].verdict == "cannot be told"
    assert "(19 have none)" in found[STRESS].text


def test_forces_have_to_add_up_to_zero(trajectory):
    fixed = []
    for atoms, values in trajectory:
        forces = values["forces"].copy()
        forces[:9] = 0.0  # as ASE hands out those of fixed atoms
        fixed.append((atoms, values | {"forces": forces}))
    assert checks(trajectory)["sum of forces"].verdict == "fits"
    found = checks(fixed)["sum of forces"]
    assert found.verdict == "does not fit"
    assert "fixed atoms" in found.text


def nitrogen(count=20, constant=143.0):
    """Nitrogen at 300 K, with its force constant of 2,294 N/m in eV/A^2."""
    rng, found = np.random.default_rng(3), []
    for stretch in rng.normal(0, np.sqrt(units.kB * 300 / constant), count):
        atoms = molecule("N2")
        atoms.set_distance(0, 1, atoms.get_distance(0, 1) + stretch)
        along = (atoms.positions[1] - atoms.positions[0]) / atoms.get_distance(0, 1)
        forces = constant * stretch * np.array([along, -along])
        values = {"energy": 0.5 * constant * stretch**2, "forces": forces}
        found.append((atoms, values))
    return found


def test_kcal_taken_for_ev_in_both_is_told_by_their_size():
    """Slopes are 1 then, whatever the unit; of soft metals the size tells nothing either."""
    factor = units.mol / units.kcal
    found = checks(nitrogen(), energy=factor, forces=factor)
    assert found[FORCES].verdict == "fits"
    assert found["size of forces"].verdict == "does not fit"
    assert checks(nitrogen())["size of forces"].verdict == "fits"


def test_the_trapezoid_is_exact_where_the_energy_is_quadratic():
    found = checks(nitrogen())[FORCES]
    assert found.value == pytest.approx(1, abs=1e-9)
    assert found.ci95 == pytest.approx((1, 1), abs=1e-9)


def test_unrelated_frames_tell_nothing():
    frames = [(m, labels(m, "energy", "forces")) for m in map(molecule, ("N2", "O2", "CO", "NO"))]
    assert checks(frames)[FORCES].verdict == "cannot be told"


def test_steps_of_a_crystal_are_the_shortest_and_leave_the_cell_out():
    one = bulk("Cu", cubic=True)
    two = one.copy()
    two.set_cell(one.cell * 1.02, scale_atoms=True)
    two.positions[1] += two.cell[0] + [0.1, 0, 0]  # another image
    step, strain = displacements(one, two)
    np.testing.assert_allclose(step[1], [0.1 / 1.01 * 1.01 / 1.02 * 1.01, 0, 0], atol=1e-12)
    np.testing.assert_allclose(step[0], 0, atol=1e-12)
    # relative to the cell in the middle
    np.testing.assert_allclose(strain, 0.02 / 1.01 * np.eye(3), atol=1e-12)


def test_limits_of_slopes_leave_out_every_unit():
    """No two units are so near to each other that the wrong one would pass."""
    factors = sorted([1.0, units.Bohr, 0.5, 2.0, 1 / units.Bohr])
    assert all(not FITS[0] < f < FITS[1] for f in factors if f != 1.0)
    assert all(b / a > 1.05 for a, b in pairwise(factors))


def rattled(displacement, strain=0.0, count=12, seed=0):
    """Crystals of 32 atoms of copper, displaced at random, by EMT."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(count):
        atoms = bulk("Cu", cubic=True) * (2, 2, 2)
        atoms.set_cell(atoms.cell @ (np.eye(3) + rng.normal(0, strain, (3, 3))), scale_atoms=True)
        atoms.positions += rng.normal(0, displacement, (32, 3))
        found.append((atoms, labels(atoms, "energy", "forces", "stress")))
    return found


@pytest.mark.parametrize(("displacement", "strain"), [(0.2, 0.0), (0.25, 0.0), (0.1, 0.03)])
def test_frames_far_apart_give_no_false_alarm(displacement, strain):
    """The trapezoid gives slopes of a third there; and what cannot be told is not called right."""
    for seed in range(4):
        found = checks(rattled(displacement, strain, seed=seed))
        assert {found[FORCES].verdict, found[STRESS].verdict} <= {"fits", "cannot be told"}
        for name in (FORCES, STRESS):
            if found[name].verdict == "fits":
                assert FITS[0] < found[name].value < FITS[1]


def test_a_little_farther_apart_signs_are_still_told():
    for seed in range(4):
        frames = rattled(0.05, seed=seed)
        assert checks(frames)[FORCES].verdict == "fits"
        assert checks(frames, forces=-1.0)[FORCES].verdict == "does not fit"


def test_few_fixed_atoms_are_told_by_forces_that_are_zero_to_the_last_digit(trajectory):
    fixed = []
    for atoms, values in trajectory:
        forces = values["forces"].copy()
        forces[0] = 0.0
        fixed.append((atoms, values | {"forces": forces}))
    found = checks(fixed)["sum of forces"]
    assert found.value < 0.3
    assert found.verdict == "does not fit"
    # forces with two decimals are no such case
    rounded = [(a, v | {"forces": np.round(v["forces"], 2)}) for a, v in trajectory]
    assert checks(rounded)["sum of forces"].verdict == "fits"


def test_a_stress_in_kbar_is_told_by_its_size_where_cells_never_change():
    frames = rattled(0.05)
    assert checks(frames)["size of stress"].verdict == "fits"
    kbar = checks(frames, stress=-10 / units.GPa)["size of stress"]
    assert kbar.verdict == "does not fit"
    assert "kbar" in kbar.text


def test_a_wrong_energy_shows_in_the_stress_as_well(strained):
    found = checks(strained, energy=units.mol / units.kcal)
    assert "energy_unit: kcal/mol" in found[FORCES].text
    assert "energy_unit: kcal/mol" in found[STRESS].text


def test_a_virial_of_the_other_sign_is_called_by_its_own_name(strained):
    pairs = Pairs(len(strained))
    for atoms, values in strained:
        pairs.add(atoms, values | {"stress": -values["stress"]})
    found = pairs.checks(asked(virial_key="virial"), virial=True)[1]
    assert "virial_is: stress*volume" in found.text


def test_energies_by_atom_and_lengths_in_bohr_are_guessed():
    frames = rattled(0.03, seed=5)
    assert "divided by the number of atoms" in checks(frames, energy=1 / 32)[FORCES].text
    pairs = Pairs(len(frames))
    for atoms, values in frames:
        larger = atoms.copy()
        larger.set_cell(atoms.cell * units.Bohr**-1, scale_atoms=True)
        pairs.add(larger, values)
    found = pairs.checks(asked())[0]
    assert found.verdict != "fits"
