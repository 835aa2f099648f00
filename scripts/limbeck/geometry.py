"""Geometry that everything shares: rotations, cells, Voigt order, densities, distances."""

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import units
from ase.data import atomic_masses, covalent_radii

from limbeck.frames import Frames

if TYPE_CHECKING:
    from ase import Atoms


def turn(frames: Frames, matrices: np.ndarray) -> Frames:
    """Frames turned about the origin: r -> Q r for atoms, lattice vectors and points around them.

    Args:
        frames: B frames. Ids stay, since a view is the same frame seen from elsewhere.
        matrices: float64 [B,3,3], orthogonal.
    """
    per_atom = np.repeat(matrices, frames.n_atoms, axis=0)  # [N,3,3]
    per_point = np.repeat(matrices, frames.n_points, axis=0)
    return replace(
        frames,
        positions=np.einsum("nij,nj->ni", per_atom, frames.positions),
        points=np.einsum("nij,nj->ni", per_point, frames.points),
        cell=np.einsum("bij,bkj->bki", matrices, frames.cell),  # rows are vectors
    )


def centres_of_nuclear_charge(frames: Frames) -> np.ndarray:
    """The mean of each frame's positions, weighted with atomic numbers, Angstrom. float64 [B,3]"""
    numbers = frames.numbers.astype(np.float64)
    sums = np.zeros((len(frames), 3))
    np.add.at(sums, frames.frame_of_atom, numbers[:, None] * frames.positions)
    whole = np.bincount(frames.frame_of_atom, weights=numbers, minlength=len(frames))
    return sums / np.maximum(whole, 1)[:, None]


