"""Weights from outside: their place, their hash, and that no unknown pickle is opened."""

import hashlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from answers import STATISTICS
from jobs_of import potential
from limbeck.config.sections.known import ORB_FOUNDATION
from limbeck.errors import LimbeckError, first_line
from limbeck.files import sha256_of
from limbeck.potentials import OPENERS, open_potential
from limbeck.potentials.weights import check_hash, checked_path, environment
from limbeck.students import ARCHITECTURES, architecture

SCRIPTS = Path(__file__).parents[3] / "scripts"
FROM_FILE = ["mace", "orb", "painn", "orb-v2", "orb-v3-conservative-20-omat", "matgl"]
KIND_OF = {
    **dict.fromkeys(("direct", "direct_conservative"), "orb"),
    **dict.fromkeys(("painn_distributed", "painn_cartesian"), "painn"),
}  # of others, their own names


@pytest.fixture(scope="module", params=ARCHITECTURES)
def saved_once(request, tmp_path_factory):
    """A student's model folder, and the kind of potential that opens it."""
    torch.manual_seed(0)
    student = architecture(request.param).build("tiny", STATISTICS, name="tiny", device="cpu")
    folder = tmp_path_factory.mktemp(request.param)
    student.save(folder)
    return folder, KIND_OF.get(request.param, request.param)


@pytest.fixture
def saved(saved_once, tmp_path):
    """A copy of the same, for one test to damage."""
    folder, model = saved_once
    return shutil.copytree(folder, tmp_path / "model"), model


