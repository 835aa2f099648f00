"""Many-body terms: against energies whose terms are known, and with real potentials."""

from itertools import combinations

import numpy as np
import pytest

from jobs_of import subsystem_job
from limbeck.files import sha256_of
from limbeck.frames import from_atoms
from limbeck.molecules.many_body import columns, expand, n_body_terms
from limbeck.molecules.subsystems import FRAGMENT_COLUMNS, extract_subsystems
from limbeck.potentials import open_potential
from limbeck.potentials.models.toys import LennardJones
from molecular_crystals import waters

SETTINGS = {
    "seed": 1,
    "subsystem": "c",
    "sampling": "md",
    "rule": "closest_to_central_molecule",
    "n_molecules": [5],
    "detect_molecules_in": "each_frame",
    "assert_identical_composition": True,
    "many_body_order": 5,
    "charges": {},
    "bond_factor": 1.25,
}


@pytest.mark.parametrize("n", [2, 3, 6])
def test_planted_terms_are_found(n):
    """Energies that are made of random one-, two- and three-body terms of each set."""
    rng = np.random.default_rng(n)
    terms = {s: rng.normal() for k in (1, 2, 3) for s in combinations(range(n), k)}

    def energy(molecules):
        return sum(e for s, e in terms.items() if set(s) <= set(molecules))

    top = min(4, n)
    sums = [sum(energy(s) for s in combinations(range(n), k)) for k in range(1, top + 1)]
    expected = [sum(e for s, e in terms.items() if len(s) == k) for k in range(1, top + 1)]
    # rounding, of sums of up to a hundred numbers of size one
    np.testing.assert_allclose(n_body_terms(n, np.array(sums)), expected, atol=1e-11)


def clusters_of_water(order=5, count=5):
    frames = from_atoms([waters(6)], groups=["H2O"], source="s")
    settings = SETTINGS | {"many_body_order": order, "n_molecules": [count]}
    return extract_subsystems(frames, subsystem_job(settings))


def expanded(potential, found, order):
    energies = potential.predict(found.frames).energy
    named = dict(zip((i.decode() for i in found.frames.id), energies.tolist(), strict=True))
    rows = [dict(zip(FRAGMENT_COLUMNS, row, strict=True)) for row in found.fragments]
    return expand(rows, named, order), named, rows


def test_pair_potentials_have_no_three_body_term():
    ((row,), lacking), named, _ = expanded(LennardJones(), clusters_of_water(), 5)
    assert lacking == 0
    terms = np.array(row[3:8])
    scale = np.abs(list(named.values())).max()
    # float64, differences of sums of ten energies
    np.testing.assert_allclose(terms[2:], 0, atol=1e-12 * scale)
    assert abs(terms[1]) > 1e-6 * scale
    assert row[8] == pytest.approx(0, abs=1e-12 * scale)


@pytest.fixture(scope="module")
def mace(repository):
    path = repository / "resources/models/mace-demo.model"
    settings = {"name": "mace-demo", "model": "mace", "path": str(path), "dtype": "float64"}
    return open_potential(settings | {"sha256": sha256_of(path)})


def test_terms_of_a_real_potential_add_up_to_the_energy_of_the_cluster(mace):
    """Message passing makes terms of every order."""
    ((row,), _), named, rows = expanded(mace, clusters_of_water(), 5)
    cluster, n_molecules, energy, *terms, remainder = row
    assert (cluster, n_molecules) == (rows[0]["cluster"], 5)
    assert energy == named[cluster]
    assert sum(terms) == pytest.approx(energy, abs=1e-9)  # float64, 1e-12 of 1e3 eV
    assert remainder == pytest.approx(0, abs=1e-9)
    assert min(map(abs, terms[:3])) > 1e-4
    # negative control: with one fragment's energy a little wrong, the five-body term takes it up
    wrong = dict(named)
    dimer = next(r["fragment"] for r in rows if r["order"] == 2)
    wrong[dimer] += 1e-3
    ((other,), _) = expand(rows, wrong, 5)
    assert abs(other[4] - row[4]) == pytest.approx(1e-3, rel=1e-6)
    assert abs(other[5] - row[5]) == pytest.approx(3e-3, rel=1e-6)  # in each of three trimers


def test_a_truncated_expansion_says_what_is_left(mace):
    ((row,), _), _, _ = expanded(mace, clusters_of_water(order=2), 2)
    ((full,), _), _, _ = expanded(mace, clusters_of_water(), 5)
    np.testing.assert_allclose(row[2:5], full[2:5], atol=1e-9)  # rounding
    assert row[5] == pytest.approx(sum(full[5:8]), abs=1e-9)
    assert abs(row[5]) > 1e-4  # there is something left, since this potential is no pair potential


def test_a_cluster_without_all_energies_is_counted_and_left_out():
    found = clusters_of_water(order=2)
    (_, _), named, rows = expanded(LennardJones(), found, 2)
    named.pop(next(r["fragment"] for r in rows if r["order"] == 2))
    assert expand(rows, named, 2) == ([], 1)


def test_small_clusters_have_no_high_terms():
    found = clusters_of_water(order=3, count=2)
    ((row,), _), _, _ = expanded(LennardJones(), found, 3)
    assert columns(3) == [
        "cluster",
        "n_molecules",
        "energy_eV",
        "one_body_eV",
        "two_body_eV",
        "three_body_eV",
        "remainder_eV",
    ]
    assert row[5] == ""
    assert row[6] == pytest.approx(0, abs=1e-9)
