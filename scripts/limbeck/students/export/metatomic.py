"""``metatomic.pt``: a student as a model of metatomic, which LAMMPS, GROMACS, i-PI, PLUMED, ASE and
torch-sim run.

It holds the energy alone: forces and stress are what the program makes of its gradient, as in
training. Metatomic wants TorchScript, which torch has deprecated and still has.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from limbeck.errors import LimbeckError
from limbeck.potentials.repulsion.zbl import radii_of
from limbeck.potentials.weights import quietly
from limbeck.students.export.energies import GraphPesEnergy, MaceEnergy, WithRepulsion

if TYPE_CHECKING:
    from limbeck.potentials.trainable import TrainablePotential
    from limbeck.students.export import Taken

FILE = "metatomic.pt"
#: architecture -> its energy as a module that can be scripted
ENERGIES: dict[str, Callable[["TrainablePotential[Any]"], torch.nn.Module]] = {
    "mace": MaceEnergy,
    "painn": GraphPesEnergy,
}
USE_ME = '''"""Use this student through metatomic: `pip install metatomic-ase`, and no Limbeck."""

from pathlib import Path

from ase.io import read
from metatomic_ase import MetatomicCalculator

here = Path(__file__).parent
atoms = read(here / "structure.xyz")
atoms.calc = MetatomicCalculator(here / "metatomic.pt", device="cpu")
print(atoms.get_potential_energy(), "eV")
print(atoms.get_forces(), "eV/Angstrom")
'''


def write(taken: "Taken", folder: Path) -> str:
    """Write the model, a structure, and a program that asks the one for the other.

    Raises:
        LimbeckError: an architecture that cannot be scripted, or metatomic is not installed.
    """
    student = taken.student
    save(student, folder / FILE)
    taken.atoms.write(folder / "structure.xyz", columns=["symbols", "positions"])
    (folder / "use_me.py").write_text(USE_ME)
    return (
        f"`{FILE}` is a model of metatomic (https://docs.metatensor.org/metatomic): energies in "
        f"eV, lengths in Angstrom, {student.about.dtype}.\n"
        "`python use_me.py` asks it for `structure.xyz`, with `pip install metatomic-ase` and "
        "without Limbeck.\n"
        "It does not refuse elements and distances as Limbeck's own calculator does."
    )


def save(student: "TrainablePotential[Any]", path: Path) -> None:
    """Write a student as a model of metatomic, see :func:`write`."""
    kind = student.architecture
    if kind not in ENERGIES:
        raise LimbeckError(
            f"{student.about.name}: a student of architecture {kind} has no metatomic model, "
            f"expected one of {', '.join(ENERGIES)}"
        )
    try:
        from limbeck.students.export.metatomic_model import atomistic_model
    except ImportError as error:
        raise LimbeckError(
            f"--format metatomic: {error}; expected it installed, as pip install '.[export]' does"
        ) from error
    with quietly():
        model = atomistic_model(
            energy_of(student),
            name=student.about.name,
            elements=sorted(student.about.elements),
            cutoff=student.about.cutoff,
            layers=layers_of(student),
            dtype=student.about.dtype,
        )
        model.save(path)


def energy_of(student: "TrainablePotential[Any]") -> torch.nn.Module:
    """The energy of a student that can be scripted, with its repulsion where it has one."""
    energy = ENERGIES[student.architecture](student)
    if not student.zbl:
        return energy
    elements = np.array(sorted(student.about.elements))
    reach = float(radii_of(elements, elements)[1].max())
    if reach > student.about.cutoff:
        raise LimbeckError(
            f"{student.about.name}: its repulsion reaches {reach:.2f} A, expected no farther than "
            f"its cut-off of {student.about.cutoff:g} A, to which metatomic finds neighbours"
        )
    return WithRepulsion(energy)


def layers_of(student: "TrainablePotential[Any]") -> int:
    """How many times messages are passed: an energy reaches so many cut-offs far."""
    if student.architecture == "mace":
        return int(student.module.get_buffer("num_interactions"))
    return int(student.sizes.get("layers", 1))
