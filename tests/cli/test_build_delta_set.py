"""evaluate_isolated_atoms.py and build_delta_set.py, and MACE on what they write."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read

import in_process
from limbeck.averaging.views import Views
from limbeck.config.sections.datasets import PARTS
from limbeck.datasets.split import read_part
from limbeck.frames import concatenate, derive, from_atoms
from limbeck.labelling.isolated_atoms import isolated_energies
from limbeck.labelling.label import label
from limbeck.potentials import open_potential
from limbeck.potentials.models.toys import LennardJones
from limbeck.reasons import Status
from limbeck.storage import write_frames, write_labels
from molecular_crystals import urea, waters

DELTA = {"name": "lj-to-xtb", "baseline": "lj", "target": "xtb", "atoms": "isolated"}
SETTINGS = {
    "delta": DELTA,
    "seed": 1,
    "dataset": {"valid_fraction": 0.2, "test_known_fraction": 0.2, "split_by": "frame"},
}
FITTED = SETTINGS | {"delta": DELTA | {"atoms": "fit"}}
XTB = {"name": "gfn2", "model": "xtb"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Two slices of water clusters and one crystal, with labels of two potentials."""
    structures = [waters(n, spacing=3.0 + 0.02 * i) for i in range(10) for n in (2, 3)]
    roots = from_atoms([*structures, urea()], groups=["H2O"] * 20 + ["urea"], source="s")
    folder, xtb = tmp_path_factory.mktemp("inputs"), open_potential(XTB)
    halves = roots.select(np.arange(0, 20, 2)), roots.select([1, 3, 5, 7, 20])
    for i, frames in enumerate(halves):
        write_frames(folder / f"frames{i}.h5", frames, stage="select_frames")
        for name, potential in (("lj", LennardJones()), ("xtb", xtb)):
            labels = label(potential, frames, Views(), max_force=1e6)
            labels.status[1] = Status.FAILED if name == "xtb" else 0
            write_labels(folder / f"{name}{i}.h5", name, labels)
    return folder


@pytest.fixture
def folder(inputs, tmp_path):
    """A copy of the inputs, for one test."""
    return shutil.copytree(inputs, tmp_path / "run")


def build(folder: Path, settings=SETTINGS, start=in_process.run):
    arguments = []
    for option, name in (("frames", "frames"), ("baseline", "lj"), ("target", "xtb")):
        arguments += [f"--{option}", *(folder / f"{name}{i}.h5" for i in range(2))]
    atoms = [folder / "lj.json", folder / "gfn2.json"] if settings is SETTINGS else []
    arguments += ["--atoms", *atoms, "--output-folder", folder / "delta"]
    return start("build_delta_set", *arguments, settings=settings)


def atoms_of(folder: Path, potential: dict, start=in_process.run):
    asked = {"potential": potential, "device": "cpu", "threads": 1}
    output = folder / f"{potential['name']}.json"
    frames = [folder / f"frames{i}.h5" for i in range(2)]
    arguments = ["--frames", *frames, "--output", output]
    return start("evaluate_isolated_atoms", *arguments, settings=asked)


