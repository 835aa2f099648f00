"""What there is to choose from: ``limbeck list`` prints a line about each.

Nothing is described here. Each line is that of the registry, or the first of the docstring of what
the registry names, which is read and not imported, since most of it is heavy.
"""

import ast
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

from limbeck.config.sections.known import KINDS, NETWORKS, Network
from limbeck.errors import LimbeckError
from limbeck.sampling import METHODS
from limbeck.structures import SOURCES
from limbeck.students import ARCHITECTURES
from limbeck.studies.registry import STUDIES

#: other words for headings
ALSO = {"symmetries": "gaps"}


def catalogue() -> dict[str, dict[str, str]]:
    """Heading -> name in the config -> one line."""
    from limbeck.studies.frames import ABOUT
    from limbeck.symmetry import SYMMETRIES
    from limbeck.warrant.gaps import FIELD_GAPS

    return {
        "potentials (potentials.<name>.model)": {n: kind.about for n, kind in KINDS.items()},
        "gaps (warrant.symmetries)": {
            **{name: symmetry.about for name, symmetry in SYMMETRIES.items()},
            **{name: summary(gap.__module__) for name, gap in FIELD_GAPS.items()},
        },
        "sources (sources.<name>.kind)": {
            name: summary(f"limbeck.structures.sources.{module}")
            for name, module in SOURCES.items()
        },
        "samplers (sampling.<name>.method)": {n: summary(m) for n, m in METHODS.items()},
        "students (students.<name>.architecture; parameters of tiny, small, medium)": {
            name: f"{summary(module, cls)}{_parameters(name)}"
            for name, (module, cls) in ARCHITECTURES.items()
        },
        "studies (studies.<name>.kind; limbeck studies tells more)": {
            **{name: about for name, (about, *_) in ABOUT.items()},
            **{name: summary(module) for name, (module, _) in STUDIES.items()},
        },
    }


def summary(module: str, cls: str | None = None) -> str:
    """The first line of the docstring of a module, or of a class in it; nothing is imported."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{module}: no source to read its docstring from")
    tree: ast.Module | ast.ClassDef = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    if cls is not None:
        tree = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == cls)
    return (ast.get_docstring(tree) or "").partition("\n")[0].replace("``", "").rstrip(".")


def _parameters(architecture: str) -> str:
    """How many each size has, the smallest first, in thousands."""
    counts = NETWORKS.get(architecture, Network()).parameters
    told = ", ".join(f"{count / 1000:.0f}k" for count in counts.values())
    return f" ({told})" if told else ""


def print_catalogue(topics: Sequence[str] = ()) -> None:
    """Print some headings of the catalogue, or all of it.

    Raises:
        LimbeckError: a topic is none of :data:`limbeck.command.TOPICS`.
    """
    entries = catalogue()
    if unknown := [topic for topic in topics if _heading(topic) not in _headings(entries)]:
        known = [*_headings(entries), *ALSO]
        raise LimbeckError(f"{', '.join(unknown)}: not listed, expected {', '.join(known)}")
    wanted = {_heading(topic) for topic in topics} or set(_headings(entries))
    width = max(len(name) for part in entries.values() for name in part)
    for heading, part in entries.items():
        if heading.split()[0] in wanted:
            print(f"\n{heading}")
            for name, line in part.items():
                print(f"  {name:{width}}  {line}")


def _headings(entries: Mapping[str, object]) -> list[str]:
    """The first word of each."""
    return [heading.split()[0] for heading in entries]


def _heading(topic: str) -> str:
    return ALSO.get(topic, topic)
