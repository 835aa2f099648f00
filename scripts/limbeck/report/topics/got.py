"""The first card: the data sets and students that a run made, what they are worth, what is next."""

from collections.abc import Iterable, Iterator, Sequence
from math import nan
from typing import get_args

import numpy as np

from limbeck.config.sections.datasets import TESTS
from limbeck.config.sections.students import StudentSettings
from limbeck.report.page import cols
from limbeck.report.page.items import Answer, Question, Section, section
from limbeck.report.page.prose import UNIT, counted, groups_in_words, prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run
from limbeck.report.run.gap import UNKNOWN, forces_of, of_teachers
from limbeck.report.run.student import Student, by_title
from limbeck.report.topics import answers, comparison, labels, speed
from limbeck.report.topics.speed import payback
from limbeck.warrant.judgement import (
    CALMER,
    GOOD,
    GOOD_ENERGIES,
    GOOD_FORCES,
    LARGER,
    MORE_EPOCHS,
    USELESS,
    WORDS,
    TestErrors,
    at_end,
)
from limbeck.warrant.statistics import Estimate, digits, over_seeds

told = prose("got")

#: what a student learns: its name, and the unit of its errors
LEARNED = {"energy": ("energies", "meV/atom"), "forces": ("forces", UNIT)}
#: columns of the two questions
CHEMISTRY = dict(zip(TESTS, ("Known chemistry", "New chemistry"), strict=True))


def parts_of(run: Run) -> Iterator[Section]:
    """The section of what the run made."""
    students, compared = run.once(by_title), comparison.by_label_set(run)
    made = [
        of_student(run, title, seeds, brief=seeds[0].label_set in compared)
        for title, seeds in students.items()
    ]
    made += [data_set(run, name) for name in run.config.labels]
    # of many students of one label set, the comparison has all of this in fewer lines
    alone = {t: seeds for t, seeds in students.items() if seeds[0].label_set not in compared}
    items = [Question("", made), table_of(alone), *answers.cautions(run), *answers.unread(run)]
    yield section("answer", "What you got", items)


def data_set(run: Run, name: str) -> Answer:
    """A labelled data set: its size, and where it is."""
    found = run.once(labels.label_sets).set_index("label_set").loc[name]
    words = told(
        "data_set",
        by=found["potential"],
        views=found["views"],
        passed=found["passed"],
        undetermined=found["undetermined"],
        **{part: found[part] for part in ("train", "valid", *TESTS)},
    )
    folder = f"results/{run.config.run}/datasets/{name}/"
    return Answer(name, "data set", words, (("Where", folder),))


def of_student(run: Run, title: str, seeds: Sequence[Student], *, brief: bool = False) -> Answer:
    """A student: the word, the numbers behind it, what to do next, its speed and its gap.

    Of several seeds the word is that of the worst.

    Args:
        brief: without what the comparison of students shows side by side.
    """
    word = min((s.word for s in seeds), key=WORDS.index)
    said = {
        "Next": "; ".join(next_of(run, seeds, word)),
        "Beware": told("worse", worse=worse_than_nothing(seeds)),
        "Speed": speed_of(run, seeds),
        "Pay-back": payback.line_of(run, [f"{s.title}/seed{s.seed}" for s in seeds]),
        "Symmetry": gap_of(run, seeds[0], useless=word == USELESS),
        "Where": " ".join(f"results/{run.config.run}/{s.folder}/" for s in seeds),
    }
    shown = ("Beware", "Where") if brief else said
    lines = tuple((term, words) for term, words in said.items() if words and term in shown)
    return Answer(title, word, verdict_in_words(seeds), lines)


