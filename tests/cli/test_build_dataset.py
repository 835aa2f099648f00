"""build_dataset.py from the command line."""

import json

import numpy as np
import pytest
import yaml
from ase.build import bulk
from ase.io import read

import in_process
from jobs_of import split_job
from limbeck.averaging.views import Views
from limbeck.config.sections.datasets import PARTS
from limbeck.datasets.split import read_part, split_as
from limbeck.frames import concatenate, from_atoms
from limbeck.labelling.label import label
from limbeck.potentials.models.toys import LennardJones
from limbeck.storage import read_header, read_labels, write_frames, write_labels

SPLIT = {
    "valid_fraction": 0.2,
    "test_known_fraction": 0.1,
    "test_new_fraction": 0.25,
    "split_by": "group",
}
SETTINGS = {"label_set": "lj", "seed": 1, "dataset": SPLIT}
FILES = sorted(
    ["SHA256SUMS", "counts.json", *(f"{p}.{s}" for p in PARTS for s in ("extxyz", "h5"))]
)


@pytest.fixture
def folder(tmp_path):
    """Two slices of eight groups of argon, one frame in both, one with a bad label."""
    tmp_path.joinpath("selected").mkdir()
    tmp_path.joinpath("labels").mkdir()
    for part in range(2):
        structures = [bulk("Ar", a=5 + 0.01 * (i + 11 * part), cubic=True) for i in range(12)]
        for seed, atoms in enumerate(structures):
            atoms.rattle(0.1, seed=seed + 11 * part)
        groups = [f"Ar{(i + 11 * part) % 8}" for i in range(12)]
        frames = from_atoms(structures, groups=groups, source="argon")
        labels = label(LennardJones(), frames, Views(2), max_force=1e3)
        labels.status[5] = part * 2
        write_frames(tmp_path / f"selected/{part}.h5", frames, stage="select_frames")
        write_labels(tmp_path / f"labels/{part}.h5", "lj", labels)
    return tmp_path


def run(folder, settings, labels=(0, 1), start=in_process.run):
    return start(
        "build_dataset",
        *("--frames", *(folder / f"selected/{i}.h5" for i in range(2))),
        *("--labels", *(folder / f"labels/{i}.h5" for i in labels)),
        *("--output-folder", folder / "data"),
        settings=settings,
    )


def test_a_data_set_is_written(folder):
    done = run(folder, SETTINGS, start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (folder / "data").iterdir()) == FILES
    counts = json.loads((folder / "data/counts.json").read_text())
    assert counts["left_out"] == {
        "bad_label": 1,
        "not_asked_for": 0,
        "trained_on": 0,
        "not_in_file": 0,
        "duplicate": 1,
    }
    parts = {p: read_part(folder / f"data/{p}.h5", "lj") for p in PARTS}
    # eight groups: two are new; of the 17 roots of the others a fifth validates, one with a bad
    # label, and a tenth of the rest is known
    found = {p: (counts[p]["groups"], counts[p]["frames"]) for p in parts}
    assert {p: n for p, (n, _) in found.items()} == {
        "train": 6,
        "valid": 2,
        "test_known": 1,
        "test_new": 2,
    }
    assert {p: n for p, (_, n) in found.items()} == {p: len(d) for p, d in parts.items()}
    whole = concatenate([d.frames for d in parts.values()])
    assert len(set(whole.id.tolist())) == len(whole) == 22
    for part, data in parts.items():
        assert np.array_equal(data.frames.id, data.labels.id)
        # what the file says of these frames is what the potential says of them
        again = label(LennardJones(), data.frames, Views(), max_force=1e3)
        np.testing.assert_allclose(data.labels.forces, again.forces, atol=1e-11)  # rounding
        structures = read(folder / f"data/{part}.extxyz", ":")
        assert [a.info["id"] for a in structures] == [i.decode() for i in data.frames.id]
        # the format writes eight decimals
        energies = [a.get_potential_energy() for a in structures]
        np.testing.assert_allclose(energies, data.labels.energy, atol=1e-8)
        for b, atoms in enumerate(structures):  # and once more, under the names of MACE
            assert atoms.info["REF_energy"] == pytest.approx(energies[b], abs=1e-12)
            np.testing.assert_array_equal(atoms.arrays["REF_forces"], atoms.get_forces())
            np.testing.assert_allclose(atoms.info["REF_stress"], atoms.get_stress(), atol=1e-12)
    header = read_header(folder / "data/test_new.h5")
    assert (header["stage"], json.loads(header["settings"])) == (
        "build_dataset",
        SETTINGS | {"origins": {}},
    )
    # the split is the one that everybody else works out from the frames alone
    test = split_as(whole, split_job(SPLIT | {"seed": 1}))["test_new"]
    assert set(whole.id[test].tolist()) == set(parts["test_new"].frames.id.tolist())


