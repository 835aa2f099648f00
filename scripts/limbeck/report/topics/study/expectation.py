"""The study of label sets: what it found in words, and what its arms came to."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from limbeck.report.page import cols
from limbeck.report.page.figure import GREY, WIDTH, PageFigure, look, named_rows
from limbeck.report.page.items import Section, paragraph, section
from limbeck.report.page.prose import UNIT, prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run
from limbeck.studies.frames.words import answers
from limbeck.warrant.statistics import Estimate
from limbeck.warrant.tidy import pivot

#: how a student is asked: the frames as given, or in random views
ASKED = {"mae_as_given": "frames as given", "mae_random": "random views"}
CONSTANT = "constant"
#: the constant is the same in all arms, and costs nothing
NOTHING = {"label_set": "any", "views": None, "frames": None, "calls": None}

told = prose("study")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of the study, where the run has one of this kind."""
    asked = run.config.frames_study
    if asked is None or asked.kind != "expectation":
        return
    path = f"studies/{asked.name}/results"
    study, figures = run.json(f"{path}.json"), run.figures(f"{path}.csv")
    whole = figures[(figures["source"] == "") & figures["seed"].isna()]
    whole = whole[whole["quantity"] == "forces"]
    found = arms(study, whole)
    items: list[Any] = [paragraph(sentence) for sentence in answers(study)]
    items += [arms_figure(study["reference"], found), arms_table(study, found)]
    yield section("study", "The study", [*items, differences_table(whole)])


def arms(study: dict[str, Any], whole: pd.DataFrame) -> pd.DataFrame:
    """A row for the labels and for each student of every arm, and one for no forces at all."""
    models = whole[whole["kind"].isin(["labels", "student", CONSTANT])]
    costs = {}
    for arm in study["arms"]:
        of = {"frames": arm["frames"], "calls": arm["teacher_calls"]}  # of what it learned from
        learned = {key: parts["train"] + parts["valid"] for key, parts in of.items()}
        costs[arm["label_set"]] = {"views": arm["views"], **learned}
    rows = []
    for row in pivot(models, ["kind", "subject"], "statistic"):
        label_set, _, name = row["subject"].partition("/")
        model = name if row["kind"] == "student" else row["kind"]
        rows.append(row | costs[label_set] | {"model": model, "label_set": label_set})
    constant = next(row for row in rows if row["model"] == CONSTANT) | NOTHING
    rows = [row for row in rows if row["model"] != CONSTANT]
    order = list(dict.fromkeys(row["model"] for row in rows))
    return pd.DataFrame([*sorted(rows, key=lambda row: order.index(row["model"])), constant])


def arms_table(study: dict[str, Any], found: pd.DataFrame) -> Table | None:
    """Every arm: its labels, and each of its students."""
    caption = told("arms", **{key: study[key] for key in ("reference", "n_frames", "n_groups")})
    columns = cols.text(label_set="Arm", views="Views") + cols.count(frames="Frames", calls="Calls")
    columns += cols.estimate(mae_as_given="As given, meV/Å", mae_random="In random views, meV/Å")
    columns += cols.estimate(rotation_gap_rms="Rotation gap, meV/Å")
    return table("study_arms", caption, columns, found, group="model")


def differences_table(whole: pd.DataFrame) -> Table | None:
    """What an arm's student is worse by than that of a baseline, paired by group."""
    rows = pivot(whole[whole["kind"] == "difference"], ["subject"], "statistic")
    columns = [
        *cols.text(student=("Student", lambda row: row["subject"].partition(" less ")[0])),
        *cols.text(against=("Less", lambda row: row["subject"].partition(" less ")[2])),
        *cols.estimate(mae_as_given="As given", mae_random="In random views"),
    ]
    return table("study_differences", told("differences"), columns, rows, folded=True)


def arms_figure(reference: str, found: pd.DataFrame) -> PageFigure:
    """Force errors of the students by arm, a panel for each student."""
    rows = found[found["model"] != CONSTANT]
    names = rows["label_set"].unique().tolist()
    models = rows["model"].unique().tolist()
    constant = found[found["model"] == CONSTANT]["mae_as_given"].item().value
    canvas = Canvas(figsize=(WIDTH, 1.3 + 0.34 * len(names)))
    panels = np.atleast_1d(canvas.subplots(1, len(models), sharey=True))
    for axes, model in zip(panels, models, strict=True):
        _panel(axes, rows[rows["model"] == model].set_index("label_set"), names)
        axes.set_title(model)
        if axes.get_xlim()[1] > constant:
            axes.axvline(constant, color=GREY, ls=":", lw=1.2)
    named_rows(panels[0], names)
    canvas.legend(*panels[-1].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    canvas.supxlabel("Force error (MAE), meV/Å", fontsize=9.5)
    each = "; ".join(
        f"{row['label_set']} {row['model']} {row['mae_as_given'].text(UNIT)}"
        for row in found.to_dict("records")
    )
    caption, alt = told("figure", reference=reference), f"Dots with intervals, by arm. {each}"
    return PageFigure("study", caption, alt, canvas, found, vector=True)


def _panel(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    for place, (kind, label) in enumerate(ASKED.items()):
        colour, marker = look(place)
        drawn = [(names.index(str(n)), v) for n, v in rows[kind].items() if isinstance(v, Estimate)]
        heights = [row + 0.22 * (place - 0.5) for row, _ in drawn]
        axes.plot([v.value for _, v in drawn], heights, marker, color=colour, ms=5, label=label)
        for height, (_, v) in zip(heights, drawn, strict=True):
            axes.plot([v.low, v.high], [height, height], color=colour, lw=1.8)
    axes.set_xlim(left=0)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