def verdict_in_words(seeds: Sequence[Student]) -> str:
    """The numbers that the word goes by, and what is missing where it is not "good".

    Of several seeds errors and shares are means, and what is missing is that of the worst seed.
    """
    test = seeds[0].tests[0]
    parts = [s.errors(test) for s in seeds]
    forces, energy = (
        over_seeds([s.error("labels", q, test=test) for s in seeds]) for q in ("forces", "energy")
    )
    constant = {q: seeds[0].error("labels", q, kind="constant", test=test) for q in LEARNED}
    words = [s.word for s in seeds]
    each = sorted(part[""].forces for part in parts)
    return told(
        "student",
        chemistry=CHEMISTRY[test].lower(),
        forces=forces,
        energy=energy,
        share=_percent(_mean_share(part[""] for part in parts)),
        no_forces=f"{constant['forces'].value:,.0f}",
        no_shape=digits(constant["energy"].value),
        by_compound=_short(parts[0][""].by_compound),
        missing=missing(parts) if test == "test_known" else [],
        untested=test != "test_known",
        useless=USELESS in words,
        several=[f"{s.word} (seed {s.seed})" for s in seeds] if len(set(words)) > 1 else [],
        seeds=len(seeds),
        each=list(dict.fromkeys(digits(error) for error in (each[0], each[-1]))),
        frames=counted(seeds[0].training.train_frames, "frame"),
        hard=f"{100 * seeds[0].training.hard_share:g} %" if seeds[0].training.hard else "",
        over=groups_in_words(seeds[0].counts(test=test)),
    )


def missing(parts: Sequence[dict[str, TestErrors]]) -> list[str]:
    """What keeps a student from "good" in any of its seeds."""
    forces = [
        f"{source} {_percent(_worst(part[source] for part in parts)) or 'where they vanish'}"
        for source in parts[0]
        if source and not all(part[source].good_forces for part in parts)
    ]
    found = []
    if forces:
        most = _Share(GOOD_FORCES).text()
        now = ", ".join(forces) + ", in the worst seed" * (len(parts) > 1)
        found.append(f"forces within {most} of theirs in every source (now {now})")
    whole = [part[""] for part in parts]
    if not all(errors.good_energies for errors in whole):
        most = _short(GOOD_ENERGIES * whole[0].by_compound)
        found.append(f"energies within {most} meV/atom" if most else "a mean of each compound")
    return found


def _percent(value: float) -> str:
    """A share of the forces; "" where they vanish."""
    share = _Share(value)
    return share.text() if share.known else ""


def _mean_share(errors: Iterable[TestErrors]) -> float:
    """The mean over seeds of a share of the forces, NaN where they vanish, as by symmetry."""
    shares = [one.share for one in errors]
    return sum(shares) / len(shares)


def _worst(errors: Iterable[TestErrors]) -> float:
    """The largest share of the forces, NaN where all vanish."""
    return max((one.share for one in errors if one.share == one.share), default=nan)


def _short(value: float) -> str:
    return digits(value) if value == value else ""


def worse_than_nothing(seeds: Sequence[Student]) -> list[str]:
    """Where a student is worse than a constant, by test set, quantity and source; where it is so in
    all sources together, each is not named.

    A constant knows the composition alone: the energies of the elements, and no forces.
    """
    found = []
    for test in seeds[0].tests:
        for quantity in LEARNED:
            whole, *parts = (
                _worse(seeds, test, quantity, source) for source in ("", *seeds[0].sources(test))
            )
            found += [words for words in ([whole] if whole else parts) if words]
    return found


def _worse(seeds: Sequence[Student], test: str, quantity: str, source: str) -> str:
    more, own = (
        over_seeds([s.error(what, quantity, source, test=test) for s in seeds])
        for what in ("constant_excess", "labels")
    )
    if not more.value > 0:
        return ""
    name, unit = LEARNED[quantity]
    nothing = seeds[0].error("labels", quantity, source, "constant", test)
    return told(
        "worse_in",
        chemistry=CHEMISTRY[test].lower(),
        name=name,
        source=source,
        numbers=f"{own.value:,.0f} against {nothing.value:,.0f} {unit}",
        groups=groups_in_words(seeds[0].counts(source, test)),
        surely=more.sign > 0,
    )


def next_of(run: Run, seeds: Sequence[Student], word: str) -> Iterator[str]:
    """What would make a student better, from its learning curves and its size."""
    size = run.config.students[seeds[0].name].size
    largest = size == get_args(StudentSettings.model_fields["size"].annotation)[-1]
    if word == GOOD:
        yield told("good_enough", new="test_new" in seeds[0].tests)
        return
    asking = {step: s for s in reversed(seeds) for step in s.next_steps}  # the first that does
    for step in dict.fromkeys(step for s in seeds for step in s.next_steps):
        curve, found = asking[step].curve, asking[step].training
        if step == LARGER:
            yield told("larger", size=size, largest=largest)
        elif step == CALMER:
            loss = curve["valid_loss"].to_numpy()
            yield told("calmer", now=digits(at_end(loss)), lowest=digits(float(np.nanmin(loss))))
        elif step == MORE_EPOCHS:
            of_steps = run.config.students[seeds[0].name].steps
            yield told("more_epochs", best=found.best_epoch, epochs=found.epochs, steps=of_steps)
        else:
            train, valid = (at_end(curve[f"{p}_loss"].to_numpy()) for p in ("train", "valid"))
            yield told("more_frames", train=train, valid=valid)


