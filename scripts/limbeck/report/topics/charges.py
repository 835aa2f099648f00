"""Charges, dipoles and electrostatic potentials of students: errors beside the floor, two heads."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms
from matplotlib.figure import Figure as Canvas

from limbeck.charges.sites import KCAL
from limbeck.report.page import cols
from limbeck.report.page.atoms import draw_atoms
from limbeck.report.page.figure import WIDTH, PageFigure
from limbeck.report.page.items import Section, section
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run
from limbeck.report.run.student import Student, students_of
from limbeck.report.topics import speed
from limbeck.report.topics.students import CHEMISTRY
from limbeck.warrant.statistics import Estimate, digits, estimate_of
from limbeck.warrant.tidy import SIZES

#: what an ESP stands beside, and how it is called
BESIDE = {
    "charges_fitted": "best fit: charges at atoms",
    "dipoles_fitted": "best fit: and dipoles",
    "quadrupoles_fitted": "best fit: and quadrupoles",
    "mbis_charges": "MBIS charges of the labels",
    "charges": "charges of the labels",
    "molecular_dipole": "charge and dipole of the molecule",
}
#: what an error is told as a multiple of
FLOOR = "dipoles_fitted"
GAPS = ("rotation", "reflection", "translation", "permutation")
TURNING, FIXED = "painn_distributed", "painn_cartesian"

told = prose("charges")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of students with charges, where there are any."""
    found = run.once(with_charges)
    if not found:
        return
    first = list({s.title: s for s in reversed(found)}.values())[::-1]
    items: list[Any] = [errors_table(run, found), heads_table(run, found)]
    items += [parts_table(run, first), elements_table(run, first)]
    items += [map_figure(run, s) for s in first]
    yield section("charges", "Charges and electrostatic potentials", items)


def with_charges(run: Run) -> list[Student]:
    """The students that have charges, every seed."""
    return [s for s in run.once(students_of) if run.config.students[s.name].has_charges]


def metrics_of(run: Run, student: Student) -> dict[str, Any]:
    """``metrics.json`` of a student."""
    return run.json(f"{student.folder}/metrics.json")


def errors_table(run: Run, found: list[Student]) -> Table | None:
    """Errors of each seed on each test set, and what could be made of the same labels."""
    rows: list[dict[str, Any]] = []
    seen = set()
    for s in found:
        metrics = metrics_of(run, s)
        for test in s.tests:
            names = {"label_set": s.label_set, "chemistry": CHEMISTRY[test]}
            esp = metrics[test].get("esp") or {}
            if esp and (s.label_set, test) not in seen:
                seen.add((s.label_set, test))
                rows += [names | row for row in _beside(esp)]
            own = metrics[test]["against"]["labels"]
            counted = {n: metrics[test][n] for n in SIZES}
            figures = {q: estimate_of(own.get(q)) for q in ("esp", "dipole", "charges")}
            share = _over_floor(figures["esp"], esp)
            rows.append(names | counted | figures | {"model": s.title_of_seed, "share": share})
    columns = [*cols.text(model="Model", chemistry="Chemistry"), *cols.groups()]
    columns += cols.estimate(esp="ESP, kcal/mol/e")
    columns += cols.digits(share="Over the fit with dipoles")
    columns += cols.estimate(dipole="Dipole, D", charges="Charges, e")
    return table("charges", told("errors"), columns, rows, group="label_set")


