"""Rattling: the displacements and strains have the distribution that was asked for."""

import numpy as np
import pytest
from ase.build import bulk, molecule
from scipy.stats import chi2

from jobs_of import sample_job
from limbeck.frames import Frames, from_atoms
from limbeck.geometry import shortest_distance_ratio
from limbeck.sampling import Sample, sample

ETHANOL = molecule("CH3CH2OH")
ROCKSALT = bulk("NaCl", "rocksalt", 5.64, cubic=True)
SETTINGS = {
    "seed": 1,
    "sampling": "rattled",
    "source": "s",
    "shard": 0,
    "standard_deviation_A": 0.03,
    "strain": 0.0,
    "n_frames": 4,
    "min_distance_ratio": 0.0,
}


def frames_of(*structures) -> Frames:
    return from_atoms(structures, groups=["g"] * len(structures), source="s")


def rattle(parents: Frames, **changes) -> Sample:
    return sample(parents, sample_job("rattle", SETTINGS | changes))


@pytest.mark.parametrize("structure", [ETHANOL, ROCKSALT], ids=["molecule", "crystal"])
def test_mean_square_displacement_is_sigma_squared(structure):
    children = rattle(frames_of(structure), n_frames=300).frames
    moved = children.positions.reshape(300, -1, 3) - structure.positions
    squares = (moved**2).sum() / 0.03**2
    # A sum of n squared normal numbers is chi-square distributed: 1e-6 of honest draws fail.
    low, high = chi2.ppf([5e-7, 1 - 5e-7], moved.size)
    assert low < squares < high
    # Negative control: the test would see a standard deviation that is 5 % off.
    assert not low < squares * 1.05**2 < high
    assert abs(moved.mean()) < 5 * 0.03 / np.sqrt(moved.size)  # five standard errors


def test_strain_has_the_spread_asked_for_and_prefers_no_direction():
    children = rattle(frames_of(ROCKSALT), n_frames=2000, strain=0.02).frames
    strain = np.linalg.inv(ROCKSALT.cell[:]) @ children.cell - np.eye(3)
    np.testing.assert_allclose(strain, strain.transpose(0, 2, 1), atol=1e-14)  # rounding
    spread = strain.std(axis=0)
    expected = 0.02 * np.where(np.eye(3, dtype=bool), 1, 1 / np.sqrt(2))
    # The standard error of a standard deviation is 1 / sqrt(2 n) = 1.6 %; 4.5 of them.
    np.testing.assert_allclose(spread, expected, rtol=0.07)
    # Along any unit vector v, v e v has the same spread: here a diagonal of the cube.
    v = np.ones(3) / np.sqrt(3)
    np.testing.assert_allclose((strain @ v @ v).std(), 0.02, rtol=0.07)


def test_strain_alone_keeps_fractional_coordinates():
    child = rattle(frames_of(ROCKSALT), n_frames=1, strain=0.05, standard_deviation_A=0.0).frames
    fractions = child.positions @ np.linalg.inv(child.cell[0])
    np.testing.assert_allclose(fractions, ROCKSALT.get_scaled_positions(), atol=1e-14)  # rounding
    assert abs(child.cell[0] - ROCKSALT.cell[:]).max() > 0.01


def test_isolated_frames_are_not_strained():
    child = rattle(frames_of(ETHANOL), n_frames=1, strain=0.2, standard_deviation_A=0.0).frames
    np.testing.assert_array_equal(child.positions, ETHANOL.positions)
    np.testing.assert_array_equal(child.cell, 0)


def test_children_know_their_ancestry_and_stand_in_order():
    parents = frames_of(ETHANOL, ROCKSALT)
    children = rattle(parents, n_frames=3).frames
    np.testing.assert_array_equal(children.parent, np.repeat(parents.id, 3))
    np.testing.assert_array_equal(children.root, np.repeat(parents.id, 3))
    assert set(children.sampling) == {b"rattled"}
    assert len(set(children.id)) == 6


def test_numbers_depend_on_the_structure_and_not_on_its_neighbours():
    together = rattle(frames_of(ETHANOL, ROCKSALT)).frames
    alone = rattle(frames_of(ROCKSALT)).frames
    np.testing.assert_array_equal(together.id[4:], alone.id)
    assert not set(alone.id) & set(rattle(frames_of(ROCKSALT), seed=2).frames.id)


def test_atoms_that_come_too_near_are_drawn_again():
    # Bonds of ethanol stand at about one sum of covalent radii: 0.15 A often breaks 0.8 of it.
    settings = {"n_frames": 50, "standard_deviation_A": 0.15}
    free = rattle(frames_of(ETHANOL), **settings)
    result = rattle(frames_of(ETHANOL), **settings, min_distance_ratio=0.8)
    assert shortest_distance_ratio(free.frames).min() < 0.8
    assert shortest_distance_ratio(result.frames).min() >= 0.8
    kept, set_aside, again = (
        dict(zip(result.columns, result.rows[0], strict=True))[name]
        for name in ("frames", "set_aside", "drawn_again")
    )
    assert again > 10
    assert kept + set_aside == 50
    assert kept == len(result.frames)


def test_what_never_comes_right_is_set_aside_and_counted():
    result = rattle(frames_of(ETHANOL, ROCKSALT), min_distance_ratio=1.4)
    assert len(result.frames) == 0
    counts = [result.columns.index(name) for name in ("frames", "set_aside", "drawn_again")]
    assert [[row[i] for i in counts] for row in result.rows] == [
        [0, 4, 76],
        [0, 4, 76],
    ]  # 4 x 19 further draws


def test_an_empty_shard_gives_an_empty_sample():
    result = rattle(from_atoms([], groups=[], source="s"))
    assert len(result.frames) == 0
    assert result.rows == []
