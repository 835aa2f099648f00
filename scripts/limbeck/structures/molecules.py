"""Molecules from SMILES: ETKDGv3 conformers, relaxed with MMFF94 (both of RDKit)."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ase import Atoms
from rdkit import Chem, rdBase
from rdkit.Chem import Descriptors, rdDistGeom, rdForceFieldHelpers, rdMolAlign

from limbeck import reasons
from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import MoleculeSource
from limbeck.errors import LimbeckError, explained
from limbeck.frames import Frames
from limbeck.seeds import torch_seed
from limbeck.structures.chemistry import chemistry_of_molecule
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import Refused, Structure, collect, number_generator

#: Angstrom, over all atoms. One minimum found twice agrees within some 0.02 (MMFF stops early on
#: flat torsions); two rotamers of a small molecule differ by 0.2 and more.
REPEAT_RMSD_A = 0.1
#: kcal/mol. Conformers farther apart in energy are not the same, and need no alignment.
REPEAT_ENERGY = 0.1
#: Symmetry-equivalent orders of atoms that are tried; they explode with the hydrogens.
MAX_MATCHES = 10_000
MAX_MMFF_STEPS = 5000
#: letters; molecules here have up to some hundred atoms, and a conformer takes the cube of the time
MAX_SMILES = 2000


class Conformer(NamedTuple):
    """A molecule with one relaxed conformer and its MMFF energy in kcal/mol."""

    mol: Chem.Mol
    energy: float


def generate(source: MoleculeSource, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is a conformer of molecule ``n % len(list)`` of the file ``smiles``."""
    lines = read_smiles(source.smiles)

    @cache
    def conformer(n: int) -> Conformer:
        name = f"generate/{source.name}/{n}/conformer"
        seed = torch_seed(job.seed, name) % 2**31  # RDKit takes a signed 32-bit integer
        return embed(lines[n % len(lines)][0], seed)

    def make(n: int) -> Structure:
        if source.displacement_A == 0:
            _refuse_repeated(conformer, n, len(lines))
        return _structure(source, job, n, conformer(n).mol, *lines[n % len(lines)])

    return collect(job, make, name_of=lambda n: lines[n % len(lines)][1])


def elements(source: MoleculeSource) -> frozenset[str]:
    """Symbols of the elements of all molecules of the file, hydrogens included."""
    found: set[str] = set()
    bad: list[str] = []
    with rdBase.BlockLogs():
        for smiles, name in read_smiles(source.smiles):
            molecule = Chem.MolFromSmiles(smiles) if len(smiles) <= MAX_SMILES else None
            if molecule is None:
                bad.append(
                    f"{source.smiles}: {name:.80}: RDKit cannot read the SMILES {smiles!r:.80}"
                )
            else:
                found |= {atom.GetSymbol() for atom in Chem.AddHs(molecule).GetAtoms()}
    if bad:
        raise LimbeckError("\n".join(bad))
    return frozenset(found)


def read_smiles(path: str | Path) -> list[tuple[str, str]]:
    """(SMILES, name) of each line; the name is the SMILES where none is given.

    Only a line that begins with ``#`` is a comment: inside one, # is a triple bond.

    Raises:
        LimbeckError: the file is missing or holds no line.
    """
    if not Path(path).is_file():
        raise LimbeckError(f"{path}: no such file, expected one 'SMILES name' per line")
    with explained(f"{path}: no text"):
        lines = [line.split(maxsplit=1) for line in Path(path).read_text("utf-8").splitlines()]
    found = [(w[0], w[-1].strip()) for w in lines if w and not w[0].startswith("#")]
    if not found:
        raise LimbeckError(f"{path}: no SMILES in it, expected one 'SMILES name' per line")
    return found


def parse(smiles: str) -> Chem.Mol:
    """Molecule without explicit hydrogens.

    Raises:
        Refused: RDKit cannot read it.
    """
    if len(smiles) > MAX_SMILES:
        raise Refused(reasons.BAD_SMILES, f"{len(smiles)} letters", MAX_SMILES)
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None or mol.GetNumAtoms() == 0:
        raise Refused(reasons.BAD_SMILES, smiles)
    return mol


def embed(smiles: str, seed: int) -> Conformer:
    """One conformer with hydrogens, in a minimum of MMFF94.

    Raises:
        Refused: it does not parse or embed, MMFF lacks a parameter, or does not converge.
    """
    mol = Chem.AddHs(parse(smiles))
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed  # type: ignore[assignment]  # RDKit's stub is wrong
    with rdBase.BlockLogs():
        if rdDistGeom.EmbedMolecule(mol, parameters) != 0:
            raise Refused(reasons.NO_CONFORMER, smiles)
        if not rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
            raise Refused(reasons.NO_MMFF, smiles)
        return Conformer(mol, _relax(mol, smiles))


def _relax(mol: Chem.Mol, smiles: str) -> float:
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol)
    field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties)
    field.Initialize()
    # RDKit returns 0 when it has converged.
    if field.Minimize(maxIts=MAX_MMFF_STEPS) != 0:
        raise Refused(f"MMFF94 has not converged in {MAX_MMFF_STEPS} steps", smiles)
    return field.CalcEnergy()


def _refuse_repeated(conformer: Callable[[int], Conformer], n: int, step: int) -> None:
    """Compare with conformers of smaller number, made anew: shards know nothing of each other."""
    own = conformer(n)
    # conformers of the same molecule with a smaller number
    for earlier in range(n % step, n, step):
        try:
            rmsd = _rmsd(own, conformer(earlier))
        except Refused:  # that one was not made itself
            continue
        if rmsd < REPEAT_RMSD_A:
            raise Refused(reasons.REPEATED_CONFORMER, rmsd, REPEAT_RMSD_A)


def _rmsd(own: Conformer, other: Conformer) -> float:
    """Angstrom over all atoms, the best of all symmetry-equivalent orders."""
    if abs(own.energy - other.energy) > REPEAT_ENERGY:
        return float("inf")
    probe = Chem.Mol(own.mol)  # a copy: the alignment moves it
    return rdMolAlign.GetBestRMS(probe, other.mol, maxMatches=MAX_MATCHES)


def _structure(
    source: MoleculeSource, job: GenerateStructures, n: int, mol: Chem.Mol, smiles: str, name: str
) -> Structure:
    positions = mol.GetConformer().GetPositions()
    if source.displacement_A > 0:
        rng = number_generator(job, n)
        positions = positions + rng.normal(0.0, source.displacement_A, positions.shape)
    return Structure(
        atoms=Atoms([a.GetAtomicNum() for a in mol.GetAtoms()], positions=positions),
        group=chemistry_of_molecule(mol),
        info={"number": n, "smiles": smiles, "name": name},
        charge=Chem.GetFormalCharge(mol),
        # unpaired electrons, as written in the SMILES
        spin=Descriptors.NumRadicalElectrons(mol),
    )
