"""Tables of the warrant gaps: one for all, and what stands behind it."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from limbeck.report.collect import Measured
from limbeck.report.gap_kinds import FORCE_FIELD, Headline, headline, in_order, kind_of, spoken
from limbeck.report.table import Column, Table, count, estimate, number, percent, text
from limbeck.report.words import ROUNDING
from limbeck.warrant.statistics import Estimate, estimate_of


def overview(models: Sequence[Measured], name: str = "gaps_overview") -> Table | None:
    """Every gap of every model: in meV/Angstrom, and relative to the forces."""
    found = {m.name: {n: headline(n, g) for n, g in m.gaps.items()} for m in models if m.gaps}
    gaps = in_order(n for each in found.values() for n in each)
    if not gaps:
        return None
    # Names of potentials are lower-case: none can be that of another column.
    rows: list[dict[str, Any]] = [
        {"Gap": n, "Quantity": _measure(n), **_of_each(found, n, "value")} for n in gaps
    ]
    for n in gaps:
        relative = _of_each(found, n, "percent")
        if any(value.known for value in relative.values()):
            rows.append({"Gap": n, "Quantity": RELATIVE, **relative})
    return Table(
        name,
        "One number for every gap, with its 95 % interval (bootstrap over roots). Rounding in "
        f"single precision alone gives up to {ROUNDING} meV/Å.",
        [Column("Gap", "Gap", GAP.show), *(estimate(model, model) for model in found)],
        pd.DataFrame(rows),
        group="Quantity",
    )


GAP = Column("gap", "Gap", lambda name: kind_of(name).title)
RELATIVE = "Relative to the root mean square force, %"


def _measure(name: str) -> str:
    of = kind_of(name).of
    return f"{of[0].upper()}{of[1:]}, meV/Å"


def _of_each(found: dict[str, dict[str, Headline]], gap: str, part: str) -> dict[str, Estimate]:
    return {model: getattr(gaps[gap], part) for model, gaps in found.items() if gap in gaps}


def meanings(names: Iterable[str]) -> str:
    """What the numbers of these gaps are, in words."""
    kinds = [(n, kind_of(n)) for n in names]
    others = [f"{k.title.lower()}, {k.of}" for n, k in kinds if n in FORCE_FIELD]
    symmetric = [k.of for n, k in kinds if n not in FORCE_FIELD][:1]
    return "root mean square of " + "; ".join(
        [f"the {s} (the symmetries)" for s in symmetric] + others
    )


def symmetries(models: Iterable[Measured]) -> Table | None:
    """Gaps of the symmetries: energy, forces and stress."""
    rows = [
        {"model": m.name, "gap": n, **_counts(m.gaps[n]), "views": m.gaps[n].get("n_views")}
        | gap_row(n, m.gaps[n])
        for m in models
        for n in in_order(m.gaps)
        if n not in FORCE_FIELD
    ]
    if not rows:
        return None
    return Table(
        "gaps",
        "Gaps of the symmetries: root mean square spread over views, with 95 % intervals. "
        "Relative: over the root mean square force, where there is more than numerical error. In "
        "a perfect crystal forces vanish by symmetry, so that a gap of the space group may be as "
        "large as they are.",
        [
            GAP,
            *_COUNTS,
            count("views", "Views"),
            estimate("energy_meV_per_atom", "Energy, meV/atom"),
            estimate("forces_meV_per_A", "Forces, meV/Å"),
            Column("relative", "Forces, relative", percent, numeric=True),
            estimate("stress_GPa", "Stress, GPa"),
        ],
        pd.DataFrame(rows),
        group="model",
    )


def gap_row(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a symmetry's gap, of all frames or of one source."""
    found = headline(name, entry)
    return {
        "energy_meV_per_atom": estimate_of(entry.get("energy") or {}),
        "forces_meV_per_A": found.value,
        "relative": found.relative.value,
        "stress_GPa": estimate_of(entry.get("stress") or {}),
    }


def force_fields(models: Iterable[Measured]) -> Table | None:
    """Conservativity and consistency, each beside the error of the arithmetic behind it."""
    rows = [
        {"model": m.name, "gap": n, **_counts(m.gaps[n]), **_force_field_row(n, m.gaps[n])}
        for m in models
        for n in in_order(m.gaps)
        if n in FORCE_FIELD
    ]
    if not rows:
        return None
    return Table(
        "gaps_of_force_fields",
        "Whether the forces belong to an energy. Conservativity: work around random closed loops, "
        "over the length of the path. Consistency: forces less minus the slope of the energy, and "
        "stress less its slope with strain, by central differences. Beside each root mean square "
        "stands what the integration or the differences alone are wrong by.",
        [
            GAP,
            *_COUNTS,
            estimate("force_meV_per_A", "Work or forces, meV/Å"),
            number("error_meV_per_A", "Numerical error, meV/Å", ".2g"),
            estimate("stress_GPa", "Stress, GPa"),
            number("error_GPa", "Numerical error, GPa", ".2g"),
        ],
        pd.DataFrame(rows),
        group="model",
    )


def _force_field_row(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    kind, stress = kind_of(name), entry.get("stress") or {}
    part = entry.get(kind.part) or {}
    return {
        "force_meV_per_A": estimate_of(part),
        "error_meV_per_A": estimate_of(part.get("numerical_error")).value,
        "step_A": part.get("step_A"),
        "stress_GPa": estimate_of(stress),
        "error_GPa": estimate_of(stress.get("numerical_error")).value,
        "step_strain": stress.get("step_strain"),
    }


_COUNTS = (count("frames", "Frames"), count("roots", "Roots"))


def _counts(entry: dict[str, Any]) -> dict[str, Any]:
    return {"frames": entry.get("n_frames"), "roots": entry.get("n_roots")}


def by_source(models: Iterable[Measured]) -> Table | None:
    """The number that stands for each gap, by source."""
    rows = [
        {"model": m.name, "gap": n, "source": source, **_counts(entry)}
        | {"meV_per_A": headline(n, entry).value, "relative": headline(n, entry).relative.value}
        for m in models
        for n in in_order(m.gaps)
        for source, entry in m.gaps[n].get("by_source", {}).items()
    ]
    if not rows:
        return None
    return Table(
        "gaps_by_source",
        "Every gap by source, the number of the first table",
        [
            GAP,
            text("source", "Source"),
            *_COUNTS,
            estimate("meV_per_A", "meV/Å"),
            Column("relative", "Relative", percent, numeric=True),
        ],
        pd.DataFrame(rows),
        folded=True,
        group="model",
    )


def left_out(models: Iterable[Measured]) -> Table | None:
    """Frames that a gap was not measured on, by reason; gaps that lack the same share a row."""
    found: dict[tuple[str, str, int], list[str]] = {}
    for m in models:
        for name in in_order(m.gaps):
            for reason, n in (m.gaps[name].get("left_out") or {}).items():
                if n:
                    found.setdefault((m.name, reason, n), []).append(spoken(name))
    if not found:
        return None
    rows = [
        {"model": model, "reason": reason, "frames": n, "gaps": ", ".join(names)}
        for (model, reason, n), names in found.items()
    ]
    return Table(
        "gaps_left_out",
        "Frames that gaps were not measured on, by reason.",
        [
            text("reason", "Reason"),
            count("frames", "Frames"),
            text("gaps", "Gaps"),
        ],
        pd.DataFrame(rows),
        group="model",
    )
