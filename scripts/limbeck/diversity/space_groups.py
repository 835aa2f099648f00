"""Space groups of crystals, by spglib; the structures that frames were made from, not the frames.

Displaced atoms have no symmetry: nearly all frames of a dynamics are P 1.
"""

import numpy as np

from limbeck.frames import Frames

#: Angstrom: how far atoms may be from where the symmetry has them
TOLERANCE_A = 0.01


def space_groups(frames: Frames) -> list[str]:
    """Symbol of each periodic frame, as ``Fm-3m (225)``; "none found" where spglib finds none."""
    import spglib

    found = []
    for b in np.flatnonzero(frames.periodic):
        atoms = frames.atoms_of(int(b))
        cell = frames.cell[b]
        scaled = np.linalg.solve(cell.T, frames.positions[atoms].T).T
        crystal = (cell.tolist(), scaled.tolist(), frames.numbers[atoms].tolist())
        try:
            symbol = spglib.get_spacegroup(crystal, TOLERANCE_A)
        except spglib.SpglibError:  # newer ones raise, older ones return None
            symbol = None
        found.append(symbol or "none found")
    return found
