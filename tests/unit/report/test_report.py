"""The report: its words follow the numbers, its page is whole and safe."""

import re
from copy import deepcopy
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from ase import Atoms
from matplotlib.figure import Figure

from limbeck.errors import LimbeckError
from limbeck.files import write_json
from limbeck.frames import from_atoms
from limbeck.labels import Labels
from limbeck.report import counts, gap_kinds, tables, words
from limbeck.report.collect import collect
from limbeck.report.figures import look
from limbeck.report.page import tidy, write
from limbeck.report.parity import loss
from limbeck.report.reading import read_csv, read_json
from limbeck.warrant.statistics import Estimate, over_seeds
from report_results import (
    CHOICE,
    HOSTILE,
    NINE,
    SETTINGS,
    STUDY,
    build,
    only_gaps,
    without_students,
)


def errors(gain, low, high, own=100.0):
    """Errors of a teacher whose mean of 24 views is wrong by 80 meV/Angstrom."""
    entry = {"as_given": own, "random": 80 + gain, "averaged": 80.0}
    found = {k: {"forces": {"value": v, "ci95": [v - 2, v + 2]}} for k, v in entry.items()}
    gains = {"value": gain, "ci95": [low, high]}
    return {"reference": "chgnet", **found, "gain": {"forces": gains}}


@pytest.mark.parametrize(
    ("gain", "low", "high", "verdict"),
    [
        (10.0, 4.0, 16.0, words.YES),
        (10.0, -1.0, 21.0, words.CANNOT_TELL),
        (10.0, 0.0, 20.0, words.CANNOT_TELL),  # an interval that touches zero includes it
        (-10.0, -16.0, -4.0, words.NO),
        (10.0, None, None, words.CANNOT_TELL),  # too few roots for an interval
        (1e-3, 5e-4, 2e-3, words.NO_GAP),  # an equivariant teacher: rounding, however sure
        (None, None, None, words.NOT_MEASURED),
    ],
)
def test_averaging_follows_the_interval_of_the_gain(gain, low, high, verdict):
    found = errors(gain or 0.0, low, high)
    found["gain"]["forces"]["value"] = gain
    assert words.averaging("orb-demo", found).verdict == verdict


def test_averaging_is_no_full_yes_where_the_frames_as_given_do_better():
    """A teacher trained in one orientation: averaging beats a random view, but not its own."""
    answer = words.averaging("orb-demo", errors(10.0, 4.0, 16.0, own=50.0))
    assert answer.verdict == words.PARTLY
    assert "50.0 (48.0 to 52.0)" in answer.text
    assert "flatters" in answer.text


@pytest.mark.parametrize(
    ("loss_of_accuracy", "verdict"),
    [
        (Estimate(5.0, 2.0, 8.0), words.NO),
        (Estimate(5.0, -1.0, 11.0), words.CANNOT_TELL),
        (Estimate(-5.0, -8.0, -2.0), words.YES),
        (Estimate(np.nan), words.NOT_MEASURED),
    ],
)
def test_accuracy_follows_the_interval_of_the_loss(loss_of_accuracy, verdict):
    answer = words.accuracy("s", Estimate(60, 50, 70), Estimate(65, 55, 75), loss_of_accuracy, "t")
    assert answer.verdict == verdict


def test_accuracy_without_a_truth_is_not_measured():
    answer = words.accuracy("s", Estimate(60), Estimate(65), Estimate(5, 4, 6), None)
    assert answer.verdict == words.NOT_MEASURED


@pytest.mark.parametrize(
    ("teacher", "student", "verdict"),
    [
        (Estimate(40, 36, 44), Estimate(0.01, 0.009, 0.011), words.YES),
        (Estimate(40, 36, 44), Estimate(12, 10, 14), words.PARTLY),
        (Estimate(40, 36, 44), Estimate(38, 33, 43), words.CANNOT_TELL),
        (Estimate(40, 36, 44), Estimate(38), words.CANNOT_TELL),
        (Estimate(40, 36, 44), Estimate(90, 80, 100), words.NO),
        (Estimate(0.02, 0.01, 0.03), Estimate(0.01, 0.0, 0.02), words.NO_GAP),
        (Estimate(0.02, 0.01, 0.03), Estimate(30, 25, 35), words.NO),  # a direct student opens one
        (Estimate(np.nan), Estimate(30, 25, 35), words.NOT_MEASURED),
    ],
)
def test_closing_follows_the_difference_of_the_gaps(teacher, student, verdict):
    assert words.closing("s", teacher, student, "rotation").verdict == verdict


def test_difference_of_symmetric_intervals_is_the_textbook_one():
    """Half widths 3 and 4 of independent estimates add in squares to 5."""
    found = Estimate(10, 7, 13).less(Estimate(6, 2, 10))
    assert (found.value, found.low, found.high) == pytest.approx((4, -1, 9))  # exact but for bits


