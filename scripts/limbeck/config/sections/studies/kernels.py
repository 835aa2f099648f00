"""Studies whose group and truth are exact: they test the engine, and teach."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault
from limbeck.config.sections.studies.study import EngineStudy


class KeplerSettings(EngineStudy):
    """Kepler's equation, whose answer repeats with every turn of the mean anomaly."""

    kind: Literal["kepler"]
    min_eccentricity: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Smallest eccentricity, no unit."""
    max_eccentricity: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """Largest eccentricity, no unit; all between are drawn alike."""
    max_turns: t.Count = 2
    """Whole turns that a view adds or takes away, at most."""
    inputs: Literal["raw", "sin_cos"] = "raw"
    """What nets are shown of the mean anomaly M; M itself, or sin M and cos M, which are the same
    in all views."""
    train_on_turns: bool = True
    """Whether the teacher's inputs have all turns; if not, views are out of what it has seen."""

    def faults(self) -> Iterator[Fault]:
        """Eccentricities out of order."""
        yield from super().faults()
        if self.min_eccentricity >= self.max_eccentricity:
            text = f"expected less than max_eccentricity, {self.max_eccentricity}"
            yield "min_eccentricity", f"{self.min_eccentricity}, {text}"


class LinearSettings(EngineStudy):
    """Systems of linear equations A x = b, whose unknowns can be renumbered."""

    kind: Literal["linear"]
    size: Annotated[int, Field(ge=2, le=64)] = 4
    """Number of unknowns."""
    positive_definite: bool = True
    """Whether A is symmetric and positive definite. Where it is not, some systems are nearly
    singular, and a few of them have most of the mean square error of all."""
    dominance: t.Positive = 0.5
    """Weight of the unit matrix in A, beside a random matrix whose eigenvalues are around 1, no
    unit; the larger, the better conditioned."""
    density: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of A's other elements that are not zero, no unit."""


class OdeSettings(EngineStudy):
    """One step of a dynamical system, which does not know what time it is."""

    kind: Literal["ode"]
    system: Literal["lorenz", "van_der_pol"] = "lorenz"
    """The equations."""
    step: t.Positive = 0.05
    """Time from an input to its answer, in the system's own unit."""
    max_time: t.Positive = 5.0
    """Times of inputs and of views are drawn from 0 to this."""
    pairs_per_trajectory: t.Count = 8
    """Inputs that are taken from one trajectory."""
    teacher_include_time: bool = True
    """Whether nets are shown the time; if not, nothing is left to average over."""


class IntegralSettings(EngineStudy):
    """The mean square of a periodic function, which does not know where its period begins."""

    kind: Literal["integral"]
    points: Annotated[int, Field(ge=8, le=1024)] = 64
    """Points of the grid."""
    modes: t.Count = 4
    """Fourier modes of the functions."""
    max_shift: t.Count | None = None
    """Grid points that a view is shifted by, at most, either way; not given, all of the period."""


class EigenSettings(EngineStudy):
    """The lowest eigenvalues of a sparse symmetric matrix, whose rows can be renumbered."""

    kind: Literal["eigen"]
    size: Annotated[int, Field(ge=2, le=64)] = 8
    """Rows of the matrix."""
    lowest: t.Count = 3
    """Number of eigenvalues, from the lowest."""
    density: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Share of the elements off the diagonal that are not zero, no unit."""
