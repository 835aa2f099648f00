"""A share of a source that a generative model fills, and what is made in place of the rest."""

import pytest
from ase.build import bulk, molecule

from jobs_of import generate_job
from limbeck.config.jobs import GenerateStructures
from limbeck.config.load import resolve
from limbeck.config.plan import reserve_files, sources_of, sources_used
from limbeck.cost.sizes import size_of
from limbeck.datasets.enough import require_enough
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.structures import generate, groups_of
from limbeck.structures.reserve import with_reserve


def reserve(count, make=lambda n: bulk("Si", a=5.3 + 0.01 * n)):
    return from_atoms(
        [make(n) for n in range(count)],
        groups=["Si"] * count,
        source="model",
        infos=[{"number": n, "generative_model": "M"} for n in range(count)],
    )


def made(there, *, fraction, count=8, shards=1, before=0):
    parts = []
    for shard in range(shards):
        job = generate_job(
            "crystals",
            {"seed": 1, "source": "metals", "shard": shard, "shards": shards, "count": count,
             "prototypes": ["fcc"], "elements": ["Cu", "Ni"], "strain": 0.02,
             "generative_fraction": fraction, "generative_model": "model"},
        )  # fmt: skip
        job = job.model_copy(update={"taken_before": before})
        parts.append(with_reserve(job, there, generate)[0])
    both = concatenate(parts)
    numbers = [both.info_of(b)["number"] for b in range(len(both))]
    assert sorted(numbers) == list(range(count))
    return both.select(sorted(range(count), key=numbers.__getitem__))


def theirs(frames):
    return sum("generative_model" in frames.info_of(b) for b in range(len(frames)))


@pytest.mark.parametrize(
    ("there", "fraction", "taken"),
    [(10, 0.5, 4), (3, 0.5, 3), (0, 0.5, 0), (10, 1.0, 8), (5, 1.0, 5)],
)
def test_what_the_model_falls_short_of_is_made_conventionally(there, fraction, taken, caplog):
    with caplog.at_level("INFO"):
        frames = made(reserve(there), fraction=fraction)
    assert len(frames) == 8
    assert theirs(frames) == taken
    assert f"{round(8 * fraction)} structures asked of model, {taken} delivered" in caplog.text
    assert set(frames.source.tolist()) == {b"metals"}


def test_conventional_structures_are_those_of_a_source_without_a_model():
    frames, alone = made(reserve(3), fraction=0.5), made(reserve(0), fraction=0.5)
    assert frames.id[:5].tolist() == alone.id[:5].tolist()


def test_shards_move_nothing():
    one, three = made(reserve(9), fraction=0.5), made(reserve(9), fraction=0.5, shards=3)
    assert one.id.tolist() == three.id.tolist()


def test_no_structure_goes_to_two_sources_or_twice_to_one():
    there = reserve(10)
    first, second = made(there, fraction=0.5), made(there, fraction=0.5, before=4)
    assert not {*first.id[4:].tolist()} & {*second.id[4:].tolist()}
    twice = concatenate([there.select([0, 1]), there.select([0, 1])])
    assert theirs(made(twice, fraction=0.5)) == 2


def test_a_source_of_crystals_takes_no_molecules():
    water = reserve(10, lambda n: molecule("H2O"))
    assert theirs(made(water, fraction=0.5)) == 0


CONFIG = {
    "run": "x",
    "sources": {
        "metals": {"kind": "crystals", "count": 20, "prototypes": ["fcc"], "elements": ["Cu"],
                   "generative_fraction": 0.3, "generative_model": "model"},
        "more": {"kind": "crystals", "count": 10, "prototypes": ["fcc"], "elements": ["Ni"],
                 "generative_fraction": 0.5, "generative_model": "model"},
        "model": {"kind": "generated", "count": 50, "shards": 2, "path": "samples"},
    },
    "potentials": {"emt": {"model": "emt"}},
    "select": {"include": ["generated"]},
    "labels": {"emt": {"potential": "emt"}},
    "screen": {},
}  # fmt: skip


def config(folder, structures=1, **sources):
    samples = folder / "samples"
    samples.mkdir(exist_ok=True)
    for n in range(structures):
        bulk("Cu", a=3.5 + 0.01 * n).write(samples / f"{n:02}.extxyz")
    own = {name: section | sources.get(name, {}) for name, section in CONFIG["sources"].items()}
    own["model"] |= {"path": str(samples)}
    own["more"] = {k: v for k, v in own["more"].items() if v is not None}
    return resolve(CONFIG | {"sources": own})


def test_a_reserve_has_no_structures_of_its_own(tmp_path):
    found = config(tmp_path)
    assert sources_of(found, "generated") == sources_used(found) == ["metals", "more"]
    assert reserve_files(found, "metals") == ["screened/model/0.h5", "screened/model/1.h5"]
    assert reserve_files(found, "model") == []
    before = [GenerateStructures.of(found, name, "0").taken_before for name in ("metals", "more")]
    assert before == [0, 6]


BAD = {
    "nothing to share": (
        {"more": {"generative_model": None}},
        "sources.more.generative_model: not given, expected a source of kind generated",
    ),
    "no such source": (
        {"more": {"generative_model": "other"}},
        "sources.more.generative_model: 'other', expected one of",
    ),
    "of another kind": (
        {"more": {"generative_model": "metals"}},
        "sources.more.generative_model: 'metals', of kind crystals, expected a source of kind gen",
    ),
    "more than all": (
        {"more": {"generative_fraction": 1.5}},
        "sources.more.generative_fraction: 1.5",
    ),
    "a model behind the model": (
        {"model": {"generative_model": "model"}},
        "sources.model.generative_model: 'model', expected none",
    ),
    "sizes": (
        {"model": {"n_atoms": [9, 3]}},
        "sources.model.n_atoms: [9, 3], expected the smaller",
    ),
    "nothing asked": ({"metals": {"count": 0}}, "sources.metals.count: 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_told_with_its_field(tmp_path, case):
    sections, text = BAD[case]
    with pytest.raises(LimbeckError) as error:
        config(tmp_path, **sections)
    assert text in str(error.value)


def test_an_empty_folder_is_named_with_the_fallback(tmp_path):
    with pytest.raises(LimbeckError) as error:
        config(tmp_path, structures=0)
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"sources.model.path: '{tmp_path}/samples', no file in this folder")
    assert line.endswith(
        "run the generative model first; sources.metals.generative_fraction and "
        "sources.more.generative_fraction 0 makes all of them conventionally"
    )
    none = {"generative_fraction": 0.0}
    found = config(tmp_path, structures=0, metals=none, more=none)  # and that does
    assert reserve_files(found, "metals") == []


def test_costs_and_groups_are_counted_with_the_model(tmp_path):
    found = config(tmp_path, structures=3, metals={"strain": 0.01})
    size = size_of(found, "metals")
    assert size.amounts.frames == 20  # 3 of the 6 that are asked for, 17 made
    # theirs are of copper, as those of metals: 3 and 14, and 3 and 1 (unstrained nickel)
    with pytest.raises(LimbeckError, match="21 structures of 2 groups"):
        require_enough(found, found.dataset, groups_of)
