"""PyXtal's space groups without work that it does again and again; its crystals are the same.

Of the time for a random crystal more than half went into a table of the distances of all pairs of
elements, made for each site that was tried and not read, and much of the rest into copies of
Wyckoff positions and loops over the 27 cells round an atom. Each function here gives what the one
of PyXtal that it stands for gives, down to rounding.
"""

from functools import cache
from typing import Any

import numpy as np
from pyxtal import operations, symmetry, wyckoff_site
from pyxtal.operations import filtered_coords
from pyxtal.symmetry import Group, Wyckoff_position
from pyxtal.tolerance import Tol_matrix

#: int [27,3], the cell and those round it, in PyXtal's order
CELLS = operations.create_matrix()
#: shorter columns of a rotation span nothing (PyXtal's)
SHORTEST = 1e-3

_distances_of_pyxtal = operations.distance_matrix


class SwiftPosition(Wyckoff_position):  # type: ignore[misc]
    """A Wyckoff position of a three-dimensional space group; nothing may change it."""

    def copy(self) -> Any:
        """Itself: PyXtal copies it before it reads it."""
        return self

    def get_dof(self) -> int:
        """How many coordinates are free."""
        if not hasattr(self, "_free"):
            self._free = super().get_dof()
        return int(self._free)

    def project(self, point: Any, cell: Any = None, PBC: Any = None, id: int = 0) -> np.ndarray:
        """The nearest point of the position, fractional [3]."""
        cell = np.eye(3) if cell is None else cell
        op = self.get_euclidean_generator(cell, id) if self.euclidean else self.ops[id]
        basis = op.rotation_matrix.T
        basis = basis[np.linalg.norm(basis, axis=1) > SHORTEST]
        moved = CELLS + op.translation_vector
        # PyXtal moves the point on from cell to cell: by all translations so far
        starts = np.mod(point, 1.0) - np.cumsum(moved, axis=0)
        along = starts @ basis.T / (basis**2).sum(axis=1)
        ends = along @ basis + moved
        nearest = np.linalg.norm((ends - starts) @ cell, axis=1).argmin()
        return np.asarray(filtered_coords(ends[nearest]))

    def search_generator_dist(
        self, pt: Any, lattice: Any = None, group: Any = None
    ) -> tuple[Any, float]:
        """The image of a point that is nearest to the position, and how far it is."""
        if self.index == 0 or group is None:
            found, far = super().search_generator_dist(pt, lattice, group)
            return found, float(far)
        images = operations.apply_ops(pt, group[0].ops)
        first = self.ops[0]
        apart = images @ first.rotation_matrix.T + first.translation_vector - images
        apart = np.mod(apart, 1.0)[:, None] + CELLS
        far = np.linalg.norm(apart @ (np.eye(3) if lattice is None else lattice), axis=-1)
        nearest = far.min(axis=1)
        return images[nearest.argmin()], float(nearest.min())


def swift_group(number: int) -> Any:
    """PyXtal's space group; a tenth of a second."""
    _hasten()
    group = Group(number)
    for position in group.Wyckoff_positions:
        position.__class__ = SwiftPosition
    return group


@cache
def tolerances(prototype: str, factor: float = 1.0) -> Any:
    """PyXtal's shortest distances of all pairs of elements; nothing may change them."""
    return Tol_matrix(prototype=prototype, factor=factor)


@cache
def _hasten() -> None:
    # what `check_images` makes for each site and, where it is given a distance, does not read
    operations.Tol_matrix = tolerances
    symmetry.distance_matrix = wyckoff_site.distance_matrix = _distances


def _distances(
    pts1: Any,
    pts2: Any,
    lattice: Any,
    PBC: Any = None,
    single: bool = False,
    metric: str = "euclidean",
) -> Any:
    """Shortest distances between two sets of points, as ``operations.distance_matrix``."""
    periodic = PBC is None or list(PBC) == [1, 1, 1]
    if not periodic or metric != "euclidean" or lattice is None:
        return _distances_of_pyxtal(pts1, pts2, lattice, PBC, single, metric)
    apart = np.mod(pts1, 1.0)[:, None] - np.mod(pts2, 1.0)
    apart = (apart @ lattice)[:, :, None] + CELLS @ lattice
    found = np.sqrt(np.einsum("abcx,abcx->abc", apart, apart).min(axis=2))
    return found.min() if single else found
