"""Whether a split leaves anything to test on is told before anything is computed."""

from collections import Counter

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.io import write

from limbeck.config.load import resolve
from limbeck.config.sections.datasets import DatasetSettings
from limbeck.datasets.enough import Groups, can_split, require_enough
from limbeck.datasets.split import split
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.structures import groups_of


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
    from limbeck.config.jobs import GenerateStructures
    from limbeck.structures import generate

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
def test_it_is_what_the_split_does(by, counts):
    """Of every order of the groups; where the smallest are tested, the most roots are left."""
    settings = DatasetSettings(split_by=by)
    own = Groups()
    for n, count in enumerate(counts):
        for _ in range(count):
            own.add(str(n), frozenset(["Cu"]))
    seen = set()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        frames = concatenate(
            [
                from_atoms([bulk("Cu", a=3 + rng.random())], groups=[group], source="s")
                for group, count in own.counts.items()
                for _ in range(count)
            ]
        )
        parts = split(frames, valid_fraction=0.1, test_fraction=0.2, split_by=by, seed=seed)
        seen.add(len(parts["test"]) > 0 and len(parts["valid"]) > 0)
    assert can_split([own], settings) == any(seen)
