"""Selection: fair to sources, samplings and roots, and the same whatever the order."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from limbeck.errors import LimbeckError
from limbeck.frames import Frames, concatenate, from_atoms
from limbeck.selection import select_frames, share


def trajectory(count: int, *, source: str, sampling: str, root: str) -> Frames:
    """``count`` frames of one root: dimers of different lengths, found nowhere else."""
    start = sum(f"{source}/{sampling}/{root}".encode())
    dimers = [Atoms("Ar2", [[0, 0, 0], [1 + start + i / 1000, 0, 0]]) for i in range(count)]
    frames = from_atoms(dimers, groups=["g"] * count, source=source, sampling=sampling)
    return replace(frames, root=np.array([root.encode()] * count))


def select(frames: Frames, count: int, **changes) -> Frames:
    return select_frames(frames, {"seed": 1, "slice": 0, "slices": 1, "count": count} | changes)


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
