"""Selection: fair to sources, samplings and roots, and the same whatever the order."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from jobs_of import select_job
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, concatenate, from_atoms
from limbeck.selection.fair import priorities_by_spread, select_frames, share
from planted import LabField, trajectories

FORTY_THREE = select_job({"seed": 1, "slice": 0, "count": 43})


def trajectory(count: int, *, source: str, sampling: str, root: str) -> Frames:
    """``count`` frames of one root: dimers of different lengths, found nowhere else."""
    start = sum(f"{source}/{sampling}/{root}".encode())
    dimers = [Atoms("Ar2", [[0, 0, 0], [1 + start + i / 1000, 0, 0]]) for i in range(count)]
    frames = from_atoms(dimers, groups=["g"] * count, source=source, sampling=sampling)
    return replace(frames, root=np.array([root.encode()] * count))


def select(frames: Frames, count: int, **changes) -> Frames:
    return select_frames(
        frames, select_job({"seed": 1, "slice": 0, "slices": 1, "count": count} | changes)
    )


def mixture() -> Frames:
    return concatenate(
        [
            trajectory(60, source="a", sampling="md", root="long"),
            *(trajectory(2, source="a", sampling="md", root=f"short{i}") for i in range(5)),
            trajectory(80, source="a", sampling="rattled", root="r"),
            trajectory(3, source="b", sampling="md", root="rare"),
        ]
    )


def test_strata_share_evenly_and_a_small_one_gives_its_rest_to_others():
    chosen = select(mixture(), 43)
    strata = Counter(zip(chosen.source, chosen.sampling, strict=True))
    assert strata == {(b"a", b"md"): 20, (b"a", b"rattled"): 20, (b"b", b"md"): 3}


def test_a_long_trajectory_does_not_crowd_out_short_ones():
    chosen = select(mixture(), 43)
    roots = Counter(chosen.root[(chosen.source == b"a") & (chosen.sampling == b"md")])
    assert roots == {b"long": 10} | {f"short{i}".encode(): 2 for i in range(5)}


def test_no_more_than_there_is():
    assert len(select(mixture(), 10_000)) == len(mixture())


def test_the_choice_does_not_depend_on_the_order_of_the_input():
    frames = mixture()
    shuffled = frames.select(np.random.default_rng(0).permutation(len(frames)))
    assert set(select(frames, 43).id) == set(select(shuffled, 43).id)


def test_another_seed_chooses_otherwise():
    first, second = select(mixture(), 43), select(mixture(), 43, seed=2)
    assert set(first.id) != set(second.id)
    np.testing.assert_array_equal(first.id, select(mixture(), 43).id)


def test_chosen_frames_keep_their_order():
    frames = mixture()
    place = {name: i for i, name in enumerate(frames.id)}
    places = [place[name] for name in select(frames, 43).id]
    assert places == sorted(places)


def test_exact_duplicates_are_dropped():
    frames = mixture()
    twice = concatenate([frames, frames])
    np.testing.assert_array_equal(select(twice, 10_000).id, frames.id)


def test_a_duplicate_takes_nobody_elses_place():
    frames = mixture()
    twice = concatenate([frames, frames.select(frames.sampling == b"rattled")])
    assert set(select(twice, 43).id) == set(select(frames, 43).id)


@pytest.mark.parametrize(("count", "slices"), [(600, 1), (600, 7), (3, 5), (1, 1)])
def test_shares_add_up_and_differ_by_one_at_most(count, slices):
    shares = [share(count, i, slices) for i in range(slices)]
    assert sum(shares) == count
    assert max(shares) - min(shares) <= 1


def test_slices_are_asked_for_their_share_only():
    assert [len(select(mixture(), 10, slice=i, slices=3)) for i in range(3)] == [4, 3, 3]


def test_a_slice_that_is_none_is_refused():
    with pytest.raises(LimbeckError, match="slice 3: expected 0 to 2"):
        share(10, 3, 3)


def test_no_frames_give_no_frames():
    assert len(select(from_atoms([], groups=[], source=""), 10)) == 0


def test_places_decide_in_a_root_and_nothing_else():
    frames = mixture()
    turns = np.random.default_rng(0).permutation(len(frames)).astype(float)
    chosen = select_frames(frames, FORTY_THREE, turns)
    by_chance = select(frames, 43)
    count = lambda f: Counter(zip(f.source, f.sampling, f.root, strict=True))  # noqa: E731
    assert count(chosen) == count(by_chance)  # as fair to strata and roots as before
    taken = np.isin(frames.id, chosen.id)
    for root in (b"long", b"r"):
        members = frames.root == root
        assert turns[members & taken].max() < turns[members & ~taken].min()
    # negative control: by chance others come
    assert set(chosen.id.tolist()) != set(by_chance.id.tolist())


def test_equal_places_leave_it_to_chance():
    frames = mixture()
    chosen = select_frames(frames, FORTY_THREE, np.zeros(len(frames)))
    np.testing.assert_array_equal(chosen.id, select(frames, 43).id)


def test_duplicates_are_dropped_with_their_places():
    frames = mixture()
    turns = np.random.default_rng(0).permutation(len(frames)).astype(float)
    twice = select_frames(
        concatenate([frames, frames]), FORTY_THREE, np.concatenate([turns, -turns])
    )
    np.testing.assert_array_equal(twice.id, select_frames(frames, FORTY_THREE, turns).id)


@pytest.mark.parametrize("prefer", ["low", "high"])
def test_a_frame_is_scored_by_the_spread_of_its_forces(prefer):
    """A field along z of strength a: a force component has the variance a^2 / 3 over rotations."""
    frames = trajectories(0, roots=40, scatter=1.0)
    found = priorities_by_spread(LabField(), frames, views=200, prefer=prefer)
    amplitude = frames.extra["amplitude"]
    sign = {"low": 1, "high": -1}[prefer]
    # 200 views: the variance of z^2 is 4/45, so the relative error of a variance is 0.06 or less
    np.testing.assert_allclose(sign * found, amplitude / np.sqrt(3), rtol=0.15)


@pytest.mark.parametrize("prefer", ["low", "high"])
def test_what_cannot_be_scored_comes_last(prefer):
    gold = from_atoms([Atoms("Au2", [[0, 0, 0], [2.5, 0, 0]])], groups=["g"], source="gold")
    frames = concatenate([replace(gold, extra={"amplitude": np.ones(1)}), trajectories(0, roots=3)])
    frames.extra["amplitude"][1] = np.nan
    found = priorities_by_spread(LabField(), frames, views=2, prefer=prefer)
    assert np.isposinf(found).tolist()[:2] == [True, True]  # gold, and the one with NaN
    assert np.isfinite(found[2:]).all()


def test_the_score_does_not_depend_on_the_frames_beside():
    frames = trajectories(0, roots=6)
    together = priorities_by_spread(LabField(), frames, views=3, prefer="low")
    apart = [
        priorities_by_spread(LabField(), frames.select([b]), views=3, prefer="low")[0]
        for b in range(3)
    ]
    # sums of float64 in another order at most
    np.testing.assert_allclose(together[:3], apart, rtol=1e-12)
