"""Partial differential equations on periodic grids."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from limbeck.config.sections import types as t
from limbeck.config.sections.base import Fault, Section
from limbeck.config.sections.studies.study import FromFile


class Keys(Section):
    """Names of arrays in a file of PDEBench's layout."""

    u: str = "tensor"
    """The field, [trajectory, time, point]."""
    x: str = "x-coordinate"
    """Places of the grid's points, which have to be equally spaced."""


class PdeTeacher(Section):
    """The teacher's net, and that of its students."""

    net: Literal["fno", "unet", "mlp"] = "fno"
    """A Fourier neural operator, a U-Net with zero padding, or a dense net."""
    grid: bool = True
    """Of fno, whether it is shown the places of points as a channel, as PDEBench's is; it breaks
    translation."""
    padding: t.Whole = 2
    """Of fno, zeros that are appended to the domain, as PDEBench's has; any breaks translation."""
    modes: t.Count = 12
    """Of fno, Fourier modes that are kept."""


class PdeSettings(FromFile):
    """A field at a later time, which does not know where the periodic grid begins."""

    kind: Literal["pde"]
    equation: Literal["burgers", "advection"] = "burgers"
    """What is solved where no path is given, on [0, 1)."""
    viscosity: t.Positive = 0.01
    """Of burgers, in u_t + u u_x = viscosity / pi u_xx, as in PDEBench."""
    speed: t.Positive = 0.4
    """Of advection, in u_t + speed u_x = 0."""
    points: Annotated[int, Field(ge=16, le=1024)] = 64
    """Points of the grid that is made; of a file, every so many are taken that no more are left."""
    time: t.Positive = 0.5
    """Time from an input to its answer, where it is made."""
    keys: Keys = Keys()
    """Names of arrays in the file."""
    from_step: t.Whole = 0
    """Of a file, index of the time of inputs."""
    to_step: t.Count = 40
    """Of a file, index of the time of answers."""
    max_shift: t.Count | None = None
    """Grid points that a view is shifted by, at most, either way; not given, all of the period."""
    teacher: PdeTeacher = PdeTeacher()
    """The net of the teacher and of its students."""

    def faults(self) -> Iterator[Fault]:
        """Times out of order, or shifts beyond the grid."""
        yield from super().faults()
        if self.to_step <= self.from_step:
            yield "to_step", f"{self.to_step}, expected more than from_step, {self.from_step}"
