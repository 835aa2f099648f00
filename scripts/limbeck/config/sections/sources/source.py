"""What all kinds of sources have."""

from collections.abc import Iterator

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, NamedSection

#: of a structure that a source makes; no potential here goes beyond
MOST_ATOMS = 10_000


class AnySource(NamedSection):
    """What all kinds of sources have."""

    kind: str
    """What the structures are; molecules from SMILES, crystals from prototypes, random crystals by
    space group, derivatives of crystals, clusters of metals, surfaces of crystals, disordered
    boxes, those of a file of your own, or those that a generative model wrote."""
    count: t.Count
    """Number of structures to make, over all shards; of a file, the most that is taken."""
    shards: t.Count = 1
    """Number of jobs the source is cut into."""
    allow_empty: bool = False
    """Whether the run goes on where no structure of the source is left; if not, it stops with the
    commonest reason, before anything is labelled."""
    generative_fraction: t.Fraction = 0.0
    """Share of count that is taken from generative_model, from 0 to 1; what that falls short of is
    made as if there were none."""
    generative_model: t.ToSource | None = None
    """Name of the source of kind generated whose structures are taken."""

    @property
    def n_generative(self) -> int:
        """Structures that are asked of the generative model."""
        return round(self.generative_fraction * self.count)

    def faults(self) -> Iterator[Fault]:
        """More shards than structures, a share of nothing, or a model and no share of it."""
        if self.shards > self.count:
            yield "shards", f"{self.shards}, expected at most its count, {self.count}"
        if self.generative_fraction and self.generative_model is None:
            yield (
                "generative_model",
                "not given, expected a source of kind generated beside generative_fraction",
            )
        if self.generative_model and "generative_fraction" not in self.model_fields_set:
            yield "generative_fraction", "not given, expected the share that is taken of the model"


def too_large(n_atoms: list[int] | None) -> Iterator[Fault]:
    """More atoms than any potential takes."""
    if n_atoms is not None and n_atoms[1] > MOST_ATOMS:
        yield "n_atoms", f"{n_atoms}, expected at most {MOST_ATOMS} atoms"


class Strained(AnySource):
    """Structures that may be strained."""

    strain: t.Strain = 0.0
    """Standard deviation of a random symmetric strain of each structure, no unit; 0 for none."""
