"""Structures as programs write them, without a library, and what is wrong with one.

The checks are those of Limbeck's screening that a model most often fails, never stricter than
these: what passes here is checked again there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Tuple

Vector = Tuple[float, float, float]

SYMBOLS = """
    X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se
    Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy
    Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu
""".split()
#: covalent radii of elements 1 to 94, Angstrom (Cordero et al., Dalton Trans. 2832 (2008), as ASE)
RADII = """
    0.31 0.28 1.28 0.96 0.84 0.76 0.71 0.66 0.57 0.58 1.66 1.41 1.21 1.11 1.07 1.05 1.02 1.06 2.03
    1.76 1.70 1.60 1.53 1.39 1.39 1.32 1.26 1.24 1.32 1.22 1.22 1.20 1.19 1.20 1.20 1.16 2.20 1.95
    1.90 1.75 1.64 1.54 1.47 1.46 1.42 1.39 1.45 1.44 1.42 1.39 1.39 1.38 1.39 1.40 2.44 2.15 2.07
    2.04 2.03 2.01 1.99 1.98 1.98 1.96 1.94 1.92 1.92 1.89 1.90 1.87 1.87 1.75 1.70 1.62 1.51 1.44
    1.41 1.36 1.36 1.32 1.45 1.46 1.48 1.40 1.50 1.50 2.60 2.21 2.15 2.06 2.00 1.96 1.90 1.87
""".split()
RADIUS = dict(zip(SYMBOLS[1:], map(float, RADII)))
#: no two atoms are nearer, Angstrom, and no cell is flatter; as in limbeck.structures
NEAREST_A, FLATTEST_A = 0.52, 1.0

# as in limbeck.reasons
UNREADABLE = "frame is not readable"
NO_ATOMS = "no atoms"
NO_ELEMENT = "atomic number out of range"
BAD_NUMBERS = "numbers that are not finite"
NOT_ALLOWED = "an element that the source does not allow"
FLAT_CELL = "degenerate cell: smallest height in A"
TOO_CLOSE = "atoms too close: distance over sum of covalent radii"


class Structure(NamedTuple):
    """One structure.

    Attributes:
        symbols: of the atoms.
        positions: Angstrom.
        cell: three lattice vectors, Angstrom; None of a molecule.
        name: of it, for people; empty where it has none.
        molfile: of a molecule, as its program wrote it.
    """

    symbols: Sequence[str]
    positions: Sequence[Vector]
    cell: Sequence[Vector] | None = None
    name: str = ""
    molfile: str = ""


def fault(structure: Structure | None, elements: Iterable[str] | None, ratio: float) -> str | None:
    """The first reason why a structure is of no use; None where there is none.

    Args:
        structure: None of one that could not be read.
        elements: symbols that it may have; any where None.
        ratio: smallest distance of two atoms in sums of their covalent radii.
    """
    if structure is None:
        return UNREADABLE
    if not structure.symbols:
        return NO_ATOMS
    if any(symbol not in RADIUS for symbol in structure.symbols):
        return NO_ELEMENT
    rows = [*structure.positions, *(structure.cell or ())]
    if not all(math.isfinite(x) for row in rows for x in row):
        return BAD_NUMBERS
    if elements is not None and not set(structure.symbols) <= set(elements):
        return NOT_ALLOWED
    if structure.cell is not None and min(heights(structure.cell)) < FLATTEST_A:
        return FLAT_CELL
    return TOO_CLOSE if overlaps(structure, ratio) else None


def cross(a: Vector, b: Vector) -> Vector:
    """Of two vectors."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def heights(cell: Sequence[Vector]) -> list[float]:
    """Distances between opposite faces of a cell; 0 of one without a volume."""
    faces = [cross(cell[(i + 1) % 3], cell[(i + 2) % 3]) for i in range(3)]
    volume = abs(sum(x * y for x, y in zip(cell[0], faces[0])))
    sizes = [math.sqrt(sum(x * x for x in face)) for face in faces]
    return [volume / size if size else 0.0 for size in sizes]


def overlaps(structure: Structure, ratio: float) -> bool:
    """Whether two atoms, of any periodic images, are nearer than they may be."""
    radii = [RADIUS[symbol] for symbol in structure.symbols]
    cell, positions = structure.cell, structure.positions
    moves = [(0.0, 0.0, 0.0)]
    if cell is not None:
        positions = [_wrapped(row, cell) for row in positions]
        reach = max(NEAREST_A, 2 * ratio * max(radii))
        # atoms are in the cell: one at its far face meets an image from one cell further
        most = [int(reach / height) + 1 for height in heights(cell)]
        ranges = [range(-n, n + 1) for n in most]
        moves = [_sum((i, j, k), cell) for i in ranges[0] for j in ranges[1] for k in ranges[2]]
    for i, a in enumerate(positions):
        for j in range(i, len(positions)):
            b = positions[j]
            limit = max(NEAREST_A, ratio * (radii[i] + radii[j])) ** 2
            d = (b[0] - a[0], b[1] - a[1], b[2] - a[2])
            for m in moves:
                if i == j and m == (0.0, 0.0, 0.0):
                    continue
                x, y, z = d[0] + m[0], d[1] + m[1], d[2] + m[2]
                if x * x + y * y + z * z < limit:
                    return True
    return False


