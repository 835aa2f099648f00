"""The page: whole, safe, and with what a run has."""

import os
import re
from copy import deepcopy
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from limbeck.config import plan
from limbeck.config.sections.datasets import PARTS
from limbeck.errors import LimbeckError
from limbeck.files import read_json, write_json, write_sums
from limbeck.report.page.figure import look
from limbeck.report.page.items import paragraph, section
from limbeck.report.page.page import tidy, write_page
from limbeck.report.page.prose import TEMPLATES, texts
from limbeck.report.run.folder import Run
from limbeck.report.run.student import students_of
from limbeck.report.sections import sections_of
from limbeck.report.topics import labels
from limbeck.report.topics.files import where
from limbeck.warrant.tidy import write_table
from report_page import page_of, written
from report_results import (
    CHOICE,
    HOSTILE,
    SETTINGS,
    build,
    only_gaps,
    opened,
    without_students,
    write_gaps,
    write_study,
    write_study_table,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    results = build(tmp_path_factory.mktemp("results") / "made-up")
    return written(results, SETTINGS)


@pytest.fixture
def no_pictures(monkeypatch):
    """Figures are made but not drawn, which is most of a page's time, where its text is tested."""
    monkeypatch.setattr(Figure, "savefig", lambda _, file, **__: file.write(b"a picture"))


@pytest.fixture(scope="module")
def page(folder):
    return page_of(folder)


def test_every_figure_has_png_csv_and_words_for_who_cannot_see_it(folder, page):
    pictures = page.of("img")
    drawn = sorted(p.stem for p in folder.glob("figures/*.png"))
    for_papers = {p.stem for p in folder.glob("figures/*.pdf")}
    assert for_papers == {"headline", "warrant_gaps", "quadrature_convergence"}
    assert len(pictures) == len(drawn) >= 6
    assert {"headline", "label_spread", "speed", "temperatures"} < set(drawn)
    assert all((folder / f"tables/{name}.csv").stat().st_size > 20 for name in drawn)
    assert all(len(picture["alt"]) > 30 for picture in pictures)
    data = (folder / "figures/headline.png").read_bytes()
    width = int.from_bytes(data[16:20], "big")  # of the PNG header
    assert width == 2 * int(pictures[0]["width"])


def test_files_of_a_data_set_are_called_as_they_are_written(tmp_path):
    run = opened(build(tmp_path), SETTINGS)
    (line,) = (line for line in where(run, "results/x").splitlines() if "/datasets/" in line)
    parts = line.split("{train")[1].split("}")[0]
    assert f"train{parts}".split(",") == list(PARTS)


def test_a_spread_of_rounding_is_told_as_such():
    table = labels.quantiles_table({("emt", "forces"): np.array([1.1e-12, 1398.2, 1398.2])})
    (low, high) = (c for c in table.columns if c.key in ("q5", "q95"))
    assert high.show(table.data["q95"].iloc[0]) == "1,398"
    assert low.show(1.1e-12) == "< 0.001"


def test_links_lead_to_files_beside_the_page_or_into_it(folder, page):
    targets = [a["href"] for a in page.of("a")]
    anchors = {s["id"] for s in page.of("section")}
    assert {t[1:] for t in targets if t.startswith("#")} == anchors
    files = [t for t in targets if not t.startswith("#")]
    assert len(files) == len(set(files))  # no two figures or tables share a name
    assert all((folder / f).is_file() for f in files)
    named = {p.relative_to(folder).as_posix() for p in folder.glob("*/*")}
    assert named == set(files)  # nothing is written that the page does not offer


def test_nothing_is_loaded_from_anywhere(folder, page):
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert not page.of("script")
    assert not page.of("link")
    assert "url(" not in html
    assert "@import" not in html
    assert all(i["src"].startswith("data:image/png;base64,") for i in page.of("img"))
    policy = next(m for m in page.of("meta") if m.get("http-equiv"))["content"]
    assert policy.startswith("default-src 'none'")
    sources = [v for _, a in page.tags for k, v in a.items() if k in ("src", "href", "srcset")]
    assert not [s for s in sources if s.startswith(("http:", "https:", "//"))]


def test_a_hostile_name_stays_text(folder, page):
    assert HOSTILE in page.text  # shown, so that this test means something
    assert HOSTILE not in (folder / "index.html").read_text(encoding="utf-8")
    assert tidy("8 % of them") == "8&nbsp;% of them"
    assert tidy("<b> (1 to 2)") == '&lt;b&gt; <span class="ci">(1 to 2)</span>'


def test_page_tells_counts_reasons_and_licences(page):
    for words_of_page in (
        "force beyond the limit",
        "too hot",
        "atoms too near",
        "12e45",  # a name that looks like a number
        "A. Author, Journal 1, 2 (2026).",
        "load_student",
        "tells nothing about those of orb-v2",
    ):
        assert words_of_page.lower() in page.text.lower()


def verdicts(tmp_path, **changes):
    results = build(tmp_path / "made-up", **changes)
    written(results, SETTINGS)
    html = (results / "report/index.html").read_text(encoding="utf-8")
    return [t.strip() for t in re.findall(r'class="verdict [a-z-]+">([^<]+)<', html)]


def test_verdicts_of_the_page_change_with_the_numbers(tmp_path, no_pictures):
    """Order of the page: two students (forces wrong by 40 of 1,100 meV/A, energies by 8, where who
    knows the compounds is wrong by 20), two data sets, averaging (orb-demo; chgnet is the truth;
    students are wrong by 75 meV/A, a tenth of which has to be gained), two losses, two gaps closed,
    and whether orb-demo and chgnet keep their symmetries."""
    good = verdicts(tmp_path / "good", gain=20.0, student_gap=0.01)
    unsure = verdicts(tmp_path / "unsure", gain=8.0, student_gap=41.5)
    bad = verdicts(tmp_path / "bad", gain=-10.0, student_gap=80.0)
    assert good[2:4] == ["data set"] * 2
    assert good[:2] == unsure[:2] == bad[:2] == ["good", "good"]
    good, unsure, bad = (found[2:] for found in (good, unsure, bad))
    assert [v[2] for v in (good, unsure, bad)] == ["yes", "cannot tell", "no"]
    assert [v[6] for v in (good, unsure, bad)] == ["yes", "cannot tell", "no"]
    assert good[7:] == unsure[7:] == bad[7:] == ["no", "yes"]


def test_a_run_without_students_leaves_out_what_nobody_asked(tmp_path, no_pictures):
    settings = without_students()
    results = build(tmp_path / "made-up", settings)
    (results / "speed.csv").unlink()
    write_table(results / "speed.json", [])  # no potential was to be timed
    written(results, settings)
    page = page_of(results / "report")
    assert "not asked for" not in page.text.replace("labels that were not asked for", "")
    found = [s["id"] for s in page.of("section")]
    assert found[0] == "answer"
    assert not {"questions", "students", "speed"} & set(found)
    assert not list((results / "report/figures").glob("parity*"))


def test_no_two_of_many_look_alike():
    looks = [look(place) for place in range(49)]
    assert len(set(looks)) == 49


def test_views_read_as_they_were(page):
    made = {"quadrature": None, "quadrature_order": None, "reflections": False}
    assert labels.views(made | {"views": "as_given"}) == "as given"
    assert labels.views(made | {"views": 12, "reflections": True}) == "12 random, mirrored"
    grid = made | {"views": 84, "quadrature": "product", "quadrature_order": 5}
    assert labels.views(grid) == "product 5 (84)"
    assert "12 random" in page.text


def test_what_was_not_asked_for_is_no_failure(folder):
    table = pd.read_csv(folder / "tables/labels.csv").set_index("label_set")
    averaged, truth = table.loc["orb-demo-k12"], table.loc["chgnet"]
    assert averaged["frames"] == truth["frames"] - 1
    assert averaged["not asked for"] == 1
    assert averaged["good"] == averaged["frames"] - 1


def test_a_new_column_of_the_counts_is_no_status(folder):
    found = labels.label_sets(opened(folder.parent, SETTINGS))
    more = found.assign(
        dipoles=7,
        **{"force beyond the limit": [1, 0], "stress far from all others of its source": [0, 2]},
    )
    table = labels.label_table(more, "root")
    headings = [column.heading for column in table.columns]
    assert "Force beyond the limit" in headings
    assert "Stress far from all others of its source" in headings
    assert "Dipoles" not in headings
    assert "Not finite" not in headings  # of which there is none


def test_elements_that_no_composition_tells_apart_are_named(folder):
    found = labels.label_sets(opened(folder.parent, SETTINGS))
    assert dict(zip(found["label_set"], found["undetermined"], strict=True))["chgnet"] == "H, C"
    headings = [column.heading for column in labels.label_table(found, "root").columns]
    assert headings[-1] == "Atoms undetermined"
    known = labels.label_table(found.assign(undetermined=""), "root")
    assert "Atoms undetermined" not in [column.heading for column in known.columns]


def test_what_a_teacher_was_trained_on_is_no_failure(folder):
    found = labels.label_sets(opened(folder.parent, SETTINGS))
    more = found.assign(**{"the potential was trained on it": [3, 0]})
    headings = [column.heading for column in labels.label_table(more, "root").columns]
    assert "The potential was trained on it" in headings


def test_the_choice_of_views_is_told_with_its_reason(folder, page):
    assert CHOICE["reason"] in page.text
    (row,) = pd.read_csv(folder / "tables/views_chosen.csv").to_dict("records")
    assert (row["views"], row["saved"], row["forces_high"]) == (12, -128, 55)


def test_the_certificate_of_grids_is_shown(folder):
    table = pd.read_csv(folder / "tables/quadrature.csv")
    of_orb = table[table["potential"] == "orb-demo"]
    assert of_orb["number"].tolist() == [1, 24, 84]
    assert of_orb["forces_error_rms"].tolist() == pytest.approx([41, 41 / 24, 41 / 84])
    assert of_orb["forces_change_to_next_rms"].isna().tolist() == [False, False, True]


def test_every_potential_that_was_used_has_its_licence(folder):
    """Samplers tell it in their frames, labels and warrant files in theirs."""
    table = pd.read_csv(folder / "tables/licences.csv")
    assert table["name"].tolist() == ["mace-demo", "orb-demo", "chgnet"]
    assert table["licence"].tolist() == ["BSD", "MIT", "MIT"]


def test_a_study_is_answered_first(tmp_path, no_pictures):
    asked = {"kind": "expectation", "baselines": ["orb-demo-k12"]}
    settings = deepcopy(SETTINGS) | {"studies": {"expectation": asked}}
    results = build(tmp_path / "made-up", settings)
    write_study(results)
    written(results, settings)
    page = page_of(results / "report")
    assert [s["id"] for s in page.of("section")][:2] == ["study", "answer"]
    assert "mace: averaging pays." in page.text
    arms = pd.read_csv(results / "report/tables/study_arms.csv")
    assert arms["model"].tolist() == ["labels"] * 2 + ["mace"] * 2 + ["constant"]
    assert arms["mae_as_given"].tolist() == [40, 40, 100, 80, 300]
    assert arms["frames"].tolist()[:4] == [100, 25, 100, 25]  # training and validation
    less = pd.read_csv(results / "report/tables/study_differences.csv")
    ends = ("", "_low", "_high")
    assert less.iloc[0].to_dict() == {
        "student": "k4/mace",
        "against": "as_given/mace",
        **{f"mae_as_given{end}": v for end, v in zip(ends, (-20, -25, -15), strict=True)},
        **{f"mae_random{end}": v for end, v in zip(ends, (-30, -35, -25), strict=True)},
    }


STUDY_VIEWS = {
    "kind": "frames_by_views",
    "potentials": ["emt-10", "emt-100"],
    "reference": "emt",
    "student": "mace-steps",
}


def test_a_study_of_frames_by_views_is_answered_first_where_nothing_else_is_trained(
    tmp_path, no_pictures
):
    settings = only_gaps() | {"studies": {"frames_by_views": STUDY_VIEWS}}
    own = {"architecture": "mace", "steps": 800, "hyperparameters": "given"}
    settings["students"] = {"mace-steps": own}
    settings["dataset"] = settings["dataset"] | {"split_by": "group"}
    dials = {"emt-10": 0.1, "emt-100": 1.0}
    settings["potentials"] |= {"emt": {"model": "emt"}} | {
        name: {"model": "emt", "lab_frame_error": dial} for name, dial in dials.items()
    }
    results = build(tmp_path / "made-up", settings)
    write_study_table(results)
    written(results, settings)
    page = page_of(results / "report")
    assert [s["id"] for s in page.of("section")][:2] == ["study", "answer"]
    assert "Where calls are scarce: take one view of each, and more frames" in page.text
    assert "Where frames are scarce: average" in page.text
    cells = pd.read_csv(results / "report/tables/study_table.csv")
    assert cells["n_frames"].tolist() == [60, 360, 1440] * 2
    first = cells.iloc[3]
    assert first["views_1"] == pytest.approx(1e3 * 60**-0.5, rel=0.05)  # scatter of 2 %
    assert first["views_1_low"] < first["views_1"] < first["views_1_high"]
    calls = pd.read_csv(results / "report/tables/study_equal_calls.csv")
    assert calls["against"].tolist() == [240, 720, 1440] * 2
    assert (results / "report/tables/study.csv").exists()


def test_a_page_without_figures_or_tables_has_their_folders(tmp_path):
    """The rule of the report promises both, as of labels from a file that nothing is made of."""
    sections = [section("answer", "The answer", [paragraph("Nothing was asked for.")])]
    write_page("mine", "", "40 frames.", sections, tmp_path / "report")
    found = {path.name for path in (tmp_path / "report").iterdir()}
    assert found == {"index.html", "figures", "tables"}
    assert not [*(tmp_path / "report").glob("*/*")]


def test_the_title_has_the_day_the_duration_and_the_machine(tmp_path, no_pictures):
    results = build(tmp_path / "made-up")
    for name, seconds in (("train/a", 3601.0), ("label/b", 1199.0), ("write_report", 99.0)):
        path = results / f"benchmarks/{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t-\t-\n")
    speeds = read_json(results / "speed.json")
    machine = {"processor": "AMD EPYC 7713", "cores": 2}
    for old in ("json", "csv"):
        (results / f"speed.{old}").unlink()
    write_json(results / "speed.json", speeds | {"machine": machine})
    write_table(results / "speed.json", [])
    for path in results.rglob("*"):
        os.utime(path, (0, 1795953600))  # noon of 29 November 2026 in UTC
    told = "29 November 2026 · 2 jobs, 1 h 20 min in all · AMD EPYC 7713, 2 cores"
    html = (written(results, SETTINGS) / "index.html").read_text(encoding="utf-8")
    assert f"<title>made-up: Limbeck report, {told}</title>" in html
    assert f'<p class="made">{told}</p>' in html


