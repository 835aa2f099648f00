"""Means over views: unbiased whatever the grid, weighted, mirrored where asked for."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from jobs_of import label_set
from limbeck.averaging.mean import average
from limbeck.averaging.orbit import orbit
from limbeck.averaging.views import LABEL_VIEWS, Views, views_of
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.geometry import stress_to_voigt, voigt_to_stress
from limbeck.labelling.label import label
from limbeck.properties import Predictions
from limbeck.symmetry.reflection import Reflection
from limbeck.symmetry.rotation import Rotation
from planted import LabField, Planted, trajectories

#: direction of every bond of ``bonds``
ALONG = np.array([2.0, -1.0, 2.0]) / 3
GRIDS = [
    Views(quadrature="tetrahedral"),
    Views(quadrature="octahedral"),
    Views(quadrature="icosahedral"),
    Views(quadrature="product", order=3),
]


def bonds(count):
    """Hydrogen molecules of the same orientation, in a cell, a little different in length."""
    structures = [
        Atoms("H2", [[0, 0, 0], ALONG * (1 + 1e-4 * i)], cell=[9] * 3, pbc=True)
        for i in range(count)
    ]
    return from_atoms(structures, groups=["H2"] * count, source="s")


class Exponential(Planted):
    """e^(k u) and the like, u the cosine of the bond to the laboratory's z: not band-limited.

    Seen from the frame, w = Q^T z is uniform on the sphere, and with S(k) = <e^(k w.d)> =
    sinh k / k the means over all rotations are S for the energy, S' d for the forces w e^(k w.d),
    and S'' d d^T + (S - S'') / 2 (1 - d d^T) for the stress w w^T e^(k w.d).
    """

    def evaluate(self, batch):
        k = self.scale
        first = batch.offsets[:-1]
        bond = batch.positions[first + 1] - batch.positions[first]
        weight = np.exp(k * bond[:, 2] / np.linalg.norm(bond, axis=1))
        forces = np.zeros((len(batch.positions), 3))
        forces[:, 2] = np.repeat(weight, batch.n_atoms)
        stress = np.zeros((len(batch), 3, 3))
        stress[:, 2, 2] = weight
        return Predictions(weight, forces, stress_to_voigt(stress))


def exact(k):
    s, cosh = np.sinh(k) / k, np.cosh(k)
    first = (cosh - s) / k
    second = s - 2 * first / k
    dd = np.outer(ALONG, ALONG)
    return s, first * ALONG, second * dd + (s - second) / 2 * (np.eye(3) - dd)


def deviations(found, k):
    """Of energy, forces and stress of each frame from the exact means, [B,1], [B,3], [B,9]."""
    energy, forces, stress = exact(k)
    return (
        (found.energy - energy)[:, None],
        found.forces[::2] - forces,
        (voigt_to_stress(found.stress) - stress).reshape(-1, 9),
    )


@pytest.mark.parametrize("views", [Views(1), Views(2), *GRIDS], ids=str)
def test_the_mean_is_unbiased_though_the_model_is_not_band_limited(views):
    frames = bonds(400)
    found = label(Exponential(3.0), frames, views, max_force=1e6)
    for away in deviations(found, 3.0):
        error = away.std(axis=0, ddof=1) / np.sqrt(len(away))
        # 4.5 standard errors: 13 components in 6 cases exceed it once in 2000 such tests
        assert np.all(np.abs(away.mean(axis=0)) < 4.5 * error)
        assert np.all(error > 1e-6)  # the grid is not exact, so that there is something to be seen


def test_a_grid_that_is_not_turned_is_biased():
    """Negative control of the test above."""
    frames = bonds(20)
    for views in GRIDS:
        still = np.broadcast_to(views._grid().matrices, (20, views.count, 3, 3))
        found = average(Exponential(6.0), frames, still, views.weights).mean
        away = deviations(found, 6.0)[0]  # of 34
        assert np.abs(away.mean()) > 0.01
        assert away.std() < 1e-6  # all bonds are alike: no average over frames mends it


@pytest.mark.parametrize("views", GRIDS, ids=str)
def test_a_band_limited_model_is_averaged_exactly(views):
    """Vectors have l = 1 and the stress l = 2, which every grid can do."""
    frames = trajectories(2, roots=10, scatter=0.0)
    found = label(LabField(), frames, views, max_force=1e3)
    # rounding of sums of up to 60 terms of order 8
    np.testing.assert_allclose(found.energy, 0, atol=1e-13)
    np.testing.assert_allclose(found.forces, 0, atol=1e-13)
    isotropic = np.tile([1, 1, 1, 0, 0, 0], (len(frames), 1)) / 3
    np.testing.assert_allclose(found.stress, isotropic, atol=1e-14)
    # and so are their squares, which the spread is made of: a^2 / 3 and no K - 1
    np.testing.assert_allclose(found.forces_spread, np.sqrt(1 / 3))
    np.testing.assert_allclose(found.energy_spread, frames.n_atoms * np.sqrt(1 / 3))
    # negative control: as many random views leave something
    random = label(LabField(), frames, Views(views.count), max_force=1e3)
    assert np.abs(random.forces).max() > 0.05


def test_the_weights_are_used():
    frames = bonds(3)
    views = Views(quadrature="product", order=11)
    assert views.weights.max() > 1.2 * views.weights.min()
    found = label(Exponential(2.0), frames, views, max_force=1e6)
    # The first term of e^(2 u) that order 11 cannot do is 2^12 / 12! = 1e-5; of its square 0.035.
    assert max(np.abs(d).max() for d in deviations(found, 2.0)) < 1e-5
    equal = np.full(views.count, 1 / views.count)
    unweighted = average(Exponential(2.0), frames, views.operations(frames), equal).mean
    assert np.abs(deviations(unweighted, 2.0)[0]).max() > 1e-3  # negative control
    variance = np.sinh(4.0) / 4 - (np.sinh(2.0) / 2) ** 2  # <e^(4 u)> - <e^(2 u)>^2
    np.testing.assert_allclose(found.energy_spread**2, variance, rtol=1e-3)


class Cubic(Planted):
    """x y z of the bond's direction: l = 3, and the same in all twelve tetrahedral views."""

    def evaluate(self, batch):
        first = batch.offsets[:-1]
        bond = batch.positions[first + 1] - batch.positions[first]
        energy = np.prod(bond / np.linalg.norm(bond, axis=1)[:, None], axis=1)
        return Predictions(energy, np.zeros_like(batch.positions), np.zeros((len(batch), 6)))


