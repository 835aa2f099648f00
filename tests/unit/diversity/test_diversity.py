"""Statistics of a set of structures, on sets whose answers are known."""

from math import log2

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from limbeck.diversity import composition, distances
from limbeck.diversity.balance import balance
from limbeck.diversity.dominance import Frequent, formulas
from limbeck.diversity.measure import Diversity, measured, space_groups_of
from limbeck.diversity.sizes import Sizes
from limbeck.diversity.subsample import Subsample, blocks
from limbeck.frames import concatenate, from_atoms

NINE = "H C N O F Si P S Cl".split()


def frames_of(structures, source="a"):
    return from_atoms(structures, groups=["g"] * len(structures), source=source)


def chain(*symbols, spacing=1.5):
    """Atoms in a row, Angstrom."""
    return Atoms(list(symbols), [(spacing * i, 0, 0) for i in range(len(symbols))])


def moved(atoms, seed, width=0.02):
    made = atoms.copy()
    made.rattle(width, seed=seed)
    return made


# composition


def test_nine_elements_equally_often_have_log2_of_nine_bits():
    frames = frames_of([chain(symbol) for symbol in NINE for _ in range(3)])
    assert composition.entropy(composition.holders(frames)) == pytest.approx(log2(9))
    assert log2(9) == pytest.approx(3.17, abs=0.001)


def test_one_element_has_no_entropy_and_nothing_has_none():
    assert composition.entropy(composition.holders(frames_of([chain("C", "C", "C")]))) == 0.0
    assert composition.entropy(np.zeros(119)) == 0.0


def test_an_element_counts_once_for_each_structure_that_holds_it():
    # by atoms carbon would have 4/5 of all; by structures both have half
    frames = frames_of([chain("C", "C", "C", "C", "O")])
    assert composition.entropy(composition.holders(frames)) == 1.0
    both = composition.holders(frames) + composition.holders(frames_of([chain("C")]))
    assert both[6] == 2
    assert both[8] == 1
    assert composition.entropy(both) == pytest.approx(-(2 / 3 * log2(2 / 3) + 1 / 3 * log2(1 / 3)))


def test_coverage_is_of_the_elements_asked_for():
    counts = composition.holders(frames_of([chain("C", "O")]))
    assert composition.coverage(counts, [6, 8, 26, 28]) == 0.5
    assert composition.coverage(counts, [6]) == 1.0


def test_what_proportions_allow_is_known_before_the_run():
    # a source of one element, and one that is free over two others: evened out where each
    # of the three is held by as many
    least, most = np.array([[1, 0, 0], [0, 0, 0]]), np.array([[1, 0, 0], [0, 1, 1]])
    assert composition.attainable([1, 1], least, most) == pytest.approx(log2(3), abs=1e-6)
    # of nine parts in ten with one element no more than this is to be had: 0.9, 0.1 and 0.1
    assert composition.attainable([9, 1], least, most) == pytest.approx(
        composition.entropy([9, 1, 1]), abs=1e-6
    )
    assert composition.expected([9, 1], [[1, 0, 0], [0, 0.5, 0.5]]) == pytest.approx(
        composition.entropy([9, 0.5, 0.5])
    )


def test_no_mix_of_a_plan_beats_what_it_allows():
    """The maximum by one number against sets drawn at random between the same bounds."""
    rng = np.random.default_rng(1)
    least, most = np.sort(rng.random((2, 4, 6)), axis=0)
    limit = composition.attainable([1, 2, 3, 4], least, most)
    drawn = least + (most - least) * rng.random((2000, 4, 6))
    found = [composition.expected([1, 2, 3, 4], one) for one in drawn]
    assert max(found) <= limit + 1e-9
    assert limit <= log2(6)


# sizes and balance


def test_mean_and_variation_of_sizes_are_those_of_numpy():
    n_atoms = np.array([2, 100, 150, 20_000], dtype=np.int32)  # squares beyond 32 bits in the sum
    found = Sizes()
    for part in (n_atoms[:1], n_atoms[1:], n_atoms[:0]):
        found.add(part)
    assert found.mean == n_atoms.mean()
    assert found.variation == pytest.approx(n_atoms.std() / n_atoms.mean(), rel=1e-12)
    assert (found.least, found.most) == (2, 20_000)
    alike = Sizes()
    alike.add(np.full(5, 7))
    assert alike.variation == 0


def test_balance_is_what_need_not_be_replaced():
    asked = {"molecules": 50, "crystals": 30, "clusters": 20}
    assert balance({"molecules": 5, "crystals": 3, "clusters": 2}, asked) == pytest.approx(1)
    assert balance({"molecules": 10}, asked) == pytest.approx(0.5)
    assert balance({"other": 10}, asked) == 0
    assert np.isnan(balance({}, asked))


# dominance


def test_the_most_frequent_is_never_told_too_rare():
    """Far more kinds than are kept: the share is an upper bound, and right to 1/kept."""
    found = Frequent(most_kinds=50)
    for start in range(0, 10_000, 100):
        found.add([*range(start, start + 60), *["often"] * 40])
    assert found.kind == "often"
    assert 0.4 <= found.share <= 0.4 + 1 / 50
    assert len(found.counts) <= 50


