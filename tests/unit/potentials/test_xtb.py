"""Extended tight binding: units, signs, charges and spins, and what is said where it fails."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from answers import (
    KINDS_OF_TURN,
    SHEAR,
    cutting_gap,
    force_slopes,
    gap,
    molecules,
    stress_of,
    stress_slopes,
    turning_gap,
)
from jobs_of import potential
from limbeck.averaging.orbit import orbit
from limbeck.config.sections.known import SYMBOLS
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.geometry import turn
from limbeck.potentials import open_potential
from limbeck.symmetry.reflection import Reflection

METHODS = ["GFN1-xTB", "GFN2-xTB"]
# The self-consistent cycle ends a hundred times closer than usual; seen between orientations: 2e-13
# eV and 1e-13 eV/A.
ENERGY, FORCES = 1e-9, 1e-8


def crystal():
    """One molecule of water a cell, dense and strained: few atoms, and few images of them."""
    atoms = molecule("H2O", cell=[3.4, 3.6, 3.8], pbc=True)
    atoms.rattle(0.05, seed=0)
    atoms.set_cell(atoms.cell @ SHEAR, scale_atoms=True)
    return from_atoms([atoms], groups=["ice"], source="named")


def mirrored():
    return turn(crystal(), np.diag([1.0, 1.0, -1.0])[None])


FRAMES = {"crystal": crystal, "left-handed": mirrored, "molecules": molecules}


@pytest.fixture(scope="module", params=METHODS)
def xtb(request):
    return open_potential({"name": "xtb", "model": "xtb", "method": request.param})


@pytest.fixture(scope="module")
def gfn2():
    return open_potential({"name": "xtb", "model": "xtb"})


def test_it_says_what_it_is(xtb):
    about = xtb.about
    assert about.weights.startswith("tblite==0.")
    assert xtb.method in about.weights
    assert about.licence.startswith("LGPL-3.0")
    assert (about.conservative, about.equivariant, about.dtype) == (True, True, "float64")
    assert about.properties == ("energy", "forces", "stress", "charges", "dipole")
    assert {SYMBOLS[z - 1] for z in about.elements} == potential({"model": "xtb"}).known_elements


def test_known_energies(gfn2):
    # from tblite's own documentation (silane): -3.763 Hartree, and a check of units: 1 Hartree is
    # 27.2114 eV; its usual thresholds leave 1e-6 Hartree
    positions = 1.617683897558 * np.array(
        [[0, 0, 0], [1, 1, -1], [-1, -1, -1], [1, -1, 1], [-1, 1, 1]]
    )
    silane = Atoms("SiH4", 0.529177 * positions)  # it gives Bohr
    energy = gfn2.predict(from_atoms([silane], groups=["a"], source="s")).energy[0]
    assert energy == pytest.approx(-3.7632337 * 27.211386, abs=1e-4)


@pytest.mark.parametrize("turns", KINDS_OF_TURN)
@pytest.mark.parametrize("kind", FRAMES)
def test_a_turned_batch_is_a_batch_of_turned_frames(xtb, kind, turns):
    assert turning_gap(xtb, FRAMES[kind](), turns) == (0, 0, 0)  # the batch is the frames


def test_it_is_equivariant_but_for_the_self_consistent_cycle(xtb):
    seen = orbit(xtb, molecules(), Reflection(), 4, "test")
    assert seen.energy.std(axis=0).max() < ENERGY
    assert seen.forces.std(axis=0).max() < FORCES
    assert np.abs(seen.forces).max() > 1


# A step of 1e-3: the cycle leaves some 1e-10 eV over it, 1e-7; truncation is step^2 / 6 times a
# third derivative of at most 1000 eV/A^3, 2e-4.
@pytest.mark.parametrize("kind", FRAMES)
def test_forces_are_minus_the_gradient(xtb, kind):
    frames = FRAMES[kind]()
    forces = xtb.predict(frames).forces[:2]
    np.testing.assert_allclose(forces, force_slopes(xtb, frames, [0, 1], 1e-3), atol=3e-4)
    assert np.abs(forces).max() > 0.3


@pytest.mark.parametrize("kind", ["crystal", "left-handed"])
def test_stress_is_the_strain_derivative(xtb, kind):
    frames = FRAMES[kind]()
    stress = stress_of(xtb, frames)
    # as above: third derivatives of the strained energy over V are some 100 eV/A^3
    np.testing.assert_allclose(stress, stress_slopes(xtb, frames, 1e-3), atol=2e-4)
    assert np.abs(stress).max() > 0.02


def test_answers_do_not_depend_on_how_batches_are_cut(gfn2):
    frames = concatenate([molecules(), crystal(), molecules().select([1])])
    assert cutting_gap(gfn2, frames) == (0, 0, 0)
    assert len(np.unique(gfn2.predict(frames).energy)) == 3  # water comes twice


def test_charges_and_the_dipole_are_answered(gfn2):
    frames = concatenate([molecules(), crystal()])
    found = gfn2.predict(frames).values
    sums = np.bincount(frames.frame_of_atom, weights=found["charges"])
    np.testing.assert_allclose(sums, 0, atol=1e-9)
    assert found["charges"].shape == (len(frames.numbers),)
    assert found["dipole"].shape == (3, 3)
    assert np.isnan(found["dipole"][2]).all()  # of a crystal it is not defined
    oxygen = found["charges"][frames.atoms_of(1)][0]
    assert -0.8 < oxygen < -0.3  # of water; hydrogens are positive
    # it points from the negative to the positive end
    water = frames.positions[frames.atoms_of(1)]
    towards = water[1:].mean(axis=0) - water[0]
    assert found["dipole"][1] @ towards > 0
    assert np.linalg.norm(found["dipole"][1]) == pytest.approx(0.45, abs=0.1)  # 1.85 D measured


def test_the_dipole_of_an_ion_is_about_its_own_centre(gfn2):
    anion = from_atoms([molecule("OH")] * 2, groups=["a", "b"], source="s", charges=[-1, -1])
    shift = np.repeat([[0.0, 0.0, 0.0], [30.0, -20.0, 10.0]], 2, axis=0)
    dipoles = gfn2.predict(replace(anion, positions=anion.positions + shift)).values["dipole"]
    # about the origin they would differ by 37 e A; the cycle converges to about 1e-6
    np.testing.assert_allclose(dipoles[0], dipoles[1], atol=1e-5)


def test_charge_and_unpaired_electrons_of_a_frame_count(gfn2):
    hydroxyl = from_atoms([molecule("OH")], groups=["OH"], source="named")
    anion, cation = (replace(hydroxyl, charge=np.array([c])) for c in (-1, 1))
    triplet = replace(cation, spin=np.array([2]))
    energies = [gfn2.predict(f).energy[0] for f in (hydroxyl, anion, cation, triplet)]
    # an affinity of some eV, an ionisation of more than ten, and a higher or lower spin
    assert energies[1] < energies[0] < energies[2] - 10
    assert abs(energies[3] - energies[2]) > 0.01
    charges = gfn2.predict(anion).values["charges"]
    assert charges.sum() == pytest.approx(-1, abs=1e-9)


def test_its_ase_calculator_says_the_same(gfn2):
    frames = molecules()
    answer, atoms = gfn2.predict(frames), frames.to_atoms()[1]
    atoms.calc = gfn2.ase_calculator()
    rows = frames.atoms_of(1)
    assert atoms.get_potential_energy() == answer.energy[1]
    np.testing.assert_array_equal(atoms.get_forces(), answer.forces[rows])
    np.testing.assert_array_equal(atoms.get_charges(), answer.values["charges"][rows])
    np.testing.assert_array_equal(atoms.get_dipole_moment(), answer.values["dipole"][1])


def test_tblites_own_calculator_agrees(gfn2):
    from tblite.ase import TBLite

    for frames in (molecules().select([1]), crystal()):
        atoms, answer = frames.to_atoms()[0], gfn2.predict(frames)
        atoms.calc = TBLite(method="GFN2-xTB", verbosity=0, accuracy=0.01)
        # constants of two sources differ at 1e-9
        assert atoms.get_potential_energy() == pytest.approx(answer.energy[0], rel=1e-7)
        np.testing.assert_allclose(atoms.get_forces(), answer.forces, atol=1e-5)
        if frames.periodic[0]:
            np.testing.assert_allclose(atoms.get_stress(), answer.stress[0], atol=1e-6)


def test_a_frame_that_fails_is_named(gfn2, monkeypatch):
    from tblite.exceptions import TBLiteRuntimeError
    from tblite.interface import Calculator

    def fails(*_, **__):
        raise TBLiteRuntimeError("SCF not converged in 250 cycles")

    monkeypatch.setattr(Calculator, "singlepoint", fails)
    frames = molecules()
    name = frames.id[1].decode()  # water, the smaller one, comes first
    with pytest.raises(LimbeckError, match=rf"xtb: frame {name}: GFN2-xTB gave no answer: SCF not"):
        gfn2.predict(frames)


def test_what_tblite_refuses_is_told(gfn2):
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0]])  # two atoms at one place
    frames = from_atoms([atoms], groups=["a"], source="s")
    with pytest.raises(LimbeckError, match="GFN2-xTB gave no answer"):
        gfn2.predict(frames)


def test_unknown_elements_are_told(gfn2):
    frames = from_atoms([Atoms("Rn"), Atoms("U")], groups=list("ab"), source="named")
    assert gfn2.unknown_elements(frames).tolist() == [False, True]


@pytest.mark.parametrize("first", ["torch", "tblite.interface"])
def test_torch_and_tblite_share_a_process(repository, first):
    # each brings an OpenMP of its own
    code = (
        f"import sys, {first}; sys.path[:0] = ['scripts', 'tests']; import numpy as np, torch;"
        "from answers import molecules; from limbeck.potentials import open_potential;"
        "x = open_potential({'name': 'x', 'model': 'xtb'}); a = x.predict(molecules()).energy;"
        "t = torch.rand(200, 200); print((t @ t).sum().item() > 0, a.round(3).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("True [-309.255, -137.688]"), done.stdout


def test_two_answers_have_the_same_bits(gfn2):
    assert gap(gfn2.predict(molecules()), gfn2.predict(molecules())) == (0, 0, 0)
