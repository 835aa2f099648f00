"""Molecules from SMILES: one conformer each."""

import logging
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ase import Atoms
from rdkit import Chem
from rdkit.Chem import Descriptors

from limbeck import reasons
from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import MoleculeSource
from limbeck.errors import LimbeckError, explained
from limbeck.frames import Frames
from limbeck.seeds import torch_seed
from limbeck.structures.building.conformers import Conformer, embed, parse, rmsd_of
from limbeck.structures.chemistry import chemistry_of_molecule
from limbeck.structures.reading.unpack import plain
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import (
    Refused,
    Structure,
    collect,
    electrons_of,
    number_generator,
)

log = logging.getLogger(__name__)

#: lines of a file that are no SMILES, told one by one
MOST_TOLD = 20
#: Angstrom, over all atoms. One minimum found twice agrees within some 0.02 (MMFF stops early on
#: flat torsions); two rotamers of a small molecule differ by 0.2 and more.
REPEAT_RMSD_A = 0.1


def generate(source: MoleculeSource, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is a conformer of molecule ``n % len(list)`` of the file ``smiles``."""
    lines = read_smiles(source.smiles)

    @cache
    def conformer(n: int) -> Conformer:
        name = f"generate/{source.name}/{n}/conformer"
        seed = torch_seed(job.seed, name) % 2**31  # RDKit takes a signed 32-bit integer
        return embed(lines[n % len(lines)].smiles, seed)

    def make(n: int) -> Structure:
        if source.displacement_A == 0:
            _refuse_repeated(conformer, n, len(lines))
        return _structure(source, job, n, conformer(n), lines[n % len(lines)])

    return collect(job, make, name_of=lambda n: lines[n % len(lines)].name)


def elements(source: MoleculeSource) -> frozenset[str]:
    """Symbols of the elements of all molecules of the file, hydrogens included.

    Lines that are no SMILES are logged and left out.

    Raises:
        LimbeckError: there is no file, or no line of it is a SMILES.
    """
    found: set[str] = set()
    bad: list[str] = []
    lines = read_smiles(source.smiles)
    for line in lines:
        try:
            found |= {atom.GetSymbol() for atom in Chem.AddHs(parse(line.smiles)).GetAtoms()}
        except Refused:  # set aside when its shard is made
            bad.append(f"line {line.number}, {line.name:.80}")
    if len(bad) == len(lines):
        raise LimbeckError(f"{source.smiles}: RDKit can read no line of it, as {bad[0]}")
    for text in bad[:MOST_TOLD]:
        log.warning("%s, %s: RDKit cannot read the SMILES, and it is left out", source.smiles, text)
    if len(bad) > MOST_TOLD:
        log.warning("%s: and %d lines more", source.smiles, len(bad) - MOST_TOLD)
    return frozenset(found)


def groups(source: MoleculeSource) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each conformer, of molecules that can be read."""
    lines = read_smiles(source.smiles)

    @cache
    def found(k: int) -> tuple[str, frozenset[str]] | None:
        try:
            mol = Chem.AddHs(parse(lines[k].smiles))
        except Refused:
            return None
        return chemistry_of_molecule(mol), frozenset(a.GetSymbol() for a in mol.GetAtoms())

    for n in range(source.count):
        own = found(n % len(lines))
        if own is not None:
            yield own


class Line(NamedTuple):
    """One line of a list of SMILES; the name is the SMILES where none is given."""

    smiles: str
    name: str
    number: int


def read_smiles(path: str | Path) -> list[Line]:
    """Every line that has a SMILES, or should have.

    The file may be packed, or have a byte-order mark, as those of a source of structures. Only a
    line that begins with ``#`` is a comment: inside one, # is a triple bond.

    Raises:
        LimbeckError: the file is missing or holds no line.
    """
    if not Path(path).is_file():
        raise LimbeckError(f"{path}: no such file, expected one 'SMILES name' per line")
    with explained(f"{path}: no text"):
        file, _unpacked = plain(Path(path))  # which stays as long as it has a name
        lines = [line.split(maxsplit=1) for line in file.read_text("utf-8").splitlines()]
    found = [
        Line(words[0], words[-1].strip(), number)
        for number, words in enumerate(lines, start=1)
        if words and not words[0].startswith("#")
    ]
    if not found:
        raise LimbeckError(f"{path}: no SMILES in it, expected one 'SMILES name' per line")
    return found


def _refuse_repeated(conformer: Callable[[int], Conformer], n: int, step: int) -> None:
    """Compare with conformers of smaller number, made anew: shards know nothing of each other."""
    own = conformer(n)
    # conformers of the same molecule with a smaller number
    for earlier in range(n % step, n, step):
        try:
            rmsd = rmsd_of(own, conformer(earlier))
        except Refused:  # that one was not made itself
            continue
        if rmsd < REPEAT_RMSD_A:
            raise Refused(reasons.REPEATED_CONFORMER, rmsd, REPEAT_RMSD_A)


def _structure(
    source: MoleculeSource,
    job: GenerateStructures,
    n: int,
    conformer: Conformer,
    line: Line,
) -> Structure:
    mol = conformer.mol
    atoms = Atoms([a.GetAtomicNum() for a in mol.GetAtoms()], mol.GetConformer().GetPositions())
    if source.displacement_A > 0:
        rng = number_generator(job, n)
        atoms.positions += rng.normal(0.0, source.displacement_A, atoms.positions.shape)
    # unpaired electrons, as written in the SMILES
    atoms.info = {"charge": Chem.GetFormalCharge(mol)}
    atoms.info["unpaired_electrons"] = Descriptors.NumRadicalElectrons(mol)
    charge, spin, _ = electrons_of(atoms)
    info = {
        "number": n,
        "smiles": line.smiles,
        "name": line.name,
        "force_field": conformer.force_field,
    }
    return Structure(atoms, chemistry_of_molecule(mol), info, charge, spin)