def _beside(esp: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What is no model."""
    counted = {n: esp[n] for n in SIZES}
    yield {"model": "the potential itself", "esp": estimate_of(esp["rms"]), **counted}
    for name, words in BESIDE.items():
        if name in esp:
            own = estimate_of(esp[name]["all"])
            yield {"model": words, "esp": own, "share": _over_floor(own, esp), **counted}


def _over_floor(value: Estimate, esp: Mapping[str, Any]) -> float:
    floor = esp[FLOOR]["all"]["value"] if FLOOR in esp else 0.0
    return value.value / floor if floor else float("nan")


def heads_table(run: Run, found: list[Student]) -> Table | None:
    """What each student costs, and which symmetries its potential keeps."""
    rows = [_costs(run, [s for s in found if s.title == t]) for t in {s.title: 0 for s in found}]
    columns = cols.text(model="Model", head="Head")
    columns += cols.digits(valid="Validation ESP, kcal/mol/e", minutes="Training, CPU min")
    columns += cols.digits(inference="1,000 atoms, ms")
    columns += cols.count(parameters="Parameters", memory="Memory, MB")
    columns += cols.estimate(**{g: f"{g.capitalize()} gap, kcal/mol/e" for g in GAPS})
    return table("charges_heads", told("heads", compared=_compared(rows)), columns, rows)


def _costs(run: Run, seeds: list[Student]) -> dict[str, Any]:
    first, training = seeds[0], [s.training for s in seeds]
    best = [run.json(f"{s.folder}/training.json")["best"] for s in seeds]
    minutes = [t.minutes if t.cpu_minutes is None else t.cpu_minutes for t in training]
    speeds = run.once(speed.read)
    rates = [_rate(speeds, f"{s.title}/seed{s.seed}") for s in seeds]
    return {
        "model": first.title,
        "head": first.training.architecture,
        "valid": float(np.mean([row["valid_esp_rmse_kcal_per_mol_per_e"] for row in best])),
        "minutes": float(np.mean(minutes)),
        "inference": 1e6 / float(np.mean(rates)),
        "parameters": first.training.parameters,
        "memory": float(np.max([t.peak_memory_MB or np.nan for t in training])),
        **{name: gap.of("esp") for name, gap in first.gaps.gaps.items() if name in GAPS},
    }


def _rate(speeds: pd.DataFrame, name: str) -> float:
    """Atoms per second at the best batch; NaN where it was not timed."""
    if not len(speeds):
        return float("nan")
    here = speeds[(speeds["name"] == name) & speeds["best"]]
    return float(here["atoms_per_second"].iloc[0]) if len(here) else float("nan")


def _compared(rows: list[dict[str, Any]]) -> str:
    """The published figures beside those of the first student of each head."""
    turning, fixed = (
        next((row for row in rows if row["head"] == head), None) for head in (TURNING, FIXED)
    )
    if turning is None or fixed is None:
        return ""
    names = {"inference": "inference", "training": "minutes", "parameters": "parameters"}
    return told("compared", **{n: f"{fixed[k] / turning[k]:.2f}" for n, k in names.items()})


def parts_table(run: Run, first: list[Student]) -> Table | None:
    """Errors of the potential by element and by shell, of one seed."""
    rows = []
    for s in first:
        metrics = metrics_of(run, s)
        for test in s.tests:
            esp = metrics[test].get("esp") or {}
            for by, heading in (("by_element", "Nearest element"), ("by_shell", "Shell")):
                for name, value in esp.get("student", {}).get(by, {}).items():
                    row = {"student": s.title_of_seed, "chemistry": CHEMISTRY[test]}
                    row |= {"by": heading, "name": name, "esp": value}
                    rows.append(row | {"floor": esp[FLOOR][by].get(name)})
    columns = cols.text(chemistry="Chemistry", by="By", name="Which")
    columns += cols.digits(esp="ESP, kcal/mol/e", floor="Best fit with dipoles, kcal/mol/e")
    return table("charges_esp_by", told("parts"), columns, rows, folded=True, group="student")


def elements_table(run: Run, first: list[Student]) -> Table | None:
    """Errors of charges by element, of one seed."""
    rows = []
    for s in first:
        metrics = metrics_of(run, s)
        for test in s.tests:
            for name, part in metrics[test]["by"].get("charges", {}).items():
                row = {"student": s.title_of_seed, "chemistry": CHEMISTRY[test], "name": name}
                row |= {n: part[n] for n in SIZES}
                rows.append(row | {"charges": estimate_of(part["charges"])})
    columns = cols.text(chemistry="Chemistry", name="Element") + cols.groups()
    columns += cols.estimate(charges="Charges, e")
    caption = told("elements")
    return table("charges_by_element", caption, columns, rows, folded=True, group="student")


def map_figure(run: Run, student: Student) -> PageFigure | None:
    """The potential on a surface, the error beside it, and the point charges in the molecule."""
    found = metrics_of(run, student).get("charge_map")
    if not found:
        return None
    points = np.array(found["points"])
    labels, own = (KCAL * np.array(found[name]) for name in ("labels", "student"))
    atoms = Atoms(found["numbers"], found["positions"])
    canvas = Canvas(figsize=(WIDTH, 0.3 * WIDTH), layout="constrained")
    axes = canvas.subplots(1, 4, subplot_kw={"projection": "3d"})
    largest = float(np.abs(labels).max())
    panels = {"labels": labels, "student": own, "student − labels": own - labels}
    for ax, (title, values) in zip(axes, panels.items(), strict=False):
        most = float(np.abs(values).max()) if title.count("−") else largest
        colours = {"c": values, "cmap": "RdBu_r", "vmin": -most, "vmax": most}
        seen = ax.scatter(*points.T, s=22, depthshade=False, **colours)
        canvas.colorbar(seen, ax=ax, shrink=0.6, location="bottom", label="kcal/mol/e")
        _finished(ax, title)
    _draw_sites(axes[3], atoms, np.array(found["charges"]), np.array(found["places"]))
    columns = dict(zip(("x_A", "y_A", "z_A"), points.T, strict=True))
    data = pd.DataFrame(columns | {"labels": labels, "student": own})
    error = float(np.sqrt(((own - labels) ** 2).mean()))
    return PageFigure(
        f"esp_map_{student.title.replace('/', '_')}_seed{student.seed}",
        told("map", model=student.title_of_seed),
        f"Electrostatic potential of {atoms.get_chemical_formula()} on a surface; the student is "
        f"off by {digits(error)} kcal/mol/e, root mean square.",
        canvas,
        data,
    )


def _draw_sites(ax: Any, atoms: Atoms, charges: np.ndarray, places: np.ndarray) -> None:
    draw_atoms(ax, atoms, alpha=0.25)
    flat, where = charges.reshape(-1), places.reshape(-1, 3)
    sizes = 60 * np.abs(flat) / max(float(np.abs(flat).max()), 1e-12)
    colours = np.where(flat > 0, "#b2182b", "#2166ac")
    ax.scatter(*where.T, s=sizes, c=colours, depthshade=False)
    _finished(ax, "point charges")


def _finished(ax: Any, title: str) -> None:
    ax.set_title(title)
    ax.set_aspect("equal")
    ax.dist = 7  # nearer than usual: there are no axes to make room for
    ax.set_axis_off()
