"""Random crystals by space group, of atoms or of molecules, made with PyXtal."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from math import gcd

import numpy as np
from ase import Atoms
from ase.formula import Formula
from rdkit import Chem
from rdkit.Chem import Descriptors

from limbeck import reasons
from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import RandomCrystals
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.reasons import Refused
from limbeck.seeds import torch_seed
from limbeck.structures.building.crystals.neutrality import is_neutral
from limbeck.structures.building.crystals.space_groups import (
    Limits,
    crystal_of_atoms,
    crystal_of_molecules,
    group_for,
    holds_atoms,
    molecules_held,
)
from limbeck.structures.building.molecules.conformers import embed, parse
from limbeck.structures.chemistry import chemistry
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import (
    Structure,
    collect,
    composition_generator,
    number_generator,
)
from limbeck.structures.sources.molecules import Line, read_smiles

#: elements of a random formula, where the config does not say
MOST_ELEMENTS = 3
#: largest number of an element in a random formula
LARGEST_NUMBER = 4
#: compositions that are drawn until one has so many atoms, and is neutral where asked
MOST_DRAWN = 200


def generate(source: RandomCrystals, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is of the composition that n has in every run, or of molecule ``n % len(list)``;
    its space group, cell and sites are random."""
    if source.elements or source.formulas:
        return collect(job, partial(_of_atoms, source, job))
    lines = _lines(source)
    make = partial(_of_molecules, source, job, lines)
    return collect(job, make, name_of=lambda n: lines[n % len(lines)].name)


def elements(source: RandomCrystals) -> frozenset[str]:
    """Symbols of all elements that may be taken, hydrogens of molecules included.

    Raises:
        LimbeckError: there is no file of SMILES, or no molecule can be read.
    """
    if source.elements:
        return frozenset(source.elements)
    if source.formulas:
        return frozenset(symbol for text in source.formulas for symbol in Formula(text))
    found = [own for line in _lines(source) if (own := _symbols(line.smiles)) is not None]
    if not found:
        raise LimbeckError(
            f"{source.smiles or 'molecules'}: none of the SMILES is a neutral molecule that "
            "RDKit can read"
        )
    return frozenset(symbol for own in found for symbol in own)


