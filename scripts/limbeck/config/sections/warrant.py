"""How far teachers and students can be trusted, and questions to all students together."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, Section
from limbeck.config.sections.messages import shown

Gap = Literal[
    "rotation",
    "reflection",
    "translation",
    "permutation",
    "supercell",
    "cell_choice",
    "space_group",
    "conservativity",
    "consistency",
]


class Bars(Section):
    """What a student is asked for. Passed, or failed, where the whole 95 % interval is on that side
    of the bar, else inconclusive; what was not measured fails."""

    gap: t.Positive = 0.8
    """Largest rotation gap, as a share of the teacher's, no unit; asked where that has one."""
    error: t.Positive = 1.5
    """Largest mean absolute force error against warrant.reference, as a multiple of that of the
    labels it learned from, no unit; asked where there is a reference that is not these labels."""
    one_view: t.Positive = 1.0
    """Largest mean absolute force error against warrant.reference in a random orientation, as a
    multiple of the teacher's in one, no unit. A student that is faster than its teacher has to be
    as good as the average of views that its time would pay: one view at most."""


PhysicsCheck = Literal["nve", "nvt", "structure", "phonons", "equation_of_state", "symmetry_kept"]


class PhysicsBars(Section):
    """What the physics of a student is asked for. Passed, or failed, where the whole 95 % interval
    is on that side of the bar, else inconclusive; what was not measured fails. Beside these, no
    trajectory may be lost, no mode soft that the teacher has stable, and no symmetry lost."""

    drift_meV_per_atom_per_ps: t.Positive = 1.0
    """Largest drift of the total energy at the shortest of nve_time_steps_fs, of the start that
    drifts most, in meV/atom/ps."""
    radial: t.Positive = 0.1
    """Largest difference of radial distributions from the teacher's, as a share of both, no unit;
    0 of two that are the same, 1 of two that have no distance in common."""
    displacement: t.Positive = 0.3
    """Largest difference of mean-square displacements from the teacher's, as a share of these, no
    unit."""
    frequencies: t.Positive = 0.05
    """Largest root mean square error of a crystal's phonon frequencies, as a share of the root mean
    square of the teacher's, no unit."""
    volume: t.Positive = 0.02
    """Largest error of a crystal's volume at rest, as a share of the teacher's, no unit."""
    bulk_modulus: t.Positive = 0.10
    """Largest error of a crystal's bulk modulus, as a share of the teacher's, no unit."""


class Physics(Section):
    """What students make of dynamics and crystals, beside their teachers."""

    checks: t.Unique[PhysicsCheck] = Field(default=[])
    """What is measured of each student and of its teacher; none where empty. nve is the drift of
    the total energy, nvt whether dynamics at a temperature last, structure the radial distributions
    and mean-square displacements in these dynamics, phonons frequencies, equation_of_state volume
    and bulk modulus, symmetry_kept whether relaxation keeps the space group."""
    seeds: Literal["first", "all"] = "first"
    """Which seeds of each student are measured, the first of those in distill or all."""
    n_structures: t.Count = 4
    """Largest number of test frames that dynamics start from (of known chemistry, where there are
    any), and of crystals that these descend from; in turn from each source and group."""
    max_atoms: t.Count = 64
    """Atoms of a cell beyond which a structure is left out; of dynamics, of the cell that
    supercell_radius_A makes of it."""
    supercell_radius_A: t.Positive | None = 6.0
    """Of dynamics, smallest distance of an atom from its own images, in Angstrom; cells as they are
    where null."""
    nve_ps: t.Positive = 2.0
    """Length of each trajectory of nve, in ps."""
    nve_time_steps_fs: t.Some[Annotated[float, Field(gt=0, le=10)]] = Field(default=[0.5, 1.0, 2.0])
    """Time steps that nve is run with, in fs."""
    nvt_ps: t.Positive = 2.0
    """Length of each trajectory of nvt and structure after one ps of equilibration, in ps."""
    nvt_time_step_fs: Annotated[float, Field(gt=0, le=10)] = 0.5
    """Time step of nvt and structure, in fs."""
    temperatures_K: t.Some[t.Positive] | None = None
    """Temperatures of nvt and structure, in K; where null, 300 and the highest that a sampling of
    the run has, if that is above it."""
    relax_force_tolerance_eV_per_A: t.Positive = 0.001
    """Crystals whose phonons and equation of state are measured are relaxed until no force is
    larger, in eV/Angstrom."""
    relax_steps: t.Count = 1000
    """Most steps of a relaxation."""
    phonon_supercell_radius_A: t.Positive = 8.0
    """Of phonons, smallest distance of an atom from its own images, in Angstrom."""
    max_supercell_atoms: t.Count = 256
    """Crystals whose supercell for phonons would have more atoms are left out."""
    volume_strains: Annotated[
        t.Some[Annotated[float, Field(gt=-0.3, le=0.5)]], Field(min_length=5)
    ] = Field(default=[-0.06, -0.04, -0.02, 0.0, 0.02, 0.04, 0.06])
    """Changes of the volume that the equation of state is fitted to, as shares of it, no unit."""
    symmetry_force_tolerances_eV_per_A: t.Some[t.Positive] = Field(default=[1e-2, 1e-5])
    """Largest forces at which the space group is looked at again, in eV/Angstrom, from the largest
    down; a relaxation that does not get there is looked at where it stands after relax_steps."""
    bars: PhysicsBars = Field(default_factory=PhysicsBars)
    """What students are asked for."""

    @property
    def moves(self) -> bool:
        """Whether there are dynamics at a temperature."""
        return bool({"nvt", "structure"} & {*self.checks})

    def faults(self) -> Iterator[Fault]:
        """Tolerances that do not descend, or times that hold no step."""
        tolerances = self.symmetry_force_tolerances_eV_per_A
        if tolerances != sorted(tolerances, reverse=True):
            field = "symmetry_force_tolerances_eV_per_A"
            yield field, f"{shown(tolerances)}, expected them in descending order"
        if not min(self.volume_strains) < 0 < max(self.volume_strains):
            text = "expected some below 0 and some above, around the volume at rest"
            yield "volume_strains", f"{shown(self.volume_strains)}, {text}"
        steps = [*self.nve_time_steps_fs, self.nvt_time_step_fs]
        for name, step in (("nve_ps", max(steps[:-1])), ("nvt_ps", steps[-1])):
            if 1000 * getattr(self, name) < (least := 100 * step):
                text = f"expected at least {least / 1000:g}, a hundred time steps"
                yield name, f"{getattr(self, name):g}, {text}"