def wrapped(positions: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Positions [...,n,3] put into the cells [...,3,3]: fractional coordinates in [0, 1)."""
    # Positions and lattice vectors are rows: r = s L, so s = r L^-1.
    fractional = positions @ np.linalg.inv(cells)
    return np.asarray((fractional - np.floor(fractional)) @ cells)


#: Angstrom; what isolated frames are moved by multiples of. A power of two, so that moving one back
#: changes no bit; and so small that a coordinate in single precision is good to 1e-6 Angstrom.
STEP_A = 8.0


def near_origin(frames: Frames) -> Frames:
    """The same structures near the origin, moved in double precision; what is near stays as it is.

    An isolated frame is moved as a whole, by multiples of 8 Angstrom along each axis, until its
    centre is within 4 Angstrom of the origin along each. Of a periodic frame, atoms more than a
    cell outside of their cell are put back into it by whole lattice vectors. Ids stay.
    """
    periodic = frames.periodic[frames.frame_of_atom]
    centres = np.zeros((len(frames), 3))
    np.add.at(centres, frames.frame_of_atom, frames.positions)
    centres /= np.maximum(frames.n_atoms, 1)[:, None]
    of_frame = STEP_A * np.rint(centres / STEP_A)
    moves = of_frame[frames.frame_of_atom]
    inverse = np.zeros_like(frames.cell)
    # a flat cell has no inverse: its atoms stay, and who looks for neighbours says what is wrong
    sound = frames.periodic & (np.abs(np.linalg.det(frames.cell)) > 0)
    inverse[sound] = np.linalg.inv(frames.cell[sound])
    of_atom = frames.frame_of_atom[periodic]
    steps = np.floor(np.einsum("ni,nij->nj", frames.positions[periodic], inverse[of_atom]))
    steps[np.abs(steps) <= 1] = 0
    moves[periodic] = np.einsum("ni,nij->nj", steps, frames.cell[of_atom])
    if not moves.any():
        return frames
    points = frames.points - of_frame[frames.frame_of_point]  # isolated frames alone have any
    return replace(frames, positions=frames.positions - moves, points=points)


#: Angstrom. Opposite faces of a cell stand farther apart than this in every crystal known.
MIN_CELL_HEIGHT_A = 1.0
#: Angstrom. A micrometre is beyond every structure here, and so far from it, searches for
#: neighbours still work; vesin divides by zero where one of few atoms stands at 1e6.
MAX_COORDINATE_A = 1e4
#: Angstrom between the atoms of a slab or wire and their images across it. Models with a cutoff see
#: up to 10 A; by the rest an atom may leave the surface before it meets what is not there.
VACUUM_A = 20.0
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


def in_vacuum(atoms: "Atoms") -> tuple["Atoms", dict[str, Any]]:
    """A slab or a wire in a cell that is periodic in three directions, its atoms where they were.

    The cell stays where there are :data:`VACUUM_A` between images already. Else vectors along which
    it is not periodic are replaced by ones at right angles to the others.

    Returns:
        The structure, and for the info of its frame ``vacuum_axis``, the number of the lattice
        vector across the vacuum (two of them for a wire), and ``as_given`` with the ``pbc`` and
        ``cell`` (Angstrom) that it came with. Isolated and fully periodic structures come back as
        they are, with nothing.

    Raises:
        ValueError: it is periodic along a direction for which there is no lattice vector.
    """
    pbc = np.array(atoms.pbc)
    if pbc.all() or not pbc.any():
        return atoms, {}
    given = np.array(atoms.cell)
    across = np.flatnonzero(~pbc)
    if np.linalg.svd(given[pbc], compute_uv=False).min() < MIN_CELL_HEIGHT_A / 2:
        raise ValueError("no lattice vector along a direction that is periodic")
    made = atoms.copy()
    made.pbc = True
    if not _enough_vacuum(given, atoms.positions, across):
        cell, normals = given.copy(), _normals(given[pbc], across)
        cell[across] = normals * (np.ptp(atoms.positions @ normals.T, axis=0) + VACUUM_A)[:, None]
        if np.linalg.det(cell) < 0:
            cell[across[-1]] *= -1
        made.set_cell(cell, scale_atoms=False)
    axes = across.tolist()
    info = {"pbc": pbc.tolist(), "cell": given.tolist()}
    return made, {"vacuum_axis": axes[0] if len(axes) == 1 else axes, "as_given": info}


def _enough_vacuum(cell: np.ndarray, positions: np.ndarray, across: np.ndarray) -> bool:
    """Whether images along these lattice vectors are :data:`VACUUM_A` apart."""
    if cell_height(cell) <= 0:
        return False
    # columns of the inverse are normals to the faces, of the length of one over the height
    normals = np.linalg.inv(cell)[:, across]
    free = 1 - np.ptp(positions @ normals, axis=0)
    return bool((free / np.linalg.norm(normals, axis=0)).min() >= VACUUM_A)


def _normals(vectors: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Unit vectors at right angles to ``vectors`` and to each other, near the axes ``across``."""
    known = list(np.linalg.qr(vectors.T)[0].T)
    for axis in (*across, 0, 1, 2):
        rest = np.eye(3)[axis] - sum(v[axis] * v for v in known)
        # Of three axes one always has 0.58 left, the root of a third.
        if len(known) < 3 and np.linalg.norm(rest) > 0.5:
            known.append(rest / np.linalg.norm(rest))
    return np.array(known[len(vectors) :])


def vacuum_axes(frames: Frames) -> np.ndarray:
    """bool [B,3]: lattice vectors across a vacuum, of slabs and wires; see :func:`in_vacuum`."""
    found = np.zeros((len(frames), 3), dtype=bool)
    for b in range(len(frames)):
        # Few infos have it, and a search of bytes is faster than to parse all of them.
        if b"vacuum_axis" in frames.info[b]:
            axes = frames.info_of(b).get("vacuum_axis")
            found[b, [] if axes is None else axes] = True
    return found


def as_given(atoms: "Atoms", info: dict[str, Any]) -> "Atoms":
    """A structure with periodicity and cell as :func:`in_vacuum` got them; others as they are.

    Lattice vectors along which it is periodic are those that it has by now.

    Args:
        info: of its frame.
    """
    if "as_given" not in info:
        return atoms
    pbc = np.array(info["as_given"]["pbc"])
    cell = np.where(pbc[:, None], atoms.cell.array, np.array(info["as_given"]["cell"]))
    atoms.set_cell(cell, scale_atoms=False)
    atoms.pbc = pbc
    return atoms
