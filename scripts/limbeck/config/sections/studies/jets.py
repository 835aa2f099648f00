"""Jets of particle collisions."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, Section
from limbeck.config.sections.studies.study import ElsewhereStudy


class JetsTeacher(Section):
    """The teacher's net, and that of its students."""

    net: Literal["flat", "particle_flow"] = "flat"
    """A dense net on the particles in their order, or a particle-flow net, which does not see their
    order; both see absolute directions around the jet."""


class JetsSettings(ElsewhereStudy):
    """Quark or gluon: a jet does not know how it is turned about its axis."""

    environment: ClassVar[str] = "study-jets"
    beside_data = ElsewhereStudy.beside_data | {"view", "axis", "teacher"}

    kind: Literal["jets"]
    view: Literal["turn", "permute"] = "turn"
    """What changes: the jet is turned about its axis; or, as a control, its particles are listed in
    another order, which sorting brings back."""
    axis: Literal["jet", "origin"] = "jet"
    """Of turn, what jets are turned about, and seen from: their own axis, or the origin of rapidity
    and azimuth, which is no symmetry, as turned jets can leave the detector; it is here to show
    so."""
    max_particles: t.Count = 128
    """Particles that are kept of a jet, the hardest; others are left out."""
    min_pt: t.Positive = 500.0
    """Smallest transverse momentum of jets that are made, in GeV."""
    max_pt: t.Positive = 550.0
    """Largest transverse momentum of jets that are made, in GeV."""
    max_rapidity: t.Positive = 1.7
    """Largest absolute rapidity of jets that are made, no unit."""
    teacher: JetsTeacher = JetsTeacher()
    """The net of the teacher and of its students."""

    @property
    def made_in(self) -> str:
        """A file can be read without the programs that make jets."""
        return "limbeck" if self.path else self.environment

    def faults(self) -> Iterator[Fault]:
        """Momenta out of order, or an axis that nothing is turned about."""
        yield from super().faults()
        if self.min_pt >= self.max_pt:
            yield "min_pt", f"{self.min_pt}, expected less than max_pt, {self.max_pt}"
        if self.view == "permute" and self.axis == "origin":
            yield "axis", "origin, expected jet: view is permute, which turns nothing"
