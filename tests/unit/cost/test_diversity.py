"""How diverse a plan will be, before it is run: plans whose figures are known."""

from math import log2

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from in_process import limbeck
from limbeck.config.load import resolve
from limbeck.config.text import read_yaml
from limbeck.cost.diversity import GUESSED_ATOMS, Planned, expectations
from limbeck.cost.estimate import Estimate
from limbeck.cost.work import Work
from limbeck.errors import LimbeckError

METALS = {"kind": "crystals", "count": 6, "prototypes": ["fcc"], "strain": 0.02}
COPPER, SILVER = (METALS | {"elements": [symbol]} for symbol in ("Cu", "Ag"))
BOTH = METALS | {"elements": ["Cu", "Ag"]}


def plan_of(sources, gate=None, **sections):
    """A config that labels structures as they are made."""
    return {
        "run": "test",
        "sources": sources,
        "potentials": {"emt": {"model": "emt"}},
        "select": {"include": ["generated"], "count": 1000},
        "labels": {"emt": {"potential": "emt"}},
        "gate": gate or {},
    } | sections


def expected(config):
    config = resolve(config, planned=True)
    return expectations(config, Planned(config))


def figures(one):
    return {line.name: line for line in one.lines()}


def test_two_metals_equally_often_have_one_bit_and_pass():
    gate = {"elements": ["Cu", "Ag"], "min_entropy_fraction": 0.968, "min_coverage": 1.0}
    (one,) = expected(plan_of({"copper": COPPER, "silver": SILVER}, gate))
    found = figures(one)
    assert found["element_entropy"].value == pytest.approx(1.0)
    assert found["coverage"].value == 1.0
    assert all(line.passed for line in one.lines())
    assert one.frames == {"copper": 6, "silver": 6}
    # four atoms in each cell of fcc
    assert found["mean_atoms"].value == 4
    assert found["size_variation"].value == 0
    assert not one.guesses


def test_proportions_that_cannot_pass_say_so_and_so_does_the_estimate():
    gate = {"elements": ["Cu", "Ag"], "min_entropy_fraction": 0.968}
    config = plan_of({"copper": COPPER | {"count": 90}, "silver": SILVER | {"count": 10}}, gate)
    (one,) = expected(config)
    line = figures(one)["element_entropy"]
    assert line.value == pytest.approx(-(0.9 * log2(0.9) + 0.1 * log2(0.1)))
    assert not line.passed
    assert "no choice of structures can pass" in one.text()
    config = resolve(config)
    assert "WOULD NOT PASS" in Estimate(config, Work(config), "mine.yaml").text()


def test_what_a_choice_of_structures_could_mend_is_told_apart():
    """Of ninety structures of both metals, ten of silver less make it even: it is possible."""
    gate = {"elements": ["Cu", "Ag"], "min_entropy_fraction": 0.999}
    sources = {"both": BOTH | {"count": 90}, "silver": SILVER | {"count": 10}}
    (one,) = expected(plan_of(sources, gate))
    line = figures(one)["element_entropy"]
    assert line.value == pytest.approx(-(0.45 * log2(0.45) + 0.55 * log2(0.55)))
    assert not line.passed
    assert "and 1.00 at most with these proportions" in line.words
    assert "no choice" not in line.words


def test_an_element_that_nothing_is_made_of_is_named():
    gate = {"elements": ["Cu", "Ag", "Au"], "min_coverage": 1.0}
    (one,) = expected(plan_of({"both": BOTH}, gate))
    line = figures(one)["coverage"]
    assert (line.value, line.passed) == (pytest.approx(2 / 3), False)
    assert "nothing is made of: Au" in line.words


def test_balance_is_against_the_proportions_of_the_plan():
    """A slice takes as many of each source while there are: the small one falls behind."""
    sources = {"both": BOTH | {"count": 90}, "silver": SILVER | {"count": 10}}
    select = {"include": ["generated"], "count": 40}
    gate = {"min_balance": 0.9}
    (one,) = expected(plan_of(sources, gate, select=select))
    assert one.frames == {"both": 30, "silver": 10}
    assert figures(one)["balance"].value == pytest.approx(0.75 + 0.1)
    assert not figures(one)["balance"].passed
    gate["proportions"] = {"both": 3, "silver": 1}
    (one,) = expected(plan_of(sources, gate, select=select))
    assert figures(one)["balance"].value == pytest.approx(1.0)


