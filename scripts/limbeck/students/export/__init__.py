"""A student for other programs: written on request, into folders that can be moved as a whole.

One line here and one module for each program; what a student has of its own beside ``model.json``
(``model.model`` of a MACE, ``nep.txt``) is in its model folder already.
"""

import importlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import chemical_symbols

from limbeck.check.sums import faults, sums_path
from limbeck.errors import LimbeckError
from limbeck.files import sha256_of, whole_folder, write_sums, write_text
from limbeck.potentials.trainable import WEIGHTS, TrainablePotential
from limbeck.storage import read_frames
from limbeck.students.card import NOT_CONSERVATIVE
from limbeck.students.handover import model_folder, open_student

if TYPE_CHECKING:
    from ase import Atoms

#: format -> the module that writes it
FORMATS = {
    "metatomic": "limbeck.students.export.metatomic",
    "lammps": "limbeck.students.export.lammps",
    "gpumd": "limbeck.students.export.gpumd",
    "ipi": "limbeck.students.export.ipi",
}
#: vacuum around what is not periodic where a program wants a cell, Angstrom
VACUUM = 10.0


@dataclass(frozen=True)
class Taken:
    """A student that is written for another program.

    Attributes:
        student: opened.
        model: its model folder.
        atoms: a structure to try it on, of its test frames.
    """

    student: TrainablePotential[Any]
    model: Path
    atoms: "Atoms"

    @property
    def symbols(self) -> list[str]:
        """Of the elements that it knows, by atomic number, as ``nep.txt`` has them."""
        return [chemical_symbols[z] for z in sorted(self.student.about.elements)]

    @property
    def conservative(self) -> bool:
        """Whether dynamics keep their energy without a thermostat."""
        return self.student.about.conservative

    def copy_model(self, folder: Path) -> None:
        """The model folder, so that a program beside it finds it wherever it is moved."""
        shutil.copytree(self.model, folder / "model")


#: writes the files of a format into a folder, and returns what its README says
Writer = Callable[[Taken, Path], str]


def export(folder: str | Path, form: str, output: str | Path | None = None) -> Path:
    """Write a student for another program; returns the folder.

    Args:
        folder: a ``seed{n}`` folder.
        form: one of :data:`FORMATS`.
        output: ``{folder}-{form}`` beside it where not given, since what is in the folder itself is
            listed with its sums; what is there is replaced.

    Raises:
        LimbeckError: an unknown format, no student, a file of its model is not as it was written,
            or the program cannot run this one.
    """
    if form not in FORMATS:
        raise LimbeckError(f"--format: {form!r}, expected one of {', '.join(FORMATS)}")
    writer: Writer = importlib.import_module(FORMATS[form]).write
    model = model_folder(folder)
    student = open_student(folder)
    _require_whole(model)
    taken = Taken(student, model, _sample(model.parent / "predictions.h5"))
    own = Path(folder).absolute()
    output = Path(output or own.with_name(f"{own.name}-{form}"))
    output.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(output) as temporary:
        words = writer(taken, temporary)
        about = taken.student.about
        origin = f"Of the student {model.parent.absolute()}, weights {sha256_of(model / WEIGHTS)}."
        if not taken.conservative:
            words = f"**Not conservative.** {NOT_CONSERVATIVE}\n\n{words}"
        write_text(
            temporary / "README.md", f"{words}\n\n{origin}\n{about.licence}; {about.citation}.\n"
        )
        write_sums(temporary)
    return output


def _require_whole(model: Path) -> None:
    """Let pass a model folder whose every file is as it was written.

    Files that Limbeck does not open are among them, such as ``nep.txt``: they are copied, and the
    copy gets sums of its own, which would call a damaged file sound. A folder of an older version
    has none to compare with; :func:`~limbeck.students.handover.open_student` says so.
    """
    sums = sums_path(model)
    for fault in faults(sums) if sums.exists() else []:
        raise LimbeckError(f"{model}/{fault}, says {sums}; expected it as it was written")


def _sample(path: Path) -> "Atoms":
    """The smallest periodic test frame, or else the smallest, in the cell that programs want: its
    first vector along x, its second in the plane of x and y."""
    if not path.is_file():
        raise LimbeckError(f"{path}: no such file, expected the test frames of a student")
    frames = read_frames(path)
    size = frames.n_atoms + np.where(frames.periodic, 0, frames.n_atoms.max() + 1)
    atoms = frames.select([int(np.argmin(size))]).to_atoms()[0]
    atoms.info, atoms.calc = {}, None
    if not atoms.pbc.any():
        atoms.center(vacuum=VACUUM)
        return atoms
    upright, _ = atoms.cell.standard_form()
    atoms.set_cell(upright, scale_atoms=True)
    atoms.wrap()
    return atoms
