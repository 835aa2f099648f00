"""The same crystal, its cell repeated."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from limbeck.frames import ATOM_DTYPES, Frames
from limbeck.properties import Predictions, of_atoms, property_of
from limbeck.symmetry.copies import repeated
from limbeck.symmetry.interface import Symmetry

#: how often the cell is repeated along each lattice vector; the frame itself is one of the views
REPEATS = ((1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2))


class Repetition(NamedTuple):
    """Repeats of the cell along each vector, and the number of the copy that forces come from."""

    repeats: tuple[int, int, int]
    copy: int


class Supercell(Symmetry):
    """The cell as it is, or doubled along one lattice vector: four views, equally likely.

    Extensive properties such as the energy are divided by the number of cells. Properties of atoms
    such as forces are those of one copy of the cell, which is drawn, since a model may answer
    differently for each. The others, such as the stress, stay as they are.
    """

    name = "supercell"
    about = "the same crystal with its cell doubled: energy per atom and forces must repeat"

    def suits(self, frames: Frames) -> np.ndarray:
        return frames.periodic

    def sample(self, frame: Frames, k: int, rng: np.random.Generator) -> list[Repetition]:
        drawn = [REPEATS[i] for i in rng.integers(len(REPEATS), size=k)]
        return [Repetition(r, int(rng.integers(np.prod(r)))) for r in drawn]

    def apply(self, operation: Repetition, frame: Frames) -> Frames:
        repeats = np.array(operation.repeats)
        cells = np.stack(np.meshgrid(*map(np.arange, repeats), indexing="ij"), axis=-1)
        shifts = cells.reshape(-1, 3) @ frame.cell[0]  # [copies,3], in the order of the copies
        per_atom: dict[str, Any] = {
            n: repeated(getattr(frame, n), len(shifts)) for n in ATOM_DTYPES
        }
        per_atom["positions"] = per_atom["positions"] + np.repeat(shifts, frame.n_atoms[0], axis=0)
        return replace(
            frame,
            **per_atom,
            n_atoms=frame.n_atoms * len(shifts),
            # rows are lattice vectors: each row times its own number
            cell=frame.cell * repeats[:, None],
            atom_extra={n: repeated(v, len(shifts)) for n, v in frame.atom_extra.items()},
        )

    def restore(self, operation: Repetition, answer: Predictions) -> Predictions:
        number = int(np.prod(operation.repeats))
        n_atoms = len(answer.forces) // number
        # copies stand one after another, each with all atoms of the cell
        one = slice(operation.copy * n_atoms, (operation.copy + 1) * n_atoms)
        values = of_atoms(answer.values, one)
        return Predictions(
            values={n: v / number if property_of(n).extensive else v for n, v in values.items()}
        )
