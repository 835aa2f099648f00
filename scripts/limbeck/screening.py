"""What is refused, and why: no physics of a potential, only what no structure may have."""

import csv
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from ase import units
from ase.data import atomic_masses, covalent_radii

from limbeck.files import write_csv
from limbeck.frames import Frames

log = logging.getLogger(__name__)

#: the heaviest element that any of the teachers knows: plutonium
MAX_ATOMIC_NUMBER = 94
#: Angstrom. Opposite faces of a cell stand farther apart than this in every crystal known.
MIN_CELL_HEIGHT_A = 1.0
#: dalton per cubic Angstrom -> g/cm3
G_CM3 = units._amu * 1e3 / 1e-24


@dataclass(frozen=True)
class Rejected:
    """One structure that was refused.

    Attributes:
        frame: ``source/number``, where it stands in its source, or the row in the file screened.
        id: of the frame, empty where it was never made.
        reason: one of few sentences, with the unit of value and limit.
        value, limit: what was found and what was allowed.
    """

    frame: str
    id: str
    reason: str
    value: float | str
    limit: float | str


class _Fault(Exception):
    """reason, value, limit."""


def screen(frames: Frames, settings: dict[str, Any]) -> tuple[Frames, list[Rejected]]:
    """Keep the frames that pass every check; each other one gets the first that it fails.

    Args:
        settings: ``min_distance_ratio``, ``min_density_g_cm3``, ``max_density_g_cm3``,
            ``max_atoms``.
    """
    keep = np.ones(len(frames), dtype=bool)
    rejected = []
    seen: set[bytes] = set()
    for b in range(len(frames)):
        try:
            for check in CHECKS:
                check(frames, b, settings)
            _check_duplicate(frames.id[b], seen)
        except _Fault as fault:
            keep[b] = False
            rejected.append(Rejected(_name(frames, b), frames.id[b].decode(), *fault.args))
    _report(len(frames), rejected)
    return frames.select(keep), rejected


def write_rejected(path: str | Path, rejected: Sequence[Rejected]) -> None:
    """Write refused structures as CSV; read them with :func:`read_rejected`."""
    columns = [f.name for f in fields(Rejected)]
    write_csv(path, columns, [astuple(r) for r in rejected])


def read_rejected(path: str | Path) -> list[Rejected]:
    """Refused structures as they were written; value and limit as text."""
    with open(path, newline="", encoding="utf-8") as handle:
        return [Rejected(**row) for row in csv.DictReader(handle)]


def _name(frames: Frames, b: int) -> str:
    return f"{frames.source[b].decode()}/{frames.info_of(b).get('number', f'row {b}')}"


def _report(count: int, rejected: list[Rejected]) -> None:
    log.info("%d of %d frames kept", count - len(rejected), count)
    for reason, number in Counter(r.reason for r in rejected).most_common():
        log.warning("%d refused: %s", number, reason)
    if count and count == len(rejected):
        log.warning("nothing is left")


def _check_size(frames: Frames, b: int, settings: dict[str, Any]) -> None:
    n_atoms, limit = int(frames.n_atoms[b]), settings["max_atoms"]
    if n_atoms == 0:
        raise _Fault("no atoms", n_atoms, 1)
    if n_atoms > limit:
        raise _Fault("too many atoms", n_atoms, limit)


def _check_elements(frames: Frames, b: int, settings: dict[str, Any]) -> None:
    numbers = frames.numbers[frames.atoms_of(b)].astype(int)
    worst = numbers.max() if numbers.min() >= 1 else numbers.min()
    if not 1 <= worst <= MAX_ATOMIC_NUMBER:
        raise _Fault("atomic number out of range", int(worst), f"1 to {MAX_ATOMIC_NUMBER}")


def _check_finite(frames: Frames, b: int, settings: dict[str, Any]) -> None:
    values = np.concatenate([frames.positions[frames.atoms_of(b)].ravel(), frames.cell[b].ravel()])
    if not np.isfinite(values).all():
        raise _Fault("numbers that are not finite", int((~np.isfinite(values)).sum()), 0)


