"""The config of subsystems and of differences, and which files follow from it."""

import copy
from pathlib import Path

import pytest
import yaml

from limbeck.config.load import resolve
from limbeck.config.plan import frames_of_slice, potential_meets, sources_of, subsystem_files
from limbeck.errors import LimbeckError
from limbeck.molecules.shells import BY_DISTANCE, BY_NUMBER


@pytest.fixture
def config(repository: Path) -> dict:
    config = yaml.safe_load((repository / "tests/config/tiny.yaml").read_text())
    config["subsystems"] = {
        "near": {"of": ["rattled", "generated"], "rule": BY_DISTANCE[0], "distances_A": [3.0]},
        "few": {"of": ["md"], "rule": BY_NUMBER[0]},
    }
    config["delta"] = {"d": {"baseline": "emt", "target": "emt-k2"}}
    return config


def errors_of(config: dict, *path: str, value) -> str:
    """What is wrong once the field at ``path`` is ``value``."""
    changed = copy.deepcopy(config)
    section = changed
    for name in path[:-1]:
        section = section[name]
    section[path[-1]] = value
    with pytest.raises(LimbeckError) as caught:
        resolve(changed)
    return str(caught.value)


def test_defaults(config):
    found = resolve(config).model_dump()
    assert found["subsystems"]["few"] == {
        "name": "few",
        "of": ["md"],
        "rule": "closest_to_center_of_mass",
        "n_molecules": [1, 2, 3, 4, 5, 6, 7, 8],
        "detect_molecules_in": "each_frame",
        "assert_identical_composition": True,
        "many_body_order": None,
        "charges": {},
        "bond_factor": 1.25,
        "potential": None,
        "keep": [],
        "allow_empty": False,
    }
    assert "n_molecules" not in found["subsystems"]["near"]
    assert found["delta"]["d"] == {
        "name": "d",
        "baseline": "emt",
        "target": "emt-k2",
        "atoms": "fit",
    }
    without = {k: v for k, v in config.items() if k not in ("subsystems", "delta")}
    assert (resolve(without).subsystems, resolve(without).delta) == ({}, {})


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("few.of", ["mdd"], "subsystems.few.of: 'mdd', expected one of generated, "),
        ("few.of", ["near"], "subsystems.few.of: 'near', expected one of generated, "),
        ("few.rule", "nearest", "subsystems.few.rule: 'nearest', expected one of closest_to_"),
        ("few.distances_A", [3.0], "subsystems.few.distances_A: unknown field"),
        ("few.n_molecules", [0], "subsystems.few.n_molecules.0: 0, expected at least 1"),
        (
            "few.n_molecules",
            [2, 2],
            "subsystems.few.n_molecules: [2, 2], expected every entry once",
        ),
        ("few.many_body_order", 1, "subsystems.few.many_body_order: 1, expected at least 2"),
        (
            "few.charges",
            {"h2o": 1},
            "subsystems.few.charges.h2o: the name 'h2o', expected formulas",
        ),
        ("few.charges", {"H3O": "+1"}, "subsystems.few.charges.H3O: '+1', expected a whole number"),
        ("few.potential", "emtt", "subsystems.few.potential: 'emtt', expected one of emt"),
        ("few.keep", ["energy"], "subsystems.few.potential: nothing, "),
        ("near", {"of": ["md"], "rule": BY_DISTANCE[1]}, "subsystems.near.distances_A: not given"),
        (
            "md",
            {"of": ["md"], "rule": BY_NUMBER[0]},
            "subsystems.md: a sampling has this name, too",
        ),
        ("generated", {"of": ["md"], "rule": BY_NUMBER[0]}, "subsystems.generated: the name "),
    ],
)
def test_what_is_wrong_with_a_subsystem_is_said_in_one_line(config, path, value, message):
    assert errors_of(config, "subsystems", *path.split("."), value=value).startswith(message)


def test_what_is_wrong_with_a_difference_is_said_in_one_line(config):
    assert errors_of(config, "delta", "d", "target", value="emt").startswith(
        "delta.d.target: 'emt', expected another label set than baseline"
    )
    assert errors_of(config, "delta", "d", "baseline", value="x").startswith(
        "delta.d.baseline: 'x', expected one of emt"
    )
    assert errors_of(config, "delta", "d", "atoms", value="none").startswith(
        "delta.d.atoms: 'none', expected one of fit, isolated"
    )


def test_clusters_can_be_selected_as_frames_are(config):
    config["select"] = {"include": ["near", "few", "rattled"], "count": 10, "slices": 2}
    found = resolve(config)
    assert sources_of(found, "near") == ["clusters", "metals"]
    assert sources_of(found, "few") == ["clusters"]
    assert frames_of_slice(found, 1) == [
        "subsystems/near/rattled/clusters/1.h5",
        "subsystems/near/generated/clusters/1.h5",
        "subsystems/few/md/clusters/1.h5",
        "samples/rattled/clusters/1.h5",
    ]
    assert "subsystems/near/rattled/metals/0.h5" in frames_of_slice(found, 0)
    assert len(subsystem_files(found)) == len(set(subsystem_files(found))) == 2 * 3 + 2


def test_a_potential_of_a_subsystem_has_to_know_its_sources(config):
    config["subsystems"]["few"] |= {"keep": ["energy"], "potential": "emt"}
    met = [m for m in potential_meets(resolve(config)) if m[1] == "subsystems.few.potential"]
    assert met == [("emt", "subsystems.few.potential", "clusters")]
