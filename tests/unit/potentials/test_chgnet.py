"""CHGNet: turned graphs, derivatives, left-handed cells, and the box of isolated frames."""

from importlib import metadata

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from answers import (
    FRAMES,
    KINDS_OF_TURN,
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
from jobs_of import potential
from limbeck.averaging.views import Views
from limbeck.config.sections.known import SYMBOLS
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.geometry import turn
from limbeck.labelling.label import label
from limbeck.potentials import open_potential

# float32: energies of 30 eV have a rounding step of 2e-6 eV, and sums of some hundred terms of
# order 1 wander by ten steps; forces come from such sums.
ENERGY, FORCES, STRESS = 3e-5, 1e-4, 1e-5


@pytest.fixture(scope="module")
def chgnet():
    return open_potential({"name": "chgnet", "model": "chgnet"})


@pytest.mark.parametrize("turns", KINDS_OF_TURN)
@pytest.mark.parametrize("kind", FRAMES)
def test_a_turned_batch_is_a_batch_of_turned_frames(chgnet, kind, turns):
    frames = FRAMES[kind]()
    found = turning_gap(chgnet, frames, turns)
    assert found.energy < ENERGY
    assert found.forces < FORCES
    assert found.stress < STRESS
    assert np.abs(chgnet.predict(frames).forces).max() > 1  # there is something to turn


def test_the_sign_of_a_mirrored_stress_is_taken_care_of(chgnet):
    # The trace of the stress does not change in a mirror; CHGNet's own would change sign.
    mirror = np.tile(np.diag([1.0, 1.0, -1.0]), (2, 1, 1))
    batch = chgnet.prepare(crystals())
    trace, mirrored = (
        chgnet.evaluate(b).stress[:, :3].sum(axis=1) for b in (batch, chgnet.rotate(batch, mirror))
    )
    np.testing.assert_allclose(mirrored, trace, atol=STRESS)
    assert np.abs(trace).min() > 100 * STRESS  # negative control: a flipped sign would be seen
    raw = chgnet.module(chgnet.rotate(batch, mirror).graphs, task="efs")["s"]
    raw_trace = np.array([np.trace(s.detach().numpy()) for s in raw]) / 160.21766208
    np.testing.assert_allclose(raw_trace, -trace, atol=3 * STRESS)


# A step of 0.003 A: rounding leaves a few 1e-6 eV / 0.006 A, 1e-3 eV/A; truncation is step^2 / 6
# times a third derivative of at most 1000 eV/A^3 (the bonds of water), 2e-3 eV/A. Smaller steps
# lose to the first, larger ones to the second.
@pytest.mark.parametrize("kind", FRAMES)
def test_forces_are_minus_the_gradient(chgnet, kind):
    frames = FRAMES[kind]()
    rows = [0, 1, len(frames.numbers) - 1]
    forces = chgnet.predict(frames).forces[rows]
    np.testing.assert_allclose(forces, force_slopes(chgnet, frames, rows, 0.003), atol=5e-3)
    assert np.abs(forces).max() > 0.3


# A strain of 0.005: rounding leaves a few 1e-6 eV / 0.01 / V with V > 36 A^3, 1e-5 eV/A^3;
# truncation is step^2 / 6 times a third derivative of some 20 eV/A^3, 1e-4 eV/A^3.
@pytest.mark.parametrize("make", [crystals, left_handed])
def test_stress_is_the_strain_derivative(chgnet, make):
    frames = make()
    stress = stress_of(chgnet, frames)
    np.testing.assert_allclose(stress, stress_slopes(chgnet, frames, 0.005), atol=3e-4)
    assert np.abs(stress).max() > 0.05


def test_a_compressed_crystal_pushes_outwards(chgnet):
    # ASE's sign: the stress of what wants to expand is negative
    frames = from_atoms(
        [bulk("NaCl", "rocksalt", a=a) for a in (5.2, 6.2)], groups=["a", "b"], source="named"
    )
    compressed, stretched = chgnet.predict(frames).stress[:, :3]
    assert (compressed < -0.01).all()
    assert (stretched > 0.01).all()


def test_answers_do_not_depend_on_how_batches_are_cut(chgnet):
    frames = concatenate([molecules(), crystals(), molecules().select([1])])
    found = cutting_gap(chgnet, frames)
    assert found.energy < ENERGY
    assert found.forces < FORCES
    assert found.stress < STRESS
    # the order of the answers is that of the frames: all four differ, and water comes twice
    energy = chgnet.predict(frames).energy
    assert len(np.unique(energy.round(3))) == 4
    assert energy[4] == pytest.approx(energy[1], abs=ENERGY)


def boxed(frames, margin):
    """The molecules in periodic boxes that leave ``margin`` between an atom and an image."""
    structures = []
    for atoms in frames.to_atoms():
        extent = np.ptp(atoms.positions, axis=0)
        structures.append(Atoms(atoms.symbols, atoms.positions, cell=extent + margin, pbc=True))
    return from_atoms(structures, groups=["a", "b"], source="boxed")


def test_the_box_of_isolated_frames_is_wide_enough(chgnet):
    isolated = chgnet.predict(molecules())
    assert np.isnan(isolated.stress).all()
    wide = chgnet.predict(boxed(molecules(), 25.0))
    np.testing.assert_allclose(isolated.energy, wide.energy, atol=ENERGY)
    np.testing.assert_allclose(isolated.forces, wide.forces, atol=FORCES)
    # negative control: in a narrow box the atoms see their images
    narrow = chgnet.predict(boxed(molecules(), 3.0))
    assert np.abs(isolated.energy - narrow.energy).min() > 0.01


def test_turning_leaves_the_batch_as_it_was(chgnet):
    batch = chgnet.prepare(crystals())
    before = chgnet.evaluate(batch)
    q = KINDS_OF_TURN["improper"](2, np.random.default_rng(1))
    assert gap(before, chgnet.evaluate(chgnet.rotate(batch, q))).forces > 0.1
    after = chgnet.evaluate(batch)
    assert gap(before, after) == (0, 0, 0)


def test_a_lone_atom_costs_its_own_label_alone(chgnet):
    # CHGNet has no answer for an atom without neighbours
    frames = concatenate([molecules(), from_atoms([Atoms("H")], groups=["H"], source="named")])
    found = label(chgnet, frames, Views(), max_force=100)
    assert found.status.tolist() == [0, 0, 4]


def test_it_knows_the_elements_that_the_plan_is_told():
    chgnet = open_potential({"name": "c", "model": "chgnet", "batch_atoms": 7})
    symbols = {SYMBOLS[z - 1] for z in chgnet.about.elements}
    assert symbols == potential({"model": "chgnet"}).known_elements
    assert len(symbols) == 89
    assert chgnet.batch_atoms == 7


@pytest.mark.parametrize(("version", "cutoff"), [("0.2.0", 5.0), ("r2scan", 6.0)])
def test_every_version_has_its_own_weights(chgnet, version, cutoff):
    other = open_potential({"name": "c", "model": "chgnet", "version": version})
    assert other.about.cutoff == cutoff
    assert other.about.weights == f"chgnet=={metadata.version('chgnet')} {version}"
    assert ("Huang" in other.about.citation) == (version == "r2scan")
    assert other.about.licence == "BSD-3-Clause-LBNL"
    found = gap(other.predict(crystals()), chgnet.predict(crystals()))
    assert found.energy > 0.1  # of another functional, or another training
    assert 0.001 < found.forces < 1


def test_its_ase_calculator_says_the_same(chgnet):
    frames = crystals().select([1])
    answer, atoms = chgnet.predict(frames), frames.to_atoms()[0]
    atoms.calc = chgnet.ase_calculator()
    assert atoms.get_potential_energy() == pytest.approx(answer.energy[0], abs=ENERGY)
    np.testing.assert_allclose(atoms.get_forces(), answer.forces, atol=FORCES)
    np.testing.assert_allclose(atoms.get_stress(), answer.stress[0], atol=STRESS)


def test_mixed_periodicity_is_refused(chgnet):
    with pytest.raises(LimbeckError, match="isolated and periodic"):
        chgnet.prepare(concatenate([molecules(), crystals()]))


def test_mirrored_frames_have_mirrored_answers(chgnet):
    mirror = np.diag([1.0, 1.0, -1.0])
    right, left = chgnet.predict(crystals()), chgnet.predict(left_handed())
    np.testing.assert_allclose(left.energy, right.energy, atol=ENERGY)
    np.testing.assert_allclose(left.forces, right.forces @ mirror, atol=FORCES)
    stress = mirror @ stress_of(chgnet, crystals()) @ mirror
    np.testing.assert_allclose(stress_of(chgnet, left_handed()), stress, atol=STRESS)
    assert (np.linalg.det(turn(crystals(), np.tile(mirror, (2, 1, 1))).cell) < 0).all()