def _check_cell(frames: Frames, b: int, settings: dict[str, Any]) -> None:
    if not frames.periodic[b]:
        return
    height = cell_height(frames.cell[b])
    if height < MIN_CELL_HEIGHT_A:
        raise _Fault("degenerate cell: smallest height in A", height, MIN_CELL_HEIGHT_A)


def _check_density(frames: Frames, b: int, settings: dict[str, Any]) -> None:
    if not frames.periodic[b]:
        return
    value = density(frames.numbers[frames.atoms_of(b)], frames.cell[b])
    lowest, highest = settings["min_density_g_cm3"], settings["max_density_g_cm3"]
    if value < lowest:
        raise _Fault("density too low, g/cm3", value, lowest)
    if value > highest:
        raise _Fault("density too high, g/cm3", value, highest)


def _check_distance(frames: Frames, b: int, settings: dict[str, Any]) -> None:
    rows, limit = frames.atoms_of(b), settings["min_distance_ratio"]
    value = shortest_ratio(
        frames.numbers[rows],
        frames.positions[rows],
        frames.cell[b],
        bool(frames.periodic[b]),
        limit,
    )
    if value < limit:
        raise _Fault("atoms too close: distance over sum of covalent radii", value, limit)


def _check_duplicate(frame_id: bytes, seen: set[bytes]) -> None:
    if frame_id in seen:
        raise _Fault("duplicate of an earlier frame", "", "")
    seen.add(frame_id)


#: in the order they run: later ones rely on earlier ones (a neighbour list wants a sound cell)
CHECKS: list[Callable[[Frames, int, dict[str, Any]], None]] = [
    _check_size,
    _check_elements,
    _check_finite,
    _check_cell,
    _check_density,
    _check_distance,
]


def cell_height(cell: np.ndarray) -> float:
    """Smallest distance of opposite faces, Angstrom; 0 where the cell has no volume."""
    areas = np.linalg.norm(np.cross(np.roll(cell, -1, axis=0), np.roll(cell, -2, axis=0)), axis=1)
    return float(abs(np.linalg.det(cell)) / areas.max()) if areas.min() > 0 else 0.0


def density(numbers: np.ndarray, cell: np.ndarray) -> float:
    """Mass density, g/cm3, of atoms in a cell of Angstrom [3,3]."""
    return float(atomic_masses[numbers].sum() / abs(np.linalg.det(cell)) * G_CM3)


def shortest_ratio(
    numbers: np.ndarray,
    positions: np.ndarray,
    cell: np.ndarray,
    periodic: bool,
    reach: float = 1.0,
) -> float:
    """Smallest distance over the sum of covalent radii (Cordero 2008, in ``ase.data``).

    Pairs count with all images of a periodic cell, an atom's own images among them.

    Args:
        numbers, positions, cell: [n], [n,3] and [3,3], Angstrom.
        reach: pairs are sought up to this ratio; infinity where there is none.

    Raises:
        RuntimeError: a position or the cell is not finite.
    """
    from vesin import NeighborList

    radii = covalent_radii[numbers]
    # a hair more than needed: vesin leaves out pairs at exactly the cut-off; and at least 1 A,
    # since it cuts space into boxes of that size, and empty boxes cost time
    cutoff = max(2.0 * reach * float(radii.max()), 1.0) * 1.001
    first, second, distance = NeighborList(cutoff=cutoff, full_list=False).compute(
        points=positions, box=cell, periodic=periodic, quantities="ijd"
    )
    if len(distance) == 0:
        return float("inf")
    return float((distance / (radii[first] + radii[second])).min())


def shortest_distance_ratio(frames: Frames, reach: float = 1.0) -> np.ndarray:
    """:func:`shortest_ratio` of every frame. float64 [B]."""
    offsets, periodic = frames.offsets, frames.periodic
    return np.array(
        [
            shortest_ratio(
                frames.numbers[start:end],
                frames.positions[start:end],
                frames.cell[b],
                bool(periodic[b]),
                reach,
            )
            for b, (start, end) in enumerate(pairwise(offsets))
        ],
        dtype=np.float64,
    )
