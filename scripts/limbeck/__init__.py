"""Limbeck: training data, distillation and warrant gaps for interatomic potentials."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

__version__ = "0.1.0"


def load_student(path: str | Path, *, device: str = "cpu") -> "Calculator":
    """Open a trained student as an ASE calculator.

    Args:
        path: a ``seed{n}`` folder of ``students/``, or the ``model`` folder inside one.
        device: a torch device name.

    Raises:
        LimbeckError: no readable model is at ``path``.
    """
    from limbeck.students.handover import load_student as load

    return load(path, device=device)
