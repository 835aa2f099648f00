"""choose_views.py from the command line."""

import json

import in_process
from limbeck.frames import empty
from limbeck.storage import write_frames
from limbeck.warrant.tidy import read_table
from planted import real_frames

AUTO = {"n_frames": 4, "views": 12, "student_error_meV_per_A": 20.0, "negligible_fraction": 1.0}
SETTINGS = {
    "label_set": {"name": "emt-auto", "potential": "emt", "views": "auto", "auto": AUTO},
    "lost_device": "stop",
    "potential": {"name": "emt", "model": "emt"},
    "device": "cpu",
    "threads": 1,
}


def run(folder, settings, start=in_process.run):
    write_frames(folder / "0.h5", real_frames(), stage="select_frames")
    write_frames(folder / "1.h5", empty(), stage="select_frames")
    arguments = ["--frames", folder / "0.h5", folder / "1.h5", "--output", folder / "views.json"]
    return start("choose_views", *arguments, settings=settings)


def test_an_invariant_potential_needs_one_view(tmp_path):
    done = run(tmp_path, SETTINGS, start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "views.json").read_text())
    assert (found["label_set"], found["potential"], found["views"]) == (
        "emt-auto",
        "emt",
        "as_given",
    )
    assert found["by_source"]["real"]["n_frames"] == 4
    assert found["model_calls"]["saved"] == 6 * 11 - found["model_calls"]["beforehand"]
    assert "each frame is labelled once" in done.stderr
    table = read_table(tmp_path / "views.csv")
    assert set(table["source"]) == {"real"}
    assert {"rotation_gap_rms", "rotation_gap_relative"} == set(table["statistic"])


def test_a_potential_that_knows_nothing_of_it_is_told_in_a_line(tmp_path):
    settings = SETTINGS | {"potential": {"name": "x", "model": "dft"}}
    done = run(tmp_path, settings)
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].startswith("error: settings.potential.model: 'dft'")
    assert not (tmp_path / "views.json").exists()
