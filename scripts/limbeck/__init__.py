"""Limbeck: training data, distillation and warrant gaps for interatomic potentials."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

__version__ = "0.1.0"


def load_student(
    path: str | Path, *, device: str = "cpu", dtype: str = "float32", inference: str = "eager"
) -> "Calculator":
    """Open a trained student as an ASE calculator.

    Slabs and wires are put into a cell with vacuum. ``get_potential_energies`` answers where the
    architecture sums energies of atoms (``mace``). What it does not know, it does not answer: an
    element that it was not trained on, two atoms nearer than any of its training set and of what
    the screen of structures lets pass, and coordinates that are not finite raise an error.

    Students with charges answer for ``get_charges`` (e), ``get_dipole_moment`` (e Angstrom, about
    the centre of nuclear charge), and with ``calc.get_electrostatic_potential(points)`` for the
    potential (V) at points around a molecule.

    The folder of a student with several seeds gives them as a committee: the mean of their answers,
    and in ``results`` how far they are apart, ``energy_spread`` (eV) and ``forces_spread``
    (eV/Angstrom, of each atom).

    Args:
        path: a ``seed{n}`` folder of ``students/``, the ``model`` folder inside one, or the folder
            of the student that holds several seeds.
        device: "cpu", "cuda", or one of several GPUs, as "cuda:1".
        dtype: of the calculation: "float32", or "float64" where small differences count, as in
            phonons and tight relaxations. Students are trained in "float32".
        inference: "eager", or "compile" for long dynamics on a CPU: torch.compile, whose first
            calls take minutes. It needs a C++ compiler; not of ``mace``.

    Raises:
        LimbeckError: no readable model is at ``path``, the device is not there, ``dtype`` or
            ``inference`` is none of these, or the student cannot be compiled. The calculator
            raises it for structures that the student does not know.
    """
    from limbeck.students.handover import load_student as load

    return load(path, device=device, dtype=dtype, inference=inference)
