"""After a change of the config, what the change touches is made again, and nothing else."""

import copy
import os
from pathlib import Path

import pytest
import yaml

from snakemake_plan import jobs


@pytest.fixture(scope="module")
def config(workspace: Path) -> dict:
    return yaml.safe_load((workspace / "tests/config/tiny.yaml").read_text())


@pytest.fixture(scope="module")
def screened(snakemake) -> None:
    """Structures generated and screened, as the tiny config says."""
    result = snakemake(
        "--configfile", "tests/config/tiny.yaml", "--cores", 2, "--until", "screen_structures"
    )
    assert result.returncode == 0, result.stderr


@pytest.fixture
def plan(screened, snakemake, workspace, tmp_path):
    """Jobs that Snakemake plans for a config, the tiny one being done up to the screening."""

    def planned(changed: dict) -> dict[str, int]:
        path = tmp_path / "changed.yaml"
        path.write_text(yaml.safe_dump(changed))
        result = snakemake("-n", "--configfile", path)
        assert result.returncode == 0, result.stdout + result.stderr
        return jobs(result.stdout)

    return planned


DONE = {
    "check_inputs",
    "check_inputs_again",
    "generate_clusters",
    "generate_crystals",
    "screen_structures",
}


@pytest.mark.slow
def test_what_is_done_is_not_done_again(plan, config):
    assert not DONE & set(plan(config))


@pytest.mark.slow
def test_another_student_touches_no_structure(plan, config):
    changed = copy.deepcopy(config)
    changed["students"]["mace-tiny"]["epochs"] = 3
    assert not DONE & set(plan(changed))


@pytest.mark.slow
def test_another_label_set_is_checked_and_touches_no_structure(plan, config):
    changed = copy.deepcopy(config)
    changed["labels"]["emt-k3"] = {"potential": "emt", "views": 3}
    planned = plan(changed)
    assert DONE & set(planned) == {"check_inputs_again"}
    assert planned["label_frames"] == 6
    assert planned["write_report"] == 1


@pytest.mark.slow
def test_another_source_setting_makes_that_source_anew(plan, config):
    changed = copy.deepcopy(config)
    changed["sources"]["metals"]["strain"] = 0.01
    planned = plan(changed)
    assert planned["generate_crystals"] == 1
    assert planned["screen_structures"] == 1
    assert "generate_clusters" not in planned


@pytest.mark.slow
def test_an_edited_script_runs_again(plan, config, workspace):
    script = workspace / "scripts" / "screen_structures.py"
    script.write_text(script.read_text() + "\n# edited\n")
    planned = plan(config)
    assert planned["screen_structures"] == 3
    assert "generate_clusters" not in planned


@pytest.mark.slow
def test_an_older_file_in_the_place_of_a_source_is_noticed(snakemake, workspace, config, tmp_path):
    """As mv, cp -p, rsync -t and tar leave it: written before what was made of the other one."""
    mine, older = tmp_path / "mine.xyz", tmp_path / "older.xyz"
    mine.write_text("3\n\nO 0 0 0.12\nH 0 0.7632 -0.477\nH 0 -0.7632 -0.477\n")
    older.write_text("2\n\nN 0 0 0\nN 0 0 1.1\n")
    os.utime(older, (1e9, 1e9))
    sources = {"mine": {"kind": "file", "count": 9, "path": str(mine)}}
    own = {"run": "older", "sources": sources, "potentials": {"lj": {"model": "lj"}},
           "select": {"include": ["generated"]}, "labels": {"lj": {"potential": "lj"}},
           "warrant": {"n_frames": 2, "views": 2, "symmetries": ["rotation"]}}  # fmt: skip
    path = tmp_path / "older.yaml"
    path.write_text(yaml.safe_dump(own))
    made = "results/older/structures/mine/0.h5"
    first = snakemake("--configfile", path, "--cores", 1, "--", made)
    assert first.returncode == 0, first.stderr
    older.replace(mine)
    assert jobs(snakemake("-n", "--configfile", path, "--", made).stdout)["generate_file"] == 1
    # whether the potentials know its elements is asked anew, too
    assert jobs(snakemake("-n", "--configfile", path).stdout)["check_inputs_again"] == 1
