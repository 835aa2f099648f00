"""Grids of rotations whose mean is the mean over all rotations, up to some angular momentum.

A function of the orientation is a sum of Wigner matrices D^l. A grid is exact to degree L where
the weighted mean of every D^l with 0 < l <= L is zero, as it is over all rotations.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from scipy.integrate import lebedev_rule
from scipy.spatial.transform import Rotation

from limbeck.errors import LimbeckError

#: Grids that are groups: scipy's name, and the degree they are exact to. The mean of D^l over a
#: group is zero where the group leaves no function of angular momentum l as it is; the first
#: such l are 3 (xyz), 4 (x^4 + y^4 + z^4) and 6.
GROUPS: dict[str, tuple[Literal["T", "O", "I"], int]] = {
    "tetrahedral": ("T", 2),
    "octahedral": ("O", 3),
    "icosahedral": ("I", 5),
}
#: Degrees of the product grid: Lebedev's rules of positive weights, up to 600 rotations.
PRODUCT_ORDERS = (3, 5, 7, 9, 11)
NAMES = (*GROUPS, "product")


class Quadrature(NamedTuple):
    """A grid of K rotations.

    Attributes:
        matrices: float64 [K,3,3], determinant 1.
        weights: float64 [K], positive, of sum 1.
        degree: the largest angular momentum it is exact for.
    """

    matrices: np.ndarray
    weights: np.ndarray
    degree: int


@lru_cache
def quadrature(name: str, order: int | None = None) -> Quadrature:
    """The grid of that name: tetrahedral (12), octahedral (24), icosahedral (60), or product.

    Args:
        order: of the product grid alone, one of :data:`PRODUCT_ORDERS`.

    Raises:
        LimbeckError: there is no such grid.
    """
    if name == "product":
        return _product(order)
    if name not in GROUPS or order is not None:
        raise LimbeckError(
            f"quadrature {name!r} of order {order}: expected one of {', '.join(GROUPS)} without "
            "an order, or product with one"
        )
    group, degree = GROUPS[name]
    matrices = Rotation.create_group(group).as_matrix()
    return Quadrature(matrices, np.full(len(matrices), 1 / len(matrices)), degree)


def _product(order: int | None) -> Quadrature:
    """Points of Lebedev's rule of that order on the sphere, times angles about each of them.

    In the angles alpha, beta, gamma (zyz), D^l_mn is d^l_mn(beta) exp(-i (m alpha + n gamma)).
    L + 1 equally spaced gamma take all 0 < |n| <= L away, and what is left, D^l_m0, is a
    spherical harmonic of alpha and beta, which Lebedev's rule integrates exactly up to L
    (Lebedev and Laikov, Doklady Mathematics 59, 477 (1999)).
    """
    if order not in PRODUCT_ORDERS:
        raise LimbeckError(f"quadrature product: order {order}, expected one of {PRODUCT_ORDERS}")
    # weights of Lebedev's rule sum to 4 pi
    (x, y, z), weights = lebedev_rule(order)
    gamma = 2 * np.pi * np.arange(order + 1) / (order + 1)
    alpha, beta = np.arctan2(y, x), np.arccos(np.clip(z, -1, 1))
    points = Rotation.from_euler("ZY", np.stack([alpha, beta], axis=1)).as_matrix()
    in_plane = Rotation.from_euler("Z", gamma[:, None]).as_matrix()
    matrices = (points[:, None] @ in_plane[None]).reshape(-1, 3, 3)
    share = np.repeat(weights / weights.sum() / len(gamma), len(gamma))
    return Quadrature(matrices, share, order)
