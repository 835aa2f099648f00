"""The command lines of the four sources."""

import pytest
from ase.build import bulk
from ase.io import write

import in_process
from jobs_of import generate_job
from limbeck.storage import read_frames, read_header
from limbeck.structures.screening import read_rejected

COMMON = {"seed": 1, "source": "src", "shard": 1, "shards": 2, "count": 4}
OWN = {
    "molecules": {"smiles": "resources/smiles/organics.smi", "displacement_A": 0},
    "crystals": {"prototypes": ["fcc"], "supercell": [1, 1, 1], "strain": 0.02},
    "clusters": {"elements": ["Cu"], "sizes": [4, 6], "shapes": ["compact"], "strain": 0.02},
}


def call(kind, tmp_path, settings, start=in_process.run):
    arguments = ["--output", tmp_path / "1.h5", "--failed", tmp_path / "1.failed.csv"]
    job = generate_job(kind, settings).model_dump(mode="json")
    return start("generate_structures", *arguments, settings=job)


@pytest.mark.parametrize("kind", ["molecules", "crystals", "clusters", "file"])
def test_a_shard_is_written(kind, tmp_path):
    write(tmp_path / "mine.extxyz", [bulk("Cu", a=3.6 + i / 100) for i in range(4)])
    own = OWN.get(kind, {"path": str(tmp_path / "mine.extxyz")})
    start = in_process.run_as_process if kind == "molecules" else in_process.run
    result = call(kind, tmp_path, COMMON | own, start)
    assert result.returncode == 0, result.stderr
    frames = read_frames(tmp_path / "1.h5")
    assert [frames.info_of(b)["number"] for b in range(len(frames))] == [1, 3]
    assert set(frames.source.tolist()) == {b"src"}
    assert set(frames.seed.tolist()) == {1}
    assert read_header(tmp_path / "1.h5")["stage"] == f"generate_{kind}"
    assert read_rejected(tmp_path / "1.failed.csv") == []


def test_what_failed_is_listed(tmp_path):
    (tmp_path / "list.smi").write_text("C methane\nC(C broken\n")
    own = {"smiles": str(tmp_path / "list.smi"), "displacement_A": 0}
    result = call("molecules", tmp_path, COMMON | own | {"count": 2})
    assert result.returncode == 0, result.stderr
    assert len(read_frames(tmp_path / "1.h5")) == 0
    (one,) = read_rejected(tmp_path / "1.failed.csv")
    assert (one.reason, one.name) == ("SMILES does not parse", "broken")


def test_a_missing_file_ends_in_one_line(tmp_path):
    result = call("file", tmp_path, COMMON | {"path": "no/such.extxyz"})
    assert result.returncode == 1
    assert result.stderr.strip().splitlines()[-1].startswith("error: no/such.extxyz: no such file")
    assert not (tmp_path / "1.h5").exists()


def test_a_folder_of_files_is_read_and_what_is_not_readable_is_listed(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    write(folder / "a.cif", bulk("NaCl", "rocksalt", a=5.64))
    write(folder / "b.extxyz", [bulk("Cu"), bulk("Al")])
    (folder / "b.extxyz").write_text((folder / "b.extxyz").read_text().replace("Al ", "Al x ", 1))
    (folder / "notes.txt").write_text("what I did\n")
    one = {"shard": 0, "shards": 1, "count": 10, "path": str(folder)}
    result = call("file", tmp_path, COMMON | one)
    assert result.returncode == 0, result.stderr
    frames = read_frames(tmp_path / "1.h5")
    assert frames.names == ["a", "b-0"]
    rejected = read_rejected(tmp_path / "1.failed.csv")
    assert [(r.frame, r.reason, r.name) for r in rejected] == [
        ("src/2", "frame is not readable", "b.extxyz, frame 1"),
        ("src/3", "file is not readable", "notes.txt"),
    ]
    assert rejected[0].value == "line 6: expected a coordinate, got 'x'"
