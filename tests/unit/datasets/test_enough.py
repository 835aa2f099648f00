"""Whether a split leaves anything to test on is told before anything is computed."""

from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import write

from limbeck.config.jobs import GenerateStructures, Split
from limbeck.config.load import resolve
from limbeck.config.sections.datasets import DatasetSettings
from limbeck.datasets import enough
from limbeck.datasets.enough import can_split, require_enough
from limbeck.datasets.split import split_as
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.structures import generate, groups_of


def config_of(*sources, **dataset):
    return resolve(
        {
            "run": "test",
            "sources": {f"s{n}": source for n, source in enumerate(sources)},
            "potentials": {"xtb": {"model": "xtb"}},
            "select": {"include": ["generated"]},
            "labels": {"xtb": {"potential": "xtb"}},
            "dataset": dataset,
        }
    )


def told(*sources, **dataset):
    config = config_of(*sources, **dataset)
    require_enough(config, config.dataset, groups_of)


def trajectory(path, count=12, atoms=None, **info):
    frames = [(atoms or bulk("Cu", cubic=True)).copy() for _ in range(count)]
    for n, frame in enumerate(frames):
        frame.rattle(0.05, seed=n)
        frame.info |= info
    write(path, frames)
    return {"kind": "file", "count": 99, "path": str(path)}


def test_one_trajectory_alone_is_told_with_what_helps(tmp_path):
    source = trajectory(tmp_path / "a.extxyz")
    with pytest.raises(LimbeckError) as error:
        told(source)
    text = str(error.value)
    assert text.startswith("dataset.split_by: group, and the sources of select.include have 12 ")
    assert "of 1 group (Cu)" in text
    assert "or split_by: root" in text
    told(source, split_by="root")  # and it does
    told(source, split_by="frame")


def test_one_structure_can_be_split_by_frame_alone(tmp_path):
    source = trajectory(tmp_path / "a.extxyz", count=1)
    for by in ("group", "root"):
        with pytest.raises(LimbeckError, match=r"1 structure of 1 group .* or split_by: frame"):
            told(source, split_by=by)
    told(source, split_by="frame")


def test_two_sources_of_one_group_each_are_not_enough(tmp_path):
    """Groups are taken source by source."""
    a = trajectory(tmp_path / "a.extxyz")
    b = trajectory(tmp_path / "b.extxyz", atoms=molecule("H2O"))
    with pytest.raises(LimbeckError, match=r"24 structures of 2 groups"):
        told(a, b)


def test_trajectories_that_are_named_are_groups(tmp_path):
    parts = []
    for n in range(3):
        trajectory(tmp_path / "a.extxyz", 4, group=n)
        parts.append((tmp_path / "a.extxyz").read_text())
    (tmp_path / "all.extxyz").write_text("".join(parts))
    told({"kind": "file", "count": 99, "path": str(tmp_path / "all.extxyz")})


@pytest.mark.parametrize(
    ("source", "groups"),
    [
        ({"kind": "crystals", "count": 3, "compounds": ["NaCl"]}, {"NaCl": 1}),
        ({"kind": "crystals", "count": 3, "compounds": ["NaCl"], "strain": 0.1}, {"NaCl": 3}),
        ({"kind": "clusters", "count": 4, "elements": ["Cu"], "sizes": [4, 5]}, None),
        ({"kind": "molecules", "count": 4}, None),
    ],
)
def test_groups_are_those_of_the_structures_that_are_made(tmp_path, source, groups):
    if source["kind"] == "molecules":
        (tmp_path / "x.smi").write_text("CCO\nC\n")
        source = source | {"smiles": str(tmp_path / "x.smi"), "displacement_A": 0.05}
    config = config_of(source)
    listed = list(groups_of(config.sources["s0"]))
    found = Counter(group for group, _ in listed)
    made, _ = generate(GenerateStructures(seed=1, shard=0, source=config.sources["s0"]))
    assert found == Counter(g.decode() for g in made.group.tolist())
    assert groups is None or found == groups
    symbols = set().union(*(set(atoms.get_chemical_symbols()) for atoms in made.to_atoms()))
    assert set().union(*(elements for _, elements in listed)) == symbols


def test_groups_of_their_own_elements_cannot_be_tested(tmp_path):
    """Whatever is taken for the test has an element that training needs."""
    parts = []
    for n, element in enumerate(["Cu", "Al", "Ag"]):
        trajectory(tmp_path / "a.extxyz", 4, bulk(element, cubic=True), group=n)
        parts.append((tmp_path / "a.extxyz").read_text())
    (tmp_path / "all.extxyz").write_text("".join(parts))
    source = {"kind": "file", "count": 99, "path": str(tmp_path / "all.extxyz")}
    with pytest.raises(LimbeckError, match=r"12 structures of 3 groups .*element.* split_by: root"):
        told(source)
    told(source, split_by="root")


