"""matgl's potentials, trained: derivatives, turned batches, molecules, what is refused."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms

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
from limbeck.averaging.orbit import orbit
from limbeck.errors import LimbeckError
from limbeck.files import sha256_of
from limbeck.frames import concatenate, from_atoms
from limbeck.potentials import open_potential
from limbeck.potentials.models.matgl import FILES
from limbeck.symmetry.reflection import Reflection

FOLDERS = {
    "m3gnet": "M3GNet-MP-2021.2.8-PES",
    "tensornet": "TensorNet-MatPES-PBE-v2025.1-PES",
    "ani": "TensorNet-ANI-1x-Subset-PES",
}
#: which frames a model knows: the last is one of molecules of H, C, N and O
KINDS = [(name, kind) for name in ("m3gnet", "tensornet") for kind in FRAMES] + [
    ("ani", "molecules")
]
# float32: energies of up to 4,000 eV have a rounding step of 2e-4 eV; forces are sums of some
# hundred terms of order 10, seen at 8e-5, and M3GNet's angles come from an arc cosine.
ENERGY, FORCES, STRESS = 1e-3, 3e-4, 3e-5
# of float64, with margin; seen: 1e-14 eV, 5e-14 eV/A, 8e-15 eV/A^3
EXACT_ENERGY, EXACT_FORCES, EXACT_STRESS = 1e-11, 1e-12, 1e-13


@pytest.fixture(scope="module")
def folder(shared):
    return lambda name: shared / "potentials" / FOLDERS[name]


@pytest.fixture(scope="module")
def opened(folder):
    kept = {}

    def open_one(name, dtype="float32"):
        if (name, dtype) not in kept:
            settings = {"name": name, "model": "matgl", "path": str(folder(name)), "dtype": dtype}
            kept[name, dtype] = open_potential(settings)
        return kept[name, dtype]

    return open_one


def test_it_says_what_it_is(opened, folder):
    known = {"m3gnet": (89, True), "tensornet": (89, True), "ani": (4, False)}
    for name, (elements, stress) in known.items():
        about = opened(name).about
        assert (len(about.elements), about.has_stress) == (elements, stress)
        assert (about.conservative, about.equivariant, about.cutoff) == (True, True, 5.0)
        assert about.licence.startswith("BSD-3-Clause")
        assert about.weights == sha256_of(folder(name))
        assert about.dtype == "float32"
    assert opened("ani").about.elements == {1, 6, 7, 8}
    assert "Nat. Comput. Sci. 2, 718" in opened("m3gnet").about.citation
    assert "arXiv:2306.06482" in opened("tensornet").about.citation


@pytest.mark.parametrize("turns", ["proper", "improper"])
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_turned_batch_is_a_batch_of_turned_frames(opened, name, kind, turns):
    found = turning_gap(opened(name, "float64"), FRAMES[kind](), turns)
    assert found.energy < EXACT_ENERGY
    assert found.forces < EXACT_FORCES
    assert found.stress < EXACT_STRESS


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_it_is_equivariant_under_rotations_and_reflections(opened, name, kind):
    # the batch is turned, so that this is of the network and not of the neighbour search
    seen = orbit(opened(name, "float64"), FRAMES[kind]().select([1]), Reflection(), 4, "test")
    assert seen.energy.std(axis=0).max() < EXACT_ENERGY
    assert seen.forces.std(axis=0).max() < EXACT_FORCES
    assert not np.nanmax(seen.stress.std(axis=0), initial=0) > EXACT_STRESS
    assert np.abs(seen.forces).max() > 0.1


# A step of 1e-4 in float64: rounding is 1e-13 eV over the step, 1e-9 eV/A; truncation is step^2 / 6
# times a third derivative of up to 5,000 eV/A^3 (M3GNet in water's bonds), 1e-5 eV/A.
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_forces_are_minus_the_gradient(opened, name, kind):
    potential, frames = opened(name, "float64"), FRAMES[kind]().select([1])
    forces = potential.predict(frames).forces[:2]
    np.testing.assert_allclose(forces, force_slopes(potential, frames, [0, 1], 1e-4), atol=2e-5)
    assert np.abs(forces).max() > 0.05


# matgl answers in GPa, which are 0.0062 eV/A^3: a wrong unit or sign is far beyond the tolerance.
# Step as above; third derivatives of the strained energy over V are some 1000 eV/A^3: 2e-6.
@pytest.mark.parametrize("make", [crystals, left_handed])
@pytest.mark.parametrize("name", ["m3gnet", "tensornet"])
def test_stress_is_the_strain_derivative(opened, name, make):
    potential, frames = opened(name, "float64"), make().select([1])
    stress = stress_of(potential, frames)
    np.testing.assert_allclose(stress, stress_slopes(potential, frames, 1e-4), atol=5e-6)
    assert np.abs(stress).max() > 0.02


@pytest.mark.parametrize("name", FOLDERS)
def test_float32_and_float64_agree(opened, name):
    for make in [molecules] if name == "ani" else [crystals, molecules]:
        found = gap(opened(name).predict(make()), opened(name, "float64").predict(make()))
        assert found.energy < ENERGY
        assert 0 < found.forces < FORCES
        assert found.stress < STRESS


@pytest.mark.parametrize("name", FOLDERS)
def test_answers_do_not_depend_on_how_batches_are_cut(opened, name):
    potential = opened(name, "float64")
    periodic = [] if name == "ani" else [crystals()]
    frames = concatenate([molecules(), *periodic, molecules().select([1])])
    found = cutting_gap(potential, frames)
    assert found.energy < EXACT_ENERGY
    assert found.forces < EXACT_FORCES
    assert found.stress < EXACT_STRESS
    energy = potential.predict(frames).energy
    assert len(np.unique(energy.round(6))) == len(frames) - 1  # water comes twice


@pytest.mark.parametrize("name", ["m3gnet", "tensornet"])
def test_isolated_frames_see_no_images(opened, name):
    structures = molecules().to_atoms()
    for atoms in structures:
        atoms.set_cell([20.0] * 3)
        atoms.pbc = True
    potential = opened(name, "float64")
    boxed = potential.predict(from_atoms(structures, groups=["a", "b"], source="boxed"))
    alone = potential.predict(molecules())
    np.testing.assert_allclose(alone.energy, boxed.energy, atol=EXACT_ENERGY)
    np.testing.assert_allclose(alone.forces, boxed.forces, atol=EXACT_FORCES)
    assert np.isnan(alone.stress).all()
    assert np.isfinite(boxed.stress).all()


@pytest.mark.parametrize("name", FOLDERS)
def test_few_atoms_have_an_answer(opened, name):
    # no neighbours at all, and a pair without any third atom
    frames = from_atoms([Atoms("H"), Atoms("H2", [[0, 0, 0], [0, 0, 0.8]])], groups=list("ab"),
                        source="named")  # fmt: skip
    answer = opened(name).predict(frames)
    assert np.isfinite(answer.energy).all()
    np.testing.assert_array_equal(answer.forces[0], 0)
    np.testing.assert_allclose(answer.forces[1], -answer.forces[2], atol=FORCES)


def test_turning_leaves_the_batch_as_it_was(opened):
    potential = opened("tensornet")
    batch = potential.prepare(crystals())
    before = potential.evaluate(batch)
    potential.evaluate(potential.rotate(batch, np.tile(-np.eye(3), (2, 1, 1))))
    assert gap(before, potential.evaluate(batch)) == (0, 0, 0)


def test_the_librarys_own_calculator_agrees(opened):
    from matgl.ext.ase import PESCalculator

    potential = opened("tensornet")
    for frames in (crystals(), molecules()):
        answer = potential.predict(frames)
        for b, atoms in enumerate(frames.to_atoms()):
            potential.module.calc_stresses = bool(frames.periodic[b])
            atoms.calc = PESCalculator(potential.module, stress_unit="eV/A3", use_voigt=True)
            assert atoms.get_potential_energy() == pytest.approx(answer.energy[b], abs=ENERGY)
            forces = answer.forces[frames.atoms_of(b)]
            np.testing.assert_allclose(atoms.get_forces(), forces, atol=FORCES)
            if frames.periodic[b]:
                np.testing.assert_allclose(atoms.get_stress(), answer.stress[b], atol=STRESS)


def test_its_ase_calculator_says_the_same(opened):
    potential, frames = opened("m3gnet"), crystals().select([0])
    answer, atoms = potential.predict(frames), frames.to_atoms()[0]
    atoms.calc = potential.ase_calculator()
    assert atoms.get_potential_energy() == pytest.approx(answer.energy[0], abs=1e-5)
    np.testing.assert_allclose(atoms.get_stress(), answer.stress[0], atol=STRESS)


def test_unknown_elements_are_told(opened):
    frames = from_atoms([Atoms("Po"), Atoms("Cl"), Atoms("N")], groups=list("abc"), source="named")
    assert opened("m3gnet").unknown_elements(frames).tolist() == [True, False, False]
    assert opened("ani").unknown_elements(frames).tolist() == [True, True, False]


# CHGNet and QET of matgl, with random weights: there are none here that were trained.
@pytest.fixture(scope="module", params=["CHGNet", "QET"])
def untrained(request, tmp_path_factory):
    from matgl import models
    from matgl.apps.pes import Potential

    elements = ("H", "C", "O", "Na", "Mg", "Cl")
    torch.manual_seed(0)
    small = {"element_types": elements, "is_intensive": False}
    if request.param == "QET":
        small |= {"units": 16, "nblocks": 1}
    network = getattr(models, request.param)(**small)
    folder = tmp_path_factory.mktemp(request.param)
    Potential(network, calc_charge=request.param == "QET").save(folder)
    return request.param, folder


@pytest.mark.parametrize("kind", FRAMES)
def test_other_families_of_matgl_do_as_well(untrained, kind):
    family, folder = untrained
    potential = open_potential(
        {"name": "new", "model": "matgl", "path": str(folder), "dtype": "float64"}
    )
    frames = FRAMES[kind]()
    for turns in ("proper", "improper"):
        found = turning_gap(potential, frames, turns)
        assert found.energy < EXACT_ENERGY
        assert found.forces < EXACT_FORCES
        assert found.stress < EXACT_STRESS
    assert cutting_gap(potential, frames).forces < EXACT_FORCES
    one = frames.select([1])
    np.testing.assert_allclose(  # step and tolerance as for the trained ones
        potential.predict(one).forces[:1], force_slopes(potential, one, [0], 1e-4), atol=2e-5
    )
    if kind != "molecules":
        np.testing.assert_allclose(
            stress_of(potential, one), stress_slopes(potential, one, 1e-4), atol=5e-6
        )
    assert ("charges" in potential.about.properties) == (family == "QET")
    if family == "QET":
        charges = potential.predict(frames).values["charges"]
        ions = replace(frames, charge=np.array([1, -1]))
        shifted = potential.predict(ions).values["charges"]
        np.testing.assert_allclose(frame_sums(frames, charges), [0, 0], atol=1e-9)
        np.testing.assert_allclose(frame_sums(frames, shifted), [1, -1], atol=1e-9)


def frame_sums(frames, values):
    return np.bincount(frames.frame_of_atom, weights=values)


def copied(folder, tmp_path):
    target = tmp_path / "copy"
    shutil.copytree(folder, target)
    for path in [target, *target.iterdir()]:
        path.chmod(0o755)
    return target


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("kept", [0, 0.5, 0.99])
def test_a_damaged_folder_is_refused_in_one_line(folder, tmp_path, file, kept):
    target = copied(folder("tensornet"), tmp_path)
    whole = (target / file).read_bytes()
    (target / file).write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(LimbeckError, match=r"potentials\.t: .* is not a potential of ") as caught:
        open_potential({"name": "t", "model": "matgl", "path": str(target)})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_named(folder, tmp_path, file):
    target = copied(folder("tensornet"), tmp_path)
    (target / file).unlink()
    with pytest.raises(LimbeckError, match=f"it has no {file}"):
        open_potential({"name": "t", "model": "matgl", "path": str(target)})


def test_another_hash_is_refused(folder, tmp_path):
    target = copied(folder("ani"), tmp_path)
    settings = {"name": "t", "model": "matgl", "path": str(target)}
    digest = sha256_of(target)
    assert open_potential(settings | {"sha256": digest}).about.weights == digest
    (target / "model.json").write_text((target / "model.json").read_text() + " ")
    with pytest.raises(LimbeckError, match=f"has [0-9a-f]{{64}}, expected {digest}"):
        open_potential(settings | {"sha256": digest})


def test_a_folder_cannot_call_what_is_not_of_matgl(folder, tmp_path):
    # matgl itself would call subprocess.Popen(args=["touch", ...])
    target, marker = copied(folder("tensornet"), tmp_path), tmp_path / "was-run"
    arguments = torch.load(target / "model.pt", weights_only=True)
    arguments["model"] = {"@class": "Popen", "@module": "subprocess", "@model_version": 0,
                          "init_args": {"args": ["touch", str(marker)]}}  # fmt: skip
    torch.save(arguments, target / "model.pt")
    with pytest.raises(
        LimbeckError,
        match=r"names the class subprocess\.Popen, expected one of matgl\.models\.CHGNet",
    ):
        open_potential({"name": "t", "model": "matgl", "path": str(target)})
    assert not marker.exists()


def test_a_folder_is_never_unpickled(folder, tmp_path):
    class Mark:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "was-run",))

    target = copied(folder("tensornet"), tmp_path)
    torch.save(Mark(), target / "state.pt")
    with pytest.raises(LimbeckError, match="is not a potential of matgl"):
        open_potential({"name": "t", "model": "matgl", "path": str(target)})
    assert not (tmp_path / "was-run").exists()


def test_a_model_that_is_no_potential_is_refused(tmp_path):
    from matgl.models import MEGNet

    MEGNet().save(tmp_path)
    with pytest.raises(
        LimbeckError,
        match=r"names the class matgl\.models\.MEGNet, expected one of matgl\.apps\.pes\.Potential",
    ):
        open_potential({"name": "t", "model": "matgl", "path": str(tmp_path)})


@pytest.fixture
def cache(folder, tmp_path):
    """What Hugging Face's library leaves after a download."""
    repository = tmp_path / "models--materialyze--TensorNet-ANI-1x-Subset-PES"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    for file in FILES:
        (snapshot / file).symlink_to(folder("ani") / file)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    return tmp_path


def test_what_was_downloaded_is_not_asked_for_again(cache, folder, monkeypatch):
    settings = {"name": "t", "model": "matgl", "pretrained": FOLDERS["ani"], "cache": str(cache)}
    monkeypatch.setattr("socket.socket.connect", no_network)
    digest = sha256_of(folder("ani"))  # a folder with the same three files
    potential = open_potential(settings | {"sha256": digest})
    assert potential.about.elements == {1, 6, 7, 8}
    with pytest.raises(LimbeckError, match=f"has {digest}, expected 0000"):
        open_potential(settings | {"sha256": "0" * 64})


def no_network(*_):
    raise ConnectionError("no route to host")


def test_a_failed_download_says_what_to_do(tmp_path, monkeypatch):
    from huggingface_hub.errors import LocalEntryNotFoundError

    def unreachable(*_, **__):
        raise LocalEntryNotFoundError("no route to host")

    monkeypatch.setattr("limbeck.potentials.models.matgl.snapshot_download", unreachable)
    with pytest.raises(LimbeckError, match=r"could not download M: no route.*\(give path: where"):
        open_potential({"name": "t", "model": "matgl", "pretrained": "M", "cache": str(tmp_path)})
