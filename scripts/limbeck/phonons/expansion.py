"""The cell at a temperature, in the quasi-harmonic approximation.

``expansion.json``: ``{"temperature_K", "volume_A3", "thermal_expansion_per_K", "bulk_modulus_GPa",
"equation_of_state", "curve": {"temperature_K", "volume_A3", "thermal_expansion_per_K",
"bulk_modulus_GPa"}, "points": {"volume_A3", "energy_eV", "lowest_THz"}}``; volumes and energies
of the unit cell.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms, units
from phonopy import Phonopy, run_qha

from limbeck.errors import LimbeckError
from limbeck.phonons.crystals import frames_of, phonopy_of
from limbeck.phonons.fitting import displace, fit_all
from limbeck.phonons.modes import modes_of

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

EQUATION_OF_STATE = "vinet"
#: temperatures from 0 to the one asked for; alpha is a difference of volumes between them
_STEPS = 25
#: Angstrom; the mesh of the free energy has as many points over the lattice spacings
_MESH_A = 50.0


def expansion(
    cells: Sequence[Atoms],
    matrix: np.ndarray,
    potential: "Potential",
    *,
    temperature: float,
    distance: float,
    threshold: float,
) -> dict[str, Any]:
    """Volume and thermal expansion of a crystal from its cells at several volumes.

    Phonons at each volume give F(V, T) = U(V) + F_harmonic(V, T); phonopy fits an equation of
    state at each T, whose lowest point is V(T).

    Args:
        cells: the crystal, relaxed at each of five volumes or more.
        matrix: int [3,3], of the supercell, as of :func:`limbeck.phonons.crystals.phonopy_of`.
        temperature: K; distance: Angstrom, of the displacements; threshold: THz, below minus
            which a mode is imaginary.

    Returns:
        What ``expansion.json`` holds.

    Raises:
        LimbeckError: an imaginary mode at one of the volumes, or V(T) outside of them.
    """
    phonons = [phonopy_of(atoms, matrix) for atoms in cells]
    for phonon in phonons:
        # finite displacements need no random numbers: the seed is not used
        displace(phonon, "finite", distance, None, 0)
    # All volumes in one call, so that their supercells fill batches.
    fit_all(phonons, potential)
    volumes = np.array([atoms.get_volume() for atoms in cells])
    lowest = [modes_of(phonon).lowest for phonon in phonons]
    if min(lowest) < -threshold:
        at = volumes[int(np.argmin(lowest))]
        raise LimbeckError(
            f"imaginary mode at {min(lowest):.3g} THz at a volume of {at:.4g} A^3: no "
            "quasi-harmonic free energy there"
        )
    energy = potential.predict(frames_of(cells)).energy
    curve = _curve(phonons, energy, volumes, temperature)
    at_temperature = {name: float(values[_STEPS]) for name, values in curve.items()}
    points = {"volume_A3": volumes, "energy_eV": energy, "lowest_THz": lowest}
    return at_temperature | {
        "equation_of_state": EQUATION_OF_STATE,
        "curve": curve,
        "points": points,
    }


def _curve(
    phonons: Sequence[Phonopy], energy: np.ndarray, volumes: np.ndarray, temperature: float
) -> dict[str, np.ndarray]:
    """V, alpha and B at :data:`STEPS` + 1 temperatures from 0."""
    share = len(phonons[0].primitive) / len(phonons[0].unitcell)
    found = run_qha(
        phonons,
        [temperature / _STEPS * i for i in range(_STEPS + 3)],  # phonopy uses up the last
        # per primitive cell, as the free energies of phonopy
        internal_energies=energy * share,
        mesh=_MESH_A,
        eos=EQUATION_OF_STATE,
        # Without their own frequency the three translations have no free energy.
        exclude_gamma_acoustic=True,
    )
    whole = slice(0, _STEPS + 1)
    curve = {
        "temperature_K": found.temperatures[whole],
        "volume_A3": found.equilibrium_volumes[whole] / share,
        "thermal_expansion_per_K": found.thermal_expansion[whole],
        "bulk_modulus_GPa": found.bulk_moduli[whole] / units.GPa,
    }
    reached = curve["volume_A3"]
    # Outside of the strains V(T) would be an extrapolation of the equation of state.
    if len(reached) <= _STEPS or not volumes.min() <= reached[-1] <= volumes.max():
        where = f"{reached[-1]:.4g} A^3" if len(reached) > _STEPS else "none"
        raise LimbeckError(
            f"volume at {temperature:g} K is {where}, expected one within those of volume_strains, "
            f"{volumes.min():.4g} to {volumes.max():.4g} A^3"
        )
    return curve
