"""Structures from a file of the user: extended XYZ, CIF, POSCAR."""

import hashlib
from pathlib import Path

import numpy as np
from ase import Atoms

from limbeck import reasons
from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import StructureFile
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import MIN_CELL_HEIGHT_A, cell_height
from limbeck.structures.reading import read_file
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import INT8, Refused, Structure, check_sound, collect

#: Angstrom, for the space group of a crystal: forgives what rounding in files does, and no more
SYMMETRY_TOLERANCE_A = 0.01
#: Bond orders are sought in molecules of these alone; in metals the search means nothing.
ORGANIC = frozenset({1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53})


def generate(source: StructureFile, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is frame n of the file ``path``, of which at most ``count`` are taken.

    ``charge`` and ``spin`` (number of unpaired electrons) are taken from a frame's info, and
    ``group`` where it has one; energies and forces are left behind.

    Raises:
        LimbeckError: the file is missing or not readable as a whole.
    """
    frames = read_file(source.path)

    def make(n: int) -> Structure:
        atoms = frames[n]()
        _check(atoms)
        charge, spin = _integer(atoms, "charge"), _integer(atoms, "spin")
        group = atoms.info.get("group") or group_of(atoms, charge)
        info = {"number": n, "file": Path(source.path).name}
        return Structure(atoms, str(group), info, charge, spin)

    return collect(job, make, most=len(frames))


def elements(source: StructureFile) -> frozenset[str]:
    """Symbols of the elements of all frames of the file that can be read.

    Raises:
        LimbeckError: the file is not readable as a whole, or no frame of it is.
    """
    found: set[str] = set()
    bad: list[Refused] = []
    frames = read_file(source.path)
    for frame in frames:
        try:
            atoms = frame()
            check_sound(atoms)
            found |= set(atoms.get_chemical_symbols())
        except Refused as refused:  # set aside when its shard is made
            bad.append(refused)
    if len(bad) == len(frames):
        text = f"{bad[0].reason}, {bad[0].value}"
        raise LimbeckError(f"{source.path}: none of its frames can be used, the first: {text}")
    return frozenset(found)


def _check(atoms: Atoms) -> None:
    if len(atoms) == 0:
        raise Refused(reasons.EMPTY, 0, 1)
    if atoms.pbc.any() and not atoms.pbc.all():
        raise Refused(reasons.PARTLY_PERIODIC, int(atoms.pbc.sum()), "0 or 3")
    check_sound(atoms)  # before anything looks for bonds or symmetry
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
    if atoms.pbc.all():
        return f"{_formula(atoms)}-{_space_group(atoms)}"
    return _molecule_group(atoms, charge)


def _formula(atoms: Atoms) -> str:
    formula = atoms.symbols.formula
    # A crystal is the same in any cell; a molecule of twice the atoms is another one.
    return (formula.reduce()[0] if atoms.pbc.all() else formula).format("metal")


def _space_group(atoms: Atoms) -> int:
    from moyopy import Cell, MoyoDataset

    if cell_height(atoms.cell.array) < MIN_CELL_HEIGHT_A:
        return 1  # screening refuses it
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
