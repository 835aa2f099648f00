"""label.py from the command line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase.build import molecule

from limbeck.frames import concatenate, empty, from_atoms
from limbeck.labels import label
from limbeck.potentials.toys import EffectiveMedium
from limbeck.storage import read_header, read_labels, write_frames
from planted import real_frames

SCRIPT = Path(__file__).parents[2] / "scripts" / "label.py"
SETTINGS = {
    "label_set": "emt-k3",
    "views": 3,
    "max_force_eV_per_A": 100,
    "potential": {"name": "emt", "model": "emt"},
    "device": "cpu",
    "threads": 1,
}


def run(folder, settings, **options):
    text = settings if isinstance(settings, str) else json.dumps(settings)
    command = [sys.executable, SCRIPT, "--settings", text]
    command += ["--input", str(folder / "0.h5"), "--output", str(folder / "labels" / "0.h5")]
    return subprocess.run(command, capture_output=True, text=True, **options)


@pytest.fixture
def frames(tmp_path):
    """Metals and molecules that EMT knows, and silane, which it does not."""
    silane = from_atoms([molecule("SiH4")], groups=["SiH4"], source="real")
    frames = concatenate([real_frames(), silane])
    write_frames(tmp_path / "0.h5", frames, stage="select_frames")
    return frames


def test_labels_are_written(frames, tmp_path):
    done = run(tmp_path, SETTINGS)
    assert done.returncode == 0, done.stderr
    found = read_labels(tmp_path / "labels" / "0.h5", "emt-k3")
    expected = label(EffectiveMedium(), frames, views=3, max_force=100)
    assert np.array_equal(found.id, frames.id)
    # another process, the same bits
    assert found.forces.tobytes() == expected.forces.tobytes()
    assert found.energy.tobytes() == expected.energy.tobytes()
    assert found.status.tolist() == [0, 0, 0, 0, 0, 0, 3]
    assert (found.attrs["model"], found.attrs["views"]) == ("emt", 3)
    assert (found.attrs["label_set"], found.attrs["threads"]) == ("emt-k3", 1)
    assert read_header(tmp_path / "labels" / "0.h5")["stage"] == "label"
    assert "7 frames in" in done.stderr
    assert "6 good, 1 element unknown to the potential" in done.stderr
    assert [p.name for p in (tmp_path / "labels").iterdir()] == ["0.h5"]


def test_settings_from_a_file(frames, tmp_path):
    own = SETTINGS | {"views": "own", "label_set": "emt"}
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(own))
    done = run(tmp_path, str(tmp_path / "settings.yaml"))
    assert done.returncode == 0, done.stderr
    found = read_labels(tmp_path / "labels" / "0.h5", "emt")
    assert np.isnan(found.forces_spread).all()
    assert found.attrs["views"] == "own"


def test_an_empty_shard(tmp_path):
    write_frames(tmp_path / "0.h5", empty(), stage="select_frames")
    done = run(tmp_path, SETTINGS)
    assert done.returncode == 0, done.stderr
    assert len(read_labels(tmp_path / "labels" / "0.h5", "emt-k3")) == 0


def expect_one_line(done, message, folder):
    assert done.returncode != 0
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not list(folder.glob("labels/*"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('{"views": 3', "argument --settings: not readable: Expecting"),
        ("[1, 2]", "[1, 2]: no such file"),
        ("a: 1, b: 2 " * 100, "not readable"),  # too long for a path
        ({k: v for k, v in SETTINGS.items() if k != "threads"}, "error: settings: no 'threads'"),
        (SETTINGS | {"potential": {"name": "emt"}}, "error: settings: no 'model'"),
        (SETTINGS | {"potential": {"name": "x", "model": "dft"}}, "error: potentials.x.model"),
        (SETTINGS | {"views": 1}, "error: views: expected"),
    ],
)
def test_bad_settings_end_in_one_line(frames, tmp_path, settings, message):
    expect_one_line(run(tmp_path, settings), message, tmp_path)


def test_bad_settings_in_a_file(frames, tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("views: [3")
    expect_one_line(run(tmp_path, str(path)), "expected ',' or ']'", tmp_path)
    path.write_text("- 3\n")
    expect_one_line(run(tmp_path, str(path)), "expected a mapping, got list", tmp_path)


def test_a_damaged_input_is_named(frames, tmp_path):
    path = tmp_path / "0.h5"
    path.write_bytes(path.read_bytes()[:-500])
    expect_one_line(run(tmp_path, SETTINGS), f"error: {path}: not a readable HDF5", tmp_path)


def test_threads_are_those_of_the_settings(tmp_path):
    code = (
        "import os, sys; sys.path.insert(0, 'scripts');"
        "from limbeck.threads import use_threads; use_threads(3);"
        "import torch; print(torch.get_num_threads(), os.environ['OMP_NUM_THREADS'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPT.parents[1], capture_output=True, text=True
    )
    assert done.stdout.split() == ["3", "3"], done.stderr
