"""Energies of two methods on one scale: each has a zero of its own for every element.

A program that counts all electrons and a foundation model differ by thousands of eV an atom, which
is no error of either. What is compared are energies after the best energies of atoms are taken off.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from limbeck.datasets.atom_energies import AtomEnergies, complain, fit_atoms
from limbeck.datasets.split import Dataset
from limbeck.frames import Frames, concatenate
from limbeck.geometry import composition
from limbeck.labels import Labels

#: frames that zeros are fitted on: an energy for each of some ten elements is known of fewer
MOST_FRAMES = 200


@dataclass(frozen=True)
class Zeros:
    """How much the energies of one method are above those of another, by element.

    Attributes:
        energies: eV, by symbol.
        fitted_on: frames that they were fitted on, in words.
        n_frames: how many.
        undetermined: symbols of elements that the compositions do not tell from others.
    """

    energies: AtomEnergies
    fitted_on: str
    n_frames: int
    undetermined: list[str]

    def of(self, frames: Frames) -> np.ndarray:
        """What the elements of each frame account for, float64 [B], eV; NaN where one of them was
        in no frame of the fit."""
        elements = np.unique(frames.numbers)
        energies = [self.energies.get(chemical_symbols[z], np.nan) for z in elements.tolist()]
        counts = composition(frames, elements)
        # nothing times an unknown zero is nothing
        return np.where(counts > 0, counts * np.array(energies), 0.0).sum(axis=1)

    def taken_off(self, frames: Frames, labels: Labels) -> Labels:
        """Labels of these frames, in their order, on the scale of the other method."""
        return _with_energy(labels, labels.energy - self.of(frames))

    def entry(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "fitted_on": self.fitted_on,
            "n_frames": self.n_frames,
            "undetermined": self.undetermined,
            "energies_eV": self.energies,
        }


def enough_elements(measured: Frames, others: Frames) -> Frames:
    """Frames that zeros are fitted on: others than those that are measured, and of these the ones
    with an element that no other has; it would have no zero."""
    missing = np.setdiff1d(measured.numbers, others.numbers)
    if not len(missing):
        return others
    having = np.isin(measured.numbers, missing).astype(float)
    needed = np.bincount(measured.frame_of_atom, having, len(measured)) > 0
    return concatenate([others, measured.select(needed)])


def fitted_on(measured: Frames, frames: Frames) -> str:
    """Which frames zeros were fitted on, in words."""
    same = np.isin(frames.id, measured.id)
    if not same.any():
        return "other frames"
    if same.all():
        return "the frames that are measured"
    numbers = np.setdiff1d(measured.numbers, frames.select(~same).numbers)
    symbols = ", ".join(chemical_symbols[z] for z in numbers.tolist())
    return f"other frames, and for {symbols} frames that are measured"


def fit_zeros(frames: Frames, energy: np.ndarray, reference: Labels, fitted_on: str) -> Zeros:
    """The zeros of reference labels above those of energies of the same frames.

    Args:
        frames: B frames, at least one; reference: of these, in their order.
        energy: float64 [B], eV, of the other method.
        fitted_on: which frames these are, in words.
    """
    above = replace(_with_energy(reference, reference.energy - energy), attrs={})
    fit = fit_atoms(Dataset(frames, above))
    complain(fit)
    return Zeros(fit.energies, fitted_on, len(frames), fit.undetermined)


def _with_energy(labels: Labels, energy: np.ndarray) -> Labels:
    return replace(labels, values=labels.values | {"energy": energy})
