"""POSCAR and CONTCAR of VASP: ASE reads them, and here it is told where one cannot be read."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from ase import Atoms
from ase.data import atomic_numbers
from ase.io import read

from limbeck import reasons
from limbeck.errors import LimbeckError, first_line
from limbeck.reasons import Refused

#: letters of a line that are shown
SHOWN = 60


def frames_of_poscar(path: Path) -> Iterator[Callable[[], Atoms]]:
    """The one structure of a file, still to be parsed.

    Raises:
        LimbeckError: it says that it has more atoms than lines.
    """
    with open(path, "rb") as handle:
        first = [handle.readline(10_000) for _ in range(7)]
        lines = 7 + sum(1 for _ in handle)
    # counts are in the sixth line, or below symbols in the seventh
    for line in first[5:7]:
        words = (word for word in line.decode("latin-1").split() if _is_count(word))
        atoms = sum(int(word) for word in words)
        if atoms > lines:
            raise LimbeckError(f"{atoms} atoms, and it has {lines} lines")
    yield partial(_parsed, path)


def _parsed(path: Path) -> Atoms:
    try:
        # ASE takes what follows an @ in a name for the number of a frame
        found = read(path, format="vasp", do_not_split_by_at_sign=True)
    except Exception as error:  # whatever ASE's reader meets
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        why = fault(lines) or f"not readable as POSCAR: {first_line(error)}"
        raise Refused(reasons.UNREADABLE, why) from error
    assert isinstance(found, Atoms)  # not a list, of no index
    return found


def fault(lines: Sequence[str]) -> str:
    """The first line that is none of a POSCAR, what was expected there and what was found.

    Returns:
        Nothing where each line is as it should be.
    """
    if len(_numbers(_line(lines, 1))) not in (1, 3):
        return _told(lines, 1, "a scaling factor, or three")
    for number in (2, 3, 4):
        if len(_numbers(_line(lines, number))) < 3:
            return _told(lines, number, "three numbers, a lattice vector")
    number = 5
    words = _line(lines, number).split()
    if words and not _is_count(words[0]):
        for word in words:
            symbol = word.split("/")[0].split("_")[0]
            if symbol not in atomic_numbers:
                return _told(lines, number, "symbols of elements")
        number += 1
    counts = [word for word in _line(lines, number).split() if _is_count(word)]
    if not counts:
        return _told(lines, number, "numbers of atoms, one for each element")
    number += 1
    if _line(lines, number).lstrip()[:1].lower() == "s":  # selective dynamics
        number += 1
    if not _line(lines, number).strip():
        return _told(lines, number, "Direct or Cartesian")
    for atom in range(sum(map(int, counts))):
        number += 1
        if len(_numbers(_line(lines, number))) < 3:
            return _told(lines, number, f"three coordinates, of atom {atom + 1} of the file")
    return ""


def _line(lines: Sequence[str], index: int) -> str:
    return lines[index] if index < len(lines) else ""


def _numbers(line: str) -> list[float]:
    """Those that a line begins with."""
    found: list[float] = []
    with suppress(ValueError):
        for word in line.split():
            found.append(float(word))
    return found


def _told(lines: Sequence[str], index: int, expected: str) -> str:
    if index >= len(lines):
        return f"it ends after line {len(lines)}, expected {expected}"
    return f"line {index + 1}: expected {expected}, got {lines[index].strip()[:SHOWN]!r}"


def _is_count(word: str) -> bool:
    return len(word) <= 20 and not word.strip("+_0123456789")
