"""The study of frames by views: what it found in words, its tables, and its figure."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from limbeck.report.page import cols
from limbeck.report.page.figure import GREY, WIDTH, PageFigure, look, plain
from limbeck.report.page.items import Section, paragraph, section
from limbeck.report.page.prose import UNIT, counted, prose
from limbeck.report.page.table import Table, grouped, table
from limbeck.report.run.folder import Run
from limbeck.studies.frames.table_results import EQUAL, forces_of
from limbeck.studies.frames.table_words import answers
from limbeck.warrant.statistics import estimate_of

told = prose("study_table")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of the study, where the run has one of this kind."""
    asked = run.config.frames_study
    if asked is None or asked.kind != "frames_by_views":
        return
    study = run.json(f"studies/{asked.name}/results.json")
    items: list[Any] = [paragraph(sentence) for sentence in answers(study)]
    items += [figure(study), table_of_cells(study), *(comparisons(study, e) for e in EQUAL)]
    yield section("study", "The study", items)


def table_of_cells(study: dict[str, Any]) -> Table | None:
    """Frames by views, for each teacher."""
    rows = [
        {"teacher": told("teacher", **teacher), "n_frames": number}
        | {f"views_{cell['views']}": forces_of(cell) for cell in _cells(teacher, number)}
        for teacher in study["teachers"]
        for number in study["n_frames"]
    ]
    views = {f"views_{k}": counted(k, "view") for k in study["views"]}
    columns = cols.count(n_frames="Frames") + cols.estimate(**views)
    data = pd.DataFrame(rows)
    return table("study_table", told("table", **study), columns, data, group="teacher")


def _cells(teacher: dict[str, Any], number: int) -> list[dict[str, Any]]:
    return [cell for cell in teacher["cells"] if cell["n_frames"] == number]


def comparisons(study: dict[str, Any], equal: str) -> Table | None:
    """What labels of several views are better or worse by, with something equal."""
    rows = [
        {
            "teacher": teacher["potential"],
            "n_frames": pair["n_frames"],
            "views": pair["views"],
            "against": pair["against"],
            "mae_random": forces_of(pair),
            "mae_as_given": estimate_of(pair["as_given"]["forces"]),
        }
        for teacher in study["teachers"]
        for pair in teacher["comparisons"]
        if pair["equal"] == equal
    ]
    columns = cols.count(n_frames="Frames", views="Views", against="Frames of one view")
    columns += cols.estimate(mae_random="Difference in random views", mae_as_given="As given")
    data = pd.DataFrame(rows)
    captions = {
        "frames": told("equal_frames"),
        "calls": told("equal_calls"),
        "time": told("equal_time", timed=study["timed"]),
    }
    return table(f"study_equal_{equal}", captions[equal], columns, data, group="teacher")


def figure(study: dict[str, Any]) -> PageFigure:
    """Error over calls, a panel for each teacher and a line for each number of views."""
    rows = pd.DataFrame(
        [
            {key: cell[key] for key in ("n_frames", "views", "calls")}
            | {"teacher": teacher["potential"], "error": forces_of(cell)}
            for teacher in study["teachers"]
            for cell in teacher["cells"]
        ]
    )
    canvas = Canvas(figsize=(WIDTH, 3.4))
    panels = np.atleast_1d(canvas.subplots(1, len(study["teachers"]), sharey=True))
    for axes, teacher in zip(panels, study["teachers"], strict=True):
        _panel(axes, rows[rows["teacher"] == teacher["potential"]])
        axes.axhline(teacher["constant"]["value"], color=GREY, ls=":", lw=1.2)
        axes.set_title(teacher["potential"])
        plain(axes.xaxis)
    # the end of a wide interval would rule a logarithmic axis
    panels[0].set_ylim(bottom=min(v.value for v in rows["error"]) / 2)
    plain(panels[0].yaxis)
    panels[0].set_ylabel("Force error (MAE), meV/Å")
    canvas.supxlabel("Calls of the teacher (frames times views)", fontsize=9.5)
    shown = panels[0].get_legend_handles_labels()
    canvas.legend(*shown, loc="outside upper right", ncols=len(study["views"]))
    each = "; ".join(
        f"{row['teacher']} {row['n_frames']} x {row['views']} {row['error'].text(UNIT)}"
        for row in rows.to_dict("records")
    )
    caption, alt = told("figure", **study), f"Error over calls, by teacher and views. {each}"
    return PageFigure("study", caption, alt, canvas, rows, vector=True)


def _panel(axes: Axes, rows: pd.DataFrame) -> None:
    for place, own in enumerate(grouped(rows, "views")):
        colour, marker = look(place)
        errors = [v.value for v in own["error"]]
        label = counted(int(own["views"].iloc[0]), "view")
        axes.plot(own["calls"], errors, marker, ls="-", color=colour, label=label)
        for calls, v in zip(own["calls"], own["error"], strict=True):
            axes.plot([calls, calls], [v.low, v.high], color=colour, lw=1.6, alpha=0.6)
    axes.set_xscale("log")
    axes.set_yscale("log")
