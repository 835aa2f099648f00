"""Crystals with force constants from effective medium theory, for tests of phonons."""

import numpy as np
from ase import Atoms
from ase.build import bulk
from phonopy import Phonopy

from limbeck.config.sections.force_constants import ForceConstants
from limbeck.phonons.crystals import phonopy_of
from limbeck.phonons.fitting import displace, fit_all
from limbeck.potentials.models.toys import EffectiveMedium

#: Angstrom, of copper in effective medium theory
COPPER = 3.5907
#: fields of ``force_constants``
SETTINGS = {
    "supercell_radius_A": None,
    "supercell_matrix": [3, 3, 3],
    "relax_input_cell": "none",
    "relax_force_tolerance_eV_per_A": 0.001,
    "relax_steps": 500,
    "symmetry_tolerance_A": 0.001,
    "displacements": "finite",
    "displacement_A": 0.01,
    "snapshots": None,
    "imaginary_modes": "refuse",
    "imaginary_threshold_THz": 0.1,
    "thermal_expansion": False,
    "temperature_K": 300.0,
    "volume_strains": [-0.02, 0.0, 0.02, 0.04, 0.06],
}


def settings(**changes) -> ForceConstants:
    """Fields of ``force_constants``, some of them changed."""
    return ForceConstants(name="test", sources=["s"], potential="some", **(SETTINGS | changes))


def copper() -> Atoms:
    """One atom: at Gamma nothing but translations."""
    return bulk("Cu", "fcc", COPPER)


def copper_gold() -> Atoms:
    """Cu3Au, four atoms of two masses, at rest by symmetry."""
    corners = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    return Atoms("AuCu3", scaled_positions=corners, cell=3.72 * np.eye(3), pbc=True)


def harmonic(atoms: Atoms, repeats: int) -> Phonopy:
    """A crystal with force constants of a supercell of repeats^3 cells."""
    phonon = phonopy_of(atoms, repeats * np.eye(3, dtype=int))
    displace(phonon, "finite", 0.01, None, 0)
    fit_all([phonon], EffectiveMedium())
    return phonon
