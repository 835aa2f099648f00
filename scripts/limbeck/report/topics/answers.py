"""Three questions, put to the teachers and students of a run where its config asks them.

A verdict follows the sign of an interval and nothing else: where it includes zero, the answer is
"cannot tell", however good the number in its middle looks.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from limbeck.config.plan import teachers
from limbeck.config.written import DatasetCounts
from limbeck.datasets.split import in_training
from limbeck.report.page import items
from limbeck.report.page.figure import BLUE, ORANGE, WIDTH, PageFigure, named_rows, plain
from limbeck.report.page.items import Answer, Question, Section, Words, paragraph, section
from limbeck.report.page.prose import UNIT, groups_in_words, lower, prose, why
from limbeck.report.run.folder import Run
from limbeck.report.run.gap import ROUNDING, UNKNOWN, forces_of, of_teachers
from limbeck.report.run.student import by_title, students_of
from limbeck.report.topics import labels
from limbeck.report.topics.gaps import ERRORS, read_errors
from limbeck.storage import read_frames
from limbeck.warrant.judgement import USELESS
from limbeck.warrant.statistics import TINY, Estimate, over_seeds

told = prose("answers")

#: A gain of the labels below this share of the student's error does not matter to it. More than
#: all of a label's error never passes into a student, and in docs/when_to_average.md far less does.
MATTERS = 0.1


def parts_of(run: Run) -> Iterator[Section]:
    """The section of the questions that the config asks; none where it asks none."""
    asked = [
        Question(told("question_averaging"), averaging_of(run)),
        Question(told("question_accuracy"), accuracy_of(run)),
        Question(told("question_closing"), closing_of(run)),
    ]
    found = [question for question in asked if question.answers]
    if found:
        rest = [paragraph(told("how_to_read")), headline_figure(run)]
        yield section("questions", "What was asked", [*found, *rest])


def cautions(run: Run) -> list[Words]:
    """What has to be said beside the numbers of a potential: the small Orb is not orb-v2."""
    models = {name: run.config.potentials[name].model for name in teachers(run.config)}
    small = [name for name, model in models.items() if model == "orb"]
    notes = [Words("note", told("small_orb", name=name)) for name in small]
    notes += labels.file_cautions(run)
    return notes + [Words("note", words) for words in _not_unseen(run)]


def unread(run: Run) -> Iterator[Words]:
    """Charged and open-shell frames that students learn from, who see the atoms alone."""
    for name in dict.fromkeys(entry.labels for entry in run.config.distill):
        frames = read_frames(run.path(f"datasets/{name}/train.h5"))
        charged, open_shell = (int((values != 0).sum()) for values in (frames.charge, frames.spin))
        if charged or open_shell:
            counts = {"charged": charged, "open": open_shell, "frames": len(frames)}
            yield Words("note", told("unread", name=name, **counts))


def _not_unseen(run: Run) -> Iterator[str]:
    """Test groups whose chemistry is in training all the same, and epochs chosen by root."""
    if run.config.dataset.split_by != "group":
        return
    for name in dict.fromkeys(entry.labels for entry in run.config.distill):
        counts = run.written(DatasetCounts, f"datasets/{name}/counts.json")
        if counts.near_copies:
            yield f"{name}: {in_training(counts.near_copies)}."
        by_root = [source for source, by in counts.validated_by.items() if by == "root"]
        if by_root:
            yield told("validated_by_root", name=name, sources=", ".join(by_root))


def _over(counts: Mapping[Any, Any]) -> str:
    groups = groups_in_words(counts)
    return " " + told("over", groups=groups) if groups else ""


def averaging_of(run: Run) -> list[Answer]:
    """One answer for each teacher but the reference itself."""
    found = run.once(read_errors).to_dict("records")
    return [
        averaging(row["subject"], str(run.reference), row, _best_student(run, row["subject"]))
        for row in found
        if row["source"] == ""
    ]


def _best_student(run: Run, potential: str) -> tuple[str, Estimate] | None:
    """Title and force error against the reference of the best student of a teacher's labels."""
    found = [
        (title, over_seeds([s.error("reference") for s in members]))
        for title, members in run.once(by_title).items()
        if members[0].label_set != run.reference
        and run.config.labels[members[0].label_set].potential == potential
    ]
    known = [one for one in found if one[1].known]
    return min(known, key=lambda one: one[1].value) if known else None


