"""Limits at which a trajectory is cut, and the reasons."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from limbeck.config.sections.sampling import MolecularDynamics
from limbeck.frames import Frames
from limbeck.geometry import cell_sizes
from limbeck.reasons import CELL_CHANGED, CELL_TOO_FAST, NOT_FINITE, TOO_FAST, TOO_HIGH, TOO_HOT

if TYPE_CHECKING:
    from limbeck.sampling.dynamics.integrate import Observation


#: Angstrom. At 2000 K and 1 fs hydrogen moves 0.04 A in a step; atoms that go ten times as far
#: are leaving the structure, and no model should be asked about where they land.
MAX_REACH = 0.5
#: A cell of n atoms moves by some sqrt(6 / n) dt / barostat time in a step: 0.001 with 8 atoms,
#: 1 fs and 1 ps. One that moves by fifty times that is not near any equilibrium.
MAX_STRAIN = 0.05
#: Chance that a healthy system passes its temperature limit at one step; there are at most
#: some 1e8 steps in a run (structures times steps), so that not one is cut by chance.
CHANCE = 1e-12


@dataclass(frozen=True)
class GuardLimits:
    """Limits of B systems.

    Attributes:
        temperature: float64 [B], K.
        energy: float64 [B], eV.
        sizes: float64 [B,4], see :func:`~limbeck.geometry.cell_sizes`, at the start; empty where
            no cell moves.
        change: the factor by which any of them may change.
    """

    temperature: np.ndarray
    energy: np.ndarray
    sizes: np.ndarray
    change: float

    def select(self, index: np.ndarray) -> "GuardLimits":
        """Limits of the systems at ``index``."""
        return GuardLimits(
            self.temperature[index], self.energy[index], self.sizes[index], self.change
        )


def limits(
    settings: MolecularDynamics, temperature: np.ndarray, frames: Frames, energy: np.ndarray
) -> GuardLimits:
    """Limits of B systems.

    Args:
        temperature: float64 [B], K, the highest that is asked for.
        frames: what they start from.
        energy: float64 [B], eV, what they start at.
    """
    moving = settings.ensemble == "NPT"
    return GuardLimits(
        # The larger of the two limits: the temperature of few atoms fluctuates beyond any fixed
        # factor.
        temperature=temperature
        * np.maximum(settings.max_temperature_factor, chance_factor(frames.n_atoms)),
        energy=energy + settings.max_energy_rise_eV_per_atom * frames.n_atoms,
        sizes=cell_sizes(frames.cell) if moving else np.zeros((len(frames), 0)),
        change=settings.max_cell_change,
    )


def chance_factor(n_atoms: np.ndarray) -> np.ndarray:
    """Multiple of the temperature that chance alone passes once in 1 / :data:`CHANCE` steps.

    The kinetic energy of 3n - 3 degrees of freedom follows a chi-square distribution: the
    factor is 20 for two atoms, 4.2 for ten and 1.7 for a hundred.
    """
    # A single atom has none, and is refused elsewhere; 1 keeps the formula defined.
    freedom = np.maximum(3 * np.asarray(n_atoms) - 3, 1)
    return chi2.isf(CHANCE, freedom) / freedom


def why_cut(seen: "Observation", limit: GuardLimits, cell: np.ndarray) -> np.ndarray:
    """Why each of B systems is to be cut, an empty string where it is not. str [B].

    Args:
        cell: float64 [B,3,3], Angstrom.
    """
    # One sum is finite only if every term is.
    finite = np.isfinite(seen.energy + seen.temperature + seen.reach + seen.strain)
    changed = np.zeros(len(cell), dtype=bool)
    if limit.sizes.size:
        ratio = cell_sizes(cell) / limit.sizes
        # Written as a negation, so that a ratio of NaN counts as changed.
        changed = ~((ratio < limit.change) & (ratio * limit.change > 1)).all(axis=1)
    # The first reason that holds is given, and NaN comes first: all comparisons with it are false.
    return np.select(
        [
            ~finite,
            seen.temperature > limit.temperature,
            seen.energy > limit.energy,
            seen.reach > MAX_REACH,
            changed,
            seen.strain > MAX_STRAIN,
        ],
        [NOT_FINITE, TOO_HOT, TOO_HIGH, TOO_FAST, CELL_CHANGED, CELL_TOO_FAST],
        default="",
    )
