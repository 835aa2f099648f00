"""Crystals: prototypes with published lattice parameters, built with pymatgen."""

from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from ase import Atoms
from pymatgen.core import Composition, Lattice
from pymatgen.core import Structure as PymatgenStructure
from pymatgen.symmetry.groups import SpaceGroup

from limbeck.config.jobs import GenerateStructures
from limbeck.config.sections.sources import Crystals
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.structures.building.lattice_parameters import TABLE, Entry
from limbeck.structures.chemistry import chemistry
from limbeck.structures.screening import Rejected
from limbeck.structures.shard import (
    Structure,
    collect,
    number_generator,
    random_strain,
    refuse_repeat,
)


class Prototype(NamedTuple):
    """Space group and fractional coordinates of one atom of each element, in formula order."""

    space_group: str
    sites: Sequence[tuple[float, float, float]]


# Wurtzite's free parameter u has its ideal value 3/8; measured ones differ by under 0.01.
PROTOTYPES = {
    "rocksalt": Prototype("Fm-3m", [(0, 0, 0), (1 / 2, 1 / 2, 1 / 2)]),
    "zincblende": Prototype("F-43m", [(0, 0, 0), (1 / 4, 1 / 4, 1 / 4)]),
    "wurtzite": Prototype("P6_3mc", [(1 / 3, 2 / 3, 0), (1 / 3, 2 / 3, 3 / 8)]),
    "diamond": Prototype("Fd-3m", [(0, 0, 0)]),
    "fcc": Prototype("Fm-3m", [(0, 0, 0)]),
    "bcc": Prototype("Im-3m", [(0, 0, 0)]),
    "hcp": Prototype("P6_3/mmc", [(1 / 3, 2 / 3, 1 / 4)]),
    "perovskite": Prototype("Pm-3m", [(0, 0, 0), (1 / 2, 1 / 2, 1 / 2), (1 / 2, 1 / 2, 0)]),
    "fluorite": Prototype("Fm-3m", [(0, 0, 0), (1 / 4, 1 / 4, 1 / 4)]),
}


def generate(source: Crystals, job: GenerateStructures) -> tuple[Frames, list[Rejected]]:
    """Structure n is compound ``n % len(chosen)`` of the table, strained at random."""
    entries = choose_entries(source.prototypes, source.elements, source.compounds)
    return collect(job, partial(_crystal, source, job, entries))


def elements(source: Crystals) -> frozenset[str]:
    """Symbols of the elements of all compounds that may be taken."""
    entries = choose_entries(source.prototypes, source.elements, source.compounds)
    return frozenset(symbol for entry in entries for symbol in _elements(entry))


def groups(source: Crystals) -> Iterator[tuple[str, frozenset[str]]]:
    """Group and elements of each structure; unstrained ones are there once."""
    entries = choose_entries(source.prototypes, source.elements, source.compounds)
    for n in range(source.count if source.strain else min(source.count, len(entries))):
        entry = entries[n % len(entries)]
        yield _group(source, entry), frozenset(_elements(entry))


def _group(source: Crystals, entry: Entry) -> str:
    if source.polymorphs == "apart":
        return f"{entry.formula}-{entry.prototype}"
    return chemistry(Atoms(entry.formula, pbc=True))


def choose_entries(
    prototypes: Sequence[str],
    elements: Sequence[str] | None = None,
    compounds: Sequence[str] | None = None,
) -> list[Entry]:
    """Entries of the table of these prototypes, made of these elements alone, of these formulas.

    Raises:
        LimbeckError: a prototype or formula is unknown, or nothing is left.
    """
    _check_known("prototypes", prototypes, PROTOTYPES)
    found = [e for e in TABLE if e.prototype in prototypes]
    if compounds is not None:
        _check_known("compounds", compounds, [e.formula for e in found])
        found = [e for e in found if e.formula in compounds]
    if elements is not None:
        found = [e for e in found if set(_elements(e)) <= set(elements)]
    if not found:
        raise LimbeckError(
            f"no compound of the table is {' or '.join(prototypes)} and made of {elements} alone"
        )
    return found


def _check_known(field: str, names: Sequence[str], known: Any) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise LimbeckError(f"{field}: {unknown} not known, expected some of {sorted(set(known))}")


def _elements(entry: Entry) -> list[str]:
    return [element.symbol for element in Composition(entry.formula)]


@cache  # up to a second each, and pymatgen forgets a group as soon as nobody holds it
def _space_group(symbol: str) -> SpaceGroup:
    return SpaceGroup(symbol)


@cache
def conventional_cell(entry: Entry) -> PymatgenStructure:
    """The conventional cell with the published lattice parameters."""
    cubic = entry.c == 0
    lattice = Lattice.cubic(entry.a) if cubic else Lattice.hexagonal(entry.a, entry.c)
    prototype = PROTOTYPES[entry.prototype]
    _space_group(prototype.space_group)  # from_spacegroup finds it among those that are held
    return PymatgenStructure.from_spacegroup(
        prototype.space_group, lattice, _elements(entry), prototype.sites
    )


def _crystal(source: Crystals, job: GenerateStructures, entries: list[Entry], n: int) -> Structure:
    entry = entries[n % len(entries)]
    if source.strain == 0:
        refuse_repeat(n, len(entries))
    crystal = conventional_cell(entry) * source.supercell
    atoms = Atoms(
        crystal.atomic_numbers,
        scaled_positions=crystal.frac_coords,
        cell=crystal.lattice.matrix,
        pbc=True,
    )
    strain = random_strain(number_generator(job, n), source.strain)
    # rows times the strain; atoms keep their fractional coordinates
    atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    name = f"{entry.formula}-{entry.prototype}"
    info = {"number": n, "name": name, "prototype": entry.prototype}
    return Structure(atoms, _group(source, entry), info)