class Warrant(Section):
    """How far teachers and students can be trusted."""

    symmetries: t.Unique[Gap] = Field(default=["rotation", "reflection"])
    """Gaps that are measured; none where empty. The last two are no symmetries: work around closed
    loops, and forces and stress against slopes of the energy. space_group is measured on the
    structures as their sources made them, since displaced frames have lost it."""
    n_frames: t.AtLeastTwo = 200
    """Largest number of frames to measure on; conservativity and consistency, which take up to 64
    evaluations of each, are measured on at most 50 of them."""
    subset: Literal["test", "all"] = "test"
    """Frames to measure on, those of the test set or all that were selected; where nothing is
    trained, say all."""
    views: t.AtLeastTwo = 8
    """Random views of each frame."""
    reference: t.ToLabelSet | None = None
    """Name of the label set that errors are measured against, where there is one."""
    teachers: t.Unique[t.ToPotential] | None = None
    """Names of the potentials that are measured as teachers; where not given, those of the label
    sets. One that makes the reference alone, of which no student learns and no delta set is made,
    is then left out where another is left; name it to see its gaps."""
    n_floor_frames: t.Whole = 40
    """Largest number of frames around which the floor is measured that a teacher whose forces are
    no gradient puts under every conservative student, 48 evaluations a frame; none where 0."""
    scan: bool = False
    """Turn one test molecule and one test crystal through 360 degrees under every teacher and
    student, 74 evaluations each, and draw what changes."""
    bars: Bars = Field(default_factory=Bars)
    """What students are asked for."""
    physics: Physics = Field(default_factory=Physics)
    """Dynamics and crystals of students, beside their teachers'."""
    n_quadrature_frames: t.Whole = 0
    """Selected frames on which each teacher's grids of views are compared with each other and with
    1,000 random views, about 1,400 evaluations a frame; none where 0."""


class Speed(Section):
    """What is timed of teachers and students, beside their speed in three sizes of batches."""

    n_atoms: t.Unique[Annotated[int, Field(ge=1, le=20_000)]] = Field(default=[])
    """Numbers of atoms of systems that one evaluation is timed on, one system at a time and in the
    batch that costs least, as [8, 64, 512, 1000]; supercells of the smallest selected crystal, and
    copies of the smallest isolated frame, of about as many atoms. Where empty, only the selected
    frame of the median number of atoms."""
    beside: t.Unique[t.ToPotential] = Field(default=[])
    """Names of potentials that are timed beside the teachers and students, as a small universal
    model."""
