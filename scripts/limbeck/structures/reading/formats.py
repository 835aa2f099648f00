"""Formats of files of structures, by ASE's names, and what reads each."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ase import Atoms
from ase.io import read
from ase.io.formats import UnknownFileTypeError, filetype, ioformats
from ase.io.trajectory import Trajectory

from limbeck import reasons
from limbeck.errors import LimbeckError
from limbeck.reasons import Refused
from limbeck.structures.reading.cif import frames_of_cif
from limbeck.structures.reading.dictionaries import frames_of_json, frames_of_lines
from limbeck.structures.reading.npz import frames_of_npz
from limbeck.structures.reading.poscar import frames_of_poscar
from limbeck.structures.reading.tables import frames_of_table
from limbeck.structures.reading.xyz import frames_of_xyz

#: parses one frame, or raises whatever its parser meets
Parse = Callable[[], Atoms]


def frames_of(path: Path, kind: str | None = None) -> Iterator[Parse]:
    """Frames of a plain file, each still to be parsed where its format allows.

    Args:
        kind: ASE's name of its format; told by its name and content where not given.

    Raises:
        LimbeckError: of another format.
        Exception: whatever ASE's readers meet.
    """
    found = kind or _kind(path)
    if found not in FORMATS:
        why = f": {REFUSED[found]}" if found in REFUSED else ""
        taken = f"the format {found} is" if kind else f"ASE takes it for {found}, which is"
        raise LimbeckError(f"{taken} not read here{why}")
    return FORMATS[found](path)


def _kind(path: Path) -> str:
    with open(path, "rb") as handle:
        first = handle.read(4096)
    if not first.strip():
        raise LimbeckError("it is empty")
    if own := BY_ENDING.get(path.suffix.lower()):
        return own
    try:
        # of the whole path: ASE takes what begins with "postgres" for a server
        kind = filetype(str(path.resolve()))
    except UnknownFileTypeError as error:
        raise LimbeckError(f"its format is not known by its name or content: {error}") from error
    # where it knows nothing better, ASE takes the ending of the name for a format
    counted = first.split(b"\n", 1)[0].strip().isdigit()
    return "extxyz" if counted and kind not in ioformats else kind


def _read(path: Path, kind: str, index: Any) -> Any:
    # ASE takes what follows an @ in a name for the number of a frame
    return read(path, index=index, format=kind, do_not_split_by_at_sign=True)


def _one_of(path: Path, kind: str, index: int = 0) -> Atoms:
    found = _read(path, kind, index)
    atoms = found[0] if isinstance(found, list) else found
    if kind in PERIODIC and atoms.cell.rank == 3:
        atoms.pbc = True
    return atoms


def _single(kind: str, path: Path) -> Iterator[Parse]:
    """The frame of a format that has one."""
    yield partial(_one_of, path, kind)


def _whole(kind: str, path: Path) -> Iterator[Parse]:
    """Frames of a format that ASE reads as a whole: a bad frame spoils the file."""
    found = _read(path, kind, ":")
    for atoms in found if isinstance(found, list) else [found]:
        if kind in PERIODIC and atoms.cell.rank == 3:
            atoms.pbc = True
        yield partial(_copy_of, atoms)


def _copy_of(atoms: Atoms) -> Atoms:
    """With its energy and forces, which may be labels."""
    copy = atoms.copy()
    copy.calc = atoms.calc
    return copy


def _of_molfile(path: Path) -> Iterator[Parse]:
    """Molecules of a MOL file or an SDF, with their names and charges, which ASE leaves out."""
    for line, start, stop in _records(path):
        yield partial(_record, path, line, start, stop)


def _records(path: Path) -> Iterator[tuple[int, int, int]]:
    """Where each record of an SDF is: its first line, where it begins and where it ends."""
    start = at = 0
    first = number = 1
    some = False  # empty lines at the end are no record, and the name of one may be empty
    with open(path, "rb") as handle:
        for line in handle:
            if line.startswith(b"$$$$"):
                if some:
                    yield first, start, at
                start, first, some = at + len(line), number + 1, False
            else:
                some = some or bool(line.strip())
            at += len(line)
            number += 1
    if some:
        yield first, start, at


def _record(path: Path, line: int, start: int, stop: int) -> Atoms:
    with open(path, "rb") as handle:
        handle.seek(start)
        block = handle.read(stop - start).decode("utf-8", "replace").replace("\r\n", "\n")
    if "M  END" not in block:
        raise Refused(reasons.UNREADABLE, f"line {line}: no M  END in its record: half-written?")
    atoms = _molecule(block)
    atoms.info["molfile"] = block
    return atoms


def _molecule(block: str) -> Atoms:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        mol = Chem.MolFromMolBlock(block, sanitize=False, removeHs=False)
    if mol is None or not mol.GetNumConformers():  # ASE writes some that RDKit does not read
        found: Any = read(StringIO(block + "\n"), format="mol")
        return Atoms(found)
    atoms = Atoms(
        [atom.GetAtomicNum() for atom in mol.GetAtoms()], mol.GetConformer().GetPositions()
    )
    atoms.info["charge"] = Chem.GetFormalCharge(mol)
    if unpaired := sum(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
        atoms.info["unpaired_electrons"] = unpaired
    if name := mol.GetProp("_Name").strip():
        atoms.info["name"] = name
    return atoms


#: by ASE's name of a format, how its output says charge and multiplicity
_ELECTRONS = {
    "gaussian-out": (r"Charge\s*=\s*(-?\d+)", r"Multiplicity\s*=\s*(\d+)"),
    "orca-output": (r"Total Charge.*?(-?\d+)\s*$", r"Multiplicity.*?(\d+)\s*$"),
}


def _of_program(kind: str, path: Path) -> Iterator[Parse]:
    """Frames of the output of a program, with charge and multiplicity where these are known."""
    text = path.read_text(encoding="utf-8", errors="replace")
    charge, multiplicity = (re.search(pattern, text, re.MULTILINE) for pattern in _ELECTRONS[kind])
    for parse in _whole(kind, path):
        atoms = parse()
        if charge:
            atoms.info["charge"] = int(charge[1])
        if multiplicity:
            atoms.info["multiplicity"] = int(multiplicity[1])
        yield partial(_copy_of, atoms)


def _xml(read_frames: Callable[[str, Path], Iterator[Parse]], kind: str, path: Path) -> Any:
    with open(path, "rb") as handle:
        before = b""
        while chunk := handle.read(2**20):
            if b"<!ENTITY" in before + chunk:  # which may stand for any amount of text
                raise LimbeckError("XML with entities of its own, which is not read here")
            before = chunk[-10:]
    return read_frames(kind, path)


def _of_trajectory(path: Path) -> Iterator[Parse]:
    with Trajectory(str(path)) as frames:
        count = len(frames)
    for n in range(count):
        yield partial(_one_of, path, "traj", n)


def _of_database(path: Path) -> Iterator[Parse]:
    """Rows of ASE's SQLite, which ASE would put its tables into if it had none."""
    with sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True) as file:
        tables = {name for (name,) in file.execute("select name from sqlite_master")}
    file.close()
    if not {"systems", "information"} <= tables:
        raise LimbeckError("an SQLite file that is no database of ASE")
    return _rows(path, "db")


