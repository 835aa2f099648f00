"""The frames of a user's file: extended XYZ, CIF, POSCAR, and other formats that ASE reads.

Each frame of the first three is parsed by itself, so that a bad one spoils no other, and only after
its size was seen to be one that the file can hold: a number in a text is no reason to take memory.
"""

import logging
import re
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from io import StringIO
from pathlib import Path

from ase import Atoms
from ase.io import read
from ase.io.cif import CIFBlock, parse_cif
from ase.io.extxyz import key_val_str_to_dict
from ase.io.formats import filetype

from limbeck import reasons
from limbeck.errors import LimbeckError, first_line
from limbeck.structures.shard import Refused

log = logging.getLogger(__name__)

#: sites times symmetry operations of a CIF; ASE expands some 10,000 in a second
MAX_POSITIONS = 10_000
#: of a line of extended XYZ, in numbers or words
MAX_COLUMNS = 1000
SYMMETRY = (
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
)

#: parses one frame, or raises :class:`Refused`
Frame = Callable[[], Atoms]


def read_file(path: str | Path) -> list[Frame]:
    """Frames of a file, each still to be parsed.

    Raises:
        LimbeckError: the file is missing, of another format, or not readable as a whole.
    """
    if not Path(path).is_file():
        raise LimbeckError(f"{path}: no such file, expected extended XYZ, CIF or POSCAR")
    try:
        kind = filetype(path)
        if kind not in FORMATS:
            raise LimbeckError(f"ASE takes it for {kind}, which is not read here")
        found = FORMATS[kind](Path(path))
        if not found:
            raise LimbeckError("no structure in it")
    except Exception as error:  # ASE's readers raise whatever their parsers meet
        kind = "" if isinstance(error, LimbeckError) else f"{type(error).__name__}: "
        raise LimbeckError(
            f"{path}: expected extended XYZ, CIF or POSCAR: {kind}{first_line(error)}"
        ) from error
    return [partial(_parsed, frame) for frame in found]


def _parsed(frame: Frame) -> Atoms:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd comments, one for each frame
            return frame()
    except Refused:
        raise
    except Exception as error:  # as above; one frame of many
        raise Refused(reasons.UNREADABLE, f"{type(error).__name__}: {first_line(error)}") from error


def _frames_of_xyz(path: Path) -> list[Frame]:
    lines = path.read_text(encoding="utf-8").splitlines()
    frames: list[Frame] = []
    start = 0
    while start < len(lines) and lines[start].strip():
        # no more digits than a file can have lines
        if not re.fullmatch(r"\s*[0-9]{1,15}\s*", lines[start]):
            raise LimbeckError(
                f"line {start + 1}: expected the number of atoms of frame "
                f"{len(frames)}, got {lines[start]!r:.80}"
            )
        # number of atoms, comment, atoms
        stop = start + int(lines[start]) + 2
        frames.append(partial(_xyz, lines[start:stop], stop - start))
        start = stop
    return frames


def _xyz(lines: Sequence[str], expected: int) -> Atoms:
    if len(lines) < expected:
        raise Refused(reasons.UNREADABLE, f"{expected - 2} atoms", f"{len(lines)} lines are left")
    # as ASE reads the comment: a column of 10^9 numbers would have a name for each
    columns = str(key_val_str_to_dict(lines[1]).get("Properties", "")).split(":")[2::3]
    if sum(map(int, columns)) > MAX_COLUMNS:
        raise Refused(reasons.UNREADABLE, f"{':'.join(columns)} columns", MAX_COLUMNS)
    return _one(read(StringIO("\n".join(lines) + "\n"), index=0, format="extxyz"))


def _frames_of_cif(path: Path) -> list[Frame]:
    with open(path, "rb") as handle:
        return [partial(_crystal, block) for block in parse_cif(handle) if _has_atoms(block)]


def _has_atoms(block: CIFBlock) -> bool:
    return any(tag.startswith("_atom_site_") for tag in block)


def _crystal(block: CIFBlock) -> Atoms:
    sites = len(block.get_symbols())
    operations = max(len(block.get(tag) or []) for tag in SYMMETRY)
    if sites * operations <= MAX_POSITIONS:  # more of them than there are in any group
        operations = len(block.get_spacegroup(subtrans_included=True).get_symop())
    if sites * operations > MAX_POSITIONS:
        raise Refused(
            reasons.TOO_MANY_ATOMS, f"{sites} sites, {operations} operations", MAX_POSITIONS
        )
    return block.get_atoms()


def _frames_of_poscar(path: Path) -> list[Frame]:
    lines = path.read_text(encoding="utf-8").splitlines()
    # counts are in the sixth line, or below symbols in the seventh
    for line in lines[5:7]:
        atoms = sum(int(word) for word in line.split() if re.fullmatch("[+_0-9]{1,20}", word))
        if atoms > len(lines):
            raise LimbeckError(f"{atoms} atoms, and it has {len(lines)} lines")
    return [lambda: _one(read(path, index=0, format="vasp"))]


def _one(found: Atoms | list[Atoms]) -> Atoms:
    return found[0] if isinstance(found, list) else found


def _frames_by_ase(path: Path) -> list[Frame]:
    found = read(path, index=":")
    return [partial(_one, atoms) for atoms in (found if isinstance(found, list) else [found])]


#: Formats of other programs, by ASE's name, that ASE reads as a whole: a bad frame spoils the file.
#: Not among them are those that unpickle (bundletrajectory, gpw) or open other files and servers.
OTHERS = (
    *("aims", "castep-cell", "espresso-in", "gen", "gromacs", "lammps-data", "mol"),
    *("proteindatabank", "res", "sdf", "traj", "turbomole", "vasp-xdatcar", "xsf"),
)
#: format, by ASE's name for it
FORMATS: dict[str, Callable[[Path], list[Frame]]] = {
    "extxyz": _frames_of_xyz,
    "cif": _frames_of_cif,
    "vasp": _frames_of_poscar,
    **dict.fromkeys(OTHERS, _frames_by_ase),
}
