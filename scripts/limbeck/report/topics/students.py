"""Students: what they are worth beside their labels, how they learned, and where they are wrong."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from limbeck.errors import LimbeckError
from limbeck.geometry import composition
from limbeck.labels import select_labels
from limbeck.report.page import cols
from limbeck.report.page.figure import COLOURS, GREY, WIDTH, PageFigure, plain
from limbeck.report.page.items import Section, Words, paragraph, section
from limbeck.report.page.prose import lower, prose
from limbeck.report.page.table import Table, grouped, named, table
from limbeck.report.run.folder import Run
from limbeck.report.run.gap import of_teachers
from limbeck.report.run.student import Student, students_of
from limbeck.report.topics import labels, speed
from limbeck.report.topics.gaps import overview_table
from limbeck.storage import read_frames, read_labels

#: Most points of one panel; more would hide each other and swell the file.
MAX_POINTS = 20_000

told = prose("students")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of the students."""
    found = run.once(students_of)
    first = list({s.title: s for s in reversed(found)}.values())[::-1]
    by_label_set = {s.label_set: [m for m in found if m.label_set == s.label_set] for s in found}
    items: list[Any] = [side_by_side_table(run, by_label_set), by_source_table(found)]
    items += [overview_table([s.gaps for s in first], "student_gaps")]
    items += [Words("heading", "Learning curves")]
    items += [curves_figure(name, members) for name, members in by_label_set.items()]
    items += [Words("heading", "Parity on the test frames")]
    # One seed of each: the others look alike, and would swell the page.
    items += [parity_figure(run, s) for s in first]
    yield section("students", "Students", items if found else [paragraph(told("not_asked"))])


def side_by_side_table(run: Run, found: dict[str, list[Student]]) -> Table | None:
    """Teacher and students side by side, for each label set."""
    rows = [row for members in found.values() for row in _rows(run, members)]
    symmetries = [s for s in ("rotation", "reflection") if any(s in row for row in rows)]
    versus = {"forces_reference": f"Forces vs {run.reference}, meV/Å"} if run.reference else {}
    timed = cols.count(speed="Atoms/s") + cols.shown(lambda v: f"{v:.1f} ×", faster="Speed-up")
    columns = [
        *cols.text(model="Model"),
        *cols.count(parameters="Parameters"),
        *cols.groups(),
        *cols.estimate(energy_labels="Energy vs labels, meV/atom"),
        *cols.estimate(forces_labels="Forces vs labels, meV/Å", **versus),
        *cols.estimate(**{s: f"{s.capitalize()} gap, meV/Å" for s in symmetries}),
        *(timed if len(run.once(speed.read)) else []),
    ]
    return table("students", told("side_by_side"), columns, rows, group="label_set")


def _rows(run: Run, members: list[Student]) -> Iterator[dict[str, Any]]:
    """The labels of one label set, the students that learned from them, and the constant."""
    first, best = members[0], speed.best_of(run.once(speed.read))
    speeds = dict(zip(best["name"], best["atoms_per_second"], strict=True))
    label_sets = run.once(labels.label_sets).set_index("label_set")
    potential, views = map(str, label_sets.loc[first.label_set, ["potential", "views"]])
    teachers = {teacher.name: teacher.gaps for teacher in run.once(of_teachers)}
    names = {"label_set": first.label_set, **first.counts()}

    def timed(name: str) -> dict[str, float | None]:
        own, base = speeds.get(name), speeds.get(potential)
        return {"speed": own, "faster": own / base if own and base else None}

    yield {
        **names,
        "model": f"labels ({potential}, {views})",
        "forces_reference": first.error("reference", kind="labels"),
        **{name: gap.value for name, gap in teachers.get(potential, {}).items()},
        **timed(potential),
    }
    for s in members:
        yield {
            **names,
            "model": f"{s.name}, seed {s.seed}",
            "parameters": s.training.parameters,
            "energy_labels": s.error("labels", "energy"),
            "forces_labels": s.error("labels"),
            "forces_reference": s.error("reference"),
            **{name: gap.value for name, gap in s.gaps.by_seed[s.seed].items()},
            **timed(f"{s.title}/seed{s.seed}"),
        }
    errors = {
        f"{q}_labels": first.error("labels", q, kind="constant") for q in ("energy", "forces")
    }
    yield names | {"model": "constant"} | errors


def by_source_table(found: Sequence[Student]) -> Table | None:
    """Errors of the students against their labels, by source."""
    rows = [
        {"label_set": s.label_set, "student": s.name, "seed": s.seed, "source": source}
        | s.counts(source)
        | {f"{q}_labels": s.error("labels", q, source) for q in ("energy", "forces")}
        for s in found
        for source in s.figures["source"].unique()
        if source
    ]
    columns = cols.text(student="Student") + cols.count(seed="Seed")
    columns += cols.text(source="Source") + cols.groups()
    columns += cols.estimate(energy_labels="Energy, meV/atom", forces_labels="Forces, meV/Å")
    name, caption = "student_errors_by_source", told("by_source")
    return table(name, caption, columns, rows, folded=True, group="label_set")


