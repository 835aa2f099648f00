"""Teachers: their symmetry errors (warrant gaps), and their errors against the reference."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from limbeck.config.plan import teachers, zeros_differ
from limbeck.report.page import cols, figure, items
from limbeck.report.page.figure import GREY, SHADE, WIDTH, PageFigure, look, named_rows, paled
from limbeck.report.page.items import Answer, Question, Section, paragraph, section
from limbeck.report.page.prose import UNIT, groups_in_words, prose, spelled
from limbeck.report.page.table import Column, Table, table
from limbeck.report.run.folder import Run
from limbeck.report.run.gap import ROUNDING, Measured, MeasuredGap, in_order, kind_of, of_teachers
from limbeck.warrant.tidy import pivot

#: meV/Angstrom; what is smaller stands here, since it would rule the axis and say no more
_FLOOR = 1e-3
#: height of one model's row within a gap, and of the room between gaps; inches
ROW, BETWEEN = 0.15, 0.17

#: of teachers against the reference, by how they were asked
ERRORS = {
    "as_given": "As given",
    "random": "One random view",
    "averaged": "Mean of 24 views",
    "gain": "Gain of averaging",
}

told = prose("gaps")


def parts_of(run: Run) -> Iterator[Section]:
    """The sections of the teachers' gaps, and of their errors against the reference."""
    found = run.once(of_teachers)
    made = items_of(found) if found else [paragraph(told("no_teacher"))]
    yield section("gaps", "Teachers: symmetry errors (warrant gaps)", made)
    yield from errors_of(run)


def items_of(found: Sequence[Measured]) -> list[Any]:
    """Answers, figure and tables."""
    answers = [kept(each.name, each.gaps.values()) for each in found]
    gaps = [gap for each in found for gap in each.gaps.values()]
    return [
        Question(told("question"), answers),
        paragraph(told("what")),
        gap_figure(found),
        overview_table(found),
        symmetries_table([gap for gap in gaps if kind_of(gap.gap).is_symmetry]),
        force_fields_table([gap for gap in gaps if not kind_of(gap.gap).is_symmetry]),
        by_source_table([gap for each in found for gap in each.by_source]),
        left_out_table(gaps),
    ]


def kept(potential: str, gaps: Iterable[MeasuredGap]) -> Answer:
    """Are the symmetries kept, and do the forces belong to an energy?"""
    found = [gap for gap in gaps if gap.value.known]
    if not found:
        return Answer(potential, items.NOT_MEASURED, "No gap was measured.")
    by_state = {s: [gap for gap in found if gap.state == s] for s in ("open", "unsure", "closed")}
    by_state["open"].sort(key=lambda gap: -gap.value.value)
    sure, unsure = (
        [f"{gap.spoken} {gap.value.text(UNIT)}" for gap in by_state[s]] for s in ("open", "unsure")
    )
    none = [gap.spoken for gap in by_state["closed"]]
    leads = {"Gaps": sure, "Uncertain": unsure, "None beyond numerical error": none}
    words = " ".join(f"{lead}: {', '.join(each)}." for lead, each in leads.items() if each)
    if sure:
        return Answer(potential, items.PARTLY if none else items.NO, words)
    return Answer(potential, items.CANNOT_TELL if unsure else items.YES, words)


RELATIVE = "Relative to the root mean square force, %"
#: columns of most tables of gaps
GAP = cols.words(lambda name: kind_of(name).title, gap="Gap")
COUNTS = [
    *cols.count(frames=("Frames", lambda gap: gap.entry["n_frames"])),
    *cols.groups(lambda gap: gap.entry),
]


def overview_table(models: Sequence[Measured], name: str = "gaps_overview") -> Table | None:
    """Every gap of every model: in meV/Angstrom, and relative to the forces."""
    found = {m.name: m.gaps for m in models if m.gaps}
    names = in_order(n for gaps in found.values() for n in gaps)
    groups = {n: _groups(gaps[n] for gaps in found.values() if n in gaps) for n in names}
    rows: list[dict[str, Any]] = []
    for n in names:
        of = kind_of(n).of
        values = {model: gaps[n].value for model, gaps in found.items() if n in gaps}
        # Names of potentials are lower-case: none can be that of another column.
        quantity = f"{of[0].upper()}{of[1:]}, {UNIT}"
        rows.append({"Gap": n, "Quantity": quantity, "Groups": groups[n], **values})
    for n in names:
        shares = {model: gaps[n].share.times(100) for model, gaps in found.items() if n in gaps}
        if any(share.known for share in shares.values()):
            rows.append({"Gap": n, "Quantity": RELATIVE, "Groups": groups[n], **shares})
    columns = cols.words(GAP[0].show, Gap="Gap") + cols.text(Groups="Groups")
    columns += cols.estimate(**{model: model for model in found})
    return table(name, told("overview", rounding=ROUNDING), columns, rows, group="Quantity")


