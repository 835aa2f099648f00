"""Tidy tables: every figure of every measurement once, under a name of one dialect."""

from dataclasses import replace

import numpy as np
import pytest

from in_process import script_named
from jobs_of import label_set
from limbeck.averaging.views import Views
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate
from limbeck.potentials.interface import Predictions
from limbeck.students.evaluation import evaluate, metric_rows
from limbeck.studies.frames.expectation import study_rows
from limbeck.warrant.accuracy import error_rows, measure_errors
from limbeck.warrant.choose_views import choice_rows, choose_views
from limbeck.warrant.gaps import gap_rows, measure_gaps
from limbeck.warrant.grids import certificate_rows, certify
from limbeck.warrant.statistics import Estimate, estimate_of
from limbeck.warrant.tidy import COLUMNS, pick, read_table, row_of, write_table
from metals import example
from planted import LabField, labels_for, trajectories
from report_results import STUDY

NAMES = {"subject": "field", "kind": "teacher", "set": "test"}


def figure(table, *, seed=None, source="", **names):
    return pick(table, names, seed=seed, source=source)


def table_of(found, tmp_path):
    """The rows as they are read again; each figure stands there once."""
    write_table(tmp_path / "some.json", found)
    table = read_table(tmp_path / "some.csv")
    assert list(table.columns) == list(COLUMNS)
    key = ["subject", "kind", "set", "quantity", "statistic", "seed", "source"]
    assert not table.duplicated(key).any()
    assert len(table)
    return table


def two_sources():
    near, far = trajectories(0, source="near"), trajectories(1, source="far", periodic=False)
    return concatenate([near, far])


def test_a_gap_of_two_seeds_has_all_of_its_figures(tmp_path):
    models, frames = [LabField(1.0), LabField(3.0)], two_sources()
    rotation, loops = measure_gaps(models, frames, ["rotation", "conservativity"], 3)
    found = [*gap_rows(rotation, seeds=[7, 9], **NAMES), *gap_rows(loops, seeds=[7, 9], **NAMES)]
    table = table_of(found, tmp_path)
    of = {"quantity": "forces", "statistic": "rotation_gap_rms"}
    forces = rotation["forces"]
    assert figure(table, **of) == estimate_of(forces)  # the same bits
    assert [figure(table, seed=s, **of).value for s in (7, 9)] == forces["by_seed"]
    assert not figure(table, seed=7, **of).bounded  # the interval is of both
    for source, part in rotation["by_source"].items():
        assert figure(table, source=source, **of) == estimate_of(part["forces"])
    share = figure(table, quantity="forces", statistic="rotation_gap_relative")
    assert share == estimate_of(forces["relative"])
    error = figure(table, quantity="work", statistic="conservativity_gap_numerical_error")
    assert error.value == loops["work"]["numerical_error"]["value"]
    assert not figure(table, quantity="stress", source="far", statistic="rotation_gap_rms").known
    whole = table[(table["source"] == "") & (table["statistic"] == "rotation_gap_rms")]
    assert set(whole["n_frames"]) == {rotation["n_frames"]}
    assert set(whole["n_roots"]) == {rotation["n_roots"]}
    assert set(table.set_index("quantity")["unit"]["energy"]) == {"meV/atom"}
    assert set(table["subject"]) == {"field"}


def test_the_only_seed_has_the_interval(tmp_path):
    (gap,) = measure_gaps([LabField()], trajectories(0), ["rotation"], 3)
    table = table_of(gap_rows(gap, seeds=[4], **NAMES), tmp_path)
    of = {"quantity": "energy", "statistic": "rotation_gap_rms"}
    assert figure(table, seed=4, **of) == figure(table, **of) == estimate_of(gap["energy"])


def test_errors_by_kind_and_source(tmp_path):
    frames = two_sources()
    errors = measure_errors([LabField()], frames, labels_for(frames), "zeros")
    table = table_of(error_rows(errors, **NAMES), tmp_path)
    assert set(table["statistic"]) == {"mae_as_given", "mae_random", "mae_averaged", "mae_gain"}
    for source, part in {"": errors, **errors["by_source"]}.items():
        gain = figure(table, quantity="forces", statistic="mae_gain", source=source)
        assert gain == estimate_of(part["gain"]["forces"])


def test_metrics_are_of_student_labels_and_constant(tmp_path):
    training, test = example(8), example(8, seed=3)
    answers = Predictions(
        test.labels.energy, test.labels.forces + 0.05, np.full((len(test), 6), np.nan)
    )
    reference = replace(test.labels, forces=test.labels.forces - 0.02)
    names = {"label_set": "emt", "student": "small", "seed": 3}
    found = names | {"test_known": None, "test_new": evaluate(answers, training, test, reference)}
    table = table_of(metric_rows(found), tmp_path)
    of = {"quantity": "forces", "seed": 3}
    own = figure(table, subject="emt/small", statistic="mae_against_labels", **of)
    assert own.value == pytest.approx(50)
    both = figure(table, subject="emt/small", statistic="mae_against_reference", **of)
    labels = figure(table, kind="labels", quantity="forces", statistic="mae_against_reference")
    assert (both.value, labels.value) == pytest.approx((70, 20))
    excess = figure(table, kind="student", statistic="mae_against_reference_excess", **of)
    assert [*excess] == pytest.approx([50] * 3)  # in every root the same
    size = figure(table, kind="constant", quantity="forces", statistic="rms_of_labels")
    assert size.value == pytest.approx(1e3 * np.sqrt((test.labels.forces**2).mean()))
    alone = names | {"test_known": None, "test_new": evaluate(answers, training, test, None)}
    statistics = {row["statistic"] for row in metric_rows(alone)}
    against = {f"{kind}_against_labels" for kind in ("mae", "rmse", "cosine")}
    assert statistics == against | {"rms_of_labels", "mae_against_constant_excess"}
    less = figure(table, kind="student", statistic="mae_against_constant_excess", **of)
    nothing = figure(table, kind="constant", quantity="forces", statistic="mae_against_labels")
    assert less.value == pytest.approx(50 - nothing.value)


