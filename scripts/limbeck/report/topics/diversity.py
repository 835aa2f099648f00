"""How diverse the frames are, what the gate found, and what a hundred of them look like."""

import io
from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from ase.utils import rotate
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Circle

from limbeck.config.written import Verdict
from limbeck.diversity.dominance import formulas
from limbeck.diversity.subsample import Subsample
from limbeck.frames import Frames
from limbeck.report.page import cols
from limbeck.report.page.figure import WIDTH, PageFigure
from limbeck.report.page.items import Section, Words, section
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, table
from limbeck.report.run.folder import Run
from limbeck.report.topics import structures
from limbeck.storage import read_frames
from limbeck.warrant.statistics import Estimate

#: structures of the contact sheet, and how many of them in a row
SHEET, IN_A_ROW = 100, 10
#: how they are turned: along an axis of a crystal its atoms would hide each other
TURNED = rotate("-75x,20y,10z").T

told = prose("diversity")


def parts_of(run: Run) -> Iterator[Section]:
    """The section of the gate and of diversity."""
    found = run.once(verdicts)
    on_anyway = [
        Words("note", told("on_anyway", name=name))
        for name, one in found.items()
        if not one.go and one.on_no_go == "continue"
    ]
    items = [criteria_table(found), sources_table(found), environments_table(found), sheet(run)]
    yield section("diversity", "Diversity and the gate", [*on_anyway, *items])


def verdicts(run: Run) -> dict[str, Verdict]:
    """The verdict on each label set."""
    return {name: run.written(Verdict, f"gate/{name}.json") for name in run.config.labels}


def criteria_table(found: dict[str, Verdict]) -> Table | None:
    """A row for each criterion of each label set."""
    rows = [
        {
            "label_set": name,
            **c.model_dump(),
            "value": float("nan") if c.value is None else c.value,
            "asked": f"{'at most' if c.at_most else 'at least'} {c.threshold:g}",
            "verdict": _verdict(c.passed, c.advice),
        }
        for name, one in found.items()
        for c in one.criteria
    ]
    columns = [
        *cols.text(label_set="Label set", name="Criterion", scope="Of"),
        *cols.number(".3f", value="Found"),
        *cols.text(asked="Asked for", unit="Unit", verdict="Verdict", words="Words"),
    ]
    return table("gate", told("criteria"), columns, rows)


def _verdict(passed: bool, advice: bool) -> str:
    return "passed" if passed else "not as advised" if advice else "not passed"


def sources_table(found: dict[str, Verdict]) -> Table | None:
    """How diverse each source is, and the whole set."""
    rows = [
        {
            "label_set": name,
            "source": source,
            **{k: v for k, v in of.items() if k != "elements"},
            "elements": len(of["elements"]),
            **{f"one_{what}": 100 * of["dominance"][what]["share"] for what in of["dominance"]},
            "compositions": of["dominance"]["composition"]["kinds"],
        }
        for name, one in found.items()
        if one.diversity
        for source, of in [*one.diversity["by_source"].items(), ("all", one.diversity["whole"])]
        if of["structures"]
    ]
    columns = [
        *cols.text(label_set="Label set", source="Source"),
        *cols.count(structures="Frames", elements="Elements"),
        *cols.number(".2f", entropy_bits="Entropy, bits"),
        *cols.number(".1f", mean_atoms="Atoms, mean"),
        *cols.number(".2f", size_variation="Variation"),
        *cols.count(compositions="Compositions"),
        *cols.number(".1f", one_size="One size, %", one_composition="One composition, %"),
        *cols.number(".1f", one_root="One root, %"),
    ]
    return table("diversity", told("sources"), columns, rows)


def environments_table(found: dict[str, Verdict]) -> Table | None:
    """Entropy of environments, where it was measured."""
    measured = {
        name: one.diversity["environments"]
        for name, one in found.items()
        if one.diversity and "environments" in one.diversity
    }
    rows = [
        {"label_set": name, "source": source, "entropy": _estimate(value)}
        for name, of in measured.items()
        for source, value in of["entropy_nats"].items()
    ]
    columns = cols.text(label_set="Label set", source="Source")
    columns += cols.estimate(entropy="Entropy, nats")
    count = max((of["environments"] for of in measured.values()), default=0)
    return table("environments", told("environments", count=f"{count:,}"), columns, rows)


def _estimate(value: list[float | None]) -> Estimate:
    return Estimate(*(float("nan") if v is None else v for v in value))


