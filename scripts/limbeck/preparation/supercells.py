"""Supercells: the fewest cells that keep every atom far from its own images."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations, product

import numpy as np
from ase.geometry import minkowski_reduce

from limbeck.frames import Frames

#: A vector this much shorter than asked for is long enough: rounding, in units of the radius.
_ROUNDING = 1e-6
#: The shell of vectors that is searched grows by this factor.
GROWTH = 1.15
#: Rows and columns of the pairs that are looked at in one piece, so that memory stays small.
PIECE = 512


def supercell_matrix(
    cell: np.ndarray, radius_A: float, rotations: np.ndarray | None = None
) -> np.ndarray:
    """The fewest cells whose superlattice has no vector shorter than ``radius_A``.

    The search is exact. A lattice with no vector below r has a Minkowski-reduced basis of vectors
    that are all at least r long, and |b1| |b2| |b3| <= sqrt(2) V (Seeber 1831, Gauss 1840). So
    reduced bases are made of the crystal's own lattice vectors in a shell from r outwards, until
    the shell is so thick that no smaller volume can have been missed. Of equally many cells those
    with the longest shortest vector are taken, then those with the shortest edges.

    Args:
        cell: float [3,3], Angstrom, rows are lattice vectors.
        radius_A: shortest distance of an atom to its own image.
        rotations: int [n,3,3], the point group, acting on fractional coordinates as R x (spglib's).
            Only superlattices that it maps onto themselves are taken.

    Returns:
        int64 [3,3] of positive determinant; rows are the supercell's vectors in units of the
        cell's, so that the supercell is ``matrix @ cell``.
    """
    reduced, change = minkowski_reduce(cell)
    shortest = float(np.linalg.norm(reduced, axis=1).min())
    least = radius_A * (1 - _ROUNDING)
    if shortest >= least:
        return np.eye(3, dtype=np.int64)
    volume = abs(float(np.linalg.det(reduced)))
    best = int(np.ceil(least / shortest)) * np.eye(3, dtype=np.int64)  # keeps any point group
    # A thin shell first. It grows until the bound below certifies the answer.
    outer = 1.1 * radius_A
    while True:
        count = round(abs(np.linalg.det(best)))
        # In a basis of vectors of at least r, |b3| <= sqrt(2) V / r^2: longer vectors cannot be
        # part of a cell as small as the best so far.
        enough = np.sqrt(2) * count * volume / least**2
        vectors = _shell(reduced, change, least, min(outer, enough * (1 + _ROUNDING)))
        if rotations is not None:
            vectors = _unhurt(vectors, cell, rotations, least)
        best = _smallest(vectors, cell, rotations, best)
        # The certificate of the best so far, which the search may just have made smaller.
        if outer >= np.sqrt(2) * round(abs(np.linalg.det(best))) * volume / least**2:
            return _aligned(best, cell)
        outer *= GROWTH


def supercells(frames: Frames, matrices: Sequence[np.ndarray] | np.ndarray) -> Frames:
    """Every periodic frame repeated, under its own id, with ``supercell`` in its info.

    Copies of the cell follow each other, each with the atoms in the cell's order, the cell as it
    was first: atom i of copy c stands at row c n + i, and is where it was but for a lattice vector.
    Isolated frames stay as they are. Charge and spin are those of all copies together.

    Args:
        frames: B frames.
        matrices: int [B,3,3], see :func:`supercell_matrix`; those of isolated frames are not read.
    """
    offsets, periodic = frames.offsets, frames.periodic
    counts = np.ones(len(frames), dtype=np.int64)
    rows, positions, infos = [], [], []
    cell = frames.cell.copy()
    for b in range(len(frames)):
        atoms = np.arange(offsets[b], offsets[b + 1])
        info = frames.info_of(b)
        shifts = np.zeros((1, 3))
        if periodic[b]:
            matrix = np.asarray(matrices[b], dtype=np.int64)
            shifts = translations(matrix) @ frames.cell[b]
            cell[b] = matrix @ frames.cell[b]
            info["supercell"] = matrix.tolist()
        counts[b] = len(shifts)
        rows.append(np.tile(atoms, len(shifts)))
        positions.append((shifts[:, None] + frames.positions[atoms]).reshape(-1, 3))
        infos.append(json.dumps(info, sort_keys=True).encode())
    if not len(frames):
        return frames
    every = np.concatenate(rows)
    return replace(
        frames,
        n_atoms=frames.n_atoms * counts,
        cell=cell,
        charge=frames.charge * counts,
        spin=frames.spin * counts,
        info=np.array(infos, dtype="S"),
        numbers=frames.numbers[every],
        positions=np.concatenate(positions),
        atom_extra={name: values[every] for name, values in frames.atom_extra.items()},
    )


def translations(matrix: np.ndarray) -> np.ndarray:
    """The cells of a supercell, zero first: int64 [abs(det),3], in exact arithmetic."""
    # The integer points to test: the box around the parallelepiped that the matrix spans.
    corners = np.array(list(product((0, 1), repeat=3))) @ matrix
    points = _grid(corners.min(axis=0), corners.max(axis=0))
    first, second, third = matrix
    # Fractional coordinates would need a division. Multiplied by the determinant they are
    # integers, and no lattice point near a face is lost or doubled by rounding.
    adjugate = np.stack(
        [np.cross(second, third), np.cross(third, first), np.cross(first, second)], axis=1
    )
    determinant = int(first @ adjugate[:, 0])
    scaled = points @ adjugate * np.sign(determinant)  # fractional coordinates times |det|
    inside = points[((scaled >= 0) & (scaled < abs(determinant))).all(axis=1)]
    # zero first (the original cell), then in lexical order
    return inside[np.lexsort((*inside.T[::-1], inside.any(axis=1)))]


def _grid(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """All integer points from ``low`` [3] to ``high`` [3], in order. int64 [m,3]."""
    axes = [np.arange(a, b + 1) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def _shell(reduced: np.ndarray, change: np.ndarray, inner: float, outer: float) -> np.ndarray:
    """Lattice vectors from ``inner`` to ``outer`` (Angstrom), one of v and -v, shortest first.

    Returns:
        int64 [m,3], in units of the cell, where ``reduced`` is ``change @ cell``.
    """
    reach = np.floor(outer * np.linalg.norm(np.linalg.inv(reduced), axis=0)).astype(int)
    points = _grid(-reach, reach)
    points = points[len(points) // 2 + 1 :]  # the second half holds one of v and -v
    lengths = np.linalg.norm(points @ reduced, axis=1)
    order = np.argsort(lengths, kind="stable")
    order = order[(lengths[order] >= inner) & (lengths[order] <= outer)]
    return points[order] @ change


def _unhurt(
    vectors: np.ndarray, cell: np.ndarray, rotations: np.ndarray, least: float
) -> np.ndarray:
    """Vectors whose images under a point group are at least ``least`` apart (Angstrom), or equal.

    A superlattice that the group maps onto itself contains the images, and so their sums and
    differences: if one of these is too short, the vector cannot be part of it.
    """
    good = np.ones(len(vectors), dtype=bool)
    for rotation in rotations:
        image = vectors @ rotation.T
        for other in (vectors - image, vectors + image):
            good &= (np.linalg.norm(other @ cell, axis=1) >= least) | ~other.any(axis=1)
    return vectors[good]


def _smallest(
    vectors: np.ndarray, cell: np.ndarray, rotations: np.ndarray | None, best: np.ndarray
) -> np.ndarray:
    """The best reduced basis made of ``vectors`` (shortest first), or ``best``."""
    points = vectors @ cell
    lengths = np.linalg.norm(points, axis=1)
    volume = abs(float(np.linalg.det(cell)))
    score = _score(best, cell)
    for i, length in enumerate(lengths):
        bound = np.sqrt(2) * score[0] * volume * (1 + _ROUNDING)
        # The shortest vector is the first of the basis; the other two are at least as long.
        if length**3 > bound:
            break
        # Candidates for the second and third vector: reduced against the first, and short enough.
        fit = _no_shorter(points[i:] @ points[i], length) & (lengths[i:] * length**2 <= bound)
        others = i + np.flatnonzero(fit)
        for basis in _bases(i, others, vectors, points, score[0]):
            if (new := _score(basis, cell)) < score and _kept(basis, rotations):
                best, score = basis, new
    return best


def _bases(
    i: int, others: np.ndarray, vectors: np.ndarray, points: np.ndarray, most: int
) -> list[np.ndarray]:
    """Reduced bases of vector ``i`` and two of ``others``, of at most ``most`` cells."""
    squares = (points[others] ** 2).sum(axis=1)
    found: list[np.ndarray] = []
    for start in range(0, len(others), PIECE):
        second = others[start : start + PIECE]
        normal = np.cross(vectors[i], vectors[second])
        # integer determinant: cells of the superlattice
        count = np.abs(normal @ vectors[others].T)  # [second, third]
        count[np.arange(len(others)) < start + np.arange(len(second))[:, None]] = 0  # third after
        j, k = np.nonzero((count > 0) & (count <= most))
        dots = (points[second[j]] * points[others[k]]).sum(axis=1)
        good = _no_shorter(dots, np.sqrt(squares[start + j]))
        j, k = j[good], k[good]
        good = _third_is_shortest(points[i], points[second[j]], points[others[k]])
        j, k = j[good], k[good]
        if len(j):
            # Later pieces need not look at larger cells than this.
            most = int(count[j, k].min())
            fewest = count[j, k] == most
            j, k = second[j[fewest]], others[k[fewest]]
            found += [vectors[[i, one, two]] for one, two in zip(j, k, strict=True)]
    return found


def _no_shorter(dots: np.ndarray, shorter: np.ndarray | float) -> np.ndarray:
    """Whether adding or subtracting the shorter vector leaves the longer one no shorter."""
    return np.abs(dots) <= np.asarray(shorter) ** 2 / 2 * (1 + _ROUNDING)


def _third_is_shortest(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> np.ndarray:
    """Whether no sum with both of the others is shorter than the third vector. bool [m]."""
    limit = (third**2).sum(axis=1) * (1 - _ROUNDING)
    sums = [third + s * first + t * second for s in (1, -1) for t in (1, -1)]
    return np.all([(v**2).sum(axis=1) >= limit for v in sums], axis=0)


def _score(basis: np.ndarray, cell: np.ndarray) -> tuple[int, float, float]:
    """Smaller is better: cells, minus the shortest edge, sum of the squared edges."""
    squares = ((basis @ cell) ** 2).sum(axis=1)
    return (
        round(abs(np.linalg.det(basis))),
        # Rounded, so that equal lattices compare equal and the first one found is kept.
        -round(float(squares.min()), 6),
        round(float(squares.sum()), 6),
    )


def _kept(basis: np.ndarray, rotations: np.ndarray | None) -> bool:
    """Whether every rotation maps the superlattice onto itself."""
    if rotations is None:
        return True
    # rotations act on columns; rows times the transpose is the same map
    images = basis @ np.swapaxes(rotations, 1, 2) @ np.linalg.inv(basis)
    # Entries are multiples of 1 / det: with up to 1e5 cells nothing but integers is this near one.
    return bool(np.allclose(images, np.round(images), rtol=0, atol=1e-6))


def _aligned(basis: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """The same basis in the order, and with the signs, that are nearest to the cell's vectors."""
    orders = [np.eye(3, dtype=np.int64)[list(order)] for order in permutations(range(3))]
    signs = [np.diag(sign) for sign in product((1, -1), repeat=3)]
    choices = [sign @ order @ basis for order in orders for sign in signs]
    right = [matrix for matrix in choices if np.linalg.det(matrix) > 0]
    # rounded, so that the last bits do not decide between equal choices
    return max(right, key=lambda matrix: round(_nearness(matrix @ cell, cell), 9))


def _nearness(edges: np.ndarray, cell: np.ndarray) -> float:
    """Sum of the cosines between edges and the cell's vectors."""
    lengths = np.linalg.norm(edges, axis=1) * np.linalg.norm(cell, axis=1)
    return float(((edges * cell).sum(axis=1) / lengths).sum())
