"""What a trajectory looks like: radial distribution, mean-square displacement, and their noise."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase.data import atomic_masses, chemical_symbols
from vesin import NeighborList

from limbeck.frames import Frames

#: Angstrom: how far radial distributions reach, and the width of their bins
REACH, BIN = 6.0, 0.05
#: lags reach to this share of a trajectory, so that there are several independent ones of each
LONGEST_LAG = 0.25

#: pair of elements -> what g(r) has of it, float [bins], as an array or as JSON has it
Radial = Mapping[str, Any]


def of(frames: Frames, every_ps: float) -> dict[str, Any]:
    """Radial distribution and, of crystals, mean-square displacement of one trajectory.

    Beside each stands its ``noise``: how much the two halves of the trajectory differ, as
    :func:`radial_difference` and :func:`displacement_difference` say. Halves are shorter, so that
    it is rather more than what whole trajectories differ by.

    Args:
        frames: of one structure, in the order of time, ``every_ps`` apart.
    """
    half = len(frames) // 2
    parts = [frames.select(np.arange(half)), frames.select(np.arange(half, 2 * half))]
    whole, first, second = (radial(part) for part in (frames, *parts))
    found = {
        "radial": {pair: np.round(g, 5).tolist() for pair, g in whole.items()},
        "radial_noise": radial_difference(first, second),
    }
    if frames.periodic.all():  # an isolated molecule turns as it likes
        squares, *halves = (displacement(part) for part in (frames, *parts))
        found |= {
            "displacement_A2": np.round(squares, 6).tolist(),
            "lag_ps": every_ps,
            "displacement_noise": displacement_difference(*halves),
        }
    return found


def radial(frames: Frames) -> dict[str, np.ndarray]:
    """Shares of the radial distribution function g(r) by pair of elements, float64 [bins] each.

    Together they are g(r): pairs in a shell over those of as many atoms spread evenly over the
    cell; of isolated frames over a sphere of :data:`REACH`. An atom's own images are no pairs.

    Args:
        frames: of one structure.
    """
    edges = np.arange(0, REACH + BIN / 2, BIN)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    numbers, n = frames.numbers[frames.atoms_of(0)].astype(int), int(frames.n_atoms[0])
    search = NeighborList(cutoff=REACH, full_list=False)
    counts: dict[str, np.ndarray] = {}
    for b in range(len(frames)):
        cell, periodic = frames.cell[b], bool(frames.periodic[b])
        first, second, distance = search.compute(
            frames.positions[frames.atoms_of(b)], cell, periodic, "ijd"
        )
        others = first != second  # an image of an atom itself stays where it is
        first, second, distance = first[others], second[others], distance[others]
        volume = abs(np.linalg.det(cell)) if periodic else 4 / 3 * np.pi * REACH**3
        ends = np.sort(np.stack([numbers[first], numbers[second]]), axis=0)
        for pair in np.unique(ends, axis=1).T:
            here = (ends == pair[:, None]).all(axis=0)
            name = "-".join(chemical_symbols[z] for z in pair)
            found = np.histogram(distance[here], edges)[0] * volume
            counts[name] = counts.get(name, 0) + 2 * found  # each pair from both its ends
    return {name: found / (len(frames) * n * n * shells) for name, found in sorted(counts.items())}


def radial_difference(one: Radial, other: Radial) -> float:
    """Integral of |g - g'| over that of g + g', sums over pairs of elements: 0 of the same, 1 of
    nothing in common (one minus the score of Schran et al., PNAS 118, e2110077118, 2021)."""
    nothing = np.zeros(round(REACH / BIN))
    pairs = [
        (np.asarray(one.get(name, nothing)), np.asarray(other.get(name, nothing)))
        for name in {*one, *other}
    ]
    both = sum(float((a + b).sum()) for a, b in pairs)
    return sum(float(np.abs(a - b).sum()) for a, b in pairs) / both if both else np.nan


def displacement(frames: Frames) -> np.ndarray:
    """Mean-square displacement over lags of one look, two, ..., Angstrom^2, float64 [L].

    A mean over atoms and over all starts of a lag. Atoms are followed over the edges of the cell
    (between two looks none goes half a cell), and the centre of mass stays at rest.

    Args:
        frames: of one periodic structure in a cell that stays, in the order of time.
    """
    n, cell = int(frames.n_atoms[0]), frames.cell[0]
    positions = frames.positions.reshape(len(frames), n, 3)
    steps = np.diff(positions, axis=0)
    steps -= np.rint(steps @ np.linalg.inv(cell)) @ cell
    path = np.concatenate([np.zeros((1, n, 3)), np.cumsum(steps, axis=0)])
    masses = atomic_masses[frames.numbers[:n]]
    path -= (masses @ path / masses.sum())[:, None]
    lags = range(1, max(2, int(LONGEST_LAG * len(frames))))
    return np.array([((path[lag:] - path[:-lag]) ** 2).sum(axis=2).mean() for lag in lags])


def displacement_difference(one: Any, other: Any) -> float:
    """Mean |MSD - MSD'| over the mean of MSD', over the lags that both have; float [L] each."""
    both = min(len(one), len(other))
    a, b = np.asarray(one[:both]), np.asarray(other[:both])
    return float(np.abs(a - b).mean() / b.mean()) if both and b.mean() > 0 else np.nan
