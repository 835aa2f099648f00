"""Pictures of clusters: balls and sticks, flat, in the plane in which they are widest."""

import numpy as np
import pandas as pd
from ase.data import chemical_symbols, covalent_radii
from ase.data.colors import jmol_colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Circle

from limbeck.frames import Frames
from limbeck.molecules.bonds import find_bonds
from limbeck.report.collect import Run
from limbeck.report.figures import BLACK, GREY, WIDTH, Figure

COLUMNS = 4
#: sizes that are drawn, the smallest first
SIZES = 8
#: of an atom's ball to its covalent radius
BALL = 0.6
#: how far the molecules about the central one are mixed with white
PALE = 0.45


def clusters(run: Run, name: str) -> Figure | None:
    """A cluster of each number of molecules, all to one scale."""
    found = sorted(run.sampled.pictures.get(name, {}).items())[:SIZES]
    if not found:
        return None
    shown = [(size, frames, _flat(frames.positions)) for size, frames in found]
    half = max(float(np.abs(flat[:, :2]).max()) for *_, flat in shown) + 1.2
    rows = -(-len(shown) // COLUMNS)
    columns = min(COLUMNS, len(shown))
    canvas = Canvas(figsize=(WIDTH, 0.3 + WIDTH / COLUMNS * rows))
    grid = canvas.subplots(rows, COLUMNS if rows > 1 else max(columns, 2), squeeze=False).ravel()
    for axes, (size, frames, flat) in zip(grid, shown, strict=False):
        _draw(axes, frames, flat)
        axes.set_title(f"{size} molecule{'s' * (size != 1)}")
    for axes in grid:
        axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
        axes.axis("off")
    _scale(grid[0], half)
    symbols = sorted({chemical_symbols[z] for _, frames, _ in shown for z in frames.numbers})
    return Figure(
        f"clusters_{name}",
        f"{name}: the first cluster of each size, all to one scale, seen along the "
        "direction in which it is thinnest. The first molecule, about which the others were taken, "
        "in full colour. Elements: " + ", ".join(symbols) + ", in Jmol's colours.",
        "Drawings of clusters of "
        + ", ".join(f"{size} molecules ({frames.n_atoms[0]} atoms)" for size, frames, _ in shown),
        canvas,
        _data(shown),
    )


def _flat(positions: np.ndarray) -> np.ndarray:
    """Positions [n,3] in the frame of their principal axes, the widest first. Angstrom."""
    centred = positions - positions.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=True)
    axes *= np.sign(axes[np.arange(3), np.abs(axes).argmax(axis=1)])[:, None]  # no chance in signs
    return centred @ axes.T


def _draw(axes: Axes, frames: Frames, flat: np.ndarray) -> None:
    central = frames.atom_extra["molecule"] == frames.atom_extra["molecule"][0]
    bonds = find_bonds(frames.numbers, frames.positions, np.zeros((3, 3)), periodic=False)
    for i, j in zip(bonds.first, bonds.second, strict=True):
        axes.plot(
            *flat[[i, j], :2].T,
            color=_mixed(GREY, not central[i]),
            lw=2.0,
            solid_capstyle="round",
            zorder=min(flat[i, 2], flat[j, 2]),
        )
    for atom, number in enumerate(frames.numbers):
        axes.add_patch(
            Circle(
                (flat[atom, 0], flat[atom, 1]),
                BALL * covalent_radii[number],
                facecolor=_mixed(jmol_colors[number], not central[atom]),
                edgecolor=_mixed(BLACK, not central[atom]),
                lw=0.6,
                zorder=flat[atom, 2],
            )
        )


def _mixed(colour: object, pale: bool) -> tuple[float, ...]:
    from matplotlib.colors import to_rgb

    share = PALE if pale else 0.0
    return tuple(share + (1 - share) * part for part in to_rgb(colour))  # type: ignore[arg-type]


def _scale(axes: Axes, half: float) -> None:
    low = -0.96 * half
    axes.plot([low, low + 5.0], [low, low], color=BLACK, lw=2.0, solid_capstyle="butt")
    axes.annotate("5 Å", (low + 2.5, low + 0.3), ha="center", va="bottom", fontsize=9)


def _data(shown: list[tuple[int, Frames, np.ndarray]]) -> pd.DataFrame:
    return pd.concat(
        pd.DataFrame(
            {
                "n_molecules": size,
                "id": frames.id[0].decode(),
                "element": [chemical_symbols[z] for z in frames.numbers],
                "molecule": frames.atom_extra["molecule"],
                **{f"{axis}_A": frames.positions[:, k] for k, axis in enumerate("xyz")},
            }
        )
        for size, frames, _ in shown
    )
