"""Speed: atoms per second of every model, from frames to forces."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator, NullLocator

from limbeck.report.page import cols
from limbeck.report.page.figure import WIDTH, WRITTEN, PageFigure, look, plain
from limbeck.report.page.items import Section, section
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run
from limbeck.report.topics.speed import costs, payback
from limbeck.warrant.statistics import Estimate

#: how speeds are named in the table of figures
BATCH = r"batch_of_(\d+)_atoms"

told = prose("speed")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of speeds, where any were measured."""
    found = run.once(read)
    if not len(found):
        return
    columns = [*cols.text(name="Model", kind="Kind")]
    columns += cols.count(batch_atoms="Batch, atoms", atoms_per_second="Atoms/s")
    columns += cols.text(range="Slowest to fastest round")
    best = best_of(found)
    ranges = [f"{row.low:,.0f} to {row.high:,.0f}" for row in best.itertuples()]
    told_best = table("speed_at_best_batch", told("best"), columns, best.assign(range=ranges))
    card = [costs.costs_table(run), costs.costs_figure(run), costs.compiled_table(run)]
    card += [payback.payback_table(run)]
    yield section("speed", "Speed", [figure(found), told_best, *ratios(run), *card])


def ratios(run: Run) -> list[Table | None]:
    """How many times faster each student is than each teacher; none of no student."""
    rows = [
        {"name": name, "teacher": teacher, "ratio": ratio}
        for (name, teacher), ratio in run.once(speed_ups).items()
    ]
    columns = [*cols.text(name="Student", teacher="Teacher")]
    columns += cols.estimate(ratio="Times as fast")
    return [table("speed_up", told("ratios"), columns, rows)] if rows else []


def speed_ups(run: Run) -> dict[tuple[str, str], Estimate]:
    """Student and teacher -> how many times faster, round by round: the median and the ends."""
    speeds = run.figures("speed.csv")
    return {
        (f"{row['subject']}/seed{row['seed']:.0f}", row["statistic"].removeprefix("over ")): (
            Estimate(row["value"], row["low"], row["high"])
        )
        for row in speeds[speeds["quantity"] == "speed_up"].to_dict("records")
    }


def read(run: Run) -> pd.DataFrame:
    """A row for each model and batch: what it is, its speed and range, whether it is best."""
    columns = ["name", "kind", "batch_atoms", "atoms_per_second", "low", "high", "best"]
    rows = []
    figures = run.figures("speed.csv")
    selected = figures[figures["set"] == "selected"]
    for _, part in selected.groupby(["subject", "seed"], sort=False, dropna=False):
        best = part[part["quantity"] == "batch"]["value"].item()
        part = part.assign(atoms=part["statistic"].str.extract(BATCH)[0])
        for row in part.dropna(subset=["atoms", "value"]).to_dict("records"):
            seed = f"/seed{row['seed']:.0f}" if row["seed"] == row["seed"] else ""
            atoms = int(row["atoms"])
            speeds = (row["value"], row["low"], row["high"])
            values = (row["subject"] + seed, row["kind"], atoms, *speeds, atoms == best)
            rows.append(dict(zip(columns, values, strict=True)))
    return pd.DataFrame(rows, columns=columns)


def best_of(found: pd.DataFrame) -> pd.DataFrame:
    """Each model at its best batch, the fastest first."""
    best = found[found["best"].astype(bool)]
    return best.sort_values("atoms_per_second", ascending=False, kind="stable")


def figure(found: pd.DataFrame) -> PageFigure:
    """Atoms per second at the best batch, and against the size of the batch."""
    best = best_of(found)[::-1]
    looks = {name: look(place) for place, name in enumerate(best["name"][::-1])}
    canvas = Canvas(figsize=(WIDTH, max(3.0, 1.0 + 0.34 * len(best))))
    left, right = canvas.subplots(1, 2)
    colours = [looks[n][0] for n in best["name"]]
    middle = best["atoms_per_second"]
    ends = [middle - best["low"], best["high"] - middle]
    left.barh(best["name"], middle, xerr=ends, color=colours, height=0.62)
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
