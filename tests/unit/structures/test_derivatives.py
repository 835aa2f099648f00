"""Derivatives: as many changes as asked, known early and told; each atom is changed once."""

import json
from collections import Counter

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from jobs_of import generate_job
from limbeck.errors import LimbeckError
from limbeck.structures import elements_of, generate, groups_of
from limbeck.structures.building.crystals.defects import Defects, with_defects

SALT = {"prototypes": ["rocksalt"], "compounds": ["NaCl"], "n_atoms": [8, 8]}


def job(**changed):
    base = {"seed": 1, "source": "made", "shard": 0, "shards": 1, "count": 1}
    return generate_job("derivatives", base | changed)


def made(**changed):
    frames, rejected = generate(job(**changed))
    assert rejected == []
    infos = [json.loads(info) for info in frames.info]
    return list(zip(frames.to_atoms(), frames.group.tolist(), infos, strict=True))


def test_vacancies_leave_the_others_where_they_were():
    ((atoms, group, info),) = made(**SALT, vacancies=[2, 2], vacancies_of=["Cl"])
    assert Counter(atoms.symbols) == {"Na": 4, "Cl": 2}
    assert group == b"Na2Cl"
    assert info["vacancies"] == {"Cl": 2}
    sites = np.round(atoms.get_scaled_positions() * 2)
    assert np.abs(atoms.get_scaled_positions() * 2 - sites).max() < 1e-9
    assert len(np.unique(sites, axis=0)) == 6


def test_substitutions_stay_in_their_family():
    found = made(
        **SALT, substitutions=[1, 3], substitute=[["Na", "K"], ["Cl", "Br", "I"]], count=20
    )
    for atoms, _, info in found:
        counts = Counter(atoms.symbols)
        assert counts["Na"] + counts["K"] == 4
        assert counts["Cl"] + counts["Br"] + counts["I"] == 4
        assert 1 <= counts["K"] + counts["Br"] + counts["I"] <= 3
        assert sum(info["substitutions"].values()) == counts["K"] + counts["Br"] + counts["I"]
    assert len({group for _, group, _ in found}) > 3


def test_an_antisite_keeps_the_formula_and_changes_two_atoms():
    ((atoms, group, info),) = made(**SALT, antisites=[1, 1])
    ((perfect, _, _),) = made(**SALT)
    assert group == b"NaCl"
    assert info["antisites"] == {"Cl<->Na": 1}
    assert (atoms.numbers != perfect.numbers).sum() == 2
    assert atoms.positions == pytest.approx(perfect.positions)


def test_no_atom_is_changed_twice():
    salt = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    every = Defects(Counter(Na=2), Counter({("Na", "K"): 1}), Counter({("Cl", "Na"): 1}))
    for seed in range(20):
        changed = with_defects(salt, every, np.random.default_rng(seed))
        # one Na left, which went to a Cl site; the Cl it changed with, three others
        assert Counter(changed.symbols) == {"Na": 1, "K": 1, "Cl": 4}
        assert every.formula_of(Counter(salt.symbols)) == dict(Counter(changed.symbols))


def test_groups_and_elements_are_told_before_anything_is_made():
    asked = {
        **SALT, "vacancies": [0, 3], "substitutions": [0, 2], "substitute": [["Na", "K"]],
        "count": 12,
    }  # fmt: skip
    told = list(groups_of(job(**asked, seed=9).source))
    assert [group for group, _ in told] == [group.decode() for _, group, _ in made(**asked)]
    assert elements_of(job(**asked).source) == {"Na", "K", "Cl"}
    # negative control: a family that nothing of the parents is in brings nothing in
    assert elements_of(job(**asked | {"substitute": [["Li", "K"]]}).source) == {"Na", "Cl"}


def test_seeds_and_shards_tell_which_sites():
    asked = {"prototypes": ["rocksalt"], "vacancies": [3, 4], "n_atoms": [64, 64], "count": 6}
    whole, _ = generate(job(**asked))
    parts = [generate(job(**asked, shard=s, shards=4))[0].id.tolist() for s in range(4)]
    assert parts == [whole.id[s::4].tolist() for s in range(4)]
    other, _ = generate(job(**asked, seed=2))
    assert other.group.tolist() == whole.group.tolist()
    assert not set(other.id.tolist()) & set(whole.id.tolist())


def test_parents_come_from_a_file(tmp_path):
    write(tmp_path / "parents.extxyz", [bulk("Cu", cubic=True), bulk("MgO", "rocksalt", a=4.21)])
    path = str(tmp_path / "parents.extxyz")
    found = made(path=path, n_atoms=[8, 8], vacancies=[1, 1], vacancies_of=["Cu", "O"], count=2)
    assert [dict(Counter(atoms.symbols)) for atoms, _, _ in found] == [{"Cu": 7}, {"Mg": 4, "O": 3}]
    assert found[0][2]["parent_crystal"] == "parents-0"


def test_molecules_are_no_parents(tmp_path):
    from ase.build import molecule

    write(tmp_path / "water.xyz", molecule("H2O"))
    with pytest.raises(LimbeckError, match="no crystal in it, expected parents of derivatives"):
        elements_of(job(path=str(tmp_path / "water.xyz")).source)


def test_one_element_has_no_antisites_but_vacancies():
    copper = {"prototypes": ["fcc"], "compounds": ["Cu"], "n_atoms": [4, 4]}
    _, rejected = generate(job(**copper, antisites=[1, 1]))
    assert [r.reason for r in rejected] == ["fewer atoms of the elements than are to be changed"]
    assert list(groups_of(job(**copper, antisites=[1, 1]).source)) == []
    assert len(made(**copper, vacancies=[1, 3], count=4)) == 4
    _, rejected = generate(job(**copper | {"n_atoms": [4, 5]}, vacancies=[4, 4]))
    assert rejected[0].limit == "below 4"  # some atom is left


def test_without_changes_a_parent_comes_once():
    frames, rejected = generate(job(**SALT, count=3))
    assert len(frames) == 1
    assert [r.reason for r in rejected] == ["repeats a structure of smaller number"] * 2
    assert len(list(groups_of(job(**SALT, count=3).source))) == 1
    assert len(generate(job(**SALT, count=3, strain=0.01))[0]) == 3


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "path: neither it nor prototypes given, expected one of them"),
        ({**SALT, "path": "x.cif"}, "path: both it and prototypes given, expected one of them"),
        ({**SALT, "substitutions": [0, 1]}, "substitute: not given, expected families of elements"),
        ({**SALT, "substitute": [["Na"]]}, r"substitute\.0: \['Na'\], expected two elements"),
        ({**SALT, "vacancies": [2, 1]}, "vacancies: .*the smaller number first"),
        ({**SALT, "count": 0}, "count"),
        ({**SALT, "substitute": [["Na", "Xx"]]}, "the symbol of a chemical element"),
    ],
)
def test_wrong_settings_are_named(changed, message):
    with pytest.raises(LimbeckError, match=message):
        job(**changed)