def test_a_report_replaces_the_one_before(tmp_path, no_pictures):
    results = build(tmp_path / "made-up")
    old = results / "report/figures/parity_of_a_student_that_is_gone.png"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    (results / "report/index.html").write_text("old")
    written(results, SETTINGS)
    assert not old.exists()
    assert "Limbeck report" in (results / "report/index.html").read_text(encoding="utf-8")


def test_several_seeds_have_their_own_gaps(tmp_path):
    settings = deepcopy(SETTINGS)
    settings["distill"][0]["seeds"] = [3, 1]
    results = build(tmp_path / "made-up", settings)
    path = results / "warrant/students/orb-demo-k12/mace-small.json"
    value = read_json(path)
    for gap in value["gaps"]:
        gap.get("forces", gap.get("work"))["by_seed"] = [7.0, 9.0]
    for old in (path, path.with_suffix(".csv")):
        old.unlink()
    write_gaps(path, value, [3, 1])
    students = [s for s in students_of(opened(results, settings)) if s.name == "mace-small"]
    for name in ("rotation", "conservativity"):
        own = [(s.seed, s.gaps.by_seed[s.seed][name].value.value) for s in students]
        assert own == [(3, 7.0), (1, 9.0)]


@pytest.mark.parametrize(
    "missing",
    [
        "selected/1.h5",
        "labels/chgnet/0.h5",
        "gate/orb-demo-k12.json",
        "samples/md-300/organics/0.csv",
        "warrant/teachers/chgnet.json",
        "warrant/teachers/chgnet.csv",
        "datasets/chgnet/train.h5",  # of which no student learns
        "speed.csv",
        "students/orb-demo-k12/mace-small/seed1/metrics.csv",
        "students/orb-demo-k12/mace-small/seed1/predictions.h5",
    ],
)
def test_a_promised_file_that_is_missing_is_named(tmp_path, missing):
    results = build(tmp_path / "made-up")
    (results / missing).unlink()
    with pytest.raises(LimbeckError, match=re.escape(missing)):
        sections_of(opened(results, SETTINGS))


