"""What the config says of generators, and what is told where it does not fit."""

import pytest

from generator_jobs import config_of
from limbeck.config import plan
from limbeck.config.jobs import GenerateStructures, JudgeLabels, RunGenerator
from limbeck.config.load import resolve
from limbeck.errors import LimbeckError

MATTERGEN = {"program": "mattergen", "count": 10}
FILE = {"program": "crystalflow", "count": 10, "weights": "w/x", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"guidance_factor": 0.0}, r"generators.g.guidance_factor: 0.0, expected more than 0"),
        ({"weights": "base"}, r"generators.g.weights: 'base', expected one of mattergen_base, "),
        ({"weights": "a/b"}, r"generators.g.sha256: not given, expected that of a/b"),
        (
            {"chemical_system": ["Li", "O"]},
            r"cannot be asked for chemical_system; expected chemical_system",
        ),
        (
            {"weights": "space_group", "properties": {"dft_band_gap": 1.0}},
            r"'space_group' cannot be asked for dft_band_gap; expected dft_band_gap",
        ),
        ({"properties": {"band_gap": 1.0}}, "generators.g.properties"),
        ({"shards": 11}, r"generators.g.shards: 11, expected at most its count, 10"),
        ({"program": "matergen"}, r"expected one of .*did you mean mattergen"),
        (FILE | {"formulas": ["Na4Cl4", "NaCL"]}, r"formulas: 'NaCL', expected what is in a cell"),
        (FILE | {"formulas": ["NaCl"], "elements": ["Na"]}, r"Cl is not among elements"),
        ({**FILE, "sha256": "no"}, r"generators.g.sha256: 'no', expected 64 hexadecimal digits"),
    ],
)
def test_what_does_not_fit_is_told(fields, message):
    with pytest.raises(LimbeckError, match=message):
        resolve(config_of(**{**MATTERGEN, **fields}))


def test_a_source_has_a_path_or_a_generator():
    config = config_of(**MATTERGEN)
    config["sources"]["made"]["path"] = "a"
    with pytest.raises(LimbeckError, match="path, generator: both given, expected one of the two"):
        resolve(config)
    config["sources"]["made"] = {"kind": "generated", "generator": "h", "count": 1}
    with pytest.raises(LimbeckError, match=r"sources.made.generator: 'h', expected one of g"):
        resolve(config)


def test_a_generator_that_nobody_asks_is_told():
    config = config_of(**MATTERGEN)
    config["generators"]["other"] = MATTERGEN
    with pytest.raises(LimbeckError, match=r"generators.other: nothing is made of it"):
        resolve(config)


def test_what_follows_from_a_generator_is_in_its_source():
    asked = {"weights": "chemical_system", "chemical_system": ["Li", "O"]}
    source = resolve(config_of(**MATTERGEN, **asked)).sources["made"]
    assert (source.elements, source.called, source.licence) == (["Li", "O"], "MatterGen", "MIT")
    formulas = resolve(config_of(**FILE, formulas=["Na4Cl4", "MgO"])).sources["made"]
    assert formulas.elements == ["Cl", "Mg", "Na", "O"]


def test_jobs_of_a_generator():
    config = resolve(config_of(**MATTERGEN, shards=3, seed=5))
    job = RunGenerator.of(config, generator="g", shard="2")
    assert (job.seed, job.shard, job.count, job.conditions) == (5, 2, 3, {})
    assert job.fetched["folder"] == "weights/mattergen/mattergen_base"
    made = GenerateStructures.of(config, source="made", shard="0").source
    assert made.path == "results/t/generators/g/*/structures.extxyz"
    found = plan.generated_files(config, "made")
    assert found == [f"generators/g/{i}/made.json" for i in range(3)]
    assert GenerateStructures.model_validate_json(
        GenerateStructures.of(config, source="made", shard="0").text()
    )


def test_the_gate_counts_its_time():
    config = config_of(**MATTERGEN) | {"gate": {"max_seconds_per_structure": 10}}
    (own,) = JudgeLabels.of(resolve(config), label_set="lj").generators.values()
    assert (own.program, own.name, own.share) == ("mattergen", "g", 1.0)
