"""The source of surfaces."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.sources.crystals import PrototypeName
from limbeck.config.sections.sources.source import Strained

SiteKind = Literal["top", "bridge", "hollow"]


class Surfaces(Strained):
    """Slabs of crystals, bare or with molecules on them."""

    kind: Literal["surfaces"]
    path: t.UserPath | None = None
    """Path of a file, folder or glob of crystals to cut, as of kind file; Miller indices are those
    of its cells. Where not given, crystals come from the table of published lattice parameters."""
    prototypes: t.Some[PrototypeName] | None = None
    """Crystal prototypes to take from the table; all where not given."""
    elements: t.Some[t.Element] | None = None
    """Symbols of elements; only compounds of the table made of these are taken, all where not
    given."""
    compounds: t.Some[str] | None = None
    """Formulas as the table writes them; only these are taken, all where not given."""
    max_miller: Annotated[int, Field(ge=1, le=4)] = 1
    """Largest Miller index; each face that is another by symmetry is cut once."""
    layers: t.Count | None = None
    """Least number of planes of atoms, in place of thickness_A; more where fewer are another
    compound."""
    thickness_A: t.Positive | None = None
    """Least distance of the highest from the lowest atom, in Angstrom; 6 where neither this nor
    layers is given."""
    vacuum_A: t.Positive = 20.0
    """Distance of a slab from its image across the vacuum, in Angstrom; below screen.min_vacuum_A
    the slab is refused."""
    symmetric: bool = False
    """Whether the two faces of a slab have to be alike; atoms are then taken off one of them, and
    the slab may be of another composition than its crystal."""
    polar: bool = True
    """Whether slabs with a dipole across them are made, by usual oxidation states; those of rock
    salt (111), for one, hold in nature only where the surface changes."""
    terminations: t.Count | None = None
    """Most terminations of a face; all where not given."""
    supercell: Annotated[list[t.Count], Field(min_length=2, max_length=2)] = Field(default=[1, 1])
    """Repetitions of the smallest cell of the face along its two lattice vectors."""
    fixed_layers: t.Whole = 0
    """Number of lowest planes whose atoms are listed as fixed_atoms in the info of each frame, for
    programs that you hand data sets to; no sampling of Limbeck holds atoms still."""
    adsorbates: t.Some[t.Plain] | None = None
    """SMILES of neutral molecules to put on; the first atom of each is the one that binds, as in
    [C-]#[O+] or [H]. Every slab is made bare as well."""
    sites: t.Some[SiteKind] = Field(default=["top", "bridge", "hollow"])
    """Sites that molecules are put on, of pymatgen's AdsorbateSiteFinder."""
    coverages: t.Some[Annotated[float, Field(gt=0, le=1)]] = Field(default=[0.25])
    """Molecules for each atom of the surface, rounded to whole ones; each coverage is made."""
    n_atoms: Annotated[list[t.Count], Field(min_length=2, max_length=2)] = Field(default=[1, 500])
    """Smallest and largest number of atoms of a structure; others are refused and counted."""

    def faults(self) -> Iterator[Fault]:
        """Two thicknesses, sizes in the wrong order, a table beside a file."""
        yield from super().faults()
        if self.layers and self.thickness_A:
            yield "thickness_A", f"{self.thickness_A:g}, expected either this or layers"
        if self.n_atoms[0] > self.n_atoms[1]:
            yield "n_atoms", f"{self.n_atoms}, expected the smaller number first"
        if self.layers and self.fixed_layers > self.layers:
            yield "fixed_layers", f"{self.fixed_layers}, expected at most layers, {self.layers}"
        for field in ("prototypes", "elements", "compounds"):
            if self.path is not None and getattr(self, field) is not None:
                yield field, "expected none beside path, which says what is cut"
