"""Labels in a user's file: which key, which unit, which sign, on values known from a program."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.units import Bohr, Debye, GPa, Hartree

from limbeck.config.sections.file_labels import FileLabels
from limbeck.errors import LimbeckError
from limbeck.labelling.from_file import Found, keys_for, labels_of
from limbeck.structures.sources.files import is_lone_atom

KEYS = {"energy": "energy", "forces": "forces"}


def asked(**fields):
    return FileLabels(**{"from": "file", "name": "dft"} | fields)


def found_in(*frames):
    found = Found()
    for atoms in frames:
        found.add(atoms)
    return found


def strained_copper():
    """Copper under tension along x, with EMT's answers: sigma_xx is the largest, and positive."""
    atoms = bulk("Cu", cubic=True)
    atoms.set_cell(atoms.cell @ np.diag([1.03, 1.0, 1.0]), scale_atoms=True)
    atoms.positions[0] += 0.05
    atoms.calc = EMT()
    values = {name: atoms.calc.get_property(name, atoms) for name in ("energy", "forces", "stress")}
    atoms.calc = SinglePointCalculator(atoms, **values)
    return atoms


def in_info(atoms, **values):
    """The same atoms without a calculator, values in their info, or with them."""
    bare = Atoms(atoms)
    bare.calc = None
    for name, value in values.items():
        where = bare.arrays if np.shape(value)[:1] == (len(atoms),) else bare.info
        where[name] = value
    return bare


def test_what_ase_reads_itself_is_taken_as_it_is():
    atoms = strained_copper()
    found = labels_of(atoms, asked(), KEYS | {"stress": "stress"})
    assert found["energy"] == atoms.get_potential_energy()
    np.testing.assert_array_equal(found["forces"], atoms.get_forces())
    np.testing.assert_array_equal(found["stress"], atoms.get_stress())
    assert found["stress"][0] > 0  # under tension


@pytest.mark.parametrize(
    ("fields", "energy", "force"),
    [
        ({"energy_unit": "Hartree", "forces_unit": "Hartree/Bohr"}, 27.211386, 51.422067),
        ({"energy_unit": "Rydberg", "forces_unit": "Rydberg/Bohr"}, 13.605693, 25.711034),
        ({"energy_unit": "kcal/mol", "forces_unit": "kcal/mol/Angstrom"}, 0.04336410, 0.04336410),
        ({"energy_unit": "kJ/mol", "forces_unit": "kJ/mol/nm"}, 0.01036427, 0.001036427),
        ({"energy_unit": "meV", "forces_unit": "meV/Angstrom"}, 1e-3, 1e-3),
        ({"forces_are": "gradients"}, 1.0, -1.0),
    ],
)
def test_units_are_those_of_codata(fields, energy, force):
    one = in_info(molecule("H2"), energy=1.0, forces=np.ones((2, 3)))
    found = labels_of(one, asked(**fields), KEYS)
    # CODATA values to their printed digits; ASE takes those of 2014
    assert found["energy"] == pytest.approx(energy, rel=2e-7)
    np.testing.assert_allclose(found["forces"], force, rtol=2e-7)


def test_a_stress_as_vasp_prints_it_is_ases():
    """kbar, positive under pressure, XX YY ZZ XY YZ ZX."""
    atoms = strained_copper()
    atoms.calc.results["stress"] = own = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) * GPa
    printed = -10 * (own / GPa)[[0, 1, 2, 5, 3, 4]]
    fields = {"stress_unit": "kbar", "stress_positive_under": "pressure", "stress_key": "in_kB"}
    vasp = asked(**fields, stress_order="xx yy zz xy yz zx")
    six = in_info(atoms, energy=0.0, forces=atoms.get_forces(), in_kB=printed)
    keys = KEYS | {"stress": "in_kB"}
    np.testing.assert_allclose(labels_of(six, vasp, keys)["stress"], own, rtol=1e-12)
    x, y, z, yz, xz, xy = -10 * own / GPa
    whole = np.array([[x, xy, xz], [xy, y, yz], [xz, yz, z]])
    for nine in (whole, whole.ravel(), whole.tolist()):
        frame = in_info(atoms, energy=0.0, forces=atoms.get_forces())
        frame.info["in_kB"] = nine
        # nine numbers need no order
        np.testing.assert_allclose(labels_of(frame, vasp, keys)["stress"], own, rtol=1e-12)


def test_a_virial_is_minus_the_stress_times_the_volume():
    atoms = strained_copper()
    virial = -atoms.get_stress(voigt=False) * atoms.get_volume()
    frame = in_info(atoms, energy=0.0, forces=atoms.get_forces(), virial=virial)
    found = labels_of(frame, asked(), KEYS | {"virial": "virial"})
    np.testing.assert_allclose(found["stress"], atoms.get_stress(), rtol=1e-12)


