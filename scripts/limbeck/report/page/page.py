"""The page: one HTML file that needs no network, and the files beside it."""

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from limbeck import __version__
from limbeck.files import whole_file, write_text
from limbeck.report.page.figure import PageFigure
from limbeck.report.page.items import Section
from limbeck.report.page.prose import TEMPLATES
from limbeck.report.page.table import Table, with_intervals

FOOTER = f"Made by Limbeck {__version__}. This page needs no network, and is all in this one file."


def write_page(
    name: str, made: str, lead: str, sections: Sequence[Section], folder: str | Path
) -> None:
    """Write index.html, figures/*.{png,pdf} and tables/*.csv into ``folder``; older ones go.

    Both folders are made, also where a page has no figure or no table to put there.
    """
    folder = Path(folder)
    for kind in ("figures", "tables"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    _clear(folder)
    shown = ([_written(item, folder) for item in s.items] for s in sections)
    sections = [
        replace(section, items=[item for item in items if item is not None])
        for section, items in zip(sections, shown, strict=True)
    ]
    options: Any = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, **options
    )
    environment.filters["tidy"] = tidy
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    values = {"name": name, "made": made, "lead": lead, "sections": sections}
    values |= {"footer": FOOTER, "style": style}
    html = environment.get_template("page.html").render(**values)
    write_text(folder / "index.html", html.lstrip())


def tidy(text: str) -> Markup:
    """The text escaped, with units and intervals that do not break over lines."""
    escaped = str(escape(text))
    escaped = re.sub(r"\(\S+ to [^\s()]+\)", r'<span class="ci">\g<0></span>', escaped)
    escaped = re.sub(r"(\d) %", r"\1&nbsp;%", escaped)
    return Markup(re.sub(r"meV/(Å|atom)", r'<span class="unit">\g<0></span>', escaped))


def _clear(folder: Path) -> None:
    patterns = ("figures/*.png", "figures/*.pdf", "tables/*.csv", "index.html")
    for path in [p for pattern in patterns for p in folder.glob(pattern)]:
        path.unlink()


def _written(item: Any, folder: Path) -> Any:
    """What the page shows of an item; its CSV, and the files of a figure, are written."""
    if isinstance(item, PageFigure | Table):
        with whole_file(folder / f"tables/{item.name}.csv") as temporary:
            with_intervals(item.data).to_csv(temporary, index=False)
    return _picture(item, folder) if isinstance(item, PageFigure) else item


def _picture(figure: PageFigure, folder: Path) -> dict[str, Any] | None:
    """A figure as the page holds it: PNG in base64, at two pixels for each of the page's; None of
    one that is a file beside it alone."""
    # Without a version or a date in the file, the same run gives the same bytes.
    png = base64.b64encode(_saved(figure, folder, "png", {"Software": None})).decode()
    if figure.beside:
        return None
    if figure.vector:
        _saved(figure, folder, "pdf", {"Creator": None, "Producer": None, "CreationDate": None})
    size = [round(100 * inches) for inches in figure.canvas.get_size_inches()]
    return {"kind": "picture", "figure": figure, "png": png, "size": size}


def _saved(figure: PageFigure, folder: Path, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    figure.canvas.savefig(buffer, format=kind, metadata=metadata)
    with whole_file(folder / f"figures/{figure.name}.{kind}") as temporary:
        temporary.write_bytes(buffer.getvalue())
    return buffer.getvalue()
