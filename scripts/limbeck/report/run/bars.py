"""What is asked of each student, and what it reached: ``warrant.bars`` of the config."""

from collections.abc import Iterator, Sequence

from limbeck.config.plan import teachers
from limbeck.report.run.folder import Run
from limbeck.report.run.gap import UNKNOWN, forces_of, of_teachers
from limbeck.report.run.student import Student
from limbeck.warrant.judgement import NOT_MEASURED, Bar, bar, not_asked, outcome
from limbeck.warrant.statistics import Estimate, over_seeds
from limbeck.warrant.tidy import pick


def bars_of(run: Run, seeds: Sequence[Student]) -> list[Bar]:
    """The bars of one student, over all its seeds, on known chemistry where it was tested there."""
    return [constant(seeds), gap(run, seeds), *_against_reference(run, seeds)]


def constant(seeds: Sequence[Student]) -> Bar:
    """Forces better than none."""
    test = seeds[0].tests[0]
    own = over_seeds([s.error("labels", test=test) for s in seeds])
    nothing = over_seeds([s.error("labels", kind="constant", test=test) for s in seeds])
    less = over_seeds([s.error("constant_excess", test=test) for s in seeds])
    found = outcome(less)
    why = "it was not compared with one, frame by frame" if found == NOT_MEASURED else ""
    return Bar("force error at most a constant's", own, nothing, found, why=why)


def gap(run: Run, seeds: Sequence[Student]) -> Bar:
    """A smaller rotation gap than the teacher's, where it has one."""
    name = f"rotation gap at most {(most := run.config.warrant.bars.gap):g} of the teacher's"
    potential = run.config.labels[seeds[0].label_set].potential
    if potential is None:
        return not_asked(name, "its labels are from a file")
    own = forces_of(seeds[0].gaps.gaps.get("rotation"))
    why = _not_among_teachers(run, potential)
    if why:
        return bar(name, own, UNKNOWN, most, why)
    (teacher,) = (each for each in run.once(of_teachers) if each.name == potential)
    found = teacher.gaps.get("rotation")
    if teacher.about.get("equivariant") or (found and found.is_closed):
        return not_asked(name, f"{potential} has none to be beaten")
    asked = "rotation" in run.config.warrant.symmetries
    why = "" if asked else "rotation is not among warrant.symmetries"
    return bar(name, own, forces_of(found), most, why)


def _not_among_teachers(run: Run, potential: str) -> str:
    measured = potential in teachers(run.config)
    return "" if measured else f"{potential} is not among warrant.teachers"


def _against_reference(run: Run, seeds: Sequence[Student]) -> Iterator[Bar]:
    first, asked = seeds[0], run.config.warrant.bars
    near = f"error against the reference at most {asked.error:g} times its labels'"
    one = f"error in a random view at most {asked.one_view:g} times its teacher's"
    if why := _without_reference(run, first.label_set):
        yield from (not_asked(near, why), not_asked(one, why))
        return
    test = first.tests[0]
    own = over_seeds([s.error("reference", test=test) for s in seeds])
    labels = first.error("reference", kind="labels", test=test)
    yield bar(near, own, labels, asked.error)
    potential = run.config.labels[first.label_set].potential
    if potential is None:
        yield not_asked(one, "its labels are from a file")
        return
    why = _not_among_teachers(run, potential)
    teacher = UNKNOWN if why else _in_a_random_view(run, f"teachers/{potential}")
    own = _in_a_random_view(run, f"students/{first.title}")
    yield bar(one, own, teacher, asked.one_view, why)


def _without_reference(run: Run, label_set: str) -> str:
    """Why there is nothing to be compared with; "" where there is."""
    if run.reference is None:
        return "there is no reference"
    if run.reference == label_set:
        return "its labels are the reference"
    own, truth = (run.config.labels[name].potential for name in (label_set, run.reference))
    return "its teacher is the reference" if own is not None and own == truth else ""


def _in_a_random_view(run: Run, whose: str) -> Estimate:
    """Mean absolute force error against the reference, meV/Angstrom."""
    names = {"quantity": "forces", "statistic": "mae_random"}
    return pick(run.figures(f"warrant/{whose}.csv"), names)
