"""The source of molecules."""

from typing import Literal

from limbeck.config.sections import types as t
from limbeck.config.sections.sources.source import AnySource


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
