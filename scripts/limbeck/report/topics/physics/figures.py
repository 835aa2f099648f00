"""Figures of physics: drift, radial distributions, frequencies, and energies over volumes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from limbeck.physics.figures import paired
from limbeck.physics.structure import BIN
from limbeck.report.page.figure import BLACK, GREY, WIDTH, PageFigure, look, plain
from limbeck.report.page.prose import prose
from limbeck.report.run.folder import Run
from limbeck.report.run.physics import Physics, students_of, teachers_of
from limbeck.warrant.statistics import estimate_of

#: trajectories and crystals that are drawn
PANELS, ACROSS = 4, 2

told = prose("physics")

Looks = Mapping[str, tuple[str, str]]


def all_of(run: Run) -> Iterator[PageFigure | None]:
    """The figures that there are data for."""
    teachers, students = run.once(teachers_of), run.once(students_of)
    yield drift_figure([*teachers.values(), *students], run)
    for name, teacher in teachers.items():
        own = [student for student in students if student.teacher == name]
        yield radial_figure(teacher, own, run.once(looks))
        yield frequencies_figure(teacher, own, run.once(looks))
        yield volumes_figure(teacher, own, run.once(looks))


def looks(run: Run) -> dict[str, tuple[str, str]]:
    """Colour and marker of each model, the same in all figures: teachers are black."""
    teachers = {name: (BLACK, look(n)[1]) for n, name in enumerate(run.once(teachers_of))}
    students = enumerate(run.once(students_of))
    return teachers | {student.title: look(n) for n, student in students}


def drift_figure(models: Sequence[Physics], run: Run) -> PageFigure | None:
    """The largest drift of each model over the time step."""
    rows: list[dict[str, Any]] = [
        {"model": model.title, "step_fs": float(each["condition"].split()[0])}
        | {"drift": estimate_of(each), "lost": len(each["lost"])}
        for model in models
        for each in model.of("largest_drift")
    ]
    data = pd.DataFrame([row for row in rows if row["drift"].known])
    if not len(data):
        return None
    canvas = Canvas(figsize=(WIDTH, 3.6))
    axes = canvas.add_subplot()
    for name, part in data.groupby("model", sort=False):
        colour, marker = run.once(looks)[str(name)]
        steps, drifts = part["step_fs"], [max(d.value, 1e-6) for d in part["drift"]]
        axes.plot(steps, drifts, marker, ls="-", color=colour, label=str(name))
        for step, d in zip(steps, part["drift"], strict=True):
            axes.plot([step, step], [max(d.low, 1e-6), d.high], color=colour, lw=1.6, alpha=0.6)
    most = run.config.warrant.physics.bars.drift_meV_per_atom_per_ps
    axes.axhline(most, color=GREY, ls=":", lw=1.2)
    axes.set(xscale="log", yscale="log", xlabel="Time step, fs", ylabel="Drift, meV/atom/ps")
    plain(axes.xaxis)
    axes.set_xticks(sorted(set(data["step_fs"])))
    # the lower end of an interval that reaches zero would rule the axis
    axes.set_ylim(bottom=min(max(d.value, 1e-6) for d in data["drift"]) / 3)
    canvas.legend(loc="outside right upper")
    each = "; ".join(f"{r['model']} {r['step_fs']:g} fs {r['drift'].text()}" for r in rows)
    caption, alt = told("drift", most=f"{most:g}"), f"Drift over the time step. {each}"
    return PageFigure("physics_drift", caption, alt, canvas, data, vector=True)


def radial_figure(
    teacher: Physics, students: Sequence[Physics], look_of: Looks
) -> PageFigure | None:
    """Radial distributions of the teacher's hottest trajectories, and of the students there."""
    there = [row for row in teacher.rows("nvt") if "radial" in row]
    there = sorted(there, key=lambda row: -row["temperature_K"])[:PANELS]
    if not there:
        return None
    canvas, panels = _panels(len(there))
    parts = []
    for axes, its in zip(panels, there, strict=True):
        at = (its["id"], its["temperature_K"])
        whole = f"{its['formula']}, {its['temperature_K']:g} K"
        axes.set_title(whole)
        drawn: list[tuple[str, Any, dict[str, Any]]] = [(teacher.title, BLACK, its)]
        for student in students:
            for row in student.rows("nvt"):
                if (row["id"], row["temperature_K"]) == at and "radial" in row:
                    drawn.append((student.title, look_of[student.title][0], row))
        for name, colour, row in drawn:
            g = np.sum(list(row["radial"].values()), axis=0)
            r = BIN * (np.arange(len(g)) + 0.5)
            axes.plot(r, g, color=colour, lw=1.2 if name != teacher.title else 2.2, label=name)
            parts.append(pd.DataFrame({"of": whole, "model": name, "r_A": r, "g": g}))
    canvas.supxlabel("r, Å", fontsize=9.5)
    canvas.supylabel("g(r)", fontsize=9.5)
    _legend(canvas, panels)
    caption = told("radial", teacher=teacher.title)
    alt = "Radial distributions, the teacher in black, students on top."
    name = f"physics_radial_{teacher.title}"
    return PageFigure(name, caption, alt, canvas, pd.concat(parts), vector=True)


