"""The source of clusters of metals."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.known import CLOSE_PACKED
from limbeck.config.sections.sources.source import MOST_ATOMS, Strained

Shape = Literal["compact", "icosahedron", "octahedron", "decahedron"]


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
