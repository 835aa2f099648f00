"""Clusters: numbers of atoms and distances that are known, and duplicates."""

import numpy as np
import pytest

from jobs_of import generate_job
from limbeck.config.sections.screen import Screen
from limbeck.config.sections.sources import Clusters
from limbeck.errors import LimbeckError
from limbeck.structures import generate, groups_of
from limbeck.structures.screening import screen
from limbeck.structures.sources.clusters import compact, nearest_distance, possible_clusters

SCREEN = Screen()


def make(**changed):
    base = {"seed": 1, "source": "clusters", "shard": 0, "shards": 1, "count": 1}
    return generate(generate_job("clusters", base | changed))


def clusters(elements, **changed):
    return Clusters(kind="clusters", name="clusters", count=1, elements=elements, **changed)


def distances(positions: np.ndarray) -> np.ndarray:
    d = np.linalg.norm(positions[:, None] - positions, axis=-1)
    return d[np.triu_indices(len(d), 1)]


def sizes(shape: str, largest: int) -> list[int]:
    return [c.size for c in possible_clusters(clusters(["Cu"], sizes=[1, largest], shapes=[shape]))]


def test_icosahedra_have_the_magic_numbers():
    assert sizes("icosahedron", 150) == [13, 55, 147]


def test_octahedra_are_whole_or_cut():
    # n (2 n^2 + 1) / 3: 6, 19, 44; cut once, from edge 3: 13 and 38; 79 takes edge 5
    assert sizes("octahedron", 44) == [6, 13, 19, 38, 44]


def test_decahedra_begin_with_the_pentagonal_bipyramid():
    assert sizes("decahedron", 23) == [7, 13, 19, 23]


def test_the_icosahedron_of_13_is_one():
    frames, _ = make(elements=["Cu"], sizes=[13, 13], shapes=["icosahedron"])
    assert frames.group.tolist() == [b"cluster-Cu13"]
    assert not frames.pbc.any()
    d = distances(frames.positions)
    # 12 radial distances, and 30 edges that are longer by 1 / sin(72 degrees) = 1.0515
    assert np.isclose(d, d.min(), rtol=1e-6).sum() == 12
    assert np.isclose(d, d.min() / np.sin(np.radians(72)), rtol=1e-6).sum() == 30


@pytest.mark.parametrize(
    ("element", "distance"), [("Cu", 3.61 / 2**0.5), ("Fe", 2.87 * 0.75**0.5), ("Mg", 3.21)]
)
def test_compact_keeps_the_distance_of_the_crystal(element, distance):
    assert nearest_distance(element) == pytest.approx(distance)
    positions = compact(element, 13, np.random.default_rng(0))
    assert distances(positions).min() == pytest.approx(distance, rel=0.01)  # hcp: c/a not ideal
    assert positions.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-8)


@pytest.mark.parametrize("element", ["Cu", "Fe", "Mg"])
@pytest.mark.parametrize("size", [1, 4, 60])
def test_compact_is_the_ball_of_atoms_around_a_point(element, size):
    """No atom of the crystal left out is nearer to the point than one taken."""
    from ase.build import bulk

    crystal = bulk(element)
    point = np.random.default_rng(3).random(3) @ crystal.cell.array  # what compact draws first
    large = crystal.repeat((25, 25, 25)).positions - 12 * crystal.cell.array.sum(axis=0)
    expected = np.sort(np.linalg.norm(large - point, axis=1))[:size]
    taken = large[np.argsort(np.linalg.norm(large - point, axis=1))[:size]]
    positions = compact(element, size, np.random.default_rng(3))
    found = positions + taken.mean(axis=0)
    # positions are rounded to 1e-9 A
    assert np.sort(np.linalg.norm(found - point, axis=1)) == pytest.approx(expected, abs=1e-7)


def test_equal_pieces_have_equal_ids_and_screen_drops_them():
    frames, rejected = make(elements=["Cu"], sizes=[4, 4], count=60)
    assert len(frames) == 60
    assert rejected == []
    kept, repeated = screen(frames, SCREEN)
    # four neighbours of an fcc crystal around a point: tetrahedra and squares, few orientations
    assert len(kept) < 20
    assert {r.reason for r in repeated} == {"duplicate of an earlier frame"}


def test_strain_makes_each_a_root_of_its_own():
    frames, rejected = make(elements=["Cu"], sizes=[4, 13], count=60, strain=0.03)
    assert rejected == []
    assert len(set(frames.root.tolist())) == 60
    assert set(frames.n_atoms.tolist()) == set(range(4, 14))
    kept, _ = screen(frames, SCREEN)
    assert len(kept) == 60


def test_named_shapes_without_strain_come_once():
    frames, rejected = make(elements=["Cu"], sizes=[4, 60], shapes=["icosahedron"], count=5)
    assert frames.n_atoms.tolist() == [13, 55]
    assert [r.frame for r in rejected] == ["clusters/2", "clusters/3", "clusters/4"]


def test_few_clusters_of_many_sizes_are_spread_over_them():
    frames, _ = make(elements=["Cu"], sizes=[6, 80], count=5)
    assert frames.n_atoms.tolist() == [6, 24, 43, 62, 80]
    parts = [
        make(elements=["Cu"], sizes=[6, 80], count=5, shard=s, shards=2)[0].id.tolist()
        for s in (0, 1)
    ]
    assert parts == [frames.id[s::2].tolist() for s in (0, 1)]


