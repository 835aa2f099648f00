"""Students side by side: what each has learned, in what time, and at what speed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from limbeck.report.page import cols
from limbeck.report.page.figure import WIDTH, PageFigure, look, plain
from limbeck.report.page.items import Section, paragraph, section
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run
from limbeck.report.run.gap import ROUNDING, UNKNOWN, forces_of
from limbeck.report.run.student import Student, by_title
from limbeck.report.topics import speed
from limbeck.report.topics.comparison import turns
from limbeck.report.topics.speed import payback
from limbeck.warrant.statistics import Estimate, over_seeds

#: fewer are told apart in the table of students
FEWEST = 3
SYMMETRIES = ("rotation", "translation")

told = prose("comparison")


@dataclass(frozen=True)
class Quantity:
    """What students are compared by: its heading, and whether its axis is logarithmic."""

    heading: str
    log: bool = False


QUANTITIES = {
    "validation": Quantity("Validation, forces, meV/Å"),
    "test_known": Quantity("Known chemistry, forces, meV/Å"),
    "test_new": Quantity("New chemistry, forces, meV/Å"),
    "minutes": Quantity("Training, minutes"),
    "inference": Quantity("Inference, µs per atom", log=True),
    "payback": Quantity("Paid back after, steps", log=True),
    "parameters": Quantity("Parameters", log=True),
    "memory": Quantity("Memory in training, MB"),
    "rotation": Quantity("Rotation gap, meV/Å"),
    "translation": Quantity("Translation gap, meV/Å"),
}


def parts_of(run: Run) -> Iterator[Section]:
    """The section that compares the students of each label set that has several, and what a turn
    does to each model, where that was asked for."""
    items: list[Any] = []
    for name, students in by_label_set(run).items():
        rows = [row_of(run, seeds) for seeds in students]
        items += [table_of(name, rows), front(name, rows), bars(name, rows)]
        alone = each_alone(name, rows)
        files = told("files", label_set=name, names=[f"{figure.name}.png" for figure in alone])
        items += [*alone, paragraph(files)]
    if items:
        yield section("comparison", "Students compared", items)
    turned = list(turns.figures(run))
    if turned:
        yield section("turns", "Turned through 360 degrees", turned)


def by_label_set(run: Run) -> dict[str, list[list[Student]]]:
    """Label set -> its students, each with its seeds, where there are enough to be compared."""
    found: dict[str, list[list[Student]]] = {}
    for seeds in run.once(by_title).values():
        found.setdefault(seeds[0].label_set, []).append(seeds)
    return {name: students for name, students in found.items() if len(students) >= FEWEST}


def row_of(run: Run, seeds: Sequence[Student]) -> dict[str, Any]:
    """One student: its mean over the seeds, by the names of :data:`QUANTITIES`."""
    best = speed.best_of(run.once(speed.read)).set_index("name")["atoms_per_second"]
    timed = [best[name] for s in seeds if (name := f"{s.title}/seed{s.seed}") in best]
    paid = list(payback.steps_of(run, [f"{s.title}/seed{s.seed}" for s in seeds]))
    memory = [m for s in seeds if (m := s.training.peak_memory_MB) is not None]
    settings = run.config.students[seeds[0].name]
    return {
        "student": seeds[0].name,
        "architecture": settings.architecture,
        "size": settings.size,
        "optimiser": settings.optimiser,
        "seeds": len(seeds),
        "validation": Estimate(float(np.mean([_validation(s) for s in seeds]))),
        **{
            test: over_seeds([s.error("labels", test=test) for s in seeds if test in s.tests])
            for test in ("test_known", "test_new")
            if any(test in s.tests for s in seeds)
        },
        "minutes": Estimate(float(np.mean([s.training.minutes for s in seeds]))),
        "inference": Estimate(1e6 / float(np.mean(timed)) if timed else nan),
        "payback": Estimate(float(np.mean(paid)) if paid else nan),
        "parameters": Estimate(float(seeds[0].training.parameters)),
        "memory": Estimate(float(np.mean(memory)) if memory else nan),
        **{name: forces_of(seeds[0].gaps.gaps.get(name)) for name in SYMMETRIES},
    }


def _validation(student: Student) -> float:
    """Force error on the validation set at the epoch that was kept, meV/Angstrom."""
    curve = student.curve["valid_forces_mae_meV_per_A"]
    return float(curve.iloc[student.training.best_epoch - 1])


def table_of(label_set: str, rows: Sequence[Mapping[str, Any]]) -> Table | None:
    """A row for each student, a column for each quantity that is known of any."""
    columns = cols.text(student="Student", architecture="Architecture", size="Size")
    columns += cols.text(optimiser="Optimiser") + cols.count(seeds="Seeds")
    columns += cols.estimate(**{name: QUANTITIES[name].heading for name in known(rows)})
    return table(f"comparison_{label_set}", told("table", label_set=label_set), columns, rows)


def known(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The quantities that any of the students has."""
    return [name for name in QUANTITIES if any(row.get(name, UNKNOWN).known for row in rows)]


