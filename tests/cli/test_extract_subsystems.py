"""extract_subsystems.py and expand_many_body.py from the command line."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import in_process
from jobs_of import subsystem_job
from limbeck.averaging.views import Views
from limbeck.files import sha256_of
from limbeck.frames import empty, from_atoms
from limbeck.labelling.label import label
from limbeck.potentials import open_potential
from limbeck.potentials.models.toys import LennardJones
from limbeck.reasons import Status
from limbeck.storage import read_frames, read_header, write_frames, write_labels
from molecular_crystals import urea, waters

SETTINGS = {
    "seed": 1,
    "subsystem": "clusters",
    "sampling": "md",
    "source": "s",
    "shard": 0,
    "rule": "closest_to_central_molecule",
    "n_molecules": [1, 3],
    "detect_molecules_in": "each_frame",
    "assert_identical_composition": True,
    "many_body_order": 2,
    "charges": {},
    "bond_factor": 1.25,
    "potential": None,
    "keep": [],
}


MANY_BODY = {"label_set": "lj", "many_body_order": 2}


def run(folder: Path, frames, start=in_process.run, **changed):
    settings = subsystem_job(SETTINGS | changed).model_dump(mode="json")
    return extract(folder, frames, settings, start)


def extract(folder: Path, frames, settings, start=in_process.run):
    write_frames(folder / "in.h5", frames, stage="sample_md")
    arguments = ["--input", folder / "in.h5"]
    for name, ending in (("output", "h5"), ("summary", "csv"), ("fragments", "fragments.csv")):
        arguments += [f"--{name}", folder / f"out.{ending}"]
    return start("extract_subsystems", *arguments, settings=settings)


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture
def frames():
    return from_atoms([waters(4), urea() * (2, 2, 2)], groups=["a", "b"], source="s")


def test_clusters_of_a_shard(tmp_path, frames):
    done = run(tmp_path, frames, start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    found = read_frames(tmp_path / "out.h5")
    assert "14 clusters and fragments of 2 frames" in done.stderr
    assert len(found) == 14  # of either frame: a monomer, a trimer, two more monomers, three dimers
    assert found.atom_extra["molecule"].max() == 2
    assert [row["composition"] for row in rows(tmp_path / "out.csv")] == [
        "1 H2O",
        "3 H2O",
        "1 CH4N2O",
        "3 CH4N2O",
    ]
    fragments = rows(tmp_path / "out.fragments.csv")
    ids = set(found.id.astype(str))
    assert {row["cluster"] for row in fragments} | {row["fragment"] for row in fragments} == ids
    header = read_header(tmp_path / "out.h5")
    settings = subsystem_job(SETTINGS).model_dump(mode="json")
    assert (header["stage"], json.loads(header["settings"])) == ("extract_subsystems", settings)


def test_what_a_potential_says_is_kept(tmp_path, frames):
    asked = {"keep": ["energy", "forces"], "potential": {"name": "lj", "model": "lj"}}
    done = run(tmp_path, frames, **asked, device="cpu", threads=1)
    assert done.returncode == 0, done.stderr
    found = read_frames(tmp_path / "out.h5")
    expected = open_potential({"name": "lj", "model": "lj"}).predict(found)
    np.testing.assert_allclose(found.extra["energy"], expected.energy)
    np.testing.assert_allclose(found.atom_extra["forces"], expected.forces)
    assert set(found.atom_extra) == {"molecule", "forces"}


def test_an_empty_shard_gives_empty_files(tmp_path):
    done = run(tmp_path, empty())
    assert done.returncode == 0, done.stderr
    assert len(read_frames(tmp_path / "out.h5")) == 0
    assert rows(tmp_path / "out.csv") == rows(tmp_path / "out.fragments.csv") == []


def test_a_missing_setting_ends_in_one_line(tmp_path, frames):
    settings = subsystem_job(SETTINGS).model_dump(mode="json")
    del settings["subsystem"]["rule"]
    done = extract(tmp_path, frames, settings)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: settings.subsystem.rule: not given")
    assert not list(tmp_path.glob("out.*"))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("order", "0", "row 1: order: '0', expected a whole number of at least 1"),
        ("n_molecules", "1.5", "row 1: n_molecules: '1.5', expected"),
        ("cluster", "", "row 1: no cluster"),
    ],
)
def test_a_table_of_fragments_that_is_damaged_is_named(tmp_path, frames, column, value, said):
    run(tmp_path, frames)
    path = tmp_path / "out.fragments.csv"
    whole = rows(path)
    with open(path, "w", newline="") as handle:
        writer = csv.DictWriter(handle, whole[0])
        writer.writeheader()
        writer.writerows([whole[0] | {column: value}, *whole[1:]])
    arguments = ["--fragments", path, "--labels", "--output", tmp_path / "terms.csv"]
    arguments.insert(3, tmp_path / "labels.h5")
    clusters = read_frames(tmp_path / "out.h5")
    labels = label(LennardJones(), clusters, Views(), max_force=1e9)
    write_labels(tmp_path / "labels.h5", "lj", labels)
    done = in_process.run("expand_many_body", *arguments, settings=MANY_BODY)
    assert done.returncode == 1
    assert f"error: {path}: changed since it was written, says" in done.stderr
    (tmp_path / "out.SHA256SUMS").unlink()  # as where the table alone was copied
    done = in_process.run("expand_many_body", *arguments, settings=MANY_BODY)
    assert done.returncode == 1
    assert f"error: {path}: {said}" in done.stderr


def test_many_body_terms_of_a_label_set(tmp_path, frames):
    run(tmp_path, frames)
    clusters = read_frames(tmp_path / "out.h5")
    labels = label(LennardJones(), clusters, Views(), max_force=1e9)
    labels.status[np.flatnonzero(clusters.n_atoms == 16)[0]] = Status.FAILED  # a dimer of urea
    write_labels(tmp_path / "labels.h5", "lj", labels)
    arguments = ["--fragments", tmp_path / "out.fragments.csv", "--labels", tmp_path / "labels.h5"]
    arguments += ["--output", tmp_path / "terms.csv"]
    done = in_process.run_as_process("expand_many_body", *arguments, settings=MANY_BODY)
    assert done.returncode == 0, done.stderr
    assert "3 clusters; 1 more lack a label of theirs or of a fragment" in done.stderr
    found = rows(tmp_path / "terms.csv")
    assert [row["n_molecules"] for row in found] == ["1", "3", "1"]
    trimer = found[1]
    parts = float(trimer["one_body_eV"]) + float(trimer["two_body_eV"])
    energy = float(trimer["energy_eV"])
    # a pair potential: two-body terms are all there is, up to rounding
    assert parts == pytest.approx(energy, rel=1e-10)
    assert float(trimer["remainder_eV"]) == pytest.approx(energy - parts, abs=1e-9 * abs(energy))


def test_a_table_that_is_not_there_ends_in_one_line(tmp_path, frames):
    write_labels(tmp_path / "l.h5", "lj", label(LennardJones(), frames, Views(), max_force=1e9))
    arguments = ["--fragments", "none.csv", "--labels", tmp_path / "l.h5", "--output", "terms.csv"]
    done = in_process.run("expand_many_body", *arguments, settings=MANY_BODY, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: none.csv: no such file")


@pytest.mark.slow
def test_descriptors_of_clusters(tmp_path, repository, frames):
    path = repository / "resources/models/mace-demo.model"
    model = {"name": "m", "model": "mace", "path": str(path), "sha256": sha256_of(path)}
    asked = {"keep": ["descriptors"], "potential": model, "device": "cpu", "threads": 1}
    done = run(tmp_path, frames.select([0]), **asked)
    assert done.returncode == 0, done.stderr
    found = read_frames(tmp_path / "out.h5")
    assert found.atom_extra["descriptors"].ndim == 2
    assert np.isfinite(found.atom_extra["descriptors"]).all()
