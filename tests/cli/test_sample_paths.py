"""sample_frames.py, with the methods that follow paths on the energy surface."""

import csv

import numpy as np
import pytest
from ase.build import bulk

import in_process
from jobs_of import sample_job
from limbeck.frames import from_atoms
from limbeck.storage import read_frames, read_header, write_frames

COMMON = {
    "seed": 1,
    "source": "argon",
    "shard": 0,
    "potential": {"name": "toy", "model": "lj"},
    "device": "cpu",
    "threads": 1,
    "min_distance_ratio": 0.5,
}
CONTOUR = COMMON | {
    "sampling": "walk",
    "supercell_radius_A": 3.0,
    "supercell_matrix": None,
    "relax_input_cell": "constant_volume",
    "relax_force_tolerance_eV_per_A": 0.01,
    "relax_steps": 100,
    "energy_target_eV_per_atom": 0.03,
    "energy_tolerance_eV_per_atom": 0.005,
    "n_frames": 3,
    "interval_steps": 2,
    "max_steps": 50,
    "max_step_A": 0.5,
    "angle_limit_deg": 20.0,
    "parallel_drift": 0.1,
}
RELAX_PATH = COMMON | {
    "sampling": "down",
    "relax": "full",
    "force_tolerance_eV_per_A": 0.01,
    "max_steps": 100,
    "n_frames": 3,
    "start_displacement_A": 0.05,
    "start_strain": 0.01,
}


@pytest.mark.parametrize(("method", "fields"), [("contour", CONTOUR), ("relax_path", RELAX_PATH)])
def test_frames_summary_and_trace_are_written(tmp_path, method, fields):
    crystals = [bulk("Ar", "fcc", 2.95 + 0.02 * i) for i in range(2)]
    structures = from_atoms(crystals, groups=["Ar"] * 2, source="argon")
    write_frames(tmp_path / "in.h5", structures, stage="screen")
    done = in_process.run(
        "sample_frames",
        *("--input", tmp_path / "in.h5", "--output", tmp_path / "out.h5"),
        *("--summary", tmp_path / "out.csv", "--trace", tmp_path / "out.trace.csv"),
        settings=sample_job(method, fields).model_dump(mode="json"),
    )
    assert done.returncode == 0, done.stderr
    frames = read_frames(tmp_path / "out.h5")
    np.testing.assert_array_equal(frames.parent, np.repeat(structures.id, 3))
    assert read_header(tmp_path / "out.h5")["stage"] == f"sample_{method}"
    for name in ("out.csv", "out.trace.csv"):
        with open(tmp_path / name, newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
        assert list(dict.fromkeys(row["id"] for row in rows)) == [n.decode() for n in structures.id]
