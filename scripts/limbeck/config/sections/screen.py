"""Screening: which structures are refused, which are taken for one and the same, and how sources
are told from each other."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, Section


class Screen(Section):
    """Which structures are refused before they are sampled."""

    min_distance_ratio: t.DistanceRatio | None = None
    """Smallest distance of two atoms, in units of the sum of their covalent radii. Where not given,
    it goes by their kinds; 0.7 for two nonmetals (0.63 to 0.75 among C, N and O, by the number of
    their neighbours), 0.6 for a metal and a nonmetal, 0.5 for two metals. No two atoms are ever
    nearer than 0.52 Angstrom."""
    min_contact_ratio: t.ContactRatio = 0.6
    """Smallest distance of two atoms of different molecules, in units of the sum of their van der
    Waals radii; of a hydrogen atom three quarters of it, and none of hydrogen bonds."""
    min_density_g_cm3: t.NotNegative = 0.05
    """Smallest density of a periodic structure, in g/cm3, where no atom has a neighbour; a molecule
    or an atom in a wide box is let pass."""
    max_density_g_cm3: t.Positive | None = None
    """Largest density of a periodic structure, in g/cm3; where not given, it follows the elements,
    with 0.8 Z^0.45 cubic Angstrom for an atom of atomic number Z, which is beyond a terapascal."""
    min_vacuum_A: t.NotNegative = 6.0
    """Smallest vacuum of a slab or wire between its atoms and their images across it, in Angstrom;
    with less it has no surface."""
    max_atoms: t.Count = 500
    """Largest number of atoms of a structure."""
    any_bonds: bool = False
    """Whether atoms of H, C, N, O and F may have more bonds to nonmetals than their valence allows,
    and molecules of a source that says what they are may be in pieces."""
    lone_atoms: bool = False
    """Whether an atom of an isolated structure of three or more may be out of reach of all others,
    farther than 1.5 sums of van der Waals radii; as at the end of a dissociation. Noble gases
    always may."""

    def faults(self) -> Iterator[Fault]:
        """Densities that leave nothing between them."""
        low, high = self.min_density_g_cm3, self.max_density_g_cm3
        if high is not None and low > high:
            yield "min_density_g_cm3", f"{low:g}, expected at most max_density_g_cm3, {high:g}"


class Duplicates(Section):
    """Structures that are the same as an earlier one are dropped before they are sampled."""

    distance_A: Annotated[float, Field(gt=0, le=0.2)] | None = None
    """Two structures are the same where their atoms are at most so far apart when one is laid upon
    the other, root mean square, in Angstrom; cells may differ by a strain that moves neighbours
    about as far. Turned, shifted, mirrored and renumbered, or in another cell, a structure stays
    the same. The first of the first source stays. Not given, none is looked for; 0.02 finds copies
    that were rattled by 0.01, and leaves what is strained by 2 %."""
    keep_all_of: t.Unique[t.ToSource] = Field(default=[])
    """Names of sources of which none is dropped; of those whose files have labels that the run uses
    none ever is."""

    def faults(self) -> Iterator[Fault]:
        """Sources that are kept where nothing is dropped."""
        if self.keep_all_of and self.distance_A is None:
            yield "keep_all_of", "given, expected distance_A as well: without it none is dropped"


class Compare(Section):
    """Which sources are compared, before anything of them is refused or dropped."""

    sources: t.Some[t.ToSource]
    """Names of the sources, those of kind generated among them; as they are made, before the
    screening."""
    reference: t.ToSource | None = None
    """Source that novelty and distances are against, as what a model was trained on; without one,
    neither is told."""
    n_structures: t.Count = 1000
    """Most structures of each source that are looked at, drawn by a hash of their ids."""
    distance_A: Annotated[float, Field(gt=0, le=0.2)] = 0.02
    """Two structures are the same within this distance, in Angstrom; see duplicates.distance_A."""
    n_environments: Annotated[int, Field(ge=0, le=20_000)] = 0
    """Local environments whose information entropy and overlap are measured; its cost grows with
    their square. 0 for none."""

    def faults(self) -> Iterator[Fault]:
        """One source beside nothing."""
        if not {*self.sources, self.reference} - {None} - {self.sources[0]}:
            yield "sources", f"{self.sources}, expected two sources, or a reference beside one"
