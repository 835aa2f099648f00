"""The source of disordered matter: liquids, solutions, starts of melts and glasses."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.sources.source import MOST_ATOMS, AnySource


class Disordered(AnySource):
    """Random packings of molecules or atoms in a periodic box."""

    kind: Literal["disordered"]
    molecules: t.Some[t.Plain] | None = None
    """SMILES of the neutral molecules of each box; these or elements."""
    elements: t.Some[t.Element] | None = None
    """Symbols of the elements of each box of atoms, where dynamics of a melt begin; these or
    molecules."""
    proportions: Annotated[list[t.Positive], Field(min_length=1)] | None = None
    """Parts of each of the molecules or elements by number, in their order; equal where not given.
    Each of them is there at least once."""
    sizes: Annotated[list[t.Count], Field(min_length=2, max_length=2)] = Field(default=[64, 64])
    """Smallest and largest number of molecules, or of atoms, of a box."""
    density_g_cm3: Annotated[list[t.Positive], Field(min_length=2, max_length=2)]
    """Smallest and largest density of a box, in g/cm3; each box has one between the two, drawn at
    random."""
    conformers: t.Count = 4
    """Number of conformers of each molecule that boxes are put together from."""

    def faults(self) -> Iterator[Fault]:
        """Molecules and elements, or neither; proportions of others; ranges in the wrong order."""
        yield from super().faults()
        if self.molecules and self.elements:
            yield "elements", "molecules are given, expected either these or elements"
        species = self.molecules or self.elements
        if not species:
            yield "molecules", "not given, expected SMILES of molecules, or elements"
            return
        if self.proportions and len(self.proportions) != len(species):
            text = f"{len(self.proportions)} of them, expected {len(species)}, one for each"
            yield "proportions", text
        smallest, largest = self.sizes
        if smallest > largest:
            yield "sizes", f"{self.sizes}, expected the smaller size first"
        elif smallest < len(species):
            yield "sizes", f"{self.sizes}, expected at least {len(species)}, one of each"
        elif largest > MOST_ATOMS:
            yield "sizes", f"{self.sizes}, expected at most {MOST_ATOMS}"
        if self.density_g_cm3[0] > self.density_g_cm3[1]:
            yield "density_g_cm3", f"{self.density_g_cm3}, expected the smaller density first"
