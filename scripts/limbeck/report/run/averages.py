"""Means along trajectories after equilibration, judged: are they what was asked for, and steady?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from limbeck.config.sections.sampling import MolecularDynamics, Ramp
from limbeck.sampling.schedule import schedule
from limbeck.warrant.series import Mean, change_of, mean_of, mean_over

EQUILIBRATED, NOT_EQUILIBRATED, CANNOT_TELL = "equilibrated", "not equilibrated", "cannot tell"
#: A share of the target temperature that is let pass, as in the marks of trajectories: velocities
#: of a C-H stretch at steps of 0.5 fs are too cold by (omega dt)^2 / 4 = 2 %.
ALLOWED = 0.02
#: of the error of a trajectory's temperature, which comes from ten blocks
_FREEDOM = 9


@dataclass(frozen=True)
class Average:
    """Of some trajectories, a quantity after equilibration.

    Attributes:
        target: what was asked for, mean over trajectories; NaN where nothing was.
        mean: over time and trajectories.
        off: mean less target, or less nothing.
        change: from the end of equilibration to the end, mean over trajectories.
    """

    quantity: str
    target: float
    mean: float
    off: Mean
    change: Mean

    @property
    def verdict(self) -> str:
        """Not equilibrated: surely not the target, or surely moving."""
        allowed = ALLOWED * self.target if self.quantity == "temperature_K" else 0.0
        asked = self.target == self.target
        found = [self.change.differs(), *([self.off.differs(allowed=allowed)] if asked else [])]
        if any(found):
            return NOT_EQUILIBRATED
        return CANNOT_TELL if None in found else EQUILIBRATED


def averages(
    own: MolecularDynamics, summary: pd.DataFrame, parts: Sequence[pd.DataFrame]
) -> Iterator[Average]:
    """Averages of temperature, pressure, density and energy, where they mean something.

    Args:
        own: the sampling.
        summary: a row for each trajectory, with its mean temperature over all steps.
        parts: for each, the rows of its trace from the end of equilibration on.
    """
    steady = not any(isinstance(each, Ramp) for each in (own.temperature_K, own.pressure_GPa))
    nothing = [part["time_fs"] * np.nan for part in parts]
    held = [part["target_K"] for part in parts] if own.ensemble != "NVE" else nothing
    yield _of_steps(summary, _average("temperature_K", parts, held))
    if own.moves_cell:
        yield _average("pressure_GPa", parts, [_pressure(own, part) for part in parts])
    if own.moves_cell and steady:  # or it has to move
        yield _average("density_g_cm3", parts, nothing)
    if steady:
        yield _average("energy_eV_per_atom", parts, nothing)


def _of_steps(summary: pd.DataFrame, seen: Average) -> Average:
    """The same with means over all steps, of which the trace has some."""
    target = 0.0 if seen.target != seen.target else summary["target_K"]
    off = summary["temperature_K"] - target
    errors = summary["temperature_error_K"]
    each = [Mean(*both, _FREEDOM) for both in zip(off, errors, strict=True)]
    return replace(seen, mean=float(summary["temperature_K"].mean()), off=mean_over(each))


def _pressure(own: MolecularDynamics, part: pd.DataFrame) -> pd.Series:
    """What was asked for at each time, GPa."""
    plan = schedule(own.temperature_K, own.pressure_GPa)
    number, share = int(part["trajectory"].iloc[0]), part["time_fs"] / own.time_total_fs
    return share.map(lambda s: float(plan.at(s)[1][number]))


def _average(quantity: str, parts: Sequence[pd.DataFrame], targets: Sequence[pd.Series]) -> Average:
    off = [
        (part[quantity] - target.fillna(0.0)).to_numpy(dtype=float)
        for part, target in zip(parts, targets, strict=True)
    ]
    return Average(
        quantity,
        target=_mean([target.mean() for target in targets]),
        mean=_mean([part[quantity].mean() for part in parts]),
        off=mean_over([mean_of(series) for series in off]),
        change=mean_over([change_of(series) for series in off]),
    )


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if value == value]
    return float(np.mean(known)) if known else np.nan
