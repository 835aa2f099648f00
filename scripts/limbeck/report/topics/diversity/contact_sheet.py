"""What a hundred of the frames look like, drawn at random."""

from itertools import product
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from ase.utils import rotate
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Circle

from limbeck.diversity.dominance import formulas
from limbeck.diversity.subsample import Subsample
from limbeck.frames import Frames
from limbeck.geometry import cell_sizes
from limbeck.report.page.figure import WIDTH, PageFigure
from limbeck.report.page.prose import prose
from limbeck.report.run.folder import Run
from limbeck.storage import read_frames

#: structures of the contact sheet, and how many of them in a row
SHEET, IN_A_ROW = 100, 10
#: how they are turned: along an axis of a crystal its atoms would hide each other
TURNED = rotate("-75x,20y,10z").T
#: radii of atoms over covalent ones: isolated structures are solid, into cells one can see
SOLID, OPEN = 1.0, 0.6
#: Angstrom; where a cell has such a gap, as beside a slab, it is not cut through what is there
GAP_A = 5.0
#: of the cell: atoms that moved a little through a face are not taken to the other side
LEEWAY = 0.1

told = prose("diversity")


def sheet(run: Run) -> PageFigure | None:
    """A hundred structures at random, with what they are."""
    frames = drawn(run)
    if not len(frames):
        return None
    rows = ceil(len(frames) / IN_A_ROW)
    # one pair of axes: a hundred of them take minutes
    canvas = Canvas(figsize=(1.5 * WIDTH, 1.8 * rows))
    canvas.set_layout_engine("none")
    axes = canvas.add_axes((0, 0, 1, 1))
    names = formulas(frames)
    for b in range(len(frames)):
        corner = np.array([b % IN_A_ROW, 1.25 * (rows - 1 - b // IN_A_ROW)])
        _draw(axes, frames, b, corner)
        source, sampling = frames.source[b].decode(), frames.sampling[b].decode()
        text = f"{names[b][:18]}\n{frames.n_atoms[b]} atoms\n{source[:18]}, {sampling[:14]}"
        axes.text(corner[0] + 0.5, corner[1] + 1.0, text, fontsize=6, ha="center", va="bottom")
    axes.set(xlim=(0, IN_A_ROW), ylim=(0, 1.25 * rows), aspect="equal")
    axes.set_axis_off()
    sources = sorted({source.decode() for source in frames.source})
    data = pd.DataFrame(
        {
            "id": frames.id.astype(str),
            "composition": names,
            "n_atoms": frames.n_atoms,
            "source": frames.source.astype(str),
            "sampling": frames.sampling.astype(str),
        }
    )
    alt = told("sheet_alt", count=len(frames), sources=", ".join(sources))
    return PageFigure("contact_sheet", told("sheet", count=len(frames)), alt, canvas, data)


def drawn(run: Run) -> Frames:
    """Frames of the contact sheet: the same of the same seed."""
    sample = Subsample(f"contact sheet {run.config.seed}", SHEET)
    for path in run.slices("selected"):
        sample.add(read_frames(path))
    return sample.frames


def _draw(axes: Axes, frames: Frames, b: int, corner: np.ndarray) -> None:
    """Atoms of one frame, and its cell, in a square of unit length, turned a little."""
    atoms, periodic = frames.atoms_of(b), bool(frames.periodic[b])
    numbers, positions, cell = frames.numbers[atoms], frames.positions[atoms], frames.cell[b]
    radii = (OPEN if periodic else SOLID) * covalent_radii[numbers]
    edges = edges_of(cell) if periodic else np.zeros((0, 2, 3))
    if periodic:
        positions = wrapped(positions, cell)
    ends = np.concatenate([positions, *edges])
    centre = (ends.min(axis=0) + ends.max(axis=0)) / 2
    seen, lines = (positions - centre) @ TURNED.T, (edges - centre) @ TURNED.T
    reach = [(np.abs(seen[:, :2]).max(axis=1) + radii).max(), np.abs(lines[..., :2]).max(initial=0)]
    scale = 0.45 / max(*map(float, reach), 2.0)
    order = np.argsort(seen[:, 2])  # the nearest last
    circles = [Circle(corner + 0.5 + scale * seen[i, :2], scale * radii[i]) for i in order]
    look: Any = {"facecolors": jmol_colors[numbers[order]], "edgecolors": "#555555"}
    axes.add_collection(PatchCollection(circles, linewidths=0.3, zorder=2, **look))
    # edges behind the middle of the cell are behind its atoms
    behind = lines[..., 2].mean(axis=-1) < 0
    for zorder, part in ((1, lines[behind]), (3, lines[~behind])):
        flat = corner + 0.5 + scale * part[..., :2]
        axes.add_collection(LineCollection(list(flat), colors="#777777", lw=0.5, zorder=zorder))


def wrapped(positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Atoms inside the cell, whatever images dynamics took them to. float64 [n,3], Angstrom.

    What a wide gap surrounds, as a slab, stays in one piece, in the middle of the cell.
    """
    scaled = np.linalg.solve(cell.T, positions.T).T
    for axis, height in enumerate(cell_sizes(cell[None])[0, 1:]):
        own = np.sort(scaled[:, axis] % 1.0)
        gaps = np.diff(own, append=own[0] + 1.0)
        widest = int(gaps.argmax())
        if gaps[widest] * height > GAP_A:
            scaled[:, axis] = (scaled[:, axis] - own[widest] - gaps[widest] / 2) % 1.0
        else:
            scaled[:, axis] = (scaled[:, axis] + LEEWAY) % 1.0 - LEEWAY
    return np.asarray(scaled @ cell)


def edges_of(cell: np.ndarray) -> np.ndarray:
    """The twelve edges of a cell, float64 [12,2,3], Angstrom."""
    corners = np.array(list(product((0, 1), repeat=3)))
    pairs = [
        (first, second)
        for n, first in enumerate(corners)
        for second in corners[n:]
        if np.abs(first - second).sum() == 1
    ]
    return np.asarray(np.array(pairs) @ cell)
