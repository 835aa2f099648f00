"""Settings of the samplings, checked; imports no torch, so that the config can use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from limbeck.errors import LimbeckError
from limbeck.potentials.known import DESCRIBED
from limbeck.sampling.schedule import Setting, is_ramp

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class RattleSettings:
    """Fields of ``method: rattle``, as the schema describes them."""

    standard_deviation_A: float
    strain: float
    n_frames: int
    min_distance_ratio: float


@dataclass(frozen=True)
class MDSettings:
    """Fields of ``method: md``, as the schema describes them."""

    ensemble: str
    nvt_algorithm: str
    npt_algorithm: str
    temperature_K: Setting
    pressure_GPa: Setting
    time_total_fs: float
    time_equilibration_fs: float
    time_step_fs: float
    sampling_interval_fs: float
    thermostat_time_fs: float
    barostat_time_fs: float
    supercell_radius_A: float | None
    supercell_matrix: Sequence[int] | Sequence[Sequence[int]] | None
    relax_input_cell: str
    relax_force_tolerance_eV_per_A: float
    relax_steps: int
    batch_atoms: int | None
    max_temperature_factor: float
    max_energy_rise_eV_per_atom: float
    min_distance_ratio: float
    max_bond_stretch: float | None
    max_cell_change: float

    @property
    def moves_cell(self) -> bool:
        """Whether cells change, so that stress is needed at every step."""
        return self.ensemble == "NPT"

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
        return step > 0 and self.traced(step) and self.equilibrated(step)

    def traced(self, step: int) -> bool:
        """Whether ``step`` has a row in the trace: the start, and the sampling interval."""
        return step % self.interval == 0


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
    check_dynamics(values, where)
    return settings


def check_dynamics(values: Mapping[str, Any], where: str) -> None:
    """Check that the fields of an MD sampling fit each other.

    Raises:
        LimbeckError: as :func:`check_times`, or energy is to be constant and the temperature not.
    """
    if values["ensemble"] == "NVE" and is_ramp(values["temperature_K"]):
        raise LimbeckError(
            f"{where}: temperature_K is a ramp with ensemble NVE, expected a value or a list: "
            "nothing drives the temperature"
        )
    check_times(values, where)


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


def check_keep(settings: Mapping[str, Any], where: str) -> None:
    """Check what is to be kept against the kind of potential, before anything is computed.

    Args:
        settings: may have ``keep`` (names) and ``potential`` (its section of the config).
        where: how the errors call the field's section.

    Raises:
        LimbeckError: something is to be kept and no potential says it, or it has no descriptors.
    """
    keep, potential = settings.get("keep") or [], settings.get("potential")
    if not keep:
        return
    if potential is None:
        raise LimbeckError(
            f"{where}.potential: nothing, expected the name of a potential: keep asks it for "
            f"{', '.join(keep)}"
        )
    if "descriptors" in keep and potential["model"] not in DESCRIBED:
        raise LimbeckError(
            f"{where}.keep: descriptors of {potential['name']!r}, a {potential['model']}, which "
            f"has none; expected a potential of model {' or '.join(sorted(DESCRIBED))}"
        )
