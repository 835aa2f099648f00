"""Crystals: prototypes with published lattice parameters, or decorated with any elements."""

from collections.abc import Iterator
from functools import partial

from ase import Atoms

from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import Crystals
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.structures.building.crystals.cells import cell_of_size
from limbeck.structures.building.crystals.lattice_parameters import Entry
from limbeck.structures.building.crystals.prototypes import (
    atoms_of,
    choose_entries,
    conventional_cell,
    decorate,
    elements_of,
    sizes_of,
)
from limbeck.structures.chemistry import chemistry
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import (
    Structure,
    collect,
    number_generator,
    random_strain,
    refuse_repeat,
)


def generate(source: Crystals, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is compound ``n % len(chosen)``, strained at random."""
    return collect(job, partial(_crystal, source, job, _entries(source)))


def elements(source: Crystals) -> frozenset[str]:
    """Symbols of the elements of all compounds that may be taken."""
    return frozenset(symbol for entry in _entries(source) for symbol in elements_of(entry))


def groups(source: Crystals) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each structure; unstrained ones are there once."""
    entries = _entries(source)
    for n in range(source.count if source.strain else min(source.count, len(entries))):
        entry = entries[n % len(entries)]
        yield _group(source, entry), frozenset(elements_of(entry))


def _entries(source: Crystals) -> list[Entry]:
    """The compounds that structures go through.

    Raises:
        LimbeckError: there are none.
    """
    if source.decorate:
        neutral = source.charge_neutral
        found = decorate(source.prototypes, source.elements or [], charge_neutral=neutral)
    else:
        found = choose_entries(source.prototypes, source.elements, source.compounds)
    if source.n_atoms is None:
        return found
    least, most = source.n_atoms
    fitting = {p for p in source.prototypes if any(least <= n * (most // n) for n in sizes_of(p))}
    if not any(entry.prototype in fitting for entry in found):
        raise LimbeckError(
            f"n_atoms: {source.n_atoms}, expected a number of atoms that a cell of "
            f"{' or '.join(source.prototypes)} has, or several cells"
        )
    return [entry for entry in found if entry.prototype in fitting]


def _group(source: Crystals, entry: Entry) -> str:
    if source.polymorphs == "apart":
        return f"{entry.formula}-{entry.prototype}"
    return chemistry(Atoms(entry.formula, pbc=True))


def _crystal(source: Crystals, job: GenerateStructures, entries: list[Entry], n: int) -> Structure:
    entry = entries[n % len(entries)]
    if source.strain == 0:
        refuse_repeat(n, len(entries))
    if source.n_atoms is None:
        atoms = atoms_of(conventional_cell(entry) * source.supercell)
    else:
        atoms = cell_of_size(atoms_of(conventional_cell(entry)), source.n_atoms)
    strain = random_strain(number_generator(job, n), source.strain)
    # rows times the strain; atoms keep their fractional coordinates
    atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    name = f"{entry.formula}-{entry.prototype}"
    info = {"number": n, "name": name, "prototype": entry.prototype}
    if source.decorate:
        info["volume"] = entry.source
    return Structure(atoms, _group(source, entry), info)
