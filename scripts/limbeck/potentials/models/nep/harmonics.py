"""Real spherical harmonics up to order 4 as polynomials of a unit vector, and their gradients.

Solid harmonics r^l Y_lm are a polynomial of z and r^2 times the real or imaginary part of
(x + i y)^m, and both have recursions (Bigi, Fraux, Browning and Ceriotti, J. Chem. Phys. 159,
064802 (2023); here without the phase of Condon and Shortley). The gradient of one of order l is a
sum of those of order l - 1, with coefficients that are known.
"""

import math
from collections.abc import Iterator

import torch

L_MAX = 4
#: how many components the orders 1 to 4 have
SIZES = tuple(2 * order + 1 for order in range(1, L_MAX + 1))


def harmonics(unit: torch.Tensor) -> torch.Tensor:
    """Y_lm of l = 0 to 4 at unit vectors [3,N,M]. [N,25,M]

    Orthonormal: the squares of the 2 l + 1 components of an order add up to (2 l + 1) / 4 pi. Of
    each order m = 0 comes first, then the cosine and the sine of each m.
    """
    x, y, z = unit
    legendre = _legendre(z)
    parts = [(torch.ones_like(x), torch.zeros_like(x))]  # of (x + i y)^m
    for _ in range(L_MAX):
        c, s = parts[-1]
        parts.append((x * c - y * s, x * s + y * c))
    found = []
    for order, m in _components():
        q = _norm(order, m) * legendre[order, m]
        found += [q * part for part in parts[m]] if m else [q]
    return torch.stack(found, 1)


def gradients() -> torch.Tensor:
    """G of d(r^l Y_i)/dx_a = sum_k G[i,a,k] Y_k on the unit sphere. float64 [24,3,16]

    Args of the result: i of l = 1 to 4, k of l = 0 to 3, both as in :func:`harmonics`.
    """
    found = torch.zeros(sum(SIZES), 3, 1 + sum(SIZES[:-1]), dtype=torch.float64)
    for order, m in _components():
        for sine in (0, 1)[: 1 + (m > 0)] if order else ():
            row = found[_index(order, m, sine) - 1]
            for axis, other_m, other_sine, factor in _terms(order, m, sine):
                if 0 <= other_m < order and (other_m or not other_sine):
                    scale = factor * _norm(order, m) / _norm(order - 1, other_m)
                    row[axis, _index(order - 1, other_m, other_sine)] += scale
    return found


def _terms(order: int, m: int, sine: int) -> Iterator[tuple[int, int, int, float]]:
    """Axis, m, whether a sine, and factor of what the gradient of one that is not normed has."""
    down = (order + m) * (order + m - 1) / 2
    yield 2, m, sine, order + m
    if not m:
        yield 0, 1, 0, -1.0
        yield 1, 1, 1, -1.0
        return
    sign = 1 if sine else -1
    yield 0, m - 1, sine, down
    yield 0, m + 1, sine, -0.5
    yield 1, m - 1, 1 - sine, sign * down
    yield 1, m + 1, 1 - sine, sign * 0.5


def _components() -> Iterator[tuple[int, int]]:
    """Order and m of the functions with m >= 0."""
    return ((order, m) for order in range(L_MAX + 1) for m in range(order + 1))


def _index(order: int, m: int, sine: int) -> int:
    return order**2 + (2 * m - 1 + sine if m else 0)


def _norm(order: int, m: int) -> float:
    share = math.factorial(order - m) / math.factorial(order + m) * (2 if m else 1)
    return math.sqrt((2 * order + 1) / (4 * math.pi) * share)


def _legendre(z: torch.Tensor) -> dict[tuple[int, int], torch.Tensor]:
    """Associated Legendre functions over sin^m, by order and m, of unit vectors."""
    found = {(0, 0): torch.ones_like(z)}
    for m in range(L_MAX + 1):
        if m:
            found[m, m] = (2 * m - 1) * found[m - 1, m - 1]
        if m < L_MAX:
            found[m + 1, m] = (2 * m + 1) * z * found[m, m]
        for order in range(m + 2, L_MAX + 1):
            up = (2 * order - 1) * z * found[order - 1, m]
            found[order, m] = (up - (order + m - 1) * found[order - 2, m]) / (order - m)
    return found