def _groups(gaps: Iterable[MeasuredGap]) -> str:
    """What the intervals of several models are over; the fewest and the most where they differ."""
    counts = sorted((gap.entry for gap in gaps), key=lambda entry: entry["n_groups"])
    ends = dict.fromkeys(groups_in_words(c, short=True) for c in (counts[0], counts[-1]))
    return " to ".join(ends)


def symmetries_table(gaps: Sequence[MeasuredGap]) -> Table | None:
    """Gaps of the symmetries: of every quantity that a model answers with."""
    units = {quantity: unit for gap in gaps for quantity, unit in gap.units.items()}
    columns = [*GAP, *COUNTS, *cols.count(views=("Views", lambda gap: gap.entry.get("n_views")))]
    columns += [_of_quantity(quantity, unit) for quantity, unit in units.items()]
    columns += cols.shown(cols.percent, relative=("Forces, relative", lambda gap: gap.share.value))
    return table("gaps", told("symmetries"), columns, gaps, group="model")


def _of_quantity(quantity: str, unit: str) -> Column:
    key = f"{quantity}_{unit.replace('/', '_per_').replace(' ', '_')}"
    heading = f"{quantity.capitalize()}, {spelled(unit)}"
    return cols.estimate(**{key: (heading, lambda gap: gap.of(quantity))})[0]


def force_fields_table(gaps: Sequence[MeasuredGap]) -> Table | None:
    """Conservativity and consistency, each beside the error of the arithmetic behind it."""
    own, error = "Numerical error, meV/Å", "Numerical error, GPa"
    columns = [*GAP, *COUNTS]
    columns += cols.estimate(force_meV_per_A=("Work or forces, meV/Å", lambda gap: gap.value))
    columns += cols.number(".2g", error_meV_per_A=(own, lambda gap: gap.error(gap.quantity)))
    columns += cols.estimate(stress_GPa=("Stress, GPa", lambda gap: gap.of("stress")))
    columns += cols.number(".2g", error_GPa=(error, lambda gap: gap.error("stress")))
    return table("gaps_of_force_fields", told("force_fields"), columns, gaps, group="model")


def by_source_table(gaps: Sequence[MeasuredGap]) -> Table | None:
    """The number that stands for each gap, by source."""
    columns = [*GAP, *cols.text(source="Source"), *COUNTS]
    columns += cols.estimate(meV_per_A=("meV/Å", lambda gap: gap.value))
    columns += cols.shown(cols.percent, relative=("Relative", lambda gap: gap.share.value))
    caption = told("by_source")
    return table("gaps_by_source", caption, columns, gaps, folded=True, group="model")


def left_out_table(gaps: Iterable[MeasuredGap]) -> Table | None:
    """Frames that a gap was not measured on, by reason; gaps that lack the same share a row."""
    found: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for gap in gaps:
        for reason, n in gap.entry.get("left_out", {}).items():
            if n:
                found[gap.model, reason, n].append(gap.spoken)
    rows = [
        {"model": model, "reason": reason, "frames": n, "gaps": ", ".join(names)}
        for (model, reason, n), names in found.items()
    ]
    columns = cols.text(reason="Reason") + cols.count(frames="Frames") + cols.text(gaps="Gaps")
    return table("gaps_left_out", told("left_out"), columns, rows, group="model")


def gap_figure(models: Sequence[Measured]) -> PageFigure | None:
    """Every gap of every potential, on a logarithmic axis."""
    models = [m for m in models if m.gaps]
    names = in_order(name for m in models for name in m.gaps)
    points = [
        (row, place, m.gaps[name])
        for row, name in enumerate(names)
        for place, m in enumerate(models)
        if name in m.gaps and m.gaps[name].value.known
    ]
    if not points:
        return None
    height = max(ROW * len(models) + BETWEEN, 0.42)  # of one gap; two lines have to fit
    canvas = Canvas(figsize=(WIDTH, len(names) * height + 1.1))
    axes = canvas.add_subplot()
    for row, place, found in points:
        _draw(axes, row + (place - (len(models) - 1) / 2) * ROW / height, found, place)
    _frame(axes, names, [m.name for m in models])
    rows = [
        {"gap": name, "potential": m.name, "meV_per_A": m.gaps[name].value}
        | {"relative": m.gaps[name].share, "level_meV_per_A": m.gaps[name].level}
        for name in names
        for m in models
        if name in m.gaps
    ]
    caption = told("figure", meanings=meanings(names), rounding=ROUNDING, floor=_FLOOR)
    each = "; ".join(f"{m.name}: {_in_words(m)}" for m in models)
    alt = f"Dots with intervals on a logarithmic axis. {each}"
    return PageFigure("warrant_gaps", caption, alt, canvas, pd.DataFrame(rows), vector=True)


