"""A crystal's own operations: as many as are known, each mapping it onto itself."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.spacegroup import crystal

from breakers import crystals_with_symmetry
from limbeck.averaging.orbit import orbits
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.potentials.models.toys import LennardJones
from limbeck.symmetry.space_group import SYMPREC, SpaceGroup
from limbeck.warrant.gaps import measure_gap
from planted import LabField

GROUP = SpaceGroup()


def frame_of(atoms):
    return from_atoms([atoms], groups=["x"], source="named")


def rutile():
    return crystal(
        ("Ti", "O"),
        basis=[(0, 0, 0), (0.305, 0.305, 0)],
        spacegroup=136,
        cellpar=[4.594, 4.594, 2.959, 90, 90, 90],
    )


@pytest.mark.parametrize(
    ("atoms", "operations"),
    [
        (bulk("Cu"), 48),  # Fm-3m, primitive: the point group
        (rutile(), 16),  # P4_2/mnm
        (bulk("Cu", cubic=True), 192),  # times four translations of the centring
        (bulk("NaCl", "rocksalt", a=5.64), 48),
        (bulk("Si"), 48),  # Fd-3m: half of them with a glide
        (bulk("Mg"), 24),  # P6_3/mmc
    ],
    ids=lambda a: str(a.symbols) if hasattr(a, "symbols") else str(a),
)
def test_known_groups(atoms, operations):
    frame = frame_of(atoms)
    drawn = GROUP.sample(frame, 8, np.random.default_rng(0))
    assert GROUP.is_whole(drawn) == (operations <= 48)
    assert len(drawn) == (operations if operations <= 48 else 8)
    assert GROUP.suits(frame).all()


@pytest.mark.parametrize("k", [0, 1])
def test_every_view_looks_as_the_crystal_itself(k):
    frame = crystals_with_symmetry().select([k])
    drawn = GROUP.sample(frame, 8, np.random.default_rng(0))
    views = GROUP.views(frame, drawn)
    n = len(frame.numbers)
    for view in views.positions.reshape(len(drawn), n, 3):
        np.testing.assert_allclose(view, frame.positions, atol=1e-9)  # of coordinates of 5 A
    np.testing.assert_allclose(views.cell, np.tile(frame.cell, (len(drawn), 1, 1)), atol=1e-9)
    # and is the crystal turned: the identity is there once, and the others differ from it
    identity = np.isclose(drawn.turns, np.eye(3)).all(axis=(1, 2))
    assert identity.sum() == 1
    same_place = (drawn.image == np.arange(n)).all(axis=1)
    assert same_place.sum() < len(drawn)


def test_operations_form_a_group():
    drawn = GROUP.sample(frame_of(rutile()), 8, np.random.default_rng(0))
    turns = drawn.turns
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.tile(np.eye(3), (16, 1, 1)),
                               atol=1e-13)  # fmt: skip
    products = np.einsum("aij,bjk->abik", turns, turns).reshape(-1, 3, 3)
    for product in products:
        assert np.isclose(product, turns, atol=1e-9).all(axis=(1, 2)).any()


def test_a_rough_crystal_leaves_an_invariant_model_without_a_gap():
    """Coordinates off by a third of the tolerance: views stay copies of what is there."""
    frame = frame_of(bulk("NaCl", "rocksalt", a=5.64, cubic=True).repeat((1, 1, 2)))
    rng = np.random.default_rng(0)
    rough = replace(frame, positions=frame.positions + rng.uniform(-1, 1, (16, 3)) * SYMPREC / 3)
    found = measure_gap([LennardJones()], rough, GROUP, 8)
    assert found["forces"]["relative"]["value"] < 1e-9  # rounding, of forces of 1e-3 eV/A
    # negative control: the same operations, and the crystal put back where it was
    drawn = GROUP.sample(rough, 8, np.random.default_rng(0))
    own = LennardJones().predict(rough)
    put_back = np.stack([GROUP.restore(g, own).forces for g in drawn])
    spread = put_back.std(axis=0, ddof=1)
    assert np.sqrt((spread**2).mean() / (own.forces**2).mean()) > 0.1


def test_a_whole_group_gives_the_exact_variance():
    """A field along a fixed direction n: over the rotations of a cube, the variance of a / 3."""
    frame = frame_of(bulk("NaCl", "rocksalt", a=5.64))
    frame = replace(frame, extra={"amplitude": np.ones(1)})
    found = measure_gap([LabField()], frame, GROUP, 2)
    # z goes to +-x, +-y, +-z alike, so that each force component has mean 0 and mean square 1/3
    assert found["forces"]["value"] == pytest.approx(1e3 * np.sqrt(1 / 3), rel=1e-12)
    assert found["n_evaluations"] == 48
    assert found["n_whole_group"] == 1


def test_stress_turns_with_the_crystal():
    frame = crystals_with_symmetry().select([1])
    own = LennardJones().predict(frame)
    (part,) = orbits(LennardJones(), frame, GROUP, 8, "test")
    np.testing.assert_allclose(part.orbit.stress, np.tile(own.stress, (6, 1, 1)), atol=1e-12)
    assert np.abs(own.stress).max() > 1e-3


def test_frames_without_a_group_are_counted():
    rattled = bulk("Cu", cubic=True)
    rattled.rattle(0.05, seed=0)
    frames = from_atoms([bulk("Cu"), rattled, molecule("H2O")], groups=list("abc"), source="named")
    assert GROUP.suits(frames).tolist() == [True, False, False]
    found = measure_gap([LennardJones()], frames, GROUP, 4)
    assert found["left_out"] == {"the symmetry has nothing to act on": 2}
    assert (found["n_frames"], found["n_left_out"]) == (1, 2)
    none = measure_gap([LennardJones()], frames.select([1, 2]), GROUP, 4)
    assert (none["n_frames"], none["forces"], none["energy"], none["stress"]) == (0, *[None] * 3)
    with pytest.raises(LimbeckError, match="no space group"):
        GROUP.sample(frames.select([2]), 4, np.random.default_rng(0))


def test_two_atoms_in_one_place_are_named():
    copper = frame_of(bulk("Cu", cubic=True))
    doubled = concatenate([copper])
    doubled.positions[1] = doubled.positions[0]
    with pytest.raises(LimbeckError, match=copper.id[0].decode()):
        GROUP.sample(doubled, 4, np.random.default_rng(0))