def frequencies_figure(
    teacher: Physics, students: Sequence[Physics], look_of: Looks
) -> PageFigure | None:
    """Frequencies of the students over the teacher's."""
    parts = []
    for student in students:
        for mine, its in paired(student.rows("phonons"), teacher.rows("phonons"))[0]:
            own, other = (np.concatenate(row["frequencies_THz"]) for row in (mine, its))
            if len(own) == len(other):
                names = {"model": student.title, "crystal": mine["formula"]}
                parts.append(pd.DataFrame({"teacher_THz": other, "student_THz": own} | names))
    if not parts:
        return None
    data = pd.concat(parts)
    canvas = Canvas(figsize=(WIDTH, 4.4))
    axes = canvas.add_subplot()
    low = min(0.0, data[["teacher_THz", "student_THz"]].min().min())
    high = data[["teacher_THz", "student_THz"]].max().max()
    axes.plot([low, high], [low, high], color=GREY, lw=1.0, zorder=1)
    axes.axhline(0, color=GREY, lw=0.8, ls=":")
    for name, part in data.groupby("model", sort=False):
        colour, marker = look_of[str(name)]
        axes.plot(
            part["teacher_THz"], part["student_THz"], marker, ls="", ms=4, color=colour,
            alpha=0.6, label=str(name),
        )  # fmt: skip
    axes.set(xlabel=f"{teacher.title}, THz", ylabel="Student, THz")
    canvas.legend(loc="outside right upper")
    caption, alt = told("frequencies", teacher=teacher.title), "Parity plot of phonon frequencies."
    name = f"physics_frequencies_{teacher.title}"
    return PageFigure(name, caption, alt, canvas, data)


def volumes_figure(
    teacher: Physics, students: Sequence[Physics], look_of: Looks
) -> PageFigure | None:
    """Energies over volumes of some crystals, each model's from its own lowest."""
    curves = [r for r in teacher.rows("equation_of_state") if "energies_eV" in r][:PANELS]
    if not curves:
        return None
    canvas, panels = _panels(len(curves))
    parts = []
    for axes, its in zip(panels, curves, strict=True):
        axes.set_title(its["formula"])
        drawn: list[tuple[str, tuple[str, str], dict[str, Any]]] = [
            (teacher.title, (BLACK, "o"), its)
        ]
        for student in students:
            own = (r for r in student.rows("equation_of_state") if r["id"] == its["id"])
            drawn += [
                (student.title, look_of[student.title], row)
                for row in islice(own, 1)
                if "energies_eV" in row
            ]
        for name, (colour, marker), row in drawn:
            above = 1000 * (np.array(row["energies_eV"]) - min(row["energies_eV"]))
            axes.plot(row["volumes_A3"], above, marker, ls="-", ms=4, color=colour, label=name)
            part = {"crystal": its["formula"], "model": name, "volume_A3": row["volumes_A3"]}
            parts.append(pd.DataFrame(part | {"above_lowest_meV": above}))
    canvas.supxlabel("Volume, Å³/atom", fontsize=9.5)
    canvas.supylabel("Energy above the lowest, meV/atom", fontsize=9.5)
    _legend(canvas, panels)
    caption, alt = told("volumes", teacher=teacher.title), "Energy over volume, by crystal."
    name = f"physics_volumes_{teacher.title}"
    return PageFigure(name, caption, alt, canvas, pd.concat(parts), vector=True)


def _panels(count: int) -> tuple[Canvas, list[Axes]]:
    """Panels for so many, two in a row."""
    down = ceil(count / ACROSS)
    canvas = Canvas(figsize=(WIDTH, 0.9 + 2.4 * down))
    grid = canvas.subplots(down, min(count, ACROSS), squeeze=False)
    for axes in grid.flat[count:]:
        axes.set_axis_off()
    return canvas, list(grid.flat[:count])


def _legend(canvas: Canvas, panels: Sequence[Axes]) -> None:
    """Of all panels together: a model may be missing in some."""
    found: dict[str, Any] = {}
    for axes in panels:
        lines, names = axes.get_legend_handles_labels()
        found = dict(zip(names, lines, strict=True)) | found
    canvas.legend(list(found.values()), list(found), loc="outside right upper")
