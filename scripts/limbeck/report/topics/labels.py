"""Label sets: their frames, the views they are averages over, their spread, and differences."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from limbeck.config.plan import from_files, teachers
from limbeck.config.sections.datasets import PARTS
from limbeck.config.written import ChosenViews, DeltaCounts, LabelsOfFile, Verdict
from limbeck.labels import HESSIAN, Labels, concatenate_labels, meanings
from limbeck.properties import EFS, property_of
from limbeck.reasons import NOT_WANTED, Status
from limbeck.report.page import cols
from limbeck.report.page.figure import BLACK, COLOURS, WIDTH, PageFigure, look, plain
from limbeck.report.page.items import Section, Words, paragraph, section
from limbeck.report.page.prose import UNIT, prose, spelled
from limbeck.report.page.table import Table, grouped, named, table
from limbeck.report.run.folder import Run
from limbeck.storage import read_labels
from limbeck.warrant.statistics import digits, estimate_of
from limbeck.warrant.tidy import pivot

#: meV/Angstrom; errors of grids that cannot be told from zero stand here
_FLOOR = 1e-3

told = prose("labels")

#: label set and property -> spreads of its good labels over views, in the unit of tables
Spreads = dict[tuple[str, str], np.ndarray]


def parts_of(run: Run) -> Iterator[Section]:
    """The section of views and spread, and that of differences for delta-learning."""
    automatic = [n for n, made in run.config.labels.items() if made.views == "auto"]
    paths = [f"labels/{name}.views.json" for name in automatic]
    chosen = [run.json(path) | run.written(ChosenViews, path).model_dump() for path in paths]
    found, certified = spreads(run), grids_of(run)
    items: list[Any] = [
        paragraph(f"{choice['label_set']}: {choice['reason']}") for choice in chosen
    ]
    items += [choices_table(chosen), spread_figure(found) or paragraph(told("no_spread"))]
    items += [quantiles_table(found), products_table(run)]
    items += [Words("heading", "Grids of views"), *certified] if certified else []
    yield section("spread", "Views and spread of the labels", items)
    if run.config.delta:
        yield section("delta", "Delta-learning", [deltas_table(run)])


def read(run: Run) -> dict[str, list[Labels]]:
    """Labels of each label set, slice by slice."""
    names = run.config.labels
    return {n: [read_labels(path, n) for path in run.slices(f"labels/{n}")] for n in names}


def label_sets(run: Run) -> pd.DataFrame:
    """A row per label set: frames by status, verdict of the gate, sizes of the parts."""
    verdicts = {name: run.written(Verdict, f"gate/{name}.json") for name in run.config.labels}
    # The gate's counts: what is far from all others is known of all slices together alone.
    counted = [found.status for found in verdicts.values()]
    seen = [meaning for meaning in meanings().values() if any(meaning in c for c in counted)]
    rows = []
    for name, parts in run.once(read).items():
        status = np.concatenate([part.status for part in parts])
        row: dict[str, Any] = {"label_set": name, "potential": run.config.labels[name].labelled_by}
        row |= {"views": views(parts[0].attrs), "frames": int((~np.isin(status, NOT_WANTED)).sum())}
        row |= {meaning: verdicts[name].status.get(meaning, 0) for meaning in seen}
        row["passed"] = verdicts[name].go
        for part in PARTS:
            path = f"datasets/{name}/{part}.h5"
            row[part] = run.count([path])
        counts = run.json(f"datasets/{name}/counts.json")
        row["undetermined"] = ", ".join(counts.get("undetermined_elements", []))
        rows.append(row)
    return pd.DataFrame(rows)


def read_files(run: Run) -> dict[str, dict[str, Any]]:
    """What was found in the files of each label set that comes from files."""
    found = {}
    for name in from_files(run.config):
        path = f"labels/{name}.file.json"
        run.written(LabelsOfFile, path)
        found[name] = run.json(path)
    return found


def file_tables(run: Run) -> list[Table | None]:
    """From which keys labels were read, and the checks; none where no labels come from files."""
    found = run.once(read_files)
    rows = [
        {
            **{key: seen[key] for key in ("label_set", "n_frames", "n_labelled")},
            "theory": run.config.labels[name].labelled_by,
            "keys": ", ".join(f"{prop} from {key}" for prop, key in seen["keys"].items()),
            "lacking": _lacking(seen),
        }
        for name, seen in found.items()
    ]
    checks = [
        check | {"label_set": name} for name, seen in found.items() for check in seen["checks"]
    ]
    of_files = cols.text(label_set="Label set", theory="Made by")
    of_files += cols.count(n_frames="Frames", n_labelled="With energy and forces")
    of_files += cols.text(keys="Read from", lacking="Without")
    of_checks = cols.text(label_set="Label set", name="Compared", verdict="Verdict", text="Found")
    return [
        table("file_labels", told("file_labels"), of_files, rows),
        table("file_label_checks", told("file_checks"), of_checks, checks, folded=True),
    ]


def _lacking(seen: dict[str, Any]) -> str:
    """Frames that lack what others have, as ``stress (12)``."""
    found = dict(seen["lacking"])
    if seen["n_malformed"]:
        found["malformed"] = seen["n_malformed"]
    return _counted(found)


def _counted(found: dict[str, int]) -> str:
    return ", ".join(f"{name} ({n})" for name, n in found.items()) or "nothing"


def file_cautions(run: Run) -> Iterator[Words]:
    """Labels that do not fit together, and were let pass."""
    for name, seen in run.once(read_files).items():
        for check in seen["checks"]:
            if check["verdict"] == "does not fit":
                yield Words(
                    "note", told("file_doubt", name=name, what=check["name"], text=check["text"])
                )


def views(made_with: dict[str, Any]) -> str:
    """The views of a label set in words, from the attributes of its labels."""
    how_many, grid = made_with["views"], made_with.get("quadrature")
    if how_many == "as_given":
        return "as given"
    mirrored = ", mirrored" * bool(made_with.get("reflections"))
    order = f" {made_with['quadrature_order']}" if grid and made_with["quadrature_order"] else ""
    return (f"{grid}{order} ({how_many})" if grid else f"{how_many} random") + mirrored


def label_table(found: pd.DataFrame, split_by: str) -> Table | None:
    """Label sets: verdicts on the labels and sizes of the parts."""
    faults = [meaning for code, meaning in meanings().items() if code != Status.GOOD]
    bad = [meaning for meaning in faults if meaning in found and found[meaning].sum()]
    columns = [
        *cols.text(label_set="Label set", potential="Potential", views="Views"),
        *cols.count(frames="Frames", good="Good", **{m: m.capitalize() for m in bad}),
        *cols.words(lambda v: "passed" if v else "not passed", passed="Gate"),
        *cols.count(train="Train", valid="Valid", test_known="Test, known", test_new="Test, new"),
    ]
    if "undetermined" in found and found["undetermined"].any():
        columns += cols.text(undetermined="Atoms undetermined")
    return table("labels", told("label_sets", split_by=split_by), columns, found)


def products_table(run: Run) -> Table | None:
    """How many products of the Hessian each label set has, and why others are not there."""
    rows = [
        {"label_set": name} | found[HESSIAN]
        for name, parts in run.once(read).items()
        if HESSIAN in (found := concatenate_labels(parts).attrs)
    ]
    columns = [
        *cols.text(label_set="Label set"),
        *cols.count(vectors="Directions of a frame"),
        *cols.digits(step_A="Step, Å"),
        *cols.count(products="Products"),
        *cols.text(without=("Without", lambda row: _counted(row["without"]))),
    ]
    return table("hessian_products", told("products"), columns, rows)


def choices_table(chosen: list[dict[str, Any]]) -> Table | None:
    """What ``views: auto`` chose, why, and what was saved; a row per label set."""
    columns = [
        *cols.text(label_set="Label set", potential="Potential"),
        *cols.estimate(forces=("Gap of the forces, meV/Å", lambda row: estimate_of(row["forces"]))),
        *cols.groups(),
        *cols.text(source="In source"),
        *cols.digits(threshold_meV_per_A="Negligible below, meV/Å"),
        *cols.words(lambda v: views({"views": v}), views="Views chosen"),
        *cols.count(beforehand="Calls before", labels="Calls of labels", saved="Calls saved"),
    ]
    rows = [choice | choice["largest"] | choice["model_calls"] for choice in chosen]
    return table("views_chosen", told("choices"), columns, rows)


def spreads(run: Run) -> Spreads:
    """Spreads of forces, and of what labels have beside energy, forces and stress."""
    found = {}
    for name, parts in run.once(read).items():
        for quantity in [q for q in parts[0].spreads if q == "forces" or q not in EFS]:
            of, values = property_of(quantity), []
            for part in parts:
                good = part.status == Status.GOOD
                rows = part.rows(np.flatnonzero(good))
                values.append(of.factor * part.spreads[quantity][of.of(rows)])
            if np.isfinite(np.concatenate(values)).any():  # of one view alone there is none
                found[name, quantity] = np.concatenate(values)
    return found


def spread_figure(found: Spreads) -> PageFigure | None:
    """Histogram of the spread of force labels, by label set."""
    drawn = {name: v[v > 0] for (name, quantity), v in found.items() if quantity == "forces"}
    drawn = {name: v for name, v in drawn.items() if len(v)}
    if not drawn:
        return None
    everything = np.concatenate(list(drawn.values()))
    edges = np.geomspace(np.quantile(everything, 0.001), everything.max() * 1.001, 49)
    canvas = Canvas(figsize=(WIDTH, 3.2))
    axes = canvas.add_subplot()
    rows, alone = [], len(drawn) == 1
    for i, (name, values) in enumerate(drawn.items()):
        share = np.histogram(values, edges)[0] / len(values)
        colour = COLOURS[i % len(COLOURS)]
        axes.stairs(100 * share, edges, color=colour, lw=1.6, fill=alone, alpha=0.85, label=name)
        axes.axvline(np.median(values), color=BLACK if alone else colour, ls="--", lw=1.2)
        ends = {"low_meV_per_A": edges[:-1], "high_meV_per_A": edges[1:]}
        rows.append(pd.DataFrame({"label_set": name, **ends, "share_of_atoms": share}))
    axes.set(xscale="log", xlabel="Spread of an atom's force over views, meV/Å", ylabel="Atoms, %")
    plain(axes.xaxis)
    axes.legend()
    medians = ", ".join(f"{n} {digits(np.median(v))} meV/Å" for n, v in drawn.items())
    alt = f"Histogram on a logarithmic axis; medians: {medians}."
    return PageFigure("label_spread", told("spread"), alt, canvas, pd.concat(rows))


def quantiles_table(found: Spreads) -> Table | None:
    """Quantiles of the label spread."""
    rows = [
        {
            "label_set": name,
            "quantity": f"{quantity.capitalize()}, {spelled(property_of(quantity).shown)}",
            "number": len(values),
            **{f"q{q}": float(np.nanquantile(values, q / 100)) for q in (5, 50, 95, 99)},
        }
        for (name, quantity), values in found.items()
    ]
    columns = cols.text(label_set="Label set", quantity="Spread of") + cols.count(number="Number")
    columns += cols.digits(q5="5 %", q50="Median", q95="95 %", q99="99 %")
    return table("label_spread_quantiles", told("quantiles"), columns, rows)


def deltas_table(run: Run) -> Table | None:
    """Differences of label sets: frames, and how much there is to learn, by part."""
    rows = [
        {"delta": name, **made_of.model_dump(), "part": part, **counts[part]}
        for name, made_of in run.config.delta.items()
        for counts in [run.written(DeltaCounts, f"delta/{name}/counts.json").model_dump()]
        for part in PARTS
    ]
    columns = cols.text(delta="Name", baseline="Baseline", target="Target", part="Part")
    columns += cols.count(frames="Frames", energy_rms_meV_per_atom="Energy, meV/atom")
    columns += cols.number(".2f", energy_less_atoms_rms_meV_per_atom="Less atoms, meV/atom")
    columns += cols.number(".1f", forces_rms_meV_per_A="Forces, meV/Å")
    return table("deltas", told("deltas"), columns, rows)


def grids_of(run: Run) -> list[Any]:
    """Figure and table of the certificates; nothing where none was asked for."""
    asked = run.config.warrant.n_quadrature_frames
    names = teachers(run.config) if asked else []
    found = {name: run.figures(f"warrant/quadrature/{name}.csv") for name in names}
    if not found:
        return []
    grids = pd.DataFrame([row for name, each in found.items() for row in grid_rows(name, each)])
    random_views = run.json(f"warrant/quadrature/{names[0]}.json")["random_views"]
    return [grids_figure(grids), grids_table(grids, random_views)]


def grid_rows(potential: str, figures: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each grid of a potential's certificate."""
    grids = figures[figures["kind"] == "grid"]
    grids = grids.assign(figure=grids["quantity"] + "_" + grids["statistic"])
    found = pivot(grids, ["subject"], "figure")
    for row in found:
        views = row["subject"].removeprefix(f"{potential}/")
        row |= {"potential": potential, "views": views.replace("_", " ").replace("-", " ")}
        row |= {k: int(row[f"views_{k}"].value) for k in ("number", "exact_to_degree")}
        row |= {"n_frames": figures["n_frames"].max()}
    return found


