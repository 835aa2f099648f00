"""MACE with random weights: exact symmetry, exact derivatives, and its own file format."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms

from answers import (
    ELEMENTS,
    FRAMES,
    KINDS_OF_TURN,
    STATISTICS,
    crystals,
    cutting_gap,
    force_slopes,
    gap,
    left_handed,
    molecules,
    stress_of,
    stress_slopes,
    turning_gap,
)
from limbeck.averaging.orbit import orbit
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.potentials import open_potential
from limbeck.potentials.models.mace import MODEL_FILE, MacePotential
from limbeck.symmetry.reflection import Reflection

# Of float32: offsets of 40 eV have a rounding step of 4e-6 eV; forces are of order 0.01 eV/A and
# are sums of some hundred terms.
ENERGY, FORCES, STRESS = 1e-5, 2e-7, 2e-8
# Of float64, with margin for other machines; seen: 0 eV, 1e-17 eV/A.
EXACT_ENERGY, EXACT = 1e-12, 1e-14


def new_mace(statistics=STATISTICS):
    torch.manual_seed(0)
    return MacePotential.build("tiny", statistics, name="tiny", device="cpu")


def in_float64(student):
    return MacePotential(
        student.module.double(), student.about, device="cpu", batch_atoms=256, sizes=student.sizes
    )


@pytest.fixture(scope="module")
def mace():
    return new_mace()


@pytest.fixture(scope="module")
def mace64():
    return in_float64(new_mace())


@pytest.fixture(scope="module")
def folder(mace, tmp_path_factory):
    path = tmp_path_factory.mktemp("mace")
    mace.save(path)
    return path


def settings_of(path, **more):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"name": "file", "model": "mace", "path": str(path), "sha256": digest, **more}


@pytest.mark.parametrize("turns", KINDS_OF_TURN)
@pytest.mark.parametrize("kind", FRAMES)
def test_a_turned_batch_is_a_batch_of_turned_frames(mace, mace64, kind, turns):
    found = turning_gap(mace, FRAMES[kind](), turns)
    assert found.energy < ENERGY
    assert found.forces < FORCES
    assert found.stress < STRESS
    found = turning_gap(mace64, FRAMES[kind](), turns)
    assert found.energy < EXACT_ENERGY
    assert found.forces < EXACT
    assert found.stress < EXACT


@pytest.mark.parametrize("kind", FRAMES)
def test_it_is_equivariant_under_rotations_and_reflections(mace64, kind):
    seen = orbit(mace64, FRAMES[kind](), Reflection(), 6, "test")
    assert seen.energy.std(axis=0).max() < EXACT_ENERGY
    # spherical harmonics and their constants are kept to about 1e-7 of float32; the forces here
    # are of order 0.01 eV/A
    assert seen.forces.std(axis=0).max() < 1e-8
    assert np.abs(seen.forces).max() > 1e-3
    assert not np.nanmax(seen.stress.std(axis=0), initial=0) > 1e-9


# A step of 1e-4: rounding is 1e-14 eV of 40 eV over the step, 1e-10 eV/A; truncation is step^2 / 6
# times a third derivative of order 1 eV/A^3, 1e-9 eV/A. (In float32 rounding alone were 0.1 eV/A.)
@pytest.mark.parametrize("kind", FRAMES)
def test_forces_are_minus_the_gradient(mace64, kind):
    frames = FRAMES[kind]()
    rows = [0, 1, len(frames.numbers) - 1]
    forces = mace64.predict(frames).forces[rows]
    np.testing.assert_allclose(forces, force_slopes(mace64, frames, rows, 1e-4), atol=1e-8)
    assert np.abs(forces).max() > 1e-3


@pytest.mark.parametrize("make", [crystals, left_handed])
def test_stress_is_the_strain_derivative(mace64, make):
    frames = make()
    stress = stress_of(mace64, frames)
    np.testing.assert_allclose(stress, stress_slopes(mace64, frames, 1e-4), atol=1e-9)
    assert np.abs(stress).max() > 1e-5


def test_float32_and_float64_agree(mace, mace64):
    for make in (crystals, molecules):
        found = gap(mace.predict(make()), mace64.predict(make()))
        assert 0 < found.forces < 10 * FORCES
        assert found.energy < ENERGY


def test_answers_do_not_depend_on_how_batches_are_cut(mace, mace64):
    frames = concatenate([molecules(), crystals(), molecules().select([1])])
    found = cutting_gap(mace, frames)
    assert found.energy < ENERGY
    assert found.forces < FORCES
    assert found.stress < STRESS
    assert cutting_gap(mace64, frames).forces < EXACT
    assert len(np.unique(mace.predict(frames).energy.round(3))) == 4  # five frames, water twice


def test_isolated_frames_see_no_images(mace64):
    # the same molecules in a box of 20 A, where images are beyond the cut-off of 4 A
    structures = molecules().to_atoms()
    for atoms in structures:
        atoms.set_cell([20.0] * 3)
        atoms.pbc = True
    boxed = mace64.predict(from_atoms(structures, groups=["a", "b"], source="boxed"))
    alone = mace64.predict(molecules())
    np.testing.assert_allclose(alone.energy, boxed.energy, atol=EXACT_ENERGY)
    np.testing.assert_allclose(alone.forces, boxed.forces, atol=EXACT)
    assert np.isnan(alone.stress).all()
    assert np.isfinite(boxed.stress).all()


def test_a_new_student_knows_the_energies_of_its_elements():
    student = new_mace(replace(STATISTICS, forces_rms=0.0))  # what the network adds is nothing
    frames = concatenate([molecules(), crystals()])
    # ethanol C2H6O, water H2O, Na4Cl4, Mg2O2, and 0.1 eV of every atom
    expected = [-2 * 2 - 6 - 3 + 0.9, -3 - 2 + 0.3, -4 * 4 - 4 * 6 + 0.8, -2 * 5 - 2 * 3 + 0.4]
    np.testing.assert_allclose(student.predict(frames).energy, expected, atol=ENERGY)


def test_a_lone_atom_has_an_answer(mace):
    frames = from_atoms([Atoms("O")], groups=["O"], source="named")
    answer = mace.predict(frames)
    assert np.isfinite(answer.energy).all()
    np.testing.assert_array_equal(answer.forces, 0)


def test_an_unknown_element_is_named(mace):
    frames = from_atoms([Atoms("Au")], groups=["Au"], source="named")
    assert mace.unknown_elements(frames).tolist() == [True]
    with pytest.raises(LimbeckError, match="tiny does not know Au"):
        mace.predict(frames)


def test_saved_and_opened_it_says_the_same_bit_for_bit(mace, folder):
    again = open_potential({"name": "again", "model": "mace", "path": str(folder)})
    for make in (crystals, molecules):
        assert gap(mace.predict(make()), again.predict(make())) == (0, 0, 0)
    assert again.about.elements == frozenset(ELEMENTS)
    assert len(again.about.weights) == 64


def test_the_folder_opens_in_float64(mace64, folder):
    again = open_potential(
        {"name": "again", "model": "mace", "path": str(folder), "dtype": "float64"}
    )
    assert gap(mace64.predict(crystals()), again.predict(crystals())).forces < EXACT


def test_the_model_file_is_the_same_model(mace, mace64, folder):
    opened = open_potential(settings_of(folder / MODEL_FILE))
    for make in (crystals, molecules):
        assert gap(mace.predict(make()), opened.predict(make())) == (0, 0, 0)
    assert opened.about.elements == frozenset(ELEMENTS)
    assert opened.about.cutoff == 4.0
    wide = open_potential(settings_of(folder / MODEL_FILE, dtype="float64"))
    assert gap(mace64.predict(crystals()), wide.predict(crystals())).forces < EXACT


def test_maces_own_calculator_opens_the_model_file(mace, folder, monkeypatch):
    # as after an import of one's own, which in these tests may have been long ago
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    from mace.calculators import MACECalculator

    calculator = MACECalculator(
        model_paths=str(folder / MODEL_FILE), device="cpu", default_dtype="float32"
    )
    for frames in (crystals(), molecules()):
        answer = mace.predict(frames)
        for b, atoms in enumerate(frames.to_atoms()):
            atoms.calc = calculator
            rows = frames.atoms_of(b)
            assert atoms.get_potential_energy() == pytest.approx(answer.energy[b], abs=ENERGY)
            np.testing.assert_allclose(atoms.get_forces(), answer.forces[rows], atol=FORCES)
            if frames.periodic[b]:
                np.testing.assert_allclose(atoms.get_stress(), answer.stress[b], atol=STRESS)


def test_a_pickle_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.model"
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(LimbeckError, match=r"other\.model: not a MACE model"):
        open_potential(settings_of(path))