def speed_of(run: Run, seeds: Sequence[Student]) -> str:
    """How fast a student is, beside the teacher; "" where speeds were not measured."""
    best = speed.best_of(run.once(speed.read)).set_index("name")["atoms_per_second"]
    names = [f"{s.title}/seed{s.seed}" for s in seeds]
    own = [best[name] for name in names if name in best]
    if not own:
        return ""
    potential = run.config.labels[seeds[0].label_set].potential or ""
    ups = run.once(speed.speed_ups)
    faster = over_seeds([ups[name, potential] for name in names if (name, potential) in ups])
    return told("speed", own=sum(own) / len(own), faster=faster, potential=potential)


def gap_of(run: Run, student: Student, *, useless: bool) -> str:
    """The first symmetry error that was asked for, beside the teacher's."""
    symmetries = run.config.warrant.symmetries
    own = forces_of(student.gaps.gaps.get(symmetries[0])) if symmetries else UNKNOWN
    if not own.known:
        return ""
    potential = run.config.labels[student.label_set].potential
    of = {each.name: each.gaps for each in run.once(of_teachers)}
    teacher = forces_of(of.get(str(potential), {}).get(symmetries[0]))
    name = symmetries[0].replace("_", " ")
    no_merit = useless and not own.value > teacher.value
    return told("gap", name=name, own=own, teacher=teacher, no_merit=no_merit)


class _Count(Estimate):
    """A number of things."""

    def text(self, unit: str = "") -> str:
        return f"{self.value:,.0f}"


class _Share(Estimate):
    """A fraction in percent."""

    def text(self, unit: str = "") -> str:
        return cols.in_percent(self.value)


def table_of(students: dict[str, list[Student]]) -> Table | None:
    """Known chemistry beside new chemistry: frames, forces and energies of each student."""
    rows = [
        {"student": title, "quantity": name}
        | {test: columns[test].get(name, UNKNOWN) for test in TESTS}
        for title, seeds in students.items()
        for columns in [{test: dict(_figures(seeds, test)) for test in TESTS}]
        for name in dict.fromkeys(name for found in columns.values() for name in found)
    ]
    columns = cols.text(quantity="Mean absolute errors against the labels")
    columns += cols.estimate(**CHEMISTRY)
    return table("what_you_got", told("table"), columns, rows, group="student")


def _figures(seeds: Sequence[Student], test: str) -> Iterator[tuple[str, Estimate]]:
    """Rows of one column, none where a test set is empty."""
    if test not in seeds[0].tests:
        return
    counts, parts = seeds[0].counts(test=test), [s.errors(test) for s in seeds]

    def error(quantity: str, kind: str = "student") -> Estimate:
        return over_seeds([s.error("labels", quantity, "", kind, test) for s in seeds])

    yield "Training frames", _Count(seeds[0].training.train_frames)
    yield "Test frames", _Count(counts["n_frames"])
    yield "Compounds, molecules or sizes of the test frames", _Count(counts["n_groups"])
    yield "Root mean square force component, meV/Å", Estimate(parts[0][""].rms)
    yield "Forces, meV/Å", error("forces")
    yield "as a share of their root mean square", _Share(_mean_share(part[""] for part in parts))
    of_sources = [_mean_share(part[source] for part in parts) for source in parts[0] if source]
    worst = max((share for share in of_sources if share == share), default=nan)
    yield "the same in the worst source", _Share(worst)
    yield "of a constant, which has no forces", error("forces", "constant")
    yield "Energies, meV/atom", error("energy")
    yield "of a constant, which knows the elements", error("energy", "constant")
    yield "of one who knows each compound's mean", error("energy", "by_compound")
    if (stress := error("stress")).known:
        yield "Stress, GPa", stress
        yield "Root mean square stress component, GPa", seeds[0].size("stress", test)
