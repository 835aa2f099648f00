"""Students side by side: numbers of their files, and nothing where nothing is known."""

from copy import deepcopy

import pytest

from limbeck.config.written import Training
from limbeck.report.topics import comparison, got
from report_results import SETTINGS, build, opened


def settings_of(*students):
    """The made-up run with these students, optimisers apart."""
    settings = deepcopy(SETTINGS)
    optimisers = ("adamw", "muon", "adam")
    settings["students"] = {
        name: {"architecture": "mace", "optimiser": optimiser}
        for name, optimiser in zip(students, optimisers, strict=False)
    }
    settings["distill"][0]["students"] = list(students)
    return settings


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three students, the first of which trained in 700 MB."""
    settings = settings_of("mace-small", "second", "third")
    folder = build(tmp_path_factory.mktemp("run") / "made-up", settings)
    return opened(folder, settings)


def test_a_row_has_what_the_files_of_a_student_say(run):
    rows = [comparison.row_of(run, seeds) for seeds in comparison.by_label_set(run)["orb-demo-k12"]]
    assert [(row["student"], row["optimiser"]) for row in rows] == [
        ("mace-small", "adamw"),
        ("second", "muon"),
        ("third", "adam"),
    ]
    # report_results: 3000 atoms/s and 4000 more of each next; 40 meV/A within 10 %
    speeds = [1e6 / row["inference"].value for row in rows]
    assert speeds == pytest.approx([3000, 7000, 11000])
    assert rows[0]["test_known"].value == 40.0
    assert rows[0]["test_known"].low == pytest.approx(36.0)
    best = run.written(Training, "students/orb-demo-k12/second/seed1/training.json").best_epoch
    assert rows[1]["validation"].value == pytest.approx(800 / best + 40)
    assert rows[2]["rotation"].value == pytest.approx(0.01)


def test_what_no_student_has_is_no_column(run):
    rows = [{"student": "a", "minutes": comparison.UNKNOWN}, {"student": "b"}]
    assert comparison.known(rows) == []
    whole = [comparison.row_of(run, seeds) for seeds in next(iter(by(run)))]
    assert "translation" not in comparison.known(whole)
    assert {"validation", "inference", "parameters"} <= set(comparison.known(whole))


def by(run):
    return comparison.by_label_set(run).values()


def test_the_section_has_a_table_a_front_and_bars(run):
    (found,) = comparison.parts_of(run)
    table, front, bars, *alone, files = found.items
    assert len(table.data) == 3
    assert front.data["student"].tolist() == ["mace-small", "second", "third"]
    assert "second 40 meV/Å at 7,000 atoms/s" in front.alt
    # a file for each quantity, whose name the page tells
    assert {figure.name for figure in alone} == {
        f"comparison_{name}_orb-demo-k12" for name in bars.data if name != "student"
    }
    assert all(figure.beside and f"{figure.name}.png" in files.text for figure in alone)
    # all students are as good here, and the fastest has the shortest bar
    assert bars.data["inference"].is_monotonic_decreasing


def test_two_students_are_told_apart_in_the_table_of_students(tmp_path):
    settings = settings_of("mace-small", "second")
    assert list(comparison.parts_of(opened(build(tmp_path / "made-up", settings), settings))) == []


def test_the_first_card_is_brief_where_students_are_compared(run, tmp_path):
    def terms(of):
        question = next(got.parts_of(of)).items[0]
        return [term for answer in question.answers[:2] for term, _ in answer.lines]

    assert set(terms(run)) <= {"Beware", "Where"}
    settings = settings_of("mace-small", "second")
    assert "Speed" in terms(opened(build(tmp_path / "made-up", settings), settings))
