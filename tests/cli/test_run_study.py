"""make_study_data.py and run_study.py from the command line, on nets that are hardly trained."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import in_process
from limbeck.check.recipe import recipe_of

TRAINING = {"steps": 20, "batch_size": 8, "width": 8, "layers": 1}
STUDY = {
    "name": "one",
    "kind": "integral",
    "count": 120,
    "points": 16,
    "seeds": [1, 2],
    "views": {"labels": 3, "test": "whole"},
    "training": TRAINING,
    "pilot": {"grid": {"steps": [10, 20]}, "error_of_constant": [0.0, 9.0], "share_at_least": 0.0},
    "gif": True,
}


def make(folder, start=in_process.run, **changes):
    settings = {"study": STUDY | changes, "seed": 1}
    return start("make_study_data", "--output", folder / "data.h5", settings=settings)


def study(folder, start=in_process.run, **changes):
    settings = {"study": STUDY | changes, "device": "cpu", "threads": 1}
    arguments = ["--data", folder / "data.h5", "--output-folder", folder]
    return start("run_study", *arguments, settings=settings)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    for step in (make, study):
        finished = step(folder, start=in_process.run_as_process)
        assert finished.returncode == 0, finished.stderr
    return folder, json.loads((folder / "results.json").read_text()), finished.stderr


def test_it_leaves_results_answers_curves_and_pictures(done):
    folder, found, log = done
    assert (found["kind"], found["n_seeds"], found["whole_group"]) == ("integral", 2, True)
    assert found["n_test_views"] == 16
    assert found["verdict"] == found["words"][0]
    assert "Verdict: " in log
    curves = pd.read_csv(folder / "metrics.csv")
    assert set(curves["seed"]) == {1, 2}
    assert curves["step"].max() == found["settings"]["training"]["steps"]
    assert set(curves["arm"]) <= set(found["arms"])
    with Image.open(folder / "tile.gif") as gif:
        assert gif.n_frames == len(found["arms"]["teacher"]["by_views"])
    assert (folder / "tile.gif").stat().st_size < 1e6
    assert recipe_of(folder / "results.json") == recipe_of(folder / "answers.h5") != "-"


def test_figures_can_be_made_again_from_the_answers(done):
    folder, found, _ = done
    with h5py.File(folder / "answers.h5") as file:
        truth = file["truth"][()]
        errors = [((file[f"seed{s}/teacher/given"][()] - truth) ** 2).mean() for s in (1, 2)]
        constant = ((file["seed1/constant/given"][()] - truth) ** 2).mean()
    # answers are kept in float32
    assert np.mean(errors) == pytest.approx(
        found["arms"]["teacher"]["given"]["mean_square"], rel=1e-5
    )
    value = found["arms"]["teacher"]["given"]["value"]
    assert np.mean(errors) / constant == pytest.approx(value, rel=1e-5)


def test_calls_of_the_teacher_are_counted(done):
    _, found, _ = done
    n = found["n_by_part"]["learn"]
    calls = {arm: entry["teacher_calls"] for arm, entry in found["arms"].items()}
    assert calls["student/own/views"] == n
    assert calls["student/averaged/views"] == calls["student/each"] == 3 * n
    assert calls["student/truth/views"] == calls["teacher"] == 0
    assert calls["student/more"] == min(3 * n, n + found["n_by_part"]["more"])


def test_the_pilot_shows_all_trials_and_takes_the_first_that_fits(done):
    _, found, _ = done
    assert [trial["values"]["steps"] for trial in found["pilot"]] == [10, 20]
    assert [trial["taken"] for trial in found["pilot"]] == [True, False]
    assert found["settings"]["training"]["steps"] == 10


def test_the_same_again_is_the_same(done, tmp_path):
    _, found, _ = done
    for step in (make, study):
        assert step(tmp_path).returncode == 0
    again = json.loads((tmp_path / "results.json").read_text())
    for result in (found, again):
        result.pop("cpu_seconds", None)
        result.pop("sha256", None)
    assert again == found


def test_what_does_not_fit_is_one_line(tmp_path):
    assert make(tmp_path, count=10).returncode == 0
    finished = study(tmp_path)
    assert finished.returncode == 1
    assert "studies.one: 1 inputs in part pilot of 10, expected at least 2" in finished.stderr
    assert make(tmp_path, max_shift=3).returncode == 0
    finished = study(tmp_path, max_shift=3)
    assert "studies.one.views: 'whole', expected a number: its group" in finished.stderr
    training = TRAINING | {"learning_rate": 1e30}
    finished = study(tmp_path, training=training, pilot=None)
    assert "lower training.learning_rate" in finished.stderr


def test_all_studies_of_a_run_come_into_one_picture(done, tmp_path):
    from limbeck.command.studies import draw_studies
    from limbeck.errors import LimbeckError

    (tmp_path / "run/studies").mkdir(parents=True)
    for name in ("one", "two"):
        (tmp_path / "run/studies" / name).symlink_to(done[0])
    sizes = {}
    for name in ("all.png", "all.gif"):
        draw_studies(tmp_path / "run", tmp_path / name)
        with Image.open(tmp_path / name) as picture:
            sizes[name] = picture.size
    with Image.open(done[0] / "tile.png") as single:
        assert sizes["all.png"] == (single.width, 2 * single.height)
    with pytest.raises(LimbeckError, match=r"all\.pdf: expected a file that ends in"):
        draw_studies(tmp_path / "run", tmp_path / "all.pdf")
    with pytest.raises(LimbeckError, match="no results of a study"):
        draw_studies(tmp_path, tmp_path / "all.png")
