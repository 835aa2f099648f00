"""The page of studies, from results of made-up answers: it reads without a run of frames."""

import pandas as pd
import pytest

from limbeck.files import write_json
from limbeck.studies.judge import judge
from made_up_studies import answers_of, made_up
from report_page import page_of, written

SETTINGS = {"run": "made-up", "studies": {"one": {"kind": "integral"}, "none": {"kind": "kepler"}}}
SAID = {"about": "the mean of a thing", "symmetry": "shifts", "noun": "fields", "unit": ""}
SAID |= {"independent": "fields", "whole_group": True, "n_test_views": 8, "pilot": []}
PUBLISHED = {"what": "Somebody's", "value": 0.5, "unit": "AUC", "source": "a paper"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    results = tmp_path_factory.mktemp("made-up")
    arms = {"reference": lambda rng, truth: answers_of(rng, truth, 0.007, 0.0)}
    shares = {"one": 0.3, "none": 0.0}
    for name, share in shares.items():
        found = judge(made_up(1, share, changes=arms)) | SAID | {"name": name}
        found["published"] = [PUBLISHED | {"differs": "all of it"}]
        write_json(results / f"studies/{name}/results.json", found)
    return written(results, SETTINGS)


def test_a_run_of_studies_alone_has_a_page_that_says_what_they_found(folder):
    page = page_of(folder)
    assert [s["id"] for s in page.of("section")] == ["studies", "study-one", "study-none"]
    assert "Tested on 200 fields that no net has seen, in all 8 views of each, with 3 seeds" in (
        page.text
    )
    assert "Verdict: an equivariant net is better (" in page.text
    assert "Verdict: void (" in page.text
    assert "Published: Somebody's, 0.5 AUC (a paper). What differs here: all of it." in page.text


def test_nothing_on_it_asks_a_reader_to_know_of_atoms(folder):
    words = page_of(folder).text.casefold()
    for term in ("atom", "frame", "meV", "potential", "force", "structure", "label set"):
        assert term.casefold() not in words, term


def test_its_tables_hold_the_figures(folder):
    table = pd.read_csv(folder / "tables/studies.csv")
    assert table["name"].tolist() == ["one", "none"]
    # percent: planted were 30 % and none, of 200 units and three seeds
    assert table["share"][0] == pytest.approx(30, abs=6)
    assert table["share"][1] == pytest.approx(0, abs=1e-9)
    arms = pd.read_csv(folder / "tables/study_one_arms.csv")
    assert arms["arm"].tolist()[:2] == ["Teacher", "Net with the symmetry built in"]
