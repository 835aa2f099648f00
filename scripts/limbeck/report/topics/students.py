"""Students: what they are worth beside their labels, how they learned, and where they are wrong."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from limbeck.config.sections.datasets import TESTS
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate
from limbeck.geometry import composition
from limbeck.labels import concatenate_labels, select_labels
from limbeck.properties import PRODUCTS
from limbeck.report.page import cols
from limbeck.report.page.figure import COLOURS, GREY, WIDTH, PageFigure, plain
from limbeck.report.page.items import Section, Words, section
from limbeck.report.page.prose import lower, prose
from limbeck.report.page.table import Table, grouped, named, table
from limbeck.report.run.bars import bars_of
from limbeck.report.run.committee import committees
from limbeck.report.run.folder import Run
from limbeck.report.run.gap import UNKNOWN, MeasuredGap, of_teachers
from limbeck.report.run.student import Student, by_title, students_of
from limbeck.report.topics import labels, speed
from limbeck.report.topics.gaps import overview_table
from limbeck.storage import read_frames, read_labels
from limbeck.warrant.judgement import verdict
from limbeck.warrant.statistics import TINY, digits, estimate_of
from limbeck.warrant.tidy import SIZES

#: Most points of one panel; more would hide each other and swell the file.
MAX_POINTS = 20_000

told = prose("students")

#: as columns of tables have it
CHEMISTRY = dict(zip(TESTS, ("known", "new"), strict=True))
QUANTITIES = ("energy", "forces", "stress")
FLOOR = "floor of conservative ones"
LEARNED_NOTHING = {"constant": "constant", "by_compound": "mean of each compound"}


def parts_of(run: Run) -> Iterator[Section]:
    """The section of the students."""
    found = run.once(students_of)
    if not found:
        return
    first = list({s.title: s for s in reversed(found)}.values())[::-1]
    by_label_set = {s.label_set: [m for m in found if m.label_set == s.label_set] for s in found}
    items: list[Any] = [side_by_side_table(run, by_label_set), bars_table(run)]
    items += [by_source_table(found), breakdown_table(run, first)]
    items += [overview_table([s.gaps for s in first], "student_gaps")]
    items += [committee_table(run, found)]
    items += [Words("heading", "Learning curves")]
    items += [curves_figure(name, members) for name, members in by_label_set.items()]
    items += [Words("heading", "Parity on the test frames")]
    # One seed of each: the others look alike, and would swell the page.
    items += [parity_figure(run, s) for s in first]
    yield section("students", "Students", items)


def side_by_side_table(run: Run, found: dict[str, list[Student]]) -> Table | None:
    """Teacher and students side by side, for each label set."""
    rows = [
        row
        for members in found.values()
        for test in members[0].tests
        for row in _rows(run, members, test)
    ]
    symmetries = [s for s in ("rotation", "reflection") if any(s in row for row in rows)]
    versus = {"forces_reference": f"Forces vs {run.reference}, meV/Å"} if run.reference else {}
    timed = cols.estimate(faster="Speed-up, times")
    columns = [
        *cols.text(model="Model", chemistry="Chemistry"),
        *cols.count(parameters="Parameters"),
        *cols.groups(),
        *cols.estimate(energy_labels="Energy vs labels, meV/atom"),
        *cols.estimate(forces_labels="Forces vs labels, meV/Å", **versus),
        *cols.estimate(rmse="RMS force error vs labels, meV/Å"),
        *cols.estimate(**{s: f"{s.capitalize()} gap, meV/Å" for s in symmetries}),
        *(timed if run.once(speed.speed_ups) else []),
    ]
    sets = {name: atoms for name in found if (atoms := undetermined(run, name))}
    return table(
        "students", told("side_by_side", undetermined=sets), columns, rows, group="label_set"
    )


def bars_table(run: Run) -> Table | None:
    """What is asked of each student, and what it reached."""
    rows = []
    for title, seeds in run.once(by_title).items():
        bars = bars_of(run, seeds)
        rows += [vars(each) | {"student": title} for each in bars]
        rows.append({"student": title, "name": "all of these", "outcome": verdict(bars)})
    columns = cols.text(name="Asked", outcome="Outcome", why="Because")
    columns[1:1] = cols.estimate(own="Student, meV/Å", most="At most, meV/Å")
    filled = [{"own": UNKNOWN, "most": UNKNOWN, "why": ""} | row for row in rows]
    return table("student_bars", told("bars"), columns, filled, folded=True, group="student")


#: in ``by`` of ``metrics.json``
BY = {"sampling": "Sampling", "size": "Atoms", "element": "Element"}


def breakdown_table(run: Run, first: Sequence[Student]) -> Table | None:
    """Errors of one seed of each student by sampling, size and element."""
    rows = []
    for s in first:
        metrics = run.json(f"{s.folder}/metrics.json")
        for test, (by, heading) in product(s.tests, BY.items()):
            for name, part in metrics[test].get("by", {}).get(by, {}).items():
                row = {"student": s.title_of_seed, "chemistry": CHEMISTRY[test]}
                row |= {"by": heading, "name": name, **{n: part[n] for n in SIZES}}
                rows.append(row | {q: estimate_of(part.get(q)) for q in ("forces", "energy")})
    columns = cols.text(chemistry="Chemistry", by="By", name="Which") + cols.groups()
    columns += cols.estimate(forces="Forces, meV/Å", energy="Energy, meV/atom")
    caption = told("breakdown")
    return table("student_errors_by", caption, columns, rows, folded=True, group="student")


def _rows(run: Run, members: list[Student], test: str) -> Iterator[dict[str, Any]]:
    """The labels of one label set, the students that learned from them, and two that did not, on
    one test set; what is of no test set stands beside the first alone."""
    first, faster = members[0], run.once(speed.speed_ups)
    label_sets = run.once(labels.label_sets).set_index("label_set")
    potential, views = map(str, label_sets.loc[first.label_set, ["potential", "views"]])
    teachers = {teacher.name: teacher.gaps for teacher in run.once(of_teachers)}
    names: dict[str, Any] = {"label_set": first.label_set, "chemistry": CHEMISTRY[test]}
    names |= first.counts(test=test)
    is_first = test == first.tests[0]

    def beside(name: str, gaps: dict[str, MeasuredGap]) -> dict[str, Any]:
        found: dict[str, Any] = {name: gap.value for name, gap in gaps.items()}
        found["faster"] = faster.get((name, potential), UNKNOWN)
        return found if is_first else {}

    yield {
        **names,
        "model": f"labels ({potential}, {views})",
        "forces_reference": first.error("reference", kind="labels", test=test),
        **beside(potential, teachers.get(potential, {})),
    }
    for s in members:
        yield {
            **names,
            "model": f"{s.name}, seed {s.seed}",
            "parameters": s.training.parameters if is_first else None,
            "energy_labels": s.error("labels", "energy", test=test),
            "forces_labels": s.error("labels", test=test),
            "rmse": s.forces("rmse", test=test),
            "forces_reference": s.error("reference", test=test),
            **beside(f"{s.title}/seed{s.seed}", s.gaps.by_seed[s.seed]),
        }
    for kind, called in LEARNED_NOTHING.items():
        known = {q: first.error("labels", q, "", kind, test) for q in ("energy", "forces")}
        if known["energy"].known:
            rmse = {"rmse": first.forces("rmse", kind=kind, test=test)}
            yield names | {"model": called} | {f"{q}_labels": v for q, v in known.items()} | rmse
    if is_first and first.floor.known:
        yield {"label_set": first.label_set, "model": FLOOR, "chemistry": "", "rmse": first.floor}


def by_source_table(found: Sequence[Student]) -> Table | None:
    """Errors of the students against their labels, by source."""
    rows: list[dict[str, Any]] = [
        {"label_set": s.label_set, "student": s.name, "seed": s.seed, "source": source}
        | {"chemistry": CHEMISTRY[test]}
        | s.counts(source, test)
        | {f"{q}_labels": s.error("labels", q, source, test=test) for q in QUANTITIES}
        | {"rms": s.errors(test)[source].rms, "share": s.errors(test)[source].share}
        | {"by_compound": s.errors(test)[source].by_compound}
        | {"cosine": s.forces("cosine", source, test=test)}
        | {PRODUCTS: s.error("labels", PRODUCTS, source, test=test)}
        | {"curvature": s.relative_of(PRODUCTS, source, test)}
        for s in found
        for test in s.tests
        for source in s.sources(test)
    ]
    columns = cols.text(student="Student") + cols.count(seed="Seed")
    columns += cols.text(chemistry="Chemistry", source="Source") + cols.groups()
    columns += cols.estimate(forces_labels="Forces, meV/Å")
    columns += cols.count(rms="RMS force component, meV/Å")
    columns += cols.shown(cols.in_percent, share="Share")
    columns += cols.estimate(cosine="Cosine")
    columns += cols.estimate(energy_labels="Energy, meV/atom")
    columns += cols.digits(by_compound="By the compound's mean")
    if any(s.error("labels", "stress", test=test).known for s in found for test in s.tests):
        columns += cols.estimate(stress_labels="Stress, GPa")
    if any(s.error("labels", PRODUCTS, test=test).known for s in found for test in s.tests):
        columns += cols.estimate(**{PRODUCTS: "Hessian products, eV/Å²"})
        columns += cols.estimate(curvature="RMS error over theirs")
    name, caption = "student_errors_by_source", told("by_source")
    return table(name, caption, columns, rows, folded=True, group="label_set")


def committee_table(run: Run, found: Sequence[Student]) -> Table | None:
    """Of students of several seeds: whether their spread says how wrong their mean is."""
    columns = [
        *cols.text(student="Student", chemistry=("Chemistry", lambda row: CHEMISTRY[row["set"]])),
        *cols.count(seeds="Seeds", atoms="Atoms"),
        *cols.estimate(rank="Rank correlation of spread and error"),
        *cols.digits(spread="Spread, meV/Å", error="Error of the mean, meV/Å"),
        *cols.digits(alone="Error of one, meV/Å"),
    ]
    return table("committees", told("committees"), columns, committees(run, found))


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
        best = s.curve.iloc[s.training.best_epoch - 1]
        for axes, key in ((left, "valid_loss"), (right, "valid_forces_mae_meV_per_A")):
            axes.plot(best["epoch"], best[key], "o", color=look["color"], ms=6, zorder=3)
    for i, name in enumerate(names):
        left.plot([], [], color=COLOURS[i % len(COLOURS)], label=name)
    for axes, label in ((left, "Loss, no unit"), (right, "Validation force MAE, meV/Å")):
        axes.set(yscale="log", xlabel="Epoch", ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        plain(axes.yaxis)
    left.legend()
    lowest = [
        f"{s.name}{'' if s.alone else f', seed {s.seed}'} "
        f"{digits(s.curve['valid_forces_mae_meV_per_A'].min())}"
        for s in members
    ]
    kept = [
        f"{s.name}{'' if s.alone else f', seed {s.seed}'} {s.training.best_epoch} "
        f"of {s.training.epochs}{'' if s.training.as_planned else f' ({s.training.ended})'}"
        for s in members
    ]
    alt = f"Line plots over epochs; lowest validation force errors in meV/Å: {', '.join(lowest)}."
    data = pd.concat([s.curve.assign(student=s.name, seed=s.seed) for s in members])
    caption = told("curves", label_set=label_set, kept=kept)
    return PageFigure(f"learning_{label_set}", caption, alt, canvas, data)


def points(run: Run, student: Student) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labels and answers on the test frames: energies less the elements', and force components.

    Raises:
        LimbeckError: the predictions are of other frames than the test set.
    """
    dataset = f"datasets/{student.label_set}"
    training, *tests = (run.path(f"{dataset}/{part}.h5") for part in ("train", *TESTS))
    path = run.path(f"students/{student.title}/seed{student.seed}/predictions.h5")
    label = concatenate_labels([read_labels(test, student.label_set) for test in tests])
    answer = read_labels(path, "student")
    if not np.array_equal(label.id, answer.id):
        raise LimbeckError(f"{path}: not the frames of {' and '.join(map(str, tests))}, in order")
    answered = np.flatnonzero(answer.status == 0)  # not those of an element it never saw
    frames = concatenate([read_frames(test) for test in tests]).select(answered)
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
        words = f"MAE {digits(mae)} {unit}"
        if axes is left:
            words += f"\nof which offset {_signed(offset_of(error))}"
        axes.text(0.97, 0.04, words, transform=axes.transAxes, ha="right", weight="bold")
    name = student.title_of_seed
    sources = grouped(energy, "source")
    caption = told(
        "parity",
        name=name,
        most=f"{MAX_POINTS:,}",
        all=len(forces) < MAX_POINTS,
        offsets=[f"{named(p, 'source')} {_signed(offset_of(p))}" for p in sources],
        undetermined=undetermined(run, student.label_set),
    )
    both = {"energy_eV_per_atom": energy, "force_eV_per_A": forces}
    alt = (
        f"Two scatter plots of {name}: energies of {len(energy)} frames and {len(forces)} force "
        "components against their labels, along the diagonal where they agree."
    )
    data = pd.concat([part.assign(quantity=quantity) for quantity, part in both.items()])
    file = f"parity_{student.label_set}_{student.name}_seed{student.seed}"
    return PageFigure(file, caption, alt, canvas, data)


def offset_of(energy: pd.DataFrame) -> float:
    """How far the student's energies are above the labels on average, meV/atom.

    It cancels in differences of the energies of one compound, and not between compounds.
    """
    return 1000 * float((energy["student"] - energy["label"]).mean())


def _signed(value: float) -> str:
    return "+" * (value >= TINY) + digits(value) if abs(value) >= TINY else "0"


def undetermined(run: Run, label_set: str) -> str:
    """Elements whose energies the training frames do not tell apart, as ``Li, F``."""
    found = run.once(labels.label_sets).set_index("label_set")
    return str(found.loc[label_set, "undetermined"])


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
