"""Target temperatures and pressures of trajectories as functions of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np

from limbeck.config.sections.sampling import Ramp

#: as the config has it: one value, a list (a trajectory for each), or a ramp from one to another
Setting: TypeAlias = float | Sequence[float] | Ramp


@dataclass(frozen=True)
class Schedule:
    """Target temperatures and pressures of R trajectories.

    Attributes:
        temperature: float64 [R,2], K, at the start and at the end.
        pressure: float64 [R,2], GPa, at the start and at the end.
    """

    temperature: np.ndarray
    pressure: np.ndarray

    def __len__(self) -> int:
        return len(self.temperature)

    def at(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Temperatures (K) and pressures (GPa), [R], after this fraction of the total time."""
        # Not as a product of matrices: its last bits would depend on the other trajectories.
        return _between(self.temperature, share), _between(self.pressure, share)

    def select(self, index: np.ndarray) -> "Schedule":
        """The schedule of the trajectories at ``index``."""
        return Schedule(self.temperature[index], self.pressure[index])

    def of_each(self, structures: int) -> "Schedule":
        """The schedule for several structures; trajectories of one structure are adjacent."""
        return self.select(np.tile(np.arange(len(self)), structures))


def schedule(temperature_K: Setting, pressure_GPa: Setting) -> Schedule:
    """The trajectories of one structure: one for every pair of a temperature and a pressure."""
    pairs = np.array(list(product(_ends(temperature_K), _ends(pressure_GPa))), dtype=np.float64)
    return Schedule(temperature=pairs[:, 0], pressure=pairs[:, 1])


def _between(ends: np.ndarray, share: float) -> np.ndarray:
    return (1 - share) * ends[:, 0] + share * ends[:, 1]


def _ends(setting: Setting) -> list[tuple[float, float]]:
    if isinstance(setting, Ramp):
        return [(setting.start, setting.end)]
    values = setting if isinstance(setting, Sequence) else [setting]
    return [(value, value) for value in values]
