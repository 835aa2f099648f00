"""What chemistry a structure is of. Data sets are split by it, so it is rather too coarse than too
fine: two structures that a potential can hardly tell apart have to be of one."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from limbeck.frames import Frames

if TYPE_CHECKING:
    from rdkit import Chem

#: In no molecule has an atom more than four bonds in the mean, each of which is of two atoms, nor
#: more than one hydrogen within 1 A. What has is no molecule, and takes RDKit for ever, or down.
MOST_PER_ATOM = 3
NEAR_A = 1.0
#: Bonds are sought in molecules of these alone; in metals the search means nothing.
ORGANIC = frozenset({1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53})


def chemistry(atoms: Atoms) -> str:
    """The chemistry of a structure, whatever it is called and wherever it comes from.

    A crystal: its reduced formula, as in ``NaCl``. A molecule: its formula and a hash of which
    atoms are bonded, as in ``C2H6O-90cd2f1c03d8``, the same for all conformers, stereoisomers,
    mirror images, isotopes, charges and bond orders. Any other isolated structure, such as a metal
    cluster: its formula, as in ``cluster-Cu13``, since its bonds change as it moves.
    """
    formula = atoms.symbols.formula
    if atoms.pbc.any():
        return str(formula.reduce()[0].format("metal"))
    if not set(atoms.numbers.tolist()) <= ORGANIC:
        return f"cluster-{formula:metal}"
    bonds = None if _is_heap(atoms) else _bonds_of(atoms)
    if bonds is None or len(bonds) > MOST_PER_ATOM * len(atoms):
        return f"cluster-{formula:metal}"
    return f"{formula.format('hill')}-{_hash_of(atoms.numbers, bonds)}"


def _is_heap(atoms: Atoms) -> bool:
    """Whether atoms lie on one another, as where lengths are in another unit."""
    from scipy.spatial import cKDTree

    tree = cKDTree(atoms.positions)
    pairs = (tree.count_neighbors(tree, NEAR_A) - len(atoms)) / 2
    return bool(pairs > MOST_PER_ATOM * len(atoms))


def chemistry_of_molecule(mol: "Chem.Mol") -> str:
    """The :func:`chemistry` of a molecule whose bonds are known, hydrogens included."""
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    if not set(numbers.tolist()) <= ORGANIC:
        return chemistry(Atoms(numbers))
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    return f"{Atoms(numbers).symbols.formula.format('hill')}-{_hash_of(numbers, bonds)}"


def polymorphs(crystals: Mapping[int, Atoms]) -> dict[int, int]:
    """Which polymorph of its formula each crystal is of, counted from 1 in the order given.

    Two are of one where pymatgen's ``StructureMatcher`` finds one to be the other, with its
    tolerances: whatever the cell and the volume. Frames of dynamics in supercells match nothing.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.io.ase import AseAtomsAdaptor

    matcher, found = StructureMatcher(), {}
    of_formula: dict[str, list[Any]] = {}
    for n, atoms in crystals.items():
        known = of_formula.setdefault(chemistry(atoms), [])
        structure = AseAtomsAdaptor.get_structure(Atoms(atoms))
        matches = (i for i, other in enumerate(known, 1) if matcher.fit(structure, other))
        found[n] = next(matches, len(known) + 1)
        if found[n] > len(known):
            known.append(structure)
    return found


def near_copies(part: Frames, training: Frames) -> list[str]:
    """Groups of ``part`` whose chemistry is in training as well, under whatever name; sorted.

    One frame of each root is looked at, and of what was cut out of it one of each size.
    """
    known = {chemistry(each) for _, each in _one_of_each(training)}
    return sorted({group for group, each in _one_of_each(part) if chemistry(each) in known})


def _one_of_each(frames: Frames) -> Iterable[tuple[str, Atoms]]:
    seen: set[tuple[bytes, int]] = set()
    for b, key in enumerate(zip(frames.root.tolist(), frames.n_atoms.tolist(), strict=True)):
        if key not in seen:
            seen.add(key)
            rows = frames.atoms_of(b)
            atoms = Atoms(
                frames.numbers[rows],
                frames.positions[rows],
                cell=frames.cell[b],
                pbc=frames.periodic[b],
            )
            yield frames.group[b].decode(), atoms


def _bonds_of(atoms: Atoms) -> list[tuple[int, int]]:
    """Pairs of bonded atoms of an isolated molecule."""
    from rdkit import Chem, rdBase
    from rdkit.Chem import rdDetermineBonds

    mol = _graph(atoms.numbers, [])
    conformer = Chem.Conformer(len(atoms))
    conformer.SetPositions(np.ascontiguousarray(atoms.positions))
    mol.AddConformer(conformer)
    with rdBase.BlockLogs():
        rdDetermineBonds.DetermineConnectivity(mol)
    return [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]


def _graph(numbers: np.ndarray, bonds: Iterable[tuple[int, int]]) -> "Chem.RWMol":
    from rdkit import Chem

    mol = Chem.RWMol()
    for number in numbers.tolist():
        atom = Chem.Atom(number)
        atom.SetNoImplicit(True)
        mol.AddAtom(atom)
    for first, second in bonds:
        mol.AddBond(first, second, Chem.BondType.SINGLE)
    return mol


def _hash_of(numbers: np.ndarray, bonds: Iterable[tuple[int, int]]) -> str:
    """Of the canonical SMILES of the bare graph, so that the order of the atoms does not matter."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        text = Chem.MolToSmiles(_graph(numbers, bonds))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
