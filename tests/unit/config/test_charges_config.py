"""Charges and potentials in the config: what can be asked of whom, and units of archives."""

import pytest

from limbeck.config.load import resolve
from limbeck.cost.rates import Model, rate_of
from limbeck.errors import LimbeckError

CONFIG = {
    "run": "charges",
    "sources": {"co2": {"kind": "molecules", "count": 9, "smiles": "resources/smiles/co2.smi"}},
    "potentials": {"q": {"model": "pyscf", "method": "HF"}, "x": {"model": "xtb"}},
    "select": {"include": ["generated"], "count": 9},
    "labels": {"rhf": {"potential": "q", "properties": ["dipole", "esp"]}},
}
UNITS = {
    "energy_unit": "eV",
    "forces_unit": "eV/Angstrom",
    "dipole_unit": "Debye",
    "esp_unit": "V",
    "points_unit": "Bohr",
}


@pytest.fixture(autouse=True)
def in_the_repository(repository, monkeypatch):
    monkeypatch.chdir(repository)


def errors_of(**changes):
    with pytest.raises(LimbeckError) as caught:
        resolve(CONFIG | changes)
    return str(caught.value)


def labels(**fields):
    return {"rhf": {"potential": "q", "properties": ["esp"], **fields}}


def test_a_label_set_says_what_it_asks_for_beside_energies():
    own = resolve(CONFIG).labels["rhf"]
    assert own.properties == ["dipole", "esp"]
    assert own.views == "as_given"  # it is equivariant by construction
    assert own.esp_points.shells == [1.4, 1.6, 1.8, 2.0]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"potential": "x"}, "labels.rhf.properties: esp, expected of 'x', a xtb: charges, dipole"),
        ({"properties": ["magmoms"]}, "labels.rhf.properties.0: 'magmoms', expected one of charg"),
        ({"properties": [], "esp_points": {"shells": [1.5]}}, "labels.rhf.esp_points: given, exp"),
        ({"esp_points": {"shells": []}}, "labels.rhf.esp_points.shells"),
        ({"esp_points": {"shells": [0.5]}}, "labels.rhf.esp_points.shells.0: 0.5, expected"),
        ({"esp_points": {"density_per_A2": 0.0}}, "labels.rhf.esp_points.density_per_A2: 0.0, ex"),
    ],
)
def test_what_cannot_be_asked_for_is_told(fields, says):
    assert says in errors_of(labels=labels(**fields))


def test_elements_without_a_radius_or_a_basis_are_told_before_any_work():
    metals = {
        "metals": {"kind": "clusters", "count": 4, "elements": ["Fe", "Ag"], "sizes": [13, 13]}
    }
    said = errors_of(sources=metals)
    assert "labels.rhf.properties: esp, and Fe of sources.metals have no van der Waals rad" in said
    assert "labels.rhf.potential: 'q' does not know Ag of sources.metals" in said


def test_units_of_an_archive_have_no_default(tmp_path):
    for name in ("a.npz", "g.npz"):
        (tmp_path / name).write_bytes(b"")
    source = {"kind": "file", "count": 9, "path": str(tmp_path / "a.npz")}
    source["grids"] = str(tmp_path / "g.npz")
    own = {"from": "file"}
    said = errors_of(sources={"mine": source}, labels={"rhf": own})
    for unit in UNITS:
        assert f"labels.rhf.{unit}: not given, expected that of" in said
    assert "sources.mine.length_unit: not given, expected that of R in" in said
    whole = {"mine": source | {"length_unit": "Angstrom"}}
    assert resolve(CONFIG | {"sources": whole, "labels": {"rhf": own | UNITS}})
    gone = {"mine": whole["mine"] | {"grids": "nowhere.npz"}}
    said = errors_of(sources=gone, labels={"rhf": own | UNITS})
    assert "sources.mine.grids: 'nowhere.npz'" in said


def test_the_cost_of_pyscf_grows_with_the_molecule():
    config, model = resolve(CONFIG), Model("potential", "q")
    rates = [rate_of(config, model, periodic=False, n_atoms=n) for n in (3, 5, 9, 12, 24)]
    speeds = [rate.atoms_per_second for rate in rates]
    assert speeds[1] > speeds[2] > speeds[3] > speeds[4]
    assert speeds[4] == speeds[3] / 4
    assert rate_of(config, model, periodic=True, n_atoms=3) is None
    others = CONFIG | {"potentials": {"q": {"model": "pyscf", "basis": "def2-tzvp"}}}
    assert rate_of(resolve(others), model, periodic=False, n_atoms=3) is None  # never timed
