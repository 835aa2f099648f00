"""The source of derivatives of crystals."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.sources.crystals import PrototypeName
from limbeck.config.sections.sources.source import Strained, too_large

Numbers = t.BoundsFromZero


class Derivatives(Strained):
    """Derivatives of crystals: supercells with vacancies, substitutions and antisites."""

    kind: Literal["derivatives"]
    path: t.UserPath | None = None
    """Path of a file of parent crystals, a folder of them, or a glob, in any format that a file's
    source reads."""
    prototypes: t.Some[PrototypeName] | None = None
    """Prototypes whose compounds of the table are parents, in place of a file."""
    compounds: t.Some[str] | None = None
    """Formulas of parents among the prototypes, as the table writes them; all where not given."""
    n_atoms: t.Bounds = Field(default=[8, 64])
    """Smallest and largest number of atoms of the supercell, before atoms are left out."""
    vacancies: Numbers = Field(default=[0, 0])
    """Smallest and largest number of atoms that are left out."""
    vacancies_of: t.Some[t.Element] | None = None
    """Symbols of elements of which atoms are left out, any where not given."""
    substitutions: Numbers = Field(default=[0, 0])
    """Smallest and largest number of atoms that are replaced by another element."""
    substitute: list[t.Some[t.Element]] = Field(default=[])
    """Families of elements that replace each other, as in [[Na, K], [Cl, Br]]."""
    antisites: Numbers = Field(default=[0, 0])
    """Smallest and largest number of pairs of atoms of different elements that change places."""

    def faults(self) -> Iterator[Fault]:
        """None or both kinds of parents; no substitutes; changes of more than all atoms."""
        yield from super().faults()
        yield from too_large(self.n_atoms)
        if (self.path is None) == (self.prototypes is None):
            told = "neither it nor" if self.path is None else "both it and"
            yield "path", f"{told} prototypes given, expected one of them"
        if self.compounds is not None and self.prototypes is None:
            yield "compounds", "given, expected them with prototypes"
        for field in ("vacancies", "substitutions"):
            if (least := getattr(self, field)[0]) >= self.n_atoms[1]:
                text = f"at least {least} atoms, expected fewer than n_atoms, {self.n_atoms}"
                yield field, text
        if self.substitutions[1] and not self.substitute:
            yield "substitute", "not given, expected families of elements for substitutions"
        for i, family in enumerate(self.substitute):
            if len(family) < 2:
                yield f"substitute.{i}", f"{family}, expected two elements or more"
