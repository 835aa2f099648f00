"""The systems that costs are measured on: one of the data, and a ladder of sizes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from limbeck.frames import Frames, concatenate, from_atoms

#: between copies of a molecule, Angstrom: as molecules in a gas of van der Waals contacts
CONTACT = 3.0
Kind = Literal["data", "crystal", "molecules"]


@dataclass(frozen=True)
class System:
    """A system of one size.

    Attributes:
        kind: "data", a frame as it was selected; "crystal", a supercell of one; "molecules", copies
            of one on a cubic grid, isolated together.
        frame: one frame.
    """

    kind: Kind
    frame: Frames

    @property
    def n_atoms(self) -> int:
        """Its number of atoms."""
        return int(self.frame.n_atoms[0])

    def described(self) -> dict[str, object]:
        """As ``speed.json`` has it; ``of`` is the chemistry."""
        of = self.frame.group[0].decode()
        periodic = bool(self.frame.periodic[0])
        return {"kind": self.kind, "of": of, "n_atoms": self.n_atoms, "periodic": periodic}


def systems(frames: Frames, sizes: Sequence[int]) -> list[System]:
    """The frame of the median number of atoms, and for each size a crystal and molecules.

    Each ladder is made of the smallest frame of its kind, so that its lowest rung is as low as the
    data allow. Numbers of atoms are whole multiples of that frame's: those nearest to the sizes.

    Args:
        frames: the data; none gives no system.
        sizes: numbers of atoms; no ladder where there are none.
    """
    if not len(frames):
        return []
    middle = np.argsort(frames.n_atoms, kind="stable")[(len(frames) - 1) // 2]
    found = [System("data", frames.select([middle]))]
    for periodic in (True, False):
        there = np.flatnonzero(frames.periodic == periodic)
        if len(sizes) and len(there):
            smallest = frames.select([there[np.argmin(frames.n_atoms[there])]])
            found += _ladder(smallest, sizes)
    return found


def _ladder(frame: Frames, sizes: Sequence[int]) -> Iterator[System]:
    n_atoms = int(frame.n_atoms[0])
    numbers = sorted({max(1, round(size / n_atoms)) for size in sizes})
    if not frame.periodic[0]:
        yield from (System("molecules", _copies(frame, number)) for number in numbers)
        return
    for repeats in sorted({_repeats(frame.cell[0], number) for number in numbers}, key=np.prod):
        (atoms,) = frame.to_atoms()
        yield System("crystal", _as_frame(frame, atoms.repeat(repeats)))


def _repeats(cell: np.ndarray, number: int) -> tuple[int, int, int]:
    """How often each lattice vector is repeated: the most compact supercell of about ``number``
    cells, within a tenth of it where there is one."""
    lengths = np.linalg.norm(cell, axis=1)
    most = int(1.1 * number)
    found = np.array(
        [
            (a, b, c)
            for a in range(1, most + 1)
            for b in range(1, most // a + 1)
            for c in range(1, most // (a * b) + 1)
        ]
    )
    off = np.abs(np.prod(found, axis=1) - number) / number
    edges = found * lengths
    longest = edges.max(axis=1) / edges.min(axis=1)
    # of those that are near in number the most compact; else the nearest
    best = np.lexsort((off, longest, np.maximum(off, 0.1)))[0]
    a, b, c = found[best].tolist()
    return a, b, c


def _copies(frame: Frames, number: int) -> Frames:
    """So many copies of a molecule on a cubic grid, as one isolated frame."""
    (atoms,) = frame.to_atoms()
    spacing = np.ptp(atoms.positions, axis=0) + CONTACT
    side = int(np.ceil(number ** (1 / 3) - 1e-9))
    grid = np.array(list(product(range(side), repeat=3)))[:number]
    copies = atoms.copy()
    copies.positions = atoms.positions + grid[0] * spacing
    for place in grid[1:]:
        copy = atoms.copy()
        copy.positions += place * spacing
        copies += copy
    return _as_frame(frame, copies)


def _as_frame(frame: Frames, atoms: object) -> Frames:
    group = frame.group[0].decode()
    return from_atoms([atoms], groups=[group], source=frame.source[0].decode())  # type: ignore[list-item]


def many(frame: Frames, number: int) -> Frames:
    """A batch of a frame, so many times."""
    return concatenate([frame] * number)
