"""Boxes of molecules and atoms: whole, apart, at the density asked; and what does not fit."""

import numpy as np
import pytest
from ase.build import molecule

from jobs_of import generate_job
from limbeck.config.sections.screen import Screen
from limbeck.errors import LimbeckError
from limbeck.geometry import density
from limbeck.molecules.detection import detect_molecules
from limbeck.reasons import Refused
from limbeck.structures import elements_of, generate, groups_of
from limbeck.structures.building.packing import Body, _Packing, contact_limits, pack
from limbeck.structures.distances import contact_too_near
from limbeck.structures.screening import screen
from limbeck.structures.sources.disordered import numbers_of_each

WATER = molecule("H2O")
BODY = Body(WATER.numbers, WATER.positions - WATER.positions.mean(axis=0))


def job(**changed):
    base = {"seed": 1, "source": "box", "shard": 0, "shards": 1, "count": 1}
    return generate_job("disordered", base | {"density_g_cm3": [0.997, 0.997]} | changed)


def make(**changed):
    return generate(job(**changed))


def test_a_box_of_water_is_64_whole_molecules_at_its_density():
    frames, rejected = make(molecules=["O"])
    assert rejected == []
    atoms = frames.to_atoms()[0]
    assert density(atoms.numbers, atoms.cell.array) == pytest.approx(0.997)
    found = detect_molecules(atoms)
    assert len(found) == 64
    assert set(found.graph.formulas) == {"H2O"}
    bonds = [np.linalg.norm(m.positions[1:] - m.positions[0], axis=1) for m in found]
    # MMFF94 has 0.969 A for water, and bodies are rigid
    assert np.array(bonds) == pytest.approx(0.969, abs=2e-3)
    where = atoms.numbers, atoms.positions, atoms.cell.array, True
    assert contact_too_near(*where, 0.6) is None  # what screening asks for
    assert contact_too_near(*where, 1.0) is not None  # negative control: they do touch
    assert len(screen(frames, Screen())[0]) == 1


def test_mixtures_have_their_proportions_and_one_group():
    asked = {"molecules": ["O", "CCO"], "proportions": [3.0, 1.0], "sizes": [8, 12]}
    frames, rejected = make(**asked, density_g_cm3=[0.8, 0.9], count=5)
    assert rejected == []
    assert set(frames.group.tolist()) == {b"C2H6O+H2O"}
    made_of = [frames.info_of(b)["made_of"] for b in range(5)]
    assert made_of[0] == {"O": 6, "CCO": 2}
    assert [sum(each.values()) for each in made_of] == [8, 9, 10, 11, 12]
    grams = [density(a.numbers, a.cell.array) for a in frames.to_atoms()]
    assert 0.8 <= min(grams) < max(grams) <= 0.9
    source = job(**asked).source
    assert set(groups_of(source)) == {("C2H6O+H2O", frozenset("CHO"))}
    assert elements_of(source) == set("CHO")


@pytest.mark.parametrize(
    ("size", "proportions", "counts"),
    [(100, [64, 36], [64, 36]), (7, [1, 1, 1], [3, 2, 2]), (3, [1000, 1, 1], [1, 1, 1])],
)
def test_each_species_is_there_at_least_once(size, proportions, counts):
    assert numbers_of_each(size, proportions) == counts


def test_a_melt_of_copper_and_zirconium_is_spread_out():
    asked = {"elements": ["Cu", "Zr"], "proportions": [64.0, 36.0], "sizes": [100, 100]}
    frames, rejected = make(**asked, density_g_cm3=[7.0, 7.0])
    assert rejected == []
    assert np.bincount(frames.numbers)[[29, 40]].tolist() == [64, 36]
    kept, _ = screen(frames, Screen(min_distance_ratio=0.7))
    assert len(kept) == 1
    assert make(elements=["Ar"], density_g_cm3=[1.4, 1.4])[1] == []  # one element only


def test_shards_move_no_structure():
    asked = {"molecules": ["O"], "sizes": [4, 6], "count": 5}
    whole, _ = make(**asked)
    parts = [make(**asked, shard=s, shards=2)[0].id.tolist() for s in range(2)]
    assert parts == [whole.id[s::2].tolist() for s in range(2)]


def test_what_does_not_fit_is_refused():
    with pytest.raises(Refused, match="does not fit"):  # four times as dense as water
        pack([BODY] * 8, contact_limits(), np.random.default_rng(0), cell=np.eye(3) * 3.9)
    positions = pack([BODY] * 8, contact_limits(), np.random.default_rng(0), cell=np.eye(3) * 6.3)
    assert positions.shape == (24, 3)


def test_the_gradient_is_that_of_the_energy():
    packing = _Packing([BODY] * 8, contact_limits(), np.eye(3) * 5.5, np.inf)
    rng = np.random.default_rng(0)
    centres, start = packing._start(rng)
    flat = np.concatenate([centres, rng.normal(size=centres.shape)]).ravel()
    _, gradient = packing._energy(flat, start)
    for k in range(0, len(flat), 5):
        step = np.zeros_like(flat)
        step[k] = 1e-6
        up, down = (packing._energy(flat + s * step, start)[0] for s in (1, -1))
        # central differences of a function with kinks in its second derivative: 1e-6
        assert gradient[k] == pytest.approx((up - down) / 2e-6, abs=1e-5)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "molecules: not given, expected SMILES"),
        ({"molecules": ["O"], "elements": ["Cu"]}, "elements: molecules are given"),
        ({"molecules": ["O"], "proportions": [1.0, 2.0]}, "proportions: 2 of them, expected 1"),
        ({"molecules": ["O", "C"], "sizes": [1, 9]}, "sizes: .* at least 2, one of each"),
        ({"molecules": ["O"], "sizes": [0, 9]}, "sizes.0: 0, expected at least 1"),
        ({"molecules": ["O"], "density_g_cm3": [2.0, 1.0]}, "smaller density first"),
    ],
)
def test_wrong_settings_are_named(changed, message):
    with pytest.raises(LimbeckError, match=message):
        make(**changed)


def test_ions_are_told_before_anything_is_made():
    with pytest.raises(LimbeckError, match=r"'\[Na\+\]' has charge \+1, expected none"):
        elements_of(job(molecules=["[Na+]"]).source)
