"""Files of the run, how to use them, and the licences of the potentials behind them."""

import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

from limbeck.check.seal import parsed_json
from limbeck.config.plan import origins
from limbeck.config.sections.datasets import PARTS
from limbeck.report.page import cols
from limbeck.report.page.items import Section, Words, paragraph, section
from limbeck.report.page.prose import prose
from limbeck.report.page.table import ABSENT, Table, table
from limbeck.report.run.folder import Run
from limbeck.report.run.gap import of_teachers
from limbeck.report.run.student import students_of
from limbeck.report.topics import labels
from limbeck.storage import read_header

USE = """from ase.io import read
from limbeck import load_student

atoms = read("my.xyz")
atoms.calc = load_student("{path}")
print(atoms.get_potential_energy(), atoms.get_forces())"""

told = prose("files")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of files and licences."""
    root, found = f"results/{run.config.run}", abouts(run)
    items: list[Any] = [Words("code", where(run, root))]
    for first in run.once(students_of)[:1]:
        path = f"{root}/students/{first.title}/seed{first.seed}"
        items += [paragraph(told("use")), Words("code", USE.format(path=path))]
    items += [Words("heading", "Potentials, licences and citations")]
    items += [potentials_table(found), licences_table(found), origins_table(run)]
    yield section("files", "Files, use, licences", items)


def where(run: Run, root: str) -> str:
    """Where what is to be taken away stands, in two columns."""
    config, trained = run.config, bool(run.once(students_of))
    constants = config.force_constants
    parts = ",".join(PARTS)
    lines = {
        "selected/*.h5": (True, "the frames"),
        "labels/{label set}/*.h5": (config.labels, "their labels"),
        f"datasets/{{label set}}/{{{parts}}}.{{h5,extxyz}}": (trained, "to take away"),
        "students/{label set}/{student}/seed{n}/": (trained, "model, card.md, use_me.py"),
        "force_constants/{name}/{source}/{shard}/{id}/": (constants, "phonopy's own files"),
        "subsystems/{name}/{sampling}/{source}/*.h5": (config.subsystems, "clusters"),
        "warrant/": (True, "gaps and errors, as JSON and as tables of figures (CSV)"),
        "report/figures/, tables/*.csv": (True, "everything on this page"),
    }
    kept = {f"{root}/{path}": words for path, (there, words) in lines.items() if there}
    width = max(map(len, kept))
    return "\n".join(f"{path:<{width}}   {words}" for path, words in kept.items())


def abouts(run: Run) -> dict[str, Any]:
    """What every potential that was used says of itself; of some no more than a licence.

    Samplers tell it in their frames, labels and warrant files in theirs; the last counts.
    """
    found: dict[str, Any] = {}
    for name, sampling in run.samplings().items():
        potential = getattr(sampling, "potential", None)
        if potential:
            header = read_header(run.path(f"samples/{name}/{sampling.sources[0]}/0.h5"))
            about = (parsed_json(header["settings"]) or {}).get("about")
            found |= {potential: about} if about else {}
    for name, parts in run.once(labels.read).items():
        made = run.config.labels[name]
        found.setdefault(made.potential or f"{name}, {made.labelled_by}", parts[0].attrs)
    return found | {each.name: each.about for each in run.once(of_teachers) if each.about}


def potentials_table(found: dict[str, Any]) -> Table | None:
    """What the potentials of the run are, as they say of themselves."""
    rows = [{"name": name} | about for name, about in found.items() if "cutoff" in about]
    columns = [
        *cols.text(name="Name", model="Kind"),
        *cols.shown(lambda elements: str(len(elements)), elements="Elements"),
        *cols.shown(lambda v: f"{v:g}" if isfinite(v) else "none", cutoff="Cut-off, Å"),
        *cols.shown(lambda v: f"{v:.0f}", max_neighbours="Neighbours, at most"),
        *cols.words(", ".join, properties="Predicts"),
        *cols.words(_yes, conservative="Conservative", equivariant="Equivariant"),
        *cols.text(dtype="Precision"),
    ]
    return table("potentials", told("potentials"), columns, rows)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def licences_table(found: dict[str, Any]) -> Table | None:
    """Licences and citations of every potential that was used."""
    columns = cols.text(name="Name", licence="Licence", citation="To be cited")
    columns += cols.words(_short_hash, weights="Weights")
    rows = [{"name": name} | about for name, about in found.items()]
    return table("licences", told("licences"), columns, rows)


def origins_table(run: Run) -> Table | None:
    """Licences and citations of structures, of the sources that have any."""
    rows = [{"name": name} | own for name, own in origins(run.config).items()]
    columns = cols.text(name="Source", licence="Licence", citation="To be cited")
    return table("origins", told("origins"), columns, rows)


def _short_hash(value: str) -> str:
    return f"{value[:12]}…" if re.fullmatch("[0-9a-f]{64}", value) else value or ABSENT
