"""Decorated prototypes: named crystals by spglib, neutrality by SMACT, predicted volumes, sizes."""

import numpy as np
import pytest
import spglib
from pymatgen.core import Lattice
from pymatgen.core import Structure as PymatgenStructure

from jobs_of import generate_job
from limbeck.errors import LimbeckError
from limbeck.reasons import Refused
from limbeck.structures import elements_of, generate, groups_of
from limbeck.structures.building.crystals.cells import cell_of_size
from limbeck.structures.building.crystals.neutrality import is_neutral
from limbeck.structures.building.crystals.prototypes import (
    PREDICTED,
    Entry,
    atoms_of,
    choose_entries,
    conventional_cell,
    decorate,
)
from limbeck.structures.building.crystals.volumes import volume_by_radii, volume_of


def job(**changed):
    base = {"seed": 1, "source": "xtals", "shard": 0, "shards": 1, "count": 1}
    return generate_job("crystals", base | changed)


def group_number(atoms) -> int:
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    return spglib.get_symmetry_dataset(cell, symprec=1e-4).number


# prototype, compound, atoms in the conventional cell, space group, two distances in A by hand from
# the published lattice and free parameters: as Mg-O and Al-O of spinel, and both Ti-O of rutile
NAMED = [
    ("spinel", "MgAl2O4", 56, 227, (1.924, 1.926)),
    ("rutile", "TiO2", 6, 136, (1.948, 1.981)),
    ("cesium_chloride", "CsCl", 2, 221, (3.571, 4.123)),
    ("antifluorite", "Li2O", 12, 225, (2.000, 2.310)),
    ("nickel_arsenide", "NiAs", 4, 194, (2.428, 2.505)),
    ("dichalcogenide_2h", "MoS2", 6, 194, (2.417, 3.172)),
    ("dichalcogenide_1t", "CdI2", 3, 164, (2.986, 4.206)),
]


@pytest.mark.parametrize(("prototype", "compound", "n_atoms", "number", "bonds"), NAMED)
def test_named_crystals(prototype, compound, n_atoms, number, bonds):
    frames, rejected = generate(job(prototypes=[prototype], compounds=[compound]))
    assert rejected == []
    (atoms,) = frames.to_atoms()
    assert len(atoms) == n_atoms
    assert group_number(atoms) == number
    found = np.unique(np.round((atoms * (3, 3, 3)).get_all_distances(mic=True), 3))
    shells = found[found > 0.1]
    assert shells[0] == pytest.approx(bonds[0], abs=0.005)  # the last digit of free parameters
    assert np.abs(shells - bonds[1]).min() < 0.005


def test_a_config_of_before_keeps_its_structures():
    """New prototypes are taken where they are named, and the old ones have no new compounds."""
    first = job().source.prototypes
    assert len(first) == 9
    assert len(choose_entries(first)) == 123


def test_decorated_prototypes_are_every_assignment_once():
    found = [e.formula for e in decorate(["rocksalt"], ["Cl", "Na", "K"])]
    assert sorted(found) == ["KCl", "KNa", "NaCl"]  # the same with the elements exchanged
    assert len(decorate(["nickel_arsenide"], ["Ni", "As"])) == 2  # not the same
    assert len(decorate(["perovskite"], ["Sr", "Ti", "O", "F"])) == 4 * 3 * 2
    assert [e.formula for e in decorate(["fcc", "rocksalt"], ["Cu"])] == ["Cu"]


@pytest.mark.parametrize("prototype", [name for name, *_ in NAMED] + ["perovskite", "wurtzite"])
def test_a_decorated_prototype_keeps_its_space_group(prototype):
    known = {name: number for name, _, _, number, _ in NAMED} | {"perovskite": 221, "wurtzite": 186}
    entry = decorate([prototype], ["Mg", "Sn", "S"])[0]
    assert group_number(atoms_of(conventional_cell(entry))) == known[prototype]


@pytest.mark.parametrize(
    ("formula", "neutral"),
    [
        ("NaCl", True), ("NaCl2", False), ("MgAl2O4", True), ("Na", True), ("CuZn", False),
        ("Al2O3", True), ("AlO2", False),
        ("MgAl2Ti4", False),  # SMACT has Ti 2-, from an entry of the ICSD
    ],
)  # fmt: skip
def test_neutrality(formula, neutral):
    assert is_neutral(formula) is neutral


def test_only_neutral_ones_where_asked():
    every = decorate(["fluorite", "rocksalt"], ["Na", "Mg", "Cl"])
    kept = decorate(["fluorite", "rocksalt"], ["Na", "Mg", "Cl"], charge_neutral=True)
    assert {e.formula for e in kept} == {"MgCl2", "NaCl"}
    assert len(every) == 6 + 3
    source = job(
        prototypes=["fluorite"], decorate=True, charge_neutral=True, elements=["Mg", "Na", "Cl"]
    ).source
    assert elements_of(source) == {"Mg", "Cl"}
    assert list(groups_of(source)) == [("MgCl2", frozenset({"Mg", "Cl"}))]


