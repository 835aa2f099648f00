"""Molecules from templates: functional groups on chains and rings.

The tables below are all there is. A molecule is one of :data:`SMALL`, or one of :data:`CHAINS` or
:data:`RINGS` with up to three of :data:`GROUPS` in place of hydrogen atoms on its carbon atoms.
"""

from collections.abc import Iterator
from functools import cache
from itertools import combinations_with_replacement

import numpy as np
from rdkit import Chem

from limbeck.structures.building.molecules.assembly import Part, assembled
from limbeck.structures.building.molecules.species import Limits

#: groups on one chain or ring, at most
MOST_GROUPS = 3
#: what stands alone; O2 with its two unpaired electrons
SMALL = (
    *("[H][H]", "O", "N", "P", "S", "F", "Cl", "Br", "N#N", "[O][O]", "FF", "ClCl", "BrBr"),
    *("[C-]#[O+]", "O=C=O", "O=C=S", "S=C=S", "C#N", "OO", "NN", "NO", "SS", "N=N", "N=O", "ClO"),
    *("O=S=O", "O=S(=O)=O", "N#[N+][O-]", "[O-][O+]=O", "O=[N+]([O-])O", "O=NO", "OS(=O)(=O)O"),
    *("OP(=O)(O)O", "FN(F)F", "FP(F)F", "ClP(Cl)Cl", "FOF", "ClOCl", "FCl", "ClBr", "PP"),
    *("S1SSSSSSS1", "P12P3P1P23"),
)
CHAINS = (
    *("C", "CC", "CCC", "CCCC", "CC(C)C", "CCCCC", "CC(C)(C)C", "CCCCCC"),
    *("C=C", "CC=C", "CC=CC", "C=CC=C", "C=C=C", "C#C", "CC#C", "C#CC#C"),
    *("COC", "CCOCC", "CNC", "CN(C)C", "CSC", "CSSC", "CPC", "CN=C", "CN=NC", "CC=NO", "CC=NN"),
    *("CC(=O)C", "CC(=O)OC", "COC(=O)OC", "CC(=O)NC", "CNC(=O)NC", "CC(=O)OC(=O)C", "CC(=S)C"),
    *("CS(=O)(=O)C", "CS(=O)C", "CNC(=N)N", "COP(=O)(OC)OC"),
)
RINGS = (
    *("C1CC1", "C1CCC1", "C1CCCC1", "C1CCCCC1", "C1=CC1", "C1=CCCC1", "C1=CCCCC1", "C1=CC=CC1"),
    *("C1CO1", "C1CN1", "C1CS1", "C1COC1", "C1CCOC1", "C1CCNC1", "C1CCSC1", "C1COCO1"),
    *("C1CCNCC1", "C1COCCN1", "C1COCCO1", "C1CCOCC1", "O=C1CCCN1", "O=C1CCCO1"),
    *("c1ccccc1", "c1ccncc1", "c1cncnc1", "c1cnccn1", "c1ccnnc1", "c1cc[nH]c1", "c1ccoc1"),
    *("c1ccsc1", "c1c[nH]cn1", "c1c[nH]nc1", "c1cocn1", "c1cscn1", "c1nnn[nH]1", "C1CC2CC1C2"),
    *("c1ccc2ccccc2c1", "c1ccc2[nH]ccc2c1", "c1ccc2ncccc2c1", "C1CC2CCC1C2", "O=C1C=CC(=O)C=C1"),
)
#: the dummy atom stands where the chain or ring is
GROUPS = (
    *("*F", "*Cl", "*Br", "*C", "*CC", "*C(C)C", "*C=C", "*C#C", "*C1CC1", "*c1ccccc1"),
    *("*C(F)(F)F", "*CO", "*CN", "*O", "*OC", "*OC(C)=O", "*OC(F)(F)F", "*C=O", "*C(C)=O"),
    *("*C(=O)O", "*C(=O)OC", "*C(=O)F", "*C(=O)Cl", "*N", "*NC", "*N(C)C", "*NC(C)=O", "*C(N)=O"),
    *("*C#N", "*[N+](=O)[O-]", "*N=[N+]=[N-]", "*N=C=O", "*C=NO", "*S", "*SC", "*SC#N"),
    *("*S(C)=O", "*S(C)(=O)=O", "*S(N)(=O)=O", "*P", "*P(C)C", "*P(=O)(O)O", "*P(=O)(OC)OC"),
)


def from_templates(limits: Limits, rng: np.random.Generator) -> Iterator[str]:
    """Canonical SMILES of molecules of the tables, none twice, in the order of ``rng``."""
    cores = [core for core in _cores() if _fits(core, limits)]
    groups = [group for group in _groups() if _fits(group, limits)]
    return assembled(cores, lambda _label: groups, limits, rng)


def template_elements(limits: Limits) -> frozenset[str]:
    """Symbols of the elements that molecules of the tables may have."""
    parts = [part for part in (*_cores(), *_groups()) if _fits(part, limits)]
    return frozenset().union(*(part.elements for part in parts))


def _fits(part: Part, limits: Limits) -> bool:
    """Whether a part may stand in a molecule: its elements, and its size with all sites taken."""
    sites = len(part.labels)
    return (
        limits.allow_elements(part.elements)
        and part.n_heavy + (sites if part.n_heavy else 0) <= limits.n_heavy[1] + (sites == 1)
        and part.n_atoms <= limits.n_atoms[1]
    )


@cache
def _groups() -> tuple[Part, ...]:
    return tuple(Part.of(Chem.MolFromSmiles(text)) for text in GROUPS)


@cache
def _cores() -> tuple[Part, ...]:
    """Small molecules, and chains and rings with dummy atoms at each choice of their sites."""
    found = [Part.of(Chem.MolFromSmiles(text)) for text in SMALL]
    for text in (*CHAINS, *RINGS):
        mol = Chem.MolFromSmiles(text)
        found += [Part.of(each) for each in _with_sites(mol)]
    return tuple(found)


def _with_sites(mol: Chem.Mol) -> Iterator[Chem.Mol]:
    """With none to three hydrogens of carbon atoms replaced by dummies; those alike once."""
    places = [a.GetIdx() for a in mol.GetAtoms() if a.GetSymbol() == "C" and a.GetTotalNumHs()]
    room = {place: mol.GetAtomWithIdx(place).GetTotalNumHs() for place in places}
    seen: set[str] = set()
    for count in range(MOST_GROUPS + 1):
        for chosen in combinations_with_replacement(places, count):
            if all(chosen.count(place) <= room[place] for place in set(chosen)):
                own = _replaced(mol, chosen)
                text = Chem.MolToSmiles(own)
                if text not in seen:
                    seen.add(text)
                    yield own


def _replaced(mol: Chem.Mol, places: tuple[int, ...]) -> Chem.Mol:
    changed = Chem.RWMol(mol)
    for place in places:
        dummy = changed.AddAtom(Chem.Atom(0))
        changed.AddBond(place, dummy, Chem.BondType.SINGLE)
    found = changed.GetMol()
    Chem.SanitizeMol(found)
    return found
