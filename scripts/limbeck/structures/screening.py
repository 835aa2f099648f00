"""Screening: refuse what no structure may have; no potential is asked."""

import csv
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from ase.data import atomic_masses

from limbeck import reasons
from limbeck.check.progress import each
from limbeck.config.sections.screen import Screen
from limbeck.files import write_csv
from limbeck.frames import Frames
from limbeck.geometry import G_CM3, MAX_COORDINATE_A, MIN_CELL_HEIGHT_A, cell_height, density
from limbeck.structures.distances import all_alone, contact_too_near, too_near

log = logging.getLogger(__name__)

#: the heaviest element that any of the teachers knows: plutonium
MAX_ATOMIC_NUMBER = 94
#: An atom of atomic number Z takes up more than the first times Z to the power of the second, see
#: :func:`largest_density`.
SMALLEST_VOLUME_A3, VOLUME_EXPONENT = 0.8, 0.45


@dataclass(frozen=True)
class Rejected:
    """One structure that was refused.

    Attributes:
        frame: ``source/number``, where it stands in its source, or the row in the file screened.
        id: of the frame, empty where it was never made.
        reason: one of few sentences, with the unit of value and limit.
        value, limit: what was found and what was allowed.
        name: what the user's file calls it, or where it stands there.
    """

    frame: str
    id: str
    reason: str
    value: float | str
    limit: float | str
    name: str = ""


class _Fault(Exception):
    """reason, value, limit."""


def screen(
    frames: Frames, limits: Screen, duplicates: Mapping[str, tuple[float, float]] | None = None
) -> tuple[Frames, list[Rejected]]:
    """Keep the frames that pass every check; each other one gets the first that it fails.

    Args:
        duplicates: name (:func:`name_of`) of each that is the same as an earlier structure -> by
            how much distances of both differ, and what was allowed, Angstrom.
    """
    keep = np.ones(len(frames), dtype=bool)
    same = duplicates or {}
    rejected = []
    seen: set[bytes] = set()
    for b in each(range(len(frames)), "screening", "structures"):
        try:
            for check in _CHECKS:
                check(frames, b, limits)
            _check_duplicate(frames.id[b], seen)
            if found := same.get(name_of(frames, b)):
                raise _Fault(reasons.SAME_STRUCTURE, *found)
        except _Fault as fault:
            keep[b] = False
            reason, value, limit = fault.args
            where, name = name_of(frames, b), str(frames.info_of(b).get("name", ""))
            frame_id = frames.id[b].decode()
            rejected.append(Rejected(where, frame_id, reason, value, limit, name))
    _report(len(frames), rejected)
    return frames.select(keep), rejected


def passes(frames: Frames, b: int, limits: Screen) -> bool:
    """Whether a frame passes every check."""
    try:
        for check in _CHECKS:
            check(frames, b, limits)
    except _Fault:
        return False
    return True


def write_rejected(path: str | Path, rejected: Sequence[Rejected]) -> None:
    """Write refused structures as CSV; read them with :func:`read_rejected`."""
    columns = [f.name for f in fields(Rejected)]
    write_csv(path, columns, [astuple(r) for r in rejected])


def read_rejected(path: str | Path) -> list[Rejected]:
    """Refused structures as they were written; value and limit as text."""
    with open(path, newline="", encoding="utf-8") as handle:
        return [Rejected(**row) for row in csv.DictReader(handle)]


def name_of(frames: Frames, b: int) -> str:
    """``source/number``, or the row in the file where a frame has no number."""
    return f"{frames.source[b].decode()}/{frames.info_of(b).get('number', f'row {b}')}"


def _report(count: int, rejected: list[Rejected]) -> None:
    log.info("%d of %d frames kept", count - len(rejected), count)
    for reason, number in Counter(r.reason for r in rejected).most_common():
        log.warning("%d refused: %s", number, reason)
    if count and count == len(rejected):
        log.warning("nothing is left")


def _check_size(frames: Frames, b: int, limits: Screen) -> None:
    n_atoms, limit = int(frames.n_atoms[b]), limits.max_atoms
    if n_atoms == 0:
        raise _Fault(reasons.NO_ATOMS, n_atoms, 1)
    if n_atoms > limit:
        raise _Fault(reasons.TOO_MANY_ATOMS, n_atoms, limit)


