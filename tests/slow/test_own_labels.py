"""Labels of one's own, whole: a student, a foundation model measured against them, a wrong sign."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ase.io import read

from workspaces import Snakemake, copy_workflow, snakemake_in

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_workflow(repository, tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def snakemake(folder: Path) -> Snakemake:
    return snakemake_in(folder)


def config(folder: Path, name: str, **of_labels: Any) -> str:
    """The config that comes with Limbeck, with a student that learns for a moment."""
    made = yaml.safe_load((folder / "config/own_labels.yaml").read_text())
    made["run"] = name
    made["sources"]["molecules"]["count"] = 96
    made["students"]["mace-small"] |= {"size": "tiny", "epochs": 2}
    made["warrant"] |= {"n_frames": 16, "views": 2}
    made["labels"]["gfn2"] |= of_labels
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(made))
    return str(path)


def test_a_student_and_a_foundation_model_are_measured_against_labels_of_ones_own(
    folder, snakemake
):
    done = snakemake("--cores", 2, "--configfile", config(folder, "own"))
    assert done.returncode == 0, done.stdout + done.stderr
    results = folder / "results/own"
    found = json.loads((results / "labels/gfn2.file.json").read_text())
    assert found["n_labelled"] == found["n_frames"] == 96
    assert found["checks"][0]["verdict"] == "fits"
    # CHGNet against GFN2: energies on one scale, or the error would be 30 eV an atom
    teacher = json.loads((results / "warrant/teachers/chgnet.json").read_text())["errors"]
    assert teacher["reference"] == "gfn2"
    assert teacher["zeros"][0]["fitted_on"] == "other frames"
    assert 5 < teacher["as_given"]["energy"]["value"] < 500  # meV/atom
    assert 100 < teacher["as_given"]["forces"]["value"] < 1500  # meV/A
    # what is handed on is what stood in the file
    given = {a.info["name"]: a for a in read(folder / "resources/labels/gfn2.extxyz", ":")}
    for atoms in read(results / "datasets/gfn2/test_new.extxyz", ":"):
        assert atoms.info["name"] in given
        assert len(given[atoms.info["name"]]) == len(atoms)
    metrics = json.loads((results / "students/gfn2/mace-small/seed1/metrics.json").read_text())
    against = metrics["test_new"]["against"]
    assert against["labels"] == against["reference"]
    other = json.loads((results / "students/chgnet/mace-small/seed1/metrics.json").read_text())
    assert other["test_new"]["zeros"]["n_frames"] > 30
    assert (results / "delta/chgnet-to-gfn2/train.extxyz").exists()
    page = (results / "report/index.html").read_text()
    assert "GFN2-xTB, tblite 0.8" in page
    assert "forces against energies" in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"forces_are": "gradients"}, "it looks like forces_are: forces"),
        ({"energy_unit": "kcal/mol"}, "energy_unit: eV"),
    ],
)
def test_a_wrong_sign_or_unit_stops_the_run_before_anything_is_made(folder, snakemake, wrong, said):
    path = config(folder, "wrong", **wrong)
    done = snakemake("--cores", 2, "--show-failed-logs", "--configfile", path)
    assert done.returncode != 0
    assert "labels.gfn2: forces against energies" in done.stderr + done.stdout
    assert said in done.stderr + done.stdout
    assert not (folder / "results/wrong/structures").exists()
