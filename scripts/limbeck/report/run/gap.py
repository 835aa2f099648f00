"""Gaps of teachers and students as the report shows them: what each is, and what its files say."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd

from limbeck.config.plan import teachers
from limbeck.report.run.folder import Run
from limbeck.warrant.statistics import Estimate

#: Forces of float32 models repeat to a few hundredths of this under rotation (CHGNet: 0.03), so
#: that a gap below it is rounding. meV/Angstrom.
ROUNDING = 0.1
#: A gap that is a larger share of the forces than this leaves less than half of itself to them:
#: the mean over views is sqrt(1 - 0.9^2) of their root mean square.
MOST_SHARE = 0.9
UNKNOWN = Estimate(nan)


@dataclass(frozen=True)
class Kind:
    """How a gap is shown: its name on the page; the quantity that the number that stands for it is
    of, and what this number is the root mean square of, meV/Angstrom; a note in the figure."""

    title: str
    quantity: str = "forces"
    of: str = "spread of the forces over views"
    note: str = ""
    is_symmetry: bool = True


#: in the order in which they are shown; a symmetry that is not listed comes after these
ORDER = (
    "rotation reflection translation permutation supercell cell_choice space_group conservativity "
    "consistency"
).split()
#: those that are no symmetry
FORCE_FIELD = {
    "conservativity": Kind(
        "Conservativity",
        "work",
        "work around closed loops over the length of the path",
        "work / length",
        is_symmetry=False,
    ),
    "consistency": Kind(
        "Consistency",
        of="forces less minus the slope of the energy",
        note="forces + slope of energy",
        is_symmetry=False,
    ),
}


def kind_of(name: str) -> Kind:
    """How a gap is shown."""
    return FORCE_FIELD.get(name) or Kind(name.replace("_", " ").capitalize())


def in_order(names: Iterable[str]) -> list[str]:
    """Names of gaps, once each, in the order of :data:`ORDER`."""
    place = {name: place for place, name in enumerate(ORDER)}
    return sorted(dict.fromkeys(names), key=lambda name: place.get(name, len(place)))


@dataclass(frozen=True)
class MeasuredGap:
    """A gap of a model on all frames, on those of one source, or of one seed.

    Attributes:
        figures: by quantity and statistic: "rms", "relative", "numerical_error".
        units: quantity -> unit.
        entry: counts of the JSON file, and on all frames how many views there were, ...
    """

    gap: str
    model: str
    figures: dict[tuple[str, str], Estimate]
    units: dict[str, str]
    entry: dict[str, Any]
    source: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether it is no more than what arithmetic alone may give."""
        return self.state == "closed"

    @property
    def spoken(self) -> str:
        """Its name within a sentence."""
        return self.gap.replace("_", " ")

    def of(self, quantity: str, statistic: str = "rms") -> Estimate:
        """A figure, NaN where there is none."""
        return self.figures.get((quantity, statistic), UNKNOWN)

    def error(self, quantity: str) -> float:
        """What the integration or the differences alone are wrong by; NaN where there are none."""
        return self.of(quantity, "numerical_error").value

    @property
    def quantity(self) -> str:
        """What the number that stands for it is of."""
        return kind_of(self.gap).quantity

    @property
    def value(self) -> Estimate:
        """The number that stands for it, meV/Angstrom."""
        return self.of(self.quantity)

    @property
    def share(self) -> Estimate:
        """Over the root mean square force component; none where the gap is closed, since both may
        then be rounding, or where the forces are hardly more than the gap, as where they vanish by
        symmetry: of a perfect crystal's forces it would be all, whatever the model."""
        share = UNKNOWN if self.is_closed else self.of(self.quantity, "relative")
        return share if share.value < MOST_SHARE else UNKNOWN

    @property
    def level(self) -> float:
        """What arithmetic alone may give, rounding or the error of the integration or of the
        differences; meV/Angstrom."""
        error = self.error(self.quantity)
        return error if error > ROUNDING else ROUNDING  # also where there is none

    @property
    def state(self) -> str:
        """ "open" where the whole interval is above the level, "closed" where it is below, else
        "unsure".

        With too few groups for an interval, a value below the level is closed, and one above it
        may be chance.
        """
        if self.value.low > self.level:
            return "open"
        highest = self.value.high if self.value.bounded else self.value.value
        return "closed" if highest <= self.level else "unsure"


@dataclass(frozen=True)
class Measured:
    """The gaps of a teacher or a student.

    Attributes:
        gaps: by name, in the order of :data:`ORDER`.
        by_source: of one source each.
        by_seed: by seed and name; of a student.
        about: what the potential says of itself.
    """

    name: str
    gaps: dict[str, MeasuredGap]
    by_source: list[MeasuredGap]
    by_seed: dict[int, dict[str, MeasuredGap]]
    about: dict[str, Any]


def measured(run: Run, name: str, path: str) -> Measured:
    """What ``warrant/**/*.json`` and the table beside it say."""
    result, figures = run.json(f"{path}.json"), run.figures(f"{path}.csv")
    entries = {entry["symmetry"]: entry for entry in result["gaps"]}
    names, parts = in_order(entries), _parts(figures)

    def gaps_of(seed: int | None) -> dict[str, MeasuredGap]:
        return {n: MeasuredGap(n, name, *parts[n, "", seed], entries[n]) for n in names}

    by_source = [
        MeasuredGap(n, name, *parts[n, source, None], entry, source)
        for n in names
        for source, entry in entries[n]["by_source"].items()
    ]
    seeds = figures["seed"].dropna().astype(int).unique().tolist()
    by_seed = {seed: gaps_of(seed) for seed in seeds}
    return Measured(name, gaps_of(None), by_source, by_seed, result.get("about") or {})


def _parts(figures: pd.DataFrame) -> dict[Any, tuple[dict[Any, Estimate], dict[str, str]]]:
    """By gap, source and seed: figures by quantity and statistic, and units by quantity."""
    parts: Any = defaultdict(lambda: ({}, {}))
    for row in figures.to_dict("records"):
        gap, is_gap, statistic = row["statistic"].partition("_gap_")
        if is_gap:
            seed = None if row["seed"] != row["seed"] else int(row["seed"])
            values, units = parts[gap, row["source"], seed]
            values[row["quantity"], statistic] = Estimate(row["value"], row["low"], row["high"])
            units.setdefault(row["quantity"], row["unit"])
    return parts


def forces_of(gap: MeasuredGap | None) -> Estimate:
    """The gap of the forces; unknown where there is no gap."""
    return gap.of("forces") if gap else UNKNOWN


def of_teachers(run: Run) -> list[Measured]:
    """The gaps of every teacher."""
    return [measured(run, name, f"warrant/teachers/{name}") for name in teachers(run.config)]