def test_over_seeds_reaches_over_all_seeds():
    found = over_seeds([Estimate(1, 0.5, 1.5), Estimate(3, 2.0, 4.0)])
    assert found == Estimate(2, 0.5, 4.0)
    assert over_seeds([Estimate(1, 0.5, 1.5), Estimate(3)]).sign == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Estimate(41.23, 38.91, 43.14), "41.2 (38.9 to 43.1) meV/Å"),
        (Estimate(-3.0, -40.0, 34.0), "−3 (−40 to 34) meV/Å"),
        (Estimate(0.0101, 0.0091, 0.0112), "0.010 (0.009 to 0.011) meV/Å"),
        (Estimate(1e-5, 1e-6, 1e-4), "< 0.001 meV/Å"),
        (Estimate(1234.5, 1000.0, 1500.0), "1,234 (1,000 to 1,500) meV/Å"),
        (Estimate(np.nan), "not measured"),
    ],
)
def test_intervals_read_with_the_decimals_they_deserve(value, text):
    assert value.text("meV/Å") == text


def test_only_the_small_orb_gets_a_caution():
    assert "orb-v2" in words.caution("orb-demo", "orb")
    assert words.caution("orb-v2", "orb-v2") is None
    assert words.caution("mace-demo", "mace") is None


def test_loss_is_paired_by_root():
    """Labels off by 0.1 eV/A, student by 0.15, on roots whose truth differs wildly: 50 meV/A."""
    rng = np.random.default_rng(0)
    atoms = [Atoms("Ar2", positions=rng.normal(size=(2, 3)) * 5) for _ in range(8)]
    frames = from_atoms(atoms, groups=["Ar2"] * 8, source="s")
    forces = rng.normal(scale=100, size=(16, 3))
    bad = np.zeros(8, dtype=np.uint8)
    bad[3] = 1
    truth = Labels(
        id=frames.id[::-1],  # joined by id, not by place
        n_atoms=frames.n_atoms,
        energy=np.zeros(8),
        forces=forces.reshape(8, 2, 3)[::-1].reshape(16, 3),
        stress=np.full((8, 6), np.nan),
        energy_spread=np.zeros(8),
        forces_spread=np.zeros(16),
        status=bad,
    )
    worse = forces + 0.15
    worse[8:10] = np.inf  # frame 4, whose truth (place 3 from the end) is bad, must not count
    found = loss(frames, forces + 0.1, worse, truth)
    # All roots agree, so that the interval has no width; 1e-9 is rounding of numbers near 100.
    assert [found.value, found.low, found.high] == pytest.approx([50.0] * 3, abs=1e-9)
    none = replace(truth, status=np.ones(8, dtype=np.uint8))
    assert not loss(frames, forces, worse, none).known


class Page(HTMLParser):
    """Tags with their attributes, and the text of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    results = build(tmp_path_factory.mktemp("results") / "made-up")
    write(collect(results, SETTINGS), results / "report")
    return results / "report"


@pytest.fixture
def no_pictures(monkeypatch):
    """Figures are made but not drawn, which is most of a page's time, where its text is tested."""
    monkeypatch.setattr(Figure, "savefig", lambda _, file, **__: file.write(b"a picture"))


@pytest.fixture(scope="module")
def page(folder):
    return Page((folder / "index.html").read_text(encoding="utf-8"))


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
    write(collect(results, SETTINGS), results / "report")
    html = (results / "report/index.html").read_text(encoding="utf-8")
    return [t.strip() for t in re.findall(r'class="verdict [a-z-]+">([^<]+)<', html)]


def test_verdicts_of_the_page_change_with_the_numbers(tmp_path, no_pictures):
    """Order of the page: averaging (orb-demo; chgnet is the truth), two losses, two gaps closed,
    and whether orb-demo and chgnet keep their symmetries."""
    good = verdicts(tmp_path / "good", gain=10.0, student_gap=0.01)
    unsure = verdicts(tmp_path / "unsure", gain=2.0, student_gap=41.5)
    bad = verdicts(tmp_path / "bad", gain=-10.0, student_gap=80.0)
    assert [v[0] for v in (good, unsure, bad)] == ["yes", "cannot tell", "no"]
    assert [v[4] for v in (good, unsure, bad)] == ["yes", "cannot tell", "no"]
    assert good[5:] == unsure[5:] == bad[5:] == ["no", "yes"]


def test_a_run_without_students_says_so(tmp_path, no_pictures):
    settings = without_students()
    results = build(tmp_path / "made-up", settings)
    (results / "speed.json").unlink()
    write(collect(results, settings), results / "report")
    text = Page((results / "report/index.html").read_text(encoding="utf-8")).text
    assert text.count("No student was asked for") == 2
    assert "No errors were asked for" in text
    assert "Speeds were not asked for" in text
    assert not list((results / "report/figures").glob("parity*"))


