"""What was lost on the way is told on the first section of the page, where it is above 5 %."""

from collections import Counter

import pytest

from limbeck.files import read_json, write_csv, write_json
from limbeck.report.losses import loss, notes
from limbeck.report.sections import sections_of
from report_results import SETTINGS, build, only_gaps, opened

REFUSED = ("frame", "id", "reason")
BROKE = "a bond broke"
CLOSE = "atoms too close"


@pytest.fixture
def results(tmp_path):
    """Of which nothing was lost: every table that says so is emptied."""
    folder = build(tmp_path / "made-up")
    for path in [
        *folder.glob("structures/*/*.failed.csv"),
        *folder.glob("screened/*/*.rejects.csv"),
    ]:
        write_csv(path, REFUSED, [])
    for path in folder.glob("samples/md-300/*/?.csv"):
        write_csv(path, ("id", "trajectory", "frames", "cut"), [(i, 0, 2, "") for i in range(50)])
    return folder


def told(results):
    return [note.text for note in notes(opened(results, SETTINGS))]


def test_where_nothing_was_lost_nothing_is_said(results):
    assert told(results) == []


@pytest.mark.parametrize(
    ("lost", "asked", "said"),
    [(4, 100, False), (5, 100, False), (6, 100, True), (1, 2, True), (0, 0, False)],
)
def test_a_loss_is_told_above_five_percent(lost, asked, said):
    assert bool(loss("sources", "oxides", Counter({CLOSE: lost}), asked)) == said


def refuse(results, number):
    """So many of the eleven screened organics and these."""
    rows = [("", "", CLOSE)] * (number - 1) + [("", "", "too many atoms")] * (number > 0)
    write_csv(results / "screened/organics/0.rejects.csv", REFUSED, rows)


def test_refused_structures_are_told_with_their_commonest_reason(results):
    refuse(results, 4)
    (text,) = told(results)
    assert text == (
        "More than 5% was lost, and the answers are of what is left: organics, 4 of 15 structures "
        "(27%) refused or not made, 3 of them since: atoms too close."
    )


def cut(results, number):
    """So many of 50 trajectories of the organics."""
    rows = [(i, 0, 2, BROKE if i < number else "") for i in range(50)]
    write_csv(
        results / "samples/md-300/organics/0.csv", ("id", "trajectory", "frames", "cut"), rows
    )


@pytest.mark.parametrize("percent", [4, 6])
def test_cut_trajectories_are_told_from_six_percent(results, percent):
    cut(results, percent // 2)
    said = "organics, 3 of 50 trajectories (6%) cut or set aside by md-300, all since: a bond broke"
    assert [said in text for text in told(results)] == ([True] if percent == 6 else [])


@pytest.mark.parametrize("percent", [4, 6])
def test_bad_labels_are_told_from_six_percent_and_those_not_asked_for_are_not_lost(
    results, percent
):
    path = results / "gate/chgnet.json"
    counts = {"good": 100 - percent, "force beyond the limit": percent, "not asked for": 900}
    write_json(path, read_json(path) | {"by_source": {"rocksalts": counts}})
    said = "rocksalts, 6 of 100 frames (6%) without a good label of chgnet, all since: force beyond"
    assert [said in text for text in told(results)] == ([True] if percent == 6 else [])


def test_draws_and_clusters_and_force_constants_have_words_of_their_own():
    some = Counter({"some reason": 1})
    for section, words in {
        "sampling": "cut or set aside by it",
        "subsystems": "of it not built",
        "force_constants": "without force constants it",
    }.items():
        (text,) = loss(section, "salts", some, 2, name="it", what="draws")
        assert text == f"salts, 1 of 2 draws (50%) {words}, all since: some reason"


@pytest.mark.parametrize("settings", [SETTINGS, only_gaps()])
def test_the_note_comes_first_on_the_page(tmp_path, settings):
    folder = build(tmp_path / "made-up", settings)
    first = sections_of(opened(folder, settings))[0]
    assert first.anchor == "answer"
    assert first.items[0].kind == "note"
    assert first.items[0].text.startswith("More than 5% was lost")
