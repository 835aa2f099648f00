"""Molecules along a trajectory: those that most of its frames have, found again in all."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase.data import chemical_symbols

from limbeck.frames import Frames
from limbeck.geometry import MIN_CELL_HEIGHT_A, cell_height
from limbeck.molecules.bonds import BOND_FACTOR, Bonds, find_bonds
from limbeck.molecules.detection import BondGraph, NotMolecular, molecular_graph, whole

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trajectory:
    """F frames of the same n atoms, in which the same atoms are bonded, with M molecules.

    Attributes:
        graph: the molecules.
        frames: as they were given.
        positions: float64 [F,n,3], Angstrom, with every molecule whole.
    """

    graph: BondGraph
    frames: Frames
    positions: np.ndarray

    @property
    def cell(self) -> np.ndarray:
        """float64 [F,3,3], Angstrom; zeros where the frames are isolated."""
        return self.frames.cell

    @property
    def periodic(self) -> bool:
        """All frames are, or none is."""
        return bool(self.frames.periodic[0])

    def part(self, which: slice) -> "Trajectory":
        """Some of the frames."""
        index = np.arange(len(self.frames))[which]
        return Trajectory(self.graph, self.frames.select(index), self.positions[which])

    @cached_property
    def centres(self) -> np.ndarray:
        """Centres of mass of the molecules. float64 [F,M,3], Angstrom."""
        members, masses = self.graph.members, self.graph.masses
        atoms = np.concatenate(members)
        starts = np.cumsum([0, *map(len, members)])[:-1]
        # unwrapped positions: a mean over atoms on both sides of a face would lie in the middle of
        # the cell
        weighted = self.positions[:, atoms] * masses[atoms, None]
        total = np.add.reduceat(weighted, starts, axis=1)
        return total / np.add.reduceat(masses[atoms], starts)[:, None]


@dataclass(frozen=True)
class Tracked:
    """The frames of one trajectory, tracked or with a reason.

    Attributes:
        index: int64 [F'], where the frames stand among all.
        reasons: F' sentences, empty for the frames of ``trajectory``.
        trajectory: the frames without a reason; None where there is none.
    """

    index: np.ndarray
    reasons: list[str]
    trajectory: Trajectory | None


def trajectories(frames: Frames) -> Iterator[np.ndarray]:
    """Frames of one parent and one list of elements, as int64 indices; a root is by itself."""
    offsets = frames.offsets
    found: dict[tuple[bytes, bytes], list[int]] = {}
    for b in range(len(frames)):
        elements = frames.numbers[offsets[b] : offsets[b + 1]].tobytes()
        found.setdefault((frames.parent[b] or frames.id[b], elements), []).append(b)
    yield from map(np.array, found.values())


def track(frames: Frames, index: np.ndarray, *, factor: float = BOND_FACTOR) -> Tracked:
    """The molecules of the frames at ``index``, which are one trajectory.

    The bonds that most frames have decide, not those of the first frame: a scan along a mode may
    begin far from equilibrium. A frame with other bonds gets a reason, and a warning counts them.
    If the structure is not made of molecules, all frames get that reason.
    """
    part = frames.select(index)
    numbers = part.numbers[part.atoms_of(0)]
    positions = part.positions.reshape(len(part), len(numbers), 3)
    bonds = [_bonds(part, positions, f, factor) for f in range(len(part))]
    usual = _most_common(bonds)
    if usual is None:
        return Tracked(index, [str(b) for b in bonds], None)
    reasons = [_change(numbers, usual, other) for other in bonds]
    _warn(part, reasons)
    try:
        graph = molecular_graph(numbers, usual)
    except NotMolecular as error:
        return Tracked(index, [reason or str(error) for reason in reasons], None)
    good = np.array([not reason for reason in reasons])
    answers = zip(bonds, reasons, strict=True)
    # The images that are bonded differ from frame to frame, since atoms are wrapped one by one;
    # the pairs are the same.
    shift = np.stack([b.shift for b, reason in answers if isinstance(b, Bonds) and not reason])
    kept = part.select(good)
    trajectory = Trajectory(graph, kept, whole(graph, positions[good], shift, kept.cell))
    return Tracked(index, reasons, trajectory)


def _bonds(part: Frames, positions: np.ndarray, f: int, factor: float) -> Bonds | str:
    """Bonds of one frame, or why they cannot be found."""
    numbers, cell, periodic = part.numbers[part.atoms_of(f)], part.cell[f], part.periodic[f]
    if not len(numbers):
        return "no atoms"
    if not np.isfinite(positions[f]).all() or not np.isfinite(cell).all():
        return "numbers that are not finite"
    if periodic and cell_height(cell) < MIN_CELL_HEIGHT_A:
        return f"degenerate cell: smallest height below {MIN_CELL_HEIGHT_A} A"
    return find_bonds(numbers, positions[f], cell, bool(periodic), factor=factor)


def _pairs(bonds: Bonds) -> tuple[tuple[int, int], ...]:
    """The bonded atoms, whatever their images."""
    return tuple(zip(bonds.first.tolist(), bonds.second.tolist(), strict=True))


def _most_common(bonds: list[Bonds | str]) -> Bonds | None:
    """The most common bonds, the earlier of equally common ones; None if no frame has any."""
    found = [b for b in bonds if isinstance(b, Bonds)]
    if not found:
        return None
    usual = Counter(map(_pairs, found)).most_common(1)[0][0]
    return next(b for b in found if _pairs(b) == usual)


def _change(numbers: np.ndarray, usual: Bonds, other: Bonds | str) -> str:
    """The first bond that one of the two alone has; empty where there is none."""
    if isinstance(other, str):
        return other
    was, now = _pairs(usual), _pairs(other)
    if was == now:
        return ""
    broken, formed = Counter(was) - Counter(now), Counter(now) - Counter(was)
    pair, word = (min(broken), "broken") if broken else (min(formed), "formed")
    name = "-".join(f"{chemical_symbols[numbers[i]]}{i}" for i in pair)
    return f"bond {name} {word}, against most frames of its trajectory"


def _warn(part: Frames, reasons: list[str]) -> None:
    count = sum(reason.startswith("bond ") for reason in reasons)
    if count:
        parent = part.parent[0].decode() or part.id[0].decode()
        log.warning("%s: bonds changed in %d of %d frames", parent, count, len(reasons))
