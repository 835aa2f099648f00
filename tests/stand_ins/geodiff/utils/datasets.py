"""Of GeoDiff: a molecule as it reads it."""

import numpy as np


class Data:
    """In place of that of torch_geometric."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


def rdmol_to_data(mol, smiles=None):
    """As there, but for what the model alone reads."""
    positions = np.array(mol.GetConformer().GetPositions())
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    return Data(atom_type=numbers, pos=positions, smiles=smiles, rdmol=mol)
