"""Tables that put the students beside their teacher."""

from typing import Any

import pandas as pd

from limbeck.report.collect import Run
from limbeck.report.table import Column, Table, count, estimate, text
from limbeck.warrant.statistics import Estimate, estimate_of


def speeds(run: Run) -> dict[str, float]:
    """Atoms per second of each model, at its best batch."""
    best = run.speed[run.speed["best"].astype(bool)]
    return dict(zip(best["name"], best["atoms_per_second"], strict=True))


def side_by_side(run: Run) -> Table | None:
    """Teacher and students side by side, for each label set."""
    rows = [row for label_set in _distilled(run) for row in _student_rows(run, label_set)]
    if not rows:
        return None
    symmetries = [s for s in ("rotation", "reflection") if any(s in r for r in rows)]
    has_reference = any("forces_reference" in r for r in rows)
    name = run.settings["warrant"]["reference"]
    reference = [estimate("forces_reference", f"Forces vs {name}, meV/Å")] if has_reference else []
    speed = [
        Column("speed", "Atoms/s", lambda v: f"{v:,.0f}", numeric=True),
        Column("faster", "Speed-up", lambda v: f"{v:.1f} ×", numeric=True),
    ]
    return Table(
        "students",
        "Labels and students on the test frames: mean absolute errors and warrant gaps of the "
        "forces with 95 % intervals, and speed. Gap and speed beside the labels are those of one "
        "pass of the teacher: a label of K views costs K passes, and the student needs one. "
        "Constant: what the composition alone tells, energies of the elements and no forces.",
        [
            text("model", "Model"),
            count("parameters", "Parameters"),
            estimate("energy_labels", "Energy vs labels, meV/atom"),
            estimate("forces_labels", "Forces vs labels, meV/Å"),
            *reference,
            *(estimate(s, f"{s.capitalize()} gap, meV/Å") for s in symmetries),
            *(speed if len(run.speed) else []),
        ],
        pd.DataFrame(rows),
        group="label_set",
    )


def _distilled(run: Run) -> list[str]:
    return list(dict.fromkeys(s.label_set for s in run.students))


def _student_rows(run: Run, label_set: str) -> list[dict[str, Any]]:
    """The teacher, its students and what nothing learned would score."""
    members = [s for s in run.students if s.label_set == label_set]
    found, potential = speeds(run), run.settings["labels"][label_set]["potential"]
    teacher = next((m for m in run.teachers if m.name == potential), None)
    base = found.get(potential)
    test = members[0].metrics
    first: dict[str, Any] = {"label_set": label_set, "model": _labels_name(run, label_set)}
    first |= _reference(test.get("teacher_against_reference"))
    first |= _force_gaps(teacher.gaps if teacher else {})
    rows = [first | {"speed": base, "faster": 1.0 if base else None}]
    for s in members:
        speed = found.get(f"{s.title}/seed{s.seed}")
        row: dict[str, Any] = {"label_set": label_set, "model": f"{s.name}, seed {s.seed}"}
        row["parameters"] = s.training.get("parameters")
        row |= _against(s.metrics["against"]["labels"])
        row |= _reference(s.metrics["against"].get("reference")) | s.own_gaps
        rows.append(row | {"speed": speed, "faster": speed / base if speed and base else None})
    constant = test.get("constant") or {}
    if constant:
        row = {"label_set": label_set, "model": "constant"}
        rows.append(row | _against(constant))
    return rows


def _labels_name(run: Run, label_set: str) -> str:
    row = run.labels.set_index("label_set").loc[label_set]
    return f"labels ({row['potential']}, {row['views']})"


def _against(entry: dict[str, Any]) -> dict[str, Estimate]:
    return {
        "energy_labels": estimate_of(entry.get("energy")),
        "forces_labels": estimate_of(entry.get("forces")),
    }


def _reference(entry: dict[str, Any] | None) -> dict[str, Estimate]:
    return {"forces_reference": estimate_of(entry.get("forces"))} if entry else {}


def _force_gaps(gaps: dict[str, dict[str, Any]]) -> dict[str, Estimate]:
    return {s: estimate_of(g.get("forces") or {}) for s, g in gaps.items()}


def errors_by_source(run: Run) -> Table | None:
    """Errors of the students against their labels, by source."""
    rows = [
        {"label_set": s.label_set, "student": s.name, "seed": s.seed, "source": source}
        | _against(entry)
        for s in run.students
        for source, entry in (s.metrics["against"]["labels"].get("by_source") or {}).items()
    ]
    if not rows:
        return None
    return Table(
        "student_errors_by_source",
        "Mean absolute errors of the students against their labels, by source of the test frames.",
        [
            text("student", "Student"),
            count("seed", "Seed"),
            text("source", "Source"),
            estimate("energy_labels", "Energy, meV/atom"),
            estimate("forces_labels", "Forces, meV/Å"),
        ],
        pd.DataFrame(rows),
        folded=True,
        group="label_set",
    )
