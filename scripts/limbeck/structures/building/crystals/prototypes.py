"""Crystal prototypes: their sites, and cells of compounds of the table or of any elements."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import permutations
from typing import Any, NamedTuple

from ase import Atoms
from pymatgen.core import Composition, Element, Lattice
from pymatgen.core import Structure as PymatgenStructure
from pymatgen.symmetry.groups import SpaceGroup

from limbeck import reasons
from limbeck.errors import LimbeckError
from limbeck.reasons import Refused
from limbeck.structures.building.crystals.cells import primitive_cell
from limbeck.structures.building.crystals.lattice_parameters import TABLE, Entry
from limbeck.structures.building.crystals.neutrality import is_neutral
from limbeck.structures.building.crystals.volumes import has_radius, volume_of

IDEAL = (8 / 3) ** 0.5  # c/a of close-packed spheres


class Prototype(NamedTuple):
    """Space group and fractional coordinates of one atom of each element, in formula order.

    Attributes:
        formula: how many atoms of each element, A, B and X, in the order of the sites.
        c_over_a: of a decorated one; 1 of a cubic one.
        alike: whether exchanging its two elements gives the same structure.
    """

    space_group: str
    sites: Sequence[tuple[float, float, float]]
    formula: tuple[int, ...] = (1, 1)
    c_over_a: float = 1.0
    alike: bool = False


# Free parameters have one value for all compounds of a prototype. Wurtzite's u is ideal, 3/8;
# measured ones differ by under 0.01. The others are those of the compound that a prototype is named
# after, as is c/a: u = 0.305 of TiO2, u = 0.2624 of MgAl2O4 (from the centre of symmetry: 1/8 less
# and from the next cation here, in pymatgen's first origin), z = 0.621 of MoS2, z = 1/4 of CdI2.
PROTOTYPES = {
    "rocksalt": Prototype("Fm-3m", [(0, 0, 0), (1 / 2, 1 / 2, 1 / 2)], alike=True),
    "zincblende": Prototype("F-43m", [(0, 0, 0), (1 / 4, 1 / 4, 1 / 4)], alike=True),
    "wurtzite": Prototype(
        "P6_3mc", [(1 / 3, 2 / 3, 0), (1 / 3, 2 / 3, 3 / 8)], c_over_a=IDEAL, alike=True
    ),
    "diamond": Prototype("Fd-3m", [(0, 0, 0)], (1,)),
    "fcc": Prototype("Fm-3m", [(0, 0, 0)], (1,)),
    "bcc": Prototype("Im-3m", [(0, 0, 0)], (1,)),
    "hcp": Prototype("P6_3/mmc", [(1 / 3, 2 / 3, 1 / 4)], (1,), IDEAL),
    "perovskite": Prototype(
        "Pm-3m", [(0, 0, 0), (1 / 2, 1 / 2, 1 / 2), (1 / 2, 1 / 2, 0)], (1, 1, 3)
    ),
    "fluorite": Prototype("Fm-3m", [(0, 0, 0), (1 / 4, 1 / 4, 1 / 4)], (1, 2)),
    "spinel": Prototype(
        "Fd-3m", [(0, 0, 0), (5 / 8, 5 / 8, 5 / 8), (0.3874, 0.3874, 0.3874)], (1, 2, 4)
    ),
    "rutile": Prototype("P4_2/mnm", [(0, 0, 0), (0.305, 0.305, 0)], (1, 2), 0.644),
    "cesium_chloride": Prototype("Pm-3m", [(0, 0, 0), (1 / 2, 1 / 2, 1 / 2)], alike=True),
    "antifluorite": Prototype("Fm-3m", [(1 / 4, 1 / 4, 1 / 4), (0, 0, 0)], (2, 1)),
    "nickel_arsenide": Prototype("P6_3/mmc", [(0, 0, 0), (1 / 3, 2 / 3, 1 / 4)], c_over_a=1.391),
    "dichalcogenide_2h": Prototype(
        "P6_3/mmc", [(1 / 3, 2 / 3, 1 / 4), (1 / 3, 2 / 3, 0.621)], (1, 2), 3.89
    ),
    "dichalcogenide_1t": Prototype("P-3m1", [(0, 0, 0), (1 / 3, 2 / 3, 1 / 4)], (1, 2), 1.613),
}
#: as the table of lattice parameters has no source for a volume of a model
PREDICTED = "predicted"


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
        found = [e for e in found if set(elements_of(e)) <= set(elements)]
    if not found:
        raise LimbeckError(
            f"no compound of the table is {' or '.join(prototypes)} and made of {elements} alone"
        )
    return found


def decorate(
    prototypes: Sequence[str], elements: Sequence[str], *, charge_neutral: bool = False
) -> list[Entry]:
    """Each assignment of different elements to the sites of these prototypes, without a cell.

    Args:
        charge_neutral: whether only formulas are kept that SMACT finds neutral.

    Raises:
        LimbeckError: a prototype is unknown, or nothing is left.
    """
    _check_known("prototypes", prototypes, PROTOTYPES)
    found = [
        entry
        for name in prototypes
        for entry in _assignments(name, elements)
        if not charge_neutral or is_neutral(entry.formula)
    ]
    if not found:
        neutral = " and neutral (SMACT)" if charge_neutral else ""
        raise LimbeckError(
            f"elements: {list(elements)}, nothing {' or '.join(prototypes)} is made of these"
            f"{neutral}, expected others or more"
        )
    return found


def _assignments(name: str, elements: Sequence[str]) -> Iterator[Entry]:
    prototype = PROTOTYPES[name]
    for chosen in permutations(elements, len(prototype.sites)):
        # of two that are the same, the one that is written as chemists do
        if not prototype.alike or _electropositive(chosen[0]) <= _electropositive(chosen[1]):
            counts = (str(n) if n > 1 else "" for n in prototype.formula)
            formula = "".join(s + n for s, n in zip(chosen, counts, strict=True))
            yield Entry(formula, name, 0.0, 0.0, PREDICTED)


def _electropositive(symbol: str) -> tuple[float, str]:
    """What elements are sorted by in a formula; noble gases without a value come last."""
    value = Element(symbol).data.get("X")
    return (float(value) if isinstance(value, int | float) else 99.0, symbol)


def _check_known(field: str, names: Sequence[str], known: Any) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise LimbeckError(f"{field}: {unknown} not known, expected some of {sorted(set(known))}")


def elements_of(entry: Entry) -> list[str]:
    """Symbols of its elements, in the order of the sites."""
    return [element.symbol for element in Composition(entry.formula)]


@cache  # up to a second each, and pymatgen forgets a group as soon as nobody holds it
def _space_group(symbol: str) -> SpaceGroup:
    return SpaceGroup(symbol)


@cache
def conventional_cell(entry: Entry) -> PymatgenStructure:
    """The conventional cell, with the published lattice parameters or a predicted volume.

    Raises:
        Refused: the volume is to be predicted, and an element has no radius.
    """
    if entry.source != PREDICTED:
        return _cell(entry, entry.a, entry.c or entry.a)
    if lacking := [symbol for symbol in elements_of(entry) if not has_radius(symbol)]:
        raise Refused(reasons.NO_RADIUS, ", ".join(lacking))
    structure = _cell(entry, 5.0, 5.0 * PROTOTYPES[entry.prototype].c_over_a)
    primitive = structure.get_primitive_structure()  # a quarter of the sites to go through
    structure.scale_lattice(volume_of(primitive) * len(structure) / len(primitive))
    return structure


def atoms_of(crystal: PymatgenStructure) -> Atoms:
    """The same crystal as ASE has it."""
    return Atoms(
        crystal.atomic_numbers,
        scaled_positions=crystal.frac_coords,
        cell=crystal.lattice.matrix,
        pbc=True,
    )


@cache
def sizes_of(prototype: str) -> tuple[int, int]:
    """Numbers of atoms of the conventional cell and of a primitive one."""
    cell = atoms_of(conventional_cell(next(e for e in TABLE if e.prototype == prototype)))
    return len(cell), len(primitive_cell(cell))


def _cell(entry: Entry, a: float, c: float) -> PymatgenStructure:
    prototype = PROTOTYPES[entry.prototype]
    group = _space_group(prototype.space_group)  # from_spacegroup finds it among those held
    lattice = {"cubic": lambda: Lattice.cubic(a), "tetragonal": lambda: Lattice.tetragonal(a, c)}
    of_system = lattice.get(group.crystal_system, lambda: Lattice.hexagonal(a, c))
    return PymatgenStructure.from_spacegroup(
        prototype.space_group, of_system(), elements_of(entry), prototype.sites
    )
