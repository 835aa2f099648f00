"""Disordered matter: random packings of molecules or atoms in a box, for liquids and glasses."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial

import numpy as np
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers, chemical_symbols

from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import Disordered
from limbeck.frames import Frames
from limbeck.geometry import G_CM3
from limbeck.seeds import torch_seed
from limbeck.structures.building.bodies import body, numbers_of
from limbeck.structures.building.molecules.conformers import parse
from limbeck.structures.building.packing import Body, contact_limits, melt_limits, pack
from limbeck.structures.chemistry import chemistry
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import Structure, collect, electrons_of, number_generator


def generate(source: Disordered, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n has the smallest number of molecules or atoms, and n more, until the largest."""
    return collect(job, partial(_box, source, job, cache(partial(_conformer, source, job))))


def elements(source: Disordered) -> frozenset[str]:
    """Symbols of the elements of all molecules, hydrogens included, or those of the config.

    Raises:
        LimbeckError: RDKit cannot read a SMILES, or it has a charge.
    """
    numbers = np.concatenate([_numbers(source, k) for k in range(len(_species(source)))])
    return frozenset(chemical_symbols[z] for z in numbers.tolist())


def groups(source: Disordered) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each box; all are of one, whatever their size and density."""
    own, symbols = _group(source), elements(source)
    yield from ((own, symbols) for _ in range(source.count))


def _species(source: Disordered) -> Sequence[str]:
    return source.molecules or source.elements or []


def _numbers(source: Disordered, k: int) -> np.ndarray:
    """Atomic numbers of the atoms of species k. int [n]"""
    one = _species(source)[k]
    return numbers_of("molecules", one) if source.molecules else np.array([atomic_numbers[one]])


def _group(source: Disordered) -> str:
    """Formulas of all species, whatever their proportions: boxes of a mixture are of one kind."""
    parts = [Atoms(_numbers(source, k), pbc=True) for k in range(len(_species(source)))]
    return "+".join(sorted({chemistry(part) for part in parts}))


def numbers_of_each(size: int, proportions: Sequence[float]) -> list[int]:
    """How many of each species there are among ``size``: one at least, as near as can be."""
    exact = size * np.array(proportions) / np.sum(proportions)
    found = np.maximum(np.floor(exact).astype(int), 1)
    while found.sum() != size:
        step = 1 if found.sum() < size else -1
        need = np.where((step > 0) | (found > 1), step * (exact - found), -np.inf)
        found[int(need.argmax())] += step
    return [int(count) for count in found]


def _conformer(source: Disordered, job: GenerateStructures, k: int, which: int) -> Body:
    if not source.molecules:
        return Body(_numbers(source, k), np.zeros((1, 3)))
    name = f"generate/{source.name}/{source.molecules[k]}/{which}"
    return body(source.molecules[k], torch_seed(job.seed, name) % 2**31)


def _box(
    source: Disordered,
    job: GenerateStructures,
    conformer: Callable[[int, int], Body],
    n: int,
) -> Structure:
    smallest, largest = source.sizes
    species = _species(source)
    counts = numbers_of_each(
        smallest + n % (largest - smallest + 1), source.proportions or [1.0] * len(species)
    )
    rng = number_generator(job, n)
    density = float(rng.uniform(source.density_g_cm3[0], source.density_g_cm3[1]))
    bodies = [
        conformer(k, int(rng.integers(source.conformers)))
        for k, count in enumerate(counts)
        for _ in range(count)
    ]
    numbers = np.concatenate([each.numbers for each in bodies])
    volume = float(atomic_masses[numbers].sum()) * G_CM3 / density
    cell = np.eye(3) * volume ** (1 / 3)
    limits = contact_limits() if source.molecules else melt_limits(numbers, volume)
    atoms = Atoms(numbers, pack(bodies, limits, rng, cell=cell), cell=cell, pbc=True)
    made_of = dict(zip(species, counts, strict=True))
    charge, spin = 0, 0
    notes: tuple[str, ...] = ()
    if source.molecules:
        atoms.info["unpaired_electrons"] = sum(radicals(s) * c for s, c in made_of.items())
        charge, spin, notes = electrons_of(atoms)
    info = {"number": n, "made_of": made_of, "density_g_cm3": density}
    return Structure(atoms, _group(source), {**info, "name": _name(made_of)}, charge, spin, notes)


def radicals(smiles: str) -> int:
    """Unpaired electrons, as written in the SMILES."""
    return sum(atom.GetNumRadicalElectrons() for atom in parse(smiles).GetAtoms())


def _name(made_of: dict[str, int]) -> str:
    return "box-" + "+".join(f"{count}{one}" for one, count in made_of.items())
