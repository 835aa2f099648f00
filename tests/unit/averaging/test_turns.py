"""The angle scan: which frames are turned, and what is known of the curves."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from breakers import Breaker
from limbeck.averaging.turns import EVALUATIONS, scans, to_be_turned
from limbeck.cost.work import SCAN_VIEWS
from limbeck.frames import concatenate, from_atoms


def along_x(scene):
    """Bonds along x count twice."""
    unit = scene.vectors / scene.vectors.norm(dim=1, keepdim=True)
    return scene.sites.sum() + 0.5 * (scene.terms * unit[:, 0] ** 2).sum()


def isotropic(scene):
    return scene.sites.sum()


def frames_of(*structures):
    return from_atoms(list(structures), groups=[str(a.symbols) for a in structures], source="s")


def dimer(length=2.5):
    return Atoms("Cu2", [[0, 0, 0], [length, 0, 0]])


def crystal():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    return atoms


def test_a_bond_along_x_is_worth_its_cosine_squared():
    model = Breaker(along_x)
    (found,) = scans(model, frames_of(dimer()))
    angles = np.array(found["angle_deg"])
    assert len(angles) == EVALUATIONS - 1
    assert SCAN_VIEWS == EVALUATIONS  # what an estimate counts
    assert (angles[0], angles[-1]) == (0.0, 360.0)
    # what the bond is worth along x, beside that of the model without a preferred axis
    along, without = (
        1000 * Breaker(energy).predict(frames_of(dimer())).energy[0] / 2
        for energy in (along_x, isotropic)
    )
    expected = (along - without) * (np.cos(np.radians(angles)) ** 2 - 1)
    # float64 rounding of a turned energy of some eV
    assert found["energy_meV_per_atom"] == pytest.approx(expected, abs=1e-7)
    assert max(found["forces_meV_per_A"]) > 100
    assert found["as_given"] != found["turned"]


def test_a_model_that_keeps_the_symmetry_is_level():
    for found in scans(Breaker(isotropic), frames_of(dimer(), crystal())):
        # float64 rounding, meV
        assert np.abs(found["energy_meV_per_atom"]).max() < 1e-7
        assert max(found["forces_meV_per_A"]) < 1e-7
        assert np.abs(np.subtract(found["as_given"], found["turned"])).max() < 1e-5  # of 6 digits


def test_one_of_each_kind_is_turned_and_known_chemistry_first():
    frames = frames_of(dimer(), dimer(2.6), crystal(), bulk("Cu"))
    molecules, crystals = np.array([0, 1]), np.array([2, 3])
    found = to_be_turned(frames, np.array([1, 3]), np.array([0, 2]))
    assert found.id.tolist() == frames.id[[1, 3]].tolist()
    found = to_be_turned(frames, molecules, crystals)
    assert found.periodic.tolist() == [False, True]
    assert found.id[0] == min(frames.id[molecules])
    assert len(to_be_turned(frames, molecules, molecules)) == 1


def test_an_element_that_is_not_known_is_told():
    gold = concatenate([frames_of(dimer()), frames_of(Atoms("Xe2", [[0, 0, 0], [0, 0, 4]]))])
    known, other = scans(Breaker(isotropic), gold)
    assert "error" not in known
    assert other["error"] == "it does not know an element"
    assert other["frame"]["of"] == "Xe2"
