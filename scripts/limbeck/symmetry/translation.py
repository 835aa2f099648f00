"""Shifts of the whole structure."""

import numpy as np

from limbeck.frames import Frames
from limbeck.geometry import wrapped
from limbeck.properties import Predictions
from limbeck.symmetry.copies import copies
from limbeck.symmetry.interface import Symmetry

#: Angstrom; how far isolated frames are shifted. As wide as a bond, as a box, and far: a thousand
#: shows the rounding of coordinates in single precision. Taken in turn, the farthest first.
DISTANCES_A = (1000.0, 1.0, 40.0)


class Translation(Symmetry):
    """All atoms shifted by one vector: anywhere in the cell, or 1, 40 and 1,000 Angstrom away.

    In a periodic frame an operation is a shift in fractions of the lattice vectors, and atoms that
    leave the cell come back on its other side, as most codes that write structures leave them. In
    an isolated frame it is a shift in Angstrom, in a random direction.

    Answers are those of the potential as all programs meet it through Limbeck, which brings frames
    near the origin by steps of 8 Angstrom (``geometry.near_origin``). So it shows whether a model
    reads where a frame stands, and whether large coordinates are kept from its single precision.
    """

    name = "translation"
    about = "the structure shifted as a whole; atoms of a crystal wrapped into the cell"

    def sample(self, frame: Frames, k: int, rng: np.random.Generator) -> np.ndarray:
        """float64 [k,3], each in [0, 1), or of the length that it is shifted by."""
        if frame.periodic[0]:
            return rng.random((k, 3))
        directions = rng.standard_normal((k, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return directions * np.resize(DISTANCES_A, k)[:, None]

    def apply(self, operation: np.ndarray, frame: Frames) -> Frames:
        return self.views(frame, np.asarray(operation)[None])

    def views(self, frame: Frames, operations: np.ndarray) -> Frames:  # type: ignore[override]
        if not frame.periodic[0]:
            moves = operations[:, None]
            return copies(frame, frame.positions + moves, points=frame.points + moves)
        shifts = operations @ frame.cell[0]  # [K,3]
        return copies(frame, wrapped(frame.positions + shifts[:, None], frame.cell[0]))

    def restore(self, operation: np.ndarray, answer: Predictions) -> Predictions:
        return answer
