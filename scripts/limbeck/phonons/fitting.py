"""Force constants from the forces of displaced supercells, all in batched calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from phonopy import Phonopy
from phonopy.harmonic.force_constants import compact_fc_to_full_fc
from phonopy.structure.atoms import PhonopyAtoms

from limbeck.errors import LimbeckError, explained
from limbeck.phonons import second_step
from limbeck.phonons.crystals import frames_of
from limbeck.phonons.second_step import SecondStep

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
        second_steps: what was found at a second step, of one displacement or more.
    """

    displacements: int
    residual_force: float
    acoustic_sum: float
    unexplained: float
    second_steps: tuple[SecondStep, ...] = ()

    @property
    def worst_step(self) -> SecondStep | None:
        """The second step that the harmonic model is farthest from, if there are any."""
        return max(self.second_steps, key=lambda step: step.difference, default=None)


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


def fit_all(
    phonons: Sequence[Phonopy], potential: "Potential", *, second_look: bool = False
) -> list[Fit]:
    """Force constants of crystals whose displacements are chosen, set in place.

    Args:
        second_look: look at the first displacement of each species again, at a second step.

    Raises:
        LimbeckError: forces are not finite, or there are too few displacements.
    """
    looked_at = [second_step.first_of_each(phonon) if second_look else [] for phonon in phonons]
    of_each = [
        [*_supercells(phonon), *second_step.supercells(phonon, which)]
        for phonon, which in zip(phonons, looked_at, strict=True)
    ]
    frames = frames_of([cell for cells in of_each for cell in cells])
    # One call for all crystals and displacements: the potential cuts it into full batches.
    forces = potential.predict(frames).forces
    if not np.isfinite(forces).all():
        raise LimbeckError("forces of displaced supercells are not finite")
    ends = np.cumsum([len(cells) for cells in of_each])
    starts = np.concatenate([[0], ends[:-1]])
    offsets = frames.offsets
    return [
        _fit(phonon, which, forces[offsets[start] : offsets[end]].reshape(end - start, -1, 3))
        for phonon, which, start, end in zip(phonons, looked_at, starts, ends, strict=True)
    ]


def _supercells(phonon: Phonopy) -> list[PhonopyAtoms]:
    """The supercell at rest, and the displaced ones."""
    return [phonon.supercell, *(phonon.supercells_with_displacements or [])]


def _fit(phonon: Phonopy, again: Sequence[int], forces: np.ndarray) -> Fit:
    """Force constants from ``forces`` float64 [1+S+2C,n,3].

    They are those of the supercell at rest, of the S displaced ones, and of two for each of the C
    displacements ``again``.

    Raises:
        LimbeckError: the displacements do not determine them.
    """
    last = len(forces) - 2 * len(again)
    # What is left of the forces at rest would look like force constants.
    phonon.forces = forces[1:last] - forces[0]
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
    # Only rows of the primitive cell were calculated.
    whole = compact_fc_to_full_fc(phonon.primitive, phonon.force_constants)  # [n,n,3,3]
    return Fit(
        displacements=last - 1,
        residual_force=float(np.abs(forces[0]).max()),
        acoustic_sum=float(acoustic_sum),
        unexplained=_unexplained(phonon, whole),
        second_steps=tuple(second_step.compare(phonon, whole, again, forces[last:])),
    )


def _unexplained(phonon: Phonopy, whole: np.ndarray) -> float:
    """Of the full force constants ``whole`` [n,n,3,3]."""
    moved = second_step.displacements(phonon)
    # F_i = - sum_j Phi_ij u_j
    harmonic = -np.einsum("ijab,sjb->sia", whole, moved, optimize=True)
    return second_step.share(phonon.forces - harmonic, phonon.forces)