def test_a_set_of_differences(folder):
    assert atoms_of(folder, {"name": "lj", "model": "lj"}).returncode == 0
    done = atoms_of(folder, XTB, start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    done = build(folder, start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    counts = json.loads((folder / "delta/counts.json").read_text())
    assert counts["left_out"] == {
        "bad_label": 2,
        "not_asked_for": 0,
        "trained_on": 0,
        "not_in_file": 0,
        "duplicate": 0,
    }
    expected = isolated_energies(open_potential(XTB), ["H", "C", "N", "O"])  # less zeros of lj
    assert counts["atom_energies_eV"] == pytest.approx(expected)
    parts = {p: read_part(folder / f"delta/{p}.h5", "lj-to-xtb") for p in PARTS}
    assert sum(map(len, parts.values())) == 13
    for part, data in parts.items():
        assert counts[part]["frames"] == len(data)
        lj = label(LennardJones(), data.frames, Views(), max_force=1e6)
        xtb = label(open_potential(XTB), data.frames, Views(), max_force=1e6)
        # float64, in other batches
        np.testing.assert_allclose(data.labels.energy, xtb.energy - lj.energy, atol=1e-6)
        np.testing.assert_allclose(data.labels.forces, xtb.forces - lj.forces, atol=1e-6)
        path = folder / f"delta/{part}.extxyz"
        structures = read(path, ":") if len(data) else []
        assert len(structures) == len(data) + (4 if part == "train" else 0)
    train = counts["train"]
    assert train["energy_less_atoms_rms_meV_per_atom"] < train["energy_rms_meV_per_atom"]


def test_atoms_that_are_fitted_need_no_other_file(folder):
    done = build(folder, FITTED)
    assert done.returncode == 0, done.stderr
    counts = json.loads((folder / "delta/counts.json").read_text())
    fitted = counts["train"]["energy_less_atoms_rms_meV_per_atom"]
    assert fitted < 1e-2 * counts["train"]["energy_rms_meV_per_atom"]


def test_a_potential_without_an_atom_ends_in_one_line(tmp_path):
    argon = from_atoms([bulk("Ar", a=5.26)], groups=["Ar"], source="s")
    write_frames(tmp_path / "frames.h5", argon, stage="select_frames")
    asked = {"potential": {"name": "emt", "model": "emt"}, "device": "cpu", "threads": 1}
    arguments = ["--frames", tmp_path / "frames.h5", "--output", tmp_path / "emt.json"]
    done = in_process.run("evaluate_isolated_atoms", *arguments, settings=asked)
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("error: emt: an atom of Ar alone: unknown element")
    assert "atoms: fit" in line
    assert not (tmp_path / "emt.json").exists()


def test_labels_of_other_frames_end_in_one_line(folder):
    (folder / "xtb1.h5").unlink()
    (folder / "xtb1.h5").write_bytes((folder / "xtb0.h5").read_bytes())
    done = build(folder, FITTED)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: labels and frames are not the same")
    assert not (folder / "delta").exists()


@pytest.mark.slow
def test_mace_trains_on_it_without_any_option_for_keys(tmp_path):
    """The real mace_run_train; it takes energies, forces and the energies of single atoms."""
    root = from_atoms([waters(3)], groups=["H2O"], source="s")
    parents = root.select(np.zeros(40, dtype=int))
    rng = np.random.default_rng(0)
    moved = parents.positions + rng.normal(0, 0.03, parents.positions.shape)
    frames = derive(parents, moved, parents.cell, sampling="md", seed=0)
    crystal = from_atoms([urea()], groups=["urea"], source="s")
    frames = concatenate([replace(frames, root=frames.id), crystal])
    write_frames(tmp_path / "frames0.h5", frames, stage="select_frames")
    for name, potential in (("lj", LennardJones()), ("xtb", open_potential(XTB))):
        labels = label(potential, frames, Views(), max_force=1e6)
        write_labels(tmp_path / f"{name}0.h5", name, labels)
    files = {n: tmp_path / f"{n}0.h5" for n in ("frames", "lj", "xtb")}
    arguments = ["--frames", files["frames"], "--baseline", files["lj"], "--target", files["xtb"]]
    arguments += ["--output-folder", tmp_path / "delta"]
    done = in_process.run("build_delta_set", *arguments, settings=FITTED)
    assert done.returncode == 0, done.stderr
    data = tmp_path / "delta"
    command = [str(Path(sys.executable).parent / "mace_run_train"), "--name", "delta"]
    parts = {"train": "train", "valid": "valid", "test": "test_known"}
    for option, part in parts.items():
        command += [f"--{option}_file", str(data / f"{part}.extxyz")]
    command += ["--model", "MACE", "--hidden_irreps", "8x0e", "--r_max", "4.0", "--device", "cpu"]
    command += ["--batch_size", "8", "--valid_batch_size", "8", "--max_num_epochs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    counts = json.loads((data / "counts.json").read_text())
    sizes = [counts[part]["frames"] for part in parts.values()]
    assert "train={}, valid={}, tests=[Default_Default: {}]".format(*sizes) in said
    train = f"energy: {sizes[0]}, stress: 1, .*forces: {sizes[0]}"  # the crystal alone has a stress
    assert re.search(rf"Total Training set \[{train}", said)
    assert "Using isolated atom energies from training file" in said
    assert "No energies found" not in said
    assert "No forces found" not in said
    import torch

    model = torch.load(tmp_path / "delta.model", weights_only=False)  # made by this test
    fitted = [counts["atom_energies_eV"][e] for e in ("H", "C", "N", "O")]
    found = model.atomic_energies_fn.atomic_energies.flatten().tolist()
    assert found == pytest.approx(fitted, rel=1e-5)
