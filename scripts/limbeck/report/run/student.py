"""Trained students as the report shows them: their errors, their gaps, and how they learned."""

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from limbeck.config.plan import trained
from limbeck.config.written import Training
from limbeck.report.run.folder import Run
from limbeck.report.run.gap import Measured, measured
from limbeck.warrant.statistics import Estimate
from limbeck.warrant.tidy import SIZES, pick

CURVE = ("epoch", "train_loss", "valid_loss", "valid_forces_mae_meV_per_A")


@dataclass(frozen=True)
class Student:
    """One trained student, of one seed.

    Attributes:
        figures: the table beside metrics.json.
        curve: training.csv.
        training: training.json.
        gaps: over all seeds, and of each.
        alone: it has one seed.
    """

    label_set: str
    name: str
    seed: int
    figures: pd.DataFrame
    curve: pd.DataFrame
    training: Training
    gaps: Measured
    alone: bool

    @property
    def title(self) -> str:
        """``{label_set}/{student}``, what speeds and gaps call it."""
        return f"{self.label_set}/{self.name}"

    @property
    def title_of_seed(self) -> str:
        """The title, with the seed where there are several."""
        return self.title + ("" if self.alone else f" ({self.seed})")

    def error(
        self, against: str, quantity: str = "forces", source: str = "", kind: str = "student"
    ) -> Estimate:
        """Mean absolute error against "labels", "reference", or the "reference_excess"; that of
        the "labels" or the "constant" on the same frames as another kind."""
        seed = self.seed if kind == "student" else None
        names = {"kind": kind, "quantity": quantity, "statistic": f"mae_against_{against}"}
        return pick(self.figures, names, seed=seed, source=source)

    def counts(self, source: str = "") -> dict[str, int]:
        """How many frames, roots and groups its errors are of; of one source, or of all."""
        rows = self.figures[self.figures["source"] == source]
        return {name: int(rows[name].max()) for name in SIZES}


def students_of(run: Run) -> list[Student]:
    """Every student and seed, all seeds of one together."""
    found = trained(run.config)
    seeds = Counter(f"{label_set}/{name}" for label_set, name, _ in found)
    gaps = {title: measured(run, title, f"warrant/students/{title}") for title in seeds}
    return [
        Student(
            label_set=label_set,
            name=name,
            seed=seed,
            figures=run.figures(f"students/{title}/seed{seed}/metrics.csv"),
            curve=run.csv(f"students/{title}/seed{seed}/training.csv", *CURVE),
            training=run.written(Training, f"students/{title}/seed{seed}/training.json"),
            gaps=gaps[title],
            alone=seeds[title] == 1,
        )
        for title in seeds
        for label_set, name, seed in found
        if f"{label_set}/{name}" == title
    ]
