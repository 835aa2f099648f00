"""The source of structures of files."""

from collections.abc import Iterator
from typing import Literal

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.sources.source import AnySource


class StructureFile(AnySource):
    """Structures of files of your own."""

    kind: Literal["file"]
    path: t.UserPath
    """Path of a file of structures (extended XYZ, CIF, POSCAR, another format of ASE, JSON of
    pymatgen or Matbench, or a CSV with a column of CIFs; plain, gzip, bzip2, xz or zip), of a
    folder of such files, or a glob, as in runs/**/*.cif."""
    grids: t.UserPath | None = None
    """Path of a second file of a path that is an .npz archive (R, Z, N, E, F, Dxyz), with
    electrostatic potentials of the same molecules in the same order (R, Z, N, esp, vdw_surface,
    n_grid); grids are never moved to fit."""
    format: t.Plain | None = None
    """ASE's name of the format of all these files, as in lammps-data; where not given, each is told
    by its name and content."""
    elements: t.Some[t.Element] | None = None
    """Symbols of elements; frames with any other are passed over and do not count, all are taken
    where not given."""
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
    licence: t.Plain | None = None
    """Licence of the structures, for the report and the cards of students, such as "CC BY 4.0"."""
    citation: t.Plain | None = None
    """What to cite for the structures."""

    @property
    def is_npz(self) -> bool:
        """Whether it is NumPy's arrays, which no unit is known of."""
        return self.format == "npz" or self.path.endswith(".npz")

    def faults(self) -> Iterator[Fault]:
        """Grids of another format."""
        yield from super().faults()
        if self.grids and not self.is_npz:
            yield "grids", f"{self.grids!r}, expected none but of an .npz archive, not {self.path}"