def opened_files(read, run):
    """Files below the results that a function reads, while it makes sections."""
    seen = set()
    with mock.patch.object(Run, "path", autospec=True, side_effect=Run.path) as path:
        read(run)
        seen |= {call.args[1] for call in path.call_args_list}
    return seen


def test_the_report_reads_no_file_but_its_inputs(tmp_path):
    """Or a deleted file would end it in an error, which the same command does not mend."""
    results = build(tmp_path / "made-up")
    run = opened(results, SETTINGS)
    seen = opened_files(sections_of, run)
    assert len(seen) > 30
    assert seen <= set(plan.results(run.config))


def test_a_table_that_changed_after_it_was_handed_over_is_named(tmp_path):
    results = build(tmp_path / "made-up")
    folder = results / "students/orb-demo-k12/mace-small/seed1"
    write_sums(folder)
    (folder / "predictions.h5").touch()
    opened(results, SETTINGS)
    path = folder / "training.csv"
    path.write_text(path.read_text().replace("20,40.0", "20,41.0"))
    with pytest.raises(LimbeckError, match=r"seed1/training\.csv: changed since it was written"):
        opened(results, SETTINGS)


def test_a_changed_json_whose_table_alone_is_shown_is_named(tmp_path):
    results = build(tmp_path / "made-up")
    opened(results, SETTINGS)  # negative control
    text = (results / "speed.json").read_text()
    (results / "speed.json").write_text(text.replace("1", "2", 1))
    with pytest.raises(LimbeckError, match=r"speed\.json: was changed after it was written"):
        opened(results, SETTINGS)


