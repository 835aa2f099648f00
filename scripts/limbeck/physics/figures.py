"""What the measurements of one model come to, beside its teacher's: a few figures of each check.

A figure has ``quantity`` and ``condition``, ``value``, ``ci95`` and ``unit``, the number ``n`` of
structures that it is of, ``lost``: what of the model's own failed, a line each, which no value
makes good, and ``doubts``: what may be chance, a line each. ``failed`` says why there is no value.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from limbeck.config.sections.warrant import Physics
from limbeck.physics.structure import displacement_difference, radial_difference
from limbeck.reasons import BOND_BROKEN
from limbeck.warrant.statistics import Estimate, entry_of, estimate_of
from limbeck.warrant.tidy import Row, row_of

Rows = Sequence[Mapping[str, Any]]
Figure = dict[str, Any]
NOTHING = Estimate(np.nan)
INCOMPARABLE = "nothing that can be compared"


def figures(
    found: Mapping[str, Any], own: Physics, teacher: Mapping[str, Any] | None = None
) -> list[Figure]:
    """All figures of a model.

    Args:
        found: of :func:`limbeck.physics.measure.measure`.
        teacher: the same of its teacher; without it, what is compared is left out.
    """
    made: list[Figure] = []
    for check, about in found.items():
        other = (teacher or {}).get(check, {}).get("rows", [])
        for part in _OF[check](about["rows"], other, own, teacher is not None):
            why = about["failed"] or part["failed"]
            if why == INCOMPARABLE and (aside := {row.get("reason") for row in other} - {"", None}):
                why += f"; the teacher's own: {'; '.join(sorted(aside))}"
            made.append(part | {"check": check, "failed": why})
    return made


def figure_rows(made: Sequence[Figure], **names: Any) -> Iterator[Row]:
    """Rows of the table beside the JSON file."""
    for each in made:
        row = names | {"quantity": each["quantity"], "statistic": each["condition"]}
        yield row_of(estimate_of(each), each["unit"], n_frames=each["n"], **row)


def _figure(
    quantity: str,
    condition: str,
    found: Estimate,
    unit: str,
    n: int,
    lost: Sequence[str] = (),
    doubts: Sequence[str] = (),
) -> Figure:
    why = "" if found.known or lost else INCOMPARABLE
    names = {"quantity": quantity, "condition": condition, "n": n}
    told = {"lost": list(lost), "doubts": list(doubts), "failed": why}
    return names | told | entry_of(found, unit)


def exact(value: float) -> Estimate:
    """What has no scatter, of the structures at hand."""
    return Estimate(value, value, value)


def _of_nve(rows: Rows, other: Rows, own: Physics, compared: bool) -> Iterator[Figure]:
    for step in own.nve_time_steps_fs:
        here = [row for row in rows if row["time_step_fs"] == step]
        drifts = [NOTHING if row["cut"] else _size(estimate_of(row["drift"])) for row in here]
        lost = [
            f"{row['formula']}: {row['cut'] or 'no drift'}"
            for row, d in zip(here, drifts, strict=True)
            if not d.known
        ]
        worst = max((d for d in drifts if d.known), key=lambda d: d.value, default=NOTHING)
        unit = "meV/atom/ps"
        yield _figure("largest_drift", f"{step:g} fs", worst, unit, len(here), lost)


def _size(found: Estimate) -> Estimate:
    """The absolute value of a figure, with its interval."""
    own = -found if found.value < 0 else found
    if own.low < 0:
        return Estimate(own.value, 0.0, max(own.high, -own.low))
    return own


def _of_nvt(rows: Rows, other: Rows, own: Physics, compared: bool) -> Iterator[Figure]:
    teachers = {_at(row): row for row in other}
    for kelvin in dict.fromkeys(row["temperature_K"] for row in rows) or own.temperatures_K or []:
        here = [row for row in rows if row["temperature_K"] == kelvin]
        condition = f"{kelvin:g} K"
        if "nvt" in own.checks:
            both = [(row, teachers.get(_at(row), {})) for row in here]
            lost, doubts = ([text for pair in both if (text := tell(*pair))] for tell in _ENDS)
            share = exact(len(lost) / len(here)) if here else NOTHING
            yield _figure("trajectories_lost", condition, share, "", len(here), lost, doubts)
        if compared and "structure" in own.checks:
            its = [row for row in other if row["temperature_K"] == kelvin]
            yield from _likeness({row["id"]: row for row in here}, its, condition)


def _at(row: Mapping[str, Any]) -> tuple[str, float]:
    return row["id"], row["temperature_K"]


def _end(row: Mapping[str, Any], teacher: Mapping[str, Any]) -> str:
    """Why a trajectory was cut; a bond that breaks in its teacher's as well is nothing against
    it."""
    if not row["cut"] or (row["cut"] == BOND_BROKEN == teacher.get("cut")):
        return ""
    return f"{row['formula']}: {row['cut']} at {row['cut_time_fs'] / 1000:.3g} ps"


def _doubt(row: Mapping[str, Any], teacher: Mapping[str, Any]) -> str:
    """Why the temperature of a trajectory is in doubt, unless its teacher's is as well; one of a
    hundred is by chance."""
    if not row["doubt"] or row["doubt"] == teacher.get("doubt"):
        return ""
    return f"{row['formula']}: {row['doubt']}, {row['measured_K']:.0f} K"


_ENDS = (_end, _doubt)


def _likeness(mine: Mapping[str, Any], its: Rows, condition: str) -> Iterator[Figure]:
    """Distances from the teacher, means over trajectories, give or take the noise of the teacher's
    own: what its two halves differ by."""
    for quantity, key, differ in (
        ("radial_difference", "radial", radial_difference),
        ("displacement_difference", "displacement_A2", displacement_difference),
    ):
        noise = f"{key.removesuffix('_A2')}_noise"
        offered = [(mine.get(row["id"], {}), row) for row in its if key in row]
        lost = [f"{row['formula']}: no whole trajectory" for own, row in offered if key not in own]
        both = [(own[key], row) for own, row in offered if key in own]
        if not offered and key != "radial":  # none of them is a crystal
            continue
        found = NOTHING
        if both:
            mean = float(np.mean([differ(own, row[key]) for own, row in both]))
            half = float(np.mean([row[noise] for _, row in both]))
            found = Estimate(mean, max(mean - half, 0.0), mean + half)
        yield _figure(quantity, condition, found, "", len(both), lost)


def _of_phonons(rows: Rows, other: Rows, own: Physics, compared: bool) -> Iterator[Figure]:
    good = [row for row in rows if not row["reason"]]
    if not compared:
        lowest = min((row["lowest_THz"] for row in good), default=np.nan)
        yield _figure("lowest_frequency", "", exact(lowest), "THz", len(good))
        soft = exact(sum(row["imaginary"] > 0 for row in good)) if good else NOTHING
        yield _figure("crystals_with_soft_modes", "", soft, "", len(good))
        return
    pairs, lost = paired(rows, other)
    errors = [frequency_error(mine, its) for mine, its in pairs]
    known = [error for error in errors if error[1] == error[1]]
    lost += [
        f"{mine['formula']}: its modes are not those of the teacher"
        for (mine, _), error in zip(pairs, errors, strict=True)
        if error not in known
    ]
    worst = max(known, key=lambda error: error[1], default=(np.nan, np.nan))
    for quantity, value, unit in (
        ("frequency_error", worst[1], ""),
        ("frequency_error_THz", worst[0], "THz"),
    ):
        yield _figure(quantity, "", exact(value), unit, len(pairs), lost)
    lowest = min((mine["lowest_THz"] for mine, _ in pairs), default=np.nan)
    yield _figure("lowest_frequency", "", exact(lowest), "THz", len(pairs))
    false = [_softness(a, b) for a, b in pairs if a["imaginary"] and not b["imaginary"]]
    missed = [_softness(a, b) for a, b in pairs if b["imaginary"] and not a["imaginary"]]
    for quantity, lines in (("false_soft_modes", false), ("missed_soft_modes", missed)):
        count = exact(len(lines)) if pairs else NOTHING
        yield _figure(quantity, "", count, "", len(pairs), lines)


def _softness(mine: Mapping[str, Any], its: Mapping[str, Any]) -> str:
    lowest = f"{mine['lowest_THz']:.3g} THz, the teacher's {its['lowest_THz']:.3g}"
    return f"{mine['formula']}: {lowest}".replace("-", "−")


def paired(
    rows: Rows, other: Rows
) -> tuple[list[tuple[Mapping[str, Any], Mapping[str, Any]]], list[str]]:
    """Rows of a model and of its teacher for the same crystals; and a line for each that the
    teacher has and the model does not."""
    own = {row["id"]: row for row in rows}
    its = [row for row in other if not row["reason"]]
    lost = [
        f"{row['formula']}: {mine['reason'] if mine else 'not measured'}"
        for row in its
        if (mine := own.get(row["id"])) is None or mine["reason"]
    ]
    there = [(own[row["id"]], row) for row in its if row["id"] in own]
    return [(mine, row) for mine, row in there if not mine["reason"]], lost


def frequency_error(mine: Mapping[str, Any], its: Mapping[str, Any]) -> tuple[float, float]:
    """Root mean square difference of two sets of frequencies of one crystal, in THz and as a share
    of the root mean square of the second; mode by mode in ascending order at each q-point."""
    squares = total = size = 0.0
    for a, b, waves in zip(
        mine["frequencies_THz"], its["frequencies_THz"], its["waves"], strict=True
    ):
        one, two = np.array(a), np.array(b)
        if len(one) != len(two):  # a translation that is none: no such crystal is compared
            return np.nan, np.nan
        squares += waves * float(((one - two) ** 2).sum())
        size += waves * float((two**2).sum())
        total += waves * len(two)
    if not total:
        return np.nan, np.nan
    return float(np.sqrt(squares / total)), float(np.sqrt(squares / size)) if size else np.nan


def _of_equations(rows: Rows, other: Rows, own: Physics, compared: bool) -> Iterator[Figure]:
    if not compared:
        return
    pairs, lost = paired(rows, other)
    for quantity, key in (
        ("volume_error", "volume_A3"),
        ("bulk_modulus_error", "bulk_modulus_GPa"),
    ):
        worst = max((abs(a[key] / b[key] - 1) for a, b in pairs), default=np.nan)
        yield _figure(quantity, "", exact(worst), "", len(pairs), lost)


def _of_symmetry(rows: Rows, other: Rows, own: Physics, compared: bool) -> Iterator[Figure]:
    good = [row for row in rows if not row["reason"]]
    for place, tolerance in enumerate(own.symmetry_force_tolerances_eV_per_A):
        distances = good[0]["after"][place]["kept"] if good else ("0.01", "1e-05")
        for symprec in distances:
            lost = [row["formula"] for row in good if not row["after"][place]["kept"][symprec]]
            share = exact(len(lost) / len(good)) if good else NOTHING
            condition = f"{symprec} A, {tolerance:g} eV/A"
            yield _figure("symmetry_lost", condition, share, "", len(good), lost)


_OF = {
    "nve": _of_nve,
    "nvt": _of_nvt,
    "phonons": _of_phonons,
    "equation_of_state": _of_equations,
    "symmetry_kept": _of_symmetry,
}
