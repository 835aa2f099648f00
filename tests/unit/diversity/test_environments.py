"""Entropy and overlap of environments, from kernels whose sums are known; QUESTS where slow."""

from math import log

import numpy as np
import pytest
from ase.build import bulk

from limbeck.diversity.environments import entropy, measure, overlap
from limbeck.frames import concatenate, from_atoms


def sums_of(kernel, block):
    """Sums of a kernel matrix over blocks. [N,N], [N] -> [N,G]."""
    return np.stack([kernel[:, block == b].sum(axis=1) for b in range(block.max() + 1)], axis=1)


def test_environments_that_are_all_alike_have_no_entropy():
    block = np.repeat(np.arange(4), 3)
    assert entropy(sums_of(np.ones((12, 12)), block), block) == (0.0, 0.0, 0.0)


def test_environments_of_which_no_two_are_alike_have_ln_n():
    block = np.repeat(np.arange(4), 3)
    value, low, high = entropy(sums_of(np.eye(12), block), block)
    assert value == pytest.approx(log(12))
    # every block left out leaves nine, by which the jackknife knows no spread
    assert low == high == value


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Kinds drawn at random, a root's environments all of one kind: H of the kinds is known."""
    rng, held, kinds = np.random.default_rng(1), 0, np.array([0.4, 0.3, 0.2, 0.1])
    truth = -(kinds * np.log(kinds)).sum()
    for _ in range(200):
        kind = np.repeat(rng.choice(4, 200, p=kinds), 3)
        block = np.repeat(np.arange(200) % 20, 3)
        _, low, high = entropy(sums_of((kind[:, None] == kind).astype(float), block), block)
        held += low <= truth <= high
    # 95 % of 200, by three standard deviations of a count; a bias of 3/400 nats is among it
    assert held >= 180


def test_one_block_has_no_interval():
    value, low, high = entropy(np.ones((3, 1)) * 3, np.zeros(3, int))
    assert (value, np.isnan(low), np.isnan(high)) == (0.0, True, True)


def test_overlap_counts_those_that_the_other_set_has():
    assert overlap(np.array([1.0, 2.5, 0.0, 0.999])) == 0.5


@pytest.fixture(scope="module")
def measured():
    """Copper and silver as they are, and copper displaced by 0.2 A; 200 environments in all."""
    copper, silver = (bulk(x, cubic=True) * (3, 3, 3) for x in ("Cu", "Ag"))
    rough = []
    for seed in range(6):
        rough.append(copper.copy())
        rough[-1].rattle(0.2, seed=seed)
    sets = {"copper": [copper], "silver": [silver], "rough": rough}
    made = [from_atoms(s, groups=["g"] * len(s), source=name) for name, s in sets.items()]
    return measure(concatenate(made), 200)


@pytest.mark.slow  # numba compiles QUESTS for a minute
def test_perfect_crystals_have_none_and_others_have_more(measured):
    assert measured["environments"] == 200
    value = {name: entry[0] for name, entry in measured["entropy_nats"].items()}
    # silver's third shell is at 5.0 A, beyond the cutoff: what is left is the same for all atoms
    assert value["silver"] == pytest.approx(0.0, abs=1e-6)
    # Of the 24 third neighbours of copper, at 4.4 A, QUESTS takes the 14 that come first among
    # equals, others for each atom. Environments are then up to 0.0041/A apart, where the bandwidth
    # is 0.015/A: a kernel of exp(-0.5 (4.1/15)^2) at least, and so 0.0374 nats at most.
    assert 0 <= value["copper"] <= 0.0374
    # 150 displaced atoms are nearly all different: ln 150 is the most that they can have
    assert log(150) - 0.1 < value["rough"] <= log(150)
    # and all together what parts that have nothing in common come to, of 25, 25 and 150 in 200
    shares = {"copper": 1 / 8, "silver": 1 / 8, "rough": 3 / 4}
    together = sum(share * (value[name] - log(share)) for name, share in shares.items())
    assert value["all"] == pytest.approx(together, abs=1e-6)


@pytest.mark.slow  # as above
def test_what_is_displaced_is_not_among_what_is_not(measured):
    overlaps = measured["overlap"]
    assert overlaps["rough"] == {"copper": 0.0, "silver": 0.0}
    assert overlaps["copper"] == {"rough": 0.0, "silver": 0.0}
