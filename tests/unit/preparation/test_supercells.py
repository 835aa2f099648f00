"""Supercells: the fewest cells, the crystal's own atoms, and nothing else."""

from itertools import product

import numpy as np
import pytest
import spglib
from ase.build import bulk, make_supercell, molecule
from ase.geometry import minkowski_reduce

from limbeck.frames import from_atoms
from limbeck.preparation.supercells import supercell_matrix, supercells, translations

SKEWED = np.array([[4.0, 0, 0], [2.9, 5.0, 0], [1.7, -2.2, 7.0]])
NEEDLE = np.array([[3.0, 0, 0], [0, 3.0, 0], [0, 0, 20.0]])


def shortest(cell: np.ndarray) -> float:
    return float(np.linalg.norm(minkowski_reduce(cell)[0], axis=1).min())


def cells(matrix: np.ndarray) -> int:
    return round(np.linalg.det(matrix))


def fewest_by_trying_all(cell: np.ndarray, radius: float, rotations=None) -> int:
    """The smallest determinant of all Hermite normal forms whose lattice is wide enough.

    A superlattice is, where none of the lattice vectors that are too short is a point of it.
    """
    reach = int(np.ceil(radius * np.linalg.norm(np.linalg.inv(cell), axis=0).max()))
    points = np.array(list(product(range(-reach, reach + 1), repeat=3)))
    lengths = np.linalg.norm(points @ cell, axis=1)
    short = points[(lengths > 0) & (lengths < radius * (1 - 1e-9))]
    for count in range(1, 300):
        forms = hermite_normal_forms(count)
        inverse = np.linalg.inv(forms)
        wide = ~integer(short @ inverse).any(axis=1)
        if rotations is not None:
            images = forms[:, None] @ np.swapaxes(rotations, 1, 2) @ inverse[:, None]
            wide &= integer(images).all(axis=(1, 2))
        if wide.any():
            return count
    raise AssertionError("no supercell of less than 300 cells")


