"""Whether force constants hold at twice the displacement that they were made at.

A smooth potential has the same force constants at any small displacement. One whose forces have a
cusp or much noise near the minimum has not, and the share of the forces that the fit explains does
not show it: at every length there is some harmonic model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from phonopy import Phonopy
from phonopy.structure.atoms import PhonopyAtoms

from limbeck.phonons.modes import modes_of

#: The second step, in units of the first: far enough to be another look, near enough for a stiff
#: crystal to be harmonic still.
FACTOR = 2.0
#: THz. Below it a lowest mode counts as one at this frequency: the square of none would be zero.
SOFTEST = 0.1


@dataclass(frozen=True)
class SecondStep:
    """What was found at :data:`FACTOR` times the displacement.

    Attributes:
        species: symbol of the atom that is displaced; "all atoms" where all are, one by one or at
            once.
        difference: of one displacement, norm of F + Phi u over that of F, with F half the
            difference of the forces at u and -u, in which the first anharmonic order, that of
            three atoms, cancels; of all, norm of the difference of the force constants over that
            of the second ones; or the same of the square of the lowest frequency, if that is more.
        lowest: THz, of the modes of the second force constants; NaN where there are none.
    """

    species: str
    difference: float
    lowest: float = float("nan")


def first_of_each(phonon: Phonopy) -> list[int]:
    """Number of the first displacement of each species; of random ones, of the first."""
    species = _species(phonon)
    return sorted(species.index(name) for name in set(species))


def displacements(phonon: Phonopy) -> np.ndarray:
    """float64 [S,n,3], Angstrom, of all displaced supercells."""
    rest = phonon.supercell.positions
    cells = phonon.supercells_with_displacements or []
    return np.array([cell.positions - rest for cell in cells]).reshape(-1, *rest.shape)


def supercells(phonon: Phonopy, which: Sequence[int]) -> list[PhonopyAtoms]:
    """Two for each of the displacements ``which``: on either side of rest."""
    moved = displacements(phonon)
    found = []
    for k in which:
        for side in (FACTOR, -FACTOR):
            cell = phonon.supercell.copy()
            cell.positions = phonon.supercell.positions + side * moved[k]
            found.append(cell)
    return found


def compare(
    phonon: Phonopy, whole: np.ndarray, which: Sequence[int], forces: np.ndarray
) -> list[SecondStep]:
    """How far the harmonic model is from the forces of :func:`supercells`.

    Args:
        whole: float64 [n,n,3,3], force constants of the supercell, eV/Angstrom^2.
        forces: float64 [2C,n,3], eV/Angstrom.
    """
    moved, species = displacements(phonon), _species(phonon)
    steps = []
    pairs = forces.reshape(len(which), 2, len(phonon.supercell), 3)
    for k, (plus, minus) in zip(which, pairs, strict=True):
        odd = (plus - minus) / 2
        left = odd + np.einsum("ijab,jb->ia", whole, FACTOR * moved[k], optimize=True)
        steps.append(SecondStep(species[k], share(left, odd)))
    return steps


def share(left: np.ndarray, forces: np.ndarray) -> float:
    """Norm of what is left of forces over theirs; none of no forces."""
    whole = float(np.linalg.norm(forces))
    return float(np.linalg.norm(left)) / whole if whole else 0.0


def compare_all(first: Phonopy, second: Phonopy) -> SecondStep:
    """How far the force constants of a crystal are from those of longer displacements."""
    assert first.force_constants is not None
    assert second.force_constants is not None
    apart = second.force_constants - first.force_constants
    constants = share(apart, second.force_constants)
    lowest, then = modes_of(first).lowest, modes_of(second).lowest
    # Stiff bonds make the norm, and soft modes of molecules do not show in it. A square with the
    # sign of its frequency is a force constant.
    squares = np.array([lowest * abs(lowest), then * abs(then)])
    softest = float(np.ptp(squares) / max(abs(squares[1]), SOFTEST**2))
    return SecondStep("all atoms", max(constants, softest), then)


def _species(phonon: Phonopy) -> list[str]:
    """Of each displacement, the symbol of the atom that moves."""
    assert phonon.dataset is not None
    one_by_one: Any = phonon.dataset.get("first_atoms")
    if one_by_one is None:
        return ["all atoms"] * len(phonon.supercells_with_displacements or [])
    return [phonon.supercell.symbols[atom["number"]] for atom in one_by_one]
