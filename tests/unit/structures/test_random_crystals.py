"""Random crystals: seeds, shards, space groups by spglib, what is refused, molecules kept whole."""

import numpy as np
import pytest
import spglib

from jobs_of import generate_job
from limbeck.errors import LimbeckError
from limbeck.molecules.detection import detect_molecules
from limbeck.structures import elements_of, generate, groups_of
from limbeck.structures.building.crystals.space_groups import MOST_TRIES


def job(**changed):
    base = {"seed": 1, "source": "any", "shard": 0, "shards": 1, "count": 1}
    return generate_job("random_crystals", base | changed)


def make(**changed):
    return generate(job(**changed))


SALT = {"formulas": ["NaCl"], "space_groups": [14, 62, 221], "n_atoms": [8, 8]}


def symmetry_of(atoms):
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    return spglib.get_symmetry_dataset(cell, symprec=1e-3)


def test_a_crystal_has_the_symmetry_of_its_group():
    frames, rejected = make(**SALT, count=3)
    assert rejected == []
    operations = {14: 4, 62: 8, 221: 48}  # of a primitive cell; by accident there are more
    for atoms, number in zip(frames.to_atoms(), SALT["space_groups"], strict=True):
        assert len(atoms) == 8
        assert len(symmetry_of(atoms).rotations) % operations[number] == 0


def test_seeds_and_shards_tell_which_crystal_it_is():
    whole, _ = make(**SALT, count=3)
    np.random.seed(99)  # PyXtal may not look at it
    parts = [make(**SALT, count=3, shard=s, shards=3)[0].id.tolist() for s in (2, 1, 0)]
    assert parts[::-1] == [whole.id[s::3].tolist() for s in range(3)]
    other, _ = make(**SALT, count=3, seed=2)
    assert not set(other.id.tolist()) & set(whole.id.tolist())
    assert other.group.tolist() == whole.group.tolist()


def test_groups_are_told_before_anything_is_made():
    asked = {"elements": ["Mg", "Al", "O"], "space_groups": [1, 2], "count": 6, "n_atoms": [2, 8]}
    frames, _ = make(**asked)
    told = list(groups_of(job(**asked, seed=5).source))
    assert len(told) == 6
    assert set(frames.group.tolist()) <= {group.encode() for group, _ in told}
    assert elements_of(job(**asked).source) == {"Mg", "Al", "O"}


def test_neutral_compositions_are_no_elements_alone_only():
    """A third of them are meant to be; drawn anew each time, four fifths were."""
    asked = {"elements": ["Mg", "Al", "O"], "charge_neutral": True, "count": 60}
    kinds = [len(symbols) for _, symbols in groups_of(job(**asked).source)]
    assert len(kinds) > 50
    assert 10 <= kinds.count(1) <= 32  # of 60: a third is 20, and four standard deviations


def test_each_formula_has_each_group_in_its_turn():
    frames, _ = make(formulas=["NaCl", "MgO"], space_groups=[225, 221], n_atoms=[2, 2], count=4)
    infos = [frames.info_of(b) for b in range(len(frames))]
    found = {(info["name"].split("-")[0], info["space_group"]) for info in infos}
    assert found == {("NaCl", 225), ("NaCl", 221), ("MgO", 225), ("MgO", 221)}


def test_one_element_alone():
    frames, rejected = make(elements=["Si"], space_groups=[227], n_atoms=[2, 2])
    assert rejected == []
    assert frames.n_atoms.tolist() == [2]
    assert frames.group.tolist() == [b"Si"]
    assert symmetry_of(frames.to_atoms()[0]).number == 227


def test_a_group_without_sites_is_refused():
    frames, rejected = make(formulas=["NaCl"], n_atoms=[2, 2], space_groups=[62])
    assert len(frames) == 0
    (refused,) = rejected
    assert refused.reason == "the space group has no sites for the composition"
    assert (refused.value, refused.limit) == ("NaCl", 62)


