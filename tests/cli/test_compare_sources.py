"""The command line that compares sources: files of shards, and the tables beside them."""

import json

import pytest
from ase import Atoms
from ase.build import bulk, molecule

import in_process
from limbeck.check.recipe import digest, recipe_of
from limbeck.config.sections.screen import Screen
from limbeck.config.written import ComparedSources, as_written
from limbeck.files import write_csv
from limbeck.frames import from_atoms
from limbeck.reasons import REPEATED
from limbeck.storage import write_frames

SETTINGS = {"sources": ["model", "mine"], "reference": "mine", "screen": Screen().model_dump()}


def write(folder, source, shard, structures, reasons=()):
    path = folder / f"structures/{source}/{shard}.h5"
    frames = from_atoms(structures, groups=["g"] * len(structures), source=source)
    write_frames(path, frames, stage="generate_generated", recipe="right")
    write_csv(path.with_suffix(".failed.csv"), ["number", "reason"], [(9, r) for r in reasons])
    return path


@pytest.fixture
def paths(tmp_path):
    """A model in two shards, with a copy and a file that could not be read; and what is known."""
    salt, atoms = bulk("NaCl", "rocksalt", a=5.6), Atoms("C2", [(0, 0, 0), (0, 0, 0.1)])
    return [
        write(tmp_path, "model", 0, [salt, bulk("Si")], [f"{REPEATED}: frame 0"]),
        write(tmp_path, "model", 1, [molecule("CH4"), atoms], ["not readable: no atoms"]),
        write(tmp_path, "mine", 0, [bulk("Si"), bulk("Ge"), molecule("C2H6")]),
    ]


def call(start, paths, output, settings=SETTINGS, **more):
    recipes = ["--recipes", *[more.get("recipe", "right")] * len(paths)]
    files = ["--structures", *paths, "--output", output]
    return start("compare_sources", *files, *recipes, settings=settings)


@pytest.mark.parametrize("start", [in_process.run, in_process.run_as_process])
def test_shares_of_all_shards_and_of_what_was_set_aside(paths, tmp_path, start):
    output = tmp_path / "comparison.json"
    done = call(start, paths, output)
    assert done.returncode == 0, done.stderr
    found = as_written(ComparedSources, json.loads(output.read_text()), output)
    told = {(f.source, f.name): (f.value, f.count) for f in found.figures}
    # three sound ones and a copy, of four that were made and two that were set aside
    assert told["model", "valid"] == (pytest.approx(4 / 6), 6)
    assert told["model", "unique"] == (pytest.approx(3 / 4), 4)
    assert told["model", "novel"] == (pytest.approx(2 / 3), 3)  # silicon is known
    assert told["model", "one molecule of usual valences"] == (1.0, 1)
    assert ("mine", "novel") not in told
    assert {one.source for one in found.apart} == {"model"}
    words = json.dumps(SETTINGS | {"n_structures": 1000, "distance_A": 0.02, "n_environments": 0})
    assert recipe_of(output) != digest(words, [])  # of what it read as well


def test_files_of_another_config_are_refused(paths, tmp_path):
    done = call(in_process.run, paths, tmp_path / "comparison.json", recipe="wrong")
    assert done.returncode != 0
    assert "0.h5" in done.stderr
    assert not (tmp_path / "comparison.json").exists()