def drawn(run: Run) -> Frames:
    """Frames of the contact sheet: the same of the same seed."""
    sample = Subsample(f"contact sheet {run.config.seed}", SHEET)
    for path in run.slices("selected"):
        frames = read_frames(path)
        # optional arrays differ from sampling to sampling
        sample.add(frames)
    return sample.frames


def sheet(run: Run) -> PageFigure | None:
    """A hundred structures at random, with what they are."""
    frames = drawn(run)
    if not len(frames):
        return None
    rows = ceil(len(frames) / IN_A_ROW)
    # one pair of axes: a hundred of them take minutes
    canvas = Canvas(figsize=(1.5 * WIDTH, 1.8 * rows))
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


def _draw(axes: Axes, frames: Frames, b: int, corner: np.ndarray) -> None:
    """Atoms of one frame in a square of unit length, turned a little, the nearest last."""
    atoms = frames.atoms_of(b)
    seen = (frames.positions[atoms] - frames.positions[atoms].mean(axis=0)) @ TURNED.T
    order, numbers = np.argsort(seen[:, 2]), frames.numbers[atoms]
    radii = 0.8 * covalent_radii[numbers]
    scale = 0.45 / max(float((np.abs(seen[:, :2]).max(axis=1) + radii).max()), 2.0)
    circles = [Circle(corner + 0.5 + scale * seen[i, :2], scale * radii[i]) for i in order]
    colours = jmol_colors[numbers[order]]
    look = {"facecolors": colours, "edgecolors": "#555555", "linewidths": 0.3}
    axes.add_collection(PatchCollection(circles, **look))


def as_markdown(run: Run) -> str:
    """``dataset.md``: counts, refusals, diversity, storage, rates and verdict, as tables."""
    found = run.once(verdicts)
    parts = [
        ("Counts", structures.stages_table(run.once(structures.stages))),
        ("Refusals", structures.refusals_table(run)),
        ("Diversity", sources_table(found)),
        ("Storage", storage_table(run)),
        ("Time of the jobs", rates_table(run)),
        ("Verdict of the gate", criteria_table(found)),
    ]
    text = [f"# The data set of {run.config.run}"]
    text += [f"## {title}\n\n{_markdown(one)}" for title, one in parts if one is not None]
    words = [f"- {name}: {'go' if one.go else 'no go'}" for name, one in found.items()]
    return "\n\n".join([*text, *(["\n".join(words)] if words else [])]) + "\n"


def _markdown(found: Table) -> str:
    data = found.data.map(lambda v: f"{v:.4g}" if isinstance(v, float) else v)
    lines = [list(data.columns), ["---"] * data.shape[1], *data.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(str(v).replace('|', '/') for v in line)} |" for line in lines)


def storage_table(run: Run) -> Table | None:
    """Bytes of the selected frames as HDF5, and as the extxyz that ASE writes."""
    from ase.io import write

    hdf5 = text = count = 0
    for path in run.slices("selected"):
        frames, buffer = read_frames(path), io.StringIO()
        count += len(frames)
        hdf5 += path.stat().st_size
        # of many, a sample tells
        some = frames.select(np.arange(min(len(frames), 1000)))
        write(buffer, some.to_atoms(), format="extxyz")
        text += round(len(buffer.getvalue()) * len(frames) / max(len(some), 1))
    remade = len(str(run.config.model_dump(mode="json")))
    rows: list[dict[str, Any]] = [
        {"what": what, "bytes": size, "for_each": size / max(count, 1), "times": size / remade}
        for what, size in (("extxyz", text), ("HDF5", hdf5), ("the config that remakes it", remade))
    ]
    columns = cols.text(what="What") + cols.count(bytes="Bytes")
    columns += cols.digits(for_each="For each frame", times="Over the config")
    return table("storage", "Bytes of the selected frames.", columns, rows)


def rates_table(run: Run) -> Table | None:
    """Seconds of the jobs of each rule, from Snakemake's tables; none where there are none."""
    rows = []
    for folder in sorted((run.folder / "benchmarks").glob("*/")):
        tables = [pd.read_csv(path, sep="\t") for path in folder.rglob("*.tsv")]
        if tables:
            seconds = pd.concat(tables)["s"]
            rows.append({"rule": folder.name, "jobs": len(tables), "seconds": seconds.sum()})
    columns = cols.text(rule="Rule") + cols.count(jobs="Jobs") + cols.digits(seconds="Seconds")
    return table("times", "Time of the jobs of each rule, by the clock.", columns, rows)
