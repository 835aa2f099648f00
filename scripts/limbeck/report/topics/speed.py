"""Speed: atoms per second of every model, from frames to forces."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator, NullLocator

from limbeck.report.page import cols
from limbeck.report.page.figure import WIDTH, WRITTEN, PageFigure, look, plain
from limbeck.report.page.items import Section, paragraph, section
from limbeck.report.page.prose import prose
from limbeck.report.page.table import table
from limbeck.report.run.folder import Run

#: how speeds are named in the table of figures
BATCH = r"batch_of_(\d+)_atoms"

told = prose("speed")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of speeds."""
    found = run.once(read)
    columns = [*cols.text(name="Model", kind="Kind")]
    columns += cols.count(batch_atoms="Batch, atoms", atoms_per_second="Atoms/s")
    best = table("speed_at_best_batch", told("best"), columns, best_of(found))
    yield section("speed", "Speed", [figure(found) or paragraph(told("not_asked")), best])


def read(run: Run) -> pd.DataFrame:
    """A row for each model and batch: name, kind, batch_atoms, atoms_per_second, best."""
    columns = ["name", "kind", "batch_atoms", "atoms_per_second", "best"]
    rows = []
    for _, part in run.figures("speed.csv").groupby(["subject", "seed"], sort=False, dropna=False):
        best = part[part["quantity"] == "batch"]["value"].item()
        part = part.assign(atoms=part["statistic"].str.extract(BATCH)[0])
        for row in part.dropna(subset=["atoms", "value"]).to_dict("records"):
            seed = f"/seed{row['seed']:.0f}" if row["seed"] == row["seed"] else ""
            atoms = int(row["atoms"])
            values = (row["subject"] + seed, row["kind"], atoms, row["value"], atoms == best)
            rows.append(dict(zip(columns, values, strict=True)))
    return pd.DataFrame(rows, columns=columns)


def best_of(found: pd.DataFrame) -> pd.DataFrame:
    """Each model at its best batch, the fastest first."""
    best = found[found["best"].astype(bool)]
    return best.sort_values("atoms_per_second", ascending=False, kind="stable")


def figure(found: pd.DataFrame) -> PageFigure | None:
    """Atoms per second at the best batch, and against the size of the batch."""
    if not len(found):
        return None
    best = best_of(found)[::-1]
    looks = {name: look(place) for place, name in enumerate(best["name"][::-1])}
    canvas = Canvas(figsize=(WIDTH, max(3.0, 1.0 + 0.34 * len(best))))
    left, right = canvas.subplots(1, 2)
    colours = [looks[n][0] for n in best["name"]]
    left.barh(best["name"], best["atoms_per_second"], color=colours, height=0.62)
    for row, value in enumerate(best["atoms_per_second"]):
        left.annotate(f" {value:,.0f}", (value, row), va="center", fontsize=9)
    left.margins(x=0.2)
    left.set_xlabel("Atoms per second, best batch")
    left.xaxis.set_major_locator(MaxNLocator(4))
    left.xaxis.set_major_formatter(WRITTEN)
    left.grid(axis="y", visible=False)
    for name, part in found.groupby("name", sort=False):
        colour, marker = looks[str(name)]
        right.plot(part["batch_atoms"], part["atoms_per_second"], color=colour, marker=marker, ms=5)
    right.set(xscale="log", yscale="log", xlabel="Atoms in a batch", ylabel="Atoms per second")
    right.set_xticks(sorted(set(found["batch_atoms"])))
    right.xaxis.set_major_formatter(WRITTEN)
    right.xaxis.set_minor_locator(NullLocator())
    plain(right.yaxis)
    speeds = zip(best["name"], best["atoms_per_second"], strict=True)
    each = ", ".join(f"{name} {value:,.0f}" for name, value in speeds)
    alt = f"Bar chart of atoms per second: {each}"
    return PageFigure("speed", told("figure"), alt, canvas, found)
