"""The tutorials: their configs are whole, and all that they start is run, small, to the report.

Snakemake says which scripts run with which words; they are called in this process, so that heavy
imports are paid once and not by each of some sixty jobs.
"""

import os
import re
import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

import in_process
from limbeck import load_student
from limbeck.config.load import resolve
from limbeck.potentials import speed
from limbeck.warrant.gaps import FIELD_GAPS
from workspaces import copy_workflow, snakemake_in

ROOT = Path(__file__).parents[2]
PAGES = {page.stem: page for page in sorted((ROOT / "docs/tutorials").glob("*.md"))}
#: steps of dynamics: before frames are taken, between them, in all
STEPS = {"time_equilibration_fs": 2, "sampling_interval_fs": 2, "time_total_fs": 8}


def whole(page: Path) -> dict[str, Any]:
    """The one config of a page."""
    text = page.read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return yaml.safe_load(block)


def scaled(config: dict[str, Any]) -> dict[str, Any]:
    """The same sections, methods and potentials, with few structures, steps, frames and epochs."""
    for source in config["sources"].values():
        source["count"] = min(source["count"], 6)
        if "compounds" in source:
            source["compounds"] = source["compounds"][:2]
    for potential in config["potentials"].values():
        potential["batch_atoms"] = 64  # else it is measured which is fastest
    for sampling in config["sampling"].values():
        if sampling["method"] == "md":
            step = sampling["time_step_fs"]
            sampling |= {name: n * step for name, n in STEPS.items()} | {"supercell_radius_A": None}
            sampling["relax_force_tolerance_eV_per_A"] = 10.0  # nothing to do
        else:
            sampling["n_frames"] = 1
    for subsystem in config.get("subsystems", {}).values():
        subsystem["n_molecules"] = [1, 2]
    config["select"]["count"] = 24
    for student in config.get("students", {}).values():
        student |= {"size": "tiny", "epochs": 1}
    config["warrant"] |= {"n_frames": 2, "views": 2}
    # loops and slopes take up to 64 evaluations of a frame, and have tests of their own
    cheap = [n for n in config["warrant"]["symmetries"] if n not in FIELD_GAPS]
    config["warrant"]["symmetries"] = cheap
    return config


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_about_one_screen_and_its_config_is_whole(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    config = whole(PAGES[name])
    assert resolve(config).run == config["run"]
    text = PAGES[name].read_text(encoding="utf-8")
    for words in (
        "**What you get:**",
        "**What to look at**",
        "**Next:**",
        "make run CONFIG=config/",
    ):
        assert words in text
    assert text.count("\n") < 90


def test_the_pages_are_listed():
    listed = re.findall(r"\(tutorials/(\w+)\.md\)", (ROOT / "docs/recipes.md").read_text())
    assert sorted(listed) == sorted(PAGES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_workflow(ROOT, tmp_path_factory.mktemp("tutorials"))
    stand_in = folder / "nothing/python"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/bin/sh\nexit 1\n")
    stand_in.chmod(0o755)
    return folder


def jobs(folder: Path, config: dict[str, Any]) -> Iterator[list[str]]:
    """The words of all scripts of a run, in the order of the run; their settings are written."""
    path = folder / f"{config['run']}.yaml"
    path.write_text(yaml.safe_dump(config))
    snakemake = snakemake_in(folder)
    plan = snakemake("-n", "-p", "--configfile", path)
    assert plan.returncode == 0, plan.stderr
    # The head writes the settings before its first job, which the stand-in lets fail.
    begun = snakemake("--cores", 1, "--configfile", path, path=str(folder / "nothing"))
    assert "Error in rule check_inputs" in begun.stderr
    for line in plan.stdout.splitlines():
        if "python scripts/" in line:
            words = shlex.split(line.split(" > ")[0])
            yield words[words.index("python") + 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_tutorial_runs(name, folder, monkeypatch):
    config = scaled(whole(PAGES[name]))
    monkeypatch.chdir(folder)
    # that there is a speed is tested here, not how well it is known
    quick = partial(speed.measure_speeds, rounds=2, seconds=0.02)
    monkeypatch.setattr(speed, "measure_speeds", quick)
    monkeypatch.setattr(speed, "BATCHES", (32,))
    ran = []
    for script, option, settings, *words in jobs(folder, config):
        assert option == "--settings"
        in_process.call(Path(script).stem, *words, settings=settings)
        ran.append(Path(script).stem)
    results = folder / "results" / config["run"]
    assert ran[-1] == "write_report"
    assert (results / "report/index.html").exists()
    for label_set in config.get("distill", []):
        student = results / f"students/{label_set['labels']}/mace-small/seed1"
        assert load_student(student).potential.about.elements
    # what the page tells its reader to look at
    text = PAGES[name].read_text(encoding="utf-8")
    for path in re.findall(rf"`results/{config['run']}/([^`]+)`", text):
        assert os.path.exists(results / path), path
