"""What stands on the page, section by section."""

import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import yaml

from limbeck import __version__
from limbeck.config.plan import teachers
from limbeck.report import (
    answers,
    figures,
    gap_figures,
    gap_kinds,
    gap_tables,
    student_figures,
    student_tables,
    study,
    tables,
    teacher_tables,
    views,
)
from limbeck.report.collect import Run, Student
from limbeck.report.items import Fold, Question, Section, Words, section
from limbeck.report.sampling_sections import sampling_sections
from limbeck.report.words import caution
from limbeck.studies.words import answers as answers_of

PACKAGES = (
    "torch numpy ase mace-torch orb-models chgnet matgl tblite torch-sim-atomistic rdkit pymatgen "
    "h5py"
).split()


def sections_of(run: Run) -> list[Section]:
    """All sections, in order."""
    sections = [make(run) for make in _makers(run)]
    after = 1 + [section.anchor for section in sections].index("run")
    return [*sections[:after], *sampling_sections(run), *sections[after:]]


def _makers(run: Run) -> tuple[Callable[[Run], Section], ...]:
    if not run.settings["labels"]:
        return _GAPS_ALONE
    return (_study, *_ALL) if run.study else _ALL


def _study(run: Run) -> Section:
    found = run.study or {}
    return section(
        "study",
        "The study",
        [
            *(Words("text", sentence) for sentence in answers_of(found)),
            study.figure(found),
            study.arms(found),
            study.differences(found),
        ],
    )


def _gaps_alone(run: Run) -> Section:
    """The answer of a run that labels nothing and trains nothing."""
    return section("answer", "The answer", [_kept(run), *_overview(run), *_behind(run)])


def _kept(run: Run) -> Question:
    return Question(
        "Are the symmetries kept, and do the forces belong to an energy?",
        [gap_kinds.kept(t.name, t.gaps) for t in run.teachers],
    )


def _overview(run: Run) -> list[Any]:
    return [Words("text", _GAP), gap_figures.gaps(run.teachers), gap_tables.overview(run.teachers)]


def _behind(run: Run) -> list[Any]:
    makers = (
        gap_tables.symmetries,
        gap_tables.force_fields,
        gap_tables.by_source,
        gap_tables.left_out,
    )
    return [make(run.teachers) for make in makers]


def _answer(run: Run) -> Section:
    return section(
        "answer",
        "The answer",
        [
            Question("Did averaging over views make the labels better?", answers.averaging_of(run)),
            Question("Did the student keep the accuracy of its labels?", answers.accuracy_of(run)),
            Question("Did the warrant gap close?", answers.closing_of(run)),
            *_cautions(run),
            Words("text", _HOW_TO_READ),
            figures.headline(run),
        ],
    )


def _cautions(run: Run) -> list[Words]:
    told = {t: run.settings["potentials"][t]["model"] for t in teachers(run.settings)}
    notes = [caution(name, model) for name, model in told.items()]
    return [Words("note", text) for text in notes if text]


_HOW_TO_READ = (
    "Numbers in brackets are 95 % intervals, from a bootstrap over roots (the structures that "
    "frames were made from), on test frames that no student saw. A verdict says that a whole "
    "interval lies on one side of zero: how sure the sign is, not whether the size matters. In "
    "expectation the mean of views is never worse than one view, whatever the model: what counts "
    "is by how much it is better, and whether it beats the answer for the frames as given."
)


def _what_ran(run: Run) -> Section:
    config = yaml.safe_dump(run.settings, sort_keys=False, allow_unicode=True, width=100)
    return section(
        "run",
        "What ran",
        [
            tables.structures(run),
            tables.samplings(run),
            tables.labels(run),
            tables.refusals(run) or Words("text", "No structure was refused, no trajectory cut."),
            Fold("The resolved config, every default filled in", config),
            Fold("Versions and platform", _versions()),
        ],
    )


def _versions() -> str:
    lines = [f"limbeck {__version__}", f"Python {platform.python_version()}", platform.platform()]
    for name in PACKAGES:
        try:
            lines.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            lines.append(f"{name} not installed")
    return "\n".join(lines)


def _teachers(run: Run) -> Section:
    if not run.teachers:
        return section("teachers", "Teachers", [Words("text", _NO_TEACHER)])
    return section(
        "teachers",
        "Teachers: warrant gaps and errors",
        [
            _kept(run),
            *_overview(run),
            *_behind(run),
            teacher_tables.errors(run),
            teacher_tables.errors_by_source(run),
        ],
    )


