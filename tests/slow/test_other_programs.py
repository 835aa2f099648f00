"""Programs that train potentials read a data set as it is: the real ones, on 20 frames."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase.build import bulk, molecule

from limbeck.averaging.views import Views
from limbeck.datasets.export import write_extxyz
from limbeck.datasets.split import Dataset
from limbeck.frames import from_atoms
from limbeck.geometry import voigt_to_stress
from limbeck.labelling.label import label
from limbeck.potentials import open_potential

pytestmark = pytest.mark.slow

PROGRAMS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def dataset():
    """Rattled salt, which has stresses, and water, which has none."""
    structures = []
    for seed in range(10):
        for atoms in (bulk("NaCl", "rocksalt", a=5.6, cubic=True), molecule("H2O")):
            atoms.rattle(0.05, seed=seed)
            structures.append(atoms)
    frames = from_atoms(structures, groups=[str(i) for i in range(20)], source="s")
    chgnet = open_potential({"name": "chgnet", "model": "chgnet"})
    return Dataset(frames, label(chgnet, frames, Views()))


@pytest.fixture
def folder(dataset, tmp_path):
    write_extxyz(tmp_path / "train.extxyz", dataset.select(np.arange(16)))
    write_extxyz(tmp_path / "valid.extxyz", dataset.select(np.arange(16, 20)))
    return tmp_path


def run(folder, program, *arguments):
    done = subprocess.run(
        [PROGRAMS / program, *arguments], capture_output=True, text=True, check=False, cwd=folder
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_mace_run_train(folder):
    said = run(
        folder, "mace_run_train", "--name", "a", "--E0s", "average", "--device", "cpu",
        "--train_file", "train.extxyz", "--valid_file", "valid.extxyz", "--r_max", "4",
        "--max_num_epochs", "1", "--num_channels", "8", "--max_L", "0", "--batch_size", "4",
        "--valid_batch_size", "4",
    )  # fmt: skip
    for part, frames, crystals in (("Training", 16, 8), ("Validation", 4, 2)):
        counted = rf"Total {part} set \[energy: {frames}, stress: {crystals}, .*forces: {frames}"
        assert re.search(counted, said), part
    assert "No energies found" not in said
    assert "No forces found" not in said
    assert (folder / "a.model").is_file()


def test_graph_pes_train(dataset, folder):
    settings = {
        "model": {"+SchNet": {"cutoff": 4.0, "channels": 8, "layers": 1}},
        "data": {
            part: {"+file_dataset": {"path": f"{part}.extxyz", "cutoff": 4.0}}
            for part in ("train", "valid")
        },
        "loss": ["+PerAtomEnergyLoss()", "+ForceRMSE()"],
        "fitting": {
            "trainer_kwargs": {"max_epochs": 1, "accelerator": "cpu"},
            "optimizer": {"name": "Adam", "lr": 0.01},
            "loader_kwargs": {"batch_size": 4, "num_workers": 0, "persistent_workers": False},
        },
        "wandb": None,
        "general": {"progress": "logged", "root_dir": "out"},
    }
    (folder / "train.yaml").write_text(yaml.safe_dump(settings))
    said = run(folder, "graph-pes-train", "train.yaml")
    assert "Testing complete" in said
    # what it reads: the same numbers, with the stress as a tensor of ASE's sign
    from graph_pes.data import file_dataset

    read = file_dataset(folder / "train.extxyz", cutoff=4.0, shuffle=False)
    labels, frames = dataset.labels, dataset.frames
    for b, graph in enumerate(read):
        found = graph.properties
        assert float(found["energy"]) == pytest.approx(labels.energy[b], abs=1e-4)  # float32
        forces = labels.forces[frames.atoms_of(b)]
        np.testing.assert_allclose(found["forces"].numpy(), forces, atol=1e-6)
        assert ("stress" in found) == bool(frames.periodic[b])
        if frames.periodic[b]:
            stress = voigt_to_stress(labels.stress[b])
            np.testing.assert_allclose(found["stress"].numpy(), stress, atol=1e-7)
