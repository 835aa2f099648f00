"""One choice among the frames of all slices."""

import tracemalloc
from contextlib import ExitStack

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from scipy.spatial.transform import Rotation

from limbeck.config import jobs, plan
from limbeck.config.load import resolve
from limbeck.config.sections.labels import Choice
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, concatenate, from_atoms
from limbeck.selection.choice import choose
from limbeck.selection.points import WIDTH, Points, by_distances, point, points_of

METHODS = ("random", "farthest", "direct")


def crystals(spacings, source: str = "a") -> Frames:
    made = [bulk("Ar", "fcc", a) for a in spacings]
    return from_atoms(made, groups=["Ar"] * len(made), source=source)


def blobs(*sizes: int) -> Points:
    """Groups of points around corners of a cube, 1 apart, each 0.01 wide; ids in no order."""
    rng = np.random.default_rng(0)
    corners = np.zeros((len(sizes), WIDTH))
    corners[np.arange(len(sizes)), np.arange(len(sizes))] = 1.0
    values = np.repeat(corners, sizes, axis=0)
    values[:, :3] += rng.normal(scale=0.01, size=(len(values), 3))
    ids = np.array([f"{i:032x}".encode() for i in rng.permutation(len(values))])
    source = np.repeat([b"a", b"b"], [sizes[0], len(values) - sizes[0]])
    return Points(ids, source, values.astype(np.float32))


@pytest.mark.parametrize("by", METHODS)
def test_as_many_as_asked_for_the_same_again_and_none_twice(by):
    points, own = blobs(400, 300, 30), Choice(by=by)
    index = choose(points, own, 50, seed=1)
    assert len(set(index.tolist())) == len(index) == 50
    assert index.tolist() == choose(points, own, 50, seed=1).tolist()
    assert len(choose(points, own, 5000, seed=1)) == 730  # all that there are


@pytest.mark.parametrize("by", ["farthest", "direct"])
def test_rare_frames_are_there(by):
    """Three blobs of 2,000, 10 and 1: of three frames each has one, which chance rarely finds."""
    points = blobs(2000, 10, 1)
    blob = np.repeat([0, 1, 2], [2000, 10, 1])
    assert set(blob[choose(points, Choice(by=by), 3, seed=1)]) == {0, 1, 2}
    assert set(blob[choose(points, Choice(by="random"), 3, seed=1)]) == {0}


def test_chance_goes_by_ids_alone():
    points = blobs(200, 100)
    order = np.random.default_rng(1).permutation(300)
    turned = Points(points.id[order], points.source[order], points.values[order])
    first, second = (choose(p, Choice(by="random"), 20, seed=3) for p in (points, turned))
    assert set(points.id[first]) == set(turned.id[second])
    other = choose(points, Choice(by="random"), 20, seed=4)
    assert set(points.id[first]) != set(points.id[other])


def test_several_of_each_cluster():
    points = blobs(500, 400, 300)
    blob = np.repeat([0, 1, 2], [500, 400, 300])
    found = choose(points, Choice(by="direct", per_cluster=4), 12, seed=1)
    assert np.bincount(blob[found]).tolist() == [4, 4, 4]


@pytest.mark.parametrize("by", METHODS)
def test_shares_of_sources_stay(by):
    """300 of 400 frames are of one source: 15 of 20; without, the farthest are of the other."""
    points = blobs(300, 50, 50)
    found = choose(points, Choice(by=by, keep_source_shares=True), 20, seed=1)
    assert (points.source[found] == b"a").sum() == 15


def test_a_later_batch_stays_away_from_what_is_chosen():
    points = blobs(300, 300, 300)
    blob = np.repeat([0, 1, 2], [300, 300, 300])
    given = points.values[[0, 300]]
    found = choose(points, Choice(by="farthest"), 1, seed=1, given=given)
    assert blob[found].tolist() == [2]


def test_points_do_not_depend_on_how_a_frame_is_turned():
    atoms = molecule("CH3CH2OH")
    turn = Rotation.from_rotvec([0.3, -1.2, 0.7]).as_matrix()
    other = Atoms(atoms.numbers, atoms.positions @ turn.T)[::-1]
    both = from_atoms([atoms, other, molecule("CH3OCH3")], groups=[""] * 3, source="a")
    values = point(both, "distances")
    # sums of float64 in another order, kept as float32
    assert np.abs(values[0] - values[1]).max() < 1e-5
    assert np.linalg.norm(values[0] - values[2]) > 0.05  # its isomer


