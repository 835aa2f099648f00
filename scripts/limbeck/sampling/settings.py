"""Settings of the samplings, checked; imports no torch, so that the config can use it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from limbeck.errors import LimbeckError

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class RattleSettings:
    """Fields of ``method: rattle``, as the schema describes them."""

    standard_deviation_A: float
    strain: float
    frames: int
    min_distance_ratio: float


@dataclass(frozen=True)
class MDSettings:
    """Fields of ``method: md``, as the schema describes them."""

    ensemble: str
    nvt_algorithm: str
    temperature_K: float
    time_total_fs: float
    time_equilibration_fs: float
    time_step_fs: float
    sampling_interval_fs: float
    thermostat_time_fs: float
    batch_atoms: int
    max_temperature_factor: float
    max_energy_rise_eV_per_atom: float
    min_distance_ratio: float

    @property
    def steps(self) -> int:
        """Time steps of a whole trajectory."""
        return round(self.time_total_fs / self.time_step_fs)

    @property
    def interval(self) -> int:
        """Time steps between two frames."""
        return round(self.sampling_interval_fs / self.time_step_fs)

    def time_fs(self, step: int) -> float:
        """Time after ``step`` steps, without the dust of binary fractions."""
        return round(step * self.time_step_fs, 6)

    def equilibrated(self, step: int) -> bool:
        """Whether equilibration is over at ``step``."""
        return self.time_fs(step) >= self.time_equilibration_fs

    def kept(self, step: int) -> bool:
        """Whether the frame at ``step`` is kept: equilibrated, and on the sampling interval."""
        return step > 0 and step % self.interval == 0 and self.equilibrated(step)


def from_mapping(kind: type[Settings], values: Mapping[str, Any], where: str) -> Settings:
    """Settings of one method from the rule's part of the config.

    Raises:
        LimbeckError: a field is missing. (Defaults are the schema's alone.)
    """
    names = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    missing = [n for n in names if n not in values]
    if missing:
        raise LimbeckError(f"{where}: {', '.join(missing)} missing from the settings")
    return kind(**{n: values[n] for n in names})


def md_settings(values: Mapping[str, Any], where: str) -> MDSettings:
    """Settings of ``method: md``, with the checks that take more than one field.

    Raises:
        LimbeckError: as :func:`from_mapping`, or times that do not fit each other.
    """
    settings = from_mapping(MDSettings, values, where)
    if settings.ensemble != "NVT":
        raise LimbeckError(f"{where}: ensemble {settings.ensemble!r}, expected NVT")
    check_times(values, where)
    return settings


def check_times(values: Mapping[str, Any], where: str) -> None:
    """Check that the times of an MD sampling fit each other.

    Raises:
        LimbeckError: a time is not a multiple of the time step, or no frame would be kept.
    """
    step = float(values["time_step_fs"])
    for name in ("time_total_fs", "sampling_interval_fs"):
        ratio = float(values[name]) / step
        # 1e-6 of a step is far below any difference that is meant, far above rounding.
        if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-6 * ratio:
            raise LimbeckError(
                f"{where}: {name} is {values[name]}, expected a multiple of time_step_fs {step}"
            )
    interval, total = float(values["sampling_interval_fs"]), float(values["time_total_fs"])
    last = int(total / interval + 1e-6) * interval
    if last < max(float(values["time_equilibration_fs"]), interval):
        raise LimbeckError(
            f"{where}: no frame would be kept: the last multiple of sampling_interval_fs "
            f"{interval} within time_total_fs {total} is {last}, expected it to be at least "
            f"time_equilibration_fs {values['time_equilibration_fs']}"
        )
