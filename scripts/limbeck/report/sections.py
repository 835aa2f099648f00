"""The page of a run: its sections in order, and its first line."""

from dataclasses import replace
from pathlib import Path

import matplotlib

from limbeck.config.plan import trained_in_rounds
from limbeck.files import write_text
from limbeck.report import losses, rounds
from limbeck.report.page.items import Section, section
from limbeck.report.page.page import write_page
from limbeck.report.page.prose import TEMPLATES, counted
from limbeck.report.run.folder import Run
from limbeck.report.run.gap import of_teachers
from limbeck.report.run.made import made
from limbeck.report.run.student import students_of
from limbeck.report.topics import (
    answers,
    charges,
    clusters,
    comparison,
    diversity,
    dynamics,
    files,
    gaps,
    got,
    labels,
    phonons,
    physics,
    speed,
    structures,
    students,
    study,
)
from limbeck.report.topics.diversity import dataset

#: Each has ``parts_of(run)``, which gives the sections that there are.
MADE = (structures, diversity, dynamics, phonons, clusters)
ALL = (
    study,
    got,
    comparison,
    answers,
    *MADE,
    gaps,
    labels,
    students,
    charges,
    rounds,
    physics,
    speed,
    files,
)


def sections_of(run: Run) -> list[Section]:
    """All sections that there are, in order; the first says what was lost on the way, if much was.

    Raises:
        LimbeckError: a file that the config promises is missing or not what it should be.
    """
    first, *rest = _sections_of(run)
    return [replace(first, items=[*losses.notes(run), *first.items]), *rest]


def _sections_of(run: Run) -> list[Section]:
    if run.config.labels:
        return [part for topic in ALL for part in topic.parts_of(run)]
    # A run that labels nothing and trains nothing is answered by its gaps.
    answer = section("answer", "The answer", gaps.items_of(run.once(of_teachers)))
    first = list(study.parts_of(run))
    rest = (part for topic in (*MADE, speed, files) for part in topic.parts_of(run))
    return [*first, answer, *rest]


def lead(run: Run) -> str:
    """The first line: what was made of what."""
    stages = run.once(structures.stages)
    frames = f"{int(stages['selected'].sum()):,} frames of {counted(len(stages), 'source')}"
    if not run.config.labels:
        measured = counted(len(run.once(of_teachers)), "potential")
        return f"{frames}; the gaps of {measured} measured."
    label_sets = counted(len(run.config.labels), "label set")
    trained = counted(len(run.once(students_of)), "student")
    later = len(trained_in_rounds(run.config))
    more = f", and {later} more in rounds" if later else ""
    return f"{frames}, labelled by {label_sets}; {trained} trained{more}."


def write_report(run: Run, folder: str | Path) -> None:
    """Write index.html, dataset.md, figures/*.{png,pdf} and tables/*.csv; older ones go."""
    with matplotlib.rc_context(fname=TEMPLATES / "figures.mplstyle"):
        write_page(str(run.config.run), made(run), lead(run), sections_of(run), folder)
    write_text(Path(folder) / "dataset.md", dataset.as_markdown(run))