def _rows(path: Path, kind: str) -> Iterator[Parse]:
    from ase.db import connect

    for row in connect(str(path), type=kind, use_lock_file=False).select(include_data=False):
        yield partial(_of_row, row)


def _of_row(row: Any) -> Atoms:
    atoms: Atoms = row.toatoms()
    atoms.info |= row.key_value_pairs
    return atoms


def _of_json(path: Path) -> Iterator[Parse]:
    """ASE's own JSON, or dictionaries of pymatgen."""
    with open(path, "rb") as handle:
        handle.seek(max(path.stat().st_size - 1000, 0))
        own = b'"nextid"' in handle.read()
    return _rows(path, "json") if own else frames_of_json(path)


#: of programs that know crystals alone; ASE reads the cell, and that it is no crystal
PERIODIC = ("eon", "mustem", "prismatic", "sys")
#: Formats that ASE reads and writes, and that are not read here.
REFUSED = {
    "bundletrajectory": "a folder of files",
    "mysql": "a server",
    "postgresql": "a server",
    "netcdftrajectory": "it needs netCDF4",
    "onetep-in": "it may include other files",
    "xtd": "its atoms are in another file",
    "dftb": "ASE does not read what it writes",
}
#: formats that ASE does not know
BY_ENDING = {".npz": "npz", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
#: by ASE's name: those that can be read frame by frame
OWN: dict[str, Callable[[Path], Iterator[Parse]]] = {
    "extxyz": frames_of_xyz,
    "xyz": frames_of_xyz,
    "cif": frames_of_cif,
    "vasp": frames_of_poscar,
    "traj": _of_trajectory,
    "db": _of_database,
    "json": _of_json,
    "jsonl": frames_of_lines,
    "csv": frames_of_table,
    "npz": frames_of_npz,
    "xsd": partial(_xml, _single, "xsd"),
    "mol": _of_molfile,
    "sdf": _of_molfile,
}
#: Outputs of programs, which have energies and forces of their structures; ASE writes none.
OUTPUTS = (
    *("aims-output", "castep-castep", "espresso-out", "gaussian-out", "gpaw-out", "nwchem-out"),
    *("orca-output", "vasp-out"),
)
#: and those that are XML
XML_OUTPUTS = ("qbox", "vasp-xml")


def _by_ase() -> Iterator[tuple[str, Callable[[Path], Iterator[Parse]]]]:
    for kind, about in ioformats.items():
        both = about.can_read and about.can_write
        plugin = not about.module_name.startswith("ase.io.")
        if both and not plugin and kind not in REFUSED and kind not in OWN:
            yield kind, partial(_single if about.single else _whole, kind)


#: format, by ASE's name for it
FORMATS: dict[str, Callable[[Path], Iterator[Parse]]] = {
    **OWN,
    **{kind: partial(_whole, kind) for kind in OUTPUTS},
    **{kind: partial(_of_program, kind) for kind in _ELECTRONS},
    **{kind: partial(_xml, _whole, kind) for kind in XML_OUTPUTS},
    **dict(_by_ase()),
}
