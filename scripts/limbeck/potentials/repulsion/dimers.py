"""Pairs of atoms that are too near already: which of them a potential pulls together, and what a
training asks of them.

A network knows of such pairs only what distances farther out teach it, and its own attraction can
be stronger than a repulsion that is added to it.
"""

from collections.abc import Iterable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii

from limbeck.frames import Frames, from_atoms
from limbeck.potentials.interface import Potential
from limbeck.potentials.trainable import TrainablePotential

#: In sums of covalent radii. No bond is so short (N2 has 0.77), so that all pairs repel below the
#: last; below the first nuclei do not come in any dynamics that this project samples.
RATIOS = np.linspace(0.3, 0.7, 21)
#: of each pair, in a training: somewhat beyond those that judge it
TRAINED_RATIOS = np.linspace(0.28, 0.73, 24)
#: of all pairs, in one step of a training, and in how many steps there are some: a step with dimers
#: costs a small network half as much again
IN_A_STEP, EVERY = 16, 4


def attracting_pairs(potential: Potential[Any]) -> list[str]:
    """Pairs of its elements that attract somewhere below 0.7 of the sum of their covalent radii.

    Each pair alone, at :data:`RATIOS`; a force that is not finite counts as one that attracts.

    Returns:
        Symbols, as "Cl-Na"; in alphabetic order.
    """
    pairs = pairs_of(potential.about.elements)
    along_z = np.tile([0.0, 0.0, 1.0], (len(pairs) * len(RATIOS), 1))
    dimers = dimers_of(pairs, np.tile(RATIOS, (len(pairs), 1)), along_z)
    forces = potential.predict(dimers).forces
    # of the second atom, away from the first
    outwards = forces.reshape(len(pairs), len(RATIOS), 2, 3)[:, :, 1, 2]
    apart = (outwards >= 0).all(axis=1)  # NaN is not
    return ["-".join(pairs[i]) for i in np.flatnonzero(~apart)]


def pairs_of(elements: Iterable[int]) -> list[tuple[str, str]]:
    """Symbols of each pair of elements, given by atomic number; in alphabetic order."""
    symbols = sorted(chemical_symbols[z] for z in elements)
    return list(combinations_with_replacement(symbols, 2))


def dimers_of(pairs: list[tuple[str, str]], ratios: np.ndarray, directions: np.ndarray) -> Frames:
    """Two atoms in vacuum for each ratio of each pair.

    Args:
        ratios: [pairs, R], distances in sums of covalent radii.
        directions: [pairs R, 3], from the first atom to the second; of length 1.
    """
    each = [(pair, ratio) for pair, own in zip(pairs, ratios, strict=True) for ratio in own]
    atoms = [
        Atoms(pair, [[0, 0, 0], ratio * _sum(pair) * direction])
        for (pair, ratio), direction in zip(each, directions, strict=True)
    ]
    return from_atoms(atoms, groups=["-".join(pair) for pair, _ in each], source="dimers")


def _sum(pair: tuple[str, str]) -> float:
    return float(sum(covalent_radii[chemical_symbols.index(symbol)] for symbol in pair))


class Repelling:
    """What a training pays for pairs of its elements that do not repel where nuclei are near.

    No teacher is asked: dimers below 0.73 of the sum of their covalent radii, alone in vacuum and
    turned at random, of which only the sign of the force is known. One whose atoms are pushed apart
    by more than the root mean square force of the data costs nothing. Only one step in
    :data:`EVERY` has any, and there they count as often.
    """

    def __init__(self, student: TrainablePotential[Any], forces_rms: float) -> None:
        """``forces_rms``: of a component of the training set, eV/Angstrom."""
        self._student, self._scale = student, forces_rms
        pairs = pairs_of(student.about.elements)
        ratios = np.tile(TRAINED_RATIOS, (len(pairs), 1))
        # any: no two trainings need other dimers
        directions = np.random.default_rng(0).normal(size=(ratios.size, 3))
        self._directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        self._graphs = student.graphs(dimers_of(pairs, ratios, self._directions))

    def cost(self, rng: np.random.Generator) -> torch.Tensor:
        """Mean over a few dimers, drawn by ``rng``: the square of what their push lacks, in units
        of the root mean square force. A scalar that gradients flow through."""
        drawn = rng.integers(len(self._graphs), size=IN_A_STEP)
        batch = self._student.collate([self._graphs[i] for i in drawn])
        forces = self._student.outputs(batch, training=True, stress=False).forces
        directions = torch.as_tensor(self._directions[drawn]).to(forces)
        pushes = (forces[1::2] * directions).sum(dim=1) / self._scale
        return EVERY * (torch.relu(1 - pushes) ** 2).mean()
