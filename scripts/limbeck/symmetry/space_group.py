"""The operations that map a crystal onto itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from moyopy import Cell, MoyoDataset

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.properties import Predictions, of_atoms, turned_back
from limbeck.symmetry.copies import copies
from limbeck.symmetry.interface import Symmetry

#: Angstrom. Atoms of a published crystal stand where its group puts them to the digits of a file
#: (1e-6), and a displacement that dynamics would make is a hundred times larger: between the two,
#: so that a frame counts as symmetric where it was meant to be, and a rattled one does not.
SYMPREC = 1e-4
#: Groups of at most so many operations (the largest point group) are gone through one by one.
LARGEST_WHOLE = 48
#: Distances between atoms and images that are held at a time: some tens of megabytes.
DISTANCES = 10**6


@dataclass(frozen=True)
class GroupOperations:
    """K operations of a crystal of n atoms.

    Attributes:
        turns: float64 [K,3,3], the orthogonal matrices Q; r becomes Q r.
        image: int64 [K,n], the atom in whose place each atom comes to stand.
        cells: float64 [K,3,3], Angstrom, rows are the lattice vectors of the view.
        fractional: float64 [K,n,3], of the view, in the order of the frame's atoms.
        whole: they are the whole group.
    """

    turns: np.ndarray
    image: np.ndarray
    cells: np.ndarray
    fractional: np.ndarray
    whole: bool

    def __len__(self) -> int:
        return len(self.turns)

    def __getitem__(self, index: int) -> "GroupOperations":
        """One of them; it is not the whole group any more."""
        one = slice(index, index + 1)
        parts = (self.turns[one], self.image[one], self.cells[one], self.fractional[one])
        return GroupOperations(*parts, whole=False)

    def __iter__(self) -> Iterator["GroupOperations"]:
        return (self[i] for i in range(len(self)))


class SpaceGroup(Symmetry):
    """The crystal's own operations: rotations, mirrors, screws, glides and lattice translations.

    A view is the structure turned and shifted. Its lattice vectors and the order of its atoms are
    chosen so that it looks as before: the same lattice, with each atom in the place of an
    equivalent one. So f_g(x) compares the forces on equivalent atoms, and the stress with itself
    after a rotation. A crystal may obey its group only to ``SYMPREC``. The rotation is exact even
    then (the nearest orthogonal matrix), and the lattice follows it. So a model that respects
    rotations, translations, permutations and the choice of cell has no gap beyond rounding, however
    rough the crystal is. (Moving atoms exactly onto the old ones in a fixed lattice would make
    another structure, by up to ``SYMPREC``, and the gap would be the model's answer to that.)

    One search finds all operations of a frame. Up to 48 of them are all used, and the average over
    them is exact. Of more than 48, k are drawn.
    """

    name = "space_group"
    about = "a crystal's own operations: equivalent atoms must have equivalent forces"

    def suits(self, frames: Frames) -> np.ndarray:
        found = np.zeros(len(frames), dtype=bool)
        for b in np.flatnonzero(frames.periodic).tolist():
            operations = _search(frames, b)
            # The identity alone is no symmetry to measure.
            found[b] = operations is not None and len(operations[0]) > 1
        return found

    def sample(self, frame: Frames, k: int, rng: np.random.Generator) -> GroupOperations:
        """All operations, or k of them where there are more than 48.

        Raises:
            LimbeckError: the frame has no space group, or no order of its atoms that fits.
        """
        found = _search(frame, 0) if frame.periodic[0] else None
        if found is None:
            raise LimbeckError(f"frame {frame.id[0].decode()}: no space group was found")
        rotations, translations = found
        whole = len(rotations) <= LARGEST_WHOLE
        if not whole:
            drawn = rng.integers(len(rotations), size=k)
            rotations, translations = rotations[drawn], translations[drawn]
        return _operations(frame, rotations, translations, whole)

    def is_whole(self, operations: GroupOperations) -> bool:  # type: ignore[override]
        return operations.whole

    def apply(self, operation: GroupOperations, frame: Frames) -> Frames:
        return self.views(frame, operation)

    def views(self, frame: Frames, operations: GroupOperations) -> Frames:  # type: ignore[override]
        return copies(frame, operations.fractional @ operations.cells, operations.cells)

    def restore(self, operation: GroupOperations, answer: Predictions) -> Predictions:
        # in the place of atom i stood its image
        moved = of_atoms(answer.values, operation.image[0])
        n_atoms = np.array([len(answer.forces)])
        return Predictions(values=turned_back(moved, operation.turns, n_atoms))


def _search(frames: Frames, b: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Rotations W int64 [G,3,3] and translations w float64 [G,3] of x -> W x + w, fractional."""
    rows = frames.atoms_of(b)
    return _found(
        frames.cell[b].tobytes(),
        frames.positions[rows].tobytes(),
        frames.numbers[rows].tobytes(),
    )


@lru_cache(maxsize=1024)  # ``suits`` and ``sample`` ask for the same: one search a crystal
def _found(cell: bytes, positions: bytes, numbers: bytes) -> tuple[np.ndarray, np.ndarray] | None:
    basis = np.frombuffer(cell).reshape(3, 3)
    fractional = np.frombuffer(positions).reshape(-1, 3) @ np.linalg.inv(basis)
    try:
        data = MoyoDataset(
            Cell(basis.tolist(), fractional.tolist(), list(numbers)), symprec=SYMPREC
        )
    except ValueError:  # of moyopy: no search, no group
        return None
    return np.array(data.operations.rotations), np.array(data.operations.translations)


def _operations(
    frame: Frames, rotations: np.ndarray, translations: np.ndarray, whole: bool
) -> GroupOperations:
    """Turns, lattices and places of atoms for operations x -> W x + w [K].

    With lattice vectors in the rows of L, W is Q = L^T W L^-T in Cartesian coordinates. The
    turned lattice L Q^T, combined by W^-T, is L again.
    """
    cell = frame.cell[0]
    inverse = np.linalg.inv(cell)
    # In a cell that obeys its group to SYMPREC only, L^T W L^-T is orthogonal only to that.
    turns = _orthogonal(cell.T @ rotations @ inverse.T)
    # the inverse of an integer matrix of determinant 1 or -1 is an integer matrix
    back = np.rint(np.linalg.inv(rotations)).transpose(0, 2, 1)  # W^-T, integer
    cells = back @ (cell @ turns.transpose(0, 2, 1))
    before = frame.positions @ inverse  # [n,3]
    after = before @ rotations.transpose(0, 2, 1) + translations[:, None]  # [K,n,3]
    image = _nearest(before, after)
    if (np.sort(image, axis=1) != np.arange(len(before))).any():
        raise LimbeckError(
            f"frame {frame.id[0].decode()}: its space group maps two atoms onto one, expected each "
            f"onto another; atoms closer than {SYMPREC} A?"
        )
    after -= np.rint(after - before[image])  # the periodic image that looks as before
    fractional = np.empty_like(after)
    # The view lists atom i in the place of its image, so that elements and positions look as
    # before.
    fractional[np.arange(len(image))[:, None], image] = after
    return GroupOperations(turns, image, cells, fractional, whole)


def _orthogonal(matrices: np.ndarray) -> np.ndarray:
    """The nearest orthogonal matrices: two steps of Newton's and Schulz's iteration.

    Each squares the deviation, which is below 1e-4 here.
    """
    for _ in range(2):
        matrices = 1.5 * matrices - 0.5 * matrices @ matrices.transpose(0, 2, 1) @ matrices
    return matrices


def _nearest(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Index of the atom of ``before`` [n,3] next to each of ``after`` [K,n,3], fractional."""
    at_a_time = max(1, DISTANCES // len(before) ** 2)
    parts = []
    for start in range(0, len(after), at_a_time):
        away = after[start : start + at_a_time, :, None] - before  # [k,n,n,3]
        away -= np.rint(away)
        parts.append(np.einsum("knmi,knmi->knm", away, away).argmin(axis=2))
    return np.concatenate(parts)