def test_pyxtal_giving_up_is_refused():
    frames, rejected = make(
        formulas=["NaCl"], n_atoms=[2, 2], space_groups=[225], min_distance_factor=9.0, attempts=1
    )
    assert len(frames) == 0
    assert [r.reason for r in rejected] == [
        "PyXtal found no crystal without short distances: attempts"
    ]


def test_compositions_are_neutral_where_asked():
    asked = {"elements": ["Na", "Cl"], "n_elements": [2, 2], "count": 40}
    neutral = {group for group, _ in groups_of(job(**asked, charge_neutral=True).source)}
    every = {group for group, _ in groups_of(job(**asked).source)}
    assert "NaCl" in neutral < every
    assert not neutral & {"NaCl2", "Na2Cl"}


def test_no_composition_of_so_many_atoms_is_refused():
    asked = {"formulas": ["MgAl2O4"], "n_atoms": [8, 13]}
    assert list(groups_of(job(**asked).source)) == []
    _, rejected = make(**asked)
    assert rejected[0].reason.startswith("no composition of so many atoms")


@pytest.mark.parametrize("number", [2, 5])  # the second has a centred cell
def test_molecules_are_whole(number):
    asked = {"molecules": ["O=C=O"], "space_groups": [number], "molecules_per_cell": [2, 2]}
    frames, rejected = make(**asked)
    assert rejected == []
    (atoms,) = frames.to_atoms()
    found = detect_molecules(atoms)
    assert np.bincount(found.graph.molecule).tolist() == [3, 3]
    assert frames.group.tolist() == [b"CO2"]
    assert list(groups_of(job(**asked).source)) == [("CO2", frozenset({"C", "O"}))]


def test_an_ion_is_refused_and_counted():
    _, rejected = make(molecules=["[NH4+]"], space_groups=[1])
    assert rejected[0].reason == "a charged or open-shell molecule: its crystal is not neutral"
    with pytest.raises(LimbeckError, match="molecules: none of the SMILES is a neutral"):
        elements_of(job(molecules=["C1CC"]).source)


def test_pyxtal_is_silent(capsys, recwarn):
    make(molecules=["O"], space_groups=[2], molecules_per_cell=[2, 2])
    assert capsys.readouterr().out == ""
    assert [w for w in recwarn if "pyxtal" in w.filename] == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "elements: nothing given, expected one of elements, formulas, smiles, molecules"),
        ({"elements": ["Na"], "molecules": ["O"]}, "elements and molecules given, expected one of"),
        ({"formulas": ["Xy2"]}, "formulas: 'Xy2', expected symbols and whole numbers"),
        ({"formulas": ["Ca(OH)2"]}, "formulas: .*expected symbols and whole numbers"),
        ({"elements": ["Na"], "space_groups": [231]}, "space_groups"),
        ({"elements": ["Na"], "n_elements": [2, 3]}, "n_elements: .*at most the number of"),
        ({"molecules": ["O"], "charge_neutral": True}, "charge_neutral: true, expected it with el"),
        ({"elements": ["Na"], "count": 0}, "count"),
        ({"elements": ["Na"], "n_atoms": [0, 4]}, "n_atoms"),
    ],
)
def test_wrong_settings_are_named(changed, message):
    with pytest.raises(LimbeckError, match=message):
        job(**changed)


def test_pyxtal_has_an_end_where_there_is_no_room(monkeypatch):
    """Left alone, it fills 400 cells for each attempt, which takes minutes in a cubic group."""
    from pyxtal.crystal import random_crystal

    fill, tries = random_crystal._set_coords, []
    monkeypatch.setattr(random_crystal, "_set_coords", lambda self: tries.append(1) or fill(self))
    _, rejected = make(
        formulas=["Si"], n_atoms=[2, 2], space_groups=[225], min_distance_factor=9.0, attempts=2
    )
    assert len(rejected) == 1
    assert 0 < len(tries) <= 2 * MOST_TRIES
