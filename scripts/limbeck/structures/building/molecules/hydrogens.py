"""Hydrogens for molecules of which a file has the heavy atoms alone."""

from ase import Atoms
from rdkit import Chem, rdBase

from limbeck import reasons
from limbeck.reasons import Refused


def completed(molfile: str) -> Atoms | None:
    """The molecule of a MOL file with the hydrogens that its bonds leave room for.

    The heavy atoms stay where they are; RDKit puts hydrogens where their neighbours ask for them.

    Returns:
        It, with ``charge``, ``unpaired_electrons`` and ``name`` in its info where there are any;
        None where it lacks none.

    Raises:
        Refused: its bonds are none that RDKit understands.
    """
    with rdBase.BlockLogs():
        mol = Chem.MolFromMolBlock(molfile, removeHs=False)
        if mol is None:
            raise Refused(reasons.NO_HYDROGENS, "RDKit does not understand its bonds")
        whole = Chem.AddHs(mol, addCoords=True)
    if whole.GetNumAtoms() == mol.GetNumAtoms():
        return None
    numbers = [atom.GetAtomicNum() for atom in whole.GetAtoms()]
    atoms = Atoms(numbers, whole.GetConformer().GetPositions())
    atoms.info["charge"] = Chem.GetFormalCharge(whole)
    if unpaired := sum(atom.GetNumRadicalElectrons() for atom in whole.GetAtoms()):
        atoms.info["unpaired_electrons"] = unpaired
    if name := whole.GetProp("_Name").strip():
        atoms.info["name"] = name
    return atoms
