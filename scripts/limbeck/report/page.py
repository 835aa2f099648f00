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
from limbeck.report.items import Section
from limbeck.report.sections import sections_of
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
    vector: bool
    kind: ClassVar[str] = "picture"


@dataclass(frozen=True)
class Page:
    """What the template fills in."""

    run: str
    lead: str
    sections: list[Section]
    footer: str


def write(run: Run, folder: str | Path) -> None:
    """Write index.html, figures/*.{png,pdf} and tables/*.csv into ``folder``; older ones go."""
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
    patterns = ("figures/*.png", "figures/*.pdf", "tables/*.csv", "index.html")
    for path in [p for pattern in patterns for p in folder.glob(pattern)]:
        path.unlink()


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
    # Without a version or a date in the file, the same run gives the same bytes.
    png = _saved(figure, folder, "png", {"Software": None})
    if figure.vector:
        _saved(figure, folder, "pdf", {"Creator": None, "Producer": None, "CreationDate": None})
    width, height = (round(100 * inches) for inches in figure.canvas.get_size_inches())
    code = base64.b64encode(png).decode()
    return Picture(
        figure.name, figure.caption, figure.alt, code, width, height, vector=figure.vector
    )


def _saved(figure: figures.Figure, folder: Path, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    figure.canvas.savefig(buffer, format=kind, metadata=metadata)
    with whole_file(folder / f"figures/{figure.name}.{kind}") as temporary:
        temporary.write_bytes(buffer.getvalue())
    return buffer.getvalue()


def _lead(run: Run) -> str:
    frames = f"{int(run.structures['selected'].sum()):,} frames of "
    frames += _counted(len(run.structures), "source")
    if not len(run.labels):
        return f"{frames}; the gaps of {_counted(len(run.teachers), 'potential')} measured."
    trained = _counted(len(run.students), "student")
    return f"{frames}, labelled by {_counted(len(run.labels), 'label set')}; {trained} trained."


def _counted(n: int, what: str) -> str:
    return f"{n or 'no'} {what}{'s' * (n != 1)}"


def _footer() -> str:
    return (
        f"Made by Limbeck {__version__}. This page needs no network; all of it is in this one file."
    )