def _sum(numbers: Sequence[float], cell: Sequence[Vector]) -> Vector:
    """So many of each lattice vector."""
    x, y, z = (sum(n * row[i] for n, row in zip(numbers, cell)) for i in range(3))
    return (x, y, z)


def _wrapped(position: Vector, cell: Sequence[Vector]) -> Vector:
    """The image of an atom in the cell."""
    faces = [cross(cell[(i + 1) % 3], cell[(i + 2) % 3]) for i in range(3)]
    volume = sum(x * y for x, y in zip(cell[0], faces[0]))
    fractions = [sum(x * y for x, y in zip(position, face)) / volume for face in faces]
    return _sum([f - math.floor(f) for f in fractions], cell)


def read_extxyz(path: Path) -> Iterator[Structure | None]:
    """Structures of an extended XYZ file; None for one that is not readable, which ends it."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    at = 0
    while at < len(lines):
        try:
            count = int(lines[at])
            rows = [line.split() for line in lines[at + 2 : at + 2 + count]]
            if count < 0 or len(rows) < count:
                raise ValueError("half written")
            start = _column_of_positions(lines[at + 1])
            positions = [_vector(row[start : start + 3]) for row in rows]
            lattice = re.search(r'\bLattice="([^"]*)"', lines[at + 1])
            numbers = lattice.group(1).split() if lattice else None
            cell = [_vector(numbers[i : i + 3]) for i in (0, 3, 6)] if numbers else None
            structure = Structure([row[0] for row in rows], positions, cell)
        except (ValueError, IndexError):
            yield None
            return
        yield structure
        at += 2 + count


def _column_of_positions(comment: str) -> int:
    """Where in a row the coordinates are; the symbol comes first."""
    found = re.search(r"\bProperties=(\S+)", comment)
    fields = found.group(1).strip('"').split(":") if found else ["species", "S", "1", "pos", "R"]
    if fields[0] != "species":
        raise ValueError("expected the species first")
    return sum(int(n) for n in fields[2 : fields.index("pos") : 3])


def _vector(words: Sequence[str]) -> Vector:
    x, y, z = map(float, words)
    return (x, y, z)


def read_poscar(path: Path, name: str = "") -> Structure | None:
    """The structure of a POSCAR file; None where it is not readable."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    try:
        scale = float(lines[1])
        x, y, z = (_vector([str(scale * float(w)) for w in line.split()]) for line in lines[2:5])
        counts = list(map(int, lines[6].split()))
        symbols = [s for s, n in zip(lines[5].split(), counts) for _ in range(n)]
        if len(symbols) != sum(counts) or len(lines) < 8 + len(symbols):
            raise ValueError("half written")
        rows = [_vector(line.split()[:3]) for line in lines[8 : 8 + len(symbols)]]
        if lines[7].strip().lower().startswith("d"):
            rows = [_sum(row, (x, y, z)) for row in rows]
    except (ValueError, IndexError):
        return None
    return Structure(symbols, rows, (x, y, z), name)


def read_molfile(text: str, name: str = "") -> Structure | None:
    """The molecule of a MOL file (V2000); None where it is not readable."""
    lines = text.split("$$$$")[0].rstrip("\n").split("\n")
    try:
        count, bonds = int(lines[3][:3]), int(lines[3][3:6])
        rows = lines[4 : 4 + count]
        if len(rows) < count or len(lines) < 4 + count + bonds or "M  END" not in lines:
            raise ValueError("half written")
        positions = [_vector([row[:10], row[10:20], row[20:30]]) for row in rows]
        symbols = [row[31:34].strip() for row in rows]
    except (ValueError, IndexError):
        return None
    lines[0] = name or lines[0]
    return Structure(symbols, positions, None, lines[0].strip(), "\n".join(lines) + "\n")


def written(structures: Sequence[Structure]) -> str:
    """Crystals as extended XYZ, molecules as SDF."""
    if all(structure.molfile for structure in structures):
        return "".join(f"{structure.molfile}$$$$\n" for structure in structures)
    return "".join(map(_extxyz, structures))


def _extxyz(structure: Structure) -> str:
    cell = " ".join(repr(x) for row in structure.cell or () for x in row)
    about = f'Lattice="{cell}" Properties=species:S:1:pos:R:3 pbc="T T T"'
    if structure.name:
        about += f" name={structure.name}"
    rows = [
        "{} {}".format(symbol, " ".join(map(repr, row)))
        for symbol, row in zip(structure.symbols, structure.positions)
    ]
    return "\n".join([str(len(rows)), about, *rows]) + "\n"


def from_parameters(
    lengths: Sequence[float], angles: Sequence[float], fractions: Sequence[Sequence[float]]
) -> tuple[list[Vector], list[Vector]]:
    """Lattice vectors and positions of a cell of these lengths (Angstrom) and angles (degrees)."""
    cosines = [math.cos(math.radians(angle)) for angle in angles]
    sine = math.sin(math.radians(angles[2])) or float("nan")
    a, b, c = lengths
    y = (cosines[0] - cosines[1] * cosines[2]) / sine
    rest = 1 - cosines[1] ** 2 - y**2
    z = math.sqrt(rest) if rest >= 0 else float("nan")  # angles that no cell has
    cell = [(a, 0.0, 0.0), (b * cosines[2], b * sine, 0.0), (c * cosines[1], c * y, c * z)]
    return cell, [_sum(row, cell) for row in fractions]
