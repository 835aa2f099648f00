"""Phonons: force constants, bands and states, and frames along normal modes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from limbeck.config.sections.sampling import Phonons
from limbeck.frames import Frames
from limbeck.report.page import cols
from limbeck.report.page.figure import BLACK, BLUE, GREY, SHADE, WIDTH, PageFigure, named_rows
from limbeck.report.page.items import Section, section
from limbeck.report.page.prose import prose
from limbeck.report.page.table import Table, grouped, named, table
from limbeck.report.run.folder import Run
from limbeck.storage import read_frames

#: crystals of each set of force constants that are drawn, and that the page lists one by one
CRYSTALS, LISTED = 4, 50
CONSTANTS = (
    "id supercell_atoms displacements unexplained_forces second_step_A second_step_difference "
    "lowest_THz modes imaginary_modes reason"
).split()
_DRAWS = (
    "id frames modes sampled_over_thermal sampled_over_thermal_error thermal_share "
    "displacement_over_nearest far_frames too_near reason"
).split()

told = prose("phonons")


@dataclass(frozen=True)
class Crystal:
    """Phonons of one crystal: its id, what it is made of, and ``bands.json``."""

    id: str
    formula: str
    spectrum: dict[str, Any]


def parts_of(run: Run) -> Iterator[Section]:
    """The section of phonons, where there are any."""
    made = run.config.force_constants
    if not made:
        return
    constants = run.shards("force_constants", made, *CONSTANTS, of="force_constants")
    found = draws(run)
    drawn = [(name, c) for name in made for c in islice(crystals(run, name), CRYSTALS)]
    bands = [bands_figure(name, crystal, windows(run, name)) for name, crystal in drawn]
    items = [constants_table(constants), crystals_table(constants), *bands]
    items += [thermal_figure(run, found), draws_table(found)]
    yield section("phonons", "Phonons", items)


def draws(run: Run) -> pd.DataFrame:
    """A row per structure of each sampling along phonons."""
    made = run.samplings("phonons")
    found = run.shards("samples", made, *_DRAWS, of="sampling")
    return found.assign(draw=[made[n].draw for n in found["sampling"]]) if len(found) else found


def crystals(run: Run, name: str) -> Iterator[Crystal]:
    """The crystals that have these force constants."""
    for source in run.config.force_constants[name].sources:
        for shard in run.shards_of(source):
            structures = read_frames(run.path(f"screened/{source}/{shard}.h5"))
            folder = f"force_constants/{name}/{source}/{shard}"
            table = run.csv(f"{folder}.csv", "id", "reason")
            there = set(table["id"][table["reason"].isna()])
            for b, identity in enumerate(structures.id.astype(str)):
                if identity in there:
                    bands = run.json(f"{folder}/{identity}/bands.json")
                    yield Crystal(identity, _formula(structures, b), bands)


def _formula(frames: Frames, b: int) -> str:
    from ase.formula import Formula
    from ase.symbols import Symbols

    whole = Symbols(frames.numbers[frames.atoms_of(b)]).formula
    reduced, _ = Formula(str(whole)).convert("hill").reduce()
    return str(reduced)


def constants_table(found: pd.DataFrame) -> Table | None:
    """By name and source: how many crystals have force constants, and why others have not."""
    unexplained = cols.each("unexplained_forces", "max")
    second_step = cols.each("second_step_difference", "max")
    acoustic_sum = cols.good(cols.each("acoustic_sum_eV_per_A2", "max"))
    columns = [
        *cols.text(force_constants="Name", source="Source"),
        *cols.count(structures=("Structures", len), good=("With constants", cols.good(len))),
        *cols.count(displacements=("Displaced", cols.good(cols.each("displacements", "sum")))),
        *cols.number(".3g", lowest_THz=("Lowest, THz", cols.good(cols.each("lowest_THz", "min")))),
        *cols.count(with_imaginary=("Imaginary", lambda part: (part["imaginary_modes"] > 0).sum())),
        *cols.number(".1%", unexplained_forces=("Unexplained", unexplained)),
        *cols.number(".1%", second_step_difference=("Second step", second_step)),
        *cols.number(".1e", acoustic_sum_eV_per_A2=("Acoustic sum, eV/Å²", acoustic_sum)),
        *cols.text(reasons=("Why not", cols.each("reason", cols.reasons))),
    ]
    rows = grouped(found, "force_constants", "source")
    return table("force_constants", told("constants"), columns, rows)


def crystals_table(found: pd.DataFrame) -> Table | None:
    """Force constants crystal by crystal; the first of them."""
    some = f"the first {LISTED} of {len(found):,}" if len(found) > LISTED else "one by one"
    columns = [
        *cols.words(lambda identity: identity[:8], id="Structure"),
        *cols.text(source="Source"),
        *cols.count(supercell_atoms="Supercell, atoms", displacements="Displacements"),
        *cols.number(".1%", unexplained_forces="Unexplained"),
        *cols.number(".1%", second_step_difference="Second step"),
        *cols.number(".3g", lowest_THz="Lowest, THz"),
        *cols.count(modes="Modes", imaginary_modes="Imaginary"),
        *cols.number(".1f", seconds="Seconds"),
        *cols.text(reason="Why not"),
    ]
    name, whose = "force_constants_by_structure", "force_constants"
    caption = f"Force constants, {some}"
    return table(name, caption, columns, found[:LISTED], folded=True, group=whose)


def draws_table(found: pd.DataFrame) -> Table | None:
    """Frames along phonons, by sampling and source."""
    over_thermal = cols.each("sampled_over_thermal", "mean")
    columns = [
        *cols.text(sampling="Sampling", source="Source"),
        *cols.text(draw=("Draw", lambda part: named(part, "draw").replace("_", " "))),
        *cols.count(structures=("Structures", cols.good(len))),
        *cols.count(
            modes=("Modes", cols.each("modes", "sum")),
            frames=("Frames", cols.each("frames", "sum")),
        ),
        *cols.count(too_near=("Too near", cols.each("too_near", "sum"))),
        *cols.number(".1%", thermal_share=("Thermal share", cols.each("thermal_share", "mean"))),
        *cols.number(".2f", farthest=("Farthest", cols.each("displacement_over_nearest", "max"))),
        *cols.count(far_frames=("Far", cols.each("far_frames", "sum"))),
        *cols.number(".3f", sampled_over_thermal=("Sampled over thermal", over_thermal)),
        *cols.text(reasons=("Why not", cols.each("reason", cols.reasons))),
    ]
    rows = grouped(found, "sampling", "source", "draw")
    return table("phonon_samplings", told("draws"), columns, rows)


Window = tuple[float, float | None]


def windows(run: Run, name: str) -> list[Window]:
    """Frequencies that samplings take modes from, THz; those by number have no window."""
    found = [
        (section.freq_min_THz, section.freq_max_THz)
        for section in run.config.sampling.values()
        if isinstance(section, Phonons) and section.force_constants == name
        if not section.selected_modes
    ]
    return list(dict.fromkeys(found))


def bands_figure(name: str, crystal: Crystal, taken: list[Window]) -> PageFigure:
    """Bands along the path, and the density of states beside them; low ones once more, larger."""
    segments = crystal.spectrum["segments"]
    lowest = min(float(np.min(s["frequencies_THz"])) for s in segments)
    highest = max(float(np.max(s["frequencies_THz"])) for s in segments)
    low_end = max((1.2 * high for _, high in taken if high), default=highest)
    tops = [highest, low_end] if low_end < highest / 2 else [highest]
    canvas = Canvas(figsize=(WIDTH, 1.2 + 2.6 * len(tops)))
    grid = canvas.subplots(len(tops), 2, sharey="row", squeeze=False, width_ratios=[4, 1])
    for (left, right), top in zip(grid, tops, strict=True):
        _draw_bands(left, segments)
        _draw_states(right, crystal.spectrum["dos"], top)
        for axes in (left, right):
            axes.axhline(0, color=GREY, lw=0.8, zorder=1)
            for low, high in taken:
                axes.axhspan(low, high or highest, color=SHADE, lw=0, zorder=0)
        left.set_ylim(min(0.0, 1.05 * lowest), 1.03 * top)
    signed, many = f"{lowest:.3g}".replace("-", "−"), len(tops) > 1
    whose = {"name": name, "crystal": f"{crystal.formula} ({crystal.id[:8]})", "lowest": signed}
    path = _spoken(crystal.spectrum["path"])
    caption = told("bands", **whose, path=path, twice=many, shaded=bool(taken))
    alt = f"Bands of {crystal.formula} from {signed} to {highest:.3g} THz, and density of states."
    data = _band_data(segments)
    return PageFigure(f"phonons_{name}_{crystal.id[:8]}", caption, alt, canvas, data, vector=True)


def _draw_bands(axes: Axes, segments: list[dict[str, Any]]) -> None:
    """The bands, and on the axis the names of the points; where the path jumps, both."""
    places: dict[float, list[str]] = {}
    for segment in segments:
        along = segment["distance_per_A"]
        axes.plot(along, segment["frequencies_THz"], color=BLUE, lw=1.0)
        for place, label in zip((along[0], along[-1]), segment["labels"], strict=True):
            names = places.setdefault(round(place, 9), [])
            if _spoken(label) not in names:
                names.append(_spoken(label))
    axes.set_xticks(list(places), ["|".join(names) for names in places.values()])
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(min(places), max(places))
    axes.set_ylabel("Frequency, THz")


def _draw_states(axes: Axes, states: Mapping[str, Any], top: float) -> None:
    density = np.asarray(states["states_per_THz"], dtype=float)
    frequency = np.asarray(states["frequency_THz"], dtype=float)
    axes.fill_betweenx(frequency, density, color=BLUE, alpha=0.25, lw=0)
    axes.plot(density, frequency, color=BLUE, lw=1.0)
    axes.set_xlim(0, 1.05 * density[frequency <= 1.03 * top].max())
    axes.set_xlabel("States per THz")


def _spoken(path: str) -> str:
    return path.replace("G", "Γ")


def _band_data(segments: list[dict[str, Any]]) -> pd.DataFrame:
    parts = []
    for segment in segments:
        part = pd.DataFrame(segment["frequencies_THz"])
        part.columns = pd.Index([f"band_{i + 1}_THz" for i in range(part.shape[1])])
        part.insert(0, "distance_per_A", segment["distance_per_A"])
        part.insert(0, "segment", "-".join(segment["labels"]))
        parts.append(part)
    return pd.concat(parts)


def thermal_figure(run: Run, found: pd.DataFrame) -> PageFigure | None:
    """Sampled over thermal mean-square displacement of each structure, beside the line at 1."""
    if len(found):
        found = found[(found["draw"] != "mode_scan") & found["sampled_over_thermal"].notna()]
    if not len(found):
        return None
    groups = grouped(found, "sampling", "source")
    canvas = Canvas(figsize=(WIDTH, 1.1 + 0.5 * len(groups)))
    axes = canvas.add_subplot()
    axes.axvline(1.0, color=BLACK, lw=1.4, zorder=1)
    for row, part in enumerate(groups):
        colour, marker = run.look(named(part, "source"))
        apart = np.linspace(-0.25, 0.25, len(part)) if len(part) > 1 else np.zeros(1)
        error = 1.96 * part["sampled_over_thermal_error"].fillna(0.0)
        ratio = part["sampled_over_thermal"]
        axes.errorbar(ratio, row + apart, xerr=error, fmt=marker, ms=5.5, color=colour, lw=1.4)
    names = [f"{named(part, 'sampling')}, {named(part, 'source')}" for part in groups]
    named_rows(axes, names)
    axes.set_xlabel("Sampled over thermal mean-square displacement")
    axes.set_xlim(0, max(1.6, axes.get_xlim()[1]))
    means = [part["sampled_over_thermal"].mean() for part in groups]
    each = ", ".join(f"{name} {mean:.3g}" for name, mean in zip(names, means, strict=True))
    name, alt = "thermal_displacement", f"Points beside a line at 1: {each}"
    return PageFigure(name, told("thermal"), alt, canvas, found, vector=True)
