"""From a student's folder to a potential, or to an ASE calculator."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.check.sums import require, sums_path
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.potentials.trainable import DESCRIPTION, WEIGHTS, TrainablePotential, read_description
from limbeck.students import ARCHITECTURES, architecture
from limbeck.students.card import NOT_CONSERVATIVE

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

log = logging.getLogger(__name__)

USE_ME = '''{caution}"""Use this student from ASE: its answer for a structure of the test set."""

from pathlib import Path

from ase import Atoms
from limbeck import load_student

atoms = Atoms(
    numbers={numbers},
    positions={positions},
    cell={cell},
    pbc={pbc},
)
atoms.calc = load_student(Path(__file__).parent)  # the folder may be moved as a whole
print(atoms.get_potential_energy(), "eV")
print(atoms.get_forces(), "eV/Angstrom")
'''


def use_me(frames: Frames, *, conservative: bool) -> str:
    """A program that opens the student beside it and asks it for the smallest of ``frames``.

    Args:
        conservative: its forces are minus the gradient of its energy; the program says it first
            where they are not.
    """
    caution = "".join(f"# {line}\n" for line in NOT_CONSERVATIVE.splitlines())
    b = int(np.argmin(frames.n_atoms))
    rows = frames.atoms_of(b)
    return USE_ME.format(
        caution="" if conservative else caution,
        numbers=frames.numbers[rows].tolist(),
        positions=frames.positions[rows].round(6).tolist(),
        cell=frames.cell[b].round(6).tolist(),
        pbc=bool(frames.periodic[b]),
    )


def open_student(
    folder: str | Path, *, device: str = "cpu", name: str = ""
) -> TrainablePotential[Any]:
    """Open a trained student.

    Args:
        folder: a ``seed{n}`` folder, or the ``model`` folder inside it.

    Raises:
        LimbeckError: no readable model there, one of an unknown architecture, or one that is not
            as it was written.
    """
    folder = Path(folder)
    folder = folder if (folder / DESCRIPTION).is_file() else folder / "model"
    _check(folder)
    kind = read_description(folder).get("architecture")
    if not isinstance(kind, str) or kind not in ARCHITECTURES:
        raise LimbeckError(
            f"{folder / DESCRIPTION}: architecture {kind!r}, expected {sorted(ARCHITECTURES)}"
        )
    return architecture(kind).load(folder, name=name or folder.parent.name, device=device)


def _check(folder: Path) -> None:
    """Compare the files that are read with the SHA256SUMS of the model."""
    sums = sums_path(folder)
    if sums.exists():
        require(sums, DESCRIPTION, WEIGHTS)
    elif folder.is_dir():
        log.warning("%s: no such file, so that the model is not checked", sums)


def load_student(path: str | Path, *, device: str = "cpu") -> "Calculator":
    """A trained student as an ASE calculator, see :func:`open_student`."""
    calculator = open_student(path, device=device).ase_calculator()
    calculator.set(folder=str(Path(path).absolute()))  # kept with what it answers
    return calculator
