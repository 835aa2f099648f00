"""Studies of other fields than atoms: what each found in words, its picture, and its arms."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from limbeck.report.page import cols
from limbeck.report.page.figure import PageFigure
from limbeck.report.page.items import Section, Words, paragraph, section
from limbeck.report.page.prose import counted, prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run
from limbeck.studies.judge import GAP, GIVEN, MEAN, RANDOM, WORDS
from limbeck.studies.tile import canvas_of
from limbeck.studies.words import ARMS, sentences
from limbeck.warrant.statistics import Estimate, estimate_of

told = prose("studies")


def parts_of(run: Run) -> Iterator[Section]:
    """One section over all studies, and one for each."""
    names = list(run.config.engine_studies)
    found = {name: run.json(f"studies/{name}/results.json") for name in names}
    if not found:
        return
    items: list[Any] = [paragraph(told("question")), paragraph(told("method")), overview(found)]
    yield section(
        "studies", "Studies: does the answer depend on the presentation?", [*items, words()]
    )
    for name, results in found.items():
        yield section(f"study-{name}", f"Study: {name}", items_of(name, results))


def lead(run: Run) -> str:
    """The first line of a page that has nothing but studies."""
    return f"{counted(len(run.config.engine_studies), 'study').replace('studys', 'studies')}."


def overview(found: dict[str, dict[str, Any]]) -> Table | None:
    """A row for each study."""
    rows = [
        {
            "name": name,
            "share": in_percent(each["share"]),
            "given": in_percent(each["arms"]["teacher"][GIVEN]),
            "mean": in_percent(each["arms"]["teacher"][MEAN]),
            "rival": in_percent(each["arms"]["reference"][RANDOM]),
            "verdict": ", ".join(each["words"]),
            "seeds": each["n_seeds"],
        }
        for name, each in found.items()
    ]
    columns = cols.text(name="Study") + cols.estimate(share="Share, %", given="Teacher as given")
    columns += cols.estimate(mean="Averaged", rival="Symmetry built in") + cols.count(seeds="Seeds")
    columns += cols.text(verdict="Verdict")
    return table("studies", told("overview"), columns, pd.DataFrame(rows))


def words() -> Words:
    """What the words of a verdict mean."""
    lines = "\n".join(f"{word}: {meaning}" for word, meaning in WORDS.items())
    return Words("fold", lines, told("words"))


def items_of(name: str, results: dict[str, Any]) -> Iterator[Any]:
    """Sentences, picture and table of one study."""
    yield from map(paragraph, sentences(results))
    caption = told("figure", seeds=counted(results["n_seeds"], "seed"))
    arms = pd.DataFrame(rows_of(results))
    alt = "; ".join(f"{r['arm']} {r['random'].text('%')}" for r in arms.to_dict("records"))
    yield PageFigure(f"study_{name}", caption, alt, canvas_of(results), arms, vector=True)
    columns = cols.text(arm="Who") + cols.estimate(given="As given", random="In a random view")
    columns += cols.estimate(mean="Mean over views", gap="Spread")
    columns += cols.count(learned="Inputs learned from", calls="Calls of the teacher")
    yield table(f"study_{name}_arms", told("arms"), columns, arms)
    less = cols.text(arm="Who", less="Less") + cols.estimate(difference="Difference")
    yield table(
        f"study_{name}_differences", told("differences"), less, differences(results), folded=True
    )


def rows_of(results: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each arm; errors in percent of the constant's."""
    for arm in (name for name in ARMS if name in results["arms"]):
        entry = results["arms"][arm]
        figures = {n: in_percent(entry[n]) for n in (GIVEN, RANDOM, MEAN, GAP)}
        counts = {"learned": entry["n_learned"] or None, "calls": entry["teacher_calls"] or None}
        yield {"arm": ARMS[arm], **figures, **counts}


def differences(results: dict[str, Any]) -> pd.DataFrame:
    """Paired differences in random views."""
    return pd.DataFrame(
        {"arm": ARMS[d["arm"]], "less": ARMS[d["less"]], "difference": in_percent(d)}
        for d in results["differences"]
    )


def in_percent(entry: dict[str, Any]) -> Estimate:
    """A figure of the results in percent."""
    return estimate_of(entry).times(100)
