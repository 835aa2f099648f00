"""The key of a structure: what all presentations of it have in common, and few others have.

For each atom, the distances to its nearest neighbours, sorted; then their mean over the atoms of
each element. Neither turning, mirroring, shifting or numbering the atoms anew, nor the choice of
the cell changes it, and moving every atom by d at most changes no entry by more than 2 d. Equal
keys make candidates, which :mod:`~limbeck.structures.duplicates.match` compares atom by atom.
"""

from math import gcd

import numpy as np
from scipy.spatial.distance import cdist
from vesin import NeighborList

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import MIN_CELL_HEIGHT_A, cell_height, check_extent

#: neighbours of an atom that count; those of a molecule are fewer
NEIGHBOURS = 24
#: the first range of a search holds so many times the neighbours asked for, as densities vary
_ROOM, _WIDER = 1.6, 1.2


def composition(frames: Frames, b: int) -> bytes:
    """What two structures must share to be compared at all.

    Of crystals the reduced formula, since cells may differ in size; of isolated structures all
    atoms. Charge and unpaired electrons count as well.
    """
    elements, counts = np.unique(frames.numbers[frames.atoms_of(b)], return_counts=True)
    electrons = [int(frames.charge[b]), int(frames.spin[b])]
    units = gcd(*counts.tolist(), *electrons) if frames.periodic[b] else 1
    parts = [f"{z}x{n // units}" for z, n in zip(elements.tolist(), counts.tolist(), strict=True)]
    kind = "crystal" if frames.periodic[b] else "isolated"
    return " ".join([kind, *parts, *(f"{n // units}" for n in electrons)]).encode()


def key(frames: Frames, b: int) -> np.ndarray:
    """The key of one structure, as long for all of one composition. float32 [E*K], Angstrom.

    Returns:
        An empty one of what has no sensible one: no atom, or one alone in vacuum, coordinates that
        are not finite, a flat cell. Such a structure is no duplicate of any.
    """
    rows = frames.atoms_of(b)
    numbers, positions, cell = frames.numbers[rows], frames.positions[rows], frames.cell[b]
    try:
        check_extent(positions, cell)
        distances = _in_crystal(positions, cell) if frames.periodic[b] else _isolated(positions)
    except (LimbeckError, RuntimeError, ValueError):  # vesin's are of the last two kinds
        return np.zeros(0, np.float32)
    means = [distances[numbers == z].mean(axis=0) for z in np.unique(numbers)]
    return np.concatenate([*means, np.zeros(0)]).astype(np.float32)


def _isolated(positions: np.ndarray) -> np.ndarray:
    """Sorted distances of each atom to its nearest others. float64 [n,K]."""
    return np.sort(cdist(positions, positions), axis=1)[:, 1 : NEIGHBOURS + 1]


def _in_crystal(positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """The same, images included. float64 [n,K]."""
    n_atoms = len(positions)
    if not n_atoms or cell_height(cell) < MIN_CELL_HEIGHT_A:
        return np.zeros((n_atoms, 0))
    volume = abs(np.linalg.det(cell)) / n_atoms
    cutoff = (_ROOM * NEIGHBOURS * volume * 3 / (4 * np.pi)) ** (1 / 3)
    while True:
        first, distance = NeighborList(cutoff=cutoff, full_list=True).compute(
            points=positions, box=cell, periodic=True, quantities="id"
        )
        counts = np.bincount(first, minlength=n_atoms)
        if counts.min() >= NEIGHBOURS:
            break
        cutoff *= _WIDER
    order = np.lexsort([distance, first])
    starts = np.cumsum(counts) - counts
    return np.asarray(distance[order][starts[:, None] + np.arange(NEIGHBOURS)])
