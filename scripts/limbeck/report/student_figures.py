"""Figures of the students: parity with their labels, learning curves."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from limbeck.report.collect import Run, Student
from limbeck.report.figures import (
    COLOURS,
    GREY,
    WIDTH,
    Figure,
    lower,
    plain,
    source_colours,
    student_name,
)
from limbeck.report.parity import Parity

#: Most points of one panel; more would hide each other and swell the file.
MAX_POINTS = 20_000


def parity(run: Run, student: Student) -> Figure:
    """Student against labels on the test frames: energies left, forces right."""
    canvas = Canvas(figsize=(WIDTH, 4.5))
    left, right = canvas.subplots(1, 2)
    colours = source_colours(run)
    energy, forces = _energy_points(student.parity), _force_points(student.parity)
    _scatter(left, energy, colours, "Energy less that of the elements, eV/atom", 14)
    _scatter(right, forces, colours, "Force component, eV/Å", 5)
    left.legend(loc="upper left", markerscale=1.4, handletextpad=0.2)
    for axes, error, unit in ((left, energy, "meV/atom"), (right, forces, "meV/Å")):
        mae = 1000 * (error["student"] - error["label"]).abs().mean()
        words = f"MAE {mae:,.0f} {unit}" if mae >= 100 else f"MAE {mae:.3g} {unit}"
        axes.text(0.97, 0.04, words, transform=axes.transAxes, ha="right", weight="bold")
    name = student_name(run, student)
    return Figure(
        f"parity_{student.label_set}_{student.name}_seed{student.seed}",
        f"{name}: student against its labels on the test frames; left the energies less "
        "least-squares energies of the elements (of the training labels), right the force "
        "components, by source"
        + (f" ({MAX_POINTS:,} of them, drawn at random)" if len(forces) == MAX_POINTS else "")
        + ". The line is perfect agreement.",
        f"Two scatter plots of {name}: energies of {len(energy)} frames and {len(forces)} force "
        "components against their labels, along the diagonal where they agree.",
        canvas,
        pd.concat(
            [energy.assign(quantity="energy_eV_per_atom"), forces.assign(quantity="force_eV_per_A")]
        ),
    )


def _energy_points(p: Parity) -> pd.DataFrame:
    columns = {"source": p.frame_source, "label": p.energy_labels, "student": p.energy_student}
    return pd.DataFrame(columns)


def _force_points(p: Parity) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "source": np.repeat(p.atom_source, 3),
            "label": p.forces_labels.reshape(-1),
            "student": p.forces_student.reshape(-1),
        }
    )
    # Which points are drawn is a matter of looks: any fixed seed will do.
    return table.sample(MAX_POINTS, random_state=0) if len(table) > MAX_POINTS else table


def _scatter(
    axes: Axes, table: pd.DataFrame, colours: dict[str, tuple[str, str]], what: str, size: float
) -> None:
    both = table[["label", "student"]].to_numpy()
    low, high = (both.min(), both.max()) if len(both) else (-1.0, 1.0)
    margin = 0.04 * (high - low) or 1.0
    axes.plot([low, high], [low, high], color=GREY, lw=1)
    for source, part in table.groupby("source", sort=False):
        colour, marker = colours[str(source)]
        axes.scatter(
            part["label"],
            part["student"],
            s=size,
            c=colour,
            marker=marker,
            alpha=0.55,
            lw=0,
            label=source,
        )
    limits = (low - margin, high + margin)
    axes.set(xlim=limits, ylim=limits, aspect="equal", xlabel=f"Label: {lower(what)}")
    axes.set_ylabel(f"Student: {lower(what)}")


def learning_curves(run: Run, label_set: str) -> Figure | None:
    """Losses and validation force error over the epochs, for the students of a label set."""
    members = [s for s in run.students if s.label_set == label_set]
    if not members:
        return None
    canvas = Canvas(figsize=(WIDTH, 3.4))
    left, right = canvas.subplots(1, 2)
    names = list(dict.fromkeys(s.name for s in members))
    for s in members:
        look: Any = {"color": COLOURS[names.index(s.name) % len(COLOURS)], "lw": 1.6}
        epoch = s.curve["epoch"]
        left.plot(epoch, s.curve["train_loss"], **look, ls="--", alpha=0.7)
        left.plot(epoch, s.curve["valid_loss"], **look)
        right.plot(epoch, s.curve["valid_forces_mae_meV_per_A"], **look)
    for i, name in enumerate(names):
        left.plot([], [], color=COLOURS[i % len(COLOURS)], label=name)
    for axes, label in ((left, "Loss, no unit"), (right, "Validation force MAE, meV/Å")):
        axes.set(yscale="log", xlabel="Epoch", ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        plain(axes.yaxis)
    left.legend()
    last = ", ".join(
        f"{_short_name(members, s)} {s.curve['valid_forces_mae_meV_per_A'].min():.3g}"
        for s in members
    )
    return Figure(
        f"learning_{label_set}",
        f"Learning from {label_set}: loss of training (dashed) and validation (solid), and mean "
        "absolute force error on the validation frames; a line for each seed.",
        f"Line plots over epochs; lowest validation force errors in meV/Å: {last}.",
        canvas,
        pd.concat([s.curve.assign(student=s.name, seed=s.seed) for s in members]),
    )


def _short_name(members: Sequence[Student], student: Student) -> str:
    seeds = {s.seed for s in members if s.name == student.name}
    return student.name + (f", seed {student.seed}" if len(seeds) > 1 else "")
