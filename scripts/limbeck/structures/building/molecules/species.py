"""What a SMILES stands for: its stereoisomers, radicals and ions, and whether it is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass

from rdkit import Chem, rdBase
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions

from limbeck.config.sections.sources import MoleculeSource

#: of one SMILES; the number doubles with each centre
MOST_STEREOISOMERS = 16
#: sizes and charges that no molecule reaches
ANY_SIZE, ANY_CHARGE = (0, 10**6), (-(10**6), 10**6)
#: heavy atoms of a new molecule, where nothing is said
OF_NEW = (0, 12)
#: Protons that come off: of O, S and N in neutral molecules.
ACIDS = Chem.MolFromSmarts("[O,S,N;+0;!H0;!$(*~[+])]")
#: Where protons go: lone pairs of N, O, S and P; not of amides, which take them at their oxygen,
#: nor next to a positive charge.
BASES = Chem.MolFromSmarts(
    "[$([NX3;+0;!$(N-[C,S,P]=[O,S,N]);!$(N~[+])]),$([nX2;+0]),$([NX2;+0;!$(N~[+])]),"
    "$([NX1;+0;!$(N~[+])]),$([OX1;+0;!$(O~[+]);!$(O~[S,P])]),$([OX2;+0;!$(O~[+])]),"
    "$([SX2;+0;!$(S~[+])]),$([PX3;+0])]"
)


@dataclass(frozen=True)
class Limits:
    """Which molecules a source is to have.

    Attributes:
        elements: symbols, None for any.
        n_heavy, n_atoms, charges: least and greatest.
    """

    elements: frozenset[str] | None = None
    n_heavy: tuple[int, int] = ANY_SIZE
    n_atoms: tuple[int, int] = ANY_SIZE
    charges: tuple[int, int] = ANY_CHARGE

    @classmethod
    def of(cls, source: MoleculeSource) -> "Limits":
        """Those of a section, with what holds where it says nothing."""
        new = source.assemble != "none"
        charges = (-1, 1) if source.ions else (0, 0)
        return cls(
            frozenset(source.elements) if source.elements else None,
            _range(source.n_heavy, OF_NEW if new else ANY_SIZE),
            _range(source.n_atoms, ANY_SIZE),
            _range(source.charges, charges if new or source.ions else ANY_CHARGE),
        )

    def allow(self, n_heavy: int, n_atoms: int, charge: int) -> bool:
        """Whether a molecule of this size and charge is within them."""
        return (
            self.n_heavy[0] <= n_heavy <= self.n_heavy[1]
            and self.n_atoms[0] <= n_atoms <= self.n_atoms[1]
            and self.charges[0] <= charge <= self.charges[1]
        )

    def allow_elements(self, elements: frozenset[str]) -> bool:
        """Whether there are no others."""
        return self.elements is None or elements <= self.elements

    def allow_molecule(self, mol: Chem.Mol) -> bool:
        """Whether a molecule, with or without explicit hydrogens, is within all of them."""
        if self == Limits():
            return True
        atoms = list(mol.GetAtoms())
        implied = sum(a.GetTotalNumHs() for a in atoms)
        explicit = sum(a.GetAtomicNum() == 1 for a in atoms)
        elements = {a.GetSymbol() for a in atoms} | ({"H"} if implied else set())
        n_heavy, charge = len(atoms) - explicit, Chem.GetFormalCharge(mol)
        return self.allow_elements(frozenset(elements)) and self.allow(
            n_heavy, len(atoms) + implied, charge
        )


def _range(given: list[int] | None, otherwise: tuple[int, int]) -> tuple[int, int]:
    return (given[0], given[1]) if given else otherwise


def variants(mol: Chem.Mol, source: MoleculeSource, limits: Limits) -> Iterator[str]:
    """Canonical SMILES of the molecule and of what is asked for beside it, none twice.

    Ions and radicals come after it, each with its stereoisomers.
    """
    bare = [mol]
    if source.radicals:
        bare += radicals(mol)
    if source.ions:
        bare += ions(mol, limits.charges)
    seen: set[str] = set()
    for own in bare:
        for smiles in stereoisomers(own) if source.stereo == "enumerate" else [_smiles(own)]:
            if smiles not in seen:
                seen.add(smiles)
                yield smiles


def stereoisomers(mol: Chem.Mol) -> list[str]:
    """Canonical SMILES of those that differ in what the molecule leaves open, sorted."""
    open_ones = Chem.StereoSpecified.Unspecified
    if not any(one.specified == open_ones for one in Chem.FindPotentialStereo(mol)):
        return [_smiles(mol)]  # of most molecules, and ten times as fast
    options = StereoEnumerationOptions(
        unique=True, onlyUnassigned=True, maxIsomers=MOST_STEREOISOMERS, rand=0
    )
    with rdBase.BlockLogs():
        return sorted({_smiles(isomer) for isomer in EnumerateStereoisomers(mol, options=options)})


def radicals(mol: Chem.Mol) -> list[Chem.Mol]:
    """Molecules with one hydrogen atom less, one for each kind of hydrogen."""
    if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
        return []
    found = [_with_hydrogen(mol, atom.GetIdx(), -1, radical=True) for atom in _kinds(mol)]
    return [each for each in found if each is not None]


def ions(mol: Chem.Mol, charges: tuple[int, int]) -> list[Chem.Mol]:
    """Molecules with protons less or more, up to the least and the greatest charge."""
    own, found = Chem.GetFormalCharge(mol), []
    for sites, sign, steps in ((ACIDS, -1, own - charges[0]), (BASES, 1, charges[1] - own)):
        last = [mol]
        for _ in range(min(steps, 4)):
            last = _unique(each for one in last for each in _moved(one, sites, sign))
            found += last
    return found


def _moved(mol: Chem.Mol, sites: Chem.Mol, sign: int) -> Iterator[Chem.Mol]:
    """With one proton more or less at each kind of site."""
    places = {match[0] for match in mol.GetSubstructMatches(sites)}
    for atom in _kinds(mol):
        if atom.GetIdx() in places:
            changed = _with_hydrogen(mol, atom.GetIdx(), sign)
            if changed is not None:
                yield changed


def _kinds(mol: Chem.Mol) -> Iterator[Chem.Atom]:
    """One atom of each kind that symmetry tells apart."""
    ranks = list(Chem.CanonicalRankAtoms(mol, breakTies=False))
    for atom in mol.GetAtoms():
        if ranks.index(ranks[atom.GetIdx()]) == atom.GetIdx():
            yield atom


def _with_hydrogen(mol: Chem.Mol, index: int, sign: int, radical: bool = False) -> Chem.Mol | None:
    """With a hydrogen more or less on an atom, as a proton or as an atom; None if there is none."""
    changed = Chem.RWMol(mol)
    atom = changed.GetAtomWithIdx(index)
    hydrogens = atom.GetTotalNumHs() + sign
    if hydrogens < 0:
        return None
    atom.SetNoImplicit(True)
    atom.SetNumExplicitHs(hydrogens)
    if radical:
        atom.SetNumRadicalElectrons(1)
    else:
        atom.SetFormalCharge(atom.GetFormalCharge() + sign)
    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(Chem.MolToSmiles(changed))


def _unique(mols: Iterator[Chem.Mol]) -> list[Chem.Mol]:
    return list({_smiles(mol): mol for mol in mols}.values())


def _smiles(mol: Chem.Mol) -> str:
    return str(Chem.MolToSmiles(mol))
