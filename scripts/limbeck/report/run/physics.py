"""The physics of models as the report shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limbeck.config.plan import physics_students, physics_teachers, student_folder
from limbeck.report.run.folder import Run
from limbeck.warrant.statistics import Estimate, estimate_of


@dataclass(frozen=True)
class Physics:
    """What was measured of one model.

    Attributes:
        label_set: of the students; "" of a teacher.
        title: the potential's name, or ``{label_set}/{student}`` with its seed where all are
            measured.
        teacher: name of the student's teacher; None of a teacher, and of labels from a file.
        checks: as :func:`limbeck.physics.measure.measure` gives them.
        figures: as :func:`limbeck.physics.figures.figures` does.
    """

    label_set: str
    title: str
    teacher: str | None
    checks: Mapping[str, Any]
    figures: list[dict[str, Any]]

    def rows(self, check: str) -> list[dict[str, Any]]:
        """Of one check, a row for each structure; none where it was not asked for."""
        found: list[dict[str, Any]] = self.checks.get(check, {}).get("rows", [])
        return found

    def of(self, quantity: str, ends: str = "") -> list[dict[str, Any]]:
        """Its figures of one quantity, under conditions that end so."""
        return [
            each
            for each in self.figures
            if each["quantity"] == quantity and each["condition"].endswith(ends)
        ]

    def worst(self, quantity: str) -> Estimate:
        """The largest of its figures of one quantity."""
        found = [estimate_of(each) for each in self.of(quantity)]
        known = [each for each in found if each.known]
        return max(known, key=lambda each: each.value, default=Estimate(float("nan")))


def teachers_of(run: Run) -> dict[str, Physics]:
    """What was measured of each teacher, by its name."""
    return {
        name: _read(run, f"physics/teachers/{name}.json", "", name)
        for name in physics_teachers(run.config)
    }


def students_of(run: Run) -> list[Physics]:
    """What was measured of each student."""
    several = run.config.warrant.physics.seeds == "all"
    return [
        _read(
            run,
            f"physics/{student_folder(entry)}.json",
            entry.label_set,
            f"{entry.label_set}/{entry.student}" + several * f" ({entry.seed})",
        )
        for entry in physics_students(run.config)
    ]


def _read(run: Run, path: str, label_set: str, title: str) -> Physics:
    found = run.json(path)
    return Physics(label_set, title, found["teacher"], found["checks"], found["figures"])
