"""Derivatives of crystals: ordered vacancies, substitutions, antisites and strain in supercells."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from ase import Atoms

from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import Derivatives, StructureFile
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.reasons import Refused
from limbeck.structures.building.crystals.cells import cell_of_size
from limbeck.structures.building.crystals.defects import (
    Defects,
    draw_antisites,
    draw_substitutions,
    draw_vacancies,
    with_defects,
)
from limbeck.structures.building.crystals.prototypes import (
    atoms_of,
    choose_entries,
    conventional_cell,
)
from limbeck.structures.chemistry import chemistry
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import (
    Structure,
    collect,
    composition_generator,
    number_generator,
    random_strain,
    refuse_repeat,
)
from limbeck.structures.sources import files

log = logging.getLogger(__name__)

#: parents that are read of files
MOST_PARENTS = 10_000


class Parent(NamedTuple):
    """A crystal, and what it is called."""

    name: str
    atoms: Atoms


def generate(source: Derivatives, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is made of parent ``n % len(parents)``; what is changed follows from n in any
    run, on which sites from the run's seed as well.

    Raises:
        LimbeckError: there are no parents.
    """
    parents = _parents(source)
    make = partial(_derivative, source, job, parents)
    return collect(job, make, name_of=lambda n: parents[n % len(parents)].name)


def elements(source: Derivatives) -> frozenset[str]:
    """Symbols of the elements of all parents, and of those that may stand in their place.

    Raises:
        LimbeckError: there are no parents.
    """
    found = {symbol for parent in _parents(source) for symbol in parent.atoms.symbols}
    families = source.substitute if source.substitutions[1] else []
    # one that is brought in is not replaced again
    return frozenset(found.union(*(family for family in families if found & set(family))))


def groups(source: Derivatives) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each structure that can be made."""
    parents = _parents(source)
    for n in range(_distinct(source, parents)):
        try:
            counts = Counter(_supercell(source, parents, n).symbols)
            formula = _defects(source, counts, n).formula_of(counts)
        except Refused:
            continue
        yield _group(formula), frozenset(formula)


def _parents(source: Derivatives) -> list[Parent]:
    """Crystals of the table or of the files.

    Raises:
        LimbeckError: there are none, or the files are wrong as a whole.
    """
    if source.path is None:
        entries = choose_entries(source.prototypes or [], None, source.compounds)
        return [
            Parent(f"{e.formula}-{e.prototype}", atoms_of(conventional_cell(e))) for e in entries
        ]
    own = StructureFile(kind="file", name=source.name, path=source.path, count=MOST_PARENTS)
    frames, _ = files.generate(own, GenerateStructures(seed=0, shard=0, source=own))
    infos = [json.loads(info) for info in frames.info]
    found = [
        Parent(info["name"], atoms)
        for atoms, info in zip(frames.to_atoms(), infos, strict=True)
        if atoms.pbc.all() and "vacuum_axis" not in info
    ]
    if not found:
        raise LimbeckError(f"{source.path}: no crystal in it, expected parents of derivatives")
    if len(found) < len(frames):
        log.warning("%s: %d are no crystals, left out", source.name, len(frames) - len(found))
    return found


def _distinct(source: Derivatives, parents: list[Parent]) -> int:
    """How many structures may differ: as many as parents, where nothing is changed."""
    changes = (source.vacancies, source.substitutions, source.antisites)
    plain = source.strain == 0 and all(most == 0 for _, most in changes)
    return min(source.count, len(parents)) if plain else source.count


def _supercell(source: Derivatives, parents: list[Parent], n: int) -> Atoms:
    return cell_of_size(parents[n % len(parents)].atoms, source.n_atoms)


def _defects(source: Derivatives, counts: Counter[str], n: int) -> Defects:
    """What is changed in structure n, whatever the run's seed.

    Raises:
        Refused: there are too few atoms for it.
    """
    rng = composition_generator(source.name, n)
    ranges = (source.vacancies, source.substitutions, source.antisites)
    vacancies, substitutions, antisites = (int(rng.integers(a, b + 1)) for a, b in ranges)
    free = Counter(counts)
    return Defects(
        draw_vacancies(free, vacancies, source.vacancies_of, rng),
        draw_substitutions(free, substitutions, source.substitute, rng),
        draw_antisites(free, antisites, rng),
    )


def _group(formula: Mapping[str, int]) -> str:
    return chemistry(Atoms([s for s, count in formula.items() for _ in range(count)], pbc=True))


def _derivative(
    source: Derivatives, job: GenerateStructures, parents: list[Parent], n: int
) -> Structure:
    refuse_repeat(n, _distinct(source, parents))
    parent = parents[n % len(parents)]
    supercell = _supercell(source, parents, n)
    defects = _defects(source, Counter(supercell.symbols), n)
    rng = number_generator(job, n)
    atoms = with_defects(supercell, defects, rng)
    atoms.set_cell(atoms.cell.array @ random_strain(rng, source.strain), scale_atoms=True)
    info = {"number": n, "name": f"{parent.name}-{n}", "parent_crystal": parent.name}
    return Structure(atoms, chemistry(atoms), info | defects.told())
