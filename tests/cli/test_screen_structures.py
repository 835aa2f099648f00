"""The command line of screening."""

from ase import Atoms
from ase.build import bulk

import in_process
from limbeck.frames import from_atoms
from limbeck.storage import read_frames, write_frames
from limbeck.structures.screening import read_rejected

SETTINGS = {
    "min_distance_ratio": 0.6,
    "min_density_g_cm3": 0.05,
    "max_density_g_cm3": 30,
    "max_atoms": 500,
}


def call(folder, start=in_process.run):
    files = ["--input", folder / "in.h5", "--output", folder / "kept.h5"]
    files += ["--rejects", folder / "rejects.csv"]
    return start("screen_structures", *files, settings=SETTINGS)


def test_kept_and_refused_are_written(tmp_path):
    overlap = Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.1]])
    frames = from_atoms([bulk("Cu"), overlap], groups=["a", "b"], source="s")
    write_frames(tmp_path / "in.h5", frames, stage="generate_clusters")
    result = call(tmp_path, start=in_process.run_as_process)
    assert result.returncode == 0, result.stderr
    assert read_frames(tmp_path / "kept.h5").id.tolist() == frames.id[:1].tolist()
    (refused,) = read_rejected(tmp_path / "rejects.csv")
    assert refused.id == frames.id[1].decode()
    assert refused.reason.startswith("atoms too close")
    assert (float(refused.value), float(refused.limit)) == (0.1 / 0.62, 0.6)
    assert "1 of 2 frames kept" in result.stderr


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "in.h5").write_text("not HDF5")
    result = call(tmp_path)
    assert result.returncode == 1
    assert "not a readable HDF5 file" in result.stderr