def grids_table(grids: pd.DataFrame, random_views: int) -> Table | None:
    """What the mean over each grid is worth."""
    few, many = int(grids["n_frames"].min()), int(grids["n_frames"].max())
    frames = f"{few} to {many} frames" if few < many else f"{few} frames"
    caption = told("certificates", frames=frames, random_views=random_views)
    columns = [
        *cols.text(views="Views"),
        *cols.count(number="Number", exact_to_degree="Exact to l ="),
        *cols.groups(),
        *cols.estimate(forces_error_rms="Error, meV/Å"),
        *cols.estimate(forces_as_many_random_rms="As many random, meV/Å"),
        *cols.estimate(forces_change_to_next_rms="Change to the next, meV/Å"),
        *cols.estimate(energy_error_rms="Error of the energy, meV/atom"),
    ]
    return table("quadrature", caption, columns, grids.to_dict("records"), group="potential")


def grids_figure(grids: pd.DataFrame) -> PageFigure:
    """The error of the mean against the number of views."""
    canvas = Canvas(figsize=(WIDTH, 3.4))
    axes = canvas.add_subplot()
    parts = grouped(grids, "potential")
    for place, part in enumerate(parts):
        _draw(axes, part, look(place))
    axes.set(xscale="log", yscale="log", xlabel="Views", ylabel="Error of the mean force, meV/Å")
    ticks = sorted(set(grids["number"]))
    axes.set_xticks(ticks, map(str, ticks))
    axes.minorticks_off()
    plain(axes.yaxis)
    axes.legend()
    errors = [
        f"{row['potential']}: {row['forces_error_rms'].text(UNIT)} with {row['number']} views"
        for row in [part.iloc[-1] for part in parts]
    ]
    alt = f"Lines falling with the number of views. {'; '.join(errors)}"
    caption = told("convergence", floor=_FLOOR)
    return PageFigure("quadrature_convergence", caption, alt, canvas, grids, vector=True)


def _draw(axes: Axes, part: pd.DataFrame, style: tuple[str, str]) -> None:
    (colour, marker), name = style, named(part, "potential")
    errors = [max(e.value, _FLOOR) for e in part["forces_error_rms"]]
    axes.plot(part["number"], errors, marker, color=colour, ls="-", ms=5, label=name)
    for views, error in zip(part["number"], part["forces_error_rms"], strict=True):
        ends = [max(error.low, _FLOOR), max(error.high, _FLOOR)]
        axes.plot([views, views], ends, color=colour, lw=1.6)
    random = [max(e.value, _FLOOR) for e in part["forces_as_many_random_rms"]]
    axes.plot(part["number"], random, color=colour, ls="--", lw=1.2)
