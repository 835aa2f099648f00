"""Geometry that everything shares: rotations, cells, Voigt order, densities, distances."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from ase import units
from ase.data import atomic_masses, covalent_radii

from limbeck.frames import Frames


def turn(frames: Frames, matrices: np.ndarray) -> Frames:
    """Frames turned about the origin: r -> Q r for atoms and lattice vectors.

    Args:
        frames: B frames. Ids stay, since a view is the same frame seen from elsewhere.
        matrices: float64 [B,3,3], orthogonal.
    """
    per_atom = np.repeat(matrices, frames.n_atoms, axis=0)  # [N,3,3]
    return replace(
        frames,
        positions=np.einsum("nij,nj->ni", per_atom, frames.positions),
        cell=np.einsum("bij,bkj->bki", matrices, frames.cell),  # rows are vectors
    )


def wrapped(positions: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Positions [...,n,3] put into the cells [...,3,3]: fractional coordinates in [0, 1)."""
    # Positions and lattice vectors are rows: r = s L, so s = r L^-1.
    fractional = positions @ np.linalg.inv(cells)
    return np.asarray((fractional - np.floor(fractional)) @ cells)


#: Angstrom. Opposite faces of a cell stand farther apart than this in every crystal known.
MIN_CELL_HEIGHT_A = 1.0
#: Angstrom. A micrometre is beyond every structure here, and so far from it, searches for
#: neighbours still work; vesin divides by zero where one of few atoms stands at 1e6.
MAX_COORDINATE_A = 1e4
#: dalton per cubic Angstrom -> g/cm3
G_CM3 = units._amu * 1e3 / 1e-24


def cell_height(cell: np.ndarray) -> float:
    """Smallest distance of opposite faces, Angstrom; 0 where the cell has no volume."""
    # Height = volume / area of the face. The faces are spanned by b x c, c x a and a x b, which
    # the rolled rows give in this order.
    areas = np.linalg.norm(np.cross(np.roll(cell, -1, axis=0), np.roll(cell, -2, axis=0)), axis=1)
    return float(abs(np.linalg.det(cell)) / areas.max()) if areas.min() > 0 else 0.0


def cell_sizes(cell: np.ndarray) -> np.ndarray:
    """Volumes (Angstrom^3) and distances of opposite faces (Angstrom) of cells [B,3,3]: [B,4]."""
    volume = np.abs(np.linalg.det(cell))
    with np.errstate(divide="ignore", invalid="ignore"):  # a flat cell: caught as not finite
        # height = volume / area of the face, as above
        areas = np.linalg.norm(np.cross(np.roll(cell, -1, 1), np.roll(cell, -2, 1)), axis=2)
        return np.column_stack([volume, volume[:, None] / areas])


def density(numbers: np.ndarray, cell: np.ndarray) -> float:
    """Mass density, g/cm3, of atoms in a cell of Angstrom [3,3]."""
    return float(atomic_masses[numbers].sum() / abs(np.linalg.det(cell)) * G_CM3)


def check_extent(positions: np.ndarray, cell: np.ndarray) -> None:
    """To be asked before every search for neighbours, which may end the process otherwise.

    Args:
        positions, cell: Angstrom, of any number of atoms and cells.

    Raises:
        RuntimeError: a coordinate is not finite, or beyond :data:`MAX_COORDINATE_A`.
    """
    for what, values in (("a position", positions), ("the cell", cell)):
        # max of the absolute values, without a copy; NaN passes on through both, and is no number
        # that is at most the limit
        largest = max(-values.min(initial=0.0), values.max(initial=0.0))
        if not largest <= MAX_COORDINATE_A:
            raise RuntimeError(f"{what} at {largest:g} A, expected at most {MAX_COORDINATE_A:g} A")


def shortest_ratio(
    numbers: np.ndarray,
    positions: np.ndarray,
    cell: np.ndarray,
    periodic: bool,
    reach: float = 1.0,
) -> float:
    """Smallest distance over the sum of covalent radii (Cordero 2008, in ``ase.data``).

    Pairs count with all images of a periodic cell, an atom's own images among them.

    Args:
        numbers, positions, cell: [n], [n,3] and [3,3], Angstrom.
        reach: pairs are sought up to this ratio; infinity where there is none.

    Raises:
        RuntimeError: a position or the cell is not finite, or too large.
    """
    from vesin import NeighborList

    check_extent(positions, cell)
    radii = covalent_radii[numbers]
    # a hair more than needed: vesin leaves out pairs at exactly the cut-off; and at least 1 A,
    # since it cuts space into boxes of that size, and empty boxes cost time
    cutoff = max(2.0 * reach * float(radii.max()), 1.0) * 1.001
    first, second, distance = NeighborList(cutoff=cutoff, full_list=False).compute(
        points=positions, box=cell, periodic=periodic, quantities="ijd"
    )
    # a lone atom, or all pairs farther apart than the reach
    if len(distance) == 0:
        return float("inf")
    return float((distance / (radii[first] + radii[second])).min())


def shortest_distance_ratio(frames: Frames, reach: float = 1.0) -> np.ndarray:
    """:func:`shortest_ratio` of every frame. float64 [B]."""
    offsets, periodic = frames.offsets, frames.periodic
    return np.array(
        [
            shortest_ratio(
                frames.numbers[start:end],
                frames.positions[start:end],
                frames.cell[b],
                bool(periodic[b]),
                reach,
            )
            for b, (start, end) in enumerate(pairwise(offsets))
        ],
        dtype=np.float64,
    )


def stress_to_voigt(stress: np.ndarray) -> np.ndarray:
    """[...,3,3] -> [...,6] in the order xx yy zz yz xz xy."""
    return np.stack(
        [
            stress[..., 0, 0],
            stress[..., 1, 1],
            stress[..., 2, 2],
            # Tensors from autograd are symmetric only to rounding: both halves are averaged.
            (stress[..., 1, 2] + stress[..., 2, 1]) / 2,
            (stress[..., 0, 2] + stress[..., 2, 0]) / 2,
            (stress[..., 0, 1] + stress[..., 1, 0]) / 2,
        ],
        axis=-1,
    )


def voigt_to_stress(voigt: np.ndarray) -> np.ndarray:
    """[...,6] in the order xx yy zz yz xz xy -> symmetric [...,3,3]."""
    # no factor 2: stress in Voigt order, not strain
    order = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])
    return np.asarray(voigt)[..., order]


def composition(frames: Frames, elements: np.ndarray) -> np.ndarray:
    """Number of atoms of each element in each frame. float64 [B,E].

    Args:
        elements: int [E], atomic numbers, ascending; atoms of others do not count.
    """
    table = np.zeros((len(frames), len(elements)))
    known = np.isin(frames.numbers, elements)
    column = np.searchsorted(elements, frames.numbers[known])
    # add.at, since many atoms add to the same entry; plain += would count only one of them
    np.add.at(table, (frames.frame_of_atom[known], column), 1.0)
    return table


def volumes(frames: Frames) -> np.ndarray:
    """Volumes of the cells, Angstrom^3, zero where isolated. [B]"""
    # abs: a left-handed set of lattice vectors is as good as a right-handed one.
    return np.abs(np.linalg.det(frames.cell))
