"""The one number that stands for each gap, what it is, and what can be read from it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Any

from limbeck.report.words import CANNOT_TELL, NO, NOT_MEASURED, PARTLY, ROUNDING, YES, Answer
from limbeck.warrant.statistics import Estimate, estimate_of


@dataclass(frozen=True)
class Kind:
    """A gap as the report shows it.

    Attributes:
        title: its name on the page.
        part: of its entry in a warrant file, where the number stands.
        of: what the number is the root mean square of; meV/Angstrom.
        error: key of the numerical error beside the number, where there is one.
    """

    title: str
    part: str = "forces"
    of: str = "spread of the forces over views"
    error: str = ""


#: in the order in which they are shown; a symmetry that is not listed comes after these
KINDS = {
    "rotation": Kind("Rotation"),
    "reflection": Kind("Reflection"),
    "translation": Kind("Translation"),
    "permutation": Kind("Permutation"),
    "supercell": Kind("Supercell"),
    "cell_choice": Kind("Cell choice"),
    "space_group": Kind("Space group"),
    "conservativity": Kind(
        "Conservativity",
        "work",
        "work around closed loops over the length of the path",
        "numerical_error",
    ),
    "consistency": Kind(
        "Consistency",
        "forces",
        "forces less minus the slope of the energy",
        "numerical_error",
    ),
}
#: those that are no symmetry
FORCE_FIELD = ("conservativity", "consistency")
#: whether the interval of a gap is above what arithmetic alone would give, about it, or below
OPEN, UNSURE, CLOSED = "open", "unsure", "closed"


def kind_of(name: str) -> Kind:
    """How a gap is shown."""
    return KINDS.get(name) or Kind(spoken(name).capitalize())


def spoken(name: str) -> str:
    """The name of a gap within a sentence."""
    return name.replace("_", " ")


def in_order(names: Iterable[str]) -> list[str]:
    """Names of gaps, once each, in the order of :data:`KINDS`."""
    known = list(KINDS)
    return sorted(dict.fromkeys(names), key=lambda n: known.index(n) if n in known else len(known))


@dataclass(frozen=True)
class Headline:
    """The number that stands for a gap.

    Attributes:
        value: meV/Angstrom.
        relative: over the root mean square force component; none where the gap is closed, since
            both may then be rounding, as in a perfect crystal.
        level: what arithmetic alone may give, rounding or the error of the integration or of the
            differences; meV/Angstrom.
    """

    value: Estimate
    relative: Estimate
    level: float

    @property
    def percent(self) -> Estimate:
        """The relative value in percent."""
        r = self.relative
        return Estimate(100 * r.value, 100 * r.low, 100 * r.high)

    @property
    def state(self) -> str:
        """Open where the whole interval is above the level, closed where it is below.

        With too few roots for an interval, a value below the level is closed, and one above it
        may be chance.
        """
        if self.value.low > self.level:
            return OPEN
        highest = self.value.value if isnan(self.value.high) else self.value.high
        return CLOSED if highest <= self.level else UNSURE


def headline(name: str, entry: dict[str, Any]) -> Headline:
    """The headline of a gap's entry, of all frames or of one source."""
    kind = kind_of(name)
    part = entry.get(kind.part) or {}
    found = Headline(
        estimate_of(part),
        estimate_of(part.get("relative")),
        max(ROUNDING, estimate_of(part.get("numerical_error")).value if kind.error else 0.0),
    )
    return replace(found, relative=Estimate(nan)) if found.state == CLOSED else found


def kept(potential: str, gaps: dict[str, dict[str, Any]]) -> Answer:
    """Are the symmetries kept, and do the forces belong to an energy? From a warrant file."""
    found = {n: headline(n, gaps[n]) for n in in_order(gaps)}
    found = {n: h for n, h in found.items() if h.value.known}
    if not found:
        return Answer(potential, NOT_MEASURED, "No gap was measured.")
    names = {s: [n for n, h in found.items() if h.state == s] for s in (OPEN, UNSURE, CLOSED)}
    names[OPEN].sort(key=lambda n: -found[n].value.value)
    told = {
        "Gaps": [f"{spoken(n)} {found[n].value.text('meV/Å')}" for n in names[OPEN]],
        "Uncertain": [f"{spoken(n)} {found[n].value.text('meV/Å')}" for n in names[UNSURE]],
        "None beyond numerical error": [spoken(n) for n in names[CLOSED]],
    }
    text = " ".join(f"{lead}: {', '.join(each)}." for lead, each in told.items() if each)
    return Answer(potential, _verdict(names), text)


def _verdict(names: dict[str, list[str]]) -> str:
    if names[OPEN]:
        return PARTLY if names[CLOSED] else NO
    return CANNOT_TELL if names[UNSURE] else YES
