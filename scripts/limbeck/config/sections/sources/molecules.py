"""The source of molecules."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.sources.source import AnySource

#: that the chains, rings and functional groups of templates are made of
TEMPLATE_ELEMENTS = ("H", "C", "N", "O", "F", "P", "S", "Cl", "Br")

Sizes = Annotated[list[t.Count], Field(min_length=2, max_length=2)]
Charges = Annotated[list[Annotated[int, Field(ge=-4, le=4)]], Field(min_length=2, max_length=2)]


class MoleculeSource(AnySource):
    """Molecules from SMILES: a list, or new ones put together."""

    kind: Literal["molecules"]
    smiles: t.UserPath | None = None
    """Path of a text file with one SMILES in a line, a name behind it if you like; a line that
    begins with # is a comment. It may be packed by gzip, bzip2 or xz. Fragments of one SMILES are
    put apart and relaxed together. Not of templates, which need none."""
    assemble: Literal["none", "brics", "templates"] = "none"
    """Which molecules are made; none for those of the list as they are, brics for new ones of
    their fragments (BRICS, bonds that synthesis can make), templates for functional groups on
    chains and rings. New ones are all different, and none is of the list."""
    assembly_seed: t.Whole = 0
    """Another number puts other new molecules first; the seed of the run changes their conformers
    alone, so that runs with several seeds are about the same molecules."""
    elements: t.Some[t.Element] | None = None
    """Symbols of elements, hydrogen among them; only molecules of these are taken, all where not
    given."""
    n_heavy: Sizes | None = None
    """Least and largest number of atoms of a molecule that are not hydrogen; where not given, any
    of a list, and 1 to 12 of new ones."""
    n_atoms: Sizes | None = None
    """Least and largest number of atoms of a molecule, hydrogens included; any where not given."""
    charges: Charges | None = None
    """Least and greatest charge of a molecule, in e; where not given, any of a list, 0 to 0 of new
    ones, and -1 to 1 of ions."""
    conformers: t.Count | None = None
    """Number of conformers that are tried for each molecule, which follow one another; those nearer
    than 0.1 Angstrom RMSD to an earlier one are left out. Where not given, one for each, and the
    list begins anew as often as count asks for."""
    stereo: Literal["as_given", "enumerate"] = "as_given"
    """Whether a centre or double bond that the SMILES says nothing of is left to chance, or each
    stereoisomer is a molecule of its own; at most 16 of one SMILES."""
    radicals: bool = False
    """Whether the radicals that are left when a hydrogen atom goes are added, one for each kind of
    hydrogen."""
    ions: bool = False
    """Whether ions are added, by a proton off O, S or N or onto a lone pair; up to what charges
    says."""
    displacement_A: t.Displacement = 0.0
    """Standard deviation of a random displacement of each coordinate after the force field has
    settled the molecule, in Angstrom; above 0 each structure is a root of its own."""

    @property
    def has_variants(self) -> bool:
        """Whether one SMILES may give several molecules."""
        return self.stereo == "enumerate" or self.radicals or self.ions

    def faults(self) -> Iterator[Fault]:
        """A list that is missing or not read, ranges turned round, elements of no template."""
        yield from super().faults()
        if self.assemble == "templates":
            yield from self._faults_of_templates()
        elif self.smiles is None:
            yield "smiles", "not given, expected the path of a list of SMILES"
        for name in ("n_heavy", "n_atoms", "charges"):
            limits = getattr(self, name)
            if limits and limits[0] > limits[1]:
                yield name, f"{limits}, expected the smaller number first"
        if self.ions and self.charges and self.charges[0] == self.charges[1] == 0:
            yield "charges", f"{self.charges}, expected room for the ions that are asked for"

    def _faults_of_templates(self) -> Iterator[Fault]:
        if self.smiles is not None:
            yield "smiles", f"{self.smiles!r}, expected none: templates read no list"
        if other := [e for e in self.elements or () if e not in TEMPLATE_ELEMENTS]:
            known = ", ".join(TEMPLATE_ELEMENTS)
            yield "elements", f"{', '.join(other)} in no template, expected some of {known}"
