"""The study of frames by views: what is drawn, the figures by hand, and the words."""

import json

import numpy as np
import pytest

from limbeck.errors import LimbeckError
from limbeck.studies.frames.table_results import forces_of, pair_name, results, table_rows
from limbeck.studies.frames.table_words import answers
from study_tables import table


def found_in(study, potential, equal, n_frames, views):
    (teacher,) = [t for t in study["teachers"] if t["potential"] == potential]
    (pair,) = [
        pair
        for pair in teacher["comparisons"]
        if (pair["equal"], pair["n_frames"], pair["views"]) == (equal, n_frames, views)
    ]
    return pair


def test_figures_by_hand():
    study = results([table("one", lambda n, k: 100 / n + 10 / k)])
    (teacher,) = study["teachers"]
    cells = {(c["n_frames"], c["views"]): c for c in teacher["cells"]}
    assert set(cells) == {(n, k) for n in (60, 360, 1440) for k in (1, 4, 12)}
    assert cells[360, 4]["calls"] == 1440
    # eV/Angstrom in the tables, meV/Angstrom in results
    assert forces_of(cells[60, 4]).value == pytest.approx(1e3 * (100 / 60 + 10 / 4))
    assert cells[60, 4]["random"]["forces"]["by_seed"] == pytest.approx([4166.6667] * 3)
    frames = found_in(study, "one", "frames", 360, 12)
    assert frames["against"] == 360
    assert forces_of(frames).value == pytest.approx(1e3 * (10 / 12 - 10))
    calls = found_in(study, "one", "calls", 360, 4)
    assert calls["against"] == 1440  # one of the numbers of the study
    assert forces_of(calls).value == pytest.approx(1e3 * (100 / 360 + 2.5 - 100 / 1440 - 10))


def test_between_two_numbers_of_frames_a_power_law_is_read_off_exactly():
    study = results([table("one", lambda n, k: n**-0.4 * (1 + 1 / k))])
    pair = found_in(study, "one", "calls", 60, 4)
    assert pair["against"] == 240
    expected = 60**-0.4 * 1.25 - 240**-0.4 * 2
    assert forces_of(pair).value == pytest.approx(1e3 * expected)
    # 12 views cost 10 times one: 600 frames of one view take as long
    pair = found_in(study, "one", "time", 60, 12)
    assert pair["against"] == pytest.approx(600)
    assert forces_of(pair).value == pytest.approx(1e3 * (60**-0.4 * 13 / 12 - 600**-0.4 * 2))


def test_no_more_frames_are_compared_with_than_the_study_has():
    (teacher,) = results([table("one", lambda n, k: 1 / n)])["teachers"]
    pairs = [(p["n_frames"], p["views"]) for p in teacher["comparisons"] if p["equal"] == "calls"]
    assert pairs == [(60, 4), (60, 12), (360, 4)]  # 4,320 and more calls are none


@pytest.mark.parametrize(
    ("error", "calls", "frames"),
    [
        # noise that falls with the number of calls, and nothing else
        (lambda n, k: (n * k) ** -0.5, "cannot be told apart", "average"),
        # frames are worth more than views, which are worth something
        (lambda n, k: n**-0.5 * k**-0.2, "one view of each, and more frames", "average"),
        # views are worth more
        (lambda n, k: n**-0.2 * k**-0.5, "fewer frames and average", "average"),
        # nothing comes of views
        (lambda n, k: n**-0.5, "one view of each, and more frames", "averaging gains nothing"),
        # views that do harm
        (lambda n, k: n**-0.5 * k, "one view of each, and more frames", "averaging loses"),
    ],
)
def test_the_verdict_says_what_to_do_where_calls_or_frames_are_scarce(error, calls, frames):
    rng = np.random.default_rng(0)
    study = results([table("emt-10", error, scatter=lambda: np.exp(rng.normal(0, 0.02, (3, 12))))])
    (line,) = [text for text in answers(study) if text.startswith("emt-10 (gap ")]
    first, second = line.split("Where frames are scarce: ")
    assert calls in first.split("Where calls are scarce: ")[1].split(" (at equal calls")[0]
    assert second.startswith(frames)


