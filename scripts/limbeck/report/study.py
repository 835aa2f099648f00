"""The study: what its arms came to, as a figure and two tables."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from limbeck.report.figures import GREY, WIDTH, Figure, look
from limbeck.report.table import Table, count, estimate, spread_intervals, text
from limbeck.warrant.statistics import Estimate, estimate_of

#: how a student is asked: the frames as given, or in random views
ASKED = {"as_given": "frames as given", "random": "random views"}


def arms(study: dict[str, Any]) -> Table:
    """Every arm: its labels, and each of its students."""
    return Table(
        "study_arms",
        f"Arms of the study: force errors against {study['reference']} (mean absolute) on the same "
        f"{study['n_frames']:,} test frames of {study['n_roots']:,} roots, means over seeds, with "
        "95 % intervals over roots. Frames and calls are those of training and validation. "
        "Labels: the teacher's own answer, averaged as the arm does. Constant: no forces.",
        [
            text("label_set", "Arm"),
            text("views", "Views"),
            count("frames", "Frames"),
            count("calls", "Calls"),
            estimate("as_given", "As given, meV/Å"),
            estimate("random", "In random views, meV/Å"),
            estimate("gap", "Rotation gap, meV/Å"),
        ],
        _rows(study),
        group="model",
    )


def _rows(study: dict[str, Any]) -> pd.DataFrame:
    students = dict.fromkeys(name for arm in study["arms"] for name in arm["students"])
    rows = [_row(arm, "labels", {"as_given": arm["teacher"]}) for arm in study["arms"]]
    for name in students:
        taught = [arm for arm in study["arms"] if name in arm["students"]]
        rows += [_row(arm, name, arm["students"][name]) for arm in taught]
    rows.append(
        {"model": "constant", "label_set": "any", "as_given": _mae(study["arms"][0]["constant"])}
    )
    return pd.DataFrame(rows)


def _row(arm: dict[str, Any], model: str, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": model,
        "label_set": arm["label_set"],
        "views": arm["views"],
        "frames": _learned_from(arm["frames"]),
        "calls": _learned_from(arm["teacher_calls"]),
        **{kind: _mae(found[kind]) for kind in ASKED if kind in found},
        "gap": estimate_of(found.get("gap")),
    }


def _learned_from(parts: dict[str, int]) -> int:
    return parts["train"] + parts["valid"]


def _mae(entry: dict[str, Any]) -> Estimate:
    return estimate_of(entry["forces"])


def differences(study: dict[str, Any]) -> Table | None:
    """What an arm's student is worse by than that of a baseline, paired by root."""
    rows = [
        {
            "student": f"{d['label_set']}/{d['name']}",
            "against": f"{d['against']['label_set']}/{d['against']['name']}",
            **{kind: _mae(d[kind]) for kind in ASKED},
        }
        for d in study["differences"]
    ]
    if not rows:
        return None
    return Table(
        "study_differences",
        "Differences of force errors of two students on the same frames, paired by root, meV/Å: "
        "negative where the first is better",
        [
            text("student", "Student"),
            text("against", "Less"),
            estimate("as_given", "As given"),
            estimate("random", "In random views"),
        ],
        pd.DataFrame(rows),
        folded=True,
    )


def figure(study: dict[str, Any]) -> Figure:
    """Force errors of the students by arm, a panel for each student."""
    rows = _rows(study)
    names = [str(a["label_set"]) for a in study["arms"]]
    models = [m for m in rows["model"].unique() if m != "constant"]
    constant = _mae(study["arms"][0]["constant"]).value
    canvas = Canvas(figsize=(WIDTH, 1.3 + 0.34 * len(names)))
    panels = np.atleast_1d(canvas.subplots(1, len(models), sharey=True))
    for axes, model in zip(panels, models, strict=True):
        _panel(axes, rows[rows["model"] == model].set_index("label_set"), names)
        axes.set_title(model)
        if axes.get_xlim()[1] > constant:
            axes.axvline(constant, color=GREY, ls=":", lw=1.2)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    handles, labels = panels[-1].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    canvas.supxlabel("Force error (MAE), meV/Å", fontsize=9.5)
    return Figure(
        "study",
        f"Force errors against {study['reference']} by arm, at an equal number of teacher calls: "
        "of the labels themselves, and of each student (means over seeds, bars 95 % intervals over "
        "roots). Dotted: no forces at all.",
        "Dots with intervals, by arm. "
        + "; ".join(
            f"{r['label_set']} {r['model']} {r['as_given'].text('meV/Å')}"
            for r in rows.to_dict("records")
        ),
        canvas,
        spread_intervals(rows),
        vector=True,
    )


def _panel(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    for place, kind in enumerate(ASKED):
        colour, marker = look(place)
        shown = [(names.index(str(n)), v) for n, v in rows[kind].items() if isinstance(v, Estimate)]
        heights = [row + 0.22 * (place - 0.5) for row, _ in shown]
        values = [v.value for _, v in shown]
        axes.plot(values, heights, marker, color=colour, ms=5, label=ASKED[kind])
        for height, (_, v) in zip(heights, shown, strict=True):
            axes.plot([v.low, v.high], [height, height], color=colour, lw=1.8)
    axes.set_xlim(left=0)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
