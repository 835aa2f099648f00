"""fill_table.py and gather_tables.py from the command line: students that are hardly trained."""

import json

import numpy as np
import pytest
from ase import Atoms

import in_process
from limbeck import storage
from limbeck.frames import from_atoms
from limbeck.structures.sources.clusters import compact
from limbeck.warrant.tidy import pick, read_table
from metals import SETTINGS

STUDY = {
    "kind": "frames_by_views",
    "potentials": ["lj-100"],
    "reference": "lj",
    "student": "direct",
    "n_frames": [6, 18],
    "views": [1, 2],
    "draws": 2,
    "n_test_frames": 10,
    "test_views": 2,
}
LJ = {"name": "lj", "model": "lj"}
JOB = {
    "study": STUDY,
    "potential": {"name": "lj-100", "model": "lj", "lab_frame_error": 1.0},
    "reference": LJ,
    "timed": LJ,
    "student": SETTINGS
    | {"name": "direct", "architecture": "direct", "steps": 2, "patience": None},
    "seed": 1,
    "dataset": {
        "valid_fraction": 0.1,
        "test_known_fraction": 0,
        "test_new_fraction": 0.5,
        "split_by": "group",
    },
    "device": "cpu",
    "threads": 1,
}


def clusters():
    """Five rattled clusters of each of twelve sizes."""
    rng = np.random.default_rng(0)
    points = [compact("Cu", 4 + n % 12, rng) for n in range(60)]
    atoms = [Atoms(["Cu"] * len(p), p + rng.normal(0, 0.1, p.shape)) for p in points]
    return from_atoms(atoms, groups=[f"Cu{len(a)}" for a in atoms], source="clusters")


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / "0.h5"
    storage.write_frames(path, clusters(), stage="select_frames")
    return path


def fill(frames, output, start=in_process.run, **changes):
    study = JOB["study"] | changes
    arguments = ["--frames", frames, "--output", output]
    return start("fill_table", *arguments, settings=JOB | {"study": study})


@pytest.fixture(scope="module")
def done(frames, tmp_path_factory):
    output = tmp_path_factory.mktemp("study") / "lj-100.json"
    finished = fill(frames, output, start=in_process.run_as_process)
    assert finished.returncode == 0, finished.stderr
    return output


def test_every_number_of_frames_and_views_has_a_student_in_every_draw(done):
    table = json.loads(done.read_text())
    cells = [(cell["draw"], cell["n_frames"], cell["views"]) for cell in table["cells"]]
    assert sorted(cells) == [(d, n, k) for d in (1, 2) for n in (6, 18) for k in (1, 2)]
    # one in six is for validation
    assert {cell["training_frames"] for cell in table["cells"]} == {5, 15}
    assert len(table["test_groups"]) == len(table["components"]) == 6
    first, other = (
        [c["random"] for c in table["cells"] if c["draw"] == draw and c["n_frames"] == 6]
        for draw in (1, 2)
    )
    assert first[0] != first[1]  # other labels, though the same frames
    assert first != other  # other frames, views and seeds
    for entry in table["labels"]:
        # of noise with the size of the force, about half is left in the mean of two
        assert entry["gap"] == pytest.approx(table["labels"][0]["gap"], rel=0.6)
    errors = {v: np.mean([e["error"] for e in table["labels"] if e["views"] == v]) for v in (1, 2)}
    assert errors[2] / errors[1] == pytest.approx(2**-0.5, rel=0.2)
    assert len(table["seconds_per_frame"]) == 2
    assert min(table["seconds_per_frame"]) > 0


def test_a_table_repeats(done, frames, tmp_path):
    again = tmp_path / "again.json"
    assert fill(frames, again).returncode == 0
    one, other = (json.loads(path.read_text()) for path in (done, again))
    for cell, same in zip(one["cells"], other["cells"], strict=True):
        assert cell["random"] == pytest.approx(same["random"], rel=1e-5)  # float32


def test_too_few_frames_are_one_line(frames, tmp_path):
    finished = fill(frames, tmp_path / "out.json", n_frames=[6, 600])
    assert finished.returncode == 1
    assert "frames to draw from, expected at least 600; raise" in finished.stderr.splitlines()[-1]


def test_tables_are_gathered_and_answered(done, tmp_path):
    output = tmp_path / "results.json"
    arguments = ["--tables", done, "--output", output]
    finished = in_process.run_as_process("gather_tables", *arguments, settings={"study": STUDY})
    assert finished.returncode == 0, finished.stderr
    table, found = json.loads(done.read_text()), json.loads(output.read_text())
    sums = [c["random"] for c in table["cells"] if (c["n_frames"], c["views"]) == (6, 2)]
    expected = 1e3 * np.sum(sums) / (2 * sum(table["components"]))
    of = {"subject": "lj-100/6x2", "quantity": "forces", "statistic": "mae_random"}
    assert pick(read_table(output.with_suffix(".csv")), of).value == pytest.approx(expected)
    assert found["n_groups"] == 6
    assert "Where calls are scarce: " in finished.stderr
    assert "Where frames are scarce: " in finished.stderr
