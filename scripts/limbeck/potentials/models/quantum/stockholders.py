"""Charges of minimal-basis iterative stockholders (MBIS).

Verstraelen et al., J. Chem. Theory Comput. 12, 3894 (2016). The electron density is shared among
atoms by a model of exponential shells N_k exp(-r / s_k) / (8 pi s_k^3), one for each row of the
periodic table that an atom has electrons in; populations N_k and widths s_k are what the shares of
the density have, found by iteration.
"""

import numpy as np

from limbeck.errors import NotConverged

#: electrons; a population that changes by less in one iteration has converged
TOLERANCE = 1e-6
MOST_ITERATIONS = 2000
#: electrons that the rows of the periodic table have room for
ROOM = (2, 8, 8, 18)


def charges(
    numbers: np.ndarray,
    positions: np.ndarray,
    points: np.ndarray,
    weights: np.ndarray,
    density: np.ndarray,
) -> np.ndarray:
    """Charge of each atom, e. float64 [n]

    Args:
        numbers: int [n], with all electrons: no effective core potentials.
        positions: float64 [n,3], Bohr.
        points, weights, density: float64 [P,3], [P] and [P]: a grid for integrals (Bohr, Bohr^3),
            and the number density of electrons on it, Bohr^-3.

    Raises:
        NotConverged: populations still change after :data:`MOST_ITERATIONS`.
    """
    owner, population, width = _start(numbers)
    distance = np.linalg.norm(points[:, None] - positions, axis=2)[:, owner]  # [P,K]
    electrons = weights * density
    for _ in range(MOST_ITERATIONS):
        shells = population * np.exp(-distance / width) / (8 * np.pi * width**3)
        # far from all atoms all shells underflow, and so has the density
        share = shells * (electrons / np.maximum(shells.sum(axis=1), 1e-300))[:, None]
        found = np.maximum(share.sum(axis=0), 1e-12)  # a shell may be left empty
        width = (share * distance).sum(axis=0) / (3 * found)
        width = np.maximum(width, 1e-6)
        change = np.abs(found - population).max()
        population = found
        if change < TOLERANCE:
            return numbers - np.bincount(owner, population, minlength=len(numbers))
    raise NotConverged(
        f"MBIS: populations change by {change:.2g} e after {MOST_ITERATIONS} iterations, expected "
        f"less than {TOLERANCE:g}"
    )


def _start(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Atom, population and width (Bohr) of each shell: those of neutral atoms, the inner ones as
    narrow as the nuclear charge makes them, the outermost 0.5 Bohr."""
    owner, population, width = [], [], []
    for atom, number in enumerate(numbers.tolist()):
        left, shells = number, []
        for room in ROOM:
            if left > 0:
                shells.append(min(left, room))
                left -= shells[-1]
        # from 1/(2Z) of the innermost to the outermost, evenly on a logarithmic scale
        start = np.geomspace(0.5 / number, 0.5, len(shells)) if len(shells) > 1 else [0.5]
        owner += [atom] * len(shells)
        population += shells
        width += list(start)
    return np.array(owner), np.array(population, dtype=float), np.array(width)
