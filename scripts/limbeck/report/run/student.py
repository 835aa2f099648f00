"""Trained students as the report shows them: their errors, their gaps, and how they learned."""

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from limbeck.config.plan import TrainedStudent, student_folder, trained
from limbeck.config.sections.datasets import TESTS
from limbeck.config.written import Training
from limbeck.report.run.folder import Run
from limbeck.report.run.gap import Measured, measured
from limbeck.warrant.judgement import TestErrors, judge, next_steps
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
    def folder(self) -> str:
        """Where it stands, below the folder of the run."""
        return student_folder(TrainedStudent(self.label_set, self.name, self.seed))

    @property
    def title_of_seed(self) -> str:
        """The title, with the seed where there are several."""
        return self.title + ("" if self.alone else f" ({self.seed})")

    @property
    def tests(self) -> list[str]:
        """The test sets that it answered."""
        return [test for test in TESTS if (self.figures["set"] == test).any()]

    def error(
        self,
        against: str,
        quantity: str = "forces",
        source: str = "",
        kind: str = "student",
        test: str = "",
    ) -> Estimate:
        """Mean absolute error against "labels", "reference", or the "reference_excess"; that of
        the "labels", the "constant" or "by_compound" on the same frames as another kind. On a test
        set, the last of :attr:`tests` where none is named."""
        return self._figure(f"mae_against_{against}", quantity, source, kind, test)

    def forces(
        self, statistic: str, source: str = "", kind: str = "student", test: str = ""
    ) -> Estimate:
        """Another figure of the forces against the labels: "rmse" (meV/Angstrom) or "cosine"."""
        return self._figure(f"{statistic}_against_labels", "forces", source, kind, test)

    def relative_of(self, quantity: str, source: str, test: str) -> Estimate:
        """Root mean square error against the labels over the root mean square of these, no unit;
        NaN where it is not told."""
        return self._figure("relative_rmse_against_labels", quantity, source, "student", test)

    @property
    def floor(self) -> Estimate:
        """Under the root mean square force error of conservative students of its labels,
        meV/Angstrom; NaN where not known."""
        names = {"kind": "floor", "quantity": "forces", "statistic": "floor"}
        return pick(self.figures, names)

    def _figure(self, statistic: str, quantity: str, source: str, kind: str, test: str) -> Estimate:
        seed = self.seed if kind == "student" else None
        names = {"kind": kind, "quantity": quantity, "statistic": statistic}
        names["set"] = test or self.tests[-1]
        return pick(self.figures, names, seed=seed, source=source)

    @property
    def word(self) -> str:
        """What it is worth, see ``warrant.judgement.judge``: on known chemistry where it was tested
        on that."""
        known = self.errors("test_known") if "test_known" in self.tests else {}
        return judge(self.error("constant_excess", test=self.tests[0]), known)

    @property
    def next_steps(self) -> list[str]:
        """What its learning curve asks for, see ``warrant.judgement.next_steps``."""
        return next_steps(self.curve["train_loss"].tolist(), self.curve["valid_loss"].tolist())

    def sources(self, test: str = "") -> list[str]:
        """The sources of the frames of a test set."""
        here = self.figures["set"] == (test or self.tests[-1])
        return [source for source in self.figures[here]["source"].unique() if source]

    def errors(self, test: str) -> dict[str, TestErrors]:
        """Its errors against the labels on a test set by source, "" for all."""
        return {source: self._errors(test, source) for source in ("", *self.sources(test))}

    def size(self, quantity: str, test: str, source: str = "") -> Estimate:
        """Root mean square of the labels' forces (meV/Angstrom) or stress (GPa) on a test set."""
        names = {"kind": "student", "quantity": quantity, "statistic": "rms_of_labels", "set": test}
        return pick(self.figures, names, seed=self.seed, source=source)

    def _errors(self, test: str, source: str) -> TestErrors:
        energy, by_compound = (
            self.error("labels", "energy", source, kind, test).value
            for kind in ("student", "by_compound")
        )
        return TestErrors(
            forces=self.error("labels", "forces", source, test=test).value,
            rms=self.size("forces", test, source).value,
            energy=energy,
            by_compound=by_compound,
        )

    def counts(self, source: str = "", test: str = "") -> dict[str, int]:
        """How many frames, roots and groups its errors are of; of one source, or of all."""
        here = self.figures["set"] == (test or self.tests[-1])
        rows = self.figures[here & (self.figures["source"] == source)]
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


def by_title(run: Run) -> dict[str, list[Student]]:
    """Every student with all of its seeds."""
    found = run.once(students_of)
    return {title: [s for s in found if s.title == title] for title in {s.title: 0 for s in found}}
