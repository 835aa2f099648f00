"""Delta-learning: the difference of two label sets, as a data set to train a model on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from ase.data import chemical_symbols

from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.labels import Labels
from limbeck.reasons import Status

if TYPE_CHECKING:
    pass

#: symbol of an element -> energy of a single atom, eV
AtomEnergies = dict[str, float]


def difference(baseline: Labels, target: Labels) -> Labels:
    """Target less baseline: energy, forces and stress of the frames on which both are good.

    All others have a status: that of the target, or where this is good that of the baseline.
    Spreads add up as independent ones do.

    Raises:
        LimbeckError: they are not labels of the same frames in the same order.
    """
    if not np.array_equal(baseline.id, target.id):
        raise LimbeckError("baseline and target are not labels of the same frames in one order")
    return replace(
        target,
        energy=target.energy - baseline.energy,
        forces=target.forces - baseline.forces,
        stress=target.stress - baseline.stress,
        energy_spread=np.hypot(target.energy_spread, baseline.energy_spread),
        forces_spread=np.hypot(target.forces_spread, baseline.forces_spread),
        status=np.where(target.status == Status.GOOD, baseline.status, target.status),
        attrs={"baseline": baseline.attrs, "target": target.attrs},
    )


def less(target: Mapping[str, float], baseline: Mapping[str, float]) -> AtomEnergies:
    """Target less baseline, of atoms that both know."""
    return {element: target[element] - baseline[element] for element in target}


def fitted_energies(dataset: Dataset) -> AtomEnergies:
    """Energies of atoms whose sum is nearest to the data set's energies per atom.

    Least squares over frames; where compositions do not tell elements apart (frames of one
    compound), the solution of least norm.
    """
    frames = dataset.frames
    elements, counts = _compositions(frames)
    energies = dataset.labels.energy / frames.n_atoms
    found = np.linalg.lstsq(counts / frames.n_atoms[:, None], energies, rcond=None)[0]
    return dict(zip(elements, found.tolist(), strict=True))


def residual(dataset: Dataset, atoms: AtomEnergies) -> np.ndarray:
    """Energies less those of the atoms. float64 [B], eV.

    Raises:
        LimbeckError: there is no energy for an element.
    """
    elements, counts = _compositions(dataset.frames)
    missing = [e for e in elements if e not in atoms]
    if missing:
        raise LimbeckError(
            f"no energy of single atoms of {', '.join(missing)}, there are {sorted(atoms)}"
        )
    return dataset.labels.energy - counts @ np.array([atoms[e] for e in elements])


def _compositions(frames: Frames) -> tuple[list[str], np.ndarray]:
    """Symbols of E elements, and how often each is in each frame, float64 [B,E]."""
    elements, column = np.unique(frames.numbers, return_inverse=True)
    counts = np.zeros((len(frames), len(elements)))
    np.add.at(counts, (frames.frame_of_atom, column), 1.0)
    return [chemical_symbols[z] for z in elements], counts


def sizes(dataset: Dataset, atoms: AtomEnergies) -> dict[str, float | None]:
    """How large what is to be learned is: root mean squares of one part of the data set."""
    per_atom = 1e3 / dataset.frames.n_atoms
    return {
        "energy_rms_meV_per_atom": _rms(dataset.labels.energy * per_atom),
        "energy_less_atoms_rms_meV_per_atom": _rms(residual(dataset, atoms) * per_atom),
        "forces_rms_meV_per_A": _rms(dataset.labels.forces * 1e3),
    }


def _rms(values: np.ndarray) -> float | None:
    return float(np.sqrt((values**2).mean())) if values.size else None
