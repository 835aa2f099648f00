"""Every door to a potential: unknown elements, and frames far from the origin."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch_sim
from ase import Atoms
from ase.build import bulk, molecule

from limbeck.averaging.views import Views
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.geometry import near_origin
from limbeck.labelling.label import label
from limbeck.potentials import open_potential
from limbeck.potentials.torch_sim import dynamics_model, state_of
from limbeck.reasons import Status
from limbeck.warrant.gaps import measure_gaps

RESOURCES = Path(__file__).parents[3] / "resources/models"
MODELS = {
    "chgnet": {"model": "chgnet"},
    "mace": {"model": "mace", "path": f"{RESOURCES}/mace-demo.model", "trust": True},
    "direct": {"model": "orb", "path": f"{RESOURCES}/orb-demo"},
}
#: eV/Angstrom. Coordinates below 8 A are rounded by up to 2.4e-7 A in single precision, which a
#: bond of 50 eV/A^2 makes 1e-5; found: 2e-5.
FORCES = 1e-4
FAR = np.array([1000.0, 700.0, -300.0])


@pytest.fixture(scope="module")
def opened():
    return {name: open_potential({"name": name, **own}) for name, own in MODELS.items()}


def ethanols(shift=(0, 0, 0)):
    structures = []
    for seed in range(6):
        atoms = molecule("CH3CH2OH")
        atoms.rattle(0.05, seed=seed)
        atoms.positions += shift
        structures.append(atoms)
    return from_atoms(structures, groups=["ethanol"] * 6, source="s")


def salt(images=None):
    atoms = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
    atoms.rattle(0.05, seed=1)
    if images is not None:
        atoms.positions += images @ np.asarray(atoms.cell)
    return from_atoms([atoms], groups=["NaCl"], source="s")


@pytest.mark.parametrize("name", MODELS)
def test_molecules_far_from_the_origin_are_answered_as_those_near_it(opened, name):
    potential = opened[name]
    near, far = potential.predict(ethanols()), potential.predict(ethanols(FAR))
    np.testing.assert_allclose(far.forces, near.forces, atol=FORCES)
    # float32 of some 50 eV, and of CHGNet a mean over atoms
    np.testing.assert_allclose(far.energy, near.energy, atol=1e-4)
    if name == "mace":
        return  # its search for neighbours takes 10 s for a molecule so far away
    # Negative control, without what is tested: some meV/A.
    rounded = potential.evaluate(potential.batch_of(ethanols(FAR)))
    assert np.abs(rounded.forces - near.forces).max() > 10 * FORCES


@pytest.mark.parametrize("name", ["chgnet", "mace"])
def test_atoms_many_cells_away_are_answered_as_those_in_their_cell(opened, name):
    potential = opened[name]
    images = np.random.default_rng(0).integers(-150, 150, size=(8, 3))
    near, far = potential.predict(salt()), potential.predict(salt(images))
    np.testing.assert_allclose(far.forces, near.forces, atol=FORCES)
    np.testing.assert_allclose(far.stress, near.stress, atol=1e-6)


def test_labels_and_other_programs_have_them_too(opened):
    mace, near = opened["mace"], opened["mace"].predict(ethanols()).forces
    far = ethanols(FAR)
    labels = label(mace, far, Views())
    np.testing.assert_allclose(labels.forces, near, atol=FORCES)
    atoms = far.to_atoms()[0]
    atoms.calc = mace.ase_calculator()
    np.testing.assert_allclose(atoms.get_forces(), near[:9], atol=FORCES)
    for model in (mace.torch_sim_model(), dynamics_model(mace)):
        state = state_of(far, model)
        found = model(state)["forces"].numpy()
        np.testing.assert_allclose(found, near, atol=FORCES)
        # with the neighbours of the first call
        state.positions = state.positions + 0.01
        np.testing.assert_allclose(model(state)["forces"].numpy(), near, atol=FORCES)


def test_what_is_near_stays_as_it_is_and_what_is_far_comes_back():
    frames = concatenate([ethanols(), salt()])
    assert near_origin(frames) is frames
    images = np.array([[40, 0, -3], *[[0, 0, 0]] * 7])
    moved = concatenate([ethanols(8.0 * np.array([125, -3, 1])), salt(images)])
    found = near_origin(moved)
    np.testing.assert_allclose(found.positions[:54], frames.positions[:54], atol=1e-12)
    cells = (found.positions - frames.positions)[54:] / 5.6  # of an atom at the edge, another image
    np.testing.assert_allclose(cells, np.rint(cells), atol=1e-12)
    assert np.abs(found.positions[54:]).max() < 5.7
    assert found.id.tolist() == moved.id.tolist()
    # all of a molecule by one vector, also where its atoms are on two sides of a step
    steps = (moved.positions - found.positions)[:54].reshape(6, 9, 3)
    assert (steps == steps[:, :1]).all()
    assert len(near_origin(frames.select([]))) == 0


def test_the_dipole_of_an_ion_stays_where_its_origin_is():
    xtb = open_potential({"name": "xtb", "model": "xtb"})
    ion = from_atoms([molecule("OH")], groups=["OH"], source="s", charges=[-1])
    there = replace(ion, positions=ion.positions + np.array([0, 0, 100.0]))
    near, far = (xtb.predict(f).values["dipole"][0] for f in (ion, there))
    # about the centre of nuclear charge, which goes along; about a fixed point, minus one charge
    # 100 A away would make -100; xTB's charges are converged to 1e-6
    np.testing.assert_allclose(far, near, atol=1e-3)
    assert np.linalg.norm(near) > 0.1  # e A: OH- has one


def test_the_translation_gap_sees_large_coordinates_where_nothing_keeps_them_away(opened):
    """In meV/A, of shifts by 1, 40 and 1,000 A; the second is the negative control."""
    (kept,) = measure_gaps([opened["direct"]], ethanols(), ["translation"], 3)
    bare = open_potential({"name": "bare", **MODELS["direct"]})
    bare.ready = lambda frames: frames
    (rounded,) = measure_gaps([bare], ethanols(), ["translation"], 3)
    assert kept["forces"]["value"] < 0.02  # as FORCES; found: 0.004
    assert rounded["forces"]["value"] > 0.2


def gold():
    return from_atoms([Atoms("Au2", [[0, 0, 0], [2.5, 0, 0]])], groups=["Au2"], source="s")


def asked_by_ase(potential):
    atoms = gold().to_atoms()[0]
    atoms.calc = potential.ase_calculator()
    return atoms.get_forces()


def asked_by_torch_sim(potential):
    model = potential.torch_sim_model()
    return model(state_of(gold(), model))


def asked_by_a_runner_of_torch_sim(potential):
    return torch_sim.static(gold().to_atoms(), potential.torch_sim_model())


DOORS = [
    lambda potential: potential.predict(gold()),
    lambda potential: potential.predict(concatenate([ethanols(), gold()])),
    lambda potential: potential.evaluate(potential.prepare(gold())),
    asked_by_ase,
    asked_by_torch_sim,
    asked_by_a_runner_of_torch_sim,
]


@pytest.mark.parametrize("name", ["mace", "direct"])
@pytest.mark.parametrize("door", DOORS)
def test_an_unknown_element_is_an_error_at_every_door(opened, name, door):
    with pytest.raises(LimbeckError, match=f"{name} does not know Au, and would guess"):
        door(opened[name])


@pytest.mark.parametrize("name", ["mace", "direct"])
def test_an_unknown_element_is_a_status_of_a_label(opened, name):
    labels = label(opened[name], concatenate([ethanols(), gold()]), Views())
    assert labels.status.tolist() == [Status.GOOD] * 6 + [Status.UNKNOWN_ELEMENT]
    assert np.isnan(labels.forces[-2:]).all()


def test_atoms_of_a_flat_cell_stay_where_they_are():
    """It has no inverse; whoever looks for neighbours says what is wrong with it."""
    flat = bulk("Cu", cubic=True)
    flat.cell[2] = flat.cell[1]
    both = from_atoms([flat, bulk("Cu", cubic=True)], groups=["a", "b"], source="s")
    assert near_origin(both) is both
