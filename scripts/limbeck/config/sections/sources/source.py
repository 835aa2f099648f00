"""What all kinds of sources have."""

from collections.abc import Iterator

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, NamedSection

#: of a structure that a source makes; no potential here goes beyond
MOST_ATOMS = 10_000


class AnySource(NamedSection):
    """What all kinds of sources have."""

    kind: str
    """What the structures are; molecules from SMILES, crystals from prototypes, clusters of
    metals, surfaces of crystals, disordered boxes, or those of a file of your own."""
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


class Strained(AnySource):
    """Structures that may be strained."""

    strain: t.Strain = 0.0
    """Standard deviation of a random symmetric strain of each structure, no unit; 0 for none."""
