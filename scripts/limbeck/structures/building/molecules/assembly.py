"""New molecules of parts: cores with open sites, and a part with one open site on each.

An open site is a dummy atom (``*``) of a SMILES; its isotope is its label, which says what fits
there. Molecules come in turn from each core, and from each core in a random order without
repetition; so that the first few are as varied as all of them, and a molecule's number says which
it is, whoever makes it.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd, prod

import numpy as np
from rdkit import Chem, rdBase

from limbeck.structures.building.molecules.species import Limits

#: Combinations of one core that fit no limits or are known, one after another, until it is left.
MOST_IN_VAIN = 2000


@dataclass(frozen=True)
class Part:
    """A piece of a molecule.

    Attributes:
        mol: with dummy atoms, whose map numbers are 0.
        labels: isotopes of its dummy atoms, in their order.
        n_heavy, n_atoms, charge: without the dummy atoms.
    """

    mol: Chem.Mol
    labels: tuple[int, ...]
    n_heavy: int
    n_atoms: int
    charge: int

    @classmethod
    def of(cls, mol: Chem.Mol) -> "Part":
        """A part of a molecule with dummy atoms, hydrogens implied."""
        real = [a for a in mol.GetAtoms() if a.GetAtomicNum()]
        heavy = sum(a.GetAtomicNum() > 1 for a in real)
        return cls(
            mol,
            tuple(a.GetIsotope() for a in mol.GetAtoms() if not a.GetAtomicNum()),
            heavy,
            len(real) + sum(a.GetTotalNumHs() for a in real),
            Chem.GetFormalCharge(mol),
        )

    @property
    def elements(self) -> frozenset[str]:
        """Symbols, hydrogen among them where there is any."""
        atoms = [a for a in self.mol.GetAtoms() if a.GetAtomicNum()]
        implied = {"H"} if any(a.GetTotalNumHs() for a in atoms) else set()
        return frozenset({a.GetSymbol() for a in atoms} | implied)


def assembled(
    cores: Sequence[Part],
    fitting: Callable[[int], Sequence[Part]],
    limits: Limits,
    rng: np.random.Generator,
    known: Collection[str] = (),
) -> Iterator[str]:
    """Canonical SMILES of molecules of these parts, none twice, until there are no more.

    Args:
        cores: with any number of open sites; those with none are molecules themselves.
        fitting: label of a site -> parts with one site each that fit there.
        limits: what is left out.
        known: canonical SMILES that are left out, too.
    """
    generators = rng.spawn(len(cores))
    turns = [
        _of_core(cores[k], fitting, limits, generators[k])
        for k in rng.permutation(len(cores)).tolist()
    ]
    seen = set(known)
    while turns:
        going = []
        for turn in turns:
            new = next((smiles for smiles in turn if smiles not in seen), None)
            if new is not None:
                seen.add(new)
                yield new
                going.append(turn)
        turns = going


def _of_core(
    core: Part, fitting: Callable[[int], Sequence[Part]], limits: Limits, rng: np.random.Generator
) -> Iterator[str]:
    """Molecules with this core; the same one again where the core is symmetric."""
    sites = [_small_enough(fitting(label), core, limits) for label in core.labels]
    own: set[str] = set()
    in_vain = 0
    for choice in _in_random_order([len(parts) for parts in sites], rng):
        parts = [core, *(sites[k][c] for k, c in enumerate(choice))]
        smiles = joined(parts) if _fits(parts, limits) else None
        if smiles is None or smiles in own:
            in_vain += 1
            if in_vain == MOST_IN_VAIN:
                return
            continue
        in_vain = 0
        own.add(smiles)
        yield smiles


def _small_enough(parts: Sequence[Part], core: Part, limits: Limits) -> list[Part]:
    """Parts that leave room for one heavy atom, or one of any kind, on each other site."""
    others = len(core.labels) - 1
    return [
        p
        for p in parts
        if core.n_heavy + p.n_heavy + others <= limits.n_heavy[1]
        and core.n_atoms + p.n_atoms + others <= limits.n_atoms[1]
    ]


def _fits(parts: Sequence[Part], limits: Limits) -> bool:
    return limits.allow(
        sum(p.n_heavy for p in parts), sum(p.n_atoms for p in parts), sum(p.charge for p in parts)
    )


def _in_random_order(lengths: Sequence[int], rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
    """Each tuple of places in lists of these lengths, once; one empty tuple where there is no list.

    Steps of a length that shares no factor with their number come by all of them.
    """
    total = prod(lengths)
    if not total:
        return
    start, step = (int(x) for x in rng.integers(0, min(total, 2**62), size=2))
    while gcd(step, total) != 1:
        step += 1
    for k in range(total):
        place = (start + k * step) % total
        choice = []
        for length in lengths:
            place, own = divmod(place, length)
            choice.append(own)
        yield tuple(choice)


def joined(parts: Sequence[Part]) -> str | None:
    """Canonical SMILES of a core and a part on each of its sites, in order; None if it is none."""
    core, *rest = parts
    whole = _numbered(core.mol, 1)
    for number, part in enumerate(rest, start=1):
        whole = Chem.CombineMols(whole, _numbered(part.mol, number))
    with rdBase.BlockLogs():
        try:
            mol = Chem.molzip(whole) if rest else whole
            Chem.SanitizeMol(mol)
            return str(Chem.MolToSmiles(mol))
        except (ValueError, RuntimeError):  # RDKit's errors of valence and of kekulization
            return None


@lru_cache(maxsize=10_000)
def _numbered(mol: Chem.Mol, first: int) -> Chem.Mol:
    """A copy whose dummy atoms have map numbers from the first, and no labels."""
    copy = Chem.Mol(mol)
    dummies = [a for a in copy.GetAtoms() if not a.GetAtomicNum()]
    for number, atom in enumerate(dummies, start=first):
        atom.SetIsotope(0)
        atom.SetAtomMapNum(number)
    return copy