def curves_figure(label_set: str, members: Sequence[Student]) -> PageFigure:
    """Losses and validation force error over the epochs, for the students of a label set."""
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
    lowest = [
        f"{s.name}{'' if s.alone else f', seed {s.seed}'} "
        f"{s.curve['valid_forces_mae_meV_per_A'].min():.3g}"
        for s in members
    ]
    alt = f"Line plots over epochs; lowest validation force errors in meV/Å: {', '.join(lowest)}."
    data = pd.concat([s.curve.assign(student=s.name, seed=s.seed) for s in members])
    caption = told("curves", label_set=label_set)
    return PageFigure(f"learning_{label_set}", caption, alt, canvas, data)


def points(run: Run, student: Student) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labels and answers on the test frames: energies less the elements', and force components.

    Raises:
        LimbeckError: the predictions are of other frames than the test set.
    """
    dataset = f"datasets/{student.label_set}"
    test, training = (run.path(f"{dataset}/{part}.h5") for part in ("test", "train"))
    path = run.path(f"students/{student.title}/seed{student.seed}/predictions.h5")
    label, answer = read_labels(test, student.label_set), read_labels(path, "student")
    if not np.array_equal(label.id, answer.id):
        raise LimbeckError(f"{path}: not the frames of {test}, in its order")
    answered = np.flatnonzero(answer.status == 0)  # not those of an element it never saw
    frames = read_frames(test).select(answered)
    label, answer = (select_labels(each, answered) for each in (label, answer))
    learned = read_frames(training)
    elements = np.arange(256)
    energies = read_labels(training, student.label_set).energy
    offsets = np.linalg.lstsq(composition(learned, elements), energies, rcond=None)[0]  # eV
    own = composition(frames, elements) @ offsets
    both = {"label": label, "student": answer}
    source = frames.source.astype(str)
    per_atom = {k: (each.energy - own) / frames.n_atoms for k, each in both.items()}
    forces = {k: each.forces.reshape(-1) for k, each in both.items()}
    of_components = pd.DataFrame({"source": np.repeat(source, 3 * frames.n_atoms), **forces})
    if len(of_components) > MAX_POINTS:  # which are drawn is a matter of looks: any seed will do
        of_components = of_components.sample(MAX_POINTS, random_state=0)
    return pd.DataFrame({"source": source, **per_atom}), of_components


def parity_figure(run: Run, student: Student) -> PageFigure:
    """Student against labels on the test frames: energies left, forces right."""
    canvas = Canvas(figsize=(WIDTH, 4.5))
    left, right = canvas.subplots(1, 2)
    energy, forces = points(run, student)
    _scatter(run, left, energy, "Energy less that of the elements, eV/atom", 14)
    _scatter(run, right, forces, "Force component, eV/Å", 5)
    left.legend(loc="upper left", markerscale=1.4, handletextpad=0.2)
    for axes, error, unit in ((left, energy, "meV/atom"), (right, forces, "meV/Å")):
        mae = 1000 * (error["student"] - error["label"]).abs().mean()
        words = f"MAE {mae:,.0f} {unit}" if mae >= 100 else f"MAE {mae:.3g} {unit}"
        axes.text(0.97, 0.04, words, transform=axes.transAxes, ha="right", weight="bold")
    name = student.title_of_seed
    caption = told("parity", name=name, most=f"{MAX_POINTS:,}", all=len(forces) < MAX_POINTS)
    both = {"energy_eV_per_atom": energy, "force_eV_per_A": forces}
    alt = (
        f"Two scatter plots of {name}: energies of {len(energy)} frames and {len(forces)} force "
        "components against their labels, along the diagonal where they agree."
    )
    data = pd.concat([part.assign(quantity=quantity) for quantity, part in both.items()])
    file = f"parity_{student.label_set}_{student.name}_seed{student.seed}"
    return PageFigure(file, caption, alt, canvas, data)


def _scatter(run: Run, axes: Axes, found: pd.DataFrame, what: str, size: float) -> None:
    both = found[["label", "student"]].to_numpy()
    low, high = (both.min(), both.max()) if len(both) else (-1.0, 1.0)
    margin = 0.04 * (high - low) or 1.0
    axes.plot([low, high], [low, high], color=GREY, lw=1)
    for part in grouped(found, "source"):
        colour, marker = run.look(named(part, "source"))
        style: Any = {"s": size, "c": colour, "marker": marker, "alpha": 0.55, "lw": 0}
        axes.scatter(part["label"], part["student"], label=named(part, "source"), **style)
    limits = (low - margin, high + margin)
    axes.set(xlim=limits, ylim=limits, aspect="equal", xlabel=f"Label: {lower(what)}")
    axes.set_ylabel(f"Student: {lower(what)}")