def unsound(
    numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray
) -> tuple[str, float | str, float | str] | None:
    """Why no later step can take a structure, whatever the limits are; None where it is sound.

    Args:
        numbers, positions, cell: [n], [n,3] and [3,3], Angstrom.

    Returns:
        reason, what was found, what is allowed.
    """
    numbers = np.asarray(numbers, dtype=np.int64)
    if len(numbers) and not 1 <= numbers.min() <= numbers.max() <= MAX_ATOMIC_NUMBER:
        # the number that is out of range, on either side
        worst = numbers.max() if numbers.min() >= 1 else numbers.min()
        return reasons.NO_ELEMENT, int(worst), f"1 to {MAX_ATOMIC_NUMBER}"
    values = np.concatenate([np.ravel(positions), np.ravel(cell)])
    if not np.isfinite(values).all():
        return reasons.BAD_NUMBERS, int((~np.isfinite(values)).sum()), 0
    largest = float(np.abs(values).max())
    if largest > MAX_COORDINATE_A:
        return reasons.TOO_FAR_OUT, largest, MAX_COORDINATE_A
    return None


def _check_sound(frames: Frames, b: int, limits: Screen) -> None:
    rows = frames.atoms_of(b)
    fault = unsound(frames.numbers[rows], frames.positions[rows], frames.cell[b])
    if fault:
        raise _Fault(*fault)


def _check_cell(frames: Frames, b: int, limits: Screen) -> None:
    if not frames.periodic[b]:
        return
    height = cell_height(frames.cell[b])
    if height < MIN_CELL_HEIGHT_A:
        raise _Fault(reasons.FLAT_CELL, height, MIN_CELL_HEIGHT_A)


def _check_density(frames: Frames, b: int, limits: Screen) -> None:
    if not frames.periodic[b]:
        return
    numbers = frames.numbers[frames.atoms_of(b)]
    value = density(numbers, frames.cell[b])
    lowest, highest = limits.min_density_g_cm3, limits.max_density_g_cm3
    if highest is None:
        highest = largest_density(numbers)
    if value > highest:
        raise _Fault(reasons.TOO_DENSE, value, highest)
    # One atom or two in a wide box are as good as a molecule in it; three of which none has a
    # neighbour are a crystal that was blown up.
    if value < lowest and len(numbers) > 2 and all_alone(*_atoms(frames, b)):
        raise _Fault(reasons.TOO_THIN, value, lowest)


def largest_density(numbers: np.ndarray) -> float:
    """Largest density, g/cm3, that these elements come to in crystals.

    An atom of atomic number Z takes up at least 0.8 Z^0.45 A^3. At 1 TPa, copper and aluminium have
    4.8, gold 7.9 and uranium 8.3 A^3 (equations of state in ``benchmarks/screen.py``): the limit
    is a half to four fifths of that.
    """
    volume = (SMALLEST_VOLUME_A3 * numbers.astype(float) ** VOLUME_EXPONENT).sum()
    return float(atomic_masses[numbers].sum() / volume * G_CM3)


def _atoms(frames: Frames, b: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    rows = frames.atoms_of(b)
    return frames.numbers[rows], frames.positions[rows], frames.cell[b], bool(frames.periodic[b])


def _check_distance(frames: Frames, b: int, limits: Screen) -> None:
    found = too_near(*_atoms(frames, b), limits.min_distance_ratio)
    if found:
        raise _Fault(reasons.TOO_CLOSE, found.value, found.limit)


def _check_contacts(frames: Frames, b: int, limits: Screen) -> None:
    found = contact_too_near(*_atoms(frames, b), limits.min_contact_ratio)
    if found:
        raise _Fault(reasons.CONTACT_TOO_CLOSE, found.value, found.limit)


def _check_duplicate(frame_id: bytes, seen: set[bytes]) -> None:
    if frame_id in seen:
        raise _Fault(reasons.DUPLICATE, "", "")
    seen.add(frame_id)


#: in the order they run: later ones rely on earlier ones (a neighbour list wants a sound cell)
_CHECKS: list[Callable[[Frames, int, Screen], None]] = [
    _check_size,
    _check_sound,
    _check_cell,
    _check_density,
    _check_distance,
    _check_contacts,
]
