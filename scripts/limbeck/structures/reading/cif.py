"""Frames of CIF: each data block by itself.

Symmetry operations that are listed decide; the name of the group is only asked where there are
none. Of names that ASE does not know, as ``P2(1)/n``, the operations are those of pymatgen's table
of all settings. A name that is in neither is refused: it is no reason to take a crystal for P 1.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache, partial
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from ase.formula import Formula
from ase.geometry import find_mic
from ase.io.cif import CIFBlock, old_spacegroup_names, parse_cif
from ase.spacegroup import Spacegroup
from ase.spacegroup.spacegroup import SpacegroupError, parse_sitesym
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from vesin import NeighborList

from limbeck import reasons
from limbeck.geometry import MIN_CELL_HEIGHT_A, cell_height
from limbeck.reasons import Refused
from limbeck.structures.reading.dictionaries import ISOTOPES

#: Angstrom. Half of the last of two digits, in a cell of 20 Angstrom; no two nuclei are so near.
ONE_PLACE_A = 0.1
#: sites times symmetry operations; ASE expands some 10,000 in a second
MAX_POSITIONS = 10_000
OPERATIONS = (
    "_space_group_symop_operation_xyz",
    "_space_group_symop.operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
)
#: one of three parts of an operation, as in 1/2-x; ASE lets pass what it cannot read
_TERM = r"\s*[+-]?\s*(?:[xyz]|\d+\s*/\s*\d+|\d*\.?\d+)\s*"
_PART = rf"{_TERM}(?:[+-]{_TERM})*"
_OPERATION = re.compile(rf"{_PART},{_PART},{_PART}", re.IGNORECASE)
#: what a symbol or a label begins with, as in Ni2+ and (O1)
_LETTERS = re.compile(r"[^A-Za-z]*([A-Za-z]+)")
OCCUPANCY = "_atom_site_occupancy"
TYPE, LABEL = "_atom_site_type_symbol", "_atom_site_label"
FORMULA = "_chemical_formula_sum"
NUMBERS = ("_space_group.it_number", "_space_group_it_number", "_symmetry_int_tables_number")
NAMES = (
    *("_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m"),
    "_space_group.patterson_name_h-m",
)
#: which leave no setting open, and which ASE does not read
HALLS = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
#: What ASE would take a group from. A listed operation needs none of them.
OF_GROUP = (
    *(*NUMBERS, *NAMES, *HALLS, "_symmetry_space_group_setting"),
    *("_space_group_crystal_system", "_symmetry_cell_setting"),
)
DO_NOT_FIT = "does not fit lengths and angles of the cell"
#: how the ICSD marks origins and axes, and what the International Tables put there
_MARKS = {"s": ":1", "z": ":2", "h": ":h", "r": ":r"}
#: From full symbols to short ones, and from those before 1983 and 1992 to those since; of names
#: without blanks. What the table has under the name itself comes first, as P 1 21/c 1.
_OTHER_NAMES = [
    (re.compile(pattern), text)
    for pattern, text in (
        (r"(?<![46])21?/([a-dmn])", r"\1"),  # P 21/n 21/m 21/a is P n m a; 42/m stays
        (r"^([pfi])4[123]?/([a-dmn])-3", r"\1\2-3"),  # F 4/m -3 2/m is F m -3 m
        (r"^([pfi][mnad])3", r"\1-3"),  # F m 3 m
        (r"^(cm[cm]|ccc)a", r"\1e"),  # C m c a is C m c e
        (r"^ab([ma]2)", r"ae\1"),  # A b m 2
    )
]


def frames_of_cif(path: Path) -> Iterator[Callable[[], Atoms]]:
    """Blocks of a file that have atoms, each still to be parsed."""
    with open(path, "rb") as handle:
        for start, stop in _blocks(handle):
            yield partial(_crystal, path, start, stop)


def _blocks(lines: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    """Where each data block that has atoms begins and ends."""
    start = end = 0
    has_atoms = in_text = False  # text stands between two lines that begin with a semicolon
    for line in lines:
        if line.startswith(b";"):
            in_text = not in_text
        elif not in_text and line.lstrip()[:5].lower() == b"data_":
            if has_atoms:
                yield start, end
            start, has_atoms = end, False
        elif not in_text and b"_atom_site_" in line.lower():
            has_atoms = True
        end += len(line)
    if has_atoms:
        yield start, end


def _crystal(path: Path, start: int, stop: int) -> Atoms:
    with open(path, "rb") as handle:
        handle.seek(start)
        return crystal_of(handle.read(stop - start))


def crystal_of(text: bytes) -> Atoms:
    """The crystal of the first block of a CIF; its ``formula_sum`` as the CIF says it, if it does.

    Raises:
        Refused: it is none.
        Exception: whatever ASE's reader meets.
    """
    block = next(iter(parse_cif(BytesIO(text.replace(b"\f", b" ")))), None)
    if block is None:
        raise Refused(reasons.UNREADABLE, "no data block of a CIF")
    atoms = _merged(_atoms(block))
    if name := _name(block.name, atoms):
        atoms.info["name"] = name
    if formula := _told(dict(block), [FORMULA]):
        atoms.info["formula_sum"] = formula[0]
    return atoms


def _atoms(block: CIFBlock) -> Atoms:
    tags: dict[str, Any] = dict(block)
    if OCCUPANCY in tags:
        # not known, or not applicable: the default of the dictionary
        tags[OCCUPANCY] = [1.0 if x in ("?", ".") else float(x) for x in _listed(tags[OCCUPANCY])]
    operations = _listed(next((tags[tag] for tag in OPERATIONS if tags.get(tag)), []))
    if any(tags.get(tag) in (None, "?", ".") for tag in CIFBlock.cell_tags):
        raise Refused(reasons.UNREADABLE, "expected three lengths and three angles of a cell")
    tags[TYPE] = _symbols(tags)
    sites, cell = len(tags[TYPE]), CIFBlock(block.name, tags).get_cell().array
    halls, names = (_told(tags, HALLS), _told(tags, NAMES))
    if not operations and (halls or names) and not any(map(_known_to_ase, names)):
        keys = [*map(_hall, halls), *_spellings(names)]
        operations = _operations_of(keys, cell)
    if operations:
        return _with_operations(block.name, tags, operations)
    # a number says nothing of the setting, which a name does
    left_out = {tag for tag in OF_GROUP if tags.get(tag) == "?"} | {*(NUMBERS if names else ())}
    plain = CIFBlock(block.name, {t: v for t, v in tags.items() if t not in left_out})
    group = plain.get_spacegroup(subtrans_included=True).get_symop()
    _check_size(sites, len(group))
    if not _fits(np.array([turn for turn, _ in group]), cell):
        # another setting of the same name may, as that of rhombohedral axes
        return _with_operations(block.name, tags, _operations_of(_spellings(names), cell))
    return plain.get_atoms()


def _with_operations(name: str, tags: dict[str, Any], operations: Sequence[Any]) -> Atoms:
    """All atoms that operations make, whatever the file says of the group.

    Raises:
        Refused: they are too many, or none, or not those of the cell.
    """
    _check_size(len(tags[TYPE]), len(operations))
    for operation in map(str, operations):
        if len(operation) > 100 or not _OPERATION.fullmatch(operation):
            raise Refused(reasons.UNREADABLE, f"no symmetry operation: {operation!r:.80}")
    turns, shifts = parse_sitesym([str(operation) for operation in operations])
    unit = [(turn == np.eye(3)).all() for turn in turns]
    if not any(one and not (shift % 1).any() for one, shift in zip(unit, shifts, strict=True)):
        raise Refused(reasons.UNREADABLE, "the operations that are listed have no x,y,z")
    tags = {tag: value for tag, value in tags.items() if tag not in OF_GROUP}
    # a name that ASE wants, and that adds nothing to the list
    block = CIFBlock(name, tags | {OPERATIONS[0]: operations, NAMES[1]: "P 1"})
    if not _fits(turns, block.get_cell().array):
        raise Refused(
            reasons.UNREADABLE, "the operations do not fit lengths and angles of the cell"
        )
    return block.get_atoms()


def _merged(atoms: Atoms) -> Atoms:
    """Images of one site that are as good as in one place, as one atom in their middle.

    A special position that is rounded, as 0.333 for a third, lies beside the axis or plane that it
    should lie on, and the operations make several atoms of it. The number of atoms that are left
    out is ``merged_atoms`` in the info.
    """
    kinds = atoms.arrays.get("spacegroup_kinds")
    if kinds is None or len(atoms) < 2 or cell_height(atoms.cell.array) < MIN_CELL_HEIGHT_A:
        return atoms
    first, second, apart = NeighborList(cutoff=1.0, full_list=False).compute(
        points=atoms.positions, box=atoms.cell.array, periodic=True, quantities="ijD"
    )
    same = (np.linalg.norm(apart, axis=1) < ONE_PLACE_A) & (first != second)
    same &= kinds[first] == kinds[second]
    if not same.any():
        return atoms
    links = coo_array((np.ones(same.sum()), (first[same], second[same])), shape=2 * (len(atoms),))
    labels = connected_components(links, directed=False)[1]
    _, kept, place = np.unique(labels, return_index=True, return_inverse=True)
    offsets = atoms.positions - atoms.positions[kept][place]
    offsets, _ = find_mic(offsets, atoms.cell, pbc=True)
    middle = np.zeros((len(kept), 3))
    np.add.at(middle, place, offsets)
    found = atoms[np.sort(kept)]
    order = np.argsort(kept)
    found.positions += (middle / np.bincount(place)[:, None])[order]
    found.info["merged_atoms"] = len(atoms) - len(found)
    return found


def _fits(turns: np.ndarray, cell: np.ndarray) -> bool:
    """Whether turns of fractional coordinates [K,3,3] keep lengths and angles of a cell."""
    metric = cell @ cell.T
    kept = np.swapaxes(turns, 1, 2) @ metric @ turns
    return np.allclose(kept, metric, rtol=0, atol=1e-2 * np.abs(metric).max())


def _symbols(tags: dict[str, Any]) -> list[str]:
    """Elements of all sites, by their type symbols or else their labels, in whatever letters.

    Raises:
        Refused: one is none, or may be either of two.
    """
    formula = _elements(str(tags.get(FORMULA, "")))
    types, labels = (_listed(tags.get(tag, [])) for tag in (TYPE, LABEL))
    found = []
    for kind, label in zip_longest(types, labels, fillvalue="?"):
        symbol = _element(str(kind), formula, exact=True) or _element(str(label), formula)
        if not symbol:
            text = f"expected an element in {TYPE} or {LABEL}, got {kind!r:.40}, {label!r:.40}"
            raise Refused(reasons.UNREADABLE, text)
        found.append(ISOTOPES.get(symbol, symbol))
    return found


def _element(word: str, formula: set[str], *, exact: bool = False) -> str:
    """The element at the beginning of a word, the one of the formula where there are two.

    Args:
        exact: the word is a symbol, and no label: CA is calcium unless the formula says otherwise.

    Raises:
        Refused: a label that may be either, as CA1, where the formula does not tell.
    """
    letters = _LETTERS.match(word)
    if letters is None or letters[1].lower() in ("wat", "dum", "du"):
        return ""
    begin = letters[1][:2]
    both = [s for s in dict.fromkeys((begin.capitalize(), begin[0].upper())) if _is_element(s)]
    if len(both) < 2 or begin[1].islower():
        return both[0] if both else ""
    told = [symbol for symbol in both if symbol in formula]
    if len(told) == 1 or exact:
        return (told or both)[0]
    text = f"{word!r:.40} may be {both[0]} or {both[1]}: {TYPE} or {FORMULA} would tell"
    raise Refused(reasons.UNREADABLE, text)


def _is_element(symbol: str) -> bool:
    return symbol in ISOTOPES or bool(atomic_numbers.get(symbol))


def _elements(formula: str) -> set[str]:
    """Of a sum formula such as ``C6 H6 O`` or ``SI O2``, none where it does not tell them."""
    words = [re.sub("[^A-Za-z]", "", word) for word in formula.split()]
    if len(words) == 1 and not re.search("[A-Z]{2}", formula):
        words = re.findall("[A-Z][a-z]?", formula)
    return {word.capitalize() for word in words if _is_element(word.capitalize())}


def _told(tags: dict[str, Any], names: Sequence[str]) -> list[str]:
    found = (str(tags.get(tag, "?")).strip() for tag in names)
    return [text for text in found if text not in ("", "?", ".")]


def _known_to_ase(name: str) -> bool:
    with suppress(SpacegroupError):
        Spacegroup(old_spacegroup_names.get(name, name))
        return True
    return False


def _operations_of(names: Sequence[str], cell: np.ndarray) -> list[str]:
    """Operations of the first setting of one of these names that keep the cell as it is.

    Args:
        names: as :func:`_settings` has them.

    Raises:
        Refused: there is none.
    """
    table = _settings()
    for name in names:
        for operations in table.get(name, []):
            if _fits(parse_sitesym(operations)[0], cell):
                return operations
    why = DO_NOT_FIT if not names or any(name in table for name in names) else "is not known"
    text = f"no operations are listed, and the group {why}: {', '.join(names) or 'by number'}"
    raise Refused(reasons.UNREADABLE, text[:200])


@cache
def _settings() -> dict[str, list[list[str]]]:
    """Operations of all settings of all space groups in pymatgen's table, by all their names."""
    import pymatgen.symmetry.groups as groups

    found: dict[str, list[list[str]]] = {}
    for entry in json.loads(Path(groups.__file__).with_name("symm_ops.json").read_bytes()):
        fields = ("universal_h_m", "hermann_mauguin", "short_h_m")
        # a blank behind a name says that the setting is another than that of the name
        names = [entry[field] for field in fields if not (entry[field] or " ").endswith(" ")]
        for name in dict.fromkeys([*map(_short, names), _hall(entry["hall"])]):
            found.setdefault(name, []).append(entry["symops"])
    return found