@pytest.fixture(scope="module")
def gaps_page(tmp_path_factory):
    settings = only_gaps()
    results = build(tmp_path_factory.mktemp("results") / "gaps", settings)
    write(collect(results, settings), results / "report")
    return results / "report"


def test_a_run_of_gaps_alone_answers_with_them(gaps_page):
    page = Page((gaps_page / "index.html").read_text(encoding="utf-8"))
    assert "the gaps of 2 potentials measured" in page.text
    assert "Are the symmetries kept" in page.text
    assert "labels better" not in page.text
    assert "Student" not in page.text
    drawn = {p.stem for p in gaps_page.glob("figures/*.png")}
    assert drawn == {"warrant_gaps", "speed", "temperatures", "dynamics_md-300"}


def test_the_table_of_gaps_says_what_each_number_is(gaps_page):
    table = read_csv(
        gaps_page / "tables/gaps_overview.csv", "Gap", "Quantity", "orb-demo", "chgnet"
    )
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
    table = read_csv(gaps_page / "tables/gaps_left_out.csv", "model", "reason", "frames", "gaps")
    assert table["reason"].unique().tolist() == ["element unknown"]  # of the other there are 0
    assert table["gaps"].tolist() == [", ".join(NINE).replace("_", " ")] * 2


def gap(name, value, low, high, **more):
    part = {"value": value, "ci95": [low, high]}
    part |= {key: {"value": v} for key, v in more.items()}
    return {name: {"symmetry": name, gap_kinds.kind_of(name).part: part}}


ROTATION, LOOPS = gap("rotation", 41, 36, 45), gap("conservativity", 30, 27, 33)
ROUNDED = gap("translation", 0.01, 0.005, 0.02)


@pytest.mark.parametrize(
    ("gaps", "verdict", "told"),
    [
        (ROTATION | LOOPS, words.NO, "Gaps: rotation 41.0 (36.0 to 45.0) meV/Å, conservativity"),
        (ROTATION | ROUNDED, words.PARTLY, "None beyond numerical error: translation."),
        (ROUNDED, words.YES, "None beyond numerical error: translation."),
        (gap("rotation", 3, 0, 7), words.CANNOT_TELL, "Uncertain: rotation 3.0 (0.0 to 7.0)"),
        (gap("rotation", 3, None, None), words.CANNOT_TELL, "Uncertain: rotation 3.0"),
        # below the error of the integration, whatever the interval says
        (gap("conservativity", 0.5, 0.4, 0.6, numerical_error=1), words.YES, "None"),
        (gap("conservativity", 5, 4, 6, numerical_error=1), words.NO, "Gaps: conserv"),
        (gap("consistency", 0.5, 0.4, 0.6, numerical_error=2), words.YES, "None beyond"),
        (gap("rotation", None, None, None), words.NOT_MEASURED, "No gap was measured."),
        ({"supercell": {"symmetry": "supercell", "forces": None}}, words.NOT_MEASURED, "No gap"),
        ({}, words.NOT_MEASURED, "No gap was measured."),
    ],
)
def test_whether_symmetries_are_kept_follows_the_intervals(gaps, verdict, told):
    answer = gap_kinds.kept("orb-demo", gaps)
    assert answer.verdict == verdict
    assert told in answer.text


def test_gaps_have_an_order_and_an_unknown_one_comes_last_under_its_name():
    assert gap_kinds.in_order(["my_own", "consistency", "rotation"])[-1] == "my_own"
    assert gap_kinds.kind_of("my_own").title == "My own"
    assert list(gap_kinds.KINDS) == NINE


def test_no_two_of_many_look_alike():
    looks = [look(place) for place in range(49)]
    assert len(set(looks)) == 49


def test_views_read_as_they_were(page):
    made = {"quadrature": None, "quadrature_order": None, "reflections": False}
    assert counts.views(made | {"views": "as_given"}) == "as given"
    assert counts.views(made | {"views": 12, "reflections": True}) == "12 random, mirrored"
    grid = made | {"views": 84, "quadrature": "product", "quadrature_order": 5}
    assert counts.views(grid) == "product 5 (84)"
    assert "12 random" in page.text


def test_what_was_not_asked_for_is_no_failure(folder):
    table = read_csv(folder / "tables/labels.csv", "frames", "not asked for").set_index("label_set")
    averaged, truth = table.loc["orb-demo-k12"], table.loc["chgnet"]
    assert averaged["frames"] == truth["frames"] - 1
    assert averaged["not asked for"] == 1
    assert averaged["good"] == averaged["frames"] - 1