def test_a_supercell_has_the_composition_of_its_cell():
    salt = bulk("NaCl", "rocksalt", a=5.6)
    frames = frames_of([salt, salt * (2, 2, 2), molecule("C2H4"), molecule("CH3OH")])
    assert formulas(frames) == ["NaCl", "NaCl", "C2H4", "CH4O"]
    # metals first in a crystal, all atoms of a cluster
    spinel = Atoms("Al4Mg2O8", [(i, 0, 0) for i in range(14)], cell=[20, 20, 20], pbc=True)
    assert formulas(frames_of([spinel, Atoms("Cu4", spinel.positions[:4])])) == ["Al2MgO4", "Cu4"]


def test_space_groups_are_those_of_named_crystals():
    crystals = [bulk("NaCl", "rocksalt", a=5.6), bulk("NaCl", "rocksalt", a=5.7), bulk("Si")]
    found = space_groups_of([frames_of([*crystals, molecule("H2O")])])["a"]
    assert (found["most"], found["structures"]) == ("Fm-3m (225)", 3)
    assert found["share"] == pytest.approx(2 / 3)
    assert space_groups_of([frames_of([molecule("H2O")])]) == {}


# subsamples


def test_a_subsample_is_the_same_in_any_order_of_shards():
    parts = [frames_of([moved(molecule("H2O"), 10 * i + j) for j in range(5)]) for i in range(4)]
    drawn = []
    for order in (parts, parts[::-1], [concatenate(parts)]):
        sample = Subsample("test", 7)
        for part in order:
            sample.add(part)
        drawn.append(sample.frames.id.tolist())
    assert drawn[0] == drawn[1] == drawn[2]
    assert len(drawn[0]) == 7


def test_frames_of_one_root_are_in_one_block():
    roots = np.array([b"a", b"b", b"a", b"c", b"b"])
    found = blocks(roots, 2)
    assert found[0] == found[2]
    assert found[1] == found[4]
    assert set(found.tolist()) == {0, 1}


# distances


def water(seed, stretch=1.0):
    made = molecule("H2O")
    made.positions *= stretch
    return moved(made, seed)


def bonds(found):
    return found["bond", 1, 8]


def test_alike_sets_are_apart_by_no_more_than_noise():
    ours, theirs = (frames_of([water(s + i) for i in range(40)]) for s in (0, 100))
    found = bonds(distances.compare(distances.histograms(ours), distances.histograms(theirs)))
    assert found.distance_A <= found.noise_A
    assert (found.count, found.count_reference) == (80, 80)


def test_stretched_bonds_are_apart_by_as_much_as_they_are_stretched():
    ours, theirs = (frames_of([water(s, x) for s in range(40)]) for x in (1.1, 1.0))
    found = bonds(distances.compare(distances.histograms(ours), distances.histograms(theirs)))
    # O-H of 0.969 A, longer by a tenth; the histogram is right to a bin of 0.01 A
    assert found.distance_A == pytest.approx(0.0969, abs=0.01)
    assert found.distance_A > found.noise_A


def test_of_few_distances_nothing_is_said():
    few, many = (frames_of([water(s) for s in range(n)]) for n in (5, 40))
    assert not distances.compare(distances.histograms(few), distances.histograms(many))


def test_bonds_through_the_faces_of_a_cell_count():
    found = distances.histograms(frames_of([bulk("Cu", "fcc", a=3.6)]))
    # six pairs with twelve neighbours, each seen from both ends, of the one atom with its images
    assert found["bond", 29, 29].sum() == 12
    assert found["nearest", 29, 29].sum() == 1
    at = np.flatnonzero(found["bond", 29, 29][0])
    assert distances.BIN_A * at == pytest.approx(3.6 / 2**0.5, abs=distances.BIN_A)


# all together


def test_shards_and_one_file_give_the_same():
    a = frames_of([water(i) for i in range(10)])
    b = frames_of([moved(bulk("NaCl", "rocksalt", a=5.6), i) for i in range(8)], "b")
    parts = [a.select(range(4)), concatenate([a.select(range(4, 10)), b])]
    assert measured(parts) == measured([concatenate([a, b])])
    found = measured(parts)
    assert found["whole"]["elements"] == {"H": 10, "O": 10, "Na": 8, "Cl": 8}
    assert found["by_source"]["b"]["dominance"]["composition"]["share"] == 1.0
    assert found["by_source"]["a"]["density_g_cm3"] is None
    salt = (22.99 + 35.45) / (5.6**3 / 4) / 0.60221  # one formula in a quarter of the cube
    assert found["by_source"]["b"]["density_g_cm3"][1] == pytest.approx(salt, rel=1e-3)


def test_memory_does_not_follow_the_number_of_structures():
    """What is kept after many shards is as much as after few."""
    found = Diversity()
    for i in range(30):
        found.add(frames_of([moved(molecule("H2"), 100 * i + j) for j in range(50)]))
    assert found.whole.sizes.count == 1500
    assert len(found.near["a"].frames) == 500
