"""Force constants from the forces of displaced supercells, all in batched calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from phonopy import Phonopy
from phonopy.harmonic.force_constants import compact_fc_to_full_fc
from phonopy.structure.atoms import PhonopyAtoms

from limbeck.errors import LimbeckError, explained
from limbeck.phonons.crystals import frames_of

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential


#: Translations and permutations are imposed in turn, so many times. Finite differences have the
#: space group already; ten sweeps then come to symfc's projection within rounding (with urea three
#: are 1e-10 eV/A^2 from it), which takes minutes for 1,500 atoms and these a second.
SWEEPS = 10


@dataclass(frozen=True)
class Fit:
    """Quality of the forces that force constants were fitted to.

    Attributes:
        displacements: displaced supercells.
        residual_force: eV/Angstrom, largest component in the supercell at rest. These forces are
            subtracted from those of the displaced supercells.
        acoustic_sum: eV/Angstrom^2, largest |sum over j of Phi_ij| before symmetrisation; NaN for
            random displacements, where the fit makes it zero.
        unexplained: root mean square of F + Phi u over that of F, over all displaced supercells.
    """

    displacements: int
    residual_force: float
    acoustic_sum: float
    unexplained: float


def displace(phonon: Phonopy, kind: str, distance: float, snapshots: int | None, seed: int) -> None:
    """Choose displacements.

    Args:
        kind: finite, as few as the symmetry needs, one atom at a time; or random, all atoms at
            once, each by ``distance`` in a random direction.
        distance: Angstrom.
        snapshots: supercells with random displacements; None for what symfc takes to be enough.
        seed: of the random ones.
    """
    if kind == "finite":
        phonon.generate_displacements(distance=distance)
        return
    phonon.generate_displacements(
        distance=distance,
        number_of_snapshots=snapshots or "auto",
        random_seed=seed % 2**32,  # phonopy takes no larger one
    )


def fit_all(phonons: Sequence[Phonopy], potential: "Potential") -> list[Fit]:
    """Force constants of crystals whose displacements are chosen, set in place.

    Raises:
        LimbeckError: forces are not finite, or there are too few displacements.
    """
    cells = [cell for phonon in phonons for cell in _supercells(phonon)]
    frames = frames_of(cells)
    # One call for all crystals and displacements: the potential cuts it into full batches.
    forces = potential.predict(frames).forces
    if not np.isfinite(forces).all():
        raise LimbeckError("forces of displaced supercells are not finite")
    ends = np.cumsum([len(_supercells(phonon)) for phonon in phonons])
    starts = np.concatenate([[0], ends[:-1]])
    offsets = frames.offsets
    return [
        _fit(phonon, forces[offsets[start] : offsets[end]].reshape(end - start, -1, 3))
        for phonon, start, end in zip(phonons, starts, ends, strict=True)
    ]


def _supercells(phonon: Phonopy) -> list[PhonopyAtoms]:
    """The supercell at rest, and the displaced ones."""
    return [phonon.supercell, *(phonon.supercells_with_displacements or [])]


def _fit(phonon: Phonopy, forces: np.ndarray) -> Fit:
    """Force constants from ``forces`` float64 [1+S,n,3], of the supercell at rest and S others.

    Raises:
        LimbeckError: the displacements do not determine them.
    """
    # What is left of the forces at rest would look like force constants.
    phonon.forces = forces[1:] - forces[0]
    finite = phonon.dataset is not None and "first_atoms" in phonon.dataset
    with explained("no force constants from these displacements"):
        phonon.produce_force_constants(
            # Only rows of atoms of the primitive cell; the others follow by translation.
            calculate_full_force_constants=False,
            # Single-atom displacements give Phi as a quotient of differences. All atoms at once
            # need a fit, which symfc does in the space of symmetric force constants.
            fc_calculator="traditional" if finite else "symfc",
            show_drift=False,
        )
        assert phonon.force_constants is not None
        # Translating the crystal as a whole costs no force: sum_j Phi_ij = 0. How far it is from
        # that shows the noise of the forces, so it is taken before it is imposed.
        acoustic_sum = np.abs(phonon.force_constants.sum(axis=1)).max() if finite else np.nan
        if finite:
            phonon.symmetrize_force_constants(level=SWEEPS, show_drift=False)
    return Fit(
        displacements=len(forces) - 1,
        residual_force=float(np.abs(forces[0]).max()),
        acoustic_sum=float(acoustic_sum),
        unexplained=_unexplained(phonon),
    )


def _unexplained(phonon: Phonopy) -> float:
    assert phonon.force_constants is not None
    whole = compact_fc_to_full_fc(phonon.primitive, phonon.force_constants)  # [n,n,3,3]
    moved = np.array([c.positions - phonon.supercell.positions for c in _supercells(phonon)[1:]])
    # F_i = - sum_j Phi_ij u_j
    harmonic = -np.einsum("ijab,sjb->sia", whole, moved, optimize=True)
    left = phonon.forces - harmonic
    return float(np.sqrt((left**2).mean() / (phonon.forces**2).mean()))
