"""Tables of physics: all models side by side, what is asked of them, and each structure."""

from collections.abc import Iterator, Sequence
from math import nan
from typing import Any

from limbeck.physics.bars import bars_of
from limbeck.report.page import cols
from limbeck.report.page.prose import prose, spelled
from limbeck.report.page.table import ABSENT, Column, Table, table
from limbeck.report.run.folder import Run
from limbeck.report.run.physics import Physics, students_of, teachers_of
from limbeck.warrant.judgement import verdict
from limbeck.warrant.statistics import Estimate, digits, estimate_of

told = prose("physics")

#: checks -> how the page calls them
CHECKS = {
    "nve": "constant energy",
    "nvt": "constant temperature",
    "phonons": "phonons",
    "equation_of_state": "equation of state",
    "symmetry_kept": "symmetry kept",
}


def first(run: Run) -> list[Table | None]:
    """All models side by side, and what is asked of the students."""
    return [side_by_side(run), bars_table(run)]


def more(run: Run) -> list[Table | None]:
    """Each crystal, and what was not measured."""
    return [crystals_table(run), left_out_table(run)]


def models(run: Run) -> Iterator[tuple[str, Physics]]:
    """Every student after its teacher, each with its label set."""
    teachers, seen = run.once(teachers_of), set()
    for student in run.once(students_of):
        if student.label_set not in seen and student.teacher:
            yield student.label_set, teachers[student.teacher]
        seen.add(student.label_set)
        yield student.label_set, student


def side_by_side(run: Run) -> Table | None:
    """A row for each model: its worst figure of each kind."""
    rows = [_row(run, label_set, model) for label_set, model in models(run)]
    there = {key for row in rows for key, value in row.items() if value not in (None, "")}
    columns = [column for column in _columns(run) if column.key in there]
    own = run.config.warrant.physics
    caption = told(
        "side_by_side",
        checks=own.checks,
        step=f"{min(own.nve_time_steps_fs):g}",
        force=f"{min(own.symmetry_force_tolerances_eV_per_A):g}",
    )
    return table("physics", caption, columns, rows, group="label_set")


def _columns(run: Run) -> list[Column]:
    return [
        *cols.text(model="Model"),
        *cols.estimate(drift="Drift, meV/atom/ps"),
        *cols.text(lost="Trajectories lost"),
        *cols.estimate(radial="Radial distribution differs by"),
        *cols.estimate(displacement="Displacement differs by"),
        *cols.shown(cols.in_percent, frequency_error="Frequencies off by"),
        *cols.number(".3g", lowest_THz="Lowest, THz"),
        *cols.text(soft="False soft modes"),
        *cols.shown(cols.in_percent, volume_error="Volume off by"),
        *cols.shown(cols.in_percent, bulk_modulus_error="Bulk modulus off by"),
        *cols.text(loose="Symmetry lost, 0.01 Å", strict="1e-5 Å"),
    ]


def _row(run: Run, label_set: str, model: Physics) -> dict[str, Any]:
    own = run.config.warrant.physics
    force = f", {min(own.symmetry_force_tolerances_eV_per_A):g} eV/A"
    drifts = model.of("largest_drift", f"{min(own.nve_time_steps_fs):g} fs")
    return {
        "label_set": label_set,
        "model": model.title if model.label_set else f"{model.title} (teacher)",
        "drift": _or_none(estimate_of(drifts[0] if drifts else None)),
        "lost": _lost([*drifts, *model.of("trajectories_lost")]),
        "radial": _or_none(model.worst("radial_difference")),
        "displacement": _or_none(model.worst("displacement_difference")),
        **{
            name: _or_none(model.worst(name).value)
            for name in ("frequency_error", "volume_error", "bulk_modulus_error")
        },
        "lowest_THz": _or_none(model.worst("lowest_frequency").value),
        "soft": _counted(model.of("false_soft_modes")),
        "loose": _lost(model.of("symmetry_lost", f"0.01 A{force}")),
        "strict": _lost(model.of("symmetry_lost", f"1e-05 A{force}")),
    }


