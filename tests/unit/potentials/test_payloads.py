"""No file that is opened runs code of its own, whatever it is called and whatever stands in it.

Each loader is handed files that would leave a marker where anything in them ran; there is no marker
afterwards, and one line says which file it was.
"""

import atexit
import json
import os
import pickle
import shutil
import struct
import tempfile
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from answers import STATISTICS
from jobs_of import generate_job
from limbeck import cli
from limbeck.config.load import load
from limbeck.config.sections.screen import Screen
from limbeck.errors import LimbeckError
from limbeck.files import read_json, sha256_of
from limbeck.phonons.store import FORCE_CONSTANTS, PARAMETERS, load_phonons
from limbeck.potentials import open_potential
from limbeck.potentials.models.matgl import FILES
from limbeck.storage import read_frames, read_labels
from limbeck.structures import elements_of, generate
from limbeck.students import architecture
from limbeck.students.handover import open_student


class Mark:
    """Makes a folder when it is unpickled, as any code could be run."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (os.mkdir, (str(self.marker),))


def as_pickle(path, marker):
    path.write_bytes(pickle.dumps(Mark(marker)))


def as_torch(path, marker):
    torch.save(Mark(marker), path)


def as_old_torch(path, marker):
    torch.save({"model": Mark(marker)}, path, _use_new_zipfile_serialization=False)


def as_numpy(path, marker):
    with open(path, "wb") as handle:
        np.save(handle, np.array([Mark(marker)], dtype=object), allow_pickle=True)


def as_yaml(path, marker):
    path.write_text(f"run: !!python/object/apply:os.mkdir ['{marker}']\n")


PAYLOADS = [as_pickle, as_torch, as_old_torch, as_numpy, as_yaml]


def opened(model, **more):
    return lambda path: open_potential({"name": "p", "model": model, "path": str(path), **more})


@cache
def sound(model):
    """A folder of a model; made once, since a MACE takes seconds."""
    folder = Path(tempfile.mkdtemp(prefix="limbeck-test-"))
    atexit.register(shutil.rmtree, folder)
    if model == "matgl":
        small_matgl().save(folder)
    else:
        architecture(model).build("tiny", STATISTICS, name="t", device="cpu").save(folder)
    return folder


def in_folder(model, file):
    """A loader of a folder that is sound but for one file."""

    def open_it(path):
        folder = shutil.copytree(sound(model), path.parent / "model")
        (folder / file).write_bytes(path.read_bytes())
        kind = {"direct": "orb"}.get(model, model)
        return open_potential({"name": "p", "model": kind, "path": str(folder)})

    return open_it


def small_matgl():
    from matgl.apps.pes import Potential
    from matgl.models import TensorNet

    network = TensorNet(element_types=("H", "O"), is_intensive=False, units=8, nblocks=1)
    return Potential(network)


def student(path):
    folder = path.parent / "student"
    folder.mkdir()
    (folder / "model.json").write_bytes(path.read_bytes())
    return open_student(folder)


def force_constants(path):
    for name in (PARAMETERS, FORCE_CONSTANTS):
        (path.parent / name).write_bytes(path.read_bytes())
    return load_phonons(path.parent)


def structures(path):
    job = generate_job("file", {"seed": 1, "source": "s", "shard": 0, "count": 9,
                                "path": str(path)})  # fmt: skip
    generate(job)  # may set all frames aside
    elements_of(job.source)  # as check_inputs does, which would not let the run begin


def molecules(path):
    given = {"seed": 1, "source": "s", "shard": 0, "count": 9, "smiles": str(path)}
    return elements_of(generate_job("molecules", given).source)


def settings(path):
    try:
        cli.read_settings(str(path), Screen)
    except cli.argparse.ArgumentTypeError as error:  # which argparse prints
        raise LimbeckError(str(error)) from error


#: name of the file, and what opens it
LOADERS = {
    "mace": ("x.model", opened("mace")),
    "mace json": ("x", in_folder("mace", "model.json")),
    "mace weights": ("x", in_folder("mace", "model.safetensors")),
    "orb json": ("x", in_folder("direct", "model.json")),
    "orb weights": ("x", in_folder("direct", "model.safetensors")),
    "orb foundation": ("x.ckpt", opened("orb-v2")),
    **{f"matgl {file}": ("x", in_folder("matgl", file)) for file in FILES},
    "student": ("x", student),
    "frames": ("x.h5", read_frames),
    "labels": ("x.h5", lambda path: read_labels(path, "a")),
    "json": ("x.json", read_json),
    "config": ("x.yaml", load),
    "settings": ("x.yaml", settings),
    "phonons": ("x", force_constants),
    "smiles": ("x.smi", molecules),
    **{
        f"structures {name}": (name, structures)
        for name in ("x.xyz", "x.extxyz", "x.cif", "POSCAR", "x.json", "x.traj", "x.db", "x.xml",
                     "x.py", "x.pckl")
    },
}  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("loader", LOADERS)
def test_no_loader_runs_what_stands_in_a_file(tmp_path, loader, payload):
    name, open_it = LOADERS[loader]
    marker, path = tmp_path / "was-run", tmp_path / name
    payload(path, marker)
    if payload is as_yaml and name == "x.smi":
        pytest.skip("it is text, each line of which is refused by RDKit")
    with pytest.raises(LimbeckError) as caught:
        open_it(path)
    assert not marker.exists()
    assert "\n" not in str(caught.value)


def test_the_payloads_are_alive(tmp_path):
    """Negative control: opened by what believes them, each leaves its marker."""
    import yaml

    openers = {
        as_pickle: lambda path: pickle.loads(path.read_bytes()),
        as_torch: lambda path: torch.load(path, weights_only=False),
        as_old_torch: lambda path: torch.load(path, weights_only=False),
        as_numpy: lambda path: np.load(path, allow_pickle=True),
        as_yaml: lambda path: yaml.unsafe_load(path.read_text()),
    }
    for payload in PAYLOADS:
        marker, path = tmp_path / payload.__name__, tmp_path / "x"
        payload(path, marker)
        openers[payload](path)
        assert marker.exists()


def data_set(folder, marker):
    """A data set of matgl, which it opens as pickles, and how a model folder names it."""
    cache = folder / "cache"
    cache.mkdir(parents=True)
    for name in ("a", "b", "c"):
        torch.save(Mark(marker) if name == "a" else [], cache / name)
    (cache / "d").write_text("{}")
    names = dict(zip(("filename", "filename_lattice", "filename_state_attr", "filename_labels"),
                     "abcd", strict=True))  # fmt: skip
    arguments = {"root": str(cache), **names}
    return {"@class": "MGLDataset", "@module": "matgl.graph.data", "@model_version": 0,
            "init_args": arguments}  # fmt: skip


@pytest.fixture
def matgl_folder(tmp_path):
    """A model folder whose hash is known and whose files name a data set of matgl."""

    def make(place):
        folder, marker = tmp_path / "model", tmp_path / "was-run"
        folder.mkdir()
        small_matgl().save(folder)
        named = data_set(tmp_path, marker)
        arguments = torch.load(folder / "model.pt", weights_only=True)
        if place == "in place of the network":
            arguments["model"] = named
        elif place == "in another argument":
            arguments["element_refs"] = named
        elif place == "in arguments of the network":
            arguments["model"]["init_args"]["activation_type"] = [{"deep": (named,)}]
        torch.save(arguments, folder / "model.pt")
        if place == "as the whole":
            text = json.loads((folder / "model.json").read_text())
            text |= {"@class": "MGLDataset", "@module": "matgl.graph.data"}
            (folder / "model.json").write_text(json.dumps(text))
        return folder, marker

    return make


@pytest.mark.parametrize(
    "place",
    [
        "in place of the network",
        "in another argument",
        "in arguments of the network",
        "as the whole",
    ],
)
def test_a_folder_of_matgl_names_the_classes_of_a_potential_alone(matgl_folder, place):
    folder, marker = matgl_folder(place)
    with pytest.raises(LimbeckError, match=r"names the class matgl\.graph\.data\.MGLDataset") as e:
        open_potential(
            {"name": "p", "model": "matgl", "path": str(folder), "sha256": sha256_of(folder)}
        )
    assert not marker.exists()
    assert "\n" not in str(e.value)


def test_matgl_itself_would_unpickle(matgl_folder):
    """Negative control."""
    from matgl import load_model

    folder, marker = matgl_folder("in place of the network")
    load_model(folder)
    assert marker.exists()


def test_a_sound_folder_of_matgl_opens(tmp_path):
    small_matgl().save(tmp_path)
    assert open_potential({"name": "p", "model": "matgl", "path": str(tmp_path)}).about.elements
    # the names that older versions gave to the same modules
    path = tmp_path / "model.json"
    path.write_text(path.read_text().replace('"matgl.apps.pes"', '"matgl.apps._pes_pyg"'))
    assert open_potential({"name": "p", "model": "matgl", "path": str(tmp_path)}).about.elements


def test_a_repository_of_anyone_needs_a_hash():
    given = {"name": "p", "model": "matgl", "pretrained": "anyone/model"}
    with pytest.raises(LimbeckError, match=r"p\.sha256: not given, expected that of anyone/model"):
        open_potential(given)


DEEP = "[" * 200_000 + "]" * 200_000


@pytest.mark.parametrize("model", ["mace", "direct", "matgl"])
def test_a_description_that_is_nested_without_end(tmp_path, model):
    (tmp_path / "x").write_text(DEEP)
    start = time.monotonic()
    with pytest.raises(LimbeckError, match="nested too deeply"):
        in_folder(model, "model.json")(tmp_path / "x")
    assert time.monotonic() - start < 10  # mostly imports and the making of the model


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": {"latent_dim": 10**9}}, r"sizes\.latent_dim: 1000000000, expected at most"),
        ({"sizes": None}, "sizes: nothing, expected a mapping"),
        ({"elements": list(range(10**5))}, "elements.0: 0, expected .* more;"),
        ({"elements": [1, 1]}, "elements: .*expected each once"),
        ({"elements": "HCNO"}, "elements: 'HCNO', expected a list"),
        ({"architecture": ["mace"]}, "architecture"),
    ],
)
def test_a_network_that_would_fill_the_memory_is_not_built(tmp_path, change, message):
    description = {"format": "limbeck-student", "version": 1, "architecture": "direct",
                   "elements": [1], "sizes": {}}  # fmt: skip
    (tmp_path / "model.json").write_text(json.dumps(description | change))
    with pytest.raises(LimbeckError, match=message):
        open_student(tmp_path)


def header(claims, size=0):
    text = json.dumps(claims).encode()
    return struct.pack("<Q", size or len(text)) + text


@pytest.mark.parametrize(
    "content",
    [
        header({}, size=2**60),
        header({"a": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}}),
        header({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 2**63]}}) + bytes(16),
        header({"a": {"dtype": "F32", "shape": [4], "data_offsets": [16, 0]}}) + bytes(16),
        header({"a": {"dtype": "Q7", "shape": [4], "data_offsets": [0, 16]}}) + bytes(16),
        struct.pack("<Q", len(DEEP)) + DEEP.encode(),
    ],
)
def test_weights_whose_header_lies_are_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(LimbeckError, match=r"model\.safetensors: weights do not load"):
        in_folder("direct", "model.safetensors")(tmp_path / "x")


def test_weights_of_other_shapes_are_refused(tmp_path):
    save_file({"model.x": torch.zeros(3)}, tmp_path / "x")
    with pytest.raises(LimbeckError, match=r"model\.safetensors: weights do not load") as caught:
        in_folder("direct", "model.safetensors")(tmp_path / "x")
    assert "\n" not in str(caught.value)


def test_a_model_file_without_its_hash_stays_shut(tmp_path):
    marker, path = tmp_path / "was-run", tmp_path / "x.model"
    as_torch(path, marker)
    with pytest.raises(LimbeckError, match="expected the hash"):
        opened("mace")(path)
    assert not marker.exists()
    assert Path(path).is_file()
