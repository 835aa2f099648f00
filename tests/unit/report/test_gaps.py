"""Gaps in the report: verdicts that follow intervals, and tables that say what each number is."""

import numpy as np
import pandas as pd
import pytest

from limbeck.report.page import items
from limbeck.report.run.gap import ORDER, MeasuredGap, in_order, kind_of
from limbeck.report.topics.gaps import kept, symmetries_table
from limbeck.warrant.statistics import Estimate
from report_page import page_of, written
from report_results import NINE, build, only_gaps


@pytest.fixture(scope="module")
def gaps_page(tmp_path_factory):
    settings = only_gaps()
    results = build(tmp_path_factory.mktemp("results") / "gaps", settings)
    return written(results, settings)


def test_a_run_of_gaps_alone_answers_with_them(gaps_page):
    page = page_of(gaps_page)
    assert "the gaps of 2 potentials measured" in page.text
    assert "Are the symmetries kept" in page.text
    assert "labels better" not in page.text
    assert "Student" not in page.text
    drawn = {p.stem for p in gaps_page.glob("figures/*.png")}
    assert drawn == {"warrant_gaps", "speed", "temperatures", "dynamics_md-300", "contact_sheet"}


def test_the_table_of_gaps_says_what_each_number_is(gaps_page):
    table = pd.read_csv(gaps_page / "tables/gaps_overview.csv")
    spread, work, slopes, relative = table["Quantity"].unique()
    assert spread == "Spread of the forces over views, meV/Å"
    assert work == "Work around closed loops over the length of the path, meV/Å"
    assert slopes == "Forces less minus the slope of the energy, meV/Å"
    assert table[table["Quantity"] == spread]["Gap"].tolist() == NINE[:7]
    assert table[table["Quantity"] == work]["orb-demo"].tolist() == [30.0]
    assert table[table["Quantity"] == slopes]["orb-demo_high"].tolist() == pytest.approx([66.0])
    shares = table[table["Quantity"] == relative].set_index("Gap")
    assert shares.loc["rotation", "orb-demo"] == pytest.approx(4.1)
    assert shares["chgnet"].isna().all()  # rounding over forces says nothing
    assert "conservativity" not in shares.index  # the made-up file has none


def test_left_out_frames_are_told_by_reason(gaps_page):
    table = pd.read_csv(gaps_page / "tables/gaps_left_out.csv")
    assert table["reason"].unique().tolist() == ["element unknown"]  # of the other there are 0
    assert table["gaps"].tolist() == [", ".join(NINE).replace("_", " ")] * 2


def gap(name, value, low, high, **more):
    quantity = kind_of(name).quantity
    figures = {(quantity, "rms"): Estimate(value, low, high)}
    figures |= {(quantity, key): Estimate(v) for key, v in more.items()}
    return [
        MeasuredGap(
            name,
            "orb-demo",
            figures,
            {quantity: "meV/A"},
            {"n_frames": 9, "n_roots": 9, "n_groups": 9},
        )
    ]


ROTATION, LOOPS = gap("rotation", 41, 36, 45), gap("conservativity", 30, 27, 33)
ROUNDED = gap("translation", 0.01, 0.005, 0.02)


@pytest.mark.parametrize(
    ("gaps", "verdict", "told"),
    [
        (ROTATION + LOOPS, items.NO, "Gaps: rotation 41.0 (36.0 to 45.0) meV/Å, conservativity"),
        (ROTATION + ROUNDED, items.PARTLY, "None beyond numerical error: translation."),
        (ROUNDED, items.YES, "None beyond numerical error: translation."),
        (gap("rotation", 3, 0, 7), items.CANNOT_TELL, "Uncertain: rotation 3.0 (0.0 to 7.0)"),
        (gap("rotation", 3, np.nan, np.nan), items.CANNOT_TELL, "Uncertain: rotation 3.0"),
        # below the error of the integration, whatever the interval says
        (gap("conservativity", 0.5, 0.4, 0.6, numerical_error=1), items.YES, "None"),
        (gap("conservativity", 5, 4, 6, numerical_error=1), items.NO, "Gaps: conserv"),
        (gap("consistency", 0.5, 0.4, 0.6, numerical_error=2), items.YES, "None beyond"),
        (gap("rotation", np.nan, np.nan, np.nan), items.NOT_MEASURED, "No gap was measured."),
        ([MeasuredGap("supercell", "orb-demo", {}, {}, {})], items.NOT_MEASURED, "No gap"),
        ([], items.NOT_MEASURED, "No gap was measured."),
    ],
)
def test_whether_symmetries_are_kept_follows_the_intervals(gaps, verdict, told):
    answer = kept("orb-demo", gaps)
    assert answer.verdict == verdict
    assert told in answer.text


def test_gaps_have_an_order_and_an_unknown_one_comes_last_under_its_name():
    assert in_order(["my_own", "consistency", "rotation"])[-1] == "my_own"
    assert kind_of("my_own").title == "My own"
    assert ORDER == NINE


def test_a_quantity_that_a_model_answers_with_has_a_column():
    """Nothing in the report names charges or dipoles."""
    figures = {("dipole", "rms"): Estimate(3.0, 2.0, 4.0), ("forces", "rms"): Estimate(1.0)}
    units = {"forces": "meV/A", "dipole": "D"}
    entry = {"n_frames": 9, "n_roots": 8, "n_groups": 8, "n_views": 7}
    table = symmetries_table([MeasuredGap("rotation", "xtb", figures, units, entry)])
    assert [c.heading for c in table.columns] == [
        *("Gap", "Frames", "Groups", "Views", "Forces, meV/Å", "Dipole, D", "Forces, relative")
    ]
    ((_, ((*_, dipole, _),)),) = table.groups()
    assert dipole == "3.0 (2.0 to 4.0)"


@pytest.mark.parametrize(("relative", "known"), [(1.01, False), (0.95, False), (0.4, True)])
def test_no_share_of_forces_that_are_hardly_more_than_the_gap(relative, known):
    """A perfect crystal's forces vanish by symmetry: what a model says there is the gap, and 101 %
    of it would say nothing."""
    figures = {
        ("forces", "rms"): Estimate(3.0, 2.5, 3.5),
        ("forces", "relative"): Estimate(relative),
    }
    gap = MeasuredGap("space_group", "orb-demo", figures, {}, {})
    assert gap.state == "open"
    assert gap.share.known == known
