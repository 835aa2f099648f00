"""Frames of XYZ and extended XYZ: found by their counts of atoms, parsed one by one.

Between frames may be empty lines. Where a frame is not as long as its count says, the next begins
at the next count that as many atoms follow; what lies between is refused with its line.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import IO

from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from ase.io import read
from ase.io.extxyz import key_val_str_to_dict

from limbeck import reasons
from limbeck.errors import LimbeckError
from limbeck.reasons import Refused
from limbeck.structures.reading.dictionaries import ISOTOPES

#: of a line of extended XYZ, in numbers or words
MAX_COLUMNS = 1000
#: blanks, and with what systems of old fill a file up
_EMPTY = b" \t\r\n\f\v\0\x1a"
#: no more digits than a file can have lines
_COUNT = re.compile(rb"\s*([0-9]{1,15})\s*")


class _Lines:
    """Lines of a file one after another, with a way back."""

    def __init__(self, handle: IO[bytes]) -> None:
        self.handle, self.at, self.number = handle, 0, 0

    def next(self) -> bytes:
        line = self.handle.readline()
        self.at += len(line)
        self.number += bool(line)
        return line

    def skip_atoms(self, count: int) -> int:
        """Go behind ``count`` lines that may be atoms; the number of those that were there.

        Of a file of a GB, these are all lines: no more is asked than whether one is a count.
        """
        start = self.number
        for skipped, line in enumerate(islice(self.handle, count)):
            # a count is short, and most atoms are not
            if len(line) < 30 and (not line.strip() or line.strip().isdigit()):
                self.back(self.at, self.number)
                return skipped
            self.at += len(line)
            self.number += 1
        return self.number - start

    def skip_empty(self) -> bytes:
        """Go to the next line that is not empty; that line, nothing at the end of the file."""
        while line := self.next():
            if line.strip(_EMPTY):
                self.back(self.at - len(line), self.number - 1)
                return line
        return b""

    def back(self, at: int, number: int) -> None:
        self.handle.seek(at)
        self.at, self.number = at, number


def frames_of_xyz(path: Path) -> Iterator[Callable[[], Atoms]]:
    """Frames of a file, each still to be parsed.

    Raises:
        LimbeckError: it has no frame at all.
    """
    with open(path, "rb") as handle:
        lines, found = _Lines(handle), False
        while first := lines.skip_empty():
            start, line = lines.at, lines.number + 1
            fault = _fault(lines, first)
            if fault is None:
                yield partial(_parsed, path, start, lines.at, line)
            else:
                lines.back(start, line - 1)
                _find_next(lines)
                if not found and not _COUNT.fullmatch(first) and not lines.skip_empty():
                    raise LimbeckError(str(fault.value))
                yield partial(_raise, fault)
            found = True


def _raise(fault: Refused) -> Atoms:
    raise fault


def _fault(lines: _Lines, first: bytes) -> Refused | None:
    """Go behind the frame that begins here; what is wrong with its length."""
    start, count = lines.number + 1, _count(first)
    if count is None:
        text = f"line {start}: expected the number of atoms, got {_shown(first)}"
        return Refused(reasons.UNREADABLE, text)
    lines.next()
    comment = lines.next()
    behind = lines.at, lines.number
    there = lines.skip_atoms(count) if comment else 0
    if there < count or not comment:
        text = f"line {start}: {there} are there"
        return Refused(reasons.UNREADABLE, f"{count} atoms", text)
    stop = lines.at, lines.number
    after = lines.skip_empty()
    if after and _count(after) is None:
        number = lines.number + 1
        lines.back(*behind)
        # what follows may be no part of it
        if _is_atom(after) or not all(_is_atom(lines.next()) for _ in range(count)):
            text = f"expected the end of {count} atoms of line {start}, got {_shown(after)}"
            return Refused(reasons.UNREADABLE, f"line {number}: {text}")
    lines.back(*stop)
    return None


def _find_next(lines: _Lines) -> None:
    """Go from the first line of a bad frame to a count that as many atoms follow, or to the end."""
    lines.next()
    while line := lines.skip_empty():
        start = lines.at, lines.number
        lines.next()
        if (count := _count(line)) is None:
            continue
        behind = lines.at, lines.number
        if count and lines.next() and all(_is_atom(lines.next()) for _ in range(count)):
            lines.back(*start)
            return
        lines.back(*behind)


def _count(line: bytes) -> int | None:
    found = _COUNT.fullmatch(line)
    return int(found[1]) if found else None


def _is_atom(line: bytes) -> bool:
    return len(line.split()) >= 4


def _shown(line: bytes) -> str:
    return f"{line.decode('utf-8', 'replace').strip()!r:.80}"


def _parsed(path: Path, start: int, stop: int, line: int) -> Atoms:
    """The frame between two places of a file; ``line`` is the number of its first."""
    with open(path, "rb") as handle:
        handle.seek(start)
        data = handle.read(stop - start)
    try:
        text = data.decode()
    except UnicodeDecodeError:  # an Angstrom sign of old; each byte is a letter there
        text = data.decode("latin-1")
    first, comment, *atoms = text.replace("\r\n", "\n").split("\n")
    # as ASE reads the comment: a column of 10^9 numbers would have a name for each
    extended = re.search("Properties|Lattice", comment, re.IGNORECASE)
    found = str(key_val_str_to_dict(comment).get("Properties", "")) if extended else ""
    columns = (found or "species:S:1:pos:R:3").split(":")
    widths = [int(width) for width in columns[2::3]]
    if sum(widths) > MAX_COLUMNS:
        raise Refused(reasons.UNREADABLE, f"{':'.join(columns[2::3])} columns", MAX_COLUMNS)
    names = columns[0::3]
    place = sum(widths[: names.index("pos")]) if "pos" in names else 0
    atoms = atoms[: int(first)]
    species = sum(widths[: names.index("species")]) if "species" in names else None
    for n, words in enumerate(map(str.split, atoms)):
        _check_words(words, line + 2 + n, sum(widths), place)
        if species is not None and words[species] not in atomic_numbers:
            words[species] = _element(words[species], line + 2 + n)
            atoms[n] = " ".join(words)
    try:
        return _by_ase(first, comment, atoms)
    except Exception:
        if extended:
            raise
        return _by_ase(first, "", atoms)  # anything may stand in the comment of plain XYZ


def _check_words(words: list[str], line: int, columns: int, place: int) -> None:
    """Refuse an atom with too few columns, or whose place is no number."""
    if len(words) < columns:
        text = f"expected {columns} columns, got {len(words)}"
        raise Refused(reasons.UNREADABLE, f"line {line}: {text}")
    for word in words[place : place + 3]:
        try:
            float(word)
        except ValueError:
            text = f"line {line}: expected a coordinate, got {word!r:.80}"
            raise Refused(reasons.UNREADABLE, text) from None


def _element(word: str, line: int) -> str:
    """The symbol of an element that is written as its number, an isotope or in other letters."""
    if word.isdigit() and 0 < int(word[:4]) < len(chemical_symbols):
        return chemical_symbols[int(word[:4])]
    symbol = ISOTOPES.get(word, word.capitalize())
    if symbol not in atomic_numbers:
        text = f"line {line}: expected the symbol of an element, got {word!r:.80}"
        raise Refused(reasons.UNREADABLE, text)
    return symbol


def _by_ase(count: str, comment: str, atoms: list[str]) -> Atoms:
    text = "\n".join([count.strip(), comment, *atoms, ""])
    found = read(StringIO(text), index=0, format="extxyz")
    return found[0] if isinstance(found, list) else found