def test_a_new_column_of_the_counts_is_no_status(folder):
    run = collect(folder.parent, SETTINGS)
    more = run.labels.assign(dipoles=7, **{"force beyond the limit": [1, 0]})
    table = tables.labels(replace(run, labels=more))
    headings = [column.heading for column in table.columns]
    assert "Force beyond the limit" in headings
    assert "Dipoles" not in headings
    assert "Not finite" not in headings  # of which there is none


def test_the_choice_of_views_is_told_with_its_reason(folder, page):
    assert CHOICE["reason"] in page.text
    (row,) = read_csv(folder / "tables/views_chosen.csv", "calls_saved").to_dict("records")
    assert (row["views"], row["calls_saved"], row["gap_meV_per_A_high"]) == (12, -128, 55)


def test_the_certificate_of_grids_is_shown(folder):
    table = read_csv(folder / "tables/quadrature.csv", "potential", "error_meV_per_A")
    of_orb = table[table["potential"] == "orb-demo"]
    assert of_orb["n_views"].tolist() == [1, 24, 84]
    assert of_orb["error_meV_per_A"].tolist() == pytest.approx([41, 41 / 24, 41 / 84])
    assert of_orb["change_meV_per_A"].isna().tolist() == [False, False, True]


def test_every_potential_that_was_used_has_its_licence(folder):
    """Samplers tell it in their frames, labels and warrant files in theirs."""
    table = read_csv(folder / "tables/licences.csv", "name", "licence", "citation", "weights")
    assert table["name"].tolist() == ["mace-demo", "orb-demo", "chgnet"]
    assert table["licence"].tolist() == ["BSD", "MIT", "MIT"]


def test_a_study_is_answered_first(tmp_path, no_pictures):
    asked = {"kind": "expectation", "baselines": ["orb-demo-k12"]}
    settings = deepcopy(SETTINGS) | {"study": asked}
    results = build(tmp_path / "made-up", settings)
    write_json(results / "studies/expectation/results.json", STUDY)
    write(collect(results, settings), results / "report")
    page = Page((results / "report/index.html").read_text(encoding="utf-8"))
    assert [s["id"] for s in page.of("section")][:2] == ["study", "answer"]
    assert "mace: averaging pays." in page.text
    arms = read_csv(results / "report/tables/study_arms.csv", "model", "as_given", "random")
    assert arms["model"].tolist() == ["labels"] * 2 + ["mace"] * 2 + ["constant"]
    assert arms["as_given"].tolist() == [40, 40, 100, 80, 300]
    assert arms["frames"].tolist()[:4] == [100, 25, 100, 25]  # training and validation
    less = read_csv(
        results / "report/tables/study_differences.csv", "student", "against", "as_given"
    )
    assert less.iloc[0].to_dict() == {
        "student": "k4/mace",
        "against": "as_given/mace",
        **dict(zip(("as_given", "as_given_low", "as_given_high"), (-20, -25, -15), strict=True)),
        **dict(zip(("random", "random_low", "random_high"), (-30, -35, -25), strict=True)),
    }


def test_a_report_replaces_the_one_before(tmp_path, no_pictures):
    results = build(tmp_path / "made-up")
    old = results / "report/figures/parity_of_a_student_that_is_gone.png"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    (results / "report/index.html").write_text("old")
    write(collect(results, SETTINGS), results / "report")
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
    path.unlink()
    write_json(path, value)
    students = [s for s in collect(results, settings).students if s.name == "mace-small"]
    for name in ("rotation", "conservativity"):
        assert [(s.seed, s.own_gaps[name].value) for s in students] == [(3, 7.0), (1, 9.0)]


@pytest.mark.parametrize(
    "missing",
    [
        "selected/1.h5",
        "labels/chgnet/0.h5",
        "gate/orb-demo-k12.json",
        "samples/md-300/organics/0.csv",
        "warrant/teachers/chgnet.json",
        "students/orb-demo-k12/mace-small/seed1/metrics.json",
        "students/orb-demo-k12/mace-small/seed1/predictions.h5",
    ],
)
def test_a_promised_file_that_is_missing_is_named(tmp_path, missing):
    results = build(tmp_path / "made-up")
    (results / missing).unlink()
    with pytest.raises(LimbeckError, match=re.escape(missing)):
        collect(results, SETTINGS)


def test_files_that_are_not_what_they_should_be_are_named(tmp_path):
    path = tmp_path / "some.json"
    path.write_text("[1, 2]")
    with pytest.raises(LimbeckError, match=r"some\.json: expected a JSON object, got list"):
        read_json(path)
    path = tmp_path / "some.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(LimbeckError, match=r"some\.csv: no column \['reason'\]"):
        read_csv(path, "a", "reason")