def test_shards_move_no_structure():
    common = {"elements": ["Cu"], "sizes": [4, 8], "strain": 0.02, "count": 11}
    whole, _ = make(**common)
    parts = [make(**common, shard=s, shards=3)[0].id.tolist() for s in range(3)]
    assert parts == [whole.id[s::3].tolist() for s in range(3)]


def test_wrong_settings_are_named():
    with pytest.raises(LimbeckError, match="elements: Si, expected metals that are fcc"):
        make(elements=["Si"], sizes=[4, 4])
    with pytest.raises(LimbeckError, match="no icosahedron has 14 to 54 atoms"):
        make(elements=["Cu"], sizes=[14, 54], shapes=["icosahedron"])


def test_wulff_shapes_are_those_of_ase_with_energies_of_broken_bonds():
    from ase.cluster import wulff_construction

    assert {13, 38, 55, 79, 201} <= set(sizes("wulff", 210))
    same = wulff_construction("Cu", [(1, 1, 1), (1, 0, 0)], [1, 2 / 3**0.5], 79, "fcc")
    (own,) = possible_clusters(clusters(["Cu"], sizes=[79, 79], shapes=["wulff"]))
    # Cu has 3.61 A in both tables; sorted distances tell shapes apart
    assert np.sort(distances(own.atoms.positions)) == pytest.approx(
        np.sort(distances(same.positions)), abs=1e-6
    )


def test_shells_are_counted_around_the_middle():
    for shape, magic in (("icosahedron", [13, 55, 147]), ("decahedron", [7, 23, 54])):
        frames, _ = make(elements=["Cu"], shells=[1, 3], shapes=[shape], count=3)
        assert frames.n_atoms.tolist() == magic


def test_copper_in_silver_is_a_whole_core_in_a_whole_shell():
    asked = {"elements": ["Cu", "Ag"], "sizes": [55, 55], "shapes": ["icosahedron"], "count": 9}
    frames, rejected = make(**asked, alloys=["core_shell"], first_share=[0.2, 0.3])
    assert sorted(frames.group.tolist()) == [b"cluster-Ag13Cu42", b"cluster-Ag42Cu13"]
    assert {r.reason for r in rejected} == {"repeats a structure of smaller number"}
    for atoms in frames.to_atoms():
        radius = np.linalg.norm(atoms.positions - atoms.positions.mean(axis=0), axis=1)
        core = atoms.numbers == atoms.numbers[radius.argmin()]
        assert core.sum() == 13
        assert radius[core].max() < radius[~core].min() - 1.0
    # Vegard: 13 Cu and 42 Ag; bonds from the middle of an icosahedron are 5 % shorter than edges
    (mixed_one,) = [a for a in frames.to_atoms() if (a.numbers == 29).sum() == 13]
    spacing = (13 * 3.61 + 42 * 4.09) / 55 / 2**0.5
    pure, _ = make(elements=["Cu"], sizes=[55, 55], shapes=["icosahedron"])
    nearest = distances(pure.positions).min() * spacing / (3.61 / 2**0.5)
    assert distances(mixed_one.positions).min() == pytest.approx(nearest, rel=1e-6)


def test_alloys_go_through_their_compositions_and_shards_move_none():
    asked = {"elements": ["Cu", "Au"], "sizes": [20, 22], "alloys": ["janus", "random"]}
    whole, rejected = make(**asked, count=24)
    assert rejected == []
    share = [(a.numbers == 29).mean() for a in whole.to_atoms()]
    assert 0.17 < min(share) < 0.35 < 0.65 < max(share) < 0.83  # 0.2 to 0.8, in whole atoms
    parts = [make(**asked, count=24, shard=s, shards=3)[0].id.tolist() for s in range(3)]
    assert parts == [whole.id[s::3].tolist() for s in range(3)]
    source = clusters(**asked).model_copy(update={"count": 24})
    assert [g.encode() for g, _ in groups_of(source)] == whole.group.tolist()
    for b, atoms in enumerate(whole.to_atoms()):
        centres = [atoms.positions[atoms.numbers == z].mean(axis=0) for z in (29, 79)]
        apart = np.linalg.norm(centres[0] - centres[1])
        if whole.info_of(b)["alloy"] == "janus":
            assert apart > 2.0  # half of a cluster of 6 A across, and more


def test_random_clusters_have_no_order_and_no_overlap():
    frames, rejected = make(elements=["Cu"], sizes=[13, 26], shapes=["random"], count=14)
    assert rejected == []
    assert len(screen(frames, Screen(min_distance_ratio=0.7))[0]) == 14
    # a ball: no atom lies alone
    for atoms in frames.to_atoms():
        every = np.linalg.norm(atoms.positions[:, None] - atoms.positions, axis=-1)
        assert np.sort(every, axis=1)[:, 1].max() < 1.5 * 2.55


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"elements": ["Cu"], "sizes": [4, 4], "alloys": ["janus"]}, "at least 2 metals for an"),
        ({"elements": ["Cu"]}, "sizes: not given, and it has no default"),
        ({"elements": ["Cu"], "sizes": [4, 5], "shells": [1, 2]}, "shells: .* either these or"),
        ({"elements": ["Cu"], "shells": [1, 2]}, "shells: compact has none"),
        ({"elements": ["Cu"], "sizes": [0, 2]}, "sizes.0: 0, expected at least 1"),
        (
            {
                "elements": ["Cu", "Ag"],
                "sizes": [13, 13],
                "shapes": ["icosahedron"],
                "alloys": ["core_shell"],
            },
            "first_share: no cluster has 2 metals",
        ),
    ],
)
def test_wrong_alloys_are_named(changed, message):
    with pytest.raises(LimbeckError, match=message):
        make(**changed)
