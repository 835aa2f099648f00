"""Which pairs of atoms a potential pulls together that are too near already."""

from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii

from limbeck.frames import from_atoms
from limbeck.potentials.interface import Potential

#: In sums of covalent radii. No bond is so short (N2 has 0.77), so that all pairs repel below the
#: last; below the first nuclei do not come in any dynamics that this project samples.
RATIOS = np.linspace(0.3, 0.7, 21)


def attracting_pairs(potential: Potential[Any]) -> list[str]:
    """Pairs of its elements that attract somewhere below 0.7 of the sum of their covalent radii.

    Each pair alone, at :data:`RATIOS`; a force that is not finite counts as one that attracts.

    Returns:
        Symbols, as "Cl-Na"; in alphabetic order.
    """
    elements = sorted(chemical_symbols[z] for z in potential.about.elements)
    pairs = list(combinations_with_replacement(elements, 2))
    dimers = [
        Atoms(pair, [[0, 0, 0], [0, 0, ratio * _sum(pair)]]) for pair in pairs for ratio in RATIOS
    ]
    names = ["-".join(pair) for pair in pairs for _ in RATIOS]
    forces = potential.predict(from_atoms(dimers, groups=names, source="dimers")).forces
    # of the second atom, away from the first
    outwards = forces.reshape(len(pairs), len(RATIOS), 2, 3)[:, :, 1, 2]
    apart = (outwards >= 0).all(axis=1)  # NaN is not
    return ["-".join(pairs[i]) for i in np.flatnonzero(~apart)]


def _sum(pair: tuple[str, str]) -> float:
    return float(sum(covalent_radii[chemical_symbols.index(symbol)] for symbol in pair))
