"""The foundation models of orb-models, with random weights in the files they would be read from."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from orb_models.forcefield import pretrained

from answers import (
    FRAMES,
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
from jobs_of import potential as section_of
from limbeck.averaging.orbit import orbit
from limbeck.config.sections.known import KINDS, ORB_FOUNDATION, SYMBOLS
from limbeck.errors import LimbeckError
from limbeck.files import sha256_of
from limbeck.potentials import open_potential
from limbeck.potentials.models.orb_foundation import ConservativeOrbPotential
from limbeck.symmetry.rotation import Rotation

# float32: energies of 50 eV have a rounding step of 4e-6 eV; forces of 0.1 to 1 eV/A are sums of
# some hundred terms, seen at 2e-6, and so are stresses of 0.1 to 1 eV/A^3, seen at 3e-7.
ENERGY, FORCES, STRESS = 2e-5, 5e-6, 1e-6
# of float64, with margin; seen: 1e-14, 6e-15, 1e-16
EXACT_ENERGY, EXACT_FORCES, EXACT_STRESS = 1e-12, 1e-13, 1e-14

CONSERVATIVE = "orb-v3-conservative-20-omat"
OMOL = "orb-v3-conservative-omol"
#: one of each family of networks, and what is to be found of it: conservative, stress, neighbours
FAMILIES = {
    "orb-d3-xs-v2": (False, True, 20),
    "orb-v3-direct-20-omat": (False, True, 20),
    CONSERVATIVE: (True, True, 20),
    "orb-v3-conservative-inf-mpa": (True, True, 120),
    OMOL: (True, False, 120),
    "orb-v3-direct-omol": (False, False, 120),
    "separate-d4-3layer": (False, True, 120),
}


class Built(Exception):
    pass


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """name -> file of random weights, as the real one is made: a state dictionary."""
    folder, files = tmp_path_factory.mktemp("weights"), {}

    def save(name):
        if name not in files:
            files[name] = folder / f"{name}.ckpt"
            torch.manual_seed(0)
            torch.save(network(name).state_dict(), files[name])
        return files[name]

    return save


def network(name):
    """The network that orb-models builds for a name before it reads the weights."""
    built = []

    def instead(model, *_, **__):
        built.append(model)
        raise Built

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained, "load_model", instead)
        with pytest.raises(Built):
            pretrained.ORB_PRETRAINED_MODELS[name](device="cpu")
    return built[0]


@pytest.fixture(scope="module")
def opened(weights):
    """Potentials by name and precision, each opened once."""
    kept = {}

    def open_one(name, dtype="float32"):
        if (name, dtype) not in kept:
            settings = {"name": "orb", "model": name, "path": str(weights(name)), "dtype": dtype}
            kept[name, dtype] = open_potential(settings)
        return kept[name, dtype]

    return open_one


def test_every_model_of_the_library_is_known_but_those_it_has_withdrawn():
    withdrawn = set(pretrained.ORB_PRETRAINED_MODELS) - set(ORB_FOUNDATION)
    assert set(ORB_FOUNDATION) <= set(pretrained.ORB_PRETRAINED_MODELS)
    assert withdrawn == {name for name in withdrawn if "v1" in name}
    for name in withdrawn:
        with pytest.raises(ValueError, match="deprecated"):
            pretrained.ORB_PRETRAINED_MODELS[name]()


@pytest.mark.parametrize("name", FAMILIES)
def test_it_says_what_it_is(opened, weights, name):
    potential, about = opened(name), opened(name).about
    assert (about.conservative, about.has_stress, about.max_neighbours) == FAMILIES[name]
    assert isinstance(potential, ConservativeOrbPotential) == about.conservative
    assert not about.equivariant
    assert not any(KINDS[name].equivariant for name in ORB_FOUNDATION)
    assert about.cutoff == 6.0
    assert about.licence == "Apache-2.0"
    assert about.weights == sha256_of(weights(name))
    assert {SYMBOLS[z - 1] for z in about.elements} == section_of({"model": name}).known_elements
    assert not any(p.requires_grad for p in potential.module.parameters())


# proper and improper turns of either kind of frame, at half the cost of all
@pytest.mark.parametrize(("kind", "turns"), [("crystals", "improper"), ("molecules", "proper")])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_turned_batch_is_a_batch_of_turned_frames(opened, name, kind, turns):
    found = turning_gap(opened(name), FRAMES[kind](), turns)
    assert found.energy < ENERGY
    assert found.forces < FORCES
    assert found.stress < STRESS


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("turns", ["proper", "improper"])
def test_in_float64_a_turned_batch_is_exact(opened, kind, turns):
    found = turning_gap(opened(CONSERVATIVE, "float64"), FRAMES[kind](), turns)
    assert found.energy < EXACT_ENERGY
    assert found.forces < EXACT_FORCES
    assert found.stress < EXACT_STRESS


@pytest.mark.parametrize("name", [CONSERVATIVE, "orb-d3-xs-v2"])
def test_it_has_a_rotation_gap(opened, name):
    # negative control: without it the tests of turning would pass for a model that sees nothing
    seen = orbit(opened(name), crystals().select([1]), Rotation(), 6, "test")
    assert seen.forces.std(axis=0, ddof=1).mean() > 100 * FORCES
    assert seen.energy.std(axis=0, ddof=1).min() > 10 * ENERGY


# A step of 1e-4 in float64: rounding is 1e-14 eV over the step, 1e-10; truncation is step^2 / 6
# times a third derivative of up to 100 eV/A^3 in a molecule's bonds, 2e-7.
@pytest.mark.parametrize(
    ("name", "kind"), [(CONSERVATIVE, "crystals"), (CONSERVATIVE, "molecules"), (OMOL, "molecules")]
)
def test_forces_are_minus_the_gradient(opened, name, kind):
    potential, frames = opened(name, "float64"), FRAMES[kind]().select([1])
    forces = potential.predict(frames).forces[:1]
    np.testing.assert_allclose(forces, force_slopes(potential, frames, [0], 1e-4), atol=5e-7)
    assert np.abs(forces).max() > 0.01


@pytest.mark.parametrize("make", [crystals, pytest.param(left_handed, marks=pytest.mark.slow)])
def test_stress_is_the_strain_derivative(opened, make):
    potential, frames = opened(CONSERVATIVE, "float64"), make().select([1])
    stress = stress_of(potential, frames)
    # as above, over a volume of 36 A^3 and more
    np.testing.assert_allclose(stress, stress_slopes(potential, frames, 1e-4), atol=1e-8)
    assert np.abs(stress).max() > 1e-3


def test_forces_of_a_direct_model_are_no_gradient(opened):
    potential, frames = opened("orb-v3-direct-20-omat", "float64"), crystals().select([1])
    forces = potential.predict(frames).forces[:1]
    assert np.abs(forces - force_slopes(potential, frames, [0], 1e-4)).max() > 1e-3


def test_evaluating_leaves_the_batch_as_it_was(opened):
    # a conservative model writes vectors and strains of its own into the batch it is given
    potential = opened(CONSERVATIVE)
    batch = potential.prepare(crystals())
    before = batch.edge_features["vectors"].clone()
    first, second = potential.evaluate(batch), potential.evaluate(batch)
    assert gap(first, second) == (0, 0, 0)
    assert torch.equal(batch.edge_features["vectors"], before)
    assert not batch.positions.requires_grad
    assert "generator" not in batch.system_features


def test_answers_do_not_depend_on_how_batches_are_cut(opened):
    for make in (crystals, molecules):
        found = cutting_gap(opened(CONSERVATIVE), make())
        assert found.energy < ENERGY
        assert found.forces < FORCES
        assert found.stress < STRESS


def test_the_repulsion_of_a_mirrored_crystal_has_the_mirrored_stress(opened):
    # atoms so close that the pair repulsion is at work; its own stress divides by a signed volume
    mirror = np.diag([1.0, 1.0, -1.0])
    potential = opened("orb-v3-direct-20-omat")
    pressed, mirrored = (replace(f, cell=0.6 * f.cell, positions=0.6 * f.positions)
                         for f in (crystals(), left_handed()))  # fmt: skip
    found = repulsive_stress(potential, mirrored)
    np.testing.assert_allclose(
        found, mirror @ repulsive_stress(potential, pressed) @ mirror, rtol=1e-3, atol=1e-4
    )
    assert (np.trace(found, axis1=1, axis2=2) < -0.1).all()  # it pushes outwards, as ASE signs it


def repulsive_stress(potential, frames):
    """What the pair repulsion adds to the stress."""
    whole = stress_of(potential, frames)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(potential.module, "pair_repulsion", False)
        return whole - stress_of(potential, frames)


def test_charge_and_spin_reach_the_models_of_molecules_alone(opened):
    frames = molecules().select([1])
    ion = replace(frames, charge=np.array([1]), spin=np.array([0]))
    doublet = replace(frames, charge=np.array([1]), spin=np.array([1]))
    energies = [opened(OMOL).predict(f).energy[0] for f in (frames, ion, doublet)]
    assert len(np.unique(np.round(energies, 3))) == 3
    # one unpaired electron is a doublet: OMol25 counts multiplicities
    assert opened(OMOL).prepare(doublet).system_features["total_spin"].tolist() == [2.0]
    assert opened(OMOL).prepare(frames).system_features["total_spin"].tolist() == [1.0]
    assert "total_spin" not in opened(CONSERVATIVE).prepare(doublet).system_features


def test_a_model_without_stress_has_none(opened):
    assert np.isnan(opened(OMOL).predict(crystals().select([1])).stress).all()
    assert np.isnan(opened("orb-v3-direct-omol").predict(crystals().select([1])).stress).all()


def test_its_ase_calculator_says_the_same(opened):
    potential, frames = opened(CONSERVATIVE), crystals().select([1])
    answer, atoms = potential.predict(frames), frames.to_atoms()[0]
    atoms.calc = potential.ase_calculator()
    assert atoms.get_potential_energy() == pytest.approx(answer.energy[0], abs=ENERGY)
    np.testing.assert_allclose(atoms.get_forces(), answer.forces, atol=FORCES)
    np.testing.assert_allclose(atoms.get_stress(), answer.stress[0], atol=STRESS)


def test_the_librarys_own_calculator_agrees(opened):
    from orb_models.forcefield.calculator import ORBCalculator

    for name in (CONSERVATIVE, "orb-d3-xs-v2", OMOL):
        potential, frames = opened(name), molecules().select([1])
        atoms, answer = frames.to_atoms()[0], potential.predict(frames)
        atoms.info = {"charge": 0, "spin": 1}
        atoms.calc = ORBCalculator(potential.module, device="cpu", conservative=None)
        assert atoms.get_potential_energy() == pytest.approx(answer.energy[0], abs=ENERGY)
        np.testing.assert_allclose(atoms.get_forces(), answer.forces, atol=FORCES)


def test_weights_of_another_model_are_refused(weights):
    path = weights(CONSERVATIVE)
    settings = {"name": "orb", "model": "orb-v3-direct-20-omat", "path": str(path)}
    with pytest.raises(LimbeckError, match=r"did not load from .*: Unexpected key"):
        open_potential(settings)


@pytest.mark.parametrize("head", ["energy", "forces", "stress"])
def test_a_file_without_a_head_is_refused(weights, tmp_path, head):
    # orb-models itself would leave the head at random weights, and say nothing
    whole, path = torch.load(weights("orb-d3-xs-v2"), weights_only=True), tmp_path / "headless.ckpt"
    torch.save({k: v for k, v in whole.items() if not k.startswith(f"heads.{head}.")}, path)
    pretrained.orb_d3_xs_v2(weights_path=str(path), device="cpu", compile=False)
    settings = {"name": "orb", "model": "orb-d3-xs-v2", "path": str(path)}
    with pytest.raises(LimbeckError, match=rf"did not load from .*: no weights for its {head}"):
        open_potential(settings)


def test_names_of_the_first_files_are_understood(weights, tmp_path):
    # orb-v2 was published before its heads had these names
    first = {"forces": "node_head", "energy": "graph_head", "stress": "stress_head"}
    old = {}
    for key, value in torch.load(weights("orb-d3-xs-v2"), weights_only=True).items():
        part = key.split(".")
        old[".".join([first[part[1]], *part[2:]]) if part[0] == "heads" else key] = value
    torch.save(old, tmp_path / "old.ckpt")
    settings = {"name": "orb", "model": "orb-d3-xs-v2"}
    new, legacy = (
        open_potential(settings | {"path": str(p)})
        for p in (weights("orb-d3-xs-v2"), tmp_path / "old.ckpt")
    )
    frames = crystals().select([1])
    assert gap(new.predict(frames), legacy.predict(frames)) == (0, 0, 0)


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.999])
def test_truncated_weights_are_refused_in_one_line(weights, tmp_path, kept):
    whole, path = weights("orb-d3-xs-v2").read_bytes(), tmp_path / "short.ckpt"
    path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else kept])
    settings = {"name": "orb", "model": "orb-d3-xs-v2", "path": str(path)}
    with pytest.raises(LimbeckError, match=r"orb: orb-d3-xs-v2 did not load from") as caught:
        open_potential(settings)
    assert "\n" not in str(caught.value)


@pytest.fixture
def cache(weights, tmp_path, monkeypatch):
    """A cache in which orb-models finds what it would download."""
    from cached_path import resource_to_filename

    def unreachable(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr("limbeck.potentials.models.orb_foundation.cached_path", unreachable)
    address = pretrained.orb_d3_xs_v2.__defaults__[0]
    (tmp_path / resource_to_filename(address, etag="1")).symlink_to(weights("orb-d3-xs-v2"))
    return tmp_path


def test_what_was_downloaded_is_not_asked_for_again(cache, weights):
    settings = {"name": "orb", "model": "orb-d3-xs-v2", "cache": str(cache)}
    digest = sha256_of(weights("orb-d3-xs-v2"))
    assert open_potential(settings | {"sha256": digest}).about.weights == digest
    with pytest.raises(LimbeckError, match=rf"orb\.sha256: .* has {digest}, expected 0000"):
        open_potential(settings | {"sha256": "0" * 64})


def test_a_failed_download_says_what_to_do(cache):
    with pytest.raises(LimbeckError, match=r"could not download orb-v2: no route.*give path:"):
        open_potential({"name": "v2", "model": "orb-v2", "cache": str(cache)})