def _or_none(value: Any) -> Any:
    known = value.known if isinstance(value, Estimate) else value == value
    return value if known else None


def _lost(found: Sequence[dict[str, Any]]) -> str:
    """``1 of 8``: of all conditions together."""
    measured = [each for each in found if each and not each["failed"]]
    if not measured:
        return ""
    lost, doubts = (sum(len(each[key]) for each in measured) for key in ("lost", "doubts"))
    text = f"{lost} of {sum(each['n'] for each in measured)}"
    return text + f" ({doubts} in doubt)" * bool(doubts)


def _counted(found: Sequence[dict[str, Any]]) -> str:
    return _lost(found) + (" crystals" if _lost(found) else "")


def bars_table(run: Run) -> Table | None:
    """What is asked of each student, and what it reached."""
    rows: list[dict[str, Any]] = []
    for student in run.once(students_of):
        bars = bars_of(student.figures, student.checks, run.config.warrant.physics, student.teacher)
        rows += [vars(each) | {"student": student.title} for each in bars]
        rows.append({"student": student.title, "name": "all of these", "outcome": verdict(bars)})
    nothing = {"own": Estimate(nan), "most": Estimate(nan), "why": "", "unit": ""}
    filled = [nothing | row for row in rows]
    for row in filled:
        row["unit"] = spelled(row["unit"])
    columns = cols.text(name="Asked", outcome="Outcome")
    columns += cols.shown(_plainly, own="Student", most="At most")
    columns += cols.text(unit="Unit", why="Because")
    return table("physics_bars", told("bars"), columns, filled, group="student")


def _plainly(found: Estimate) -> str:
    """A figure; without an interval where that has no width."""
    if not found.known:
        return ABSENT
    return digits(found.value) if found.low == found.high else found.text()


def crystals_table(run: Run) -> Table | None:
    """Volume, bulk modulus and lowest frequency of each crystal by each model."""
    rows = []
    for label_set, model in models(run):
        found: dict[str, dict[str, Any]] = {}
        for check in ("equation_of_state", "phonons", "symmetry_kept"):
            for row in model.rows(check):
                own = found.setdefault(row["id"], {"id": row["id"], "formula": row["formula"]})
                own |= {k: v for k, v in row.items() if k != "reason" and _plain(v)}
        rows += [row | {"model": f"{model.title}, {label_set}"} for row in found.values()]
    columns = [
        *cols.text(formula="Crystal"),
        *cols.words(lambda identity: identity[:8], id="Id"),
        *cols.number(".3f", volume_A3="Volume, Å³/atom"),
        *cols.number(".1f", bulk_modulus_GPa="Bulk modulus, GPa"),
        *cols.number(".3g", lowest_THz="Lowest, THz"),
        *cols.count(imaginary="Imaginary", modes="Modes", supercell_atoms="Supercell, atoms"),
        *cols.count(operations="Operations"),
    ]
    there = {key for row in rows for key in row}
    shown = [column for column in columns if column.key in there]
    return table("physics_crystals", told("crystals"), shown, rows, folded=True, group="model")


def _plain(value: Any) -> bool:
    return isinstance(value, int | float | str)


def left_out_table(run: Run) -> Table | None:
    """Structures that were left out or set aside, and why."""
    rows = []
    for label_set, model in models(run):
        for check, about in model.checks.items():
            aside = [row for row in about["rows"] if row.get("reason")]
            failed = [{"formula": "all", "reason": about["failed"]}] if about["failed"] else []
            for row in [*about["left_out"], *aside, *failed]:
                of = {"model": f"{model.title}, {label_set}", "check": CHECKS[check]}
                rows.append(of | {"formula": row["formula"], "reason": row["reason"]})
    columns = cols.text(model="Model", check="Check", formula="Structure", reason="Reason")
    return table("physics_left_out", told("left_out"), columns, rows, folded=True)
