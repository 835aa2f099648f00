"""The split, and what a data set leaves out."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import write

from jobs_of import generate_job, split_job
from limbeck.averaging.views import Views
from limbeck.config.sections.datasets import PARTS
from limbeck.datasets.split import (
    build,
    in_training,
    read_part,
    split,
    split_as,
    split_counts,
    validated_by,
)
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, derive, empty, from_atoms
from limbeck.labelling.label import label
from limbeck.labels import concatenate_labels, select_labels
from limbeck.potentials.models.toys import LennardJones
from limbeck.storage import write_frames
from limbeck.structures import generate
from limbeck.structures.chemistry import near_copies
from planted import labels_for, real_frames

FRACTIONS = {"valid_fraction": 0.1, "test_known_fraction": 0.1, "test_new_fraction": 0.2}


def many(groups=20, roots=3, sources=("a", "b"), children=2):
    """Hydrogen molecules: groups x roots x children frames from each source, none twice."""
    parts = []
    for s, source in enumerate(sources):
        names = [f"{source}{g}" for g in range(groups) for _ in range(roots)]
        structures = [
            Atoms("H2", [[0, 0, 0], [s, 0, 0.7 + 0.01 * i]]) for i in range(groups * roots)
        ]
        root = from_atoms(structures, groups=names, source=source)
        for child in range(children):
            moved = root.positions * (1 + 1e-3 * (child + 1))
            parts.append(derive(root, moved, root.cell, sampling="md", seed=0))
    return concatenate(parts)


def halves(frames, **changed):
    return split(frames, **FRACTIONS | {"split_by": "group", "seed": 1} | changed)


def as_sets(frames, parts, of):
    return {part: set(getattr(frames, of)[index].tolist()) for part, index in parts.items()}


def test_known_and_new_chemistry_are_apart():
    """60 groups of three roots from each of two sources."""
    frames = many(60)
    parts = halves(frames)
    assert tuple(parts) == PARTS
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(frames)))
    assert all(np.all(np.diff(index) > 0) for index in parts.values())
    groups, roots = (as_sets(frames, parts, of) for of in ("group", "root"))
    # of each source: a fifth of 60 groups are new, a tenth of the other 48 validates, and a tenth
    # of the 129 roots that are left is known
    assert {p: len(g) for p, g in groups.items()} == {
        "train": 86,
        "valid": 10,
        "test_known": 26,
        "test_new": 24,
    }
    assert len(roots["test_known"]) == 26  # in turn: no group twice while there are others
    assert sum(map(len, roots.values())) == len(set.union(*roots.values())) == 360
    assert not groups["test_new"] & (groups["train"] | groups["valid"] | groups["test_known"])
    assert groups["test_known"] <= groups["train"]


def test_by_root_there_is_known_chemistry_alone():
    frames = many(20)
    parts = halves(frames, split_by="root", test_known_fraction=0.2)
    roots, groups = (as_sets(frames, parts, of) for of in ("root", "group"))
    assert sum(map(len, roots.values())) == len(set.union(*roots.values())) == 120
    # of each source a fifth of 60 roots for the test, a tenth of the rest to validate
    assert {p: len(names) for p, names in roots.items()} == {
        "train": 86,
        "valid": 10,
        "test_known": 24,
        "test_new": 0,
    }
    assert groups["test_known"] <= groups["train"]


@pytest.mark.parametrize("seed", range(5))
def test_a_group_of_one_structure_is_never_known_chemistry(seed):
    frames = concatenate([many(5, 1, ("a",)), many(5, 3, ("b",))])
    for by in ("group", "root"):
        parts = halves(frames, split_by=by, seed=seed, test_known_fraction=0.3)
        known, trained = (set(frames.group[parts[p]].tolist()) for p in ("test_known", "train"))
        assert known
        assert known <= trained
        assert not any(name.startswith(b"a") for name in known)
    alone = many(12, 1, ("a",))
    assert len(halves(alone, split_by="root")["test_known"]) == 0


def test_test_groups_with_their_chemistry_in_training_are_named():
    salts = [bulk(name, "rocksalt", a=5.6) for name in ("NaCl", "NaCl", "KCl", "LiF")]
    ethanol = molecule("CH3CH2OH")
    mirrored = ethanol[::-1]
    mirrored.positions *= [1, 1, -1]
    names = ["halite", "my-salt", "KCl", "LiF", "drink", "spirit", "ether"]
    frames = from_atoms(
        [*salts, ethanol, mirrored, molecule("CH3OCH3")], groups=names, source="mine"
    )
    index = {name: i for i, name in enumerate(names)}
    test = frames.select([index[n] for n in ("my-salt", "LiF", "spirit", "ether")])
    training = frames.select([index[n] for n in ("halite", "KCl", "drink")])
    # dimethyl ether has the formula of ethanol, and other bonds
    assert near_copies(test, training) == ["my-salt", "spirit"]
    assert near_copies(test.select([1, 3]), training) == []
    words = in_training(["my-salt", "spirit"])
    assert words.startswith("2 groups of test_new (my-salt, spirit) have structures")
    assert "(a, b, c, d, e, f, g, h, ...)" in in_training(list("abcdefghij"))


def cut_out(frames, count=3):
    """Clusters of every frame, whose info says what they were cut out of."""
    parents = frames.select(np.repeat(np.arange(len(frames)), count))
    infos = [{"frame": name.decode()} for name in parents.id.tolist()]
    scale = 1 + 1e-4 * np.tile(np.arange(1, count + 1), len(frames))
    positions = parents.positions * scale[parents.frame_of_atom][:, None]
    return derive(parents, positions, parents.cell, sampling="clusters", seed=0, infos=infos)


def test_by_frame_a_frame_and_its_clusters_stay_together():
    frames = many(1, 1, ("a",), children=30)  # one trajectory
    both = concatenate([frames, cut_out(frames)])
    keys = [both.info_of(b).get("frame", both.id[b].decode()) for b in range(len(both))]
    parts = halves(both, split_by="frame", test_known_fraction=0.2)
    found = {part: {keys[b] for b in index} for part, index in parts.items()}
    # of 30 frames six for tests, a tenth of the others to validate
    assert {part: len(names) for part, names in found.items()} == {
        "train": 22,
        "valid": 2,
        "test_known": 6,
        "test_new": 0,
    }
    assert sum(map(len, found.values())) == len(set.union(*found.values())) == 30
    assert {part: len(index) for part, index in parts.items()} == {
        "train": 88,
        "valid": 8,
        "test_known": 24,
        "test_new": 0,
    }
    # negative control: one root cannot be divided, so that all of it trains
    assert len(halves(both, split_by="root")["train"]) == len(both)
    # clusters alone are divided as with their frames
    alone = halves(cut_out(frames), split_by="frame", test_known_fraction=0.2)
    assert len(alone["test_known"]) == 18


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("groups", [3, 4, 11])
def test_every_part_has_something_of_each_source(groups, seed):
    frames = many(groups, sources=("a", "b", "c"))
    for index in halves(frames, seed=seed).values():
        assert set(frames.source[index].tolist()) == {b"a", b"b", b"c"}


def test_a_source_of_one_or_two_groups():
    assert [len(i) for i in halves(many(1, 1, ("a",), 1)).values()] == [1, 0, 0, 0]
    # train and test before validation
    assert [len(i) for i in halves(many(2, 1, ("a",), 1)).values()] == [1, 0, 0, 1]


@pytest.mark.parametrize("seed", range(6))
def test_a_group_that_two_sources_share_goes_where_the_first_put_it(seed):
    alone, other = many(10, sources=("a",)), many(2, sources=("a", "b"))
    renamed = [g.replace(b"b", b"a") for g in other.group.tolist()]  # a0 and a1
    other = replace(other, group=np.array(renamed)).select(other.source == b"b")
    tested = as_sets(alone, halves(alone, seed=seed), "group")["test_new"]
    both = concatenate([other, alone])
    found = as_sets(both, halves(both, seed=seed), "group")
    assert found["test_new"] == tested
    assert not tested & (found["train"] | found["valid"])


def test_a_part_that_is_not_asked_for_is_empty():
    parts = halves(many(), valid_fraction=0, test_known_fraction=0, test_new_fraction=0)
    assert [len(parts[p]) for p in PARTS] == [240, 0, 0, 0]
    assert [len(i) for i in halves(empty()).values()] == [0, 0, 0, 0]


def test_the_seed_alone_decides():
    frames = many()
    first, again, other = halves(frames), halves(frames), halves(frames, seed=2)
    assert all(np.array_equal(first[p], again[p]) for p in PARTS)
    assert not np.array_equal(first["test_new"], other["test_new"])
    # and not the order in which the frames come
    order = np.random.default_rng(0).permutation(len(frames))
    shuffled = frames.select(order)
    assert as_sets(shuffled, halves(shuffled), "id") == as_sets(frames, first, "id")


def test_another_source_moves_nothing():
    both = many(sources=("a", "b"))
    alone = both.select(both.source == b"a")
    parts = as_sets(both, halves(both), "group")
    expected = as_sets(alone, halves(alone), "group")
    assert {p: {g for g in names if g.startswith(b"a")} for p, names in parts.items()} == expected


def test_groups_come_into_the_test_set_alike():
    frames = many(20, 1, ("a",), 1)
    hits = dict.fromkeys(frames.group.tolist(), 0)
    for seed in range(400):
        for group in frames.group[halves(frames, seed=seed)["test_new"]].tolist():
            hits[group] += 1
    # 400 draws of 4 from 20: mean 80, deviation 8; of 20 groups, four deviations
    assert sum(hits.values()) == 1600
    assert all(48 < n < 112 for n in hits.values())


def test_all_label_sets_share_a_split():
    frames = many()
    one = split_as(frames, split_job({**FRACTIONS, "split_by": "group", "seed": 1}))
    bad = replace(labels_for(frames), status=np.ones(len(frames), dtype=np.uint8))
    bad.status[::2] = 0
    good = build(frames, labels_for(frames), one)
    fewer = build(frames, bad, one)
    for part in PARTS:  # bad labels leave frames out, and move none
        assert set(fewer[part].frames.id.tolist()) < set(good[part].frames.id.tolist())


def test_bad_labels_and_duplicates_are_left_out_and_counted():
    frames = real_frames()
    twice = concatenate([frames, frames.select([0, 4, 5])])
    labels = labels_for(twice, energy=np.arange(9.0))
    labels.status[[1, 4, 7]] = [1, 4, 4]  # frame 7 is frame 4 again
    parts = {"train": np.array([0, 1, 2, 6]), "valid": np.array([3])}
    parts |= {"test_known": np.arange(0), "test_new": np.array([4, 5, 7, 8])}
    data = build(twice, labels, parts)
    assert data["train"].labels.energy.tolist() == [0, 2]  # the first of those that come twice
    assert data["valid"].labels.energy.tolist() == [3]
    assert data["test_new"].labels.energy.tolist() == [5]
    for part in data.values():
        assert np.array_equal(part.frames.id, part.labels.id)
    found = split_counts(twice, labels, data)
    assert found["left_out"] == {
        "bad_label": 3,
        "not_asked_for": 0,
        "trained_on": 0,
        "not_in_file": 0,
        "duplicate": 2,
    }
    assert found["train"] == {"frames": 2, "atoms": 12, "roots": 2, "groups": 2}
    assert found["test_new"] == {"frames": 1, "atoms": 4, "roots": 1, "groups": 1}


def test_roots_are_counted_once():
    frames = many(4, 3, ("a",))
    parts = {"train": np.arange(24), "test_new": np.arange(0)}
    found = split_counts(frames, labels_for(frames), build(frames, labels_for(frames), parts))
    assert found["train"] == {"frames": 24, "atoms": 48, "roots": 12, "groups": 4}


def test_labels_of_other_frames_are_refused():
    frames = real_frames()
    for index in ([1, 0, 2, 3, 4, 5], [0, 1]):
        with pytest.raises(LimbeckError, match="not the same frames in the same order"):
            build(frames, labels_for(frames.select(index)), {"train": np.arange(6)})


def test_labels_go_with_their_frames():
    frames = real_frames()
    whole = label(LennardJones(), frames, Views(2), max_force=1e6)
    for index in ([4, 1, 5], np.array([False, True, False, False, True, True])):
        chosen = frames.select(index)
        found = select_labels(whole, index)
        assert np.array_equal(found.id, chosen.id)
        again = label(LennardJones(), chosen, Views(2), max_force=1e6)
        # float64, in a smaller batch: rounding
        scale = np.abs(again.forces).max()
        np.testing.assert_allclose(found.forces, again.forces, atol=1e-12 * scale)
        np.testing.assert_allclose(found.energy, again.energy, rtol=1e-12)
    parts = [select_labels(whole, [b]) for b in range(6)]
    assert concatenate_labels(parts).forces.tobytes() == whole.forces.tobytes()
    with pytest.raises(LimbeckError, match="no labels"):
        concatenate_labels([])


def test_a_part_is_read_back(tmp_path):
    frames = real_frames()
    labels = labels_for(frames, energy=np.arange(6.0))
    write_frames(tmp_path / "train.h5", frames, stage="x", labels={"k2": labels})
    found = read_part(tmp_path / "train.h5", "k2")
    assert len(found) == 6
    assert np.array_equal(found.frames.id, frames.id)
    assert found.labels.energy.tolist() == list(range(6))


@pytest.mark.parametrize("seed", range(5))
def test_every_element_is_trained_on(seed):
    """Ten groups of an element each, and ten of hydrogen: none of the first can be held out."""
    elements = ["He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na"] + ["H"] * 10
    structures = [Atoms([e, e], [[0, 0, 0], [0, 0, 1 + i / 100]]) for i, e in enumerate(elements)]
    frames = from_atoms(structures, groups=[f"g{i}" for i in range(20)], source="all")
    parts = halves(frames, seed=seed, test_new_fraction=0.4)
    trained = set(frames.select(parts["train"]).numbers.tolist())
    assert trained == set(frames.numbers.tolist())
    held_out = frames.select(np.concatenate([parts["valid"], parts["test_new"]]))
    assert set(held_out.numbers.tolist()) == {1}  # hydrogen still is, since others train it


def test_mirror_images_and_isotopes_are_in_one_part(tmp_path):
    """To a potential they are the same structure; whatever the seed draws."""
    lines = ["C[C@H](F)Cl R", "C[C@@H](F)Cl S", "O", "[2H]O[2H] heavy", "C", "[13CH4]", "CO", "CCO"]
    lines += ["CF", "CCl", "C=C"]
    (tmp_path / "x.smi").write_text("\n".join(lines))
    fields = {"seed": 1, "source": "m", "shard": 0, "shards": 1, "count": 11}
    frames, _ = generate(generate_job("molecules", fields | {"smiles": f"{tmp_path}/x.smi"}))
    number = [frames.info_of(b)["number"] for b in range(len(frames))]
    assert number == list(range(11))
    for seed in range(20):
        parts = split(
            frames,
            valid_fraction=0.2,
            test_known_fraction=0,
            test_new_fraction=0.3,
            split_by="group",
            seed=seed,
        )
        part_of = {int(b): name for name, index in parts.items() for b in index}
        in_test = [part_of[b] == "test_new" for b in range(6)]
        assert in_test[0::2] == in_test[1::2]


@pytest.mark.parametrize("seed", range(5))
def test_groups_that_a_file_names_stay_whole(tmp_path, seed):
    """Frames of one trajectory in training and validation would choose an epoch by near copies."""
    frames = [bulk("Cu", cubic=True) for _ in range(24)]
    for n, atoms in enumerate(frames):
        atoms.rattle(0.05, seed=n)
        atoms.info["group"] = n // 6
    write(tmp_path / "x.extxyz", frames)
    fields = {"seed": 1, "source": "m", "shard": 0, "shards": 1, "count": 99}
    made, _ = generate(generate_job("file", fields | {"path": str(tmp_path / "x.extxyz")}))
    parts = split(made, **FRACTIONS, split_by="group", seed=seed)
    groups = as_sets(made, parts, "group")
    assert groups.pop("test_known") <= groups["train"]
    assert sum(map(len, groups.values())) == 4
    assert all(groups.values())  # two to train on, one to validate, one to test
    # negative control: groups that nobody named are validated by root
    unnamed = replace(made, info=np.array([b"{}"] * len(made)))
    parts = split(unnamed, **FRACTIONS, split_by="group", seed=seed)
    assert validated_by(unnamed, parts) == {"m": "root"}


def test_frames_of_a_file_can_be_split_by_frame(tmp_path):
    """What they say of their place in it is no name of a frame that they were cut out of."""
    frames = [bulk("Cu", a=3.6 + 0.01 * n) for n in range(6)]
    write(tmp_path / "x.extxyz", frames)
    fields = {"seed": 1, "source": "m", "shard": 0, "shards": 1, "count": 99}
    made, _ = generate(generate_job("file", fields | {"path": str(tmp_path / "x.extxyz")}))
    parts = split(made, **FRACTIONS, split_by="frame", seed=1)
    assert [len(index) for index in parts.values()] == [4, 1, 1, 0]
