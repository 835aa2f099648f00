"""The plan of the house, see docs/architecture.md: what may import what, and how full a room is."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "scripts/limbeck"
#: Everything uses these, and they know of nothing but each other.
GROUND = {
    "errors": set(),
    "check": {"errors"},
    "config/sections": {"errors"},
    "config": {"check", "config/sections", "errors", "files"},
    "cli": {"check", "config", "config/sections", "errors"},
    "files": {"check", "errors"},
    "frames": {"errors"},
    "seeds": set(),
    "reasons": set(),
    "geometry": {"frames"},
    "properties": {"errors", "frames", "geometry"},
    "labels": {"errors", "frames", "properties", "reasons"},
    "storage": {"check", "errors", "files", "frames", "labels", "properties"},
}
#: wing -> wings it may import beside the ground floor. A new entry is a decision: an arrow of
#: the picture in docs/architecture.md.
WINGS = {
    "potentials": set(),
    "potentials/models": {"potentials", "potentials/repulsion"},
    "potentials/repulsion": {"potentials"},
    "symmetry": set(),
    "averaging": {"potentials", "symmetry"},
    "timing": {"potentials", "warrant"},
    "molecules": set(),
    "structures": {"molecules"},
    "structures/duplicates": {"molecules", "structures"},
    "structures/sources": {"structures", "structures/building", "structures/reading"},
    "structures/building": {"structures"},
    "structures/reading": set(),
    "preparation": {"potentials"},
    "phonons": {"potentials", "preparation"},
    "cost": {
        "averaging",
        "diversity",
        "molecules",
        "potentials",
        "preparation",
        "structures",
        "structures/sources",
        "students",
    },
    "sampling": {"phonons", "potentials", "preparation"},
    "sampling/dynamics": {"molecules", "potentials", "preparation", "sampling"},
    "selection": {"averaging", "potentials", "symmetry"},
    "labelling": {
        "charges",
        "averaging",
        "gate",
        "potentials",
        "selection",
        "structures",
        "structures/reading",
        "structures/sources",
    },
    "diversity": {"structures", "structures/duplicates"},
    "gate": {"diversity"},
    "charges": {"datasets", "potentials", "potentials/models", "symmetry", "warrant"},
    "datasets": {"structures"},
    "warrant": {"averaging", "potentials", "selection", "symmetry"},
    "physics": {"phonons", "potentials", "preparation", "sampling/dynamics", "warrant"},
    "students": {
        "averaging",
        "charges",
        "datasets",
        "potentials",
        "potentials/repulsion",
        "selection",
        "structures",
        "warrant",
    },
    "students/export": {"potentials", "potentials/repulsion", "students"},
    "studies": {"warrant"},
    "studies/kinds": {"studies"},
    "studies/frames": {
        "averaging",
        "datasets",
        "labelling",
        "potentials",
        "students",
        "studies",
        "symmetry",
        "warrant",
    },
    "rounds": {
        "averaging",
        "datasets",
        "gate",
        "potentials",
        "sampling/dynamics",
        "selection",
        "students",
        "warrant",
    },
    "report": {"gate", "report/page", "report/run", "report/topics", "rounds", "warrant"},
    "report/page": {"warrant"},
    "report/run": {"report/page", "sampling", "warrant"},
    "report/topics": {
        "charges",
        "datasets",
        "diversity",
        "molecules",
        "physics",
        "report/page",
        "report/run",
        "studies",
        "studies/frames",
        "warrant",
    },
    "command": {
        "averaging",
        "charges",
        "cost",
        "datasets",
        "potentials",
        "report",
        "report/page",
        "sampling",
        "structures",
        "students",
        "students/export",
        "studies",
        "studies/frames",
        "symmetry",
        "warrant",
    },
}
#: They stand outside: the package's front doors, to programs and to the shell.
OUTSIDE = {"__init__", "__main__"}
#: Large modules in several files, each with one front door in its ``__init__``: no rooms.
MODULES = {"config/checks", "config/jobs", "config/plan"}
MOST_FILES = 15
MOST_ON_THE_GROUND = 12


def room_of(module):
    """The wing of ``limbeck.a.b``, or the module itself on the ground floor."""
    parts = module.split(".")[1:]
    for depth in (2, 1):
        room = "/".join(parts[:depth])
        if (LIBRARY / room).is_dir() and len(parts) >= depth and room not in MODULES:
            return room
    return parts[0] if parts else "__init__"


def modules():
    for path in sorted(LIBRARY.rglob("*.py")):
        inside = path.relative_to(LIBRARY).with_suffix("").parts
        name = ".".join(("limbeck", *(p for p in inside if p != "__init__")))
        yield name, path


def imports(path):
    """Modules of Limbeck that a file names in an import, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = (LIBRARY.parent / whole.replace(".", "/")).with_suffix(".py").is_file()
                is_wing = (LIBRARY.parent / whole.replace(".", "/")).is_dir()
                yield whole if is_module or is_wing else node.module


def arrows():
    """room -> rooms that its modules import."""
    found = {}
    for name, path in modules():
        room = room_of(name)
        targets = {room_of(m) for m in imports(path) if m.split(".")[0] == "limbeck"}
        found.setdefault(room, set()).update(targets - {room, "__init__"})
    return found


def test_every_import_is_allowed_and_every_allowed_one_is_used():
    found = {room: to for room, to in arrows().items() if room not in OUTSIDE}
    assert found.keys() == GROUND.keys() | WINGS.keys()
    for room, to in found.items():
        allowed = GROUND.get(room, WINGS.get(room))
        beside = set() if room in GROUND else set(GROUND)
        assert to - beside == allowed, f"{room} imports {sorted(to - beside)}"


def test_no_arrow_comes_back():
    """Not even by way of a folder: ``potentials`` opens a model by its name in a registry."""
    list(TopologicalSorter(GROUND | WINGS).static_order())  # raises CycleError


def test_an_import_is_found_wherever_it_stands(tmp_path):
    """Negative control: the eyes of the tests above are open."""
    text = "def f():\n    from limbeck.report import sections\n    import limbeck.seeds\n"
    (tmp_path / "a.py").write_text(text + "    from limbeck import sampling, __version__\n")
    rooms = [room_of(m) for m in imports(tmp_path / "a.py")]
    assert rooms == ["report", "seeds", "sampling", "__init__"]
    assert room_of("limbeck.sampling.dynamics.run") == "sampling/dynamics"


@pytest.mark.parametrize("folder", sorted({p.parent for _, p in modules()}), ids=lambda p: p.name)
def test_no_room_is_crowded(folder):
    most = MOST_ON_THE_GROUND if folder == LIBRARY else MOST_FILES
    assert len(list(folder.glob("*.py"))) <= most


def test_the_page_has_a_line_for_every_room():
    page = (LIBRARY.parents[1] / "docs/architecture.md").read_text(encoding="utf-8")
    table = page.split("| room |")[1].split("\n\n")[0]
    for room in (room for room in (*GROUND, *WINGS) if "/" not in room):
        assert f"`{room}/`" in table or f"`{room}`" in table, room
