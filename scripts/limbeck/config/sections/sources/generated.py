"""The source of what a generative model wrote."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.sources.source import MOST_ATOMS, AnySource


class Generated(AnySource):
    """Structures that a generative model wrote, of which nothing is trusted."""

    kind: Literal["generated"]
    generator: t.ToGenerator | None = None
    """Name of an entry of generators, which is run and whose structures these are, in place of
    path."""
    path: t.UserPath | None = None
    """Path of the folder that the model wrote into (extended XYZ, CIF, a zip of CIFs, JSON of
    pymatgen, SDF; plain or packed), of a file, or a glob, as in samples/**/*.extxyz."""
    model: t.Plain | None = None
    """What wrote them, for the report, such as "MatterGen 1.0"; the name of the source where not
    given."""
    elements: t.Some[t.Element] | None = None
    """Symbols of the elements that a structure may have; any where not given."""
    n_atoms: Annotated[list[t.Count], Field(min_length=2, max_length=2)] = Field(
        default=[1, MOST_ATOMS]
    )
    """Smallest and largest number of atoms of a structure."""
    licence: t.Plain | None = None
    """Licence of what the model writes, or of its weights where these ask for one."""
    citation: t.Plain | None = None
    """What to cite for the model."""

    @property
    def called(self) -> str:
        """What the model is called, for people."""
        return self.model or self.name

    def faults(self) -> Iterator[Fault]:
        """Numbers of atoms in the wrong order or out of reach, or a model behind the model."""
        yield from super().faults()
        if (self.path is None) == (self.generator is None):
            both = "both" if self.path else "neither"
            yield "path, generator", f"{both} given, expected one of the two"
        least, most = self.n_atoms
        if least > most:
            yield "n_atoms", f"{self.n_atoms}, expected the smaller number first"
        elif most > MOST_ATOMS:
            yield "n_atoms", f"{self.n_atoms}, expected at most {MOST_ATOMS} atoms"
        if self.generative_model is not None:
            text = f"{self.generative_model!r}, expected none of a source of kind generated"
            yield "generative_model", text
