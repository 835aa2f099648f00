"""The same rules with orb-v2 as the teacher: nothing but the config changes.

The network is the true one, its weights are random: what comes out means nothing, but for its
gap, which is that of a network without symmetry.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from limbeck.storage import read_frames, read_labels
from workspaces import Snakemake, copy_workflow, snakemake_in

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """orb-v2 with random weights, as the real file is made: a state dictionary."""
    import torch
    from orb_models.forcefield import pretrained

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "orb-v2.ckpt"
    torch.save(pretrained.orb_v2_architecture().state_dict(), path)
    return path


@pytest.fixture(scope="module")
def config(repository: Path, weights: Path) -> dict[str, Any]:
    """The tiny config with another potential behind its averaged labels, and fewer frames."""
    value = yaml.safe_load((repository / "tests/config/tiny.yaml").read_text())
    value["run"] = "tiny-orb-v2"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    value["potentials"]["orb-v2"] = {"model": "orb-v2", "path": str(weights), "sha256": digest}
    del value["labels"]["emt-k2"]
    value["labels"]["orb-v2-k2"] = {"potential": "orb-v2", "views": 2}
    value["distill"] = [{"labels": "orb-v2-k2", "students": ["mace-tiny", "direct-tiny"]}]
    value["select"]["count"] = 20
    value["warrant"] |= {"n_frames": 4, "symmetries": ["rotation"], "views": 2}
    value["warrant"]["teachers"] = ["emt", "orb-v2"]  # the reference, too, which is not by default
    return value


@pytest.fixture(scope="module")
def snakemake(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Snakemake:
    folder = copy_workflow(repository, tmp_path_factory.mktemp("orb-v2"))

    def call(config: dict[str, Any], *arguments: object) -> Any:
        path = folder / "orb-v2.yaml"
        path.write_text(yaml.safe_dump(config))
        done = snakemake_in(folder)("--configfile", path, "--cores", 2, *arguments)
        done.folder = folder
        return done

    return call


@pytest.fixture(scope="module")
def results(snakemake, config) -> Path:
    done = snakemake(config)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.folder / "results" / "tiny-orb-v2"


def test_labels_are_those_of_orb_v2(results, config):
    for i in (0, 1):
        labels = read_labels(results / f"labels/orb-v2-k2/{i}.h5", "orb-v2-k2")
        assert labels.id.tolist() == read_frames(results / f"selected/{i}.h5").id.tolist()
        assert labels.attrs["model"] == "orb-v2"
        assert labels.attrs["weights"] == config["potentials"]["orb-v2"]["sha256"]
        assert (labels.status == 0).all()
        assert np.isfinite(labels.forces).all()
        assert (labels.forces_spread > 0).all()


def test_its_gap_is_measured_and_that_of_emt_is_not_its(results):
    relative = {}
    for path in sorted(results.glob("warrant/**/*.json")):
        (gap,) = json.loads(path.read_text())["gaps"]
        relative[path.relative_to(results / "warrant").as_posix()] = gap["forces"]["relative"][
            "value"
        ]
    # random weights know no symmetry: the spread is as large as the forces themselves
    assert 0.1 < relative["teachers/orb-v2.json"] < 3
    assert relative["teachers/emt.json"] < 1e-12  # rounding of float64
    assert relative["students/orb-v2-k2/mace-tiny.json"] < 1e-4  # of float32
    assert relative["students/orb-v2-k2/direct-tiny.json"] > 0.1


def test_the_report_names_it(results):
    page = (results / "report/index.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    assert "orb-v2-k2/mace-tiny" in page
    assert "orb-v2-k2/direct-tiny" in page
    assert "Apache-2.0" in page  # the licence of its weights
    assert "arXiv:2410.22570" in page


def test_other_weights_are_refused_before_anything_is_made(snakemake, config):
    other = json.loads(json.dumps(config)) | {"run": "other-weights"}
    other["potentials"]["orb-v2"]["sha256"] = "0" * 64
    done = snakemake(other)
    assert done.returncode != 0
    assert not (done.folder / "results/other-weights/structures").exists()
    log = (done.folder / "results/other-weights/logs/check_inputs.log").read_text()
    assert "potentials.orb-v2.sha256" in log.splitlines()[-1]
    assert "0" * 64 in log
