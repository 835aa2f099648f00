"""Structures in the cells of a table (CSV), as the data sets of MP-20 have them.

A row is read when it is asked for: of a table of any size, only where each row begins is kept.
"""

import csv
import io
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

from ase import Atoms

from limbeck import reasons
from limbeck.errors import LimbeckError
from limbeck.reasons import Refused
from limbeck.structures.reading.cif import crystal_of
from limbeck.structures.reading.dictionaries import NAMES, structure_of_text

#: names of the column that has the structures, the first that is there; in any letters
COLUMNS = ("cif", "structure", "cif_string", "cif.conv")
#: letters of one cell; a CIF of 10,000 atoms has a million
MAX_CELL = 2**24


class _Lines:
    """Lines of a file for a reader of CSV, and how far it has come."""

    def __init__(self, handle: IO[bytes]) -> None:
        self.handle, self.at, self.number = handle, 0, 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.handle.readline(MAX_CELL)
        if not line:
            raise StopIteration
        self.at += len(line)
        self.number += 1
        return line.decode("utf-8", "replace")


def frames_of_table(path: Path) -> Iterator[Callable[[], Atoms]]:
    """The structure of each row, still to be parsed.

    Raises:
        LimbeckError: no column has structures.
    """
    csv.field_size_limit(MAX_CELL)
    with open(path, "rb") as handle:
        lines = _Lines(handle)
        reader = csv.reader(lines, strict=True)
        header = next(reader, [])
        column = _column(header)
        while True:
            start, line = lines.at, lines.number + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:  # as where the last row is half written
                yield partial(_refuse, f"line {line}: {error}")
                continue
            if not row:
                continue
            if len(row) != len(header):
                text = f"line {line}: expected {len(header)} columns, got {len(row)}"
                yield partial(_refuse, text)
                continue
            yield partial(_parsed, path, start, lines.at, column, _named(header))


def _column(header: list[str]) -> int:
    names = [name.strip().lower() for name in header]
    found = next((names.index(name) for name in COLUMNS if name in names), None)
    if found is None:
        expected = " or ".join(COLUMNS[:2])
        raise LimbeckError(
            f"columns {', '.join(header)[:200]}: expected one that is called {expected}"
        )
    return found


def _named(header: list[str]) -> int | None:
    """The column that has names; None where there is none."""
    return next((header.index(name) for name in NAMES if name in header), None)


def _refuse(text: str) -> Atoms:
    raise Refused(reasons.UNREADABLE, text)


def _parsed(path: Path, start: int, stop: int, column: int, named: int | None) -> Atoms:
    """The structure of the row between two places of a file."""
    csv.field_size_limit(MAX_CELL)
    with open(path, "rb") as handle:
        handle.seek(start)
        text = handle.read(stop - start).decode("utf-8", "replace")
    (row,) = csv.reader(io.StringIO(text, newline=""), strict=True)
    cell = row[column].strip()
    if not cell:
        raise Refused(reasons.UNREADABLE, "no structure in its row")
    atoms = structure_of_text(cell) if cell.startswith("{") else crystal_of(cell.encode())
    if named is not None and row[named].strip():
        atoms.info["name"] = row[named].strip()
    return atoms
