"""Frames of CIF: each data block by itself.

Symmetry operations that are listed decide; the name of the group is only asked where there are
none. Names that ASE does not know, as ``P2(1)/n``, are read by pymatgen.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.formula import Formula
from ase.io.cif import CIFBlock, parse_cif
from ase.spacegroup.spacegroup import SpacegroupError

from limbeck import reasons
from limbeck.reasons import Refused

#: sites times symmetry operations; ASE expands some 10,000 in a second
MAX_POSITIONS = 10_000
#: of a space group in its conventional cell
MAX_OPERATIONS = 192
OPERATIONS = (
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
)
#: one of three parts of an operation, as in 1/2-x; ASE lets pass what it cannot read
_TERM = r"\s*[+-]?\s*(?:[xyz]|\d+\s*/\s*\d+|\d*\.?\d+)\s*"
_PART = rf"{_TERM}(?:[+-]{_TERM})*"
_OPERATION = re.compile(rf"{_PART},{_PART},{_PART}", re.IGNORECASE)
OCCUPANCY = "_atom_site_occupancy"
#: What ASE would take a group from. A listed operation needs none of them.
NAMES = (
    *("_space_group.it_number", "_space_group_it_number", "_symmetry_int_tables_number"),
    *("_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m"),
    *("_space_group.patterson_name_h-m", "_symmetry_space_group_setting"),
    *("_space_group_crystal_system", "_symmetry_cell_setting"),
)


def frames_of_cif(path: Path) -> Iterator[Callable[[], Atoms]]:
    """Blocks of a file that have atoms, each still to be parsed."""
    with open(path, "rb") as handle:
        for block in _blocks(handle):
            if b"_atom_site_" in block.lower():
                yield partial(_crystal, block)


def _blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Text of each data block, with its first line."""
    block: list[bytes] = []
    in_text = False  # between two lines that begin with a semicolon
    for line in lines:
        if line.startswith(b";"):
            in_text = not in_text
        if not in_text and line.lstrip()[:5].lower() == b"data_":
            if block:
                yield b"".join(block)
            block = []
        elif not block and not line.strip():
            continue
        block.append(line.replace(b"\f", b" "))
    yield b"".join(block)


def _crystal(text: bytes) -> Atoms:
    block = next(iter(parse_cif(BytesIO(text))))
    atoms = _atoms(block, text)
    if name := _name(block.name, atoms):
        atoms.info["name"] = name
    return atoms


def _atoms(block: CIFBlock, text: bytes) -> Atoms:
    tags: dict[str, Any] = dict(block)
    if OCCUPANCY in tags:
        # not known, or not applicable: the default of the dictionary
        tags[OCCUPANCY] = [1.0 if x in ("?", ".") else x for x in _listed(tags[OCCUPANCY])]
    operations = _listed(next((tags[tag] for tag in OPERATIONS if tags.get(tag)), []))
    sites = len(block.get_symbols())
    _check_size(sites, len(operations))
    if operations:
        for operation in operations:
            operation = str(operation)
            if len(operation) > 100 or not _OPERATION.fullmatch(operation):
                raise Refused(reasons.UNREADABLE, f"no symmetry operation: {operation!r:.80}")
        tags = {tag: value for tag, value in tags.items() if tag not in NAMES}
        tags["_symmetry_space_group_name_h-m"] = "P 1"  # all others are in the list
        return CIFBlock(block.name, tags).get_atoms()
    plain = CIFBlock(block.name, tags)
    try:
        group = plain.get_spacegroup(subtrans_included=True)
    except SpacegroupError:
        _check_size(sites, MAX_OPERATIONS)
        return _by_pymatgen(text)
    _check_size(sites, len(group.get_symop()))
    return plain.get_atoms()


def _listed(value: Any) -> list[Any]:
    """What stands in a loop, or alone."""
    return value if isinstance(value, list) else [value]


def _check_size(sites: int, operations: int) -> None:
    if sites * operations > MAX_POSITIONS:
        what = f"{sites} sites, {operations} operations"
        raise Refused(reasons.TOO_MANY_ATOMS, what, MAX_POSITIONS)


def _by_pymatgen(text: bytes) -> Atoms:
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.io.cif import CifParser

    # occupancies as they are: a site that is filled in part is refused, not scaled
    parser = CifParser.from_str(text.decode("utf-8", "replace"), occupancy_tolerance=np.inf)
    (structure,) = parser.parse_structures(primitive=False, check_occu=False, on_error="raise")
    if not structure.is_ordered:
        raise Refused(reasons.PARTLY_OCCUPIED, "", 1)
    return Atoms(AseAtomsAdaptor.get_atoms(structure))


def partly_occupied(occupancy: Any) -> bool:
    """Whether sites are mixed or filled in part, by what ASE's reader of CIF leaves in ``info``.

    Under the same name, other programs write whatever they like: that says nothing.
    """
    sites = occupancy.values() if isinstance(occupancy, dict) else []
    if not all(isinstance(site, dict) for site in sites):
        return False
    with suppress(TypeError, ValueError):
        return any(len(s) > 1 or abs(sum(map(float, s.values())) - 1) > 1e-3 for s in sites)
    return False


def _name(block: str, atoms: Atoms) -> str:
    """The name of a data block, where it tells more than ASE's ``image0`` or the formula."""
    if block.removeprefix("image").isdigit() or block.lower() in ("", "global", "x", "i"):
        return ""
    with suppress(ValueError):
        told, true = Formula(block).reduce()[0], atoms.symbols.formula.reduce()[0]
        if told.count() == true.count():
            return ""
    return block