def groups(source: RandomCrystals) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each crystal, of those for which there is a composition."""
    lines = [] if source.elements or source.formulas else _lines(source)
    for n in range(source.count):
        symbols = _symbols(lines[n % len(lines)].smiles) if lines else _symbols_of(source, n)
        if symbols is not None:
            yield chemistry(Atoms(symbols, pbc=True)), frozenset(symbols)


def _symbols_of(source: RandomCrystals, n: int) -> tuple[str, ...] | None:
    try:
        return tuple(s for s, count in _composition(source, n).items() for _ in range(count))
    except Refused:
        return None


def _of_atoms(source: RandomCrystals, job: GenerateStructures, n: int) -> Structure:
    counts = _composition(source, n)
    rng = number_generator(job, n)
    formula = _formula(counts)
    numbers = tuple(counts.values())
    turn = n // len(source.formulas or [""])  # of each formula, all groups have their turn
    number = _group(source, lambda g: holds_atoms(g, numbers), formula, turn, rng)
    atoms = crystal_of_atoms(number, counts, _limits(source), rng)
    return _structure(atoms, n, number, {"name": f"{formula}-{number}"})


def _of_molecules(
    source: RandomCrystals, job: GenerateStructures, lines: list[Line], n: int
) -> Structure:
    line = lines[n % len(lines)]
    rng = number_generator(job, n)
    seed = torch_seed(job.seed, f"generate/{source.name}/{n}/conformer") % 2**31
    mol = embed(line.smiles, seed).mol
    charge, radicals = Chem.GetFormalCharge(mol), Descriptors.NumRadicalElectrons(mol)
    if charge or radicals:
        raise Refused(reasons.MOLECULE_CHARGED, f"{charge} e, {radicals} unpaired")
    bounds = source.molecules_per_cell
    turn = n // len(lines)  # of each molecule, all groups have their turn
    number = _group(source, lambda g: bool(molecules_held(g, bounds)), line.name, turn, rng)
    count = int(rng.choice(molecules_held(number, bounds)))
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    molecule = Atoms(numbers, mol.GetConformer().GetPositions())
    atoms = crystal_of_molecules(number, molecule, count, _limits(source), rng)
    info = {"name": f"{line.name}-{number}", "smiles": line.smiles, "molecules": count}
    return _structure(atoms, n, number, info)


def _structure(atoms: Atoms, n: int, number: int, info: Mapping[str, object]) -> Structure:
    return Structure(atoms, chemistry(atoms), {"number": n, "space_group": number, **info})


def _limits(source: RandomCrystals) -> Limits:
    return Limits(source.volume_factor, source.min_distance_factor, source.attempts)


def _group(
    source: RandomCrystals,
    holds: Callable[[int], bool],
    what: str,
    turn: int,
    rng: np.random.Generator,
) -> int:
    allowed = None if source.space_groups == "all" else source.space_groups
    return group_for(allowed, holds, what, turn, rng)


def _formula(counts: Mapping[str, int]) -> str:
    return "".join(f"{symbol}{count if count > 1 else ''}" for symbol, count in counts.items())


def _composition(source: RandomCrystals, n: int) -> dict[str, int]:
    """Atoms of each element in the primitive cell of structure n, whatever the run's seed.

    Raises:
        Refused: none that was drawn has a number of atoms between the bounds, or is neutral.
    """
    rng = composition_generator(source.name, n)
    least, most = source.n_atoms
    # drawn once: else nearly all that are neutral would be elements alone
    kinds = 0 if source.formulas else _kinds(source, rng)
    for _ in range(1 if source.formulas else MOST_DRAWN):
        if source.formulas:
            unit = Formula(source.formulas[n % len(source.formulas)]).count()
        else:
            unit = _random_unit(source, kinds, rng)
        size = sum(unit.values())
        units = range(-(-least // size), most // size + 1)
        if units and (not source.charge_neutral or is_neutral(_formula(unit))):
            times = int(rng.choice(units))
            return {symbol: count * times for symbol, count in unit.items()}
    raise Refused(reasons.NO_COMPOSITION, "", f"{least} to {most} atoms")


def _kinds(source: RandomCrystals, rng: np.random.Generator) -> int:
    """A random number of different elements."""
    fewest, most = source.n_elements or (1, MOST_ELEMENTS)
    return int(rng.integers(fewest, min(most, len(source.elements or [])) + 1))


def _random_unit(source: RandomCrystals, kinds: int, rng: np.random.Generator) -> dict[str, int]:
    """A formula unit of so many random elements in small whole numbers."""
    symbols = source.elements or []
    chosen = [symbols[i] for i in sorted(rng.choice(len(symbols), kinds, replace=False))]
    numbers = rng.integers(1, LARGEST_NUMBER + 1, size=kinds).tolist()
    return {symbol: count // gcd(*numbers) for symbol, count in zip(chosen, numbers, strict=True)}


def _lines(source: RandomCrystals) -> list[Line]:
    if source.smiles is not None:
        return read_smiles(source.smiles)
    return [Line(text, text, number) for number, text in enumerate(source.molecules or [], 1)]


@cache
def _symbols(smiles: str) -> tuple[str, ...] | None:
    """Of all atoms of a molecule with its hydrogens; None where it is refused."""
    try:
        mol = Chem.AddHs(parse(smiles))
    except Refused:
        return None
    if Chem.GetFormalCharge(mol) or Descriptors.NumRadicalElectrons(mol):
        return None
    return tuple(atom.GetSymbol() for atom in mol.GetAtoms())
