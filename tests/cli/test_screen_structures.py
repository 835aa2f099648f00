"""The command line of screening, and what all command lines do with the files they are given."""

import json

import h5py
import pytest
from ase import Atoms
from ase.build import bulk

import in_process
from limbeck import cli
from limbeck.check.recipe import digest, recipe_of
from limbeck.config.sections.screen import Screen
from limbeck.errors import Unfit
from limbeck.frames import from_atoms
from limbeck.storage import read_frames, write_frames
from limbeck.structures.screening import read_rejected

SETTINGS = {
    "min_distance_ratio": 0.6,
    "min_density_g_cm3": 0.05,
    "max_density_g_cm3": 30,
    "max_atoms": 500,
}


def call(folder, *more, start=in_process.run, settings=SETTINGS):
    files = ["--input", folder / "in.h5", "--output", folder / "kept.h5"]
    files += ["--rejects", folder / "rejects.csv"]
    return start("screen_structures", *files, *more, settings=settings)


@pytest.fixture
def frames(tmp_path):
    """Copper and hydrogen, as a source of theirs made them."""
    both = [bulk("Cu"), Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.74]])]
    frames = from_atoms(both, groups=["a", "b"], source="s")
    write_frames(tmp_path / "in.h5", frames, stage="generate_clusters", recipe="right")
    return frames


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
    # a limit of 0.6 is below what no two atoms come to, 0.52 A
    assert (float(refused.value), float(refused.limit)) == (0.1 / 0.62, 0.52 / 0.62)
    assert "1 of 2 frames kept" in result.stderr


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "in.h5").write_text("not HDF5")
    result = call(tmp_path)
    assert result.returncode == 1
    assert "not a readable HDF5 file" in result.stderr


def test_a_second_call_writes_what_it_was_asked_for(tmp_path, frames):
    assert call(tmp_path).returncode == 0
    assert len(read_frames(tmp_path / "kept.h5")) == 2
    assert call(tmp_path, settings=SETTINGS | {"max_atoms": 1}).returncode == 0
    assert read_frames(tmp_path / "kept.h5").id.tolist() == frames.id[:1].tolist()


def test_an_output_says_what_it_was_made_of(tmp_path, frames):
    assert call(tmp_path, "--recipes", "right").returncode == 0
    told = Screen(**SETTINGS).text()
    assert recipe_of(tmp_path / "kept.h5") == digest(told, ["right"])


def test_an_input_of_other_settings_is_refused(tmp_path, frames):
    result = call(tmp_path, "--recipes", "wrong")
    assert result.returncode == 1
    assert "in.h5: was made with other settings than the config has" in result.stderr
    assert "remove it and run again" in result.stderr
    assert (tmp_path / "in.h5").exists()  # a person's file is left alone
    assert not (tmp_path / "kept.h5").exists()


@pytest.fixture
def job(tmp_path, monkeypatch):
    """This process is a job of a head whose run stands in the folder."""
    monkeypatch.setenv("LIMBECK_HEAD", "mine none")
    monkeypatch.setenv("LIMBECK_HEAD_FILE", str(tmp_path / "head.json"))
    (tmp_path / "head.json").write_text(json.dumps({"id": "mine"}))
    return tmp_path


@pytest.mark.parametrize("fault", ["other settings", "damaged"])
def test_a_job_moves_an_input_that_is_of_no_use(job, frames, fault):
    if fault == "damaged":
        content = bytearray((job / "in.h5").read_bytes())
        with h5py.File(job / "in.h5") as file:
            place = file["atoms/positions"].id.get_chunk_info(0).byte_offset
        content[place] ^= 1
        (job / "in.h5").write_bytes(content)
    result = call(job, "--recipes", "wrong" if fault == "other settings" else "right")
    assert result.returncode == 1
    assert f"it was moved to {job}/.in.h5.unfit, and the same command makes it" in result.stderr
    assert not (job / "in.h5").exists()
    assert (job / ".in.h5.unfit").exists()


def test_a_job_moves_a_batch_plan_that_is_of_no_use(job, monkeypatch):
    plan = job / "batch_plans/a-cpu/lj.json"
    plan.parent.mkdir(parents=True)
    plan.write_text("{}")
    monkeypatch.setenv("LIMBECK_HEAD_FILE", str(job / "mine" / "head.json"))

    def main():
        raise Unfit(plan, "batch_atoms: 0, expected at least 1")

    with pytest.raises(SystemExit, match=r"moved to .*, and the same command makes it again"):
        cli.run(main)
    assert [path.name for path in plan.parent.iterdir()] == [".lj.json.unfit"]


def test_a_job_moves_no_input_of_another_run(job, frames, monkeypatch):
    monkeypatch.setenv("LIMBECK_HEAD_FILE", str(job / "other" / "head.json"))
    assert "remove it and run again" in call(job, "--recipes", "wrong").stderr
    assert (job / "in.h5").exists()


def test_a_job_of_a_replaced_head_moves_and_writes_nothing(job, frames):
    (job / "head.json").write_text(json.dumps({"id": "new"}))
    assert "remove it and run again" in call(job, "--recipes", "wrong").stderr
    assert (job / "in.h5").exists()
    done = call(job, "--recipes", "right")
    assert done.returncode == 0
    assert "kept.h5 is dropped: the run that started this job has ended" in done.stderr
    assert not (job / "kept.h5").exists()
