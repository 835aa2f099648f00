"""The speed card on the page: costs, when a student has paid for itself, and what is not known."""

from copy import deepcopy
from math import inf, isnan

import numpy as np
import pandas as pd
import pytest

from limbeck.files import read_json, write_json
from limbeck.reasons import NOT_WANTED
from limbeck.report.topics import got, speed
from limbeck.report.topics.speed import costs, payback
from limbeck.storage import read_labels
from limbeck.timing.card import card_rows
from limbeck.warrant.tidy import COLUMNS, write_table
from report_results import SETTINGS, build, card_of, opened

STUDENT = "orb-demo-k12/mace-small/seed1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build(tmp_path_factory.mktemp("run") / "made-up")


@pytest.fixture
def run(folder):
    return opened(folder, SETTINGS)


def with_card(folder, card):
    """The figures of another card in place of those that are there."""
    table = pd.read_csv(folder / "speed.csv", dtype=str, keep_default_na=False)
    write_json(folder / "speed.json", read_json(folder / "speed.json") | {"card": card})
    write_table(folder / "speed.json", card_rows(card))
    own = pd.read_csv(folder / "speed.csv", dtype=str, keep_default_na=False)
    kept = table[~table["set"].isin(["data", "crystal", "molecules", "all"])]
    pd.concat([kept, own])[COLUMNS].to_csv(folder / "speed.csv", index=False)


def atoms_labelled(folder):
    """Atoms of the frames that were asked about, of all slices."""
    paths = sorted((folder / "labels/orb-demo-k12").glob("*.h5"))
    found = [read_labels(path, "orb-demo-k12") for path in paths]
    return sum(int(part.n_atoms[~np.isin(part.status, NOT_WANTED)].sum()) for part in found)


def test_a_student_pays_back_as_its_numbers_say(run, folder):
    found = run.once(payback.paybacks)[STUDENT]
    # report_results: 3,000 atoms/s of the student at best, 900 of the teacher; half of it alone
    student, teacher = 10 * 2 / 3000, 10 * 2 / 900
    labels = 12 * atoms_labelled(folder) / 900  # 12 views of a label, at the best batch
    assert found.labels == pytest.approx(labels)
    assert found.training == 120.0  # two CPU minutes
    assert found.steps(found.one_view) == pytest.approx((120 + labels) / (teacher - student))
    # twelve views of a step are a batch
    gain = 12 * 10 / 900 - student
    assert found.steps(found.all_views) == pytest.approx((120 + labels) / gain)
    line = payback.line_of(run, [STUDENT])
    steps = costs.in_steps(found.steps(found.one_view))
    assert f"after {steps} steps of dynamics of 10 atoms, against one view of orb-demo" in line


def test_the_line_stands_on_the_card_of_the_student(run):
    question = next(got.parts_of(run)).items[0]
    terms = dict(question.answers[0].lines)
    assert terms["Pay-back"] == payback.line_of(run, [STUDENT])


def test_many_views_pay_sooner():
    values = {"name": "a", "teacher": "t", "n_atoms": 10, "labels": 60.0, "training": 40.0}
    found = payback.Payback(**values, step=0.1, one_view=0.3, all_views=2.1, views=12)
    assert found.steps(found.one_view) == pytest.approx(500)
    assert found.steps(found.all_views) == pytest.approx(50)
    assert found.steps(0.1) == inf  # no faster
    assert costs.in_steps(inf) == "never: no faster"


def test_what_is_not_known_is_said(tmp_path):
    """A training of before its CPU time was written down."""
    folder = build(tmp_path / "made-up")
    path = folder / f"students/{STUDENT}/training.json"
    training = read_json(path)
    del training["cpu_minutes"]
    write_json(path, training)
    found = opened(folder, SETTINGS).once(payback.paybacks)[STUDENT]
    assert isnan(found.steps(found.one_view))
    line = payback.line_of(opened(folder, SETTINGS), [STUDENT])
    assert line == "not known, since nobody measured training."


def test_a_ladder_has_a_figure_and_a_single_frame_none(run, folder, tmp_path):
    assert costs.costs_figure(run) is None
    assert len(costs.costs_table(run).data) == 4  # two teachers, two students
    folder = build(tmp_path / "made-up")
    with_card(folder, card_of(read_json(folder / "speed.json")["models"], (8, 64)))
    whole = opened(folder, SETTINGS)
    figure = costs.costs_figure(whole)
    assert sorted(figure.data["n_atoms"].unique()) == [8, 64]
    assert len(costs.costs_table(whole).data) == 12
    (section,) = speed.parts_of(whole)
    names = [item.name for item in section.items]
    assert names[-3:] == ["speed_card", "speed_by_atoms", "pay_back"]


def test_a_compiled_student_has_its_break_even(folder, tmp_path):
    folder = build(tmp_path / "made-up")
    models = read_json(folder / "speed.json")["models"]
    card = card_of(models)
    (own,) = (m for m in card["models"] if m["name"] == STUDENT)
    compiled = deepcopy(own) | {"kind": "compiled", "largest_change_meV_per_A": 0.001}
    compiled["by_system"][0]["first_call_s"] = 30.0
    compiled["by_system"][0]["one"]["us_per_atom"] /= 2
    card["models"].append(compiled)
    with_card(folder, card)
    run = opened(folder, SETTINGS)
    (row,) = costs.compiled_table(run).data.to_dict("records")
    # a step of 10 atoms takes 20/3000 s as it is, and half of that compiled
    assert row["steps"] == costs.in_steps(30 / (10 / 3000))
    assert (row["first_call"], row["change"]) == (30.0, 0.001)
    # what students cost, and pay back, is of them as they are
    assert costs.cost_of(run, STUDENT, "one").value == pytest.approx(2e6 / 3000)


def test_figures_of_before_there_was_a_card_have_none(tmp_path):
    folder = build(tmp_path / "made-up")
    with_card(folder, {"clock": "cpu", "systems": [], "models": []})
    run = opened(folder, SETTINGS)
    assert costs.costs_table(run) is None
    assert run.once(payback.paybacks) == {}
    assert payback.line_of(run, [STUDENT]) == ""