def averaging(
    potential: str,
    reference: str,
    found: Mapping[Any, Any],
    student: tuple[str, Estimate] | None,
) -> Answer:
    """Does it matter to the student that averaging over views makes labels better?

    That it makes them better is no question: by convexity the mean of views is never worse than
    one view, on average. It matters where the gain is surely more than :data:`MATTERS` of the
    student's own error.

    Args:
        found: force errors against the reference by their statistic, ``mae_random``, ...; the gain
            is that of one random view less that of the mean of 24, paired by group.
        student: the teacher's best, and its force error; None where there is none.
    """
    own, one, mean, gain = (found[f"mae_{kind}"] for kind in ERRORS)
    if not gain.known:
        return Answer(potential, items.NOT_MEASURED, told("no_labels_of_reference"))
    if max(abs(gain.low), abs(gain.high)) < ROUNDING:
        words = told("averaging_no_gap", reference=reference, mean=mean) + _over(found)
        return Answer(potential, items.NO_GAP, words)
    title, error = student or ("", UNKNOWN)
    more = gain.less(error.times(MATTERS)) if error.known else UNKNOWN
    values = {"reference": reference, "gain": gain, "own": own, "one": one, "mean": mean}
    against_given = own.less(mean).sign
    words = told(
        "averaging",
        **values,
        share=f"{gain.value / one.value:.0%}" if one.value else "",
        against_given=against_given,
        student=title,
        error=error,
        matters=more.sign,
        fraction=f"{MATTERS:.0%}",
        why=why(more),
    )
    words += _over(found)
    worse_than_given = more.sign > 0 and against_given < 0
    return Answer(potential, items.PARTLY if worse_than_given else items.VERDICT[more.sign], words)


def accuracy_of(run: Run) -> list[Answer]:
    """One answer for each student, over its seeds, where there is another reference than its
    labels."""
    found = []
    for title, members in run.once(by_title).items():
        if run.reference in (None, members[0].label_set):
            continue
        labels = over_seeds([s.error("reference", kind="labels") for s in members])
        own = over_seeds([s.error("reference") for s in members])
        loss = over_seeds([s.error("reference_excess") for s in members])
        reference = str(run.reference)
        found.append(accuracy(title, reference, labels, own, loss, members[0].counts()))
    return found


def accuracy(
    student: str,
    reference: str,
    labels: Estimate,
    own: Estimate,
    loss: Estimate,
    counts: Mapping[Any, Any],
) -> Answer:
    """Did the student keep the accuracy of its labels?

    Args:
        reference: name of the label set both are measured against.
        labels: force error of the labels against it, meV/Angstrom.
        own: that of the student.
        loss: the student's less the labels', paired by group.
        counts: of the frames, roots and groups that these are of.
    """
    if not loss.known:
        return Answer(student, items.NOT_MEASURED, told("no_good_label", reference=reference))
    share = f", {abs(loss.value) / labels.value:.0%} of theirs" if labels.value > ROUNDING else ""
    values = {"share": share, "why": why(loss), "labels": labels, "own": own}
    words = told("accuracy", reference=reference, loss=loss, gain=-loss, **values) + _over(counts)
    return Answer(student, items.VERDICT[-loss.sign], words)


def closing_of(run: Run) -> list[Answer]:
    """One answer for each student of a potential, over its seeds, from the first symmetry asked."""
    symmetries = run.config.warrant.symmetries
    of_potential = {each.name: each.gaps for each in run.once(of_teachers)}
    found = []
    for title, (first, *_) in run.once(by_title).items() if symmetries else ():
        gaps = of_potential.get(run.config.labels[first.label_set].potential or "")
        if gaps is None:
            continue
        teacher, own = (of.get(symmetries[0]) for of in (gaps, first.gaps.gaps))
        counts, useless = own.entry if own else {}, first.word == USELESS
        gap = forces_of(teacher), forces_of(own)
        found.append(closing(title, *gap, symmetries[0], counts, useless=useless))
    return found


