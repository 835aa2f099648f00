"""The plan of clusters, many-body terms and differences."""

import pytest
import yaml

from limbeck.config.load import load
from snakemake_plan import jobs, told

MOLECULES = {
    "run": "molecules",
    "sources": {
        "water": {"kind": "molecules", "count": 2, "shards": 2, "smiles": "resources/smiles/w.smi"}
    },
    "potentials": {"lj": {"model": "lj"}, "gfn2": {"model": "xtb"}},
    "sampling": {"rattled": {"method": "rattle", "sources": ["water"], "n_frames": 2}},
    "subsystems": {
        "clusters": {
            "of": ["rattled", "generated"],
            "rule": "closest_to_central_molecule",
            "n_molecules": [1],
            "many_body_order": 2,
        },
        "near": {
            "of": ["rattled"],
            "rule": "max_min_distance_to_central_molecule",
            "distances_A": [3.0],
        },
    },
    "select": {"include": ["clusters", "near"], "count": 20, "slices": 2},
    "labels": {"lj": {"potential": "lj"}, "gfn2": {"potential": "gfn2"}},
    "delta": {
        "fitted": {"baseline": "lj", "target": "gfn2"},
        "alone": {"baseline": "lj", "target": "gfn2", "atoms": "isolated"},
    },
    "dataset": {"split_by": "frame"},
    "warrant": {"symmetries": ["rotation"], "n_frames": 4, "views": 2},
}


@pytest.fixture(scope="module")
def config(workspace):
    (workspace / "resources/smiles/w.smi").write_text("O water\nCO methanol\n")
    (workspace / "config/molecules.yaml").write_text(yaml.safe_dump(MOLECULES))
    return ("--configfile", "config/molecules.yaml")


@pytest.fixture(scope="module")
def plan(snakemake, config):
    """Snakemake's plan of the molecules, with the commands it would run."""
    return snakemake("-n", "-p", *config)


def command(plan: str, script: str, output: str) -> str:
    lines = [line for line in plan.splitlines() if f"python scripts/{script}.py" in line]
    (found,) = [line for line in lines if f"{output} " in line.split("--output")[1]]
    return found


def test_the_plan_of_clusters_and_differences(plan):
    assert plan.returncode == 0, plan.stdout + plan.stderr
    found = jobs(plan.stdout)
    assert found["extract_subsystems"] == 6  # two shards, of two samplings and of one
    assert found["expand_many_body"] == 2  # one subsystem with fragments, two label sets
    assert found["evaluate_isolated_atoms"] == 2
    assert found["build_delta_set"] == 2
    select = command(plan.stdout, "select_frames", "selected/1.h5")
    assert "subsystems/clusters/rattled/water/1.h5" in select
    assert "subsystems/clusters/generated/water/1.h5" in select
    assert "water/0.h5" not in select


def test_a_rule_is_given_its_own_part(plan, workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    line = command(plan.stdout, "extract_subsystems", "near/rattled/water/0.h5")
    config = load("config/molecules.yaml")
    text = told(config, "subsystems/near/rattled/water/0.h5", line)
    assert '"distances_A": [3.0]' in text
    assert '"sampling": "rattled"' in text
    assert '"of": ["rattled"]' in text  # whatever else the subsystem is cut out of
    assert "--input results/molecules/samples/rattled/water/0.h5" in line


def test_lint_finds_nothing(snakemake, config):
    result = snakemake("--lint", *config)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
def test_the_run_ends_in_a_delta_set(snakemake, config, workspace):
    targets = [f"results/molecules/delta/{name}/counts.json" for name in ("fitted", "alone")]
    targets.append("results/molecules/many_body/clusters/gfn2.csv")
    done = snakemake(*targets, "-c1", *config)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("fitted", "alone"):
        folder = workspace / "results/molecules/delta" / name
        assert {p.name for p in folder.iterdir()} >= {"train.h5", "train.extxyz", "counts.json"}
