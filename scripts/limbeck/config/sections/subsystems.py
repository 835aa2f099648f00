"""Subsystems: clusters of molecules cut out of frames."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import NamedSection

Formula = Annotated[
    str, Field(pattern="^[A-Z][A-Za-z0-9]*$(?!\\n)"), t.ToldAs("formulas in Hill order, as in H4N")
]


class AnySubsystem(NamedSection):
    """What all rules have."""

    of: t.Some[Annotated[str, t.Names(("generated", "sampling"))]]
    """Names of the samplings whose frames are cut, and "generated" for the structures as the
    sources made them."""
    rule: str
    """Which molecules make a cluster; the first two take a number of molecules, nearest by their
    centres of mass, the others all whose smallest, or largest, interatomic distance to the central
    molecule is below a limit. The central molecule is the one nearest to the cell's origin."""
    detect_molecules_in: Literal["each_frame", "first"] = "each_frame"
    """Choose the molecules in each frame, or in the first frame of a trajectory, and take the same
    ones in all others."""
    assert_identical_composition: bool = True
    """Set a cluster aside that is not made of the same molecules as that of the first frame of its
    trajectory."""
    many_body_order: t.AtLeastTwo | None = None
    """Make all fragments of every cluster, of one molecule up to so many, for a many-body
    expansion; none where not given."""
    charges: dict[Formula, Annotated[int, Field(ge=-9, le=9)]] = Field(default={})
    """Charges of molecules by their formula, in e; 0 where a formula is not named."""
    bond_factor: Annotated[float, Field(ge=1, le=1.6)] = 1.25
    """Two atoms are bonded where they are nearer than so many sums of their covalent radii, no
    unit."""
    potential: t.ToPotential | None = None
    """Name of the potential that answers what is kept; none where nothing is."""
    keep: t.Unique[t.Kept] = Field(default=[])
    """What potential says of the clusters and is stored with them."""
    allow_empty: bool = False
    """Whether the run goes on where no cluster came of the frames of one of the sources; if not, it
    stops with the commonest reason, before anything is labelled."""

    @property
    def limits(self) -> Sequence[float]:
        """Numbers of molecules, or distances in Angstrom, ascending: a cluster for each."""
        raise NotImplementedError


class ByNumber(AnySubsystem):
    """A number of molecules."""

    rule: Literal["closest_to_center_of_mass", "closest_to_central_molecule"]
    n_molecules: t.Some[t.Count] = Field(default=[1, 2, 3, 4, 5, 6, 7, 8])
    """Numbers of molecules; each frame gives a cluster of each."""

    @property
    def limits(self) -> Sequence[float]:
        """Numbers of molecules, ascending."""
        return sorted(self.n_molecules)


class ByDistance(AnySubsystem):
    """All molecules within a distance."""

    rule: Literal["max_min_distance_to_central_molecule", "max_max_distance_to_central_molecule"]
    distances_A: t.Some[t.Positive]
    """Limits, in Angstrom; each frame gives a cluster of each."""

    @property
    def limits(self) -> Sequence[float]:
        """Distances, ascending, Angstrom."""
        return sorted(self.distances_A)


Subsystem = Annotated[ByNumber | ByDistance, Field(discriminator="rule")]
