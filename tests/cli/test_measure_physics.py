"""measure_physics.py from the command line: a teacher, then a student that has learned nothing."""

import json

import pytest
from ase.build import bulk

import in_process
from limbeck.frames import from_atoms
from limbeck.potentials.models.mace import MacePotential
from limbeck.storage import write_frames
from limbeck.students.statistics import training_statistics
from limbeck.warrant.tidy import read_table
from metals import labelled
from physics_results import PHYSICS

SETTINGS = {
    "name": "emt",
    "potential": {"name": "emt", "model": "emt"},
    "physics": PHYSICS
    | {"checks": ["nve", "equation_of_state"], "n_structures": 1, "relax_steps": 40}
    | {"nve_ps": 0.2, "nve_time_steps_fs": [2.0]},
    "dataset": {"valid_fraction": 0.1, "test_known_fraction": 0.4, "split_by": "root"},
    "seed": 1,
    "device": "cpu",
    "threads": 1,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Slightly strained copper, as it was made, and a student of it without training."""
    folder = tmp_path_factory.mktemp("files")
    crystals = [bulk("Cu", a=3.6 + 0.002 * n, cubic=True) for n in range(10)]
    frames = from_atoms(crystals, groups=["Cu"] * 10, source="copper")
    write_frames(folder / "frames.h5", frames, stage="select_frames")
    write_frames(folder / "structures.h5", frames, stage="screen")
    statistics = training_statistics(labelled(frames))
    student = MacePotential.build("tiny", statistics, name="untrained", device="cpu")
    (folder / "students/emt/mace/seed1/model").mkdir(parents=True)
    student.save(folder / "students/emt/mace/seed1/model")
    return folder


def run(files, output, *more, settings=SETTINGS, start=in_process.run):
    arguments = ["--frames", files / "frames.h5", "--structures", files / "structures.h5"]
    arguments += ["--output", output, *more]
    return start("measure_physics", *arguments, settings=settings)


def test_a_teacher_and_a_student_that_knows_nothing(files):
    teacher = files / "emt.json"
    done = run(files, teacher, start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    found = json.loads(teacher.read_text())
    assert (found["model"], found["kind"], found["teacher"]) == ("emt", "teacher", None)
    assert {"nve", "equation_of_state"} == set(found["checks"])
    assert found["set"] == "test_known"
    (first, *_) = found["checks"]["equation_of_state"]["rows"]
    assert 100 < first["bulk_modulus_GPa"] < 200
    own = SETTINGS | {"name": "emt/mace/seed1", "potential": None}
    student = files / "mace.json"
    model = files / "students/emt/mace/seed1/model"
    done = run(files, student, "--teacher", teacher, "--model", model, settings=own)
    assert done.returncode == 0, done.stderr
    found = json.loads(student.read_text())
    assert (found["kind"], found["teacher"]) == ("student", "emt")
    modulus = {f["quantity"]: f for f in found["figures"]}["bulk_modulus_error"]
    # random weights have some energy, and not that of copper
    assert modulus["lost"] or modulus["value"] > 0.2
    table = read_table(files / "mace.csv")
    assert set(table["subject"] + " " + table["kind"]) == {"emt/mace student"}
    assert set(table["seed"]) == {1}
    assert {"largest_drift", "volume_error", "bulk_modulus_error"} == set(table["quantity"])


def test_bad_input_is_one_line(files):
    physics = SETTINGS["physics"] | {"checks": ["heat"]}
    done = run(files, files / "x.json", settings=SETTINGS | {"physics": physics})
    assert done.returncode == 1
    assert "settings.physics.checks.0: 'heat', expected one of nve" in done.stderr
    assert not (files / "x.json").exists()