VARIANCE = 1 / 105  # of x y z over the sphere: <x^2 y^2 z^2>


def test_independent_views_have_an_unbiased_spread():
    frames = bonds(3000)
    found = label(Cubic(), frames, Views(3), max_force=1.0).energy_spread ** 2
    error = found.std() / np.sqrt(len(frames))
    assert abs(found.mean() - VARIANCE) < 4 * error
    assert 10 * error < VARIANCE / 3  # negative control: a division by K would have been seen


def test_the_spread_of_a_grid_lacks_the_variance_of_its_mean():
    """At its worst, where all views of the grid agree, and differ from one turn to the next."""
    frames = bonds(3000)
    found = label(Cubic(), frames, Views(quadrature="tetrahedral"), max_force=1.0)
    assert found.energy_spread.max() < 1e-8  # root of rounding
    squares = found.energy**2
    error = squares.std() / np.sqrt(len(frames))
    assert abs(squares.mean() - VARIANCE) < 4 * error
    # The octahedral grid has the other half of the cube's rotations, which change the sign.
    other = label(Cubic(), frames, Views(quadrature="octahedral"), max_force=1.0)
    np.testing.assert_allclose(other.energy, 0, atol=1e-15)
    squares = other.energy_spread**2
    assert abs(squares.mean() - VARIANCE) < 4 * squares.std() / np.sqrt(len(frames))


class Chiral(Planted):
    """An energy that changes sign in a mirror, and along no rotation: the volume of four atoms."""

    def evaluate(self, batch):
        corners = batch.positions.reshape(-1, 4, 3)
        volume = np.linalg.det(corners[:, 1:] - corners[:, :1])
        nothing = np.zeros_like(batch.positions)
        return Predictions(volume, nothing, np.full((len(batch), 6), np.nan))


