"""When a trajectory is cut, and why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from limbeck.sampling.settings import MDSettings

if TYPE_CHECKING:
    from limbeck.sampling.dynamics import Observation

NOT_FINITE = "energy or forces not finite"
TOO_FAST = "an atom would move too far in one step"
TOO_HOT = "temperature"
TOO_HIGH = "energy rise"
TOO_NEAR = "two atoms too near"
LONE_ATOM = "one atom: nothing to sample"
UNKNOWN_ELEMENT = "element unknown to the potential"

#: Angstrom. At 2000 K and 1 fs hydrogen moves 0.04 A in a step; atoms that go ten times as far
#: are leaving the structure, and no model should be asked about where they land.
MAX_REACH = 0.5
#: Chance that a healthy system passes its temperature limit at one step; there are at most
#: some 1e8 steps in a run (structures times steps), so that not one is cut by chance.
CHANCE = 1e-12


@dataclass(frozen=True)
class Limits:
    """Limits of B systems.

    Attributes:
        temperature: float64 [B], K.
        energy: float64 [B], eV.
    """

    temperature: np.ndarray
    energy: np.ndarray

    def select(self, index: np.ndarray) -> "Limits":
        """Limits of the systems at ``index``."""
        return Limits(self.temperature[index], self.energy[index])


def limits(settings: MDSettings, n_atoms: np.ndarray, energy: np.ndarray) -> Limits:
    """Limits of systems with ``n_atoms`` int [B] that start at ``energy`` float64 [B], eV."""
    return Limits(
        temperature=settings.temperature_K
        * np.maximum(settings.max_temperature_factor, chance_factor(n_atoms)),
        energy=energy + settings.max_energy_rise_eV_per_atom * n_atoms,
    )


def chance_factor(n_atoms: np.ndarray) -> np.ndarray:
    """Multiple of the temperature that chance alone passes once in 1 / :data:`CHANCE` steps.

    The kinetic energy of 3n - 3 degrees of freedom follows a chi-square distribution: the
    factor is 20 for two atoms, 4.2 for ten and 1.7 for a hundred.
    """
    freedom = np.maximum(3 * np.asarray(n_atoms) - 3, 1)
    return chi2.isf(CHANCE, freedom) / freedom


def reasons(seen: "Observation", limit: Limits) -> np.ndarray:
    """Why each of B systems is to be cut, an empty string where it is not. str [B]."""
    finite = np.isfinite(seen.energy) & np.isfinite(seen.temperature) & np.isfinite(seen.reach)
    return np.select(
        [
            ~finite,
            seen.temperature > limit.temperature,
            seen.energy > limit.energy,
            seen.reach > MAX_REACH,
        ],
        [NOT_FINITE, TOO_HOT, TOO_HIGH, TOO_FAST],
        default="",
    )
