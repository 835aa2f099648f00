"""From a student's folder to a potential, or to an ASE calculator."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.check.sums import read_sums, require, sums_path
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.potentials.devices import checked
from limbeck.potentials.trainable import (
    DESCRIPTION,
    DTYPES,
    WEIGHTS,
    TrainablePotential,
    read_description,
)
from limbeck.potentials.weights import quietly
from limbeck.students import ARCHITECTURES, architecture, with_repulsion
from limbeck.students.calculator import StudentCalculator
from limbeck.students.card import caution_in_code
from limbeck.students.committee import CommitteeCalculator, members_in, seed_of, seeds_in
from limbeck.students.domain import DOMAIN, read_domain

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

log = logging.getLogger(__name__)

INFERENCE = ("eager", "compile")

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
{charges}'''
#: of a student with charges
USE_CHARGES = """print(atoms.get_charges(), "e")
print(atoms.get_dipole_moment(), "e Angstrom")
points = atoms.positions.max(axis=0) + [[2.0, 2.0, 2.0]]  # of your own, [n,3], Angstrom
print(atoms.calc.get_electrostatic_potential(points), "V")
"""


def use_me(frames: Frames, *, conservative: bool, charges: bool = False) -> str:
    """A program that opens the student beside it and asks it for the smallest of ``frames``.

    Args:
        conservative: its forces are minus the gradient of its energy; the program says it first
            where they are not.
        charges: it has charges and an electrostatic potential; the program asks for them, where
            the frame is isolated.
    """
    b = int(np.argmin(frames.n_atoms))
    rows = frames.atoms_of(b)
    return USE_ME.format(
        caution="" if conservative else caution_in_code(),
        numbers=frames.numbers[rows].tolist(),
        positions=frames.positions[rows].round(6).tolist(),
        cell=frames.cell[b].round(6).tolist(),
        pbc=bool(frames.periodic[b]),
        charges=USE_CHARGES if charges and not frames.periodic[b] else "",
    )


def open_student(
    folder: str | Path,
    *,
    device: str = "cpu",
    name: str = "",
    dtype: str = "float32",
    inference: str = "eager",
) -> TrainablePotential[Any]:
    """Open a trained student.

    Args:
        folder: a ``seed{n}`` folder, or the ``model`` folder inside it.
        dtype: "float32", as it was trained, or "float64".
        inference: "eager", or "compile" for what :meth:`TrainablePotential.compile` makes of it.

    Raises:
        LimbeckError: no readable model there, the folder of several seeds, a model of an unknown
            architecture, or one that is not as it was written; an unknown ``dtype`` or
            ``inference``, or one that cannot be compiled.
    """
    if dtype not in DTYPES:
        raise LimbeckError(f"dtype: {dtype!r}, expected {' or '.join(map(repr, DTYPES))}")
    if inference not in INFERENCE:
        raise LimbeckError(
            f"inference: {inference!r}, expected {' or '.join(map(repr, INFERENCE))}"
        )
    if seeds := seeds_in(Path(folder)):
        raise LimbeckError(
            f"{folder}: a folder of {len(seeds)} seeds, expected one of them: name a seed, as "
            f"{seeds[0]}"
        )
    folder = model_folder(folder)
    _check(folder)
    kind = read_description(folder).get("architecture")
    if not isinstance(kind, str) or kind not in ARCHITECTURES:
        raise LimbeckError(
            f"{folder / DESCRIPTION}: architecture {kind!r}, expected {sorted(ARCHITECTURES)}"
        )
    name = name or folder.parent.name
    student = architecture(kind).load(folder, name=name, device=device, dtype=dtype)
    found = with_repulsion(student) if student.zbl else student
    if inference == "compile":
        found.compile()
    return found


def open_seeds(
    folders: Sequence[str], *, device: str = "cpu"
) -> dict[int, TrainablePotential[Any]]:
    """Some seeds of a student, each from its folder ``.../seed{n}/model``; by seed.

    Raises:
        LimbeckError: as :func:`open_student`.
    """
    return {seed_of(folder): open_student(folder, device=device) for folder in folders}


def model_folder(folder: str | Path) -> Path:
    """The ``model`` folder of a ``seed{n}`` folder, or the folder itself where it is one."""
    folder = Path(folder)
    return folder if (folder / DESCRIPTION).is_file() else folder / "model"


def _check(folder: Path) -> None:
    """Compare the files that are read with the SHA256SUMS of the model."""
    sums = sums_path(folder)
    if sums.exists():
        # models of older versions know nothing of their data
        require(sums, DESCRIPTION, WEIGHTS, *({DOMAIN} & read_sums(sums).keys()))
    elif folder.is_dir():
        log.warning("%s: no such file, so that the model is not checked", sums)


def load_student(
    path: str | Path, *, device: str = "cpu", dtype: str = "float32", inference: str = "eager"
) -> "Calculator":
    """A trained student as an ASE calculator, see :func:`limbeck.load_student`."""
    device = checked(device)
    members = members_in(Path(path))
    how: dict[str, str] = {"device": device, "dtype": dtype, "inference": inference}
    with quietly():
        if members:
            one = [
                StudentCalculator(open_student(m, **how), read_domain(model_folder(m)))
                for m in members
            ]
            return CommitteeCalculator(one, folder=str(Path(path).absolute()))
        student = open_student(path, **how)
    folder = str(Path(path).absolute())  # kept with what it answers
    return StudentCalculator(student, read_domain(model_folder(path)), folder=folder)
