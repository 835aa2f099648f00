"""The angle scan: a molecule and a crystal turned through 360 degrees under every model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms
from matplotlib.figure import Figure as Canvas

from limbeck.report.page.atoms import draw_forces
from limbeck.report.page.cols import in_percent
from limbeck.report.page.figure import BLACK, WIDTH, PageFigure, look
from limbeck.report.page.prose import prose
from limbeck.report.run.folder import Run
from limbeck.report.run.student import by_title

Scan = Mapping[str, Any]
#: model -> its scan of one frame
Scans = dict[str, Scan]
#: a change below these is rounding, and is drawn as nothing: meV/atom, percent
LEAST = {"energy": 0.01, "forces": 0.1}
#: views in space side by side
MOST_VIEWS = 6

told = prose("comparison")


def figures(run: Run) -> Iterator[PageFigure]:
    """For each label set and each frame that was turned, the curves and the view in space."""
    for label_set, models in models_of(run).items():
        for place, frame in enumerate(_frames(models)):
            scans = {name: found[place] for name, found in models.items() if len(found) > place}
            good = {name: scan for name, scan in scans.items() if "error" not in scan}
            if good:
                name = f"{label_set}_{'crystal' if frame['periodic'] else 'molecule'}"
                yield curves(name, frame, good, sorted(scans.keys() - good.keys()))
                yield in_space(name, frame, good)


def models_of(run: Run) -> dict[str, dict[str, Sequence[Scan]]]:
    """Label set -> its teacher and its students, each with its scans; without those that have
    none."""
    found: dict[str, dict[str, Sequence[Scan]]] = {}
    if not run.config.warrant.scan:
        return found
    for title, (first, *_) in run.once(by_title).items():
        of_set = found.setdefault(first.label_set, {})
        teacher = run.config.labels[first.label_set].potential
        # a label set may have a teacher that is not measured as one
        path = f"warrant/teachers/{teacher}.json"
        if not of_set and teacher and (run.folder / path).is_file():
            of_set[f"{teacher}, the teacher"] = run.json(path).get("scan", [])
        of_set[first.name] = run.json(f"warrant/students/{title}.json").get("scan", [])
    return found


def _frames(models: Mapping[str, Sequence[Scan]]) -> list[Mapping[str, Any]]:
    longest = max(models.values(), key=len)
    return [scan["frame"] for scan in longest]


def curves(name: str, frame: Mapping[str, Any], scans: Scans, left_out: list[str]) -> PageFigure:
    """What changes of the energy, and of the forces turned back, through 360 degrees."""
    canvas = Canvas(figsize=(WIDTH, 3.8))
    left, right = canvas.subplots(1, 2)
    rows = []
    for model, scan in scans.items():
        size = scan["size_meV_per_A"]
        angle = scan["angle_deg"]
        energy = scan["energy_meV_per_atom"]
        percent = [
            100 * force / size if size else float("nan") for force in scan["forces_meV_per_A"]
        ]
        colour, style = _line(model, list(scans))
        left.plot(angle, energy, style, color=colour, label=model)
        right.plot(angle, percent, style, color=colour)
        part = {"angle_deg": angle, "energy_meV_per_atom": energy}
        part |= {"forces_meV_per_A": scan["forces_meV_per_A"], "forces_percent": percent}
        rows.append(pd.DataFrame(part).assign(model=model))
    data = pd.concat(rows, ignore_index=True)
    most = data["energy_meV_per_atom"].abs().max()
    if most < LEAST["energy"]:
        left.set_ylim(-LEAST["energy"], LEAST["energy"])
    top = max(LEAST["forces"], 1.08 * data["forces_percent"].max(skipna=True))
    right.set_ylim(-0.03 * top, top)  # so that a line at nothing is seen
    for axes in (left, right):
        axes.set_xticks(range(0, 361, 90))
        axes.set_xlabel(f"Angle about {_axis(scans)}, degrees")
    left.set_ylabel("Change of the energy, meV/atom")
    right.set_ylabel("Change of the forces, % of their RMS")
    canvas.legend(loc="outside lower center", ncols=3, fontsize=8)
    largest = data.groupby("model", sort=False)["forces_percent"].max()
    each = ", ".join(f"{model} {value:.2g} %" for model, value in largest.items())
    caption = told("turns", **_of(frame), left_out=left_out, axis=_axis(scans))
    alt = f"Line plots over the angle of a turn; largest change of the forces: {each}."
    return PageFigure(f"turns_{name}", caption, alt, canvas, data, vector=True)


def in_space(name: str, frame: Mapping[str, Any], scans: Scans) -> PageFigure:
    """Forces as given, and of the turned frame, turned back, of the models that change most."""
    worst = sorted(scans, key=lambda model: -_share(scans[model]))[:MOST_VIEWS]
    shown = [model for model in scans if model in worst]
    atoms = Atoms(
        frame["numbers"], frame["positions"], cell=frame["cell"], pbc=bool(frame["periodic"])
    )
    across = min(3, len(shown))
    down = -(-len(shown) // across)
    canvas = Canvas(figsize=(WIDTH, 3.4 * down))
    rows = []
    for place, model in enumerate(shown):
        axes: Any = canvas.add_subplot(down, across, place + 1, projection="3d")
        forces = {name: np.array(scans[model][name]) for name in ("as_given", "turned")}
        longest = draw_forces(axes, atoms, {n.replace("_", " "): f for n, f in forces.items()})
        told_share = _in_percent(_share(scans[model]))
        axes.set_title(f"{model}: {told_share}\nlongest {1000 * longest:,.0f} meV/Å", fontsize=10)
        for which, values in forces.items():
            table = pd.DataFrame(values, columns=["x_eV_per_A", "y_eV_per_A", "z_eV_per_A"])
            rows.append(table.assign(atom=range(len(values)), model=model, forces=which))
    handles, labels = canvas.axes[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9)
    degrees = next(iter(scans.values()))["shown_deg"]
    words = {**_of(frame), "degrees": degrees, "axis": _axis(scans)}
    caption = told("in_space", more=len(scans) > len(shown), **words)
    alt = f"Atoms in space with forces before and after a turn by {degrees:g} degrees, of each of "
    alt += f"{', '.join(shown)}."
    return PageFigure(f"turns_{name}_in_space", caption, alt, canvas, pd.concat(rows))


def _share(scan: Scan) -> float:
    """The largest change of the forces on the way, over their root mean square."""
    size = scan["size_meV_per_A"]
    return max(scan["forces_meV_per_A"]) / size if size else 0.0


def _in_percent(share: float) -> str:
    return in_percent(share) if 100 * share > LEAST["forces"] else "rounding"


def _line(model: str, models: list[str]) -> tuple[str, str]:
    """Colour and style: the teacher black and broken, students as in the comparison."""
    if model.endswith(", the teacher"):
        return BLACK, "--"
    students = [name for name in models if not name.endswith(", the teacher")]
    return look(students.index(model))[0], "-"


def _axis(scans: Scans) -> str:
    return str(next(iter(scans.values()))["axis"])


def _of(frame: Mapping[str, Any]) -> dict[str, Any]:
    return {"of": frame["of"], "periodic": frame["periodic"], "n_atoms": len(frame["numbers"])}
