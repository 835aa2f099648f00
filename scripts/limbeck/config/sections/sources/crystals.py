"""The source of crystals from prototypes."""

from typing import Literal, get_args

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.sources.source import Strained

PrototypeName = Literal[
    "rocksalt", "zincblende", "wurtzite", "diamond", "fcc", "bcc", "hcp", "perovskite", "fluorite"
]


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
