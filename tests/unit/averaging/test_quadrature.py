"""Grids of rotations: how many, how heavy, and how far exact."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y

from limbeck.averaging.quadrature import PRODUCT_ORDERS, quadrature
from limbeck.errors import LimbeckError

#: name, order, number of rotations, degree
GRIDS = [
    ("tetrahedral", None, 12, 2),
    ("octahedral", None, 24, 3),
    ("icosahedral", None, 60, 5),
    ("product", 3, 24, 3),
    ("product", 5, 84, 5),
    ("product", 7, 208, 7),
    ("product", 9, 380, 9),
    ("product", 11, 600, 11),
]


def wigner(degree, matrices):
    """D^l of every rotation, complex [K,2l+1,2l+1]: it takes the harmonics of p to those of Q p."""
    points = np.random.default_rng(0).normal(size=(4 * degree + 4, 3))
    there = harmonics(degree, np.einsum("kij,pj->kpi", matrices, points))
    return there.swapaxes(1, 2) @ np.linalg.pinv(harmonics(degree, points).T)


def harmonics(degree, points):
    """Y_lm of directions [...,3], complex [...,2l+1]."""
    x, y, z = np.moveaxis(points / np.linalg.norm(points, axis=-1, keepdims=True), -1, 0)
    polar, azimuth = np.arccos(np.clip(z, -1, 1)), np.arctan2(y, x)
    orders = np.arange(-degree, degree + 1)
    return sph_harm_y(degree, orders, polar[..., None], azimuth[..., None])


@pytest.mark.parametrize(("name", "order", "count", "degree"), GRIDS)
def test_the_grid_is_exact_to_its_degree_and_no_further(name, order, count, degree):
    grid = quadrature(name, order)
    assert len(grid.matrices) == len(grid.weights) == count
    assert grid.degree == degree
    assert grid.weights.min() > 0
    assert grid.weights.sum() == pytest.approx(1, abs=1e-12)  # rounding
    np.testing.assert_allclose(np.linalg.det(grid.matrices), 1, atol=1e-12)
    assert len(np.unique(grid.matrices.round(6), axis=0)) == count

    def mean(of_degree):
        return np.abs(np.einsum("k,kij->ij", grid.weights, wigner(of_degree, grid.matrices))).max()

    # The mean over all rotations is zero; rounding of fits to some 50 points.
    assert max(mean(of_degree) for of_degree in range(1, degree + 1)) < 1e-11
    assert mean(degree + 1) > 1e-2  # negative control: the next one it cannot do


@pytest.mark.parametrize(("name", "order", "count", "degree"), GRIDS)
def test_a_random_band_limited_function_has_its_exact_mean(name, order, count, degree):
    rng = np.random.default_rng(degree)
    coefficients = [rng.normal(size=(n, n)) for n in range(1, 2 * degree + 4, 2)]
    grid = quadrature(name, order)
    turned = grid.matrices @ Rotation.random(rng=rng).as_matrix()

    def mean(highest, weights=grid.weights):
        values = sum(
            np.einsum("kij,ij->k", wigner(of_degree, turned), coefficients[of_degree])
            for of_degree in range(highest + 1)
        )
        return (weights @ values).real

    exact = coefficients[0][0, 0]  # all else averages to zero
    assert mean(degree) == pytest.approx(exact, abs=1e-9)  # rounding, some 400 terms
    assert abs(mean(degree + 1) - exact) > 1e-2  # negative control: one degree too many
    if name == "product" and order > 3:  # and the weights are needed; at order 3 all are equal
        assert abs(mean(degree, np.full(count, 1 / count)) - exact) > 1e-3


@pytest.mark.parametrize(
    ("name", "order"),
    [("dodecahedral", None), ("octahedral", 3), ("product", None), ("product", 4), ("product", 13)],
)
def test_a_grid_that_there_is_not(name, order):
    # order 13 of Lebedev's rules has negative weights: a spread over it means nothing
    assert 13 not in PRODUCT_ORDERS
    with pytest.raises(LimbeckError, match=f"quadrature '?{name}'?.* order {order}.*expected one"):
        quadrature(name, order)
