"""Batches of a plan, which belong to whole shards, and plans that are scaled."""

from itertools import chain
from pathlib import Path

import pytest

from limbeck.config import plan
from limbeck.config.config import Config
from limbeck.config.jobs import JudgeLabels, LabelFrames, SelectFrames
from limbeck.config.load import resolve
from limbeck.config.sections.messages import validated
from limbeck.config.text import read_yaml
from limbeck.errors import LimbeckError

CONFIGS = Path(__file__).parents[3] / "config"
PLANS = sorted(path.stem for path in CONFIGS.glob("hybrid_*.yaml"))
CRYSTALS = {"kind": "crystals", "elements": ["Cu"], "prototypes": ["fcc"]}


def of(batches, sources, slices, **more):
    return {
        "run": "batches",
        "sources": sources,
        "select": {"count": 60, "slices": slices, "batches": batches},
        "potentials": {"emt": {"model": "emt"}},
        "labels": {"emt": {"potential": "emt"}},
        **more,
    }


TWO = of(
    [
        {"structures": {"a": 20, "b": 10}, "slices": 2},
        {"structures": {"a": 20}},
    ],
    {
        "a": {**CRYSTALS, "count": 40, "shards": 8},
        "b": {**CRYSTALS, "count": 10, "shards": 2},
    },
    3,
)


def shards(config, source):
    """Shards of a source, slice by slice."""
    return [list(plan.shards_of_slice(config, source, i)) for i in range(config.select.slices)]


def test_each_batch_has_the_next_shards_and_its_slices_share_them():
    config = resolve(TWO)
    assert shards(config, "a") == [[0, 2], [1, 3], [4, 5, 6, 7]]
    assert shards(config, "b") == [[0], [1], []]
    assert plan.judged_of_batch(config, "batch_2") == [
        "labels/emt/2.h5",
        "gate/emt.batch_2.passed",
    ]
    assert plan.shards_judged(config, "a", "batch_1") == [0, 1, 2, 3]


def test_frames_are_shared_out_as_structures_are():
    config = resolve({**TWO, "labels": {"emt": {"potential": "emt", "n_frames": 10}}})
    found = [SelectFrames.of(config, str(i)) for i in range(3)]
    # 60 frames of 50 structures: 36 of the 30 in the first batch, in two slices
    assert [(job.slice, job.select.slices, job.select.count) for job in found] == [
        (0, 2, 36),
        (1, 2, 36),
        (0, 1, 24),
    ]
    labelled = [LabelFrames.of(config, "emt", str(i)).label_set.n_frames for i in range(3)]
    assert labelled == [6, 6, 4]


def test_without_batches_a_slice_has_each_shard_of_its_remainder():
    config = resolve({**TWO, "select": {"count": 60, "slices": 3}})
    assert shards(config, "a") == [[0, 3, 6], [1, 4, 7], [2, 5]]


def test_batches_may_be_alike():
    alike = [{"structures": {"a": 20, "b": 5}}] * 2
    assert shards(resolve(of(alike, TWO["sources"], 2)), "a") == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_the_pilot_is_of_whole_batches_and_others_wait_for_it():
    config = resolve({**TWO, "gate": {"pilot": 1}})
    assert plan.pilot_slices(config) == 2
    assert plan.pilots_before_source(config, "a", "3") == []
    assert plan.pilots_before_source(config, "a", "4") == ["gate/emt.pilot.passed"]
    assert plan.yields_before(config, "2") == []  # these are of all batches


@pytest.mark.parametrize(
    ("batches", "slices", "told"),
    [
        ([{"structures": {"a": 40}}], 1, "10, its count"),
        (
            [{"structures": {"a": 40, "b": 10, "c": 1}}],
            1,
            "batches.0.structures: 'c', expected one",
        ),
        (
            [{"structures": {"a": 38, "b": 10}}, {"structures": {"a": 2}}],
            2,
            "batches.1.structures.a: 2, expected a multiple of 5",
        ),
        ([{"structures": {"a": 40, "b": 10}}], 2, "select.slices: 2, expected 1, the sum"),
        (
            [{"structures": {"a": 40}}, {"structures": {"b": 10}, "slices": 3}],
            4,
            "batches.1.slices: 3, expected at most 2",
        ),
    ],
)
def test_batches_that_do_not_fit_are_refused(batches, slices, told):
    with pytest.raises(LimbeckError, match="select") as error:
        resolve(of(batches, TWO["sources"], slices))
    assert told in str(error.value)


def shipped(name, tmp_path, monkeypatch, **changes):
    """A shipped plan, beside which there is what its sources are read from."""
    config = read_yaml(CONFIGS / f"{name}.yaml")
    monkeypatch.chdir(tmp_path)
    if not Path("config").exists():
        Path("config").symlink_to(CONFIGS)  # of a plan's fallback
    for source in config["sources"].values():
        if "path" in source:
            (tmp_path / source["path"]).mkdir(parents=True, exist_ok=True)
            (tmp_path / source["path"] / "some.cif").touch()
    return resolve({**config, **changes})


def amounts(config):
    return {n: s.count for n, s in config.sources.items() if n not in plan.reserves(config)}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_makes_as_many_as_its_name_says(name, tmp_path, monkeypatch):
    config = shipped(name, tmp_path, monkeypatch)
    asked = 120_000 if "120k" in name else 5_000
    assert config.select.count == asked
    spare = 500 if name == "hybrid_5k_no_generative" else 0  # crystals that screening refuses
    assert sum(amounts(config).values()) == asked + spare
    assert asked // config.select.slices <= 10_000  # of a file
    for source in amounts(config):
        found = sorted(chain(*shards(config, source)))
        assert found == list(range(config.sources[source].shards))


@pytest.mark.parametrize("scale", [0.1, 0.01, 0.001])
@pytest.mark.parametrize("name", PLANS)
def test_a_scaled_plan_keeps_its_proportions(name, scale, tmp_path, monkeypatch):
    whole = shipped(name, tmp_path, monkeypatch)
    less = shipped(name, tmp_path, monkeypatch, scale=scale)
    for source, count in amounts(whole).items():
        # rounded once for each of at most three batches that it is in
        assert amounts(less)[source] == pytest.approx(count * scale, abs=1.5)
        assert sorted(chain(*shards(less, source))) == list(range(less.sources[source].shards))
    # as it stands, it would be accepted
    assert validated(Config, less.model_dump(mode="json")).select == less.select


def test_jobs_of_a_scaled_plan_are_as_large_as_they_were(tmp_path, monkeypatch):
    less = shipped("hybrid_120k", tmp_path, monkeypatch, scale=0.1)
    assert less.sources["molecules"].shards == 5  # of 700 each, where 3,500 are of three batches
    assert less.select.slices == 4  # one for each batch


def test_the_next_lower_share_is_told(tmp_path, monkeypatch):
    config = shipped("hybrid_5k", tmp_path, monkeypatch)
    lower = JudgeLabels.of(config, "teacher").less_generative
    assert lower == {"mattergen_or_prototypes": 0.7, "crystalflow_or_random": 0.7}
