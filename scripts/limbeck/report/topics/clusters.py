"""Clusters of molecules: how many of each size there are, and what they look like."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from ase.data import chemical_symbols, covalent_radii
from ase.data.colors import jmol_colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Circle

from limbeck.config.plan import frame_files, sources_of
from limbeck.frames import Frames
from limbeck.molecules.bonds import find_bonds
from limbeck.report.page import cols
from limbeck.report.page.figure import BLACK, GREY, WIDTH, PageFigure, paled
from limbeck.report.page.items import Section, paragraph, section
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, grouped, named, table
from limbeck.report.run.folder import Run
from limbeck.storage import read_frames

CLUSTER = "n_molecules distance_A n_atoms id composition reason".split()
_COLUMNS = 4
#: sizes that are drawn, the smallest first
SIZES = 8
#: of an atom's ball to its covalent radius
BALL = 0.6
#: of the colours of the molecules about the central one; the rest is white
PALE = 0.55
#: number of molecules -> the first cluster of that size
Pictures = dict[int, Frames]

told = prose("clusters")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of clusters, where there are any."""
    found = {name: read(run, name) for name in run.config.subsystems}
    rows = [rows for rows, _ in found.values() if len(rows)]
    if not rows:
        return
    drawn = [picture(name, pictures) for name, (_, pictures) in found.items()]
    items = [paragraph(told("what")), clusters_table(pd.concat(rows)), *drawn]
    yield section("clusters", "Clusters", items)


def read(run: Run, name: str) -> tuple[pd.DataFrame, Pictures]:
    """A row per cluster that a subsystem of the config asked for, and the first of each number of
    molecules."""
    parts: list[pd.DataFrame] = []
    pictures: Pictures = {}
    for source in sources_of(run.config, name):
        for shard in run.shards_of(source):
            for path in frame_files(run.config, name, source, shard):
                made = run.csv(path.replace(".h5", ".csv"), *CLUSTER)
                names = {"sampling": path.split("/")[2], "source": source, "subsystem": name}
                parts.append(made.assign(rule=run.config.subsystems[name].rule, **names))
                _add_pictures(pictures, run, path, made)
    return pd.concat(parts, ignore_index=True), pictures


def _add_pictures(pictures: Pictures, run: Run, path: str, made: pd.DataFrame) -> None:
    """The first cluster of each number of molecules that is not there yet."""
    built = made[made["id"].notna()]
    sizes = built["n_molecules"].astype(int)
    new = built[~sizes.isin(list(pictures)) & ~sizes.duplicated()]
    if not len(new):
        return
    frames = read_frames(run.path(path))
    for identity, size in zip(new["id"], new["n_molecules"].astype(int), strict=True):
        (place,) = np.flatnonzero(frames.id == identity.encode())[:1]
        pictures[int(size)] = frames.select([place])


def clusters_table(found: pd.DataFrame) -> Table | None:
    """By rule and size: how many clusters there are, and why others are not."""
    within = {"distance_A": "Within, Å"} if found["distance_A"].notna().any() else {}
    columns = [
        *cols.text(rule=("Rule", lambda part: named(part, "rule").replace("_", " "))),
        *cols.count(n_molecules="Molecules"),
        *cols.number("g", **within),
        *cols.count(clusters=("Clusters", cols.good(len))),
        *cols.text(n_atoms=("Atoms", cols.good(cols.each("n_atoms", _range)))),
        *cols.text(composition=("Composition", cols.good(cols.each("composition", cols.reasons)))),
        *cols.count(not_built=("Not built", cols.each("reason", "count"))),
        *cols.text(reasons=("Why not", cols.each("reason", cols.reasons))),
    ]
    found = found.sort_values(["subsystem", "distance_A", "n_molecules"], kind="stable")
    rows = grouped(found, "subsystem", "rule", "n_molecules", "distance_A")
    return table("clusters", told("table"), columns, rows, group="subsystem")


def _range(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return "" if not len(values) else f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def picture(name: str, pictures: Pictures) -> PageFigure | None:
    """A cluster of each number of molecules, balls and sticks, all to one scale."""
    found = sorted(pictures.items())[:SIZES]
    if not found:
        return None
    drawn = [(size, frames, _flat(frames.positions)) for size, frames in found]
    half = max(float(np.abs(flat[:, :2]).max()) for *_, flat in drawn) + 1.2
    rows = -(-len(drawn) // _COLUMNS)
    columns = _COLUMNS if rows > 1 else max(len(drawn), 2)
    canvas = Canvas(figsize=(WIDTH, 0.3 + WIDTH / _COLUMNS * rows))
    grid = canvas.subplots(rows, columns, squeeze=False).ravel()
    for axes, (size, frames, flat) in zip(grid, drawn, strict=False):
        _draw(axes, frames, flat)
        axes.set_title(f"{size} molecule{'s' * (size != 1)}")
    for axes in grid:
        axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
        axes.axis("off")
    low = -0.96 * half  # a bar of 5 Å
    grid[0].plot([low, low + 5.0], [low, low], color=BLACK, lw=2.0, solid_capstyle="butt")
    grid[0].annotate("5 Å", (low + 2.5, low + 0.3), ha="center", va="bottom", fontsize=9)
    symbols = sorted({chemical_symbols[z] for _, frames, _ in drawn for z in frames.numbers})
    caption = told("picture", name=name, elements=", ".join(symbols))
    sizes = [f"{size} molecules ({frames.n_atoms[0]} atoms)" for size, frames, _ in drawn]
    data = pd.concat(_data(size, frames) for size, frames, _ in drawn)
    alt = f"Drawings of clusters of {', '.join(sizes)}"
    return PageFigure(f"clusters_{name}", caption, alt, canvas, data)


def _flat(positions: np.ndarray) -> np.ndarray:
    """Positions [n,3] in the frame of their principal axes, the widest first. Angstrom."""
    centred = positions - positions.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=True)
    axes *= np.sign(axes[np.arange(3), np.abs(axes).argmax(axis=1)])[:, None]  # no chance in signs
    return centred @ axes.T


def _draw(axes: Axes, frames: Frames, flat: np.ndarray) -> None:
    molecule = frames.atom_extra["molecule"]
    strength = np.where(molecule == molecule[0], 1.0, PALE)
    bonds = find_bonds(frames.numbers, frames.positions, np.zeros((3, 3)), periodic=False)
    for i, j in zip(bonds.first, bonds.second, strict=True):
        look: Any = {"color": paled(GREY, strength[i]), "zorder": min(flat[i, 2], flat[j, 2])}
        axes.plot(*flat[[i, j], :2].T, lw=2.0, solid_capstyle="round", **look)
    for atom, number_of in enumerate(frames.numbers):
        ball = Circle(
            (flat[atom, 0], flat[atom, 1]),
            BALL * covalent_radii[number_of],
            facecolor=paled(jmol_colors[number_of], strength[atom]),
            edgecolor=paled(BLACK, strength[atom]),
            lw=0.6,
            zorder=flat[atom, 2],
        )
        axes.add_patch(ball)


def _data(size: int, frames: Frames) -> pd.DataFrame:
    atoms = {
        "n_molecules": size,
        "id": frames.id[0].decode(),
        "element": [chemical_symbols[z] for z in frames.numbers],
        "molecule": frames.atom_extra["molecule"],
    }
    return pd.DataFrame(
        atoms | {f"{axis}_A": frames.positions[:, k] for k, axis in enumerate("xyz")}
    )
