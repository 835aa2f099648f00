"""measure_gap.py from the command line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

import in_process
from jobs_of import split_job
from limbeck.datasets.split import split_as
from limbeck.frames import from_atoms
from limbeck.labels import Labels
from limbeck.storage import write_frames, write_labels
from limbeck.warrant.statistics import estimate_of
from limbeck.warrant.tidy import pick, read_table

ALL_SYMMETRIES = [
    "rotation",
    "reflection",
    "translation",
    "permutation",
    "supercell",
    "cell_choice",
    "space_group",
]
SETTINGS = {
    "name": "toy",
    "potential": {"name": "toy", "model": "lj"},
    "dataset": {"valid_fraction": 0.1, "test_known_fraction": 0.4, "split_by": "root"},
    "seed": 1,
    "device": "cpu",
    "threads": 1,
}


def measuring(**fields):
    """The settings with these fields of ``warrant``."""
    return SETTINGS | {"warrant": {"n_frames": 5, "views": 3, "reference": "zeros", **fields}}


def run(*arguments, settings, start=in_process.run):
    return start("measure_gap", *arguments, settings=settings)


@pytest.fixture
def files(tmp_path):
    """Two slices of rattled argon, and labels of zeros for both."""
    made = []
    for part in range(2):
        crystals = [bulk("Ar", cubic=True) for _ in range(10)]
        for seed, atoms in enumerate(crystals):
            atoms.rattle(0.1, seed=10 * part + seed)
        frames = from_atoms(crystals, groups=["Ar"] * 10, source="argon")
        atoms_in_all = len(frames.numbers)
        labels = Labels(
            id=frames.id,
            n_atoms=frames.n_atoms,
            energy=np.zeros(10),
            forces=np.zeros((atoms_in_all, 3)),
            stress=np.zeros((10, 6)),
            energy_spread=np.zeros(10),
            forces_spread=np.zeros(atoms_in_all),
            status=np.zeros(10, dtype=np.uint8),
        )
        write_frames(tmp_path / f"{part}.h5", frames, stage="select_frames")
        write_labels(tmp_path / f"zeros{part}.h5", "zeros", labels)
        made.append(frames)
    return tmp_path, made


def test_teacher(files):
    folder, _ = files
    output = folder / "toy.json"
    done = run(
        "--frames", folder / "0.h5", folder / "1.h5",
        "--reference", folder / "zeros0.h5", folder / "zeros1.h5",
        "--output", output,
        settings=measuring(), start=in_process.run_as_process,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(output.read_text())
    assert (found["model"], found["kind"]) == ("toy", "teacher")
    assert [g["symmetry"] for g in found["gaps"]] == ["rotation", "reflection"]
    for entry in found["gaps"]:
        # of 20 roots, 8 are tested, and 5 of these asked for
        assert (entry["n_frames"], entry["n_roots"], entry["n_views"]) == (5, 5, 3)
        assert entry["forces"]["value"] < 1e-9  # float64 rounding
    assert found["errors"]["reference"] == "zeros"
    assert found["errors"]["as_given"]["forces"]["value"] > 0
    table = read_table(folder / "toy.csv")
    assert set(table["subject"] + table["kind"] + table["set"]) == {"toyteachertest"}
    assert {"rotation_gap_rms", "reflection_gap_relative", "mae_gain"} < set(table["statistic"])
    of = {"quantity": "forces", "statistic": "mae_as_given"}
    assert pick(table, of) == estimate_of(found["errors"]["as_given"]["forces"])


def test_measured_frames_are_test_frames(files):
    folder, made = files
    settings = measuring(n_frames=100, symmetries=["rotation"], reference=None)
    output = folder / "toy.json"
    done = run("--frames", folder / "0.h5", "--output", output, settings=settings)
    assert done.returncode == 0, done.stderr
    parts = split_as(made[0], split_job(SETTINGS["dataset"] | {"seed": 1}))
    found = json.loads(output.read_text())
    assert found["gaps"][0]["n_frames"] == len(parts["test_known"]) == 4
    assert found["gaps"][0]["forces"]["ci95"] == [None, None]  # four roots: no interval
    assert "errors" not in found


def test_all_nine_gaps_on_all_frames(files):
    folder, made = files
    nine = [*ALL_SYMMETRIES, "conservativity", "consistency"]
    perfect = bulk("Ar", cubic=True)
    structures = from_atoms([perfect], groups=["Ar"], source="argon")
    frames = replace(made[0], root=np.repeat(structures.id, 10))
    write_frames(folder / "frames.h5", frames, stage="select_frames")
    write_frames(folder / "structures.h5", structures, stage="screen")
    settings = measuring(symmetries=nine, subset="all", n_frames=4, views=2)
    output = folder / "toy.json"
    done = run(
        "--frames", folder / "frames.h5", "--structures", folder / "structures.h5",
        "--output", output, settings=settings,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(output.read_text())["gaps"]
    assert [g["symmetry"] for g in found] == nine
    table = read_table(folder / "toy.csv").set_index("statistic")
    assert set(table.loc[["space_group_gap_rms"], "set"]) == {"structures"}
    assert set(table.loc[["supercell_gap_rms"], "set"]) == {"all"}
    for entry in found:
        assert entry["n_frames"] == (1 if entry["symmetry"] == "space_group" else 4)
        assert entry["n_left_out"] == 0
        assert {"n_roots", "n_views", "n_evaluations", "seconds", "by_source"} <= set(entry)
        figure = entry.get("work") or entry["forces"]
        assert figure["value"] < 0.1  # a good model: rounding, and the error of integrals


def test_bad_input_is_one_line(files):
    folder, _ = files
    output = folder / "toy.json"
    settings = measuring(symmetries=["spin"])
    done = run("--frames", folder / "0.h5", "--output", output, settings=settings)
    assert done.returncode == 1
    assert "settings.warrant.symmetries.0: 'spin', expected one of rotation" in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()


def test_the_floor_under_students_of_a_teacher_without_a_gradient(files):
    folder, _ = files
    settings = measuring(symmetries=[], reference=None, n_floor_frames=3)
    for error in (0.0, 0.3):
        own = settings | {"potential": SETTINGS["potential"] | {"lab_frame_error": error}}
        frames = [folder / f"{part}.h5" for part in range(2)]
        done = run("--frames", *frames, "--output", folder / "toy.json", settings=own)
        assert done.returncode == 0, done.stderr
        found = json.loads((folder / "toy.json").read_text())
        assert ("floor" in found) == bool(error)  # a gradient has none
    assert found["floor"]["n_frames"] == 3
    assert found["floor"]["n_evaluations"] == 3 * 3 * 16
    table = read_table(folder / "toy.csv")
    statistics = table[table["source"] == ""]["statistic"].tolist()
    assert statistics == ["floor_as_given", "floor_one_view", "floor_mean"]


def test_a_test_frame_is_turned_where_that_is_asked_for(files):
    folder, made = files
    output = folder / "toy.json"
    settings = measuring(symmetries=[], reference=None, scan=True)
    done = run("--frames", folder / "0.h5", "--output", output, settings=settings)
    assert done.returncode == 0, done.stderr
    (scan,) = json.loads(output.read_text())["scan"]  # there is no molecule
    tested = split_as(made[0], split_job(SETTINGS["dataset"] | {"seed": 1}))["test_known"]
    assert scan["frame"]["id"].encode() == min(made[0].id[tested])
    assert len(scan["angle_deg"]) == 73
    assert max(scan["forces_meV_per_A"]) < 1e-8  # float64 rounding
    assert scan["size_meV_per_A"] > 1
