"""Scripts that are killed hard, and started again by the same command line."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ase.build import bulk

import in_process
from jobs_of import sample_job
from limbeck.frames import from_atoms
from limbeck.potentials import checkpoint
from limbeck.storage import write_frames
from metals import SETTINGS, example

pytestmark = pytest.mark.slow  # processes of their own, killed and begun anew

MD = sample_job(
    "md",
    {
        "seed": 1,
        "device": "cpu",
        "threads": 1,
        "potential": {"name": "emt", "model": "emt"},
        "ensemble": "NPT",
        "temperature_K": 300,
        "time_total_fs": 100,
        "time_equilibration_fs": 20,
        "time_step_fs": 1,
        "sampling_interval_fs": 10,
        "supercell_radius_A": None,
        "relax_input_cell": "full",
        "batch_atoms": 64,
    },
).model_dump(mode="json")


def killed(folder: Path, name: str, *arguments: object, settings: object) -> None:
    """The script in a process of its own, killed once it has kept a check-point, and its last."""
    command = [sys.executable, *in_process.words(name, *arguments, settings=settings)]
    environment = os.environ | {checkpoint.VARIABLE: "0"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "check-point of dynamics" in line or "check-point of training" in line:
            break
    time.sleep(0.05)  # some steps on
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stderr.close()
    assert list(folder.glob(".*.checkpoint/*/*"))


def test_dynamics(tmp_path):
    atoms = [bulk("Cu", cubic=True), bulk("Al", cubic=True)]
    write_frames(tmp_path / "in.h5", from_atoms(atoms, groups=["a", "b"], source="s"), stage="x")
    files = ("out.h5", "out.csv", "trace.csv")

    def words(folder: Path) -> list[object]:
        folder.mkdir(exist_ok=True)
        named = zip(("--output", "--summary", "--trace"), files, strict=True)
        return ["--input", tmp_path / "in.h5", *(x for k, f in named for x in (k, folder / f))]

    whole, again = tmp_path / "whole", tmp_path / "again"
    assert in_process.run("sample_frames", *words(whole), settings=MD).returncode == 0
    killed(again, "sample_frames", *words(again), settings=MD)
    assert not (again / "out.h5").exists()
    done = in_process.run("sample_frames", *words(again), settings=MD)
    assert done.returncode == 0, done.stderr
    assert "dynamics goes on from its check-point" in done.stderr
    for name in files:
        assert (again / name).read_bytes() == (whole / name).read_bytes(), name
    assert sorted(p.name for p in again.iterdir()) == sorted(files)


def test_a_training(tmp_path):
    for name, data in (("train", example()), ("valid", example(3, seed=9))):
        labels = {"emt": replace(data.labels, attrs={"potential": "emt"})}
        path = tmp_path / f"{name}.h5"
        write_frames(path, data.frames, stage="build_dataset", labels=labels)
    student = SETTINGS | {"name": "direct-tiny", "architecture": "direct", "epochs": 10}
    settings = {"device": "cpu", "threads": 1, "label_set": "emt", "student": student, "seed": 3}

    def words(folder: Path) -> list[object]:
        sets = ["--train", tmp_path / "train.h5", "--valid", tmp_path / "valid.h5"]
        return [*sets, "--output-folder", folder]

    whole, again = tmp_path / "whole/seed3", tmp_path / "again/seed3"
    assert in_process.run("train_student", *words(whole), settings=settings).returncode == 0
    killed(again.parent, "train_student", *words(again), settings=settings)
    done = in_process.run("train_student", *words(again), settings=settings)
    assert done.returncode == 0, done.stderr
    assert "training goes on from its check-point" in done.stderr
    for path in (whole / "model").iterdir():
        assert (again / "model" / path.name).read_bytes() == path.read_bytes(), path.name
    assert [p.name for p in again.parent.iterdir()] == ["seed3"]
