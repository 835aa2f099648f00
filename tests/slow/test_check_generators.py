"""`make check-generators`, the first thing to run with generative models, on stand-ins for them."""

import pickle
import re
import resource
import subprocess

import pytest
import yaml

import stand_ins
from limbeck.files import sha256_of
from workspaces import copy_for_make

pytestmark = pytest.mark.slow
PROGRAMS = ("mattergen", "crystalflow", "moldiff", "geodiff")
CONFIG = "config/generators_check.yaml"


@pytest.fixture
def folder(repository, tmp_path):
    """The workflow; environments and weights of all programs where its config has them."""
    folder = copy_for_make(repository, tmp_path / "limbeck")
    stand_ins.weights(folder / "weights/mattergen/own")
    model = folder / "weights/crystalflow/DNG-mp20"
    model.mkdir(parents=True)
    for name in ("hparams.yaml", "last.ckpt", "lattice_scaler.pt", "prop_scaler.pt"):
        (model / name).write_text(name)
    (folder / "weights/moldiff").mkdir()
    (folder / "weights/moldiff/MolDiff.pt").write_text("weights")
    checkpoint = folder / "weights/geodiff/qm9_default/checkpoints/qm9.pt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(pickle.dumps({}))
    (checkpoint.parents[1] / "qm9_default.yml").write_text("train: {seed: 2021}\n")
    config = yaml.safe_load((folder / CONFIG).read_text())
    absent = {**config["generators"]["mattergen"]}  # its weights were not fetched
    config["generators"]["mattergen"]["weights"] = "weights/mattergen/own"
    for name, own in config["generators"].items():
        python = stand_ins.installed(name, folder / f".envs/{name}")
        own |= {"python": str(python), "sha256": sha256_of(folder / own["weights"])}
    config["generators"]["absent"] = absent | {
        "python": config["generators"]["mattergen"]["python"]
    }
    config["sources"]["absent"] = {**config["sources"]["mattergen"], "generator": "absent"}
    (folder / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False))
    return folder


def test_ten_of_each_are_labelled_in_five_minutes(folder):
    """And one that is not there is told, and in nobody's way."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["make", "check-generators", "CORES=2"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = re.findall(r"^(\w+): (ready|NOT ready|not there): (.*)$", done.stdout, re.MULTILINE)
    found = {name: (how, rest) for name, how, rest in lines}
    for name in PROGRAMS:
        how, rest = found[name]
        assert how == "ready"
        assert rest.startswith("10 of 10 labelled")
    how, rest = found["absent"]
    assert how == "not there"
    assert "mattergen_base/config.yaml: no weights there" in rest
    # processor time, which does not depend on what else runs: 70 s, of two cores 5 minutes are 600
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime
    print(f"make check-generators: {took:.0f} s of processor time")
    assert took < 300
