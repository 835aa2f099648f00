"""Force constants and phonon samplings in the config: defaults, references, clear errors."""

import copy

import pytest
import yaml

from limbeck.config.load import load, resolve
from limbeck.config.plan import driver, force_constant_files, potential_meets
from limbeck.errors import LimbeckError

VALID = """
run: test
sources:
  metals: {kind: crystals, count: 4, shards: 2, elements: [Cu, Au], prototypes: [fcc]}
  clusters: {kind: clusters, count: 6, elements: [Cu], sizes: [4, 6]}
potentials:
  emt: {model: emt}
force_constants:
  stiff: {sources: [metals], potential: emt}
sampling:
  modes: {method: phonons, sources: [metals], force_constants: stiff}
  rattled: {method: rattle, sources: [clusters]}
select: {include: [modes, rattled], count: 10}
labels:
  emt: {potential: emt}
"""


@pytest.fixture
def config() -> dict:
    return yaml.safe_load(VALID)


def errors_of(config: dict, section: str, **fields) -> list[str]:
    """What is said of the config with fields of force_constants.stiff, or sampling.modes, set."""
    config = copy.deepcopy(config)
    next(iter(config[section].values())).update(fields)
    with pytest.raises(LimbeckError) as caught:
        resolve(config)
    return str(caught.value).splitlines()


def test_defaults(config):
    resolved = resolve(config)
    own, draw = resolved.force_constants["stiff"], resolved.sampling["modes"]
    assert (own.supercell_radius_A, own.relax_input_cell) == (25, "constant_volume")
    assert (own.displacements, own.imaginary_modes) == ("finite", "refuse")
    assert (own.displacement_A, own.second_step) == (0.03, "first")
    assert (own.max_step_difference, own.max_unexplained) == (0.25, 0.15)
    # all commensurate modes above the floor: the canonical ensemble
    assert (draw.draw, draw.k_point_mesh) == ("canonical", "all")
    assert (draw.freq_min_THz, draw.freq_max_THz) == (0.0, None)
    assert (draw.n_frames, draw.time_step_fs) == (20, 100)


@pytest.mark.parametrize("draw", ["mode_scan", "time_propagation"])
def test_one_mode_at_a_time_has_a_window_by_default(config, draw):
    """All modes of a supercell, each with frames of its own, would be thousands."""
    config["sampling"]["modes"]["draw"] = draw
    found = resolve(config).sampling["modes"]
    assert (found.k_point_mesh, found.freq_min_THz, found.freq_max_THz) == ("gamma", 0.1, 8.0)
    config["sampling"]["modes"] |= {"freq_max_THz": None, "k_point_mesh": "all"}
    found = resolve(config).sampling["modes"]
    assert (found.k_point_mesh, found.freq_min_THz, found.freq_max_THz) == ("all", 0.1, None)
    assert type(found).model_validate(found.model_dump()) == found


def test_the_window_of_the_molecular_crystal_is_one_line():
    own = load("config/molecular_crystal.yaml").sampling["phonons"]
    assert (own.draw, own.k_point_mesh) == ("canonical", "gamma")
    assert (own.freq_min_THz, own.freq_max_THz) == (0.1, 8.0)


@pytest.mark.parametrize("mesh", ["all", "gamma", 20, 12.5, [3, 3, 3]])
def test_meshes_that_the_config_takes(config, mesh):
    config["sampling"]["modes"]["k_point_mesh"] = mesh
    assert resolve(config).sampling["modes"].k_point_mesh == mesh


WRONG = [
    ("sampling", {"k_point_mesh": "Gamma"}, "all, gamma, a length in Angstrom, or three whole"),
    ("sampling", {"k_point_mesh": [2, 2]}, "all, gamma, a length in Angstrom, or three whole"),
    ("sampling", {"k_point_mesh": 0}, "all, gamma, a length in Angstrom, or three whole"),
    ("sampling", {"selected_modes": [0]}, "at least 1"),
    ("sampling", {"freq_max_THz": 0.05, "freq_min_THz": 0.1}, "more than freq_min_THz, 0.1"),
    ("force_constants", {"second_step": "none"}, "one of first, all"),
    ("force_constants", {"max_unexplained": 0}, "more than 0"),
    ("sampling", {"force_constants": "soft"}, "one of stiff"),
    ("sampling", {"sources": ["clusters"]}, "sources of force_constants.stiff: metals"),
    ("sampling", {"potential": "emt"}, "unknown field"),
    ("force_constants", {"potential": "lj"}, "one of emt"),
    ("force_constants", {"sources": ["rocks"]}, "one of metals, clusters"),
    ("force_constants", {"displacements": "all"}, "one of finite, random"),
    ("force_constants", {"imaginary_modes": "ignore"}, "one of refuse, drop, follow"),
    ("force_constants", {"volume_strains": [0, 0.1]}, "5"),
    (
        "force_constants",
        {"supercell_matrix": [2, 2]},
        "three whole numbers above zero, or",
    ),
    ("force_constants", {"supercell_matrix": [2, 0, 2]}, "above zero, or three rows"),
    ("force_constants", {"supercell_matrix": [2, [0, 2, 0], 2]}, "above zero, or three rows"),
    ("force_constants", {"supercell_matrix": [[1, 0, 0], [0, 1, 0], [1, 1, 0]]}, "determinant"),
]


@pytest.mark.parametrize(("section", "fields", "expected"), WRONG)
def test_an_error_names_the_field_and_what_was_expected(config, section, fields, expected):
    (line,) = errors_of(config, section, **fields)
    name = {"sampling": "modes", "force_constants": "stiff"}[section]
    assert line.startswith(f"{section}.{name}.{next(iter(fields))}")
    assert expected in line


def test_a_potential_that_does_not_know_an_element_is_refused(config):
    config["sources"]["metals"]["elements"] = ["Cu", "Si"]
    config["labels"]["emt"] = {"potential": "emt"}
    with pytest.raises(LimbeckError, match=r"force_constants\.stiff\.potential: 'emt' does not"):
        resolve(config)


def test_what_is_kept_is_asked_of_the_potential_of_the_force_constants(config):
    assert driver(resolve(config), "modes") is None
    config["sampling"]["modes"]["keep"] = ["energy"]
    assert driver(resolve(config), "modes") == "emt"
    (line,) = errors_of(config, "sampling", keep=["descriptors"])
    assert "which has none" in line


def test_files_and_potentials_of_the_plan(config):
    resolved = resolve(config)
    assert force_constant_files(resolved) == [
        "force_constants/stiff/metals/0.csv",
        "force_constants/stiff/metals/1.csv",
    ]
    assert ("emt", "force_constants.stiff.potential", "metals") in potential_meets(resolved)
