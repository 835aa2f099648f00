"""Jobs that measure potentials and students."""

from typing import Any, Self

from pydantic import Field

from limbeck.config.config import Config
from limbeck.config.jobs.base import AsksPotential, Compute, Split, asking, computing, potential_of
from limbeck.config.plan import (
    of_kind,
    physics_temperatures,
    teachers,
    trained,
    zeros_differ,
)
from limbeck.config.sections import types as t
from limbeck.config.sections.potentials import Potential
from limbeck.config.sections.warrant import (
    Bars,
    Physics,
    PhysicsBars,
    Warrant,
)


class CertifyQuadrature(AsksPotential):
    """How good a potential's means over grids of views are."""

    n_frames: t.Whole

    @classmethod
    def of(cls, config: Config, potential: str) -> Self:
        return cls(n_frames=config.warrant.n_quadrature_frames, **asking(config, potential))


class MeasureGap(Compute, Split):
    """Gaps and errors of a teacher, or of a student, whose models are files."""

    name: str
    potential: Potential | None = None
    warrant: Warrant
    fit_zeros: bool = False

    @classmethod
    def of(
        cls, config: Config, potential: str = "", label_set: str = "", student: str = ""
    ) -> Self:
        """That of a job, which does not depend on what other potentials are measured."""
        others = {"teachers": None, "n_quadrature_frames": 0, "bars": Bars(), "physics": Physics()}
        if not potential:
            others["n_floor_frames"] = 0
        return cls(
            name=potential or f"{label_set}/{student}",
            warrant=config.warrant.model_copy(update=others),
            fit_zeros=zeros_differ(config, label_set, potential),
            seed=config.seed,
            dataset=config.dataset,
            **(computing(config) | asking(config, potential)),
        )


class MeasurePhysics(Compute, Split):
    """Dynamics and crystals of a teacher, or of a student, whose model is a file."""

    name: str
    potential: Potential | None = None
    physics: Physics

    @classmethod
    def of(
        cls,
        config: Config,
        potential: str = "",
        label_set: str = "",
        student: str = "",
        seed: str = "",
    ) -> Self:
        """That of a job; ``seed`` is the student's, and names it alone."""
        found: dict[str, Any] = {"seeds": "first", "bars": PhysicsBars()}
        found["temperatures_K"] = physics_temperatures(config)
        return cls(
            name=potential or f"{label_set}/{student}/seed{seed}",
            physics=config.warrant.physics.model_copy(update=found),
            seed=config.seed,
            dataset=config.dataset,
            **(computing(config) | asking(config, potential)),
        )


class MeasureSpeed(Compute):
    """Speed of all teachers and students, and of potentials beside them."""

    potentials: list[Potential]
    beside: list[Potential] = Field(default=[])
    n_atoms: list[t.Count] = Field(default=[])
    #: students that are also timed as torch.compile makes them
    compiled: list[str] = Field(default=[])

    @classmethod
    def of(cls, config: Config) -> Self:
        names = teachers(config)
        others = [name for name in config.speed.beside if name not in names]
        asked, beside = ([potential_of(config, n) for n in part] for part in (names, others))
        used = {entry.student for entry in trained(config)}
        compiled = [n for n in of_kind(config.students, "inference", "compile") if n in used]
        return cls(
            potentials=asked,
            beside=beside,
            n_atoms=config.speed.n_atoms,
            compiled=compiled,
            **computing(config),
        )
