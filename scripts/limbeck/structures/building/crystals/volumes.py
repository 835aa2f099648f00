"""How large the cell of a crystal is whose volume nobody has measured.

Two models, which ask of a structure its shape and its elements alone. Both scale it until its
nearest neighbours touch: where bonds are as long as pymatgen's data-mined lattice scaling says
(DLS: Chu et al., Comput. Mater. Sci. 146, 184 (2018)), whose radii depend on how different the
electronegativities are, or as long as the sum of two covalent radii. ``benchmarks/volumes.py``
measures both.
"""

import warnings

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from pymatgen.core import Structure as PymatgenStructure

#: Angstrom; that of ASE's table where there is none
NO_RADIUS_A = 0.2
#: in largest radii of a cell that is full of spheres: the nearest neighbour is always within
REACH = 5.0


def has_radius(symbol: str) -> bool:
    """Whether a volume can be told of crystals with this element."""
    return bool(covalent_radii[atomic_numbers[symbol]] > NO_RADIUS_A)


def volume_by_radii(structure: PymatgenStructure) -> float:
    """Volume of the cell, A^3, where the nearest two atoms are a sum of covalent radii apart."""
    return float(structure.volume / _nearest(structure) ** 3)


def volume_by_dls(structure: PymatgenStructure) -> float:
    """Volume of the cell, A^3, by data-mined lattice scaling.

    Raises:
        ValueError: pymatgen has no electronegativity, radius or bond of an element.
    """
    # heavy: it draws in a large part of pymatgen
    from pymatgen.analysis.structure_prediction.volume_predictor import (
        DLSVolumePredictor,
        bond_params,
    )

    if lacking := sorted({s.symbol for s in structure.composition} - set(bond_params)):
        raise ValueError(f"no bond length for {', '.join(lacking)}")
    # It looks for bonds at some 5 A, so that the guess has to be a sound one.
    guess = structure.copy()
    guess.scale_lattice(volume_by_radii(structure))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of electronegativities of noble gases
        found = DLSVolumePredictor(min_scaling=None, max_scaling=None).predict(guess)
    return float(found)


def volume_of(structure: PymatgenStructure) -> float:
    """Volume of the cell, A^3, by DLS, or by covalent radii where that knows an element not."""
    try:
        return volume_by_dls(structure)
    except ValueError:
        return volume_by_radii(structure)


def _nearest(structure: PymatgenStructure) -> float:
    """Smallest distance of two atoms over the sum of their covalent radii, images included."""
    radii = covalent_radii[list(structure.atomic_numbers)]
    # spheres that fill the cell, so that neighbours are near whatever its volume is
    scale = float((4 / 3 * np.pi * (radii**3).sum() / structure.volume) ** (1 / 3))
    reach = REACH * radii.max() / scale
    first, second, _, distance = structure.get_neighbor_list(reach)
    return float((distance / (radii[first] + radii[second])).min())
