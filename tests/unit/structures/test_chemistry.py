"""What is one chemistry, and what is not: splits rest on it."""

import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell, molecule
from ase.collections import g2
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from limbeck.structures.chemistry import chemistry, chemistry_of_molecule


def of_smiles(smiles):
    return chemistry_of_molecule(Chem.AddHs(Chem.MolFromSmiles(smiles)))


@pytest.mark.parametrize("name", g2.names)
def test_a_molecule_is_itself_however_it_is_moved_mirrored_and_ordered(name):
    rng = np.random.default_rng(0)
    atoms = molecule(name)
    moved = atoms[rng.permutation(len(atoms))]
    moved.rattle(0.03, rng=rng)
    moved.positions[:, 0] *= -1
    assert chemistry(moved) == chemistry(atoms)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C[C@H](F)Cl", "C[C@@H](F)Cl"),  # mirror images
        ("F/C=C/F", "F/C=C\\F"),  # trans and cis
        ("CCO", "[2H]C([2H])([2H])[13CH2]O"),  # isotopes
        ("CC(=O)[O-]", "CC(=O)[O]"),  # charges
        ("c1ccccc1", "C1=CC=CC=C1"),  # ways to draw it
        ("C[N+](=O)[O-]", "CN(=O)=O"),
    ],
)
def test_smiles_of_one_chemistry(one, other):
    assert of_smiles(one) == of_smiles(other)


@pytest.mark.parametrize(
    ("one", "other"), [("CCO", "COC"), ("CCCC", "CC(C)C"), ("CC(=O)C", "CC(O)=C"), ("C", "CC")]
)
def test_isomers_are_of_different_chemistry(one, other):
    assert of_smiles(one) != of_smiles(other)


@pytest.mark.parametrize("smiles", ["CCO", "c1ccncc1", "CS(C)=O", "C1CC1", "CC(N)=O", "OCC#N"])
def test_smiles_and_its_conformer_are_of_one_chemistry(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    assert chemistry(Atoms(numbers, mol.GetConformer().GetPositions())) == of_smiles(smiles)


def test_a_crystal_is_its_formula_in_any_cell_and_however_it_is_displaced():
    rng = np.random.default_rng(0)
    salt = bulk("NaCl", "rocksalt", a=5.64)
    large = make_supercell(salt, [[1, 1, 0], [0, 2, 0], [0, 0, 3]])
    large.rattle(0.2, rng=rng)
    assert chemistry(salt) == chemistry(large) == chemistry(bulk("NaCl", "cesiumchloride", a=3.3))
    assert chemistry(bulk("KCl", "rocksalt", a=6.3)) != chemistry(salt)


def test_a_metal_cluster_is_its_formula_since_its_bonds_come_and_go():
    near, far = Atoms("Cu2", [[0, 0, 0], [0, 0, 2.2]]), Atoms("Cu2", [[0, 0, 0], [0, 0, 6]])
    assert chemistry(near) == chemistry(far) == "cluster-Cu2"


@pytest.mark.parametrize("count", [60, 400])
@pytest.mark.parametrize("width", [0.0, 1.0, 2.0])
def test_atoms_on_one_another_are_no_molecule(count, width):
    """RDKit ends the process by a signal, or takes minutes; the screen refuses them later."""
    positions = np.random.default_rng(0).random((count, 3)) * width
    start = time.monotonic()
    assert chemistry(Atoms(f"C{count}", positions)) == f"cluster-C{count}"
    assert time.monotonic() - start < 3
