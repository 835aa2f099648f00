"""Contour and relax_path samplings in the config: defaults, clear errors."""

import copy

import pytest
import yaml

from limbeck.config.load import resolve
from limbeck.config.plan import driver
from limbeck.errors import LimbeckError

VALID = yaml.safe_load("""
run: test
sources:
  metals: {kind: crystals, count: 4, elements: [Cu], prototypes: [fcc]}
potentials:
  emt: {model: emt}
sampling:
  walk: {method: contour, sources: [metals], potential: emt}
  down: {method: relax_path, sources: [metals], potential: emt}
select: {include: [walk, down], count: 10}
labels:
  emt: {potential: emt}
""")


def test_defaults():
    config = resolve(copy.deepcopy(VALID))
    walk, down = config.sampling["walk"], config.sampling["down"]
    assert (walk.supercell_radius_A, walk.supercell_matrix) == (25, None)
    assert (walk.relax_input_cell, walk.relax_force_tolerance_eV_per_A) == ("constant_volume", 0.02)
    assert (down.relax, down.n_frames) == ("full", 10)
    for name in ("walk", "down"):
        assert driver(config, name) == "emt"
        assert config.sampling[name].keep == []


@pytest.mark.parametrize(
    ("name", "fields", "part"),
    [
        ("walk", {"potential": "lj"}, "one of emt"),
        ("walk", {"n_frames": 30, "interval_steps": 50}, "max_steps: 1000, expected at least 1500"),
        ("walk", {"supercell_matrix": [0, 1, 1]}, "above zero"),
        ("walk", {"relax": "full"}, "unknown field"),
        ("down", {"relax": "none"}, "one of full, constant_volume, only_atoms"),
        ("down", {"n_frames": 1}, "at least 2"),
        ("down", {"relax_input_cell": "full"}, "unknown field"),
    ],
)
def test_errors_name_the_field(name, fields, part):
    config = copy.deepcopy(VALID)
    config["sampling"][name].update(fields)
    with pytest.raises(LimbeckError) as caught:
        resolve(config)
    lines = [line for line in str(caught.value).splitlines() if f"sampling.{name}" in line]
    assert len(lines) == 1
    assert part in lines[0]
