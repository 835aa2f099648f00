"""PaiNN with random weights: answers of graph-pes, exact symmetry, exact derivatives, its file."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from ase import Atoms
from graph_pes.models import TensorNet, load_model

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
from argon import frames_of
from limbeck.averaging.orbit import orbit
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.geometry import turn
from limbeck.potentials import open_potential
from limbeck.potentials.models.orb import OrbPotential
from limbeck.potentials.models.painn import (
    MODEL_FILE,
    GraphPesPotential,
    PainnPotential,
    PainnSizes,
)
from limbeck.potentials.torch_sim import PotentialModel, VerletListModel, state_of
from limbeck.students.handover import open_student
from limbeck.symmetry.reflection import Reflection, random_improper

# Of float32: offsets of 40 eV have a rounding step of 4e-6 eV; forces are of order 0.1 eV/A and
# are sums of some hundred terms.
ENERGY, FORCES, STRESS = 1e-5, 1e-6, 1e-7
# Of float64, of the same sizes: 1e-16 of 40 eV, and of some hundred terms of 0.1 eV/A.
EXACT_ENERGY, EXACT = 1e-12, 1e-13


def new_painn(statistics=STATISTICS, size="tiny", **changed):
    torch.manual_seed(0)
    return PainnPotential.build(size, statistics, name="tiny", device="cpu", **changed)


@pytest.fixture(scope="module")
def painn():
    return new_painn()


@pytest.fixture(scope="module")
def folder(painn, tmp_path_factory):
    path = tmp_path_factory.mktemp("painn")
    painn.save(path)
    return path


@pytest.fixture(scope="module")
def painn64(folder):
    return open_student(folder, dtype="float64")


@pytest.mark.parametrize("changed", [{}, {"layers": 1}, {"layers": 3, "cutoff_A": 5.5}])
@pytest.mark.parametrize("kind", FRAMES)
def test_answers_are_those_of_graph_pes_calculator(tmp_path, kind, changed):
    """Of the file that is written for it, opened as it opens files, by its own calculator."""
    potential = new_painn(**changed)
    potential.save(tmp_path)
    theirs = load_model(tmp_path / MODEL_FILE).ase_calculator(device="cpu")
    frames = FRAMES[kind]()
    answer = potential.predict(frames)
    for b, atoms in enumerate(frames.to_atoms()):
        atoms.calc = theirs
        assert atoms.get_potential_energy() == pytest.approx(answer.energy[b], abs=ENERGY)
        np.testing.assert_allclose(atoms.get_forces(), answer.forces[frames.atoms_of(b)], atol=1e-6)
        if kind == "crystals":  # of a left-handed cell graph-pes turns the sign of the stress
            np.testing.assert_allclose(atoms.get_stress(), answer.stress[b], atol=STRESS)
    assert np.abs(answer.forces).max() > 0.01


class Slow(PainnPotential):
    """The same by graph-pes' own forward pass, as its other networks are asked."""

    many_body_energies = GraphPesPotential.many_body_energies


