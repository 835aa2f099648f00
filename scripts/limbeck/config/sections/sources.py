"""Sources: where structures come from, and which of them are refused."""

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, NamedSection, Section
from limbeck.config.sections.known import CLOSE_PACKED

PrototypeName = Literal[
    "rocksalt", "zincblende", "wurtzite", "diamond", "fcc", "bcc", "hcp", "perovskite", "fluorite"
]
Shape = Literal["compact", "icosahedron", "octahedron", "decahedron"]


#: of a cluster; no potential here goes beyond
MOST_ATOMS = 10_000


class AnySource(NamedSection):
    """What all kinds of sources have."""

    kind: str
    """What the structures are; molecules from SMILES, crystals from prototypes, clusters of metals,
    or those of a file of your own."""
    count: t.Count
    """Number of structures to make, over all shards; of a file, the most that is taken."""
    shards: t.Count = 1
    """Number of jobs the source is cut into."""
    allow_empty: bool = False
    """Whether the run goes on where no structure of the source is left; if not, it stops with the
    commonest reason, before anything is labelled."""

    def faults(self) -> Iterator[Fault]:
        """More shards than structures."""
        if self.shards > self.count:
            yield "shards", f"{self.shards}, expected at most its count, {self.count}"


class MoleculeSource(AnySource):
    """Molecules from SMILES."""

    kind: Literal["molecules"]
    smiles: t.UserPath
    """Path of a text file with one SMILES in a line, a name behind it if you like; a line that
    begins with # is a comment. It may be packed by gzip, bzip2 or xz. Fragments of one SMILES are
    put apart and relaxed together."""
    displacement_A: t.Displacement = 0.0
    """Standard deviation of a random displacement of each coordinate after the force field has
    settled the molecule, in Angstrom; above 0 each structure is a root of its own."""


class Strained(AnySource):
    """Structures that may be strained."""

    strain: t.Strain = 0.0
    """Standard deviation of a random symmetric strain of each structure, no unit; 0 for none."""


class Crystals(Strained):
    """Crystals from prototypes."""

    kind: Literal["crystals"]
    prototypes: t.Some[PrototypeName] = Field(default=list(get_args(PrototypeName)))
    """Crystal prototypes to take from the table of published lattice parameters."""
    elements: t.Some[t.Element] | None = None
    """Symbols of elements; only compounds made of these are taken, all where not given."""
    compounds: t.Some[str] | None = None
    """Formulas as the table writes them, as in NaCl; only these are taken, all where not given."""
    supercell: t.Three[t.Count] = Field(default=[1, 1, 1])
    """Repetitions of the conventional cell along its three lattice vectors, no unit."""
    polymorphs: t.Polymorphs = "together"
    """Whether crystals of one formula are one group of a split, or apart by their prototype; where
    apart, a test crystal may have its formula in training, in another structure."""


class Clusters(Strained):
    """Clusters of metals."""

    kind: Literal["clusters"]
    elements: t.Some[t.Element]
    """Symbols of metals; each cluster is made of one of them."""
    sizes: Annotated[list[t.Count], Field(min_length=2, max_length=2)]
    """Smallest and largest number of atoms of a cluster."""
    shapes: t.Some[Shape] = Field(default=["compact"])
    """Shapes of clusters; compact takes the atoms of the crystal nearest to a random point, in
    every size, the others have the sizes that exist between the two of sizes."""

    def faults(self) -> Iterator[Fault]:
        """Sizes in the wrong order or out of reach, elements without a close-packed crystal."""
        yield from super().faults()
        smallest, largest = self.sizes
        if smallest > largest:
            yield "sizes", f"{self.sizes}, expected the smaller size first"
        elif largest > MOST_ATOMS:
            yield "sizes", f"{self.sizes}, expected at most {MOST_ATOMS} atoms"
        if other := [e for e in self.elements if e not in CLOSE_PACKED]:
            text = "expected metals that are fcc, bcc or hcp in ASE's table"
            yield "elements", f"{', '.join(other)}, {text}"


class StructureFile(AnySource):
    """Structures of files of your own."""

    kind: Literal["file"]
    path: t.UserPath
    """Path of a file of structures (extended XYZ, CIF, POSCAR, another format of ASE, or JSON of
    pymatgen; plain, gzip, bzip2, xz or zip), of a folder of such files, or a glob, as in
    runs/**/*.cif."""
    format: t.Plain | None = None
    """ASE's name of the format of all these files, as in lammps-data; where not given, each is told
    by its name and content."""
    polymorphs: t.Polymorphs = "together"
    """Whether crystals of one formula are one group of a split, or apart where pymatgen's
    StructureMatcher tells them apart; it takes frames of dynamics for other structures."""
    spin_is: Literal["unpaired_electrons", "multiplicity"] = "unpaired_electrons"
    """What spin means in the info lines of the file; the number of unpaired electrons, or the
    multiplicity 2S+1, as in files of OMol25, which is one more. unpaired_electrons and multiplicity
    are read under their own names as well."""
    length_unit: Literal["Angstrom", "nm", "Bohr"] | None = None
    """Unit of positions and cells in the file; Angstrom where not given, and the run stops where
    nearest neighbours are so far apart that it looks like another."""


Source = Annotated[
    MoleculeSource | Crystals | Clusters | StructureFile, Field(discriminator="kind")
]


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
    max_atoms: t.Count = 500
    """Largest number of atoms of a structure."""

    def faults(self) -> Iterator[Fault]:
        """Densities that leave nothing between them."""
        low, high = self.min_density_g_cm3, self.max_density_g_cm3
        if high is not None and low > high:
            yield "min_density_g_cm3", f"{low:g}, expected at most max_density_g_cm3, {high:g}"
