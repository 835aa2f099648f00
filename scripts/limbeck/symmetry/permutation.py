"""Other orders of the atoms."""

from dataclasses import replace

import numpy as np

from limbeck.frames import ATOM_DTYPES, Frames
from limbeck.properties import Predictions, of_atoms
from limbeck.symmetry.interface import Symmetry


class Permutation(Symmetry):
    """Atoms listed in another order, drawn uniformly; atom i of a view is atom p[i] of the frame.

    What belongs to the frame stays, and what belongs to atoms goes back to them.
    """

    name = "permutation"
    about = "the atoms listed in another order"

    def suits(self, frames: Frames) -> np.ndarray:
        return np.asarray(frames.n_atoms > 1)

    def sample(self, frame: Frames, k: int, rng: np.random.Generator) -> np.ndarray:
        """int64 [k,n]."""
        n = len(frame.numbers)
        # permuted shuffles each row by itself; permutation would move whole rows
        return rng.permuted(np.tile(np.arange(n), (k, 1)), axis=1)

    def apply(self, operation: np.ndarray, frame: Frames) -> Frames:
        return self.views(frame, np.asarray(operation)[None])

    def views(self, frame: Frames, operations: np.ndarray) -> Frames:  # type: ignore[override]
        rows = operations.ravel()
        per_atom = {name: getattr(frame, name)[rows] for name in ATOM_DTYPES}
        extra = {name: values[rows] for name, values in frame.atom_extra.items()}
        repeated = frame.select(np.zeros(len(operations), dtype=np.int64))
        return replace(repeated, **per_atom, atom_extra=extra)

    def restore(self, operation: np.ndarray, answer: Predictions) -> Predictions:
        back = np.argsort(operation)  # the place of each atom in the view
        return Predictions(values=of_atoms(answer.values, back))
