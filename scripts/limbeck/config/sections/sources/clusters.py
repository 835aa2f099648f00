"""The source of clusters of metals."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.known import CLOSE_PACKED
from limbeck.config.sections.sources.source import MOST_ATOMS, Strained

Shape = Literal["compact", "icosahedron", "octahedron", "decahedron", "wulff", "random"]
Alloy = Literal["core_shell", "random", "janus"]
#: shapes that have shells around one atom
WITH_SHELLS = ("icosahedron", "octahedron", "decahedron")
#: shapes that go on for ever: any number of atoms has many of them
OF_EVERY_SIZE = ("compact", "random")
#: the icosahedron of 13 shells has 8,217 atoms
MOST_SHELLS = 13

Pair = Annotated[list[t.Count], Field(min_length=2, max_length=2)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Clusters(Strained):
    """Clusters of metals."""

    kind: Literal["clusters"]
    elements: t.Some[t.Element]
    """Symbols of metals; each cluster is made of one of them, or of several where alloys says."""
    sizes: Pair | None = None
    """Smallest and largest number of atoms of a cluster; this or shells."""
    shells: Pair | None = None
    """Smallest and largest number of shells around the atom in the middle, in place of sizes, of
    icosahedra (13, 55, 147 atoms with 1, 2, 3), cuboctahedra (the same) and pentagonal bipyramids
    (7, 23, 54)."""
    shapes: t.Some[Shape] = Field(default=["compact"])
    """Shapes of clusters; compact takes the atoms of the crystal nearest to a random point, random
    has no order at all, both in every size; the others have the sizes that exist between the two of
    sizes. wulff has the facets that broken bonds cost least."""
    alloys: t.Some[Alloy] | None = None
    """How several metals share a cluster; core_shell has the first in the middle, random anywhere,
    janus on one side. Where not given, each cluster is of one metal."""
    n_metals: t.AtLeastTwo = 2
    """Number of metals of an alloy; every choice of so many of elements is made, with each of them
    as the first."""
    first_share: Annotated[list[Share], Field(min_length=2, max_length=2)] = Field(
        default=[0.2, 0.8]
    )
    """Smallest and largest share of the first metal of an alloy among its atoms, no unit; the
    others have equal parts of the rest. The core of a closed shape ends with one of its shells."""

    def faults(self) -> Iterator[Fault]:
        """Sizes in the wrong order or out of reach, elements without a close-packed crystal."""
        yield from super().faults()
        yield from self._faults_of_sizes()
        if other := [e for e in self.elements if e not in CLOSE_PACKED]:
            text = "expected metals that are fcc, bcc or hcp in ASE's table"
            yield "elements", f"{', '.join(other)}, {text}"
        if self.alloys and len(self.elements) < self.n_metals:
            text = f"expected at least {self.n_metals} metals for an alloy"
            yield "elements", f"{', '.join(self.elements)}, {text}"
        if self.first_share[0] > self.first_share[1]:
            yield "first_share", f"{self.first_share}, expected the smaller share first"

    def _faults_of_sizes(self) -> Iterator[Fault]:
        if self.sizes is None and self.shells is None:
            yield "sizes", "not given, and it has no default"
            return
        if self.sizes and self.shells:
            yield "shells", f"{self.shells}, expected either these or sizes"
        field = "sizes" if self.sizes else "shells"
        smallest, largest = self.sizes or self.shells or [1, 1]
        if smallest > largest:
            yield field, f"[{smallest}, {largest}], expected the smaller size first"
        elif self.sizes and largest > MOST_ATOMS:
            yield "sizes", f"{self.sizes}, expected at most {MOST_ATOMS} atoms"
        elif self.shells and largest > MOST_SHELLS:
            yield "shells", f"{self.shells}, expected at most {MOST_SHELLS}"
        if self.shells and (other := [s for s in self.shapes if s not in WITH_SHELLS]):
            text = f"expected sizes for these, or some of {', '.join(WITH_SHELLS)}"
            yield "shells", f"{', '.join(other)} has none, {text}"
