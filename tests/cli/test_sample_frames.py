"""sample_frames.py from the command line, with each method."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

import in_process
from jobs_of import sample_job
from limbeck.frames import Frames, from_atoms
from limbeck.storage import read_frames, read_header, write_frames

RATTLE = sample_job(
    "rattle",
    {
        "seed": 1,
        "sampling": "rattled",
        "source": "argon",
        "shard": 0,
        "standard_deviation_A": 0.03,
        "strain": 0.01,
        "n_frames": 3,
        "min_distance_ratio": 0.6,
    },
).model_dump(mode="json")
MD = sample_job(
    "md",
    {
        "seed": 1,
        "sampling": "md-50",
        "source": "argon",
        "shard": 0,
        "potential": {"name": "toy", "model": "lj"},
        "device": "cpu",
        "threads": 1,
        "ensemble": "NVT",
        "nvt_algorithm": "csvr",
        "npt_algorithm": "mtk_full",
        "temperature_K": 50,
        "pressure_GPa": 0,
        "time_total_fs": 60,
        "time_equilibration_fs": 20,
        "time_step_fs": 5,
        "sampling_interval_fs": 20,
        "thermostat_time_fs": 100,
        "barostat_time_fs": 1000,
        "supercell_radius_A": None,
        "supercell_matrix": None,
        "relax_input_cell": "none",
        "relax_force_tolerance_eV_per_A": 0.02,
        "relax_steps": 10,
        "batch_atoms": 64,
        "max_temperature_factor": 5,
        "max_energy_rise_eV_per_atom": 1,
        "min_distance_ratio": 0.5,
        "max_bond_stretch": 1.5,
        "max_cell_change": 2,
    },
).model_dump(mode="json")


def argon(count: int) -> Frames:
    crystals = [bulk("Ar", "fcc", 3.0 + 0.01 * i, cubic=True) for i in range(count)]
    return from_atoms(crystals, groups=["Ar"] * count, source="argon")


def run(folder: Path, structures: Frames, settings: dict, *more: object, start=in_process.run):
    write_frames(folder / "in.h5", structures, stage="screen")
    files = ["--input", folder / "in.h5", "--output", folder / "out.h5"]
    files += ["--summary", folder / "out.csv"]
    return start("sample_frames", *files, *more, settings=settings)


def table(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("settings", [RATTLE, MD], ids=["rattle", "md"])
def test_frames_and_summary_are_written(tmp_path, settings):
    structures = argon(2)
    done = run(tmp_path, structures, settings, start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    frames = read_frames(tmp_path / "out.h5")
    np.testing.assert_array_equal(frames.parent, np.repeat(structures.id, 3))
    section = settings["sampling"]
    assert set(frames.sampling) == {section["name"].encode()}
    assert read_header(tmp_path / "out.h5")["stage"] == f"sample_{section['method']}"
    rows = table(tmp_path / "out.csv")
    assert [row["id"] for row in rows] == [name.decode() for name in structures.id]
    assert [row["frames"] for row in rows] == ["3", "3"]
    assert "6 frames of 2 structures" in done.stderr


def test_dynamics_summary_has_temperature_and_no_cut(tmp_path):
    assert run(tmp_path, argon(1), MD).returncode == 0
    (row,) = table(tmp_path / "out.csv")
    assert 0 < float(row["temperature_K"]) < 5 * 50  # whatever it is, it was not cut
    assert (row["cut"], row["cut_time_fs"]) == ("", "")


def test_constant_pressure_with_a_trace_and_a_measured_batch(tmp_path):
    settings = MD | {"sampling": MD["sampling"] | {"ensemble": "NPT", "batch_atoms": None}}
    plans = tmp_path / "plans"
    more = ["--trace", tmp_path / "trace.csv", "--batch-plans", plans]
    done = run(tmp_path, argon(2), settings, *more)
    assert done.returncode == 0, done.stderr
    rows = table(tmp_path / "trace.csv")
    assert [float(row["time_fs"]) for row in rows] == [0, 20, 40, 60] * 2
    assert len({row["density_g_cm3"] for row in rows}) == 8
    (plan,) = plans.rglob("*-periodic.json")
    batches = json.loads(read_header(tmp_path / "out.h5")["settings"])["about"]["batches"]
    assert batches["periodic"]["atoms"] == json.loads(plan.read_text())["batch_atoms"]


def test_a_trace_of_what_has_none_ends_in_one_line(tmp_path):
    done = run(tmp_path, argon(1), RATTLE, "--trace", tmp_path / "trace.csv")
    assert done.returncode == 1
    assert "sample_rattle makes no trace" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("settings", [RATTLE, MD], ids=["rattle", "md"])
def test_an_empty_shard_passes_through(tmp_path, settings):
    done = run(tmp_path, argon(0), settings)
    assert done.returncode == 0, done.stderr
    assert len(read_frames(tmp_path / "out.h5")) == 0
    assert table(tmp_path / "out.csv") == []


def test_bad_times_end_in_one_line(tmp_path):
    done = run(tmp_path, argon(1), MD | {"sampling": MD["sampling"] | {"sampling_interval_fs": 7}})
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: settings.sampling.sampling_int")
    assert not (tmp_path / "out.h5").exists()
