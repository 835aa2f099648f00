"""Rigid molecules from SMILES, for boxes and surfaces."""

from functools import cache

import numpy as np
from rdkit import Chem

from limbeck.errors import LimbeckError
from limbeck.reasons import Refused
from limbeck.structures.building.molecules.conformers import embed, parse
from limbeck.structures.building.packing import Body


@cache
def body(smiles: str, seed: int) -> Body:
    """A molecule in one relaxed conformer, about the mean of its atoms.

    Raises:
        Refused: as :func:`limbeck.structures.building.molecules.conformers.embed`.
    """
    mol = Chem.AddHs(parse(smiles))
    if mol.GetNumAtoms() == 1:  # nothing to embed, and no force field knows it
        return Body(_numbers(mol), np.zeros((1, 3)))
    mol = embed(smiles, seed).mol
    positions = np.array(mol.GetConformer().GetPositions())
    return Body(_numbers(mol), positions - positions.mean(axis=0))


def _numbers(mol: Chem.Mol) -> np.ndarray:
    return np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])


@cache
def numbers_of(field: str, smiles: str) -> np.ndarray:
    """Atomic numbers of a molecule, hydrogens included; no conformer is made. int [n]

    Args:
        field: of the config, for the error.

    Raises:
        LimbeckError: RDKit cannot read the SMILES, or it has a charge.
    """
    try:
        mol = parse(smiles)
    except Refused as refused:
        raise LimbeckError(
            f"{field}: {smiles!r:.80}, expected a SMILES that RDKit reads"
        ) from refused
    if charge := Chem.GetFormalCharge(mol):
        raise LimbeckError(f"{field}: {smiles!r:.80} has charge {charge:+d}, expected none")
    return _numbers(Chem.AddHs(mol))
