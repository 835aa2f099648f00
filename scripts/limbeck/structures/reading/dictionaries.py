"""Structures and molecules as pymatgen writes them into JSON: in lists, by name, in documents.

Their ``@module`` and ``@class`` name classes that monty would import; nothing is imported here.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from limbeck import reasons
from limbeck.check.seal import parsed_json
from limbeck.errors import LimbeckError
from limbeck.reasons import Refused

#: bytes of JSON that is read at once; it takes some ten times as much memory
MAX_BYTES = 2**28
#: of dictionaries and lists around a structure; deeper ones hold something else
MAX_DEPTH = 8
#: fields that say what a structure is called, the first that is there
NAMES = ("material_id", "id", "name", "entry_id", "task_id", "mp_id", "identifier")
#: of a document that has energies and forces of a structure beside it, as those of MPtrj and MatPES
DOCUMENTED = ("structure", "molecule")
#: which are of one chemistry
#: what is read of a frame whatever its type
TOLD = ("group", "spin", "multiplicity", "unpaired_electrons", "total_charge", "total_spin")
ISOTOPES = {"D": "H", "T": "H"}


def frames_of_json(path: Path) -> Iterator[Callable[[], Atoms]]:
    """All structures in a file, in its order.

    Raises:
        LimbeckError: too large, or no JSON.
    """
    if path.stat().st_size > MAX_BYTES:
        raise LimbeckError(
            f"more than {MAX_BYTES} bytes of JSON, which is read as a whole: write one structure "
            "in a line (JSON Lines), or a table (CSV); these are read row by row, of any size"
        )
    try:
        found = parsed_json(path.read_bytes())
    except ValueError:
        yield from _of_lines(path)
    else:
        yield from _structures(found)


def frames_of_lines(path: Path) -> Iterator[Callable[[], Atoms]]:
    """All structures of a file that has JSON in each line."""
    yield from _of_lines(path)


def _of_lines(path: Path) -> Iterator[Callable[[], Atoms]]:
    with open(path, "rb") as handle:
        for number, line in enumerate(iter(lambda: handle.readline(MAX_BYTES), b""), 1):
            if not line.strip():
                continue
            try:
                found = parsed_json(line)
            except ValueError as error:
                if number == 1:
                    raise LimbeckError(f"line 1: no JSON: {error}") from error
                yield partial(_refuse, f"line {number}: no JSON: {error}")
            else:
                yield from _structures(found)


def structure_of_text(text: str) -> Atoms:
    """The one structure in a text that is JSON.

    Raises:
        Refused: there is none, or more than one.
    """
    found = list(islice(_structures(parsed_json(text)), 2))
    if len(found) != 1:
        raise Refused(reasons.UNREADABLE, f"{len(found) or 'no'} structures of pymatgen in it")
    return found[0]()


def _refuse(text: str) -> Atoms:
    raise Refused(reasons.UNREADABLE, text)


def _structures(
    value: Any, name: str = "", depth: int = 0, beside: dict[str, Any] | None = None
) -> Iterator[Callable[[], Atoms]]:
    """Structures in a value; ``name`` is what stands around it, ``beside`` its document."""
    if isinstance(value, dict):
        name = next((str(value[n]) for n in NAMES if _is_name(value.get(n))), name)
        if isinstance(value.get("sites"), list):
            yield partial(_atoms, value, name, beside or {})
            return
        if _is_table(value):
            yield from _of_table(value)
            return
    for key, part in _parts(value) if depth < MAX_DEPTH else ():
        if isinstance(part, dict | list):
            beside = value if key in DOCUMENTED else None
            called = key if key and isinstance(part, dict) and not beside else name
            yield from _structures(part, called, depth + 1, beside)


def _is_table(value: dict[str, Any]) -> bool:
    """Whether it is a table of pandas (``orient="split"``), as those of Matbench are."""
    return all(isinstance(value.get(part), list) for part in ("index", "columns", "data"))


def _of_table(table: dict[str, Any]) -> Iterator[Callable[[], Atoms]]:
    """Structures of a table, each with the name in its row, or else that of the row."""
    columns, rows = [str(name) for name in table["columns"]], table["data"]
    for index, row in zip_longest(table["index"], rows):
        if not isinstance(row, list) or len(row) != len(columns):
            yield partial(_refuse, f"row {index}: expected a list of {len(columns)} values")
            continue
        told = dict(zip(columns, row, strict=True))
        # rows that are counted have no name
        own = index if isinstance(index, str) else ""
        name = next((str(told[n]) for n in NAMES if _is_name(told.get(n))), own)
        found = [told[n] for n in DOCUMENTED if isinstance(told.get(n), dict)]
        if len(found) != 1 or not isinstance(found[0].get("sites"), list):
            yield partial(_refuse, f"row {index}: no structure of pymatgen in it")
            continue
        beside = {key: value for key, value in told.items() if key not in DOCUMENTED}
        yield partial(_atoms, found[0], name, beside)


def _parts(value: Any) -> list[tuple[str, Any]]:
    """What a list or a dictionary holds, each with its key where that is a name.

    Of a document that has a structure beside others, as that before a relaxation, it is the one.
    """
    if isinstance(value, list):
        return [("", part) for part in value]
    for field in DOCUMENTED:
        if isinstance(value.get(field), dict):
            return [(field, value[field])]
    return list(value.items())


def _is_name(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _atoms(found: dict[str, Any], name: str, beside: dict[str, Any]) -> Atoms:
    """The atoms of pymatgen's dictionary of a Structure or a Molecule, and numbers beside it."""
    symbols = [_symbol(site) for site in found["sites"]]
    lattice = found.get("lattice")
    if lattice is None:
        atoms = Atoms(symbols, np.array([site["xyz"] for site in found["sites"]], float))
    else:
        cell = np.array(lattice["matrix"], float).reshape(3, 3)
        pbc = lattice.get("pbc", (True, True, True))
        places = np.array([site["abc"] for site in found["sites"]], float)
        atoms = Atoms(symbols, scaled_positions=places, cell=cell, pbc=pbc)
    own, told = found.get("charge"), beside.get("charge")
    # zero is what pymatgen writes where nobody said anything
    if own and told is not None and own != told:
        raise Refused(reasons.ELECTRONS, f"they contradict each other: charge {own}, {told}")
    if own is not None or told is not None:
        atoms.info["charge"] = told if told is not None else own
    if lattice is None and found.get("spin_multiplicity") is not None:
        atoms.info["unpaired_electrons"] = found["spin_multiplicity"] - 1
    for key, value in beside.items():
        if key in NAMES or key == "charge":
            continue
        if key in TOLD or isinstance(value, int | float) or _is_numbers(value):
            atoms.info.setdefault(key, np.array(value) if isinstance(value, list) else value)
    if name:
        atoms.info["name"] = name
    return atoms


def _is_numbers(value: Any) -> bool:
    """Whether a list is one of numbers, or of rows of them that are as long as each other."""
    if not isinstance(value, list) or not value:
        return False
    if all(isinstance(x, int | float) for x in value):
        return True
    rows = [len(row) if isinstance(row, list) else -1 for row in value]
    return rows[0] > 0 and set(rows) == {rows[0]} and all(_is_numbers(row) for row in value)


def _symbol(site: dict[str, Any]) -> str:
    """Of the one element on a site.

    Raises:
        Refused: there are several, or one that fills it in part.
    """
    species = site["species"]
    if len(species) != 1 or abs(float(species[0].get("occu", 1)) - 1) > 1e-3:
        raise Refused(reasons.PARTLY_OCCUPIED, "", 1)
    symbol = str(species[0]["element"])
    symbol = ISOTOPES.get(symbol, symbol)
    if not atomic_numbers.get(symbol):
        raise Refused(reasons.UNREADABLE, f"no element: {symbol!r:.80}")
    return symbol