class Mark:
    """Touches a file when it is unpickled, as any code could be run."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("model", FROM_FILE)
def test_another_hash_is_refused_and_both_are_shown(tmp_path, model):
    path, marker = tmp_path / "weights.bin", tmp_path / "was-opened"
    path.write_bytes(pickle.dumps(Mark(marker)))
    found, expected = hashlib.sha256(path.read_bytes()).hexdigest(), "0" * 64
    settings = {"name": "teacher", "model": model, "path": str(path), "sha256": expected}
    message = f"potentials.teacher.sha256: {path} has {found}, expected {expected}"
    with pytest.raises(LimbeckError, match=re.escape(message)):
        open_potential(settings)
    assert not marker.exists()


def test_another_hash_of_a_folder_is_refused(saved):
    folder, model = saved
    settings = {"name": "teacher", "model": model, "path": str(folder)}
    digest = sha256_of(folder)
    weights = open_potential(settings | {"sha256": digest}).about.weights
    assert weights == sha256_of(folder / "model.safetensors")
    (folder / "model.json").write_text((folder / "model.json").read_text() + " ")
    with pytest.raises(LimbeckError, match=f"has [0-9a-f]{{64}}, expected {digest}"):
        open_potential(settings | {"sha256": digest})


@pytest.mark.parametrize("model", ["mace", "matgl", "orb", "painn"])
def test_a_path_is_needed(model):
    with pytest.raises(LimbeckError, match=r"teacher\.path: (expected a file or folder|not given)"):
        open_potential({"name": "teacher", "model": model})


@pytest.mark.parametrize("model", FROM_FILE)
def test_a_path_has_to_exist(tmp_path, model):
    settings = {"name": "teacher", "model": model, "path": str(tmp_path / "nothing")}
    with pytest.raises(LimbeckError, match=r"teacher\.path: .*nothing does not exist"):
        open_potential(settings)


def test_the_right_hash_lets_a_file_through(tmp_path):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"abc")
    # SHA-256 of "abc", FIPS 180-2, appendix B.1
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert checked_path(potential({"model": "orb", "path": str(path), "sha256": known})) == path
    check_hash(path, None, "field")  # none is asked for
    with pytest.raises(LimbeckError, match="field: "):
        check_hash(path, known[::-1], "field")


def test_a_mace_file_without_a_hash_is_not_unpickled(tmp_path):
    path, marker = tmp_path / "bad.model", tmp_path / "was-opened"
    torch.save(Mark(marker), path)
    settings = {"name": "teacher", "model": "mace", "path": str(path)}
    with pytest.raises(LimbeckError, match=r"potentials\.teacher\.sha256: expected the hash of"):
        open_potential(settings)
    assert not marker.exists()
    # positive control: with its hash the file is trusted, and its code does run
    with pytest.raises(LimbeckError, match="not a MACE model"):
        open_potential(settings | {"sha256": sha256_of(path)})
    assert marker.exists()


def test_orb_v2_is_never_unpickled_even_with_its_hash(tmp_path):
    path, marker = tmp_path / "bad.ckpt", tmp_path / "was-opened"
    torch.save(Mark(marker), path)
    settings = {"name": "v2", "model": "orb-v2", "path": str(path), "sha256": sha256_of(path)}
    with pytest.raises(LimbeckError, match="v2: orb-v2 did not load"):
        open_potential(settings)
    assert not marker.exists()


@pytest.mark.parametrize("kept", [0, 4, 0.5, 0.999])
def test_truncated_weights_are_refused(saved, kept):
    folder, model = saved
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else kept])
    with pytest.raises(LimbeckError, match=r"model\.safetensors: weights do not load"):
        open_potential({"name": "teacher", "model": model, "path": str(folder)})


def test_missing_weights_are_refused(saved):
    folder, model = saved
    (folder / "model.safetensors").unlink()
    with pytest.raises(LimbeckError, match=r"model\.safetensors: weights do not load"):
        open_potential({"name": "teacher", "model": model, "path": str(folder)})


def test_an_error_is_told_in_one_line():
    assert first_line(ValueError("first\nsecond")) == "first"
    assert first_line(ValueError()) == "ValueError()"
    wrapped = RuntimeError("see the traceback")
    wrapped.__cause__ = KeyError("weights")
    assert first_line(wrapped) == "'weights'"  # what went wrong, and not who passed it on


@pytest.mark.parametrize("before", [None, "/before"])
def test_the_environment_is_put_back(monkeypatch, before):
    name = "LIMBECK_TEST"
    if before is not None:
        monkeypatch.setenv(name, before)
    with environment(name, "/cache"):
        assert os.environ[name] == "/cache"
    assert os.environ.get(name) == before
    with environment(name, None):
        assert os.environ.get(name) == before


CHANGES = {
    "format": (
        {"format": "other"},
        r"expected format \('limbeck-student', 1\), found \('other', 1",
    ),
    "version": ({"version": 2}, r"found \('limbeck-student', 2\)"),
    "architecture": ({"architecture": "gap"}, r"architecture 'gap', expected '\w+'"),
    "sizes": ({"sizes": {"layers": 3}}, r"model\.json: no such network"),
    "elements": ({"elements": [1, 119]}, r"model\.json: elements.1: 119, expected at most 118"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_description_is_refused(saved, change):
    folder, model = saved
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | CHANGES[change][0]))
    with pytest.raises(LimbeckError, match=CHANGES[change][1]):
        open_potential({"name": "teacher", "model": model, "path": str(folder)})


SIZES = {
    "mace": [
        ("channels", 10**8),
        ("channels", 0),
        ("correlation", True),
        ("cutoff", -4.0),
        ("scale", "1"),
        ("radial_mlp", [16] * 100),
    ],
    "orb": [("latent_dim", 10**8), ("message_passing_steps", -1), ("mlp_hidden_dim", 64.0)],
    "painn": [("channels", 10**8), ("layers", 0), ("cutoff", -4.0), ("radial_features", 8.0)],
}


@pytest.mark.parametrize(("model", "size", "value"), [(m, *s) for m in SIZES for s in SIZES[m]])
def test_sizes_out_of_range_build_no_network(tmp_path, model, size, value):
    """Within a second, and before any memory is asked for."""
    kind = {"orb": "direct"}.get(model, model)
    student = architecture(kind).build("tiny", STATISTICS, name="tiny", device="cpu")
    student.save(tmp_path)
    path = tmp_path / "model.json"
    description = json.loads(path.read_text())
    description["sizes"][size] = value
    path.write_text(json.dumps(description))
    with pytest.raises(LimbeckError, match=rf"model\.json: no such network: sizes\.{size}: "):
        open_potential({"name": "teacher", "model": model, "path": str(tmp_path)})


@pytest.mark.parametrize("content", ["", "{", "no JSON"])
def test_a_description_that_is_no_json_is_refused(saved, content):
    folder, model = saved
    (folder / "model.json").write_text(content)
    with pytest.raises(LimbeckError, match=r"model\.json: not JSON"):
        open_potential({"name": "teacher", "model": model, "path": str(folder)})


def test_a_description_that_is_a_list_is_refused(saved):
    folder, model = saved
    (folder / "model.json").write_text("[]")
    with pytest.raises(LimbeckError, match=r"model\.json: expected a mapping, found list"):
        open_potential({"name": "teacher", "model": model, "path": str(folder)})


def test_a_mace_with_other_elements_is_refused(tmp_path):
    # (an Orb has room for all elements, and its list only says what it was trained on)
    architecture("mace").build("tiny", STATISTICS, name="tiny", device="cpu").save(tmp_path)
    path = tmp_path / "model.json"
    description = json.loads(path.read_text())
    path.write_text(json.dumps(description | {"elements": [1, 3, 6, 8, 11, 12, 17]}))
    with pytest.raises(LimbeckError, match=r"no such network|do not load"):
        open_potential({"name": "teacher", "model": "mace", "path": str(tmp_path)})


def test_a_folder_of_the_other_architecture_is_refused(saved):
    folder, model = saved
    other = {"orb": "painn", "mace": "orb", "painn": "mace", "nep": "mace"}[model]
    with pytest.raises(LimbeckError, match=r"architecture '\w+', expected '\w+'"):
        open_potential({"name": "teacher", "model": other, "path": str(folder)})


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(LimbeckError, match=r"model\.json: no such file"):
        open_potential({"name": "teacher", "model": "orb", "path": str(tmp_path)})


def test_an_unknown_kind_is_refused():
    with pytest.raises(LimbeckError, match=r"potentials\.x\.model: 'gap', expected one of mace"):
        open_potential({"name": "x", "model": "gap"})
    assert sorted(set(OPENERS) - set(ORB_FOUNDATION)) == [
        *["chgnet", "emt", "lj", "mace", "matgl", "nep", "orb", "painn", "pyscf", "xtb"]
    ]


UNPICKLING = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
STUDENT = "limbeck.load_student('student')"
POTENTIAL = (
    "open_potential({'name': 'm', 'model': 'mace', 'path': 'student/model/model.model', "
    "'trust': True})"
)
THEIRS = "from mace.calculators import MACECalculator"
CALCULATOR = (
    "MACECalculator(model_paths='student/model/model.model', device='cpu', default_dtype='float32')"
)
ORDERS = {
    "ours first": [STUDENT, POTENTIAL, THEIRS, CALCULATOR],
    "theirs first": [THEIRS, STUDENT, POTENTIAL, CALCULATOR],
    "in turn": [STUDENT, THEIRS, CALCULATOR, POTENTIAL, CALCULATOR],
}


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """A folder with a student of MACE in ``student``."""
    from limbeck.potentials.models.mace import MacePotential

    folder = tmp_path_factory.mktemp("orders")
    small = MacePotential.build("tiny", STATISTICS, name="s", device="cpu")
    (folder / "student/model").mkdir(parents=True)
    small.save(folder / "student/model")
    return folder


@pytest.mark.parametrize("order", ORDERS)
def test_maces_own_calculator_opens_its_files_before_and_after_ours(student, order):
    lines = ["import os, limbeck; from limbeck.potentials import open_potential"]
    for line in ORDERS[order]:
        lines += [line, f"print(os.environ.get({UNPICKLING!r}))"]
    environment = {k: v for k, v in os.environ.items() if k != UNPICKLING}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        cwd=student,
        env=environment | {"PYTHONPATH": str(SCRIPTS)},
    )
    assert done.returncode == 0, done.stderr
    # The variable is there from the user's own import of mace on, and not before: an import of ours
    # does not turn all loading of the process into unpickling.
    said = [line for line in done.stdout.split() if line in ("None", "1")]
    theirs = ORDERS[order].index(THEIRS)
    assert said == ["None"] * theirs + ["1"] * (len(ORDERS[order]) - theirs)
