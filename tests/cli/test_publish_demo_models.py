"""publish_demo_models: trained models and their hashes reach the demo."""

from pathlib import Path

import pytest
import yaml

import in_process
from limbeck.files import sha256_of, write_json
from limbeck.labelling.trained_on import trained_ids
from limbeck.storage import write_frames
from planted import real_frames

SETTINGS = {
    "run": "demo_models",
    "sources": {"clusters": {"kind": "clusters", "count": 1, "elements": ["Cu"], "sizes": [4, 6]}},
    "students": {
        "mace-demo": {"architecture": "mace"},
        "orb-demo": {"architecture": "direct"},
    },
}
KINDS = {
    kind: {"forces": {"value": value, "ci95": [None, None], "unit": "meV/A"}}
    for kind, value in (("as_given", 41.0), ("random", 42.0), ("averaged", 39.0))
}
GAP = {"forces": {"value": 21.0, "ci95": [None, None], "unit": "meV/A"}}
WARRANT = {
    "errors": {
        "reference": "chgnet",
        **KINDS,
        "n_groups": 9,
        "by_source": {"clusters": KINDS | {"n_groups": 4}},
    },
    "gaps": [{"symmetry": "rotation", **GAP, "by_source": {"clusters": GAP}}],
}


def parts():
    """The parts of a data set of six frames."""
    frames = real_frames()
    return {
        "train": frames.select([0, 1, 2]),
        "valid": frames.select([3]),
        "test_known": frames.select([4, 5]),
    }


@pytest.fixture
def trained(repository: Path, tmp_path: Path) -> Path:
    """A folder with what a run of config/demo_models.yaml leaves, and a copy of the demo."""
    for name, file in (("mace-demo", "model.model"), ("orb-demo", "model.safetensors")):
        seed = tmp_path / "results/demo_models/students/chgnet" / name / "seed1"
        (seed / "model").mkdir(parents=True)
        (seed / "model" / file).write_text(name)
        (seed / "model" / "SHA256SUMS").write_text("")
        (seed / "model" / ".snakemake_timestamp").write_text("")  # as in a real run
        (seed / "card.md").write_text(f"# {name}\n")
        size = {"forces": {"size": {"value": 1000.0, "ci95": [None, None], "unit": "meV/A"}}}
        labels = size | {"by_source": {"clusters": size}}
        write_json(seed / "metrics.json", {"test_known": {"against": {"labels": labels}}})
        warrant = tmp_path / f"results/demo_models/warrant/students/chgnet/{name}.json"
        write_json(warrant, WARRANT)
    for part, frames in parts().items():
        write_frames(tmp_path / f"results/demo_models/datasets/chgnet/{part}.h5", frames, stage="x")
    demo = (repository / "config" / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(demo)
    return tmp_path


def publish(folder: Path, start=in_process.run) -> in_process.Done:
    options = ["--config", "config.yaml"]
    return start("publish_demo_models", *options, settings=SETTINGS, cwd=folder)


def test_models_and_hashes_are_put_in_place_and_nothing_else_changes(trained):
    before = (trained / "config.yaml").read_text()
    result = publish(trained, start=in_process.run_as_process)
    assert result.returncode == 0, result.stderr
    after = (trained / "config.yaml").read_text()
    potentials = yaml.safe_load(after)["potentials"]
    for name in ("mace-demo", "orb-demo"):
        assert potentials[name]["sha256"] == sha256_of(trained / potentials[name]["path"])
        assert (trained / "resources" / "models" / f"{name}.md").is_file()
    card = (trained / "resources" / "models" / "orb-demo.md").read_text()
    assert "| clusters | 4 | 41 | 42 | 39 | 21 | 4.2 % |" in card
    assert "`make demo-models` runs `config/demo_models.yaml`" in card
    assert "tells nothing about the size of\norb-v2's" in card
    assert not list((trained / "resources").rglob(".*"))
    assert not list((trained / "resources").rglob("SHA256SUMS"))  # the config has the hash
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    assert all("sha256:" in new for old, new in pairs if old != new)
    assert publish(trained).returncode == 0  # over what is there
    assert (trained / "config.yaml").read_text() == after


def test_the_ids_of_what_was_trained_on_stand_beside_the_models(trained):
    assert publish(trained).returncode == 0
    path = trained / "resources/models/demo_models.trained_on.txt"
    # the config is silent on the split, which is by group then: structures stand for their frames
    found, split = trained_ids([str(path)]), parts()
    assert found == {*split["train"].root.tolist(), *split["valid"].root.tolist()}
    assert "demo_models.trained_on.txt" in (trained / "resources/models/mace-demo.md").read_text()


def test_a_config_without_the_potential_is_told(trained):
    (trained / "config.yaml").write_text("run: demo\n")
    result = publish(trained)
    assert result.returncode == 1
    assert "no sha256 of the potential 'mace-demo'" in result.stderr