def front(label_set: str, rows: Sequence[Mapping[str, Any]]) -> PageFigure | None:
    """Error against speed, one point for each student; none where either is not known of two."""
    test = "test_known" if "test_known" in known(rows) else "test_new"
    points = pd.DataFrame(
        {
            "student": row["student"],
            "atoms_per_second": 1e6 / row["inference"].value,
            "forces_meV_per_A": row[test].value,
            "low": row[test].low,
            "high": row[test].high,
        }
        for row in rows
        if row["inference"].known and row.get(test, UNKNOWN).known
    )
    if len(points) < 2:
        return None
    canvas = Canvas(figsize=(WIDTH, 4.2))
    axes = canvas.subplots()
    numbers = points.drop(columns="student").to_numpy(dtype=float)
    for place, (name, (fast, error, low, high)) in enumerate(
        zip(points["student"], numbers, strict=True)
    ):
        colour, marker = look(place)
        if low == low:
            axes.vlines(fast, low, high, color=colour, lw=1)
        axes.plot(fast, error, marker, color=colour, ms=8)
        # to the right, above and below in turn: names of neighbours do not hide each other
        offset = (7, (0, 8, -8)[place % 3])
        axes.annotate(name, (fast, error), offset, textcoords="offset points", va="center")
    axes.set(xscale="log", yscale="log", xlabel="Atoms per second, best batch")
    axes.margins(x=0.2, y=0.15)
    axes.set_ylabel("Force error, meV/Å")
    plain(axes.xaxis)
    plain(axes.yaxis)
    each = ", ".join(
        f"{name} {error:.3g} meV/Å at {fast:,.0f} atoms/s"
        for name, (fast, error, *_) in zip(points["student"], numbers, strict=True)
    )
    caption = told("front", label_set=label_set, known=test == "test_known")
    alt = f"Scatter plot of force error against speed: {each}."
    return PageFigure(f"front_{label_set}", caption, alt, canvas, points, vector=True)


def bars(label_set: str, rows: Sequence[Mapping[str, Any]]) -> PageFigure:
    """All quantities, a panel each, in which every student has a bar."""
    names, students = _drawn(rows), [row["student"] for row in rows]
    across = 3
    down = -(-len(names) // across)
    height = down * (0.8 + 0.26 * len(rows))
    canvas = Canvas(figsize=(WIDTH, height))
    panels = canvas.subplots(down, across, sharey=True, squeeze=False).ravel()
    data = pd.DataFrame({name: [row.get(name, UNKNOWN).value for row in rows] for name in names})
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, students, data[name], QUANTITIES[name])
    panels[0].invert_yaxis()
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    alt = f"Bar charts of {', '.join(QUANTITIES[name].heading for name in names)}, by student."
    caption = told("bars", label_set=label_set)
    whole = data.assign(student=students)
    return PageFigure(f"comparison_bars_{label_set}", caption, alt, canvas, whole)


def each_alone(label_set: str, rows: Sequence[Mapping[str, Any]]) -> list[PageFigure]:
    """A figure for each of the quantities of :func:`bars`, a file beside the page."""
    students = [row["student"] for row in rows]
    found = []
    for name in _drawn(rows):
        values = pd.Series([row.get(name, UNKNOWN).value for row in rows])
        canvas = Canvas(figsize=(WIDTH / 2, 1.0 + 0.3 * len(rows)))
        axes = canvas.subplots()
        _panel(axes, students, values, QUANTITIES[name])
        axes.invert_yaxis()
        data = pd.DataFrame({"student": students, name: values})
        title = QUANTITIES[name].heading
        file = f"comparison_{name}_{label_set}"
        found.append(PageFigure(file, title, title, canvas, data, beside=True))
    return found


def _drawn(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The quantities that are known, without gaps that are rounding in all students."""
    return [name for name in known(rows) if name not in SYMMETRIES or _shows(rows, name)]


def _panel(axes: Axes, students: list[str], values: pd.Series, quantity: Quantity) -> None:
    """A bar for each student, with its number."""
    axes.barh(students, values, color=[look(i)[0] for i in range(len(students))], height=0.62)
    for place, value in enumerate(values):
        axes.annotate(f" {_short(value)}", (value, place), va="center", fontsize=8)
    if quantity.log:
        axes.set_xscale("log")
    axes.margins(x=0.3)
    if quantity.log:
        plain(axes.xaxis)
    axes.set_title(quantity.heading, fontsize=9)
    axes.tick_params(axis="x", labelsize=7)
    axes.grid(axis="y", visible=False)


def _shows(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether the gap of any student is more than rounding."""
    return any(row[name].value > ROUNDING for row in rows)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
