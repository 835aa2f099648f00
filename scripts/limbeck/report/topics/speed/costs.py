"""The speed card: what an evaluation costs with every model, by number of atoms."""

from collections.abc import Sequence
from math import inf

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from limbeck.report.page import cols
from limbeck.report.page.figure import WIDTH, PageFigure, look, plain
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run
from limbeck.warrant.statistics import Estimate
from limbeck.warrant.tidy import pick

#: how costs are named in the table of figures
SYSTEM = r"(?P<which>one|best)_of_(?P<n_atoms>\d+)_atoms"
TITLES = {"one": "One system at a time", "best": "In the batch that costs least"}
STYLES = {"crystal": "-", "molecules": "--"}
#: the system that is a frame of the data
DATA = "data"
MICRO = 1e6

told = prose("speed")


def read(run: Run) -> pd.DataFrame:
    """A row for each model, system, and way to ask: what it costs in which batch; none where costs
    were not measured. ``cost`` is in microseconds by atom."""
    figures = run.figures("speed.csv")
    found = figures.join(figures["statistic"].str.extract(SYSTEM)).dropna(subset=["which"])
    keys = ["name", "kind", "set", "n_atoms", "which"]
    seeds = ["" if seed != seed else f"/seed{seed:.0f}" for seed in found["seed"]]
    found = found.assign(name=found["subject"] + seeds, n_atoms=found["n_atoms"].astype(int))
    batches = found[found["quantity"] == "batch"].set_index(keys)["value"]
    costs = found[found["quantity"].isin(["cpu_time", "wall_time"])]
    rows = [
        {**{key: row[key] for key in keys}, "clock": row["quantity"].split("_")[0]}
        | {"cost": Estimate(row["value"], row["low"], row["high"])}
        | {"batch": int(batches[tuple(row[key] for key in keys)])}
        for row in costs.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=[*keys, "clock", "cost", "batch"])


def cost_of(run: Run, name: str, which: str, kind: str | None = None) -> Estimate:
    """Microseconds by atom of a model on the system that is a frame of the data; NaN where it was
    not measured.

    Args:
        which: of :data:`TITLES`.
        kind: of the model; "compiled" is never taken where none is named.
    """
    found = run.once(read)
    here = (found["name"] == name) & (found["set"] == DATA) & (found["which"] == which)
    here &= found["kind"] == kind if kind else found["kind"] != "compiled"
    costs = found[here]["cost"].tolist()
    return costs[0] if costs else Estimate(float("nan"))


def costs_table(run: Run) -> Table | None:
    """Costs of all models, by system."""
    found = run.once(read)
    systems = run.json("speed.json").get("card", {"systems": []})["systems"]
    chemistry = {(system["kind"], system["n_atoms"]): system["of"] for system in systems}
    rows = []
    for (kind, n_atoms, name, how), part in found.groupby(
        ["set", "n_atoms", "name", "kind"], sort=False
    ):
        of = part.set_index("which")
        system = f"{_system(str(kind))} of {n_atoms} atoms ({chemistry[kind, n_atoms]})"
        row = {"system": system, "name": name, "kind": how}
        rows.append(
            row | {which: of["cost"][which] for which in TITLES} | {"n": of["batch"]["best"]}
        )
    columns = cols.text(name="Model", kind="Kind")
    columns += cols.estimate(one="One at a time, µs/atom", best="Best batch, µs/atom")
    columns += cols.count(n="Systems in it")
    clock = found["clock"].iloc[0] if len(found) else "cpu"
    caption = told("costs", wall=clock == "wall")
    return table("speed_card", caption, columns, rows, group="system", folded=len(rows) > 12)


def compiled_table(run: Run) -> Table | None:
    """What torch.compile is worth to the students that are to be compiled, on the frame of the
    data: the steps of dynamics after which the first call has come back."""
    figures, rows = run.figures("speed.csv"), []
    found = run.once(read)
    here = found[(found["set"] == DATA) & (found["which"] == "one")]
    for name, n_atoms in here[here["kind"] == "compiled"][["name", "n_atoms"]].itertuples(
        index=False
    ):
        subject, _, seed = name.partition("/seed")
        names = {"subject": subject, "kind": "compiled"}
        of = names | {"quantity": "first_call", "set": DATA}
        first = pick(figures, of | {"statistic": f"one_of_{n_atoms}_atoms"}, seed=int(seed))
        of = names | {"quantity": "forces", "set": "all", "statistic": "largest_change"}
        change = pick(figures, of, seed=int(seed))
        eager, own = cost_of(run, name, "one"), cost_of(run, name, "one", "compiled")
        gain = (eager.value - own.value) * n_atoms / MICRO  # seconds a step
        row = {"name": name, "n_atoms": n_atoms, "eager": eager, "compiled": own}
        row |= {"first_call": first.value, "change": change.value}
        rows.append(row | {"steps": in_steps(first.value / gain if gain > 0 else inf)})
    columns = [*cols.text(name="Student"), *cols.count(n_atoms="Atoms")]
    columns += cols.estimate(eager="As it is, µs/atom", compiled="Compiled, µs/atom")
    columns += cols.digits(first_call="First call, s", change="Largest change, meV/Å")
    columns += cols.text(steps="Pays after, steps")
    return table("compiled", told("compiled"), columns, rows)


def in_steps(steps: float) -> str:
    """With two digits; a number of steps that is infinite or not known in words."""
    if steps != steps:
        return "unknown"
    return "never: no faster" if steps == inf else f"{float(f'{steps:.2g}'):,.0f}"


def _system(kind: str) -> str:
    return {DATA: "A frame of the data", "crystal": "A crystal"}.get(kind, "Molecules")


def costs_figure(run: Run) -> PageFigure | None:
    """Costs against the number of atoms; none of one size alone."""
    found = run.once(read)
    ladder = found[found["set"] != DATA]
    if ladder["n_atoms"].nunique() < 2:
        return None
    canvas = Canvas(figsize=(WIDTH, 4.4))
    names = list(dict.fromkeys(zip(ladder["name"], ladder["kind"], strict=True)))
    for axes, which in zip(canvas.subplots(1, 2, sharey=True), TITLES, strict=True):
        _lines(axes, ladder[ladder["which"] == which], names)
        axes.set(xscale="log", yscale="log", xlabel="Atoms of the system", title=TITLES[which])
        plain(axes.xaxis)
        plain(axes.yaxis)
    first = canvas.axes[0]
    first.set_ylabel("Microseconds by atom")
    handles, labels = first.get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    data = ladder.drop(columns="clock")
    largest = ladder[(ladder["n_atoms"] == ladder["n_atoms"].max()) & (ladder["which"] == "one")]
    each = ", ".join(f"{row['name']} {row['cost'].value:.3g}" for row in largest.to_dict("records"))
    alt = f"Line plots of cost by atom against the number of atoms; the largest: {each} µs/atom."
    return PageFigure("speed_by_atoms", told("by_atoms"), alt, canvas, data, vector=True)


def _lines(axes: Axes, found: pd.DataFrame, names: Sequence[tuple[str, str]]) -> None:
    for place, (name, kind) in enumerate(names):
        colour, marker = look(place)
        here = found[(found["name"] == name) & (found["kind"] == kind)]
        label = name + ", compiled" * (kind == "compiled")
        for system, part in here.groupby("set", sort=False):
            x, y = part["n_atoms"], [cost.value for cost in part["cost"]]
            style = STYLES[str(system)]
            axes.plot(x, y, style, color=colour, marker=marker, ms=5, label=label)
            label = "_"  # once in the legend
