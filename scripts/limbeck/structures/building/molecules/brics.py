"""New molecules of the fragments of known ones: BRICS (Degen et al., ChemMedChem 3, 1503 (2008)).

Molecules are cut at all bonds that the rules of RDKit's BRICS name, and fragments are joined where
the same rules allow a bond. RDKit's own ``BRICSBuild`` draws from Python's random numbers without
end; here every product has its number.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import BRICS

from limbeck.structures.building.molecules.assembly import Part, assembled
from limbeck.structures.building.molecules.species import Limits

#: Molecules of a list that are cut; of a longer one, some at random.
MOST_PARENTS = 2000
#: sites of one core, at most
MOST_SITES = 4


def from_fragments(
    parents: Sequence[str], limits: Limits, rng: np.random.Generator
) -> Iterator[str]:
    """Canonical SMILES of products of fragments, none twice and none of the parents.

    Args:
        parents: canonical SMILES. Of more than :data:`MOST_PARENTS`, some are cut.
    """
    cut = parents
    if len(parents) > MOST_PARENTS:
        chosen = sorted(rng.choice(len(parents), MOST_PARENTS, replace=False).tolist())
        cut = [parents[k] for k in chosen]
    parts = [part for part in fragments(cut) if limits.allow_elements(part.elements)]
    ends = [part for part in parts if len(part.labels) == 1]
    cores = [part for part in parts if len(part.labels) <= MOST_SITES]

    @cache
    def fitting(label: int) -> list[Part]:
        return [part for part in ends if part.labels[0] in partners()[label]]

    return assembled(cores, fitting, limits, rng, known=set(parents))


def fragments(smiles: Sequence[str]) -> list[Part]:
    """Fragments of molecules, each once, in the order of their SMILES."""
    found: dict[str, Chem.Mol] = {}
    for text in smiles:
        for piece in _pieces(text):
            found.setdefault(Chem.MolToSmiles(piece), piece)
    return [Part.of(Chem.MolFromSmiles(text)) for text in sorted(found)]


def _pieces(smiles: str) -> Sequence[Chem.Mol]:
    """Fragments of one molecule, with labelled dummies; none of one that is not cut."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
        whole = BRICS.BreakBRICSBonds(mol)
        pieces = Chem.GetMolFrags(whole, asMols=True)
    return pieces if len(pieces) > 1 else ()


@cache
def partners() -> dict[int, frozenset[int]]:
    """Label of a site -> labels that it may be joined to."""
    found: dict[int, set[int]] = {}
    for first, second, _bond in (rule for rules in BRICS.reactionDefs for rule in rules):
        one, other = (int(label.rstrip("ab")) for label in (first, second))
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {label: frozenset(others) for label, others in found.items()}