_GAP = (
    "A physical answer cannot depend on how a system is presented. The warrant gap is the root "
    "mean square spread of a model's answers over views of the same structure, each brought back "
    "into the first frame: zero for a model that respects the symmetry. It needs no reference; in "
    "mean square it is the part of the error that averaging over these views takes away. Two gaps "
    "are no symmetry: the work of the forces around a closed path, and what lies between forces "
    "and the slope of the energy, are zero where the forces are the gradient of an energy. "
    "Uncertain is a gap whose interval reaches down to rounding or to the error of the "
    "arithmetic: there are too few structures, or it is there on few of them."
)
_NO_TEACHER = "No gap of a teacher was asked for."


def _label_spread(run: Run) -> Section:
    nothing = Words("text", "No label set averages over views, so that labels have no spread.")
    return section(
        "spread",
        "Views and spread of the labels",
        [
            *(Words("text", f"{name}: {found['reason']}") for name, found in run.choices.items()),
            views.choices(run),
            figures.label_spread(run) or nothing,
            teacher_tables.spreads(run),
            *([Words("heading", "Grids of views")] if run.certificates else []),
            views.convergence(run),
            views.certificates(run),
        ],
    )


def _students(run: Run) -> Section:
    if not run.students:
        return section("students", "Students", [Words("text", "No student was asked for.")])
    label_sets = dict.fromkeys(s.label_set for s in run.students)
    return section(
        "students",
        "Students",
        [
            student_tables.side_by_side(run),
            student_tables.errors_by_source(run),
            gap_tables.overview(run.measured_students, "student_gaps"),
            Words("heading", "Learning curves"),
            *(student_figures.learning_curves(run, name) for name in label_sets),
            Words("heading", "Parity on the test frames"),
            *(student_figures.parity(run, s) for s in _first_seeds(run)),
        ],
    )


def _first_seeds(run: Run) -> list[Student]:
    """One of each student: the others look alike, and would swell the page."""
    return list({s.title: s for s in reversed(run.students)}.values())[::-1]


def _speed(run: Run) -> Section:
    nothing = Words("text", "Speeds were not asked for.")
    return section("speed", "Speed", [figures.speed(run) or nothing, tables.speed(run)])


def _files(run: Run) -> Section:
    root = f"results/{run.settings['run']}"
    items: list[Any] = [Words("code", _where(run, root))]
    if run.students:
        first = run.students[0]
        path = f"{root}/students/{first.title}/seed{first.seed}"
        items.append(Words("text", "A student is an ASE calculator:"))
        items.append(Words("code", _USE.format(path=path)))
    return section(
        "files",
        "Files, use, licences",
        [
            *items,
            Words("heading", "Potentials, licences and citations"),
            tables.potentials(run),
            tables.licences(run),
        ],
    )


_USE = """from ase.io import read
from limbeck import load_student

atoms = read("my.xyz")
atoms.calc = load_student("{path}")
print(atoms.get_potential_energy(), atoms.get_forces())"""


def _where(run: Run, root: str) -> str:
    lines = [f"{root}/selected/*.h5   the frames"]
    if run.settings["labels"]:
        lines.append(f"{root}/labels/{{label set}}/*.h5   their labels")
    if run.students:
        lines.append(
            f"{root}/datasets/{{label set}}/{{train,valid,test}}.{{h5,extxyz}}   to take away"
        )
        lines.append(
            f"{root}/students/{{label set}}/{{student}}/seed{{n}}/   model, card.md, use_me.py"
        )
    if run.sampled.constants:
        lines.append(
            f"{root}/force_constants/{{name}}/{{source}}/{{shard}}/{{id}}/   phonopy's own files"
        )
    if len(run.sampled.clusters):
        lines.append(f"{root}/subsystems/{{name}}/{{sampling}}/{{source}}/*.h5   clusters")
    lines.append(f"{root}/warrant/   gaps and errors as JSON")
    lines.append(f"{root}/report/figures/, tables/*.csv   everything on this page")
    width = max(line.index("   ") for line in lines)
    return "\n".join(f"{a:<{width}}   {b}" for a, b in (line.split("   ") for line in lines))


_ALL = (_answer, _what_ran, _teachers, _label_spread, _students, _speed, _files)
#: of a run that labels nothing and trains nothing
_GAPS_ALONE = (_gaps_alone, _what_ran, _speed, _files)