def _hall(symbol: str) -> str:
    """A Hall symbol as it is compared, apart from all names: P 4 2 is P 4 2 2 by its name."""
    return f"hall {' '.join(symbol.replace('_', ' ').split())}".lower()


def _short(name: str) -> str:
    """A name as it is compared: P2(1)/n, P 21/n and P2_1/n are one."""
    base, _, mark = name.strip().rpartition(" ")
    if base.count(" ") and mark.lower() in _MARKS:
        name = base + _MARKS[mark.lower()]
    return re.sub(r"[\s_()]", "", name).lower()


def _spellings(names: Iterable[str]) -> list[str]:
    """Names as they are compared, and after them what the table calls them."""
    found = []
    for name in map(_short, names):
        found.append(name)
        for pattern, text in _OTHER_NAMES:
            name = pattern.sub(text, name)
        found.append(name)
    return list(dict.fromkeys(found))


def _listed(value: Any) -> list[Any]:
    """What stands in a loop, or alone."""
    return value if isinstance(value, list) else [value]


def _check_size(sites: int, operations: int) -> None:
    if sites * operations > MAX_POSITIONS:
        what = f"{sites} sites, {operations} operations"
        raise Refused(reasons.TOO_MANY_ATOMS, what, MAX_POSITIONS)


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
    if re.fullmatch("image[0-9]+", block) or block.lower() in ("", "global", "x", "i"):
        return ""
    with suppress(ValueError):
        told, true = Formula(block).reduce()[0], atoms.symbols.formula.reduce()[0]
        if told.count() == true.count():
            return ""
    return block