def meanings(names: Iterable[str]) -> str:
    """What the numbers of these gaps are, in words."""
    kinds = [kind_of(name) for name in names]
    others = [f"{kind.title.lower()}, {kind.of}" for kind in kinds if not kind.is_symmetry]
    symmetric = [f"the {kind.of} (the symmetries)" for kind in kinds if kind.is_symmetry][:1]
    return "root mean square of " + "; ".join(symmetric + others)


def _draw(axes: Axes, height: float, found: MeasuredGap, place: int) -> None:
    colour, marker = look(place)
    value = found.value
    if value.bounded:
        ends = [max(value.low, _FLOOR), max(value.high, _FLOOR)]
        axes.plot(ends, [height, height], color=colour, lw=1.6, solid_capstyle="butt", zorder=2)
    fill = {"open": 1.0, "unsure": 0.35, "closed": 0.0}[found.state]
    style: Any = {"color": colour, "markerfacecolor": paled(colour, fill), "markeredgewidth": 1.2}
    axes.plot(max(value.value, _FLOOR), height, marker, ms=5.5, zorder=3, **style)


def _frame(axes: Axes, names: Sequence[str], potentials: Sequence[str]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(_FLOOR / 1.5, max(axes.get_xlim()[1], 10 * ROUNDING))
    axes.axvspan(_FLOOR / 1.5, ROUNDING, color=SHADE, zorder=0, lw=0)
    figure.plain(axes.xaxis)
    at_edge = 1.01 * _FLOOR
    written = FuncFormatter(lambda v, _: ("≤ " if v < at_edge else "") + f"{v:,g}")
    axes.xaxis.set_major_formatter(written)
    kinds = [kind_of(name) for name in names]
    named_rows(axes, ["\n".join(filter(None, [kind.title, kind.note])) for kind in kinds])
    axes.tick_params(axis="y", length=0)
    for row in range(1, len(names)):
        first_of_others = kinds[row - 1].is_symmetry and not kinds[row].is_symmetry
        axes.axhline(row - 0.5, color=GREY if first_of_others else "#e6e8eb", lw=0.8, zorder=1)
    axes.set_xlabel("Gap (root mean square), meV/Å")
    handles = [
        Line2D([], [], color=look(i)[0], marker=look(i)[1], ms=5.5, lw=1.6, label=name)
        for i, name in enumerate(potentials)
    ]
    style: Any = {"borderaxespad": 0.3, "columnspacing": 1.6}
    place: Any = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": min(len(handles), 5)}
    axes.legend(handles=handles, **place, **style)


def _in_words(model: Measured) -> str:
    found = [gap for gap in model.gaps.values() if gap.value.known]
    return ", ".join(
        f"{g.spoken} {'none' if g.state == 'closed' else g.value.text(UNIT)}" for g in found
    )


def errors_of(run: Run) -> Iterator[Section]:
    """The section of errors against the reference, in all and by source, if any."""
    found = run.once(read_errors)
    if not len(found):
        return
    columns = cols.count(n_frames="Frames") + cols.groups()
    columns += cols.estimate(**{f"mae_{kind}": heading for kind, heading in ERRORS.items()})
    columns += cols.estimate(energy="Energies, meV/atom")
    whole, by_source = found[found["source"] == ""], found[found["source"] != ""]
    caption, by_name = (
        told("errors", reference=run.reference, fitted=zeros_differ(run.config)),
        [*cols.text(subject="Teacher"), *columns],
    )
    name, named = "teacher_errors_by_source", [*cols.text(source="Source"), *columns]
    folded = table(
        name,
        told("errors_by_source"),
        named,
        by_source.to_dict("records"),
        folded=True,
        group="subject",
    )
    items = [table("teacher_errors", caption, by_name, whole.to_dict("records")), folded]
    yield section("errors", f"Teachers: errors against {run.reference}", items)


def read_errors(run: Run) -> pd.DataFrame:
    """Force errors, and those of the energy of frames as given, a row for each teacher but the
    reference itself, and each source ("": all)."""
    if run.reference is None:
        return pd.DataFrame()
    itself = run.config.labels[run.reference].potential
    rows = []
    for name in [name for name in teachers(run.config) if name != itself]:
        figures = run.figures(f"warrant/teachers/{name}.csv")
        errors = figures["statistic"].isin([f"mae_{kind}" for kind in ERRORS])
        energies = figures["quantity"] == "energy"
        found = figures[errors & (~energies | (figures["statistic"] == "mae_as_given"))]
        found = found.assign(statistic=found["statistic"].mask(energies, "energy"))
        rows += pivot(found, ["subject", "source"], "statistic")
    return pd.DataFrame(rows)
