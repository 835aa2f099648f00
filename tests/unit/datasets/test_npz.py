"""Data sets as NumPy's archives: written, read back as labels, and what is said of wrong units."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from in_process import limbeck, run
from limbeck import storage
from limbeck.charges.multipoles import of_charges
from limbeck.charges.surface import on_shells
from limbeck.config.jobs import GenerateStructures
from limbeck.datasets.npz import write_npz
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.geometry import centres_of_nuclear_charge
from limbeck.labels import Labels
from limbeck.structures import generate

#: of what is written
UNITS = {
    "energy_unit": "eV",
    "forces_unit": "eV/Angstrom",
    "dipole_unit": "e*Angstrom",
    "esp_unit": "Hartree/e",
    "points_unit": "Angstrom",
}


def planted(charge=0):
    """Distorted waters and methanols with charges by element, that add up, and nothing else."""
    structures = [molecule(name) for name in ("H2O", "CH3OH") * 6]
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.05, seed=seed)
        atoms.positions += [1.0, 2.0, 3.0]
    count = len(structures)
    charges = [charge] * count
    frames = from_atoms(
        structures,
        groups=["a", "b"] * 6,
        source="mine",
        charges=charges,
        spins=[abs(charge) % 2] * count,
    )
    frames = on_shells(frames, (1.4, 2.0), 0.5)
    of_atoms = np.where(frames.numbers == 1, 0.2, -0.3)
    sums = np.bincount(frames.frame_of_atom, of_atoms)
    of_atoms += ((charge - sums) / frames.n_atoms)[frames.frame_of_atom]
    away = frames.positions - centres_of_nuclear_charge(frames)[frames.frame_of_atom]
    dipole = np.zeros((count, 3))
    np.add.at(dipole, frames.frame_of_atom, of_atoms[:, None] * away)
    labels = Labels(
        frames.id,
        frames.n_atoms,
        np.zeros(count, np.uint8),
        energy=-10.0 * frames.n_atoms,
        forces=np.zeros_like(frames.positions),
        stress=np.full((count, 6), np.nan),
        dipole=dipole,
        mbis_charges=of_atoms,
        esp=of_charges(frames, of_atoms),
        n_points=frames.n_points,
        points=frames.points,
    )
    return Dataset(frames, labels)


def settings_for(folder, **units):
    source = {"kind": "file", "name": "mine", "count": 100, "length_unit": "Angstrom"}
    source |= {"path": str(folder / "train.npz"), "grids": str(folder / "grids_train.npz")}
    return {"label_set": {"name": "rhf", "from": "file", **UNITS, **units}, "files": [source]}


def check(folder, **units):
    return run(
        "check_file_labels",
        "--output",
        folder / "found.json",
        settings=settings_for(folder, **units),
    )


def test_what_is_written_is_read_back_as_labels(tmp_path):
    data = planted()
    files = write_npz(tmp_path, "train", data)
    assert [path.name for path in files] == ["train.npz", "grids_train.npz"]
    with np.load(files[1], allow_pickle=False) as grids:
        assert grids["esp"].shape == (12, data.labels.n_points.max())
        assert json.loads(str(grids["units"]))["esp"] == "Hartree/e"
        assert grids["esp"][0, data.labels.n_points[0] :].sum() == 0
    done = check(tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    verdicts = {c["name"]: c for c in found["checks"]}
    assert verdicts["potential against dipole"]["verdict"] == "fits"
    # the dipole is that of the charges to all digits
    assert verdicts["potential against dipole"]["value"] == pytest.approx(1, abs=1e-3)
    told = settings_for(tmp_path)
    frames, _ = generate(GenerateStructures(seed=1, shard=0, source=told["files"][0]))
    storage.write_frames(tmp_path / "0.h5", frames, stage="select_frames")
    words = ["--input", tmp_path / "0.h5", "--found", tmp_path / "found.json"]
    words += ["--output", tmp_path / "labels.h5"]
    done = run("read_labels", *words, settings=told | {"slice": 0, "slices": 1})
    assert done.returncode == 0, done.stderr
    assert "12 frames: 12 good" in done.stderr
    labels = storage.read_labels(tmp_path / "labels.h5", "rhf")
    np.testing.assert_array_equal(labels.n_points, data.labels.n_points)
    # a Hartree there and back
    for name in ("esp", "dipole", "mbis_charges", "energy"):
        np.testing.assert_allclose(labels.values[name], data.labels.values[name], rtol=1e-12)
    np.testing.assert_allclose(labels.points, data.labels.points, rtol=1e-12)
    assert labels.attrs["dipole_about"] == "centre of nuclear charge"


@pytest.mark.parametrize(
    ("units", "says"),
    [
        ({"esp_unit": "V"}, r"dipoles in the potentials are 0\.0367 times .* esp_unit: Hartree/e"),
        ({"esp_unit": "kcal/mol/e"}, r"esp_unit: Hartree/e"),
        ({"dipole_unit": "Debye"}, r"are 4\.8 times the dipoles .* dipole_unit: e\*Angstrom"),
        (
            {"points_unit": "Bohr"},
            r"none of 12 frames: .*, frame 0: vdw_surface: point \d+ is "
            r"0\.\d+ A from atom \d \([HO]\), expected at least 1 A; is "
            r"points_unit right\?",
        ),
        ({"esp_unit": None}, r"labels\.rhf\.esp_unit: not given, and 12 frames have esp"),
    ],
)
def test_a_wrong_unit_stops_the_run(tmp_path, units, says):
    write_npz(tmp_path, "train", planted())
    done = check(tmp_path, **units)
    assert done.returncode == 1
    assert re.search(says, done.stderr), done.stderr


def test_points_in_bohr_that_are_called_angstrom_are_seen_as_well(tmp_path):
    data = planted()
    wide = replace(data.labels, points=data.labels.points / 0.529177)
    write_npz(tmp_path, "train", Dataset(data.frames, wide))
    done = check(tmp_path)
    # no point is too near, but what stands there is not what is that far away
    assert done.returncode == 1
    assert "potential against dipole: dipoles in the potentials are" in done.stderr


def test_the_dipole_of_an_ion_needs_its_point(tmp_path):
    data = planted(charge=1)
    write_npz(tmp_path, "train", data)
    for about, there in ((None, False), ("centre of nuclear charge", True), ("origin", True)):
        told = settings_for(tmp_path, dipole_about=about)
        assert check(tmp_path, dipole_about=about).returncode == 0
        frames, _ = generate(GenerateStructures(seed=1, shard=0, source=told["files"][0]))
        storage.write_frames(tmp_path / "0.h5", frames, stage="select_frames")
        words = ["--input", tmp_path / "0.h5", "--found", tmp_path / "found.json"]
        words += ["--output", tmp_path / "labels.h5"]
        done = run("read_labels", *words, settings=told | {"slice": 0, "slices": 1})
        assert done.returncode == 0, done.stderr
        found = storage.read_labels(tmp_path / "labels.h5", "rhf").values["dipole"]
        assert np.isfinite(found).all() == there
        expected = data.labels.values["dipole"]
        if about == "origin":  # as if those of the file were about it
            expected = expected - centres_of_nuclear_charge(frames)
        if there:
            np.testing.assert_allclose(found, expected, atol=1e-9)


def test_crystals_and_nothing_are_refused(tmp_path):
    data = planted()
    with pytest.raises(LimbeckError, match="train: no frames, expected some to write"):
        write_npz(tmp_path, "train", data.select(np.array([], int)))
    frames = from_atoms([molecule("H2O"), bulk("Cu")], groups=["a", "b"], source="s")
    with pytest.raises(LimbeckError, match=r"train: frame 1 is periodic, and \.npz files have no"):
        write_npz(tmp_path, "train", Dataset(frames, data.labels))
    assert not list(tmp_path.iterdir())


def test_the_commands_write_and_print_the_floor(tmp_path):
    data = planted()
    storage.write_frames(tmp_path / "train.h5", data.frames, stage="x", labels={"rhf": data.labels})
    done = limbeck("npz", tmp_path / "train.h5", "--folder", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"train.npz", "grids_train.npz"}
    done = limbeck("floor", tmp_path / "train.h5")
    assert done.returncode == 0, done.stderr
    assert f"12 frames, {len(data.labels.points)} points" in done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("best charges of each")]
    assert "0.00" in lines[0]  # made of charges
    assert "1.4 0.00  2.0 0.00" in lines[0]
    bare = from_atoms([Atoms("He")], groups=["a"], source="s")
    storage.write_frames(tmp_path / "bare.h5", bare, stage="x")
    done = limbeck("floor", tmp_path / "bare.h5")
    assert "label sets [], expected a data set with one" in done.stderr