def closing(
    student: str,
    teacher: Estimate,
    own: Estimate,
    symmetry: str,
    counts: Mapping[Any, Any],
    *,
    useless: bool = False,
) -> Answer:
    """Did the gap close? From the force gaps of teacher and student, meV/Angstrom.

    Args:
        counts: of the frames, roots and groups that the student's is of.
        useless: the student is no better than one who predicts nothing, who has no gap at all.
    """
    symmetry = symmetry.replace("_", " ")
    if not (teacher.known and own.known):
        return Answer(student, items.NOT_MEASURED, told("gap_of_both", symmetry=symmetry))
    change = teacher.less(own)
    closed = change.sign > 0 and own.value < ROUNDING
    neither = max(teacher.value, own.value) < ROUNDING
    left = f"{own.value / teacher.value:.0%}" if teacher.value else ""
    values = {"closed": closed, "neither": neither, "left": left, "why": why(change)}
    values |= {"useless": useless and change.sign >= 0}
    gaps = {"teacher": teacher, "own": own, "change": change}
    words = told("closing", symmetry=symmetry, **values, **gaps) + _over(counts)
    if neither or closed:
        no_merit = neither or useless
        return Answer(student, items.NO_GAP if no_merit else items.YES, words)
    return Answer(student, items.PARTLY if change.sign > 0 else items.VERDICT[change.sign], words)


ERROR_AXIS = "Force error vs reference (MAE), meV/Å"
GAP_AXIS = "Rotation gap of forces (RMS), meV/Å"
Points = list[tuple[str, Estimate, str]]


def headline_figure(run: Run) -> PageFigure | None:
    """Errors against the reference and rotation gaps of teachers and students, side by side."""
    both = {ERROR_AXIS: error_points(run), GAP_AXIS: gap_points(run)}
    panels = {label: known for label, p in both.items() if (known := [x for x in p if x[1].known])}
    if not panels:
        return None
    canvas = Canvas(figsize=(WIDTH, 1.1 + 0.3 * max(map(len, panels.values()))))
    for i, (label, points) in enumerate(panels.items()):
        _forest(canvas.add_subplot(1, len(panels), i + 1), points, label)
    sides = ("left, ", "right, ") if len(panels) > 1 else ("",)
    drawn = "; ".join(side + lower(label) for side, label in zip(sides, panels, strict=True))
    rows = [(label, *point[:2]) for label, points in panels.items() for point in points]
    alt = f"Dots with intervals. {'; '.join(f'{n} {v.text(UNIT)}' for _, n, v in rows)}"
    keys, caption = ("quantity", "model", "value"), told("headline", drawn=drawn, tiny=TINY)
    data = pd.DataFrame([dict(zip(keys, row, strict=True)) for row in rows])
    return PageFigure("headline", caption, alt, canvas, data, vector=True)


def error_points(run: Run) -> Points:
    """Of the teachers in three ways to ask, and of the students."""
    points = [
        (f"{row['subject']}, {ERRORS[kind].lower()}", row[f"mae_{kind}"], BLUE)
        for row in run.once(read_errors).to_dict("records")
        if row["source"] == ""
        for kind in ("as_given", "random", "averaged")
    ]
    students = run.once(students_of)
    return points + [(s.title_of_seed, s.error("reference"), ORANGE) for s in students]


def gap_points(run: Run) -> Points:
    """Of teachers and students, all seeds of one together."""
    teachers, students = run.once(of_teachers), {s.title: s.gaps for s in run.once(students_of)}
    measured = {each.name: (each, BLUE) for each in teachers}
    measured |= {title: (gaps, ORANGE) for title, gaps in students.items()}
    return [(n, forces_of(each.gaps.get("rotation")), c) for n, (each, c) in measured.items()]


def _forest(axes: Axes, points: Points, label: str) -> None:
    """One row per model; logarithmic where the values span more than a factor of 30."""
    values = np.array([v.value for _, v, _ in points])
    log = values.min() > 0 and values.max() > 30 * values.min()
    floor = TINY if log else -np.inf  # what is smaller is rounding, and would rule the axis
    for row, (_, v, colour) in enumerate(points):
        ends = [max(v.low, floor), max(v.high, floor)]
        axes.plot(ends, [row, row], color=colour, lw=2, solid_capstyle="round")
        axes.plot(max(v.value, floor), row, "o", color=colour, ms=6)
    named_rows(axes, [name for name, *_ in points])
    axes.set_xlabel(label)
    if log:
        axes.set_xscale("log")
        plain(axes.xaxis)
    else:
        highest = max(np.nanmax([v.value, v.high]) for _, v, _ in points)
        axes.set_xlim(0, 1.06 * highest or 1)
