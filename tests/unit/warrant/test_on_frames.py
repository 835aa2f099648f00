"""What intervals are over: the coarser of group and root."""

import numpy as np
from ase.build import bulk

from limbeck.frames import derive, from_atoms
from limbeck.warrant.on_frames import FrameSample, counts, drawn_together, groups, mean_absolute


def salts(names, roots_each=4, frames_each=3):
    """Frames of strained rock salts, a group for each name."""
    atoms = [bulk(name, "rocksalt", a=5 + 0.01 * i) for name in names for i in range(roots_each)]
    labels = [name for name in names for _ in range(roots_each)]
    roots = from_atoms(atoms, groups=labels, source="salts", seed=0)
    rng = np.random.default_rng(0)
    parents = roots.select(np.repeat(np.arange(len(roots)), frames_each))
    moved = parents.positions + 0.01 * rng.standard_normal(parents.positions.shape)
    return derive(parents, moved, parents.cell, sampling="rattled", seed=0)


NAMES = ["LiF", "NaF", "KF", "LiCl", "NaCl", "KCl"]


def errors_that_follow_the_compound(frames):
    """One level for each compound, 2 % of scatter within it; [1,B]."""
    level = {name.encode(): value for name, value in zip(NAMES, range(1, 7), strict=True)}
    scatter = 1 + 0.02 * np.random.default_rng(1).standard_normal(len(frames))
    return (np.array([level[g] for g in frames.group.tolist()]) * scatter)[None]


def test_groups_are_what_is_resampled():
    frames = salts(NAMES)
    assert counts(frames) == {"n_frames": 72, "n_roots": 24, "n_groups": 6}
    assert len(np.unique(FrameSample(frames).clusters)) == 6
    entry = mean_absolute(errors_that_follow_the_compound(frames), np.ones(72), frames, "", 1)
    low, high = entry["ci95"]
    # Six levels from 1 to 6: mean 3.5, standard error 0.76, t(97.5 %, 5) = 2.57. Over the 24 roots
    # the interval would be 2.8 to 4.2.
    assert low < 2.2
    assert high > 4.8


def test_no_interval_below_five_groups():
    frames = salts(NAMES[:4])
    entry = mean_absolute(errors_that_follow_the_compound(frames), np.ones(48), frames, "", 1)
    assert np.isnan(entry["ci95"]).all()


def test_one_compound_is_resampled_by_its_roots():
    """The interval then speaks for other structures of that compound alone."""
    frames = salts(["NaCl"], roots_each=6)
    assert counts(frames) == {"n_frames": 18, "n_roots": 6, "n_groups": 1}
    assert len(np.unique(drawn_together(frames))) == 6
    one_trajectory = salts(["NaCl"], roots_each=1, frames_each=30)
    assert len(np.unique(drawn_together(one_trajectory))) == 1  # so there is no interval


def test_a_root_whose_frames_are_of_two_groups_joins_them():
    """E.g. a molecule that reacts: its frames are alike, whatever they are called."""
    frames = salts(NAMES)
    group = frames.group.copy()
    group[0] = b"NaCl"  # a frame of a root of LiF
    joined = groups(type(frames)(**{**vars(frames), "group": group}))
    assert len(np.unique(joined)) == 5
    assert joined[0] == joined[1] == joined[4 * 12]


def test_no_frames_are_of_no_group():
    assert counts(salts(NAMES).select(np.zeros(0, dtype=int)))["n_groups"] == 0
