"""A potential inside torch-sim and inside ASE says what it says by itself."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.calculators.lj import LennardJones as AseLennardJones
from ase.filters import FrechetCellFilter
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet
from ase.optimize import FIRE
from torch_sim.io import atoms_to_state
from torch_sim.models.interface import validate_model_outputs

from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.potentials import open_potential
from limbeck.potentials.ase import PotentialCalculator
from limbeck.potentials.models.toys import EffectiveMedium, LennardJones
from limbeck.potentials.torch_sim import PotentialModel, frames_of_state

CPU = torch.device("cpu")


def rattled(atoms: Atoms, seed: int = 0) -> Atoms:
    atoms.rattle(0.05, seed=seed)
    return atoms


def skewed_argon(seed: int = 0) -> Atoms:
    atoms = rattled(bulk("Ar", "fcc", 3.0).repeat(2), seed)
    atoms.set_cell(atoms.cell[:] @ [[1, 0.03, 0], [0, 1, -0.02], [0.01, 0, 1]], scale_atoms=True)
    return atoms


def test_torch_sim_accepts_the_model():
    validate_model_outputs(PotentialModel(LennardJones()), CPU, torch.float64)


def test_a_batch_in_torch_sim_is_ases_lennard_jones_one_by_one():
    potential = LennardJones(epsilon=0.1)
    structures = [skewed_argon(0), skewed_argon(1)]
    answer = PotentialModel(potential)(atoms_to_state(structures, CPU, torch.float64))
    forces = np.split(answer["forces"].numpy(), 2)
    for b, atoms in enumerate(structures):
        atoms.calc = AseLennardJones(
            sigma=2 * potential.half_sigma[18], epsilon=0.1, rc=potential.cutoff, smooth=False
        )
        # Same formula in float64: rounding of sums over some hundred pairs of order 1.
        close = {"rtol": 0, "atol": 1e-11}
        np.testing.assert_allclose(answer["energy"][b], atoms.get_potential_energy(), **close)
        np.testing.assert_allclose(forces[b], atoms.get_forces(), **close)
        np.testing.assert_allclose(answer["stress"][b], atoms.get_stress(voigt=False), **close)
    assert abs(forces[0] - forces[1]).max() > 0.1  # the two are not the same


def test_a_state_becomes_the_frames_it_was_made_from():
    structures = [skewed_argon(), rattled(bulk("NaCl", "rocksalt", 5.6, cubic=True))]
    frames = frames_of_state(atoms_to_state(structures, CPU, torch.float64))
    expected = from_atoms(structures, groups=["", ""], source="")
    for name in ("n_atoms", "numbers", "positions", "cell", "pbc"):
        np.testing.assert_array_equal(getattr(frames, name), getattr(expected, name), name)


def test_isolated_systems_lose_their_box_and_have_no_stress():
    box = molecule("CH3CH2OH", vacuum=3.0, pbc=False)
    state = atoms_to_state([box], CPU, torch.float64)
    assert not frames_of_state(state).cell.any()
    answer = PotentialModel(LennardJones())(state)
    assert torch.isfinite(answer["forces"]).all()
    assert torch.isnan(answer["stress"]).all()


def test_the_calculators_forces_and_stress_are_derivatives_of_its_energy():
    atoms = skewed_argon()
    atoms.calc = PotentialCalculator(LennardJones())
    # Central differences of 1e-4 A: error h^2 E'''/6, with third derivatives up to 1e3 eV/A^3.
    np.testing.assert_allclose(
        atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-4), atol=1e-5
    )
    np.testing.assert_allclose(
        atoms.get_stress(), calculate_numerical_stress(atoms, eps=1e-5), atol=1e-5
    )
    assert abs(atoms.get_stress()).max() > 0.01


def test_the_calculator_follows_moved_atoms():
    atoms = skewed_argon()
    atoms.calc = PotentialCalculator(LennardJones())
    before = atoms.get_potential_energy()
    atoms.positions[0] += 0.1
    assert atoms.get_potential_energy() != before


def test_a_molecule_has_no_stress():
    atoms = molecule("H2O")
    atoms.calc = PotentialCalculator(LennardJones())
    assert np.isfinite(atoms.get_potential_energy())
    with pytest.raises(PropertyNotImplementedError):
        atoms.get_stress()


def test_charge_and_spin_reach_the_potential():
    seen = []

    class Listening(LennardJones):
        def prepare(self, frames):
            seen.append((int(frames.charge[0]), int(frames.spin[0])))
            return super().prepare(frames)

    atoms = molecule("H2O")
    atoms.info = {"charge": -1, "spin": 1}
    PotentialCalculator(Listening()).get_potential_energy(atoms)
    assert seen == [(-1, 1)]


def test_an_unknown_element_is_named():
    atoms = bulk("Si")
    atoms.calc = PotentialCalculator(EffectiveMedium("emt"))
    with pytest.raises(LimbeckError, match="emt does not know Si, and would guess: 1 of 1 frames"):
        atoms.get_potential_energy()


def salt_of(potential):
    atoms = rattled(bulk("NaCl", "rocksalt", a=5.6, cubic=True))
    atoms.calc = potential.ase_calculator()
    return atoms


def relaxed_with_its_cell(atoms):
    FIRE(FrechetCellFilter(atoms), logfile=None).run(steps=5)


def moved_at_constant_energy(atoms):
    VelocityVerlet(atoms, timestep=1.0).run(3)


def used_well(atoms):
    """In one cell, with a thermostat, and asked about the stress of strained copies."""
    FIRE(atoms, logfile=None).run(steps=5)
    Langevin(atoms, timestep=1.0, temperature_K=300, friction=0.01).run(3)
    for strain in (0.99, 1.01):
        copy = atoms.copy()
        copy.calc = atoms.calc
        copy.set_cell(strain * atoms.cell, scale_atoms=True)
        copy.get_stress()
        copy.get_stress()


USES = {
    relaxed_with_its_cell: ["a cell on it can run away"],
    moved_at_constant_energy: ["without a thermostat it drifts"],
    used_well: [],
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", ["orb-demo", "mace-demo.model"])
def test_a_potential_that_is_not_conservative_warns_once_of_each_use(name, use):
    model = "orb" if name == "orb-demo" else "mace"
    path = str(Path(__file__).parents[3] / "resources/models" / name)
    trust = {"trust": True} if model == "mace" else {}
    potential = open_potential({"name": "p", "model": model, "path": path, **trust})
    atoms = salt_of(potential)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        use(atoms)
        use(atoms)
    caught = [w for w in caught if "not conservative" in str(w.message)]
    assert {w.filename for w in caught} <= {__file__}  # the line of the user, not one of ASE
    said = [str(w.message) for w in caught]
    expected = USES[use] if model == "orb" else []
    assert len(said) == len(expected)
    assert all(words in line for words, line in zip(expected, said, strict=True))
