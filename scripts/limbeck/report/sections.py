"""The page of a run: its sections in order, and its first line."""

from dataclasses import replace
from pathlib import Path

import matplotlib

from limbeck.report.page.items import Section, section
from limbeck.report.page.page import write_page
from limbeck.report.page.prose import TEMPLATES, counted
from limbeck.report.run.folder import Run
from limbeck.report.run.gap import of_teachers
from limbeck.report.run.student import students_of
from limbeck.report.topics import (
    answers,
    clusters,
    dynamics,
    errors,
    files,
    gaps,
    labels,
    losses,
    phonons,
    speed,
    structures,
    students,
    study,
    study_table,
)

#: Each has ``parts_of(run)``, which gives the sections that there are.
MADE = (structures, dynamics, phonons, clusters)
STUDIES = (study, study_table)
ALL = (*STUDIES, answers, *MADE, gaps, errors, labels, students, speed, files)


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
    first = [part for topic in STUDIES for part in topic.parts_of(run)]
    rest = (part for topic in (*MADE, speed, files) for part in topic.parts_of(run))
    return [*first, answer, *rest]


def lead(run: Run) -> str:
    """The first line: what was made of what."""
    made = run.once(structures.stages)
    frames = f"{int(made['selected'].sum()):,} frames of {counted(len(made), 'source')}"
    if not run.config.labels:
        measured = counted(len(run.once(of_teachers)), "potential")
        return f"{frames}; the gaps of {measured} measured."
    label_sets = counted(len(run.config.labels), "label set")
    trained = counted(len(run.once(students_of)), "student")
    return f"{frames}, labelled by {label_sets}; {trained} trained."


def write_report(run: Run, folder: str | Path) -> None:
    """Write index.html, figures/*.{png,pdf} and tables/*.csv into ``folder``; older ones go."""
    with matplotlib.rc_context(fname=TEMPLATES / "figures.mplstyle"):
        write_page(str(run.config.run), lead(run), sections_of(run), folder)
