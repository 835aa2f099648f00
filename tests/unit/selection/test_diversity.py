"""Unlike frames: answers on a line that anybody can check, and the fairness of the selection."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from ase import Atoms

from jobs_of import select_job
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, concatenate, from_atoms
from limbeck.selection.diversity import (
    farthest_point,
    features,
    joined,
    middle_points,
    priorities_by_diversity,
)
from limbeck.selection.fair import chosen, select_frames

LINE = np.arange(9.0)[:, None]


def test_farthest_points_of_a_line():
    """The middle, one end, the other, then what halves the gaps."""
    assert farthest_point(LINE, 5).tolist() == [4, 0, 8, 2, 6]
    assert sorted(farthest_point(LINE, 9)) == list(range(9))
    assert farthest_point(LINE, 0).tolist() == []


def test_a_lonely_point_is_found_by_distance_and_hardly_by_chance():
    points = np.concatenate([np.random.default_rng(0).normal(size=(10_000, 3)), [[50.0, 0, 0]]])
    assert farthest_point(points, 2)[1] == 10_000  # more than one chunk


def test_coinciding_points_come_last_and_none_comes_twice():
    points = np.array([[0.0]] * 3 + [[1.0]] * 3)
    order = farthest_point(points, 6)
    assert sorted(order) == list(range(6))
    assert {float(points[i, 0]) for i in order[:2]} == {0.0, 1.0}


def cover(points, index):
    """The largest distance of a point to the nearest chosen one."""
    return np.linalg.norm(points[:, None] - points[index][None], axis=2).min(axis=1).max()


@pytest.mark.parametrize("seed", range(5))
def test_no_choice_covers_twice_as_well(seed):
    """Gonzalez's bound, against all choices of four from twelve."""
    points = np.random.default_rng(seed).normal(size=(12, 2))
    best = min(cover(points, list(index)) for index in combinations(range(12), 4))
    found = cover(points, farthest_point(points, 4))
    assert found <= 2 * best
    # negative control: four points that lie together cover worse than that
    together = np.argsort(np.linalg.norm(points - points.max(axis=0), axis=1))[:4]
    assert cover(points, together) > found


def test_middles_of_three_groups_on_a_line():
    groups = [0.0, 0.1, 0.2, 10.0, 10.1, 10.2, 10.3, 10.4, 20.0, 20.1, 20.2]
    assert middle_points(np.array(groups)[:, None], 3, seed=0).tolist() == [1, 5, 9]


def test_middles_of_fewer_distinct_points_than_asked_for():
    assert len(middle_points(np.array([[0.0]] * 4 + [[1.0]] * 4), 3, seed=0)) == 2


def described(values, *, source="a", sampling="md", roots=None, symbols="OH") -> Frames:
    """Dimers whose oxygen has the descriptor ``values`` [B], and hydrogen the same, negative."""
    start = 1 + sum(f"{source}/{sampling}".encode()) / 100
    dimers = [Atoms(symbols, [[0, 0, 0], [start + v / 1000, 0, 0]]) for v in values]
    made = from_atoms(dimers, groups=["g"] * len(dimers), source=source, sampling=sampling)
    if roots is not None:
        made = replace(made, root=np.array([r.encode() for r in roots]))
    else:
        made = replace(made, root=np.full(len(dimers), f"{source}/{sampling}".encode()))
    both = np.stack([values, -np.asarray(values)], axis=1).reshape(-1, 1)
    return replace(made, atom_extra={"descriptors": both.astype(np.float32)})


def test_elements_are_kept_apart_and_weigh_by_their_atoms():
    found = features(described([3.0]))
    assert found.elements.tolist() == [1, 8]
    assert found.values.tolist() == [[[-1.5], [1.5]]]  # in one mean of all atoms: 0


def test_parts_of_other_elements_and_widths_stand_side_by_side():
    narrow = features(described([1.0], symbols="OH"))
    wide = described([1.0], source="b", symbols="OC")
    wide.atom_extra["descriptors"] = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    points = joined([narrow, features(wide)])
    # hydrogen, carbon, oxygen; two columns each
    assert points.tolist() == [[-0.5, 0, 0, 0, 0.5, 0], [0, 0, 1.5, 2, 0.5, 1]]


def test_frames_without_descriptors_are_refused_by_name():
    plain = replace(described([1.0]), atom_extra={})
    with pytest.raises(LimbeckError, match="frames of md: no descriptors, expected keep"):
        features(plain)
    assert features(plain.select([])).values.shape == (0, 0, 0)  # an empty shard is none


def settings(count, by="farthest_point", **more):
    return select_job(
        {"seed": 1, "slice": 0, "slices": 1, "count": count, "diversity": {"by": by}} | more
    )


def order(frames, own):
    return priorities_by_diversity(frames, joined([features(frames)]), own)


def values_of(frames):
    return sorted(frames.atom_extra["descriptors"][::2, 0].tolist())


def pick(frames, own):
    return select_frames(frames, own, order(frames, own))


def test_the_ends_of_a_line_are_chosen_and_hardly_ever_by_chance():
    frames = described(np.arange(101.0))
    assert values_of(pick(frames, settings(3))) == [0, 50, 100]
    by_chance = [select_frames(frames, settings(3, seed=s)) for s in range(10)]
    assert [0, 50, 100] not in [values_of(f) for f in by_chance]  # negative control


def test_clusters_are_chosen_by_their_middles():
    frames = described([0, 1, 2, 50, 51, 52, 53, 54, 100, 101, 102.0])
    assert values_of(pick(frames, settings(3, "kmeans"))) == [1, 52, 101]


@pytest.mark.parametrize("by", ["farthest_point", "kmeans"])
def test_strata_and_roots_get_as_much_as_without(by):
    rng = np.random.default_rng(0)
    frames = concatenate(
        [
            described(rng.normal(size=60), roots=["long"] * 50 + [f"s{i}" for i in range(10)]),
            described(1e3 * rng.normal(size=80), sampling="hot"),
            described(rng.normal(size=3), source="b"),
        ]
    )
    count = lambda f: Counter(zip(f.source, f.sampling, f.root, strict=True))  # noqa: E731
    own = settings(43, by)
    assert count(pick(frames, own)) == count(select_frames(frames, own))
    shuffled = frames.select(rng.permutation(len(frames)))
    assert set(pick(shuffled, own).id) == set(pick(frames, own).id)


@pytest.mark.parametrize("by", ["farthest_point", "kmeans"])
def test_a_frame_without_an_answer_is_taken_last(by):
    frames = described(np.arange(11.0))
    frames.atom_extra["descriptors"][:2] = np.nan  # of what would be an end of the line
    assert np.isposinf(order(frames, settings(3, by))[0])
    assert 0 not in chosen(frames, settings(10, by), order(frames, settings(10, by)))
    assert 0 in chosen(frames, settings(11, by), order(frames, settings(11, by)))


def test_a_duplicate_takes_nobody_elses_place():
    frames = described(np.arange(21.0))
    twice = concatenate([frames, frames.select([0, 5, 20])])
    assert values_of(pick(twice, settings(5))) == values_of(pick(frames, settings(5)))
