"""Structures from a file of the user: extended XYZ, CIF, POSCAR."""

import hashlib
import logging
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import iread, read
from ase.io.formats import filetype

from limbeck import reasons
from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import StructureFile
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import Refused, Structure, collect

log = logging.getLogger(__name__)

#: Angstrom, for the space group of a crystal: forgives what rounding in files does, and no more
SYMMETRY_TOLERANCE_A = 0.01
#: Bond orders are sought in molecules of these alone; in metals the search means nothing.
ORGANIC = frozenset({1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53})
INT8 = (-128, 127)


def generate(source: StructureFile, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is frame n of the file ``path``, of which at most ``count`` are taken.

    ``charge`` and ``spin`` (number of unpaired electrons) are taken from a frame's info, and
    ``group`` where it has one; energies and forces are left behind.

    Raises:
        LimbeckError: the file is missing or not readable as a whole.
    """
    frames = read_file(source.path)

    def make(n: int) -> Structure:
        atoms = _parse(frames[n])
        _check(atoms)
        charge, spin = _integer(atoms, "charge"), _integer(atoms, "spin")
        group = atoms.info.get("group") or group_of(atoms, charge)
        info = {"number": n, "file": Path(source.path).name}
        return Structure(atoms, str(group), info, charge, spin)

    return collect(job, make, most=len(frames))


def elements(source: StructureFile) -> frozenset[str]:
    """Symbols of the elements of the file, up to its first bad frame."""
    read_file(source.path)  # says in one line what is wrong with the file as a whole
    found: set[str] = set()
    try:
        for atoms in iread(source.path):
            found |= set(atoms.get_chemical_symbols())
    except Exception as error:  # a bad frame is refused when its shard is made, not here
        log.warning("%s: elements behind a bad frame are not checked: %s", source.path, error)
    return frozenset(found)


def read_file(path: str | Path) -> list[str] | list[Atoms]:
    """Frames of a file: the text of each where it is XYZ, so that a bad one spoils no other."""
    if not Path(path).is_file():
        raise LimbeckError(f"{path}: no such file, expected structures that ASE reads")
    try:
        if filetype(path) == "extxyz":
            return _split_xyz(path)
        return _read(path)
    except LimbeckError:
        raise
    except Exception as error:  # ASE's readers raise whatever their parsers meet
        raise LimbeckError(
            f"{path}: expected extended XYZ, CIF or POSCAR, ASE cannot read it: "
            f"{type(error).__name__}: {error}"
        ) from error


def _read(source: str | Path | StringIO, **options: Any) -> list[Atoms]:
    found = read(source, index=":", **options)
    return found if isinstance(found, list) else [found]


def _split_xyz(path: str | Path) -> list[str]:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    frames: list[str] = []
    start = 0
    while start < len(lines) and lines[start].strip():
        if not lines[start].strip().isdigit():
            raise LimbeckError(
                f"{path}, line {start + 1}: expected the number of atoms of frame "
                f"{len(frames)}, got {lines[start]!r}"
            )
        # number of atoms, comment, atoms
        stop = start + int(lines[start]) + 2
        frames.append("\n".join(lines[start:stop]) + "\n")
        start = stop
    return frames


def _parse(frame: str | Atoms) -> Atoms:
    if isinstance(frame, Atoms):
        return frame
    try:
        return _read(StringIO(frame), format="extxyz")[0]
    except Exception as error:  # as above; one frame of many
        raise Refused(reasons.UNREADABLE, f"{type(error).__name__}: {error}") from error


def _check(atoms: Atoms) -> None:
    if len(atoms) == 0:
        raise Refused(reasons.EMPTY, 0, 1)
    if atoms.pbc.any() and not atoms.pbc.all():
        raise Refused(reasons.PARTLY_PERIODIC, int(atoms.pbc.sum()), "0 or 3")
    sites = atoms.info.get("occupancy") or {}
    # Mixed or partly filled sites of a CIF: no single structure of atoms.
    if any(len(site) > 1 or abs(sum(site.values()) - 1) > 1e-3 for site in sites.values()):
        raise Refused(reasons.PARTLY_OCCUPIED, "", 1)


def _integer(atoms: Atoms, name: str) -> int:
    value = atoms.info.get(name, 0)
    try:
        # Charges may stand as 1.0 in a file; a half electron may not be cut to zero.
        if float(value) == int(value) and INT8[0] <= value <= INT8[1]:
            return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise Refused(f"{name} is not a small integer", str(value), str(INT8))


def group_of(atoms: Atoms, charge: int = 0) -> str:
    """The group of a structure, by which data sets are split.

    A crystal: reduced formula and number of the space group, e.g. ``NaCl-225``; a crystal that
    was rattled has number 1. A molecule: its InChIKey where bond orders are found, so that it
    meets the same molecule of a molecules source; else its formula and a hash of its bonds.
    """
    if not np.isfinite(atoms.positions).all():
        return _formula(atoms)
    if atoms.pbc.all():
        return f"{_formula(atoms)}-{_space_group(atoms)}"
    return _molecule_group(atoms, charge)


def _formula(atoms: Atoms) -> str:
    formula = atoms.symbols.formula
    # A crystal is the same in any cell; a molecule of twice the atoms is another one.
    return (formula.reduce()[0] if atoms.pbc.all() else formula).format("metal")


def _space_group(atoms: Atoms) -> int:
    from moyopy import Cell, MoyoDataset

    cell = Cell(atoms.cell.tolist(), atoms.get_scaled_positions().tolist(), atoms.numbers.tolist())
    try:
        return MoyoDataset(cell, symprec=SYMMETRY_TOLERANCE_A).number
    except ValueError:  # of moyopy; a cell without a search is as if P1
        return 1


def _molecule_group(atoms: Atoms, charge: int) -> str:
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdDetermineBonds

    from limbeck.structures.molecules import inchi_key

    mol = Chem.RWMol()
    for number in atoms.numbers.tolist():
        mol.AddAtom(Chem.Atom(number))
    conformer = Chem.Conformer(len(atoms))
    conformer.SetPositions(np.ascontiguousarray(atoms.positions))
    mol.AddConformer(conformer)
    with rdBase.BlockLogs():
        rdDetermineBonds.DetermineConnectivity(mol)
        # canonical, so that it does not depend on the order of the atoms
        bonds = Chem.MolToSmiles(mol)
        if set(atoms.numbers.tolist()) <= ORGANIC:
            try:
                rdDetermineBonds.DetermineBondOrders(mol, charge=charge, maxIterations=1000)
                return inchi_key(mol)
            except (ValueError, RuntimeError):
                pass  # a radical, or atoms far from any minimum: the bonds alone must do
    return f"{_formula(atoms)}-{hashlib.sha256(bonds.encode()).hexdigest()[:12]}"
