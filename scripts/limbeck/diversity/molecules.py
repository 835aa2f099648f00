"""Molecules as chemists see them: bonds, scaffolds and functional groups, by RDKit from positions.

Bonds and their orders are those of RDKit's ``DetermineBonds`` (xyz2mol, Kim and Kim, Bull. Korean
Chem. Soc. 36, 1769 (2015)), whatever a file or a generator says of them.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from limbeck.structures.chemistry import ORGANIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from rdkit import Chem

#: what takes RDKit longer to find bond orders for than it is worth
MOST_ATOMS, MOST_TRIALS = 200, 10_000
#: scaffold of a molecule without rings
NO_RING = "no ring"


def is_organic(numbers: np.ndarray) -> bool:
    """Whether an isolated structure can be a molecule whose bonds mean something."""
    return 1 < len(numbers) <= MOST_ATOMS and set(numbers.tolist()) <= ORGANIC


def molecule_of(numbers: np.ndarray, positions: np.ndarray, charge: int) -> "Chem.Mol | None":
    """One molecule of usual valences, without its hydrogens; None where it is none.

    Args:
        positions: float64 [n,3], Angstrom.
    """
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdDetermineBonds

    mol = Chem.RWMol()
    for number in numbers.tolist():
        mol.AddAtom(Chem.Atom(number))
    conformer = Chem.Conformer(len(numbers))
    conformer.SetPositions(np.ascontiguousarray(positions, dtype=float))
    mol.AddConformer(conformer)
    with rdBase.BlockLogs():
        try:
            rdDetermineBonds.DetermineConnectivity(mol)
            if len(Chem.GetMolFrags(mol)) > 1:
                return None
            rdDetermineBonds.DetermineBondOrders(mol, charge=charge, maxIterations=MOST_TRIALS)
            found = Chem.RemoveHs(mol.GetMol())  # also looks at valences
        except (ValueError, RuntimeError):  # of all kinds that RDKit raises
            return None
    radical = any(atom.GetNumRadicalElectrons() for atom in found.GetAtoms())
    return None if radical else found


def smiles_of(mol: "Chem.Mol") -> str:
    """Canonical SMILES without stereo: mirror images are one molecule."""
    from rdkit import Chem

    return str(Chem.MolToSmiles(mol, isomericSmiles=False))


def scaffold_of(mol: "Chem.Mol") -> str:
    """Rings and what joins them (Bemis and Murcko, J. Med. Chem. 39, 2887 (1996)), as SMILES."""
    from rdkit.Chem.Scaffolds import MurckoScaffold

    found = MurckoScaffold.GetScaffoldForMol(mol)
    return smiles_of(found) if found.GetNumAtoms() else NO_RING


def groups_of(mol: "Chem.Mol") -> list[str]:
    """Functional groups that a molecule has, each once: those of RDKit's ``Fragments``."""
    return [name for name, count in _fragments().items() if count(mol)]


@cache
def _fragments() -> "dict[str, Callable[[Chem.Mol], int]]":
    from rdkit.Chem import Fragments

    found: dict[str, Callable[[Chem.Mol], int]] = {}
    for name in (name for name in dir(Fragments) if name.startswith("fr_")):
        count = getattr(Fragments, name)
        # as RDKit describes them: "Number of carbonyl O, excluding COOH"; two in the same words
        told = " ".join(str(count.__doc__).removeprefix("Number of ").split())
        found[f"{told} ({name})" if told in found else told] = count
    return found
