"""The source of crystals from prototypes."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.sources.source import Strained, too_large

PrototypeName = Literal[
    "rocksalt",
    "zincblende",
    "wurtzite",
    "diamond",
    "fcc",
    "bcc",
    "hcp",
    "perovskite",
    "fluorite",
    "spinel",
    "rutile",
    "cesium_chloride",
    "antifluorite",
    "nickel_arsenide",
    "dichalcogenide_2h",
    "dichalcogenide_1t",
]
#: those there were at first: a config that names none keeps its structures
FIRST_PROTOTYPES: list[PrototypeName] = [
    "rocksalt",
    "zincblende",
    "wurtzite",
    "diamond",
    "fcc",
    "bcc",
    "hcp",
    "perovskite",
    "fluorite",
]


class Crystals(Strained):
    """Crystals from prototypes."""

    kind: Literal["crystals"]
    prototypes: t.Some[PrototypeName] = Field(default=FIRST_PROTOTYPES)
    """Crystal prototypes to take from the table of published lattice parameters, or to decorate."""
    elements: t.Some[t.Element] | None = None
    """Symbols of elements; only compounds made of these are taken, all where not given."""
    compounds: t.Some[str] | None = None
    """Formulas as the table writes them, as in NaCl; only these are taken, all where not given."""
    decorate: bool = False
    """Whether every assignment of different elements of the list to the sites of the prototypes is
    made, with the prototype's shape at a predicted volume, in place of the table's compounds."""
    charge_neutral: bool = False
    """Whether only decorated prototypes are made that are neutral by oxidation states (SMACT)."""
    supercell: t.Three[t.Count] = Field(default=[1, 1, 1])
    """Repetitions of the conventional cell along its three lattice vectors, no unit."""
    n_atoms: t.Bounds | None = None
    """Smallest and largest number of atoms, in place of a supercell; the cell is repeated until it
    has enough, and a compound that no cell fits is left out."""
    polymorphs: t.Polymorphs = "together"
    """Whether crystals of one formula are one group of a split, or apart by their prototype; where
    apart, a test crystal may have its formula in training, in another structure."""

    def faults(self) -> Iterator[Fault]:
        """Decorated without elements or with compounds; a supercell and a number of atoms."""
        yield from super().faults()
        yield from too_large(self.n_atoms)
        if self.decorate and self.elements is None:
            yield "elements", "not given, expected those that prototypes are decorated with"
        if self.decorate and self.compounds is not None:
            yield "compounds", "given, expected elements alone: decorated prototypes are of these"
        if self.charge_neutral and not self.decorate:
            yield "charge_neutral", "true, expected it with decorate: true"
        if self.n_atoms and self.supercell != [1, 1, 1]:
            yield "n_atoms", f"{self.n_atoms}, expected either it or supercell"
