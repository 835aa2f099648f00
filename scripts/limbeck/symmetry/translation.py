"""Shifts of the whole structure."""

import numpy as np

from limbeck.frames import Frames
from limbeck.geometry import wrapped
from limbeck.properties import Predictions
from limbeck.symmetry.copies import copies
from limbeck.symmetry.interface import Symmetry

#: Angstrom; edge of the box that shifts of isolated frames are drawn from, as wide as a usual cell
BOX = 10.0


class Translation(Symmetry):
    """All atoms shifted by one vector: anywhere in the cell, or in a box of 10 Angstrom.

    An operation is a point of the unit cube. In a periodic frame it is a shift in fractions of
    the lattice vectors, and atoms that leave the cell come back on its other side, as most codes
    that write structures leave them. In an isolated frame it is a shift in units of 10 Angstrom.
    """

    name = "translation"
    about = "the structure shifted as a whole; atoms of a crystal wrapped into the cell"

    def sample(self, frame: Frames, k: int, rng: np.random.Generator) -> np.ndarray:
        """float64 [k,3], each in [0, 1)."""
        return rng.random((k, 3))

    def apply(self, operation: np.ndarray, frame: Frames) -> Frames:
        return self.views(frame, np.asarray(operation)[None])

    def views(self, frame: Frames, operations: np.ndarray) -> Frames:  # type: ignore[override]
        if not frame.periodic[0]:
            return copies(frame, frame.positions + BOX * operations[:, None])
        shifts = operations @ frame.cell[0]  # [K,3]
        return copies(frame, wrapped(frame.positions + shifts[:, None], frame.cell[0]))

    def restore(self, operation: np.ndarray, answer: Predictions) -> Predictions:
        return answer
