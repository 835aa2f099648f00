"""Energies of single atoms by a potential, as offsets for a model of differences."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols, ground_state_magnetic_moments

from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.potentials.devices import DeviceLost
from limbeck.potentials.evaluation import attempt

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)


def known_energies(potential: "Potential[Any]", numbers: np.ndarray) -> dict[str, float]:
    """Energies of those isolated atoms that the potential can answer for, eV, by symbol.

    Args:
        numbers: atomic numbers of the elements, each once.

    Raises:
        DeviceLost: the device went away.
    """
    found: dict[str, float] = {}
    for number in numbers.tolist():
        try:
            found |= isolated_energies(potential, [chemical_symbols[number]])
        except DeviceLost:
            raise
        except LimbeckError as error:
            log.info("%s", error)
    return found


def isolated_energies(potential: "Potential[Any]", elements: Sequence[str]) -> dict[str, float]:
    """A potential's energies of single atoms, eV, each with the spin of its ground state.

    Raises:
        LimbeckError: it does not know an element, or cannot answer for an atom alone.
    """
    name = potential.about.name
    remedy = "expected a number (atoms: fit needs none)"
    # Bohr magnetons, without the orbital part: the number of unpaired electrons
    spins = [int(ground_state_magnetic_moments[atomic_numbers[e]]) for e in elements]
    energies = {}
    for element, spin in zip(elements, spins, strict=True):
        atom = from_atoms([Atoms(element)], groups=[element], source="atoms", spins=[spin])
        if potential.unknown_elements(atom).any():
            raise LimbeckError(f"{name}: an atom of {element} alone: unknown element, {remedy}")
        answer, error, _ = attempt(potential, partial(potential.predict, atom))
        if answer is None:
            reason = " ".join(str(error).split())
            raise LimbeckError(f"{name}: an atom of {element} alone: {reason}, {remedy}") from error
        energy = float(answer.energy[0])
        if not np.isfinite(energy):
            raise LimbeckError(f"{name}: an atom of {element} alone: {energy}, {remedy}")
        energies[element] = energy
    return energies