@pytest.mark.parametrize(
    ("error", "scatter", "asked"),
    [
        # an error that halves with four times the frames: 29 % with each doubling
        (lambda n, k: 20 * n**-0.5, 0.02, "What helps is more frames"),
        # those of labels of 12 views are 144 meV/A
        (lambda n, k: 0.15, 0.001, "as good as their labels"),
        (lambda n, k: 0.4, 0.001, "larger network or more steps"),
        # one draw may be twice as good as another
        (lambda n, k: 0.4, 0.7, "cannot be told: more draws"),
    ],
)
def test_a_learning_curve_says_what_would_help(error, scatter, asked):
    rng = np.random.default_rng(0)
    factors = np.exp(rng.normal(0, scatter, (2000, 3, 12)))
    study = results([table("emt-10", error, scatter=iter(factors).__next__)])
    (line,) = [text for text in answers(study) if text.startswith("emt-10, labels of 12 views")]
    assert asked in line
    assert "from 360 to 1,440 frames" in line


def test_the_end_of_a_learning_curve_is_a_share_for_each_doubling():
    (teacher,) = results([table("one", lambda n, k: n ** -(0.1 * k))])["teachers"]
    found = {end["views"]: forces_of(end).value for end in teacher["learning"]}
    assert found == pytest.approx({k: 2 ** -(0.1 * k) - 1 for k in (1, 4, 12)})


def test_a_learning_curve_alone():
    """Of one number of views: nothing is said of what views are worth."""
    own = table("one", lambda n, k: n**-0.5)
    own["views"], own["seconds_per_frame"] = [1], own["seconds_per_frame"][:1]
    own["cells"] = [cell for cell in own["cells"] if cell["views"] == 1]
    own["labels"] = [e | {"gap": None} for e in own["labels"] if e["views"] == 1]
    text = answers(results([own]))
    assert text[1].startswith("one, labels of 1 view: from 360 to 1,440 frames each doubling")
    assert len(text) == 2


def test_the_setting_the_costs_and_what_learned_nothing_are_told():
    study = results([table("emt-10", lambda n, k: 0.6 if (n, k) == (60, 1) else 0.1)])
    text = answers(json.loads(json.dumps(study, sort_keys=True)))  # as it comes from its file
    assert text[0].startswith(
        "mace-tiny (800 steps, whatever the number of frames) learned from 60, 360 and 1,440 "
        "frames in 1, 4 and 12 random views each, in 3 draws of frames, views and seeds."
    )
    assert "on 400 test frames of 12 groups that no student saw" in text[0]
    assert "force error of its labels by views: 500 in 1, 250 in 4, 144 in 12)" in text[1]
    assert "4 views 3.3, 12 views 10.0." in text[3]
    assert text[4].endswith("they tell little: emt-10, 60 frames, 1 views.")


def test_draws_that_differ_widen_every_interval():
    def width(draws):
        scatter = np.repeat(np.array(draws)[:, None], 12, axis=1)
        study = results([table("one", lambda n, k: 1 / n, scatter=lambda: scatter)])
        cell = forces_of(study["teachers"][0]["cells"][0])
        return cell.high - cell.low

    assert width([0.8, 1.0, 1.2]) > 10 * width([1.0, 1.0, 1.0])


def test_tables_of_two_studies_are_refused():
    other = table("two", lambda n, k: 1.0) | {"reference": "lj"}
    with pytest.raises(LimbeckError, match="one and two are not of one study"):
        results([table("one", lambda n, k: 1.0), other])


def test_rows_name_cells_pairs_and_draws():
    study = results([table("one", lambda n, k: 1 / n)])
    found = list(table_rows(study))
    cell = [row for row in found if row["subject"] == "one/60x4"]
    assert {row["statistic"] for row in cell} == {"mae_as_given", "mae_random"}
    assert [row.get("seed") for row in cell if row["statistic"] == "mae_random"] == [None, 1, 2, 3]
    pair = found_in(study, "one", "calls", 60, 4)
    name = pair_name(study["teachers"][0], pair)
    assert name == "one/60x4 less 240x1 at equal calls"
    assert [row["value"] for row in found if row["subject"] == name] == [forces_of(pair).value] * 2
    overall = [row for row in found if row["statistic"] == "relative_mae_random_at_equal_frames"]
    assert [row["value"] for row in overall] == pytest.approx([0.0], abs=1e-12)
