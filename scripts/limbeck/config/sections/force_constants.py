"""Force constants of crystals, and how structures are prepared for them and for samplings."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, NamedSection, Section

Rows = t.Three[t.Three[int]]


def _right_handed(rows: list[list[int]]) -> list[list[int]]:
    (a, b, c), (d, e, f), (g, h, i) = rows
    if a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) <= 0:
        raise t.wrong("a positive determinant")
    return rows


SupercellMatrix = Annotated[
    t.Three[t.Count] | Annotated[Rows, AfterValidator(_right_handed)],
    t.ToldAs("three whole numbers above zero, or three rows of three with a positive determinant"),
]


class Preparation(Section):
    """How structures are brought to rest and made large enough."""

    supercell_radius_A: t.Positive | None = 25.0
    """Smallest distance of an atom from its own images, in Angstrom; the smallest supercell that
    has it is taken, which may be non-diagonal. The cell as it is where null."""
    supercell_matrix: SupercellMatrix | None = None
    """The supercell's lattice vectors in those of the cell, as three whole numbers or as three rows
    of three, in place of supercell_radius_A."""
    relax_input_cell: Literal["full", "constant_volume", "only_atoms", "none"] = "constant_volume"
    """What is relaxed first; atoms and cell, atoms and the shape of the cell, atoms alone, or
    nothing."""
    relax_force_tolerance_eV_per_A: t.Positive = 0.02
    """Relaxed is a structure whose largest force is below this, in eV/Angstrom."""
    relax_steps: t.Count = 500
    """A structure that is not relaxed after so many steps is set aside."""

    @model_validator(mode="before")
    @classmethod
    def _one_supercell(cls, data: Any) -> Any:
        """A matrix takes the place of the radius that is there by default."""
        if isinstance(data, dict) and data.get("supercell_matrix") is not None:
            return {"supercell_radius_A": None} | data
        return data

    def faults(self) -> Iterator[Fault]:
        """Two supercells."""
        yield from super().faults()
        radius, matrix = self.supercell_radius_A, self.supercell_matrix
        if radius is not None and matrix is not None:
            yield "supercell_radius_A", f"{radius:g}, expected none beside supercell_matrix"


class ForceConstants(NamedSection, Preparation):
    """Force constants of the crystals of some sources."""

    sources: t.Some[t.ToSource]
    """Names of the sources whose crystals get force constants."""
    potential: t.ToPotential
    """Name of the potential that gives the forces."""
    allow_empty: bool = False
    """Whether the run goes on where no crystal of one of the sources has force constants; if not,
    it stops with the commonest reason, before anything is labelled."""
    relax_force_tolerance_eV_per_A: t.Positive = 0.001
    relax_steps: t.Count = 2000
    symmetry_tolerance_A: Annotated[float, Field(gt=0, le=0.5)] = 0.001
    """The relaxed crystal is given, exactly, the space group that it has within this, in Angstrom,
    so that fewer displacements do."""
    displacements: Literal["finite", "random"] = "finite"
    """finite displaces one atom at a time, as few as the symmetry needs; random all atoms at once,
    and fits force constants with symfc."""
    displacement_A: Annotated[float, Field(gt=0, le=0.2)] = 0.03
    """Length of a displacement, in Angstrom. Forces of some neural networks have a cusp or noise
    near the minimum, which force constants from shorter ones show in place of the crystal."""
    second_step: Literal["first", "all"] = "first"
    """Which displacements are looked at again at twice displacement_A; the first of each species
    (of random ones, the first), or all, which also compares the lowest modes, for twice the
    calls."""
    max_step_difference: t.Positive | None = 0.25
    """A crystal is set aside whose forces at the second step differ from those of its harmonic
    model by more than this share of them, or with all, whose force constants or square of the
    lowest frequency do, no unit; none where null."""
    max_unexplained: t.Positive | None = 0.15
    """A crystal is set aside whose harmonic model leaves more than this share of the forces that it
    was fitted to unexplained, no unit. Below a displacement_A of 0.03 the ceiling is in proportion
    to it, as that share is with a smooth potential. None where null."""
    snapshots: t.Count | None = None
    """Supercells with random displacements, where null, as many as symfc takes to be enough."""
    imaginary_modes: Literal["refuse", "drop", "follow"] = "refuse"
    """What is done about a crystal with imaginary modes; refuse sets it aside, drop leaves these
    modes out of all draws, follow displaces it along the worst one, relaxes it and tries again,
    three times at most."""
    imaginary_threshold_THz: t.NotNegative = 0.1
    """Imaginary is a mode whose frequency is below minus this, in THz."""
    thermal_expansion: bool = False
    """Relax the cell in full, and give it the volume that it has at temperature_K in the
    quasi-harmonic approximation."""
    temperature_K: t.Positive = 298.15
    """Temperature of thermal_expansion, in K."""
    volume_strains: Annotated[
        t.Some[Annotated[float, Field(gt=-0.3, le=0.5)]], Field(min_length=5)
    ] = Field(default=[-0.03, -0.015, 0.0, 0.015, 0.03, 0.045, 0.06])
    """Of thermal_expansion alone; relative changes of the volume at which phonons are calculated,
    no unit. The volume at temperature_K has to lie between them."""