def test_files_that_are_not_what_they_should_be_are_named(tmp_path):
    run = opened(tmp_path, SETTINGS)
    (tmp_path / "some.json").write_text("[1, 2]")
    with pytest.raises(LimbeckError, match=r"some\.json: expected a mapping with its sha256"):
        run.json("some.json")
    (tmp_path / "other.json").write_text("[1, 2")
    with pytest.raises(LimbeckError, match=r"other\.json: not readable as JSON: "):
        run.json("other.json")
    (tmp_path / "some.csv").write_text("a,b\n1,2\n")
    with pytest.raises(LimbeckError, match=r"some\.csv: no column \['reason'\]"):
        run.csv("some.csv", "a", "reason")
    with pytest.raises(LimbeckError, match=r"none: no such folder, expected the results of a run"):
        opened(tmp_path / "none", SETTINGS)


def test_every_text_of_the_templates_is_told_and_none_is_missing():
    code = [p.read_text(encoding="utf-8") for p in TEMPLATES.parent.rglob("*.py")]
    asked = {name for text in code for name in re.findall(r'told\(\s*"(\w+)"', text)}
    kept = {name for path in TEMPLATES.glob("*.md") for name in texts(path.stem)}
    assert asked == kept
    for path in TEMPLATES.glob("*.md"):  # nothing stands outside of a text
        lines = path.read_text(encoding="utf-8").splitlines()
        assert all(re.match(r"\w+:|  \S", line) for line in lines)
