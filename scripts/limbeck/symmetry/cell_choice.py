"""The same lattice, described by other lattice vectors."""

from functools import cache
from itertools import product

import numpy as np

from limbeck.frames import Frames
from limbeck.geometry import wrapped
from limbeck.properties import Predictions
from limbeck.symmetry.copies import copies
from limbeck.symmetry.interface import Symmetry


class CellChoice(Symmetry):
    """Other vectors that span the same lattice: integer combinations of volume 1.

    An operation is one of the 3480 matrices with entries -1, 0, 1 and determinant 1, equally
    likely; rows of M L are the new lattice vectors. The atoms are wrapped into the new
    cell. Nothing turns, so that answers need no bringing back.
    """

    name = "cell_choice"
    about = "the same crystal in another primitive choice of its lattice vectors"

    def suits(self, frames: Frames) -> np.ndarray:
        return frames.periodic

    def sample(self, frame: Frames, k: int, rng: np.random.Generator) -> np.ndarray:
        """int64 [k,3,3], determinant 1."""
        matrices = unimodular()
        return matrices[rng.integers(len(matrices), size=k)]

    def apply(self, operation: np.ndarray, frame: Frames) -> Frames:
        return self.views(frame, np.asarray(operation)[None])

    def views(self, frame: Frames, operations: np.ndarray) -> Frames:  # type: ignore[override]
        # integer combinations of the rows; determinant 1 keeps the lattice and its handedness
        cells = operations @ frame.cell[0]  # [K,3,3]
        return copies(frame, wrapped(frame.positions, cells), cells)

    def restore(self, operation: np.ndarray, answer: Predictions) -> Predictions:
        return answer


@cache
def unimodular() -> np.ndarray:
    """All integer matrices with entries -1, 0, 1 and determinant 1. int64 [3480,3,3]."""
    every = np.array(list(product((-1, 0, 1), repeat=9))).reshape(-1, 3, 3)
    return every[np.rint(np.linalg.det(every)) == 1]
