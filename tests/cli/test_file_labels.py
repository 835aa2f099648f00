"""check_file_labels.py and read_labels.py from the command line, on labels by another program."""

import json

import numpy as np
import pytest
from ase.io import read, write

import in_process
from limbeck.config.jobs import GenerateStructures
from limbeck.storage import read_header, read_labels, write_frames
from limbeck.structures import generate

SOURCE = {"kind": "file", "name": "mine", "count": 1000}


@pytest.fixture
def settings(repository, tmp_path):
    """Labels of the first 48 frames of the file that comes with Limbeck."""
    frames = read(repository / "resources/labels/gfn2.extxyz", ":48")
    write(tmp_path / "own.extxyz", frames)
    files = [SOURCE | {"path": str(tmp_path / "own.extxyz")}]
    return {"label_set": {"name": "gfn2", "from": "file"}, "files": files}


def check(folder, settings, start=in_process.run):
    return start("check_file_labels", "--output", folder / "found.json", settings=settings)


def test_both_scripts_in_processes_of_their_own(settings, tmp_path):
    done = check(tmp_path, settings, in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["keys"] == {"energy": "energy", "forces": "forces", "dipole": "dipole"}
    assert {c["name"]: c["verdict"] for c in found["checks"]} == {
        "forces against energies": "fits",
        "stress against energies": "cannot be told",
        "sum of forces": "fits",
        "size of forces": "fits",
        "size of stress": "cannot be told",
    }
    source = settings["files"][0]
    frames, _ = generate(GenerateStructures(seed=1, shard=0, source=source))
    write_frames(tmp_path / "0.h5", frames, stage="select_frames")
    told = settings | {"slice": 0, "slices": 1}
    words = ["--input", tmp_path / "0.h5", "--found", tmp_path / "found.json"]
    words += ["--output", tmp_path / "labels.h5"]
    done = in_process.run_as_process("read_labels", *words, settings=told)
    assert done.returncode == 0, done.stderr
    assert "48 frames: 48 good" in done.stderr
    labels = read_labels(tmp_path / "labels.h5", "gfn2")
    expected = [atoms.get_potential_energy() for atoms in read(source["path"], ":")]
    np.testing.assert_allclose(labels.energy, expected, rtol=1e-12)
    assert read_header(tmp_path / "labels.h5")["stage"] == "label_frames"


def test_what_does_not_fit_ends_in_one_line_for_each_fault(settings, tmp_path):
    wrong = settings | {"label_set": settings["label_set"] | {"forces_are": "gradients"}}
    done = check(tmp_path, wrong)
    assert done.returncode == 1
    assert "error: labels.gfn2: forces against energies" in done.stderr
    assert "it looks like forces_are: forces" in done.stderr
    assert not (tmp_path / "found.json").exists()


def test_what_was_found_for_another_set_is_refused(settings, tmp_path):
    assert check(tmp_path, settings).returncode == 0
    told = settings | {"label_set": {"name": "pbe", "from": "file"}, "slice": 0, "slices": 1}
    words = ["--input", tmp_path / "0.h5", "--found", tmp_path / "found.json"]
    words += ["--output", tmp_path / "labels.h5"]
    frames, _ = generate(GenerateStructures(seed=1, shard=0, source=settings["files"][0]))
    write_frames(tmp_path / "0.h5", frames, stage="select_frames")
    done = in_process.run("read_labels", *words, settings=told)
    assert done.returncode == 1
    assert "of gfn2, expected pbe" in done.stderr
