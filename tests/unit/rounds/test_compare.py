"""Rounds side by side: with students whose errors are made up, so that all figures are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from limbeck.config.rounds import Asked
from limbeck.config.sections.students import Rounds
from limbeck.datasets.split import Dataset
from limbeck.properties import Predictions
from limbeck.reasons import Status
from limbeck.rounds.compare import RoundData, compare, comparison_rows, survival
from limbeck.rounds.explore import COLUMNS
from limbeck.rounds.words import answers, verdict
from limbeck.warrant.tidy import COLUMNS as TIDY
from metals import labelled, metals
from planted import Planted

#: eV/A; meV per component
OFF = {"round1": 0.3, "round2": 0.1, "round2-random": 0.2}


class Off(Planted):
    """EMT's answers, with all force components off by so much."""

    def __init__(self, test, off):
        super().__init__()
        self.off = off
        self.about = replace(self.about, elements=frozenset({13, 29}))
        self.known = {name: i for i, name in enumerate(test.frames.id.tolist())}
        self.test = test

    def evaluate(self, batch):
        own = self.test.select(np.array([self.known[name] for name in batch.id.tolist()]))
        return Predictions(own.labels.energy, own.labels.forces + self.off, own.labels.stress)


def trajectories(cut, part="own"):
    """A table of trajectories of so many roots, with what each was cut for."""
    rows = [
        dict.fromkeys(COLUMNS, 0) | {"part": part, "root": f"r{i}", "cut": why}
        for i, why in enumerate(cut)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture(scope="module")
def test_set():
    return labelled(metals(6, seed=3))


def round_of(test, name, *, offs=None, own=None, cut=("",) * 6, chosen=5, scoring=0):
    number = 1 if name == "round1" else 2
    offs = [OFF[name]] if offs is None else offs
    return RoundData(
        name=name,
        number=number,
        random=name.endswith("random"),
        students=[Off(test, off) for off in offs],
        own=own,
        trajectories=trajectories(cut),
        train_frames=20,
        steps=[100] * len(offs),
        choice={"chosen": chosen, "scoring_calls": scoring} if number > 1 else {},
        calls=4,
    )


@pytest.fixture(scope="module")
def found(test_set):
    own = test_set.select(np.arange(6))
    rounds = [round_of(test_set, name, own=own) for name in OFF]
    nothing = test_set.select(np.zeros(0, dtype=np.int64))
    return compare(rounds, {"test_known": test_set, "test_new": nothing})


def test_errors_are_those_of_the_students(found, test_set):
    for each in found["rounds"]:
        known = each["errors"]["test_known"]
        # float64 sums of numbers of order 1
        assert known["forces"]["value"] == pytest.approx(1e3 * OFF[each["round"]], rel=1e-9)
        assert known["energy"]["value"] == pytest.approx(0, abs=1e-9)
        assert (known["n_frames"], known["n_roots"]) == (len(test_set), len(test_set))
        assert "test_new" not in each["errors"]  # there are no such frames
        assert each["errors"]["own_dynamics"]["n_frames"] == 6
        # frames of three rounds that went the same way, each once
        assert each["errors"]["all_dynamics"]["n_frames"] == 6


def test_what_a_round_cost_is_counted(test_set):
    names = ("round1", "round2", "round2-random")
    rounds = [round_of(test_set, name) for name in names]
    rounds[1] = round_of(test_set, "round2", chosen=5, scoring=32)
    rounds[2] = round_of(test_set, "round2-random", chosen=13)
    third = replace(rounds[1], name="round3", number=3, choice={"chosen": 7, "scoring_calls": 8})
    told = compare([*rounds, third], {"test_known": test_set})["rounds"]
    # labels of four views, and what the choice asked; a third round has what the second had, too
    assert [each["teacher_calls"] for each in told] == [0, 5 * 4 + 32, 13 * 4, 12 * 4 + 40]
    assert [each["new_labels"] for each in told] == [0, 5, 13, 12]
    # 20 frames are trained on before, and in this made-up case after: none was good
    assert [each["bad_labels"] for each in told] == [0, 5, 13, 12]


def test_differences_are_paired_and_each_round_is_compared_with_the_first(found):
    pairs = {
        (d["round"], d["less"]): d["errors"]["test_known"]["forces"] for d in found["differences"]
    }
    assert set(pairs) == {
        ("round2", "round1"),
        ("round2-random", "round1"),
        ("round2", "round2-random"),
    }
    for (later, earlier), entry in pairs.items():
        assert entry["value"] == pytest.approx(1e3 * (OFF[later] - OFF[earlier]), rel=1e-9)
        # the same in all frames: paired, the interval has no width
        assert entry["ci95"] == pytest.approx([entry["value"]] * 2)
    assert verdict(pairs["round2", "round1"]) == "better"
    assert verdict(pairs["round2", "round2-random"]) == "better"


def test_what_chance_may_have_made_is_inconclusive(test_set):
    """Off to both sides by more than what lies between them."""

    class Noisy(Off):
        def evaluate(self, batch):
            own = super().evaluate(batch)
            rng = np.random.default_rng(int(1e6 * self.off))
            noise = rng.normal(0, 0.5, len(batch))[batch.frame_of_atom, None]
            return Predictions(own.energy, own.forces + noise, own.stress)

    rounds = [round_of(test_set, name) for name in ("round1", "round2")]
    rounds = [replace(r, students=[Noisy(test_set, 0.1 + 0.001 * i)]) for i, r in enumerate(rounds)]
    found = compare(rounds, {"test_known": test_set}) | {"student": "nep", "label_set": "emt"}
    (sentence,) = answers(found)
    assert "inconclusive on test frames of known chemistry" in sentence


def test_seeds_are_pooled(test_set):
    one = round_of(test_set, "round1", offs=[0.1, 0.3])
    found = compare([one], {"test_known": test_set})
    forces = found["rounds"][0]["errors"]["test_known"]["forces"]
    assert forces["value"] == pytest.approx(200, rel=1e-9)
    assert forces["by_seed"] == pytest.approx([100, 300], rel=1e-9)


def test_bad_labels_are_not_tested_on(test_set):
    status = test_set.labels.status.copy()
    status[:4] = Status.FAILED
    own = Dataset(test_set.frames, replace(test_set.labels, status=status))
    found = compare([round_of(test_set, "round1", own=own)], {"test_known": test_set})
    assert found["rounds"][0]["errors"]["own_dynamics"]["n_frames"] == len(test_set) - 4


def test_survival_counts_the_test_structures_and_the_others_apart():
    own = trajectories(["", "too hot", "too hot", "", "", "", "", "a bond broke"])
    table = pd.concat([own, trajectories(["", "too hot"], part="candidates")])
    found = survival(table)
    assert (found["trajectories"], found["cut"]) == (8, 3)
    assert found["reasons"] == {"too hot": 2, "a bond broke": 1}
    assert found["whole"]["value"] == pytest.approx(5 / 8)
    assert found["whole"]["ci95"][1] <= 1
    assert found["of_training"] == {"trajectories": 2, "cut": 1}
    # of six in six the share may still be 0.54: 0.54 to the sixth is 0.025
    for cut, ends in ((("",) * 6, [0.5407, 1]), (("too hot",) * 6, [0, 0.4593])):
        assert survival(trajectories(cut))["whole"]["ci95"] == pytest.approx(ends, abs=1e-4)
    nothing = survival(trajectories([], part="own"))
    assert (nothing["trajectories"], nothing["cut"]) == (0, 0)
    assert np.isnan(nothing["whole"]["value"])


def test_the_table_has_a_row_for_each_figure(found):
    rows = list(comparison_rows(found, [1]))
    assert {key for row in rows for key in row} <= set(TIDY)
    one = [r for r in rows if r["subject"] == "round2" and r["set"] == "test_known"]
    assert {(r["quantity"], r["statistic"]) for r in one} == {("forces", "mae"), ("energy", "mae")}
    assert any(r["subject"] == "round2 less round1" for r in rows)
    whole = [r for r in rows if r["quantity"] == "trajectories" and not r.get("seed")]
    assert {r["subject"] for r in whole} == set(OFF)


def test_rounds_and_their_files():
    own = Asked("emt", "nep", Rounds(count=3), [1, 2])
    names = [each.name for each in own.rounds]
    assert names == [
        "emt.nep.round1",
        "emt.nep.round2",
        "emt.nep.round2-random",
        "emt.nep.round3",
        "emt.nep.round3-random",
    ]
    third = {each.name: each for each in own.rounds}["emt.nep.round3-random"]
    # it extends what was drawn before, of frames that the students of the choice made
    assert third.before.name == "emt.nep.round2-random"
    assert third.explored.name == "emt.nep.round2"
    second = third.before
    assert (second.before.learned, second.explored.learned) == ("emt", "emt")
    alone = Asked("emt", "nep", Rounds(compare_with_random=False), [1])
    assert [each.name for each in alone.rounds] == ["emt.nep.round1", "emt.nep.round2"]
