"""The page: one HTML file that needs no network, and the files beside it."""

import base64
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import matplotlib
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from limbeck import __version__
from limbeck.files import whole_file, write_text
from limbeck.report import figures
from limbeck.report.collect import Run
from limbeck.report.sections import Section, sections_of
from limbeck.report.table import Table


@dataclass(frozen=True)
class Picture:
    """A figure as the page holds it: PNG in base64, at two pixels for each of the page's."""

    name: str
    caption: str
    alt: str
    png: str
    width: int
    height: int
    kind: ClassVar[str] = "picture"


@dataclass(frozen=True)
class Page:
    """What the template fills in."""

    run: str
    lead: str
    sections: list[Section]
    footer: str


def write(run: Run, folder: str | Path) -> None:
    """Write index.html, figures/*.png and tables/*.csv into ``folder``; older ones go."""
    folder = Path(folder)
    _clear(folder)
    with matplotlib.rc_context(figures.STYLE):
        sections = [_drawn(section, folder) for section in sections_of(run)]
    page = Page(str(run.settings["run"]), _lead(run), sections, _footer())
    environment = Environment(
        loader=PackageLoader("limbeck.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tidy"] = tidy
    style = Markup((Path(__file__).parent / "style.css").read_text(encoding="utf-8"))
    html = environment.get_template("template.html").render(page=page, style=style)
    write_text(folder / "index.html", html.lstrip())


def tidy(text: str) -> Markup:
    """The text escaped, with units and intervals that do not break over lines."""
    escaped = str(escape(text))
    escaped = re.sub(r"\(\S+ to [^\s()]+\)", r'<span class="ci">\g<0></span>', escaped)
    return Markup(re.sub(r"meV/(Å|atom)", r'<span class="unit">\g<0></span>', escaped))


def _clear(folder: Path) -> None:
    old = [*folder.glob("figures/*.png"), *folder.glob("tables/*.csv"), folder / "index.html"]
    for path in old:
        path.unlink(missing_ok=True)


def _drawn(section: Section, folder: Path) -> Section:
    """The section with its figures and tables written, and figures as pictures."""
    items = []
    for item in section.items:
        if isinstance(item, figures.Figure):
            _write_table(folder / f"tables/{item.name}.csv", item.data)
            items.append(_picture(item, folder))
        else:
            if isinstance(item, Table):
                _write_table(folder / f"tables/{item.name}.csv", item.csv())
            items.append(item)
    return Section(section.anchor, section.title, items)


def _write_table(path: Path, data: Any) -> None:
    with whole_file(path) as temporary:
        data.to_csv(temporary, index=False)


def _picture(figure: figures.Figure, folder: Path) -> Picture:
    buffer = io.BytesIO()
    # Without matplotlib's version in the file, the same run gives the same bytes.
    figure.canvas.savefig(buffer, format="png", metadata={"Software": None})
    with whole_file(folder / f"figures/{figure.name}.png") as temporary:
        temporary.write_bytes(buffer.getvalue())
    width, height = (round(100 * inches) for inches in figure.canvas.get_size_inches())
    png = base64.b64encode(buffer.getvalue()).decode()
    return Picture(figure.name, figure.caption, figure.alt, png, width, height)


def _lead(run: Run) -> str:
    frames = int(run.structures["selected"].sum())
    sets, trained = len(run.labels), len(run.students)
    sources = len(run.structures)
    return (
        f"{frames:,} frames of {sources} source{'s' * (sources > 1)}, labelled by {sets} label "
        f"set{'s' * (sets > 1)}; {trained or 'no'} student{'s' * (trained != 1)} trained."
    )


def _footer() -> str:
    return (
        f"Made by Limbeck {__version__}. This page needs no network; all of it is in this one file."
    )