def test_an_isolated_frame_has_no_stress_and_a_dipole_is_in_its_unit():
    water = in_info(molecule("H2O"), energy=0.0, forces=np.zeros((3, 3)), stress=np.ones(6))
    water.info["dipole"] = [0.0, 0.0, 1.8546]  # debye, of water
    found = labels_of(
        water, asked(dipole_unit="Debye"), KEYS | {"stress": "stress", "dipole": "dipole"}
    )
    assert "stress" not in found
    assert found["dipole"][2] == pytest.approx(1.8546 * Debye)
    found = labels_of(water, asked(dipole_unit="e*Bohr"), KEYS | {"dipole": "dipole"})
    assert found["dipole"][2] == pytest.approx(1.8546 * Bohr)


def test_free_energies_go_first_since_forces_are_their_gradient():
    atoms = strained_copper()
    atoms.calc.results["free_energy"] = atoms.get_potential_energy() - 0.3
    found = found_in(atoms, atoms)
    assert keys_for(asked(), found)["energy"] == "free_energy"
    assert keys_for(asked(energy_key="energy"), found)["energy"] == "energy"
    assert found.differing == 2
    assert found.largest == pytest.approx(0.3 / 4)  # eV/atom


def test_free_energies_of_some_frames_alone_are_not_mixed_with_energies():
    one, two = strained_copper(), strained_copper()
    one.calc.results["free_energy"] = 1.0
    with pytest.raises(LimbeckError, match="energy_key: not given, and 2 frames have energy, 1 "):
        keys_for(asked(), found_in(one, two))


def test_usual_names_are_found_and_others_are_named():
    ref = in_info(molecule("H2"), REF_energy=-1.0, REF_forces=np.zeros((2, 3)))
    ref.info["REF_virials"] = np.eye(3)
    keys = keys_for(asked(), found_in(ref))
    assert keys == {"energy": "REF_energy", "forces": "REF_forces", "virial": "REF_virials"}
    odd = in_info(molecule("H2"), E_pbe=-1.0, forces=np.zeros((2, 3)))
    with pytest.raises(
        LimbeckError, match=r"energy_key: not given.*the keys of its 1 frames are.*E_pbe"
    ):
        keys_for(asked(), found_in(odd))
    with pytest.raises(LimbeckError, match=r"forces_key: 'F_pbe', the keys.*forces \(1\)"):
        keys_for(asked(energy_key="E_pbe", forces_key="F_pbe"), found_in(odd))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"energy": "low"}, "energy: low, expected numbers"),
        ({"energy": np.ones(3)}, "energy: 3 numbers, expected one number"),
        ({"forces": np.ones((3, 3))}, "forces: 3 x 3 numbers, expected 2 x 3 numbers"),
        ({"stress": np.ones(5)}, "stress: 5 numbers, expected six numbers or nine"),
    ],
)
def test_a_value_of_another_shape_is_named(values, text):
    frame = molecule("H2")
    frame.info |= {"energy": 0.0, "forces": np.zeros((2, 3)), **values}
    with pytest.raises(LimbeckError, match=text):
        labels_of(frame, asked(), KEYS | {"stress": "stress"})


def test_what_is_not_finite_is_lacking():
    frame = in_info(molecule("H2"), energy=np.nan, forces=np.zeros((2, 3)))
    assert set(labels_of(frame, asked(), KEYS)) == {"forces"}


def test_single_atoms_in_vacuum_tell_energies_of_elements():
    assert is_lone_atom(Atoms("O"))
    assert not is_lone_atom(molecule("O2"))
    assert not is_lone_atom(bulk("Cu"))  # one atom, and a crystal
    assert pytest.approx(27.2113860, rel=1e-7) == Hartree


def test_energy_and_forces_of_two_programs_are_not_mixed():
    frame = in_info(molecule("H2"), DFT_energy=-1.0, DFT_forces=np.zeros((2, 3)))
    frame.arrays["forces"] = np.ones((2, 3))
    keys = keys_for(asked(), found_in(frame))
    assert keys == {"energy": "DFT_energy", "forces": "DFT_forces"}


def test_no_stress_of_another_method_goes_with_keys_of_ones_own():
    atoms = strained_copper()
    atoms.info |= {"e2": -1.0}
    atoms.arrays["f2"] = np.zeros((4, 3))
    keys = keys_for(asked(energy_key="e2", forces_key="f2"), found_in(atoms))
    assert keys == {"energy": "e2", "forces": "f2"}
    keys = keys_for(asked(energy_key="e2", forces_key="f2", stress_key="stress"), found_in(atoms))
    assert keys["stress"] == "stress"
    # MPtrj has its own name of the energy alone
    keys = keys_for(asked(energy_key="e2"), found_in(atoms))
    assert keys == {"energy": "e2", "forces": "forces"}


def test_a_virial_may_have_the_other_sign():
    atoms = strained_copper()
    virial = atoms.get_stress(voigt=False) * atoms.get_volume()
    frame = in_info(atoms, energy=0.0, forces=atoms.get_forces(), virial=virial)
    found = labels_of(frame, asked(virial_is="stress*volume"), KEYS | {"virial": "virial"})
    np.testing.assert_allclose(found["stress"], atoms.get_stress(), rtol=1e-12)