def hermite_normal_forms(count: int) -> np.ndarray:
    return np.array(
        [
            [[a, b, c], [0, d, e], [0, 0, count // (a * d)]]
            for a, d in product(range(1, count + 1), repeat=2)
            if count % (a * d) == 0
            for b, c, e in product(range(d), range(count // (a * d)), range(count // (a * d)))
        ]
    )


def integer(rows: np.ndarray) -> np.ndarray:
    return (np.abs(rows - np.round(rows)) < 1e-9).all(axis=-1)


@pytest.mark.parametrize(
    ("cell", "radius", "expected"),
    [
        # A cube would take 125: (4, 0, 3), (-3, 4, 0), (0, -3, 4) are as long, and closer packed.
        (5.0 * np.eye(3), 25.0, 91),
        (5.0 * np.eye(3), 10.0, 8),
        (5.0 * np.eye(3), 5.0, 1),
        # of the primitive cell of fcc, n^3 for n nearest-neighbour distances: the closest packing
        (bulk("Cu", "fcc", 3.6).cell[:], 3 * 3.6 / np.sqrt(2), 27),
        (bulk("Cu", "fcc", 3.6, cubic=True).cell[:], 2 * 3.6 / np.sqrt(2), 2),
    ],
    ids=["cubic", "cubic-diagonal", "as-it-is", "fcc-primitive", "fcc-cubic"],
)
def test_known_crystals(cell, radius, expected):
    matrix = supercell_matrix(cell, radius)
    assert cells(matrix) == expected
    assert shortest(matrix @ cell) >= radius * (1 - 1e-6)  # the rounding that is allowed


def test_fcc_from_the_cubic_cell_is_not_diagonal():
    cell = bulk("Cu", "fcc", 3.6, cubic=True).cell[:]
    matrix = supercell_matrix(cell, 2 * 3.6 / np.sqrt(2))
    assert np.count_nonzero(matrix) > 3
    # Diagonal ones need more: negative control of the same claim.
    wide = [m for m in product((1, 2), repeat=3) if shortest(np.diag(m) @ cell) >= 5.09]
    assert min(np.prod(wide, axis=1)) == 8


@pytest.mark.parametrize(
    ("cell", "radius"),
    [
        (4.0 * np.eye(3), 9.0),
        (bulk("Cu", "fcc", 3.6).cell[:], 6.0),
        (bulk("Mg", "hcp", 3.2, 5.2).cell[:], 7.0),
        (SKEWED, 9.5),
        (SKEWED @ np.array([[1, 3, 0], [0, 1, 0], [5, 0, 1]]), 8.0),  # long oblique edges
        (-SKEWED, 9.5),  # left-handed
        (np.array([[3.0, 0, 0], [0, 3.0, 0], [0, 0, 11.0]]), 7.0),
    ],
    ids=["cubic", "fcc", "hcp", "triclinic", "oblique", "left-handed", "needle"],
)
def test_no_smaller_supercell_exists(cell, radius):
    assert cells(supercell_matrix(cell, radius)) == fewest_by_trying_all(cell, radius)


@pytest.mark.parametrize("crystal", ["Cu", "Mg", "Po", "Fe"])
def test_rotations_keep_the_point_group(crystal):
    atoms = bulk(crystal)
    group = rotations(atoms)
    matrix = supercell_matrix(atoms.cell[:], 7.0, group)
    free = supercell_matrix(atoms.cell[:], 7.0)
    assert shortest(matrix @ atoms.cell[:]) >= 7.0
    assert cells(matrix) >= cells(free)
    whole = make_supercell(atoms, matrix)
    assert len(rotations(whole)) // cells(matrix) == len(group)
    assert cells(matrix) == fewest_by_trying_all(atoms.cell[:], 7.0, group)


def test_a_supercell_that_is_free_may_lose_the_point_group():
    # Negative control of the test above: without rotations it can fail.
    atoms = bulk("Po", "sc", 5.0)
    whole = make_supercell(atoms, supercell_matrix(atoms.cell[:], 25.0))
    assert len(rotations(whole)) // len(whole) < len(rotations(atoms))


def rotations(atoms) -> np.ndarray:
    crystal = (atoms.cell[:], atoms.get_scaled_positions(), atoms.numbers)
    return spglib.get_symmetry(crystal)["rotations"]


def test_wide_supercells_of_small_and_of_narrow_cells_are_found_in_time():
    assert cells(supercell_matrix(bulk("Cu", "fcc", 3.6).cell[:], 25.0)) < 1000  # 10 x 10 x 10
    assert shortest(supercell_matrix(NEEDLE, 25.0) @ NEEDLE) >= 25.0


def test_translations_are_the_points_of_the_supercell_each_once():
    matrix = np.array([[3, -6, 0], [6, 9, 0], [-1, -5, 4]])
    for sign in (1, -1):
        points = translations(sign * matrix)
        assert len(points) == 252
        assert not points[0].any()
        # modulo the supercell, in exact integers: no two are the same
        residues = points @ np.round(np.linalg.inv(matrix) * 252).astype(int) % 252
        assert len(np.unique(residues, axis=0)) == 252


def test_supercells_have_the_atoms_of_the_crystal_under_its_id():
    crystal = bulk("NaCl", "rocksalt", 5.64)
    frames = from_atoms([crystal, molecule("H2O")], groups=["a", "b"], source="s")
    matrix = np.array([[2, 0, 1], [0, 2, 0], [0, 1, 2]])
    large = supercells(frames, [matrix, np.eye(3, dtype=int)])
    for name in ("id", "root", "group", "parent"):
        np.testing.assert_array_equal(getattr(large, name), getattr(frames, name))
    assert large.n_atoms.tolist() == [16, 3]
    assert large.info_of(0)["supercell"] == matrix.tolist()
    assert "supercell" not in large.info_of(1)
    np.testing.assert_array_equal(large.positions[16:], frames.positions[2:])
    # first the cell as it was, then its copies, each in the cell's own order
    np.testing.assert_array_equal(large.positions[:2], frames.positions[:2])
    np.testing.assert_array_equal(large.numbers[:16], np.tile(frames.numbers[:2], 8))
    expected = make_supercell(crystal, matrix)
    mine = large.to_atoms()[0]
    np.testing.assert_allclose(mine.cell[:], expected.cell[:], atol=1e-12)
    mine.wrap()
    expected.wrap()
    near = np.linalg.norm(mine.positions[:, None] - expected.positions, axis=2).min(axis=1)
    assert near.max() < 1e-9  # rounding of the two ways to add lattice vectors
    # A shift of an atom is a lattice vector of the crystal, so that distances are kept.
    steps = (large.positions[2:16] - np.tile(large.positions[:2], (7, 1))) @ np.linalg.inv(
        crystal.cell[:]
    )
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)


def test_no_frames_stay_no_frames():
    assert len(supercells(from_atoms([], groups=[], source="s"), [])) == 0
