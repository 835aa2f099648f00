"""What a search for duplicates waits for: sources before it, and batches before it."""

from pathlib import Path

import pytest

from limbeck.config import plan
from limbeck.config.load import resolve
from limbeck.config.text import read_yaml

CRYSTALS = {"kind": "crystals", "count": 4, "shards": 2, "elements": ["Cu"]}
CONFIG = {
    "run": "duplicates",
    "sources": {"one": CRYSTALS, "two": CRYSTALS},
    "select": {"include": ["generated"], "slices": 2},
    "potentials": {"emt": {"model": "emt"}},
    "labels": {"emt": {"potential": "emt"}},
    "duplicates": {"distance_A": 0.02},
}
GENERATED = {"kind": "generated", "path": "resources/crystals", "count": 6, "shards": 3}
TAKING = {"generative_fraction": 0.5, "generative_model": "made"}


def test_a_source_waits_for_those_before_it_alone():
    config = resolve(CONFIG)
    assert plan.duplicates_of(config, "two", "0") == ["duplicates/two/set.h5"]
    assert plan.keys_before(config, "one", "set") == []
    assert plan.keys_before(config, "two", "set") == ["duplicates/one/set.h5"]
    files = [f"structures/one/{i}.h5" for i in (0, 1)]
    assert plan.structures_before(config, "two", "set") == files
    assert plan.structures_searched(config, "one", "set") == files
    assert plan.duplicates_of(resolve(CONFIG | {"duplicates": {}}), "two", "0") == []


def test_the_pilot_waits_for_itself_alone_and_the_rest_for_it():
    config = resolve(CONFIG | {"gate": {"pilot": 1}})
    assert plan.structures_searched(config, "two", "pilot") == ["structures/two/0.h5"]
    assert plan.structures_before(config, "two", "pilot") == ["structures/one/0.h5"]
    assert plan.duplicates_of(config, "two", "1") == ["duplicates/two/rest.h5"]
    # of the first source, too, what the second has in the pilot
    pilot = [f"duplicates/{name}/pilot.h5" for name in ("one", "two")]
    assert plan.keys_before(config, "one", "rest") == pilot
    assert plan.keys_before(config, "two", "rest") == [*pilot, "duplicates/one/rest.h5"]


def test_what_a_generative_model_made_is_searched_alone_and_then_as_structures_of_its_takers():
    sources = {"one": CRYSTALS, "two": CRYSTALS | TAKING, "made": GENERATED}
    config = resolve(CONFIG | {"sources": sources, "gate": {"pilot": 1}})
    assert plan.duplicates_of(config, "made", "2") == ["duplicates/made/pilot.h5"]
    assert len(plan.structures_searched(config, "made", "pilot")) == GENERATED["shards"]
    assert plan.structures_before(config, "made", "pilot") == []
    assert plan.structures_before(config, "two", "pilot") == ["structures/one/0.h5"]
    # the pilot takes any of its structures, so that none of its shards may wait for the pilot
    assert [plan.pilots_before_source(config, "made", str(i)) for i in range(3)] == [[], [], []]


def test_molecules_wait_for_no_crystals():
    molecules = {"kind": "molecules", "count": 2, "smiles": "resources/smiles/organics.smi"}
    files = {"kind": "file", "count": 2, "path": "resources/crystals"}
    sources = {"crystals": CRYSTALS, "molecules": molecules, "files": files}
    config = resolve(CONFIG | {"sources": sources})
    assert plan.structures_before(config, "molecules", "set") == []
    both = {path.split("/")[1] for path in plan.structures_before(config, "files", "set")}
    assert both == {"crystals", "molecules"}


@pytest.mark.parametrize("name", ["hybrid_5k", "hybrid_5k_b", "hybrid_120k"])
def test_each_shard_of_a_plan_is_searched_once(name, tmp_path, monkeypatch):
    configs = Path(__file__).parents[3] / "config"
    whole = read_yaml(configs / f"{name}.yaml")
    monkeypatch.chdir(tmp_path)
    Path("config").symlink_to(configs)  # of a plan's fallback
    for source in whole["sources"].values():
        if "path" in source:  # what its sources are read from
            Path(source["path"]).mkdir(parents=True, exist_ok=True)
            Path(source["path"], "some.cif").touch()
    config = resolve(whole)
    for source, section in config.sources.items():
        found = [
            p for b in plan.batches(config) for p in plan.structures_searched(config, source, b)
        ]
        expected = {f"structures/{source}/{i}.h5" for i in range(section.shards)}
        assert len(found) == len(expected)
        assert set(found) == expected