def test_the_same_places_with_other_elements_are_another_point():
    salts = [bulk(name, "rocksalt", a=5.64) for name in ("NaCl", "KCl")]
    frames = from_atoms(salts, groups=["", ""], source="a")
    distances = by_distances(frames)
    assert np.array_equal(distances[:2], distances[2:])  # which know of no elements
    values = point(frames, "distances")
    assert np.linalg.norm(values[0] - values[1]) > 0.1


def test_distances_are_kept_by_the_projection():
    """To 10 %, standard deviation, by Johnson and Lindenstrauss: 128 numbers, 1/sqrt(2 128)."""
    frames = crystals(np.linspace(4.0, 6.0, 40))
    true, found = by_distances(frames), point(frames, "distances")
    ratio = np.linalg.norm(found[1:] - found[0], axis=1) / np.linalg.norm(
        true[1:] - true[0], axis=1
    )
    assert np.abs(ratio - 1).max() < 0.3


def test_a_frame_that_comes_twice_is_there_once():
    parts = [crystals([4.0, 4.1, 4.0]), crystals([4.1, 4.2], "b")]
    with points_of(parts, "distances") as points:
        assert len(points) == len(points.values) == 3
        assert points.source.tolist() == [b"a", b"a", b"b"]
        assert np.allclose(points.values, point(concatenate(parts).select([0, 1, 4]), "distances"))


def test_frames_without_descriptors_are_told():
    with (
        ExitStack() as stack,
        pytest.raises(LimbeckError, match=r"frames of generated: no descriptors, expected keep:"),
    ):
        stack.enter_context(points_of([crystals([4.0])], "kept"))


def test_memory_does_not_grow_with_the_set():
    """No copy of the points, which are on disk: of these 20,000 it would be 10 MB, or 20."""
    points = blobs(20_000, 2)
    tracemalloc.start()
    choose(points, Choice(by="farthest"), 5, seed=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # a chunk of 4,096 points in float64 is 4 MB, and its square
    assert peak < 16e6


CONFIG = {
    "run": "r",
    "sources": {
        "a": {"kind": "clusters", "count": 8, "shards": 4, "elements": ["Cu"], "sizes": [4, 8]}
    },
    "potentials": {"emt": {"model": "emt"}},
    "labels": {"l": {"potential": "emt"}},
    "select": {"count": 11, "slices": 4, "choice": {"by": "direct"}},
}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"choice": {"by": "best"}}, "select.choice.by: 'best', expected one of"),
        ({"choice": {"by": "farthest", "per_cluster": 2}}, "per_cluster: 2 with by: farthest"),
        ({"diversity": {"by": "kmeans"}}, "select.choice: given beside select.diversity"),
        ({"choice": {"by": "direct", "descriptors": "kept"}}, "select.choice: frames of 'gener"),
    ],
)
def test_what_does_not_fit_is_told(change, text):
    with pytest.raises(LimbeckError) as error:
        resolve({**CONFIG, "select": CONFIG["select"] | change})
    assert text in str(error.value)


def test_one_choice_for_all_slices_or_one_for_the_pilot_and_one_for_the_others():
    config = resolve(CONFIG)
    assert plan.batches(config) == {"set": range(4)}
    assert jobs.ChooseOverAll.of(config, "set").count == 11
    assert plan.choice_of_frames(config, "3") == ["choices/set.h5"]
    farthest = CONFIG["select"] | {"choice": {"by": "farthest"}}
    pilot = resolve(CONFIG | {"gate": {"pilot": 3}, "select": farthest})
    assert plan.batches(pilot) == {"pilot": range(2), "rest": range(2, 4)}
    assert [jobs.ChooseOverAll.of(pilot, batch).count for batch in ("pilot", "rest")] == [6, 5]
    assert plan.choice_of_frames(pilot, "3") == ["choices/rest.h5"]
    assert plan.choices_before(pilot, "rest") == ["choices/pilot.h5"]
