"""What a source calls a structure goes with all that is made of it."""

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read, write

from jobs_of import generate_job, sample_job
from limbeck.datasets.export import write_extxyz
from limbeck.datasets.split import Dataset
from limbeck.labels import Labels
from limbeck.sampling import sample, write_sample
from limbeck.storage import read_frames
from limbeck.structures import generate


@pytest.fixture
def structures(tmp_path):
    salt = bulk("NaCl", "rocksalt", a=5.64)
    salt.info["material_id"] = "mp-22862"
    write(tmp_path / "x.extxyz", [salt, bulk("Cu")])
    job = generate_job("file", {"seed": 1, "source": "mine", "shard": 0, "count": 9,
                                "path": str(tmp_path / "x.extxyz")})  # fmt: skip
    return generate(job)[0]


def test_sampled_frames_and_their_table_have_it(structures, tmp_path):
    fields = {"seed": 1, "n_frames": 2, "standard_deviation_A": 0.01, "strain": 0.0}
    job = sample_job("rattle", fields)
    made = sample(structures, job)
    assert made.frames.names == ["mp-22862"] * 2 + ["x-1"] * 2
    write_sample(made, tmp_path / "f.h5", tmp_path / "s.csv", job=job)
    lines = (tmp_path / "s.csv").read_text().splitlines()
    assert [line.split(",")[-1] for line in lines] == ["name", "mp-22862", "x-1"]
    assert read_frames(tmp_path / "f.h5").names == made.frames.names


def test_data_sets_have_it(structures, tmp_path):
    count, atoms = len(structures), int(structures.n_atoms.sum())
    labels = Labels(
        id=structures.id, n_atoms=structures.n_atoms, status=np.zeros(count, np.uint8),
        values={"energy": np.zeros(count), "forces": np.zeros((atoms, 3))}, spreads={},
    )  # fmt: skip
    write_extxyz(tmp_path / "train.extxyz", Dataset(structures, labels))
    found = read(tmp_path / "train.extxyz", ":")
    assert [a.info["name"] for a in found] == ["mp-22862", "x-1"]