def test_a_file_is_counted_by_its_elements(tmp_path):
    """Its structures hold two elements each, copper all of them."""
    path = tmp_path / "mine.extxyz"
    pairs = [Atoms(["Cu", other], [(0, 0, 0), (0, 0, 2.4)]) for other in ("O", "N", "O", "S")]
    write(path, [*pairs, Atoms("Cu")])
    (one,) = expected(plan_of({"mine": {"kind": "file", "path": str(path), "count": 9}}))
    held = one.held["mine"].share
    assert held[[29, 8, 7, 16]] == pytest.approx(np.array([5, 2, 1, 1]) / 5)
    assert "5 of 5 frames" in one.text()
    write(path, Atoms("Cu"))
    (other,) = expected(plan_of({"mine": {"kind": "file", "path": str(path), "count": 9}}))
    assert figures(other)["element_entropy"].value == 0


MODEL = {"kind": "generated", "count": 6, "model": "A model", "elements": ["Cu", "Ag"]}


def test_a_model_that_wrote_nothing_is_guessed_and_that_is_said(tmp_path):
    model = MODEL | {"path": str(tmp_path / "none")}
    mixed = COPPER | {"generative_fraction": 0.5, "generative_model": "model"}
    config = plan_of({"mixed": mixed, "model": model})
    for there in (False, True):
        if there:  # and what is there is not whole
            (tmp_path / "none").mkdir()
            (tmp_path / "none/half.extxyz").write_text("2\n")
        (one,) = expected(config)
        # three from copper, three that hold both
        assert one.held["mixed"].share[[29, 47]] == pytest.approx([1.0, 0.5])
        assert one.frames == {"mixed": 6}
        assert figures(one)["mean_atoms"].value == 4
    assert "a guess: A model wrote nothing that could be counted" in one.text()
    assert one.held["mixed"].least[47] == 0


def test_a_model_alone_that_wrote_nothing_is_guessed_as_well(tmp_path):
    config = plan_of({"model": MODEL | {"path": str(tmp_path)}})
    with pytest.raises(LimbeckError, match="run the generative model first"):
        resolve(config)  # as runs do
    (one,) = expected(config)
    assert one.frames == {"model": 6}
    assert figures(one)["mean_atoms"].value == GUESSED_ATOMS
    assert figures(one)["element_entropy"].value == 1.0
    assert "how large its structures are is not known" in one.text()


def test_of_what_a_model_falls_short_the_source_makes_its_own(tmp_path):
    write(tmp_path / "one.extxyz", Atoms("Ag2", [(0, 0, 0), (0, 0, 2.5)]))
    mixed = COPPER | {"generative_fraction": 0.5, "generative_model": "model"}
    config = plan_of({"mixed": mixed, "model": MODEL | {"path": str(tmp_path)}})
    (one,) = expected(config)
    assert one.held["mixed"].share[[29, 47]] == pytest.approx([5 / 6, 1 / 6])


def test_a_pilot_is_judged_by_its_own_slices():
    """A source of one shard is in the first slice as a whole, and so is all of it in the pilot."""
    sources = {"both": BOTH | {"count": 8, "shards": 4}, "silver": SILVER | {"count": 4}}
    select = {"include": ["generated"], "count": 40, "slices": 4}
    whole, pilot = expected(plan_of(sources, {"pilot": 10}, select=select))
    assert whole.frames == {"both": 8, "silver": 4}
    assert pilot.frames == {"both": 2, "silver": 4}
    assert {line.name for line in pilot.lines()} == {"element_entropy", "coverage"}


def test_labels_of_a_file_are_of_its_frames_alone():
    config = read_yaml("config/own_labels.yaml")
    config["sources"]["metals"] = COPPER
    found = expected(config)
    assert [sorted(one.frames) for one in found] == [["molecules"], ["metals", "molecules"]]


def test_the_command_prints_it(repository):
    done = limbeck("diversity", "tests/config/tiny.yaml", cwd=repository)
    assert done.returncode == 0, done.stderr
    assert "The label sets emt-k2, emt: 40 frames" in done.stdout
    assert "elements that nothing is made of: none; not asked for" in done.stdout
