"""Label sets from files in the config: what they need, and what cannot be done with them."""

import re

import pytest

from limbeck.config import jobs, plan
from limbeck.config.load import resolve
from limbeck.config.recipes import Recipes
from limbeck.errors import LimbeckError

CONFIG = {
    "run": "own",
    "sources": {
        "mine": {"kind": "file", "count": 9, "path": "resources/labels/gfn2.extxyz"},
        "urea": {"kind": "file", "count": 1, "path": "resources/crystals/urea.cif"},
        "metals": {"kind": "crystals", "count": 4, "elements": ["Cu"]},
    },
    "potentials": {"emt": {"model": "emt"}, "chgnet": {"model": "chgnet"}},
    "labels": {"dft": {"from": "file"}, "chgnet": {"potential": "chgnet"}},
    "students": {"small": {"architecture": "mace"}},
    "distill": [{"labels": "dft", "students": ["small"]}],
    "warrant": {"reference": "dft"},
}


@pytest.fixture(autouse=True)
def in_the_repository(repository, monkeypatch):
    monkeypatch.chdir(repository)


def errors_of(**changes):
    with pytest.raises(LimbeckError) as caught:
        resolve(CONFIG | changes)
    return str(caught.value)


def test_a_label_set_is_of_a_potential_where_nothing_is_said():
    labels = resolve(CONFIG).labels
    assert labels["chgnet"].from_ == "potential"
    assert labels["dft"].potential is None
    # what is read back from a report's config, or from a job's settings, is the same
    assert resolve(resolve(CONFIG).model_dump(mode="json")) == resolve(CONFIG)


def test_all_files_have_labels_unless_the_set_says_which():
    config = resolve(CONFIG)
    assert [s.name for s in plan.labelled_sources(config, "dft")] == ["mine", "urea"]
    labels = CONFIG["labels"] | {"dft": {"from": "file", "sources": ["mine"]}}
    config = resolve(CONFIG | {"labels": labels})
    assert [s.name for s in plan.labelled_sources(config, "dft")] == ["mine"]


def test_no_potential_is_asked_for_labels_of_a_file():
    config = resolve(CONFIG)
    assert plan.teachers(config) == ["chgnet"]
    assert isinstance(jobs.labels_of_slice(config, "dft", "0"), jobs.ReadLabels)
    assert isinstance(jobs.labels_of_slice(config, "chgnet", "0"), jobs.LabelFrames)
    assert {use[1] for use in plan.potential_meets(config)} == {"labels.chgnet.potential"}


def test_energies_are_brought_to_one_scale_where_one_of_two_is_from_a_file():
    config = resolve(CONFIG)
    assert plan.zeros_differ(config, potential="chgnet")
    assert plan.zeros_differ(config, label_set="chgnet")
    assert not plan.zeros_differ(config, label_set="dft")  # it is the reference
    other = resolve(CONFIG | {"warrant": {"reference": "chgnet"}})
    assert plan.zeros_differ(other, label_set="dft")
    assert not plan.zeros_differ(other, label_set="chgnet")
    assert not plan.zeros_differ(resolve(CONFIG | {"warrant": {}}), potential="chgnet")


DEMO = {
    "model": "orb",
    "path": "resources/models/orb-demo",
    "sha256": "b2fbdd2114bef8f64988d4996758aabeab27ce1c25b326ee75b0ce2ff4004e2c",
}


@pytest.mark.parametrize(
    ("reference", "teacher", "differ"),
    [
        ({"model": "chgnet"}, {"model": "emt"}, True),
        ({"model": "chgnet"}, {"model": "orb-v2"}, False),  # both of MPtrj
        ({"model": "chgnet"}, {"model": "chgnet", "version": "r2scan"}, True),
        ({"model": "chgnet"}, {"model": "chgnet", "version": "0.2.0"}, False),
        ({"model": "xtb"}, {"model": "xtb", "method": "GFN1-xTB"}, True),
        ({"model": "orb-v3-conservative-omol"}, {"model": "orb-v2"}, True),
        # weights of one's own may well imitate the reference, as those of the demo do
        ({"model": "chgnet"}, DEMO, False),
    ],
)
def test_energies_of_two_potentials_are_on_one_scale_where_their_zeros_are_known(
    reference, teacher, differ
):
    changed = {
        "potentials": {"one": reference, "other": teacher},
        "labels": {"one": {"potential": "one"}, "other": {"potential": "other"}},
        "warrant": {"reference": "one"},
        "delta": {},
        "distill": [],
    }
    config = resolve(CONFIG | changed)
    assert plan.zeros_differ(config, "other") == differ
    assert plan.zeros_differ(config, potential="other") == differ
    assert not plan.zeros_differ(config, "one")


def test_labels_depend_on_the_keys_and_the_source():
    one = Recipes(resolve(CONFIG)).of("labels/dft/0.h5")
    labels = CONFIG["labels"] | {"dft": {"from": "file", "energy_key": "E"}}
    assert Recipes(resolve(CONFIG | {"labels": labels})).of("labels/dft/0.h5") != one


def test_sources_have_to_be_files():
    labels = {"dft": {"from": "file", "sources": ["metals"]}}
    assert "labels.dft.sources: 'metals', of kind crystals" in errors_of(labels=labels)
    metals = {"metals": CONFIG["sources"]["metals"]}
    assert "expected a source of kind file that has the labels" in errors_of(sources=metals)


def test_frames_of_samplings_alone_have_no_labels():
    sampling = {"rattled": {"method": "rattle", "sources": ["mine", "urea", "metals"]}}
    found = errors_of(sampling=sampling, select={"include": ["rattled"]})
    assert "select.include: rattled, expected generated among them" in found


def test_what_takes_a_potential_is_refused():
    delta = {"d": {"baseline": "chgnet", "target": "dft", "atoms": "isolated"}}
    assert "delta.d.atoms: 'isolated', expected fit: 'dft' is from a file" in errors_of(delta=delta)
    resolve(CONFIG | {"delta": {"d": delta["d"] | {"atoms": "fit"}}})
    found = errors_of(studies={"e": {"kind": "expectation", "baselines": ["dft"]}})
    assert "studies.e: 'dft' is from a file" in found


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"from": "fil"}, "labels.dft.from: 'fil', expected one of potential, file"),
        ({"from": "file", "potential": "emt"}, "labels.dft.potential: unknown field"),
        ({"potential": "emt", "energy_key": "E"}, "labels.dft.energy_key: unknown field"),
        ({"from": "file", "energy_unit": "ev"}, r"expected one of eV, .*did you mean eV\?"),
        (
            {"from": "file", "stress_key": "s", "virial_key": "v"},
            "labels.dft.virial_key: 'v' beside stress_key, expected one of them",
        ),
        ({}, "labels.dft.potential: not given"),
    ],
)
def test_a_wrong_field_is_named(fields, text):
    assert re.search(text, errors_of(labels={"dft": fields}))