@pytest.mark.parametrize(
    ("prototype", "formula"), [("rocksalt", "MgO"), ("spinel", "MgAl2O4"), ("fluorite", "CaF2")]
)
def test_a_predicted_volume_is_near_the_measured_one(prototype, formula):
    """Within 20 %: nine of ten crystals are (benchmarks/volumes.py)."""
    predicted = conventional_cell(Entry(formula, prototype, 0.0, 0.0, PREDICTED))
    (entry,) = choose_entries([prototype], None, [formula])
    assert predicted.volume == pytest.approx(conventional_cell(entry).volume, rel=0.2)


def test_a_volume_does_not_depend_on_the_one_it_is_given():
    by_dls = []
    for a in (1.0, 4.0, 40.0):
        salt = PymatgenStructure.from_spacegroup(
            "Fm-3m", Lattice.cubic(a), ["Na", "Cl"], [(0, 0, 0), (0.5, 0.5, 0.5)]
        )
        # Cordero's radii: 1.66 and 1.02 A, so that a is 5.36 A
        assert volume_by_radii(salt) == pytest.approx(5.36**3, rel=1e-6)
        by_dls.append(volume_of(salt))
    assert by_dls == pytest.approx([by_dls[0]] * 3, rel=1e-6)
    # one of the tenth that are far off: 21 % below 5.6406 A
    assert by_dls[0] / 5.6406**3 == pytest.approx(0.79, abs=0.01)


def test_elements_that_dls_does_not_know_have_radii():
    xenon = conventional_cell(Entry("XeF2", "fluorite", 0.0, 0.0, PREDICTED))
    bond = min(n.nn_distance for n in xenon.get_neighbors(xenon[0], 6.0))
    assert bond == pytest.approx(1.40 + 0.57, abs=1e-6)  # the sum of Cordero's radii


def test_an_element_without_a_radius_is_refused(monkeypatch):
    monkeypatch.setattr(
        "limbeck.structures.building.crystals.prototypes.has_radius", lambda s: s != "Na"
    )
    frames, rejected = generate(
        job(prototypes=["rocksalt"], decorate=True, elements=["Na", "K", "Br"], count=3)
    )
    assert len(frames) == 1
    assert {r.reason for r in rejected} == {"no radius to predict a volume from"}
    assert {r.value for r in rejected} == {"Na"}


@pytest.mark.parametrize(
    ("n_atoms", "count", "number"),
    [([1, 14], 14, 227), ([50, 60], 56, 227), ([100, 120], 112, 227)],
)
def test_a_cell_of_so_many_atoms(n_atoms, count, number):
    spinel = atoms_of(conventional_cell(choose_entries(["spinel"], None, ["MgAl2O4"])[0]))
    cell = cell_of_size(spinel, n_atoms)
    assert len(cell) == count
    assert group_number(cell) == 227
    assert cell.get_volume() / count == pytest.approx(spinel.get_volume() / 56)


def test_a_size_that_no_cell_has_is_refused():
    copper = atoms_of(conventional_cell(choose_entries(["fcc"], None, ["Cu"])[0]))
    assert len(cell_of_size(copper, [7, 7])) == 7  # of the primitive cell
    salt = atoms_of(conventional_cell(choose_entries(["rocksalt"], None, ["NaCl"])[0]))
    with pytest.raises(Refused, match="no supercell has so many atoms"):
        cell_of_size(salt, [7, 7])


def test_a_cell_is_as_round_as_can_be():
    salt = atoms_of(conventional_cell(choose_entries(["rocksalt"], None, ["NaCl"])[0]))
    assert cell_of_size(salt, [60, 70]).cell.lengths() == pytest.approx([2 * 5.6406] * 3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"decorate": True}, "elements: not given, expected those that prototypes are decorated"),
        ({"charge_neutral": True}, r"charge_neutral: true, expected it with decorate: true"),
        ({"n_atoms": [9, 8]}, "n_atoms: .*the smaller number first"),
        ({"n_atoms": [1, 20000]}, "n_atoms: .*expected at most 10000 atoms"),
        ({"count": 0}, "count: "),
        (
            {"decorate": True, "elements": ["Na"], "prototypes": ["spinel"]},
            r"elements: \['Na'\], nothing spinel is made of these, expected others or more",
        ),
        (
            {"n_atoms": [1, 1], "prototypes": ["rocksalt"]},
            r"n_atoms: \[1, 1\], expected a number of atoms that a cell of rocksalt has",
        ),
    ],
)
def test_wrong_settings_are_named(changed, message):
    with pytest.raises(LimbeckError, match=message):
        generate(job(**changed))