def test_grids_are_subjects_of_their_own(tmp_path):
    rules = (Views(), Views(quadrature="product", order=5))
    found = certify(LabField(), trajectories(0), rules, random_views=10)
    table = table_of(certificate_rows(found, set="selected"), tmp_path)
    grids = table[table["kind"] == "grid"]["subject"].unique().tolist()
    assert grids == ["planted/as_given", "planted/product-5"]
    assert figure(table, subject=grids[1], quantity="views", statistic="number").value == 84
    first = {"subject": grids[0], "quantity": "forces"}
    expected = found["rules"][0]["change_to_next"]["forces"]
    assert figure(table, statistic="change_to_next_rms", **first) == estimate_of(expected)
    assert not figure(
        table, **(first | {"subject": grids[1]}), statistic="change_to_next_rms"
    ).known


def test_what_views_were_chosen_by(tmp_path):
    auto = {"n_frames": 8, "views": 12, "student_error_meV_per_A": 20, "negligible_fraction": 0.1}
    settings = {"name": "auto", "views": "auto", "auto": auto, "reflections": True}
    found = choose_views(LabField(), two_sources(), label_set(settings))
    table = table_of(choice_rows(found), tmp_path)
    gap = figure(table, source="near", quantity="forces", statistic="reflection_gap_rms")
    assert gap == estimate_of(found["by_source"]["near"]["forces"])


def test_a_study_has_its_arms_differences_and_seeds(tmp_path):
    table = table_of(study_rows(STUDY), tmp_path)
    of = {"quantity": "forces", "statistic": "mae_random"}
    assert figure(table, subject="k4/mace", seed=2, **of).value == 120
    assert [*figure(table, subject="k4/mace less as_given/mace", **of)] == [-30, -35, -25]
    assert figure(table, subject="k4", kind="labels", statistic="mae_as_given").value == 40
    assert figure(table, subject="k4/constant", statistic="mae_as_given").value == 300
    assert figure(table, subject="k4/mace", statistic="rotation_gap_rms").value == 50


def test_speeds_are_of_batches_and_the_best_of_them(tmp_path):
    figures = {"atoms_per_second": 10.0, "low": 8.0, "high": 11.0}
    by_batch = [{"batch_atoms": 32} | figures]
    by_batch += [{"batch_atoms": 128} | dict.fromkeys(figures, float("nan"))]
    best = {"best_batch_atoms": 32, "by_batch": by_batch} | figures
    speed = {"name": "k4/mace/seed2", "kind": "student", "n_frames": 5} | best
    table = table_of(script_named("measure_speed").speed_rows(speed), tmp_path)
    assert set(table["subject"]) == {"k4/mace"}
    assert [*figure(table, seed=2, quantity="speed", statistic="best")] == [10.0, 8.0, 11.0]
    assert figure(table, seed=2, quantity="batch", statistic="best").value == 32
    assert not figure(table, seed=2, statistic="batch_of_128_atoms").known


def test_how_much_faster_a_student_is_has_a_row_for_each_teacher(tmp_path):
    ratio = {"student": "k4/mace/seed2", "teacher": "orb", "ratio": 8.0, "low": 7.0, "high": 9.5}
    table = table_of([script_named("measure_speed").ratio_row(ratio)], tmp_path)
    found = figure(table, subject="k4/mace", seed=2, quantity="speed_up", statistic="over orb")
    assert [*found] == [8.0, 7.0, 9.5]


def test_what_is_no_such_table_is_told(tmp_path):
    with pytest.raises(LimbeckError, match=r"none\.csv: no such file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("subject,value\na,1\n")
    with pytest.raises(LimbeckError, match=r"other\.csv: expected the columns \['subject', 'kin"):
        read_table(tmp_path / "other.csv")
    (tmp_path / "text.csv").write_text(",".join(COLUMNS) + "\na,,,,,,many,,,,,,\n")
    with pytest.raises(LimbeckError, match=r"text\.csv: not readable as a table of figures: "):
        read_table(tmp_path / "text.csv")


def test_names_stay_text_and_a_figure_that_is_not_alone_is_refused(tmp_path):
    rows = [row_of(Estimate(1.0), "", subject=name, source="NA") for name in ('1,"2"', "12e45")]
    table = table_of(rows, tmp_path)
    assert table["subject"].tolist() == ['1,"2"', "12e45"]
    assert figure(table, subject="12e45", source="NA").value == 1.0
    with pytest.raises(LimbeckError, match="2 rows where one is meant"):
        figure(table, source="NA")


@pytest.mark.parametrize(
    ("column", "value"),
    [("value", "inf"), ("low", "-inf"), ("n_roots", "-3"), ("seed", "1.5"), ("n_frames", "inf")],
)
def test_a_number_out_of_range_is_named(tmp_path, column, value):
    row = dict.fromkeys(COLUMNS, "") | {"value": "1.0", "n_frames": "3", column: value}
    path = tmp_path / "some.csv"
    path.write_text(f"{','.join(COLUMNS)}\n{','.join(row.values())}\n")
    with pytest.raises(LimbeckError, match=rf"some\.csv: {column} of row 1: {value}, expected a"):
        read_table(path)
