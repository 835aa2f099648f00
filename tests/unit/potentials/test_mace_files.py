"""MACE from outside: pickles that are trusted or not, foundation models by name, several heads."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mace import modules

from answers import ELEMENTS, STATISTICS, crystals, gap, molecules
from limbeck.config.sections.known import MACE_FOUNDATION
from limbeck.errors import LimbeckError
from limbeck.files import sha256_of
from limbeck.potentials import open_potential
from limbeck.potentials.models import mace_files
from limbeck.potentials.models.mace import MODEL_FILE, MacePotential
from limbeck.potentials.models.mace_files import names

#: what the library's own functions see, which is forgotten by Python once they are imported
LIBRARY = mace_files.download_mace_mp_checkpoint.__globals__


@pytest.fixture(scope="module")
def mace():
    torch.manual_seed(0)
    return MacePotential.build("tiny", STATISTICS, name="tiny", device="cpu")


@pytest.fixture(scope="module")
def model(mace, tmp_path_factory):
    """A .model file."""
    folder = tmp_path_factory.mktemp("mace")
    mace.save(folder)
    return folder / MODEL_FILE


def open_file(path, **more):
    return open_potential({"name": "m", "model": "mace", "path": str(path), **more})


def test_every_name_of_the_library_is_known():
    assert sorted(names()) == sorted(MACE_FOUNDATION)


def test_a_pickle_wants_its_hash_or_trust(mace, model):
    message = rf"m\.sha256: expected the hash of .*trust: true; it has {sha256_of(model)}"
    with pytest.raises(LimbeckError, match=message):
        open_file(model)
    for given in ({"sha256": sha256_of(model)}, {"trust": True}):
        potential = open_file(model, **given)
        assert gap(potential.predict(crystals()), mace.predict(crystals())) == (0, 0, 0)
        assert potential.about.weights == sha256_of(model)


def test_trust_does_not_outweigh_another_hash(model):
    with pytest.raises(LimbeckError, match=f"has {sha256_of(model)}, expected 0000"):
        open_file(model, sha256="0" * 64, trust=True)


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.999])
def test_a_truncated_file_is_refused_in_one_line(model, tmp_path, kept):
    path, whole = tmp_path / "short.model", model.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else kept])
    with pytest.raises(LimbeckError, match=r"short\.model: not a MACE model") as caught:
        open_file(path, trust=True)
    assert "\n" not in str(caught.value)


def put_into_cache(folder, name, model):
    """Put a file where mace-torch would have downloaded it to."""
    if name.startswith("off-"):
        kept = mace_files.mace_off_urls[name.removeprefix("off-")].split("/")[-1]
    else:
        kept = mace_files.mace_mp_urls[name].split("/")[-1]
        kept = "".join(c for c in kept if c.isalnum() or c == "_")
    (folder / "mace").mkdir(exist_ok=True)
    (folder / "mace" / kept).write_bytes(model.read_bytes())


TERMS = {
    "small": ("MIT", "2401.00096"),
    "medium-mpa-0": ("MIT", "2401.00096"),
    "medium-omat-0": ("ASL", "2401.00096"),
    "off-small": ("ASL", "2312.15211"),
}


@pytest.mark.parametrize("name", TERMS)
def test_a_foundation_model_comes_from_the_librarys_cache(mace, model, tmp_path, monkeypatch, name):
    monkeypatch.setitem(LIBRARY, "_urlretrieve_with_timeout", no_network)
    before = os.environ.get("XDG_CACHE_HOME")
    put_into_cache(tmp_path, name, model)
    settings = {"name": "m", "model": "mace", "pretrained": name, "cache": str(tmp_path)}
    potential = open_potential(settings | {"sha256": sha256_of(model)})
    assert gap(potential.predict(molecules()), mace.predict(molecules())) == (0, 0, 0)
    assert potential.about.elements == frozenset(ELEMENTS)  # of the file, not of its name
    licence, citation = TERMS[name]
    assert potential.about.licence.startswith(licence)
    assert citation in potential.about.citation
    assert os.environ.get("XDG_CACHE_HOME") == before
    with pytest.raises(LimbeckError, match=f"has {sha256_of(model)}, expected 0000"):
        open_potential(settings | {"sha256": "0" * 64})
    with pytest.raises(LimbeckError, match="expected the hash of"):
        open_potential(settings)


def no_network(*_, **__):
    raise ConnectionError("no route to host")


@pytest.mark.parametrize("name", ["large", "off-large"])
def test_a_failed_download_says_what_to_do(tmp_path, monkeypatch, name):
    monkeypatch.setitem(LIBRARY, "_urlretrieve_with_timeout", no_network)
    settings = {"name": "m", "model": "mace", "pretrained": name, "cache": str(tmp_path)}
    message = rf"m: mace-torch could not download {name}: no route to host \(give path: where"
    with pytest.raises(LimbeckError, match=message):
        open_potential(settings | {"trust": True})


def two_heads():
    """A network of two levels of theory, one atom of which differs by 1 eV in its offset."""
    torch.manual_seed(0)
    offsets = np.tile(STATISTICS.reference_energies, (2, 1))
    offsets[1] += 1
    from e3nn import o3

    return modules.ScaleShiftMACE(
        atomic_inter_scale=[0.1, 0.1],
        atomic_inter_shift=[0.0, 0.0],
        r_max=4.0,
        num_bessel=4,
        num_polynomial_cutoff=5,
        max_ell=1,
        interaction_cls=modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
        interaction_cls_first=modules.interaction_classes["RealAgnosticInteractionBlock"],
        num_interactions=1,
        num_elements=len(ELEMENTS),
        hidden_irreps=o3.Irreps("4x0e"),
        MLP_irreps=o3.Irreps("4x0e"),
        atomic_energies=offsets,
        avg_num_neighbors=12.0,
        atomic_numbers=ELEMENTS,
        correlation=1,
        gate=torch.nn.functional.silu,
        heads=["pbe", "r2scan"],
    )


def test_a_head_is_chosen_by_its_name(tmp_path):
    path = tmp_path / "two.model"
    torch.save(two_heads(), path)
    with pytest.raises(LimbeckError, match=r"m\.head: None, expected one of pbe, r2scan of "):
        open_file(path, trust=True)
    with pytest.raises(LimbeckError, match=r"m\.head: 'b3lyp', expected one of pbe, r2scan of "):
        open_file(path, trust=True, head="b3lyp")
    first, second = (
        open_file(path, trust=True, head=head, dtype="float64") for head in ("pbe", "r2scan")
    )
    frames = crystals()
    reference = first.module.atomic_energies_fn.atomic_energies
    assert reference.shape == (2, len(ELEMENTS))
    # the offsets alone differ by 1 eV an atom, and the readouts by what random weights make of it
    difference = second.predict(frames).energy - first.predict(frames).energy
    assert (np.abs(difference - frames.n_atoms) < 0.5 * frames.n_atoms).all()


def test_the_librarys_own_calculator_agrees_on_the_head(tmp_path, monkeypatch):
    # as after an import of one's own, which in these tests may have been long ago
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    from mace.calculators import MACECalculator

    path = tmp_path / "two.model"
    torch.save(two_heads(), path)
    potential = open_file(path, trust=True, head="r2scan")
    atoms = crystals().to_atoms()[1]
    atoms.calc = MACECalculator(
        model_paths=str(path), device="cpu", default_dtype="float32", head="r2scan"
    )
    answer = potential.predict(crystals().select([1]))
    assert atoms.get_potential_energy() == pytest.approx(answer.energy[0], abs=1e-5)
    np.testing.assert_allclose(atoms.get_forces(), answer.forces, atol=1e-6)


def test_a_model_with_conditions_is_refused(tmp_path):
    module = two_heads()
    module.joint_embedding = torch.nn.Identity()
    module.embedding_specs = {"total_charge": {}, "total_spin": {}}
    path = tmp_path / "conditioned.model"
    torch.save(module, path)
    with pytest.raises(LimbeckError, match="conditioned on total_charge, total_spin, which is not"):
        open_file(path, trust=True)


def test_a_file_is_not_unpickled_before_it_is_trusted(tmp_path):
    class Mark:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "was-opened",))

    torch.save(Mark(), tmp_path / "bad.model")
    with pytest.raises(LimbeckError, match=r"m\.sha256: expected the hash of"):
        open_file(tmp_path / "bad.model")
    assert not (tmp_path / "was-opened").exists()


def test_an_accelerator_that_is_not_there_is_told(model, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LimbeckError) as told:
        open_file(model, trust=True, accelerator="cuequivariance")
    assert str(told.value) == (
        "potentials.m.accelerator: cuequivariance is not installed; pip install "
        "cuequivariance-torch, and for its kernels on a GPU cuequivariance-ops-torch-cu12, into "
        "the environment of Limbeck"
    )


def test_a_folder_has_no_accelerator(model):
    with pytest.raises(LimbeckError, match=r"expected a \.model file; model\.model in that folder"):
        open_file(model.parent, accelerator="cuequivariance")


def test_an_accelerated_model_is_another_one(mace, model, monkeypatch):
    """With a stand-in of mace-torch's conversion, which leaves its precision to all that follow."""

    def converted(module, *, device, return_model):
        torch.set_default_dtype(torch.float64)
        for weights in module.parameters():
            weights.mul_(2)
        return module

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr("mace.cli.convert_e3nn_cueq.run", converted)
    monkeypatch.setattr(mace_files, "package", lambda name: f"{name}==1.0")
    potential = open_file(model, trust=True, accelerator="cuequivariance")
    assert potential.about.weights == f"{sha256_of(model)} with cuequivariance-torch==1.0"
    assert gap(potential.predict(crystals()), mace.predict(crystals()))[1] > 0
    assert torch.get_default_dtype() == torch.float32


def test_the_real_accelerator_gives_the_same_answers(mace, model):
    pytest.importorskip("cuequivariance_torch", reason="cuequivariance is not installed")
    potential = open_file(model, trust=True, accelerator="cuequivariance")
    found, expected = (p.predict(crystals(), descriptors=True) for p in (potential, mace))
    # another order of sums in float32, of energies and forces of order 10
    assert max(gap(found, expected)) < 1e-4
    np.testing.assert_allclose(
        found.values["descriptors"], expected.values["descriptors"], atol=1e-5
    )
