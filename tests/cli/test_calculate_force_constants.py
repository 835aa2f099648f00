"""calculate_force_constants.py from the command line, and sample.py on what it wrote."""

import csv
import shutil
from pathlib import Path

import pytest
from ase import Atoms

import in_process
from harmonic import SETTINGS, copper_gold
from jobs_of import sample_job
from limbeck.check.sums import faults
from limbeck.frames import from_atoms
from limbeck.storage import read_frames, write_frames

SECTION = SETTINGS | {
    "name": "metals",
    "sources": ["alloys"],
    "potential": "emt",
    "supercell_matrix": [2, 2, 2],
}
FORCE_CONSTANTS = {
    "force_constants": SECTION,
    "seed": 1,
    "source": "alloys",
    "shard": 0,
    "potential": {"name": "emt", "model": "emt"},
    "device": "cpu",
    "threads": 1,
}
PHONONS = {
    "seed": 1,
    "sampling": "modes",
    "source": "alloys",
    "shard": 0,
    "draw": "canonical",
    "statistics": "classical",
    "temperature_K": 300.0,
    "k_point_mesh": [2, 2, 2],
    "freq_min_THz": 0.1,
    "freq_max_THz": 8.0,
    "selected_modes": None,
    "n_frames": 5,
    "amplitude_factor": 3.0,
    "time_step_fs": 100.0,
    "min_distance_ratio": 0.5,
    "keep": ["energy", "forces"],
    "potential": {"name": "emt", "model": "emt"},
    "device": "cpu",
    "threads": 1,
}


def table(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A crystal and a molecule, and what force_constants.py made of them."""
    folder = tmp_path_factory.mktemp("run")
    structures = from_atoms(
        [copper_gold(), Atoms("Cu2", [[0, 0, 0], [0, 0, 2.3]])], groups=["a", "b"], source="alloys"
    )
    write_frames(folder / "in.h5", structures, stage="screen")
    done = in_process.run_as_process(
        "calculate_force_constants",
        *("--input", folder / "in.h5", "--batch-plans", folder / "plans"),
        *("--output", folder / "0", "--summary", folder / "0.csv"),
        settings=FORCE_CONSTANTS,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_each_crystal_has_a_folder_and_each_structure_a_row(folder):
    crystal, molecule = table(folder / "0.csv")
    assert crystal["reason"] == ""
    assert crystal["supercell_atoms"] == "32"
    assert crystal["imaginary_modes"] == "0"
    assert float(crystal["acoustic_sum_eV_per_A2"]) < 1e-8
    assert molecule["reason"] == "isolated: phonons are of crystals"
    folders = [path.name for path in (folder / "0").iterdir() if path.is_dir()]
    assert folders == [crystal["id"]]
    assert (folder / "0" / crystal["id"] / "phonopy_params.yaml").is_file()


def test_sample_follows_the_modes_and_keeps_what_the_potential_says(folder, tmp_path):
    done = in_process.run(
        "sample_frames",
        *("--input", folder / "in.h5", "--force-constants", folder / "0"),
        *("--output", tmp_path / "out.h5", "--summary", tmp_path / "out.csv"),
        settings=sample_job("phonons", PHONONS).model_dump(mode="json"),
    )
    assert done.returncode == 0, done.stderr
    frames = read_frames(tmp_path / "out.h5")
    assert len(frames) == 5
    assert frames.extra["energy"].shape == (5,)
    assert frames.atom_extra["forces"].shape == (160, 3)
    assert [row["frames"] for row in table(tmp_path / "out.csv")] == ["5", "0"]


def test_force_constants_that_changed_are_not_sampled(folder, tmp_path):
    """Not even one number in phonopy's text, which would have another energy and no error."""
    for name in ("0", "0.csv", "0.SHA256SUMS"):
        copy = shutil.copytree if (folder / name).is_dir() else shutil.copyfile
        copy(folder / name, tmp_path / name)
    assert faults(tmp_path / "0.SHA256SUMS") == []
    (path,) = (tmp_path / "0").rglob("phonopy_params.yaml")
    before = path.read_text()
    place = before.rindex("1")
    path.write_text(f"{before[:place]}2{before[place + 1 :]}")
    done = in_process.run(
        "sample_frames",
        *("--input", folder / "in.h5", "--force-constants", tmp_path / "0"),
        *("--output", tmp_path / "out.h5", "--summary", tmp_path / "out.csv"),
        settings=sample_job("phonons", PHONONS).model_dump(mode="json"),
    )
    assert done.returncode == 1
    assert f"error: {path}: changed since it was written" in done.stderr
    assert not (tmp_path / "out.h5").exists()


def test_a_missing_setting_is_one_clear_line(folder, tmp_path):
    less = {k: v for k, v in SECTION.items() if k != "potential"}
    done = in_process.run(
        "calculate_force_constants",
        *("--input", folder / "in.h5", "--output", tmp_path / "0"),
        *("--summary", tmp_path / "0.csv"),
        settings=FORCE_CONSTANTS | {"force_constants": less},
    )
    assert done.returncode == 1
    assert "error: settings.force_constants.potential: not given" in done.stderr
