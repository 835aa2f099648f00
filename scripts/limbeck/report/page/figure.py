"""A figure of the report, and what all of them share; their style is in ``templates/``."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

# Okabe and Ito's colours: told apart with any colour vision, and in print.
BLUE, ORANGE, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
YELLOW, SKY, BLACK, GREY = "#b58900", "#56b4e9", "#222222", "#8a8f98"
#: behind what is set apart
SHADE = "#eef0f2"

COLOURS = (BLUE, ORANGE, GREEN, PINK, YELLOW, SKY, BLACK)
MARKERS = "osD^vPX"

#: Width of the page's column, inches at 100 pixels.
WIDTH = 9.6


@dataclass(frozen=True)
class PageFigure:
    """A figure of the page.

    Attributes:
        name: of its PNG and CSV files.
        caption: what is drawn, with units.
        alt: what it shows, for whoever cannot see it.
        data: what was drawn.
        vector: worth a PDF as well, for a paper; not where there are thousands of points.
        beside: a file beside the page alone, which does not show it.
    """

    name: str
    caption: str
    alt: str
    canvas: Canvas
    data: pd.DataFrame
    vector: bool = False
    beside: bool = False


def look(place: int) -> tuple[str, str]:
    """Colour and marker of what stands at a place in a list; no two of 49 share both."""
    turn = place // len(COLOURS)
    return COLOURS[place % len(COLOURS)], MARKERS[(place + turn) % len(MARKERS)]


#: numbers as people write them: 0.1, 20, 3,000
WRITTEN = FuncFormatter(lambda value, _: f"{value:,g}")


def plain(axis: Axis) -> None:
    """A logarithmic axis with numbers as people write them."""
    low, high = axis.get_view_interval()
    steps = (1.0, 2.0, 5.0) if high < 300 * low else (1.0,)
    axis.set_major_locator(LogLocator(subs=steps, numticks=20))
    axis.set_major_formatter(WRITTEN)
    axis.set_minor_locator(NullLocator())


def named_rows(axes: Axes, names: list[str]) -> None:
    """A row of the figure for each name, from the top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)


def paled(colour: Any, strength: float) -> tuple[float, ...]:
    """A colour mixed with white: 1 keeps it, 0 is white."""
    return tuple(1 - strength * (1 - part) for part in to_rgb(colour))
