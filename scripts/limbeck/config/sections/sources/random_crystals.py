"""The source of random crystals by space group."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.known import SYMBOLS
from limbeck.config.sections.sources.source import AnySource, too_large

SpaceGroupNumber = Annotated[int, Field(ge=1, le=230)]
SpaceGroups = Annotated[
    Literal["all"] | t.Some[SpaceGroupNumber],
    t.ToldAs("all, or a list of whole numbers from 1 to 230, every one once"),
]


class RandomCrystals(AnySource):
    """Random crystals by space group, of atoms or of molecules."""

    kind: Literal["random_crystals"]
    elements: t.Some[t.Element] | None = None
    """Symbols of elements, for crystals of atoms."""
    formulas: t.Some[t.Plain] | None = None
    """Formulas of crystals of atoms, as in MgAl2O4, in place of random ones of the elements."""
    n_elements: t.Bounds | None = None
    """Smallest and largest number of different elements in a random formula; from one to all, at
    most three, where not given."""
    smiles: t.UserPath | None = None
    """Path of a text file with one SMILES in a line, for crystals of these molecules."""
    molecules: t.Some[t.Plain] | None = None
    """SMILES of molecules, in place of a file of them."""
    molecules_per_cell: t.Bounds = Field(default=[1, 8])
    """Smallest and largest number of molecules in the primitive cell."""
    space_groups: SpaceGroups = "all"
    """Numbers of space groups, taken in turn, or all; then each crystal is of a random one of the
    230 that has sites for its composition."""
    n_atoms: t.Bounds = Field(default=[2, 20])
    """Smallest and largest number of atoms in the primitive cell of a crystal of atoms."""
    charge_neutral: bool = False
    """Whether compositions are drawn until one is neutral by oxidation states (SMACT)."""
    volume_factor: t.Positive = 1.1
    """Factor on PyXtal's volume, which for atoms is drawn between those of covalent and van der
    Waals spheres, no unit."""
    min_distance_factor: t.Positive = 1.0
    """Factor on PyXtal's shortest distances, which for atoms are half a sum of covalent radii, and
    for molecules by their van der Waals radii, no unit."""
    attempts: t.Count = 10
    """Times that a crystal is tried with other random numbers before it is given up."""

    def faults(self) -> Iterator[Fault]:
        """None or several of what crystals are made of; more elements in one than there are."""
        yield from super().faults()
        yield from too_large(self.n_atoms)
        for formula in self.formulas or []:
            parts = re.findall("([A-Z][a-z]?)([0-9]*)", formula)
            whole = "".join(symbol + n for symbol, n in parts) == formula
            if not (parts and whole and {symbol for symbol, _ in parts} <= {*SYMBOLS}):
                yield "formulas", f"{formula!r}, expected symbols and whole numbers, as in MgAl2O4"
            elif (size := sum(int(n or 1) for _, n in parts)) > self.n_atoms[1]:
                text = f"{formula!r} has {size} atoms, expected at most n_atoms, {self.n_atoms}"
                yield "formulas", text
        ways = ("elements", "formulas", "smiles", "molecules")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) != 1:
            told = " and ".join(given) or "nothing"
            yield "elements", f"{told} given, expected one of {', '.join(ways)}"
        elif self.n_elements and self.elements is None:
            yield "n_elements", f"{self.n_elements}, expected it with elements alone"
        elif self.n_elements and self.n_elements[0] > len(self.elements or []):
            yield "n_elements", f"{self.n_elements}, expected at most the number of elements"
        elif self.n_elements and self.n_elements[0] > self.n_atoms[1]:
            yield "n_elements", f"{self.n_elements}, expected at most n_atoms, {self.n_atoms}"
        elif self.charge_neutral and self.elements is None:
            yield "charge_neutral", "true, expected it with elements alone"
