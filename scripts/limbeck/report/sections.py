"""What stands on the page, section by section."""

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

import yaml

from limbeck import __version__
from limbeck.report import answers, figures, student_figures, student_tables, tables, teacher_tables
from limbeck.report.collect import Run
from limbeck.report.words import Answer, caution

PACKAGES = (
    "torch numpy ase mace-torch orb-models chgnet torch-sim-atomistic rdkit pymatgen h5py"
).split()


@dataclass(frozen=True)
class Words:
    """A piece of text: kind is "text", "heading", "note" or "code"."""

    kind: str
    text: str


@dataclass(frozen=True)
class Fold:
    """Text that is shown when asked for."""

    title: str
    text: str
    kind: ClassVar[str] = "fold"


@dataclass(frozen=True)
class Question:
    """A question and what each potential or student answers."""

    question: str
    answers: list[Answer]
    kind: ClassVar[str] = "question"


@dataclass(frozen=True)
class Section:
    """A section of the page."""

    anchor: str
    title: str
    items: list[Any]


def sections_of(run: Run) -> list[Section]:
    """All sections, in order."""
    made = (_answer, _what_ran, _teachers, _label_spread, _students, _speed, _dynamics, _files)
    return [section(run) for section in made]


def _section(anchor: str, title: str, items: Iterable[Any]) -> Section:
    return Section(anchor, title, [item for item in items if item is not None])


def _answer(run: Run) -> Section:
    cautions = [caution(n, p["model"]) for n, p in run.settings["potentials"].items()]
    used = {s["potential"] for s in run.settings["labels"].values()}
    told = [
        Words("note", text)
        for name, text in zip(run.settings["potentials"], cautions, strict=True)
        if text and name in used
    ]
    return _section(
        "answer",
        "The answer",
        [
            Question("Did averaging over views make the labels better?", answers.averaging_of(run)),
            Question("Did the student keep the accuracy of its labels?", answers.accuracy_of(run)),
            Question("Did the warrant gap close?", answers.closing_of(run)),
            *told,
            Words("text", _HOW_TO_READ),
            figures.headline(run),
        ],
    )


_HOW_TO_READ = (
    "Numbers in brackets are 95 % intervals, from a bootstrap over roots (the structures that "
    "frames were made from), on test frames that no student saw. A verdict says that a whole "
    "interval lies on one side of zero: how sure the sign is, not whether the size matters. In "
    "expectation the mean of views is never worse than one view, whatever the model: what counts "
    "is by how much it is better, and whether it beats the answer for the frames as given."
)


def _what_ran(run: Run) -> Section:
    config = yaml.safe_dump(run.settings, sort_keys=False, allow_unicode=True, width=100)
    return _section(
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
        return _section("teachers", "Teachers", [Words("text", _NO_TEACHER)])
    return _section(
        "teachers",
        "Teachers: warrant gaps and errors",
        [
            Words("text", _GAP),
            teacher_tables.gaps(run.teachers),
            teacher_tables.gaps_by_source(run.teachers),
            teacher_tables.errors(run),
            teacher_tables.errors_by_source(run),
        ],
    )


_GAP = (
    "A physical answer cannot depend on how a system is presented. The warrant gap is the root "
    "mean square spread of a model's answers over views of the same structure, each brought back "
    "into the first frame: zero for a model that respects the symmetry. It needs no truth; in mean "
    "square it is the part of the error that averaging over views takes away."
)
_NO_TEACHER = "No gap of a teacher was asked for."


def _label_spread(run: Run) -> Section:
    nothing = Words("text", "No label set averages over views, so that labels have no spread.")
    return _section(
        "spread",
        "Spread of the labels",
        [figures.label_spread(run) or nothing, teacher_tables.spreads(run)],
    )


def _students(run: Run) -> Section:
    if not run.students:
        return _section("students", "Students", [Words("text", "No student was asked for.")])
    label_sets = dict.fromkeys(s.label_set for s in run.students)
    return _section(
        "students",
        "Students",
        [
            student_tables.side_by_side(run),
            student_tables.errors_by_source(run),
            Words("heading", "Learning curves"),
            *(student_figures.learning_curves(run, name) for name in label_sets),
            Words("heading", "Parity on the test frames"),
            *(student_figures.parity(run, s) for s in run.students),
        ],
    )


def _speed(run: Run) -> Section:
    nothing = Words("text", "Speeds were not asked for.")
    return _section("speed", "Speed", [figures.speed(run) or nothing, tables.speed(run)])


def _dynamics(run: Run) -> Section:
    nothing = Words("text", "No molecular dynamics was asked for.")
    return _section(
        "dynamics",
        "Molecular dynamics",
        [tables.dynamics(run) or nothing, figures.temperatures(run)],
    )


def _files(run: Run) -> Section:
    root = f"results/{run.settings['run']}"
    items: list[Any] = [Words("code", _where(run, root))]
    if run.students:
        first = run.students[0]
        path = f"{root}/students/{first.title}/seed{first.seed}"
        items.append(Words("text", "A student is an ASE calculator:"))
        items.append(Words("code", _USE.format(path=path)))
    return _section(
        "files",
        "Files, use, licences",
        [*items, Words("heading", "Licences and citations"), tables.models(run)],
    )


_USE = """from ase.io import read
from limbeck import load_student

atoms = read("my.xyz")
atoms.calc = load_student("{path}")
print(atoms.get_potential_energy(), atoms.get_forces())"""


def _where(run: Run, root: str) -> str:
    lines = [
        f"{root}/selected/*.h5   the frames",
        f"{root}/labels/{{label set}}/*.h5   their labels",
    ]
    if run.students:
        lines.append(
            f"{root}/datasets/{{label set}}/{{train,valid,test}}.{{h5,extxyz}}   to take away"
        )
        lines.append(
            f"{root}/students/{{label set}}/{{student}}/seed{{n}}/   model, card.md, use_me.py"
        )
    lines.append(f"{root}/warrant/   gaps and errors as JSON")
    lines.append(f"{root}/report/figures/*.png, tables/*.csv   everything on this page")
    width = max(line.index("   ") for line in lines)
    return "\n".join(f"{a:<{width}}   {b}" for a, b in (line.split("   ") for line in lines))