@pytest.mark.parametrize("by", ["group", "root"])
@pytest.mark.parametrize(
    "counts",
    [[1], [12], [1, 1], [2, 1], [1, 1, 1], [6, 6], [1, 9], [1] * 6, [3, 3, 3, 3]],
    ids=str,
)
def test_it_is_what_the_split_does_of_one_element(by, counts):
    """Of two groups one is tested; of the other a second root is left to validate."""
    settings = DatasetSettings(split_by=by)
    listed = [(str(n), frozenset(["Cu"])) for n, count in enumerate(counts) for _ in range(count)]
    groups, roots = len(counts), sum(counts)
    # [2, 1]: the test takes the group of one, and leaves two roots
    # by root, one of a group of two is tested, and a third root validates
    by_root = roots >= 3 and max(counts) >= 2
    expected = by_root if by == "root" else groups >= 2 and roots - min(counts) >= 2
    assert can_split({"s": listed}, settings) == expected


def drawn(rng):
    """A few sources of few groups, which they may share, of a few elements; some are named."""
    listed, frames = {}, []
    for source in "ab"[: rng.integers(1, 3)]:
        own = []
        for group in rng.choice(list("ABCDEF"), rng.integers(1, 6), replace=False):
            for _ in range(rng.integers(1, 4)):
                elements = rng.choice(["H", "C", "N", "O", "F"], rng.integers(1, 4), replace=False)
                own.append((str(group), frozenset(elements.tolist())))
        listed[source] = own
        named = {"own_group": True} if rng.random() < 0.5 else {}
        made = [Atoms(sorted(e), rng.normal(size=(len(e), 3))) for _, e in own]
        groups = [group for group, _ in own]
        frames.append(from_atoms(made, groups=groups, source=source, infos=[named] * len(own)))
    return listed, concatenate(frames)


@pytest.mark.parametrize("by", ["group", "root"])
def test_it_is_what_the_split_does_of_any_groups_and_elements(by):
    """Whatever their order; and never is an element tested or validated that none trains."""
    answers = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        listed, frames = drawn(rng)
        test = float(rng.choice([0.2, 0.5]))
        name = "new" if by == "group" else "known"
        settings = DatasetSettings(
            split_by=by, valid_fraction=0.1, **{f"test_{name}_fraction": test}
        )
        parts = split_as(frames, Split(seed=seed, dataset=settings))
        tests = parts[f"test_{name}"]
        answers.append(len(tests) > 0 and len(parts["valid"]) > 0)
        assert can_split(listed, settings) == answers[-1], (seed, listed)
        trained = set(frames.select(parts["train"]).numbers.tolist())
        assert trained == set(frames.numbers.tolist())
        held_out = getattr(frames, by)
        tested = set(held_out[tests].tolist())
        assert not tested & set(held_out[np.setdiff1d(np.arange(len(frames)), tests)])
        known = set(frames.group[parts["test_known"]].tolist())
        assert known <= set(frames.group[parts["train"]].tolist())
    assert 30 < sum(answers) < 270  # both answers are among them


def test_another_group_is_validated_where_the_first_has_an_element_of_its_own(tmp_path):
    """Named groups, of which the one with silver has to be trained on, whatever the seed."""
    parts = []
    for n, element in enumerate(["Cu", "Cu", "Cu", "Ag"]):
        trajectory(tmp_path / "a.extxyz", 4, bulk(element, cubic=True), group=n)
        parts.append((tmp_path / "a.extxyz").read_text())
    (tmp_path / "all.extxyz").write_text("".join(parts))
    source = {"kind": "file", "count": 99, "path": str(tmp_path / "all.extxyz")}
    told(source)
    made, _ = generate(GenerateStructures(seed=1, shard=0, source=config_of(source).sources["s0"]))
    for seed in range(10):
        found = split_as(made, Split(seed=seed, dataset=DatasetSettings()))
        of = {part: set(made.group[index].tolist()) for part, index in found.items()}
        assert of.pop("test_known") <= of["train"]
        assert {part: len(groups) for part, groups in of.items()} == {
            "train": 2,
            "valid": 1,
            "test_new": 1,
        }
        assert 47 in made.select(found["train"]).numbers


def test_structures_beyond_the_first_are_looked_at_where_they_are_needed(monkeypatch):
    config = config_of({"kind": "crystals", "count": 9, "compounds": ["NaCl"]})
    listed = [("NaCl", frozenset(["Na", "Cl"]))] * 4 + [("KCl", frozenset(["K", "Cl"]))] * 9
    monkeypatch.setattr(enough, "FIRST", 4)
    with pytest.raises(LimbeckError, match="13 structures of 2 groups"):
        require_enough(config, config.dataset, lambda _: listed)
    salt = ("halite", frozenset(["Na", "Cl"]))
    require_enough(config, config.dataset, lambda _: [*listed, salt])


def test_structures_of_their_own_groups_are_told_to_be_split_by_group(tmp_path):
    """By root there is no known chemistry to test on, and by group there is new one."""
    parts = []
    for n in range(6):
        trajectory(tmp_path / "a.extxyz", 1, group=n)
        parts.append((tmp_path / "a.extxyz").read_text())
    (tmp_path / "all.extxyz").write_text("".join(parts))
    source = {"kind": "file", "count": 99, "path": str(tmp_path / "all.extxyz")}
    with pytest.raises(LimbeckError, match=r"6 structures of 6 groups .* or split_by: group"):
        told(source, split_by="root")
    told(source, split_by="group")