def test_settings_from_a_file_and_parts_without_frames(folder):
    own = SETTINGS | {"dataset": SPLIT | {"valid_fraction": 0.0}}
    (folder / "settings.yaml").write_text(yaml.safe_dump(own))
    done = run(folder, str(folder / "settings.yaml"))
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (folder / "data").iterdir()) == FILES
    assert len(read_part(folder / "data/valid.h5", "lj")) == 0
    assert sum(len(read_part(folder / f"data/{p}.h5", "lj")) for p in PARTS) == 22


@pytest.mark.parametrize("value", [np.nan, 1e30, 4e3])
@pytest.mark.parametrize("name", ["energy", "forces", "stress", "charges", "magmoms"])
def test_no_bad_number_reaches_a_data_set(folder, name, value):
    """Of any property, of one frame, also where its file says that its label is good."""
    paths = [folder / f"labels/{part}.h5" for part in range(2)]
    parts = [read_labels(path, "lj") for path in paths]
    for part in parts:
        part.values.update({n: np.full(len(part.forces), 0.1) for n in ("charges", "magmoms")})
        part.spreads.update({n: np.full(len(part.forces), 0.1) for n in ("charges", "magmoms")})
    bad = parts[1].id[8]
    factor = 4 if name == "energy" else 1  # of four atoms
    parts[1].values[name][8 if name in ("energy", "stress") else 32] = value * factor
    for path, part in zip(paths, parts, strict=True):
        path.unlink()
        write_labels(path, "lj", part)
    done = run(folder, SETTINGS)
    assert done.returncode == 0, done.stderr
    counts = json.loads((folder / "data/counts.json").read_text())
    assert counts["left_out"] == {
        "bad_label": 2,
        "not_asked_for": 0,
        "trained_on": 0,
        "not_in_file": 0,
        "duplicate": 1,
    }
    for part in PARTS:
        data = read_part(folder / f"data/{part}.h5", "lj")
        assert bad not in data.frames.id.tolist()
        assert np.abs(data.labels.values[name]).max() < 100
        assert len(read(folder / f"data/{part}.extxyz", ":")) == len(data)


def expect_one_line(done, message, folder):
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"error: {message}")
    assert not (folder / "data").exists()


def test_bad_settings_end_in_one_line(folder):
    less = {k: v for k, v in SETTINGS.items() if k != "dataset"}
    expect_one_line(run(folder, less), "settings.dataset: not given", folder)
    other = SETTINGS | {"label_set": "emt"}
    message = f"{folder / 'labels/0.h5'}: no label set 'emt', it has ['lj']"
    expect_one_line(run(folder, other), message, folder)
    wrong = SETTINGS | {"dataset": SPLIT | {"split_by": "groups"}}
    expected = "settings.dataset.split_by: 'groups', expected one of group, root, frame"
    expect_one_line(run(folder, wrong), expected, folder)


def test_labels_in_another_order_are_refused(folder):
    expect_one_line(run(folder, SETTINGS, labels=(1, 0)), "labels and frames are not", folder)


@pytest.mark.parametrize("name", ["selected/1.h5", "labels/1.h5"])
def test_a_damaged_input_is_named(folder, name):
    path = folder / name
    raw = bytearray(path.read_bytes())
    start, end = len(raw) // 4, 3 * len(raw) // 4
    raw[start:end] = bytes(end - start)
    path.write_bytes(raw)
    expect_one_line(run(folder, SETTINGS), f"{path}: ", folder)