@pytest.mark.parametrize("make", [crystals, molecules])
def test_the_fast_pass_is_the_same_function_in_training_too(painn, make):
    """Energies, forces, and the gradient of a loss of the forces by every weight."""
    slow = Slow(painn.sizes, ELEMENTS, name="slow", device="cpu")
    slow.module.load_state_dict(painn.module.state_dict())
    frames, gradients = make(), []
    for potential in (painn, slow):
        batch = potential.prepare(frames)
        answers = potential.outputs(batch, training=True, stress=batch.periodic)
        loss = (answers.forces**2).sum() + (answers.energy**2).sum() / 1e4
        trained = [p for p in potential.module.parameters() if p.requires_grad]
        # the weights of vectors that nobody reads in the last layer have no gradient
        found = torch.autograd.grad(loss, trained, materialize_grads=True)
        gradients.append(torch.cat([g.flatten() for g in found]))
    fast, expected = gradients
    assert expected.abs().max() > 0.1
    # float32 sums over some hundred edges
    torch.testing.assert_close(fast, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("turns", KINDS_OF_TURN)
@pytest.mark.parametrize("kind", FRAMES)
def test_a_turned_batch_is_a_batch_of_turned_frames(painn64, kind, turns):
    found = turning_gap(painn64, FRAMES[kind](), turns)
    assert found.energy < EXACT_ENERGY
    assert found.forces < EXACT
    assert found.stress < EXACT


@pytest.mark.parametrize("kind", FRAMES)
def test_rotations_and_reflections_are_respected(painn64, kind):
    seen = orbit(painn64, FRAMES[kind](), Reflection(), 6, "test")
    assert seen.energy.std(axis=0).max() < EXACT_ENERGY
    assert seen.forces.std(axis=0).max() < EXACT
    assert np.abs(seen.forces).max() > 0.01
    assert not np.nanmax(seen.stress.std(axis=0), initial=0) > EXACT


def test_the_same_measure_finds_a_network_that_does_not_respect_them():
    """Negative control."""
    torch.manual_seed(0)
    direct = OrbPotential.build("tiny", STATISTICS, name="d", device="cpu")
    seen = orbit(direct, molecules(), Reflection(), 6, "test")
    assert seen.forces.std(axis=0).max() > 1e-3


@pytest.mark.parametrize("kind", FRAMES)
def test_translations_and_the_order_of_atoms_change_nothing(painn64, kind):
    frames = FRAMES[kind]()
    before = painn64.predict(frames)
    moved = replace(frames, positions=frames.positions + np.array([3.1, -0.7, 12.3]))
    # coordinates of 12 A are rounded at 2e-15 A
    assert gap(before, painn64.predict(moved)).forces < EXACT
    order = np.arange(len(frames.numbers))
    for b in range(len(frames)):  # atoms of each frame, last first
        order[frames.atoms_of(b)] = order[frames.atoms_of(b)][::-1]
    turned = replace(frames, numbers=frames.numbers[order], positions=frames.positions[order])
    after = painn64.predict(turned)
    assert np.abs(after.energy - before.energy).max() < EXACT_ENERGY
    assert np.abs(after.forces - before.forces[order]).max() < EXACT
    other = replace(frames, positions=frames.positions[order])  # negative control: elements stay
    assert np.abs(painn64.predict(other).energy - before.energy).max() > 1e-4


# A step of 1e-4: rounding is 1e-14 eV of 40 eV over the step, 1e-10 eV/A; truncation is step^2 / 6
# times a third derivative of order 1 eV/A^3, 1e-9 eV/A.
@pytest.mark.parametrize("kind", FRAMES)
def test_forces_are_minus_the_gradient(painn64, kind):
    frames = FRAMES[kind]()
    rows = [0, 1, len(frames.numbers) - 1]
    forces = painn64.predict(frames).forces[rows]
    np.testing.assert_allclose(forces, force_slopes(painn64, frames, rows, 1e-4), atol=1e-8)
    assert np.abs(forces).max() > 1e-2


@pytest.mark.parametrize("make", [crystals, left_handed])
def test_stress_is_the_strain_derivative(painn64, make):
    frames = make()
    stress = stress_of(painn64, frames)
    # truncation of a stress of 3e-3 eV/A^3: 1.4e-9 seen, a quarter of it at half the step
    np.testing.assert_allclose(stress, stress_slopes(painn64, frames, 1e-4), atol=1e-8)
    assert np.abs(stress).max() > 1e-3


def test_float32_and_float64_agree(painn, painn64):
    for make in (crystals, molecules):
        found = gap(painn.predict(make()), painn64.predict(make()))
        assert 0 < found.forces < FORCES
        assert found.energy < ENERGY


def test_answers_do_not_depend_on_how_batches_are_cut(painn64):
    frames = concatenate([molecules(), crystals(), molecules().select([1])])
    found = cutting_gap(painn64, frames)
    assert found.energy < EXACT_ENERGY
    assert found.forces < EXACT
    assert found.stress < EXACT


def test_a_new_student_knows_the_energies_of_its_elements():
    student = new_painn(replace(STATISTICS, forces_rms=0.0))  # what the network adds is nothing
    frames = concatenate([molecules(), crystals()])
    # ethanol C2H6O, water H2O, Na4Cl4, Mg2O2, and 0.1 eV of every atom
    expected = [-2 * 2 - 6 - 3 + 0.9, -3 - 2 + 0.3, -4 * 4 - 4 * 6 + 0.8, -2 * 5 - 2 * 3 + 0.4]
    np.testing.assert_allclose(student.predict(frames).energy, expected, atol=ENERGY)


def test_a_new_student_has_the_scale_of_the_set(painn):
    ten = new_painn(replace(STATISTICS, forces_rms=7.0))
    forces = painn.predict(crystals()).forces
    np.testing.assert_allclose(ten.predict(crystals()).forces, 10 * forces, atol=20 * FORCES)


def test_what_is_known_before_training_is_not_trained(painn):
    fixed = {name for name, p in painn.module.named_parameters() if not p.requires_grad}
    assert {name.rsplit(".", 1)[1] for name in fixed} == {"_offsets", "per_element_scaling"}


def test_atoms_without_neighbours_have_an_answer(painn):
    far = Atoms("OCO", [[0, 0, 0], [50, 0, 0], [51.2, 0, 0]])
    for atoms in (far, far[:2], far[:1]):  # and batches without a single edge
        answer = painn.predict(frames_of(atoms))
        assert np.isfinite(answer.energy).all()
        assert np.abs(answer.forces[0]).max() == 0
    slow = Slow(painn.sizes, ELEMENTS, name="slow", device="cpu")
    np.testing.assert_array_equal(slow.predict(frames_of(far[:1])).forces, 0)
    assert np.abs(painn.predict(frames_of(far)).forces[1]).max() > 1e-3


def test_energies_of_atoms_add_up(painn64):
    for make in (crystals, molecules):
        frames = make()
        atoms = painn64.atom_energies(painn64.prepare(frames))
        sums = np.bincount(frames.frame_of_atom, atoms)
        np.testing.assert_allclose(sums, painn64.predict(frames).energy, atol=EXACT_ENERGY)
        assert np.ptp(atoms) > 0.1


def test_descriptors_are_invariant_and_tell_a_change(painn64):
    for frames in (crystals(), molecules()):
        found = painn64.predict(frames, descriptors=True)
        assert gap(found, painn64.predict(frames)) == (0, 0, 0)
        own = found.values["descriptors"]
        assert own.shape == (len(frames.numbers), 8)
        turned = turn(frames, random_improper(len(frames), np.random.default_rng(0)))
        again = painn64.predict(turned, descriptors=True).values["descriptors"]
        np.testing.assert_allclose(again, own, atol=EXACT_ENERGY)
        stretched = replace(frames, positions=1.01 * frames.positions)
        other = painn64.predict(stretched, descriptors=True).values["descriptors"]
        assert np.abs(other - own).max() > 1e-3  # negative control


@pytest.mark.parametrize("make", [crystals, molecules])
def test_neighbours_that_last_give_the_answers_of_new_ones(painn64, make, monkeypatch):
    """Along a walk of positions and cells; the wide lists are made anew only now and then."""
    frames, made = make(), []
    prepare = PainnPotential.prepare_wide
    monkeypatch.setattr(
        PainnPotential, "prepare_wide", lambda self, *a: made.append(1) or prepare(self, *a)
    )
    answers = []
    for model in (VerletListModel(painn64), PotentialModel(painn64)):
        rng, state, found = np.random.default_rng(0), state_of(frames, model), []
        for _ in range(12):
            state.positions = state.positions + torch.tensor(
                rng.normal(0, 0.05, state.positions.shape)
            )
            if make is crystals:
                strain = torch.tensor(np.eye(3) + rng.normal(0, 0.002, (3, 3)))
                state.positions = state.positions @ strain
                state.row_vector_cell = state.row_vector_cell @ strain
            found.append(model(state))
        answers.append(found)
    for lasting, new in zip(*answers, strict=True):
        torch.testing.assert_close(lasting["forces"], new["forces"], rtol=1e-8, atol=1e-10)
        torch.testing.assert_close(lasting["energy"], new["energy"], rtol=1e-10, atol=1e-10)
    assert 1 <= len(made) < 12


def test_saved_and_opened_it_says_the_same_bit_for_bit(painn, folder):
    again = open_potential({"name": "again", "model": "painn", "path": str(folder)})
    for make in (crystals, molecules):
        assert gap(painn.predict(make()), again.predict(make())) == (0, 0, 0)
    assert again.about.elements == frozenset(ELEMENTS)
    assert len(again.about.weights) == 64
    assert not any(p.requires_grad for p in again.module.parameters())
    wide = {"name": "w", "model": "painn", "path": str(folder), "dtype": "float64"}
    assert open_potential(wide).about.dtype == "float64"


def test_an_unknown_element_is_named(painn):
    gold = from_atoms([Atoms("Au")], groups=["Au"], source="named")
    with pytest.raises(LimbeckError, match="tiny does not know Au"):
        painn.predict(gold)


class TensorNetPotential(GraphPesPotential):
    """All that another network of graph-pes takes."""

    architecture = "tensornet"
    of_size: ClassVar = {"tiny": {"channels": 8, "layers": 1, "cutoff": 4.0, "radial_features": 8}}
    section, citation = PainnSizes, "Simeon and De Fabritiis, arXiv:2306.06482 (2023)"

    @staticmethod
    def network(sizes):
        return TensorNet(**sizes)


def test_another_network_of_graph_pes_takes_a_few_lines(tmp_path):
    torch.manual_seed(0)
    made = TensorNetPotential.build("tiny", STATISTICS, name="t", device="cpu", channels=6)
    made.save(tmp_path)
    potential = TensorNetPotential.load(tmp_path, name="t", device="cpu", dtype="float64")
    assert potential.built_with == {"channels": 6, "layers": 1, "cutoff_A": 4.0}
    for frames in (crystals(), molecules()):
        assert gap(made.predict(frames), potential.predict(frames)).forces < 10 * FORCES
        forces = potential.predict(frames).forces[[0]]
        np.testing.assert_allclose(forces, force_slopes(potential, frames, [0], 1e-4), atol=1e-7)
        assert np.abs(forces).max() > 1e-4
    frames = crystals()
    stress = stress_of(potential, frames)
    np.testing.assert_allclose(stress, stress_slopes(potential, frames, 1e-4), atol=1e-8)