def test_mirror_images_are_averaged_over_where_asked_for():
    rng = np.random.default_rng(0)
    structures = [Atoms("H4", rng.normal(size=(4, 3))) for _ in range(40)]
    frames = from_atoms(structures, groups=["H4"] * 40, source="s")
    own = label(Chiral(), frames, Views(), max_force=1.0).energy
    for views in (Views(5), Views(quadrature="octahedral")):
        assert label(Chiral(), frames, views, max_force=1.0).energy == pytest.approx(own)
        mirrored = replace(views, reflections=True)
        found = label(Chiral(), frames, mirrored, max_force=1.0)
        if views.quadrature:  # as many of one hand as of the other
            np.testing.assert_allclose(found.energy, 0, atol=1e-13)
            assert mirrored.count == 2 * views.count
        else:  # m of 5 views of one hand: (2 m - 5) / 5
            allowed = np.abs(found.energy / own)[:, None] - [0.2, 0.6, 1.0]
            assert np.abs(allowed).min(axis=1).max() < 1e-12
            assert len(np.unique(found.energy > 0)) == 2


def test_random_views_are_those_of_the_symmetries():
    frames = trajectories(1, roots=3)
    for views, symmetry in (
        (Views(4), Rotation()),
        (Views(4, reflections=True), Reflection()),
    ):
        seen = orbit(LabField(), frames, symmetry, 4, LABEL_VIEWS)
        found = label(LabField(), frames, views, max_force=1e3)
        np.testing.assert_allclose(found.forces, seen.forces.mean(axis=0), atol=1e-14)  # rounding
    # the views of a smaller number are among those of a larger
    assert np.array_equal(Views(9).operations(frames)[:, :4], Views(4).operations(frames))


def test_every_frame_has_a_turn_of_its_own_which_follows_from_its_id():
    frames = bonds(3)
    found = GRIDS[0].operations(frames)
    assert not np.allclose(found[0], found[1])
    assert np.array_equal(GRIDS[0].operations(frames.select([2, 0])), found[[2, 0]])
    assert np.array_equal(GRIDS[0].operations(replace(frames, seed=frames.seed + 1)), found)


def test_one_random_view_has_no_spread():
    frames = bonds(5)
    found = label(Exponential(), frames, Views(1), max_force=1e3)
    assert np.isnan(found.energy_spread).all()
    assert np.isnan(found.forces_spread).all()
    assert not found.status.any()
    own = label(Exponential(), frames, Views(), max_force=1e3)
    assert not np.allclose(found.energy, own.energy)  # it is no own view


SETTINGS = [
    ({}, Views()),
    ({"views": "as_given", "quadrature": None, "reflections": False}, Views()),
    ({"views": 1}, Views(1)),
    ({"views": 12, "reflections": True}, Views(12, reflections=True)),
    ({"quadrature": "octahedral"}, Views(quadrature="octahedral")),
    (
        {"quadrature": "product", "quadrature_order": 5, "reflections": True},
        Views(quadrature="product", order=5, reflections=True),
    ),
]


@pytest.mark.parametrize(("settings", "views"), SETTINGS)
def test_views_of_a_label_set(settings, views):
    assert views_of(label_set(settings)) == views


def test_a_choice_stands_in_for_auto():
    auto = label_set({"views": "auto", "reflections": True})
    assert views_of(auto, 12) == Views(12, reflections=True)
    assert views_of(auto, "as_given") == Views()
    with pytest.raises(LimbeckError, match="auto, expected a decision made beforehand, got None"):
        views_of(auto)


@pytest.mark.parametrize("views", ["Own", 0, -2, 2.5, True])
def test_views_that_are_none_are_an_error(views):
    with pytest.raises(LimbeckError, match="views: "):
        views_of(label_set({"views": views}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"views": "as_given", "quadrature": "octahedral"}, "expected none beside quadrature"),
        ({"views": 4, "quadrature": "octahedral"}, "which fixes their number"),
        ({"views": 4, "quadrature_order": 3}, "quadrature_order: 3 with quadrature: nothing"),
        ({"views": "as_given", "reflections": True}, "reflections: True, expected views or a grid"),
        ({"quadrature": "cubic"}, "quadrature: 'cubic', expected one of"),
    ],
)
def test_choices_that_exclude_each_other(settings, message):
    with pytest.raises(LimbeckError, match=message):
        label_set(settings)


def test_what_is_said_of_the_spread():
    for views, words, freedom in (
        (Views(), "none", None),
        (Views(1), "none", 0),
        (Views(12), "K - 1", 11),
        (GRIDS[1], "not independent", None),
    ):
        said = views.attributes()
        assert words in said["spread"]
        assert said["degrees_of_freedom"] == freedom
    assert GRIDS[1].attributes()["views"] == 24
    assert str(GRIDS[3]) == "product-3 grid of 24 views"
