"""What the physics of a student is asked for, and what it reached."""

from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Any

from limbeck.config.sections.warrant import Physics
from limbeck.physics.figures import exact
from limbeck.reasons import NO_SYMMETRY
from limbeck.warrant.judgement import (
    FAILED,
    INCONCLUSIVE,
    NOT_MEASURED,
    PASSED,
    Bar,
    not_asked,
    outcome,
)
from limbeck.warrant.statistics import Estimate, estimate_of

#: quantity -> how it is asked, and the most that it may be; bars on what may not happen at all have
#: a most of zero
ASKED: dict[str, tuple[str, Callable[[Physics], float]]] = {
    "largest_drift": ("drift of the total energy", lambda p: p.bars.drift_meV_per_atom_per_ps),
    "trajectories_lost": ("trajectories last", lambda p: 0.0),
    "radial_difference": ("radial distribution", lambda p: p.bars.radial),
    "displacement_difference": ("mean-square displacement", lambda p: p.bars.displacement),
    "frequency_error": ("phonon frequencies", lambda p: p.bars.frequencies),
    "false_soft_modes": ("no false soft mode", lambda p: 0.0),
    "volume_error": ("volume", lambda p: p.bars.volume),
    "bulk_modulus_error": ("bulk modulus", lambda p: p.bars.bulk_modulus),
    "symmetry_lost": ("space group kept", lambda p: 0.0),
}
#: of each check, the quantities that are judged whatever there is to judge
NEEDED = {
    "nve": ("largest_drift",),
    "nvt": ("trajectories_lost",),
    "structure": ("radial_difference",),
    "phonons": ("frequency_error", "false_soft_modes"),
    "equation_of_state": ("volume_error", "bulk_modulus_error"),
    "symmetry_kept": ("symmetry_lost",),
}
#: checks that need a teacher's own
COMPARED = ("structure", "phonons", "equation_of_state")
#: Angstrom; a group that is lost within the smaller distance is shown, and not judged: rounding of
#: single precision can do that
JUDGED = "0.01 A"


def bars_of(
    made: Sequence[Mapping[str, Any]], found: Mapping[str, Any], own: Physics, teacher: str | None
) -> list[Bar]:
    """The bars of one student.

    Args:
        made: its :func:`~limbeck.physics.figures.figures`.
        found: what they were made of, by check.
        teacher: its name; None where its labels are from a file.
    """
    bars = [_bar(each, found, own) for each in made if _judged(each, own)]
    there = {each["quantity"] for each in made}
    for check in own.checks:
        for quantity in NEEDED[check]:
            if quantity not in there:
                bars.append(_without(ASKED[quantity][0], check, teacher))
    return bars


def _without(name: str, check: str, teacher: str | None) -> Bar:
    """The bar of what has no figure."""
    if teacher is None and check in COMPARED:
        return not_asked(name, "its labels are from a file")
    nothing = Estimate(nan)
    return Bar(name, nothing, nothing, NOT_MEASURED, why="nothing was measured")


def _judged(each: Mapping[str, Any], own: Physics) -> bool:
    """Of drifts that at the shortest step, of symmetries the larger distance."""
    if each["quantity"] == "largest_drift":
        return bool(each["condition"] == f"{min(own.nve_time_steps_fs):g} fs")
    if each["quantity"] == "symmetry_lost":
        return str(each["condition"]).startswith(JUDGED)
    return each["quantity"] in ASKED


def _asymmetric(each: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether no crystal has a symmetry that could be lost."""
    if each["quantity"] != "symmetry_lost":
        return False
    return {row["reason"] for row in found[each["check"]]["rows"]} == {NO_SYMMETRY}


def _bar(each: Mapping[str, Any], found: Mapping[str, Any], own: Physics) -> Bar:
    name, most_of = ASKED[each["quantity"]]
    name += f" ({each['condition']})" if each["condition"] else ""
    value, most = estimate_of(each), exact(most_of(own))
    if not found[each["check"]]["offered"]:
        return not_asked(name, "no structure of this kind among those of the test frames")
    if _asymmetric(each, found):
        return not_asked(name, NO_SYMMETRY)
    if each["failed"]:
        return Bar(name, value, most, NOT_MEASURED, each["unit"], each["failed"])
    if each["lost"]:
        return Bar(name, value, most, FAILED, each["unit"], "; ".join(each["lost"]))
    if each["doubts"]:
        return Bar(name, value, most, INCONCLUSIVE, each["unit"], "; ".join(each["doubts"]))
    if not most.value:
        return Bar(name, value, most, PASSED, each["unit"])
    return Bar(name, value, most, outcome(value.less(most)), each["unit"])
