"""Samplings: ways to make frames from the structures of sources."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, NamedSection, Section
from limbeck.config.sections.force_constants import Preparation


class Ramp(Section):
    """A pressure that changes linearly with time."""

    model_config = ConfigDict(serialize_by_alias=True)

    start: float = Field(alias="from")
    """At the start, in GPa."""
    end: float = Field(alias="to")
    """At time_total_fs, in GPa."""


class TemperatureRamp(Ramp):
    """A temperature that changes linearly with time."""

    start: t.Positive = Field(alias="from")
    """At the start, in K."""
    end: t.Positive = Field(alias="to")
    """At time_total_fs, in K."""


def _form(value: Any) -> str:
    if isinstance(value, list):
        return "list"
    return "ramp" if isinstance(value, dict | Ramp) else "one"


#: one value, a list with a trajectory for each, or a ramp
Temperature = Annotated[
    Annotated[t.Positive, t.ToldAs("a number above 0, a list of them, or from and to"), Tag("one")]
    | Annotated[t.Some[t.Positive], Tag("list")]
    | Annotated[TemperatureRamp, Tag("ramp")],
    Discriminator(_form),
]
Pressure = Annotated[
    Annotated[float, t.ToldAs("a number, a list of numbers, or from and to"), Tag("one")]
    | Annotated[t.Some[float], Tag("list")]
    | Annotated[Ramp, Tag("ramp")],
    Discriminator(_form),
]


class AnySampling(NamedSection):
    """What all methods have."""

    method: str
    """md for molecular dynamics with a potential, phonons for displacements along normal modes,
    contour for a walk at a chosen potential energy, relax_path for the way down to a minimum,
    rattle for random displacements."""
    sources: t.Some[t.ToSource]
    """Names of the sources whose structures are sampled."""
    min_distance_ratio: t.DistanceRatio = 0.5
    """No frame has two atoms closer than this, in units of the sum of their covalent radii; a
    trajectory or a walk is cut there, a random displacement drawn anew, at most 20 times."""
    keep: t.Unique[t.Kept] = Field(default=[])
    """What the potential (of phonons, that of the force constants) says of the frames and is stored
    with them; energy (eV), forces (eV/Angstrom), descriptors of each atom, which only MACE has."""
    allow_empty: bool = False
    """Whether the run goes on where no frame came of the structures of one of the sources; if not,
    it stops with the commonest reason, before anything is labelled."""


class Driven(AnySampling):
    """A method that a potential drives."""

    potential: t.ToPotential
    """Name of the potential that drives the dynamics, gives the energy surface, or relaxes."""


#: of equilibration: what was there at first has then decayed to exp(-10)
THERMOSTAT_TIMES = 10


class MolecularDynamics(Driven, Preparation):
    """Molecular dynamics."""

    method: Literal["md"]
    ensemble: Literal["NVT", "NPT", "NVE"] = "NVT"
    """What is kept constant beside the number of atoms; volume and temperature, pressure and
    temperature, or volume and energy, which is for checks. NPT needs a potential with stress."""
    nvt_algorithm: Literal["csvr", "langevin", "nose_hoover"] = "csvr"
    """Thermostat of NVT; csvr is stochastic velocity rescaling (Bussi 2007), Langevin comes to
    equilibrium fastest for small systems, the Nose-Hoover chain is deterministic."""
    npt_algorithm: Literal["mtk_full", "mtk_isotropic", "langevin", "nose_hoover"] = "mtk_full"
    """Barostat of NPT, after Martyna, Tobias and Klein (1994); mtk_full moves all components of the
    cell, the others its volume alone. langevin has noise and friction in place of the Nose-Hoover
    chains, nose_hoover one chain for atoms and volume together."""
    temperature_K: Temperature = 298.15
    """Temperature, in K; of a list each value has a trajectory of its own, and from and to make a
    ramp, linear in time. With NVE that of the first velocities."""
    pressure_GPa: Pressure = 0.0001
    """Pressure of NPT, in GPa; a list or a ramp as temperature_K. Of two lists every pair of values
    has a trajectory."""
    time_total_fs: t.Positive = 50000.0
    """Length of each trajectory, equilibration included, in fs."""
    time_equilibration_fs: t.NotNegative = 5000.0
    """Frames before this time are left out, in fs. Trajectories with less than ten times
    thermostat_time_fs of it are marked as not equilibrated."""
    time_step_fs: Annotated[float, Field(gt=0, le=10)] = 0.5
    """Time step, in fs; 0.5 with hydrogen, 1 to 2 without."""
    sampling_interval_fs: t.Positive = 50.0
    """Time between two frames, and two rows of the trace, in fs, a multiple of time_step_fs."""
    thermostat_time_fs: t.Positive = 100.0
    """Relaxation time of the thermostat, in fs; the inverse friction of Langevin, the time scale of
    the Nose-Hoover chain."""
    barostat_time_fs: t.Positive = 1000.0
    """Relaxation time of the barostat of NPT, in fs."""
    batch_atoms: t.Count | None = None
    """Largest number of atoms integrated in one batch, on which the last bits of a trajectory
    depend; as many as were measured to be fastest on this machine where null."""
    max_temperature_factor: t.AboveOne = 5.0
    """A trajectory is cut when it is hotter than this multiple of temperature_K, of a ramp its
    hotter end (small systems get the margin that chance needs), no unit."""
    max_energy_rise_eV_per_atom: t.Positive = 1.0
    """A trajectory is cut when its potential energy has risen by more than this, in eV/atom."""
    max_bond_stretch: t.AboveOne | None = 1.5
    """A trajectory is cut at a frame in which a bond of the starting structure has this multiple of
    its length there. Watched are bonds between nonmetals; none where null."""
    max_cell_change: t.AboveOne = 2.0
    """A trajectory of NPT is cut when its volume, or a distance of opposite faces of its cell, has
    become larger or smaller by this factor, no unit."""

    @property
    def moves_cell(self) -> bool:
        """Whether cells change, so that stress is needed at every step."""
        return self.ensemble == "NPT"

    @property
    def waits(self) -> bool:
        """Whether frames are taken only after ten thermostat times."""
        return self.time_equilibration_fs >= THERMOSTAT_TIMES * self.thermostat_time_fs

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

    def faults(self) -> Iterator[Fault]:
        """Times that do not fit each other, or a temperature that nothing drives."""
        yield from super().faults()
        step, interval, total = self.time_step_fs, self.sampling_interval_fs, self.time_total_fs
        if self.ensemble == "NVE" and isinstance(self.temperature_K, Ramp):
            yield "temperature_K", "a ramp with ensemble NVE, expected a value or a list"
        for field, time in (("time_total_fs", total), ("sampling_interval_fs", interval)):
            # 1e-6 of a step is far below any difference that is meant, far above rounding.
            if round(time / step) < 1 or abs(time / step - round(time / step)) > 1e-6 * time / step:
                yield field, f"{time:g}, expected a multiple of time_step_fs, {step:g}"
        last = int(total / interval + 1e-6) * interval
        if last < interval:
            yield "sampling_interval_fs", f"{interval:g}, expected at most time_total_fs, {total:g}"
        elif last < self.time_equilibration_fs:
            text = f"expected at most {last:g}, the last frame within time_total_fs"
            yield "time_equilibration_fs", f"{self.time_equilibration_fs:g}, {text}"


#: the modes that are moved one by one where the config says nothing
ONE_BY_ONE = {"k_point_mesh": "gamma", "freq_min_THz": 0.1, "freq_max_THz": 8.0}


class Phonons(AnySampling):
    """Displacements along normal modes."""

    method: Literal["phonons"]
    force_constants: Annotated[str, t.Names(("force_constants",))]
    """Name of the force constants whose modes are sampled."""
    draw: Literal["canonical", "mode_scan", "time_propagation"] = "canonical"
    """canonical moves all chosen modes at once, as the temperature has it; mode_scan moves one mode
    at a time in even steps, time_propagation one at a time in time."""
    statistics: Literal["quantum", "classical"] = "quantum"
    """Whether a mode has the mean energy of a quantum oscillator or a classical one."""
    temperature_K: t.Positive = 298.15
    """Temperature of the amplitudes, in K."""
    k_point_mesh: Annotated[
        Literal["all", "gamma"] | t.Positive | t.Three[t.Count],
        t.ToldAs("all, gamma, a length in Angstrom, or three whole numbers"),
    ] = "all"
    """q-points of the primitive cell; all that are commensurate with the supercell, gamma alone, as
    many around Gamma as a length in Angstrom has lattice spacings, or three numbers, all of them
    commensurate. Left out, it is gamma where one mode moves at a time."""
    freq_min_THz: t.NotNegative = 0.0
    """Lowest frequency of a mode that is sampled, in THz; below 0.01 none ever is. Left out, it is
    0.1 where one mode moves at a time."""
    freq_max_THz: t.Positive | None = None
    """Highest frequency of a mode that is sampled, in THz; no upper end where null. Left out, it is
    8 where one mode moves at a time."""
    selected_modes: t.Some[t.Count] | None = None
    """Numbers of the modes that are sampled at each q-point, 1 for the lowest, in place of the
    window of frequencies. Imaginary modes and translations are left out in any case."""
    n_frames: t.Count = 20
    """Frames of each structure with canonical, of each mode of each structure otherwise."""
    amplitude_factor: t.Positive = 3.0
    """Of mode_scan alone; from minus to plus so many thermal amplitudes, no unit."""
    time_step_fs: t.Positive = 100.0
    """Of time_propagation alone; time between two frames, in fs."""

    @model_validator(mode="before")
    @classmethod
    def _window_of_the_draw(cls, data: Any) -> Any:
        """A canonical draw is of all modes; one mode at a time would be frames without end."""
        if isinstance(data, dict) and data.get("draw", "canonical") != "canonical":
            return ONE_BY_ONE | data
        return data

    def faults(self) -> Iterator[Fault]:
        """An empty window of frequencies."""
        low, high = self.freq_min_THz, self.freq_max_THz
        if high is not None and high <= low:
            yield "freq_max_THz", f"{high:g}, expected more than freq_min_THz, {low:g}"


class Contour(Driven, Preparation):
    """A walk at a chosen potential energy."""

    method: Literal["contour"]
    energy_target_eV_per_atom: t.Positive = 0.05
    """Potential energy of the contour above that of the prepared structure, in eV/atom; that of a
    harmonic solid at 300 K is 0.039."""
    energy_tolerance_eV_per_atom: t.Positive = 0.005
    """Frames whose energy is farther from the contour's are left out, in eV/atom."""
    n_frames: t.Count = 20
    """Frames of each structure."""
    interval_steps: t.Count = 10
    """Least number of steps between two frames, and before the first."""
    max_steps: t.Count = 1000
    """A walk ends after so many steps, each one evaluation of the potential."""
    max_step_A: t.Positive = 0.5
    """Longest step, of all atoms together (root of the sum of squares), in Angstrom."""
    angle_limit_deg: Annotated[float, Field(gt=0, le=90)] = 20.0
    """Largest change of direction in a step, in degrees; smaller keeps the energy better."""
    parallel_drift: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of each step that goes in a random direction along the contour, no unit."""

    def faults(self) -> Iterator[Fault]:
        """Fewer steps than the frames take."""
        yield from super().faults()
        least = self.n_frames * self.interval_steps
        if self.max_steps < least:
            text = f"expected at least {least}, n_frames times interval_steps"
            yield "max_steps", f"{self.max_steps}, {text}"


class Rattle(AnySampling):
    """Random displacements."""

    method: Literal["rattle"]
    min_distance_ratio: t.DistanceRatio = 0.6
    standard_deviation_A: t.Displacement = 0.05
    """Standard deviation of the displacement of each coordinate, in Angstrom."""
    strain: t.Strain = 0.0
    """Standard deviation of a random symmetric strain of a periodic cell, no unit; of a slab in its
    plane."""
    n_frames: t.Count = 4
    """Frames made from each structure."""
    potential: t.ToPotential | None = None
    """Name of the potential that says what is kept; rattling itself needs none."""


class RelaxPath(Driven):
    """The way down to a minimum."""

    method: Literal["relax_path"]
    relax: Literal["full", "constant_volume", "only_atoms"] = "full"
    """What is relaxed; atoms and cell, atoms and the shape of the cell, or atoms alone. An isolated
    structure has no cell."""
    force_tolerance_eV_per_A: t.Positive = 0.05
    """A path ends where the largest force is below this, in eV/Angstrom."""
    max_steps: t.Count = 300
    """A path ends after so many steps; its frames are kept all the same."""
    n_frames: t.AtLeastTwo = 10
    """Frames of each path, its start and its end and those between that are farthest apart in
    energy; fewer where the path has fewer steps."""
    start_displacement_A: t.Displacement = 0.1
    """Standard deviation of a random displacement of each coordinate at the start, in Angstrom; 0
    to start from the structure as it is."""
    start_strain: t.Strain = 0.0
    """Standard deviation of a random symmetric strain of a periodic cell at the start, no unit."""


Sampling = Annotated[
    MolecularDynamics | Phonons | Contour | Rattle | RelaxPath, Field(discriminator="method")
]
