"""Delta-learning: the difference of two label sets, as a data set to train a model on."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from ase.data import chemical_symbols

from limbeck.datasets.atom_energies import AtomEnergies
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import composition
from limbeck.labels import Labels
from limbeck.properties import DIRECTIONS, PRODUCTS
from limbeck.reasons import Status


def difference(baseline: Labels, target: Labels) -> Labels:
    """Target less baseline: every property that both have, of the frames on which both are good.

    All others have a status: that of the target, or where this is good that of the baseline.
    Spreads add up as independent ones do. Products of a Hessian with vectors are left out: their
    directions are not subtracted.

    Raises:
        LimbeckError: they are not labels of the same frames in the same order.
    """
    if not np.array_equal(baseline.id, target.id):
        raise LimbeckError("baseline and target are not labels of the same frames in one order")
    values, less_values = target.values, baseline.values
    spreads, less_spreads = target.spreads, baseline.spreads
    return replace(
        target,
        values={
            n: v - less_values[n]
            for n, v in values.items()
            if n in less_values and n not in (DIRECTIONS, PRODUCTS)
        },
        # variances add: sqrt(a^2 + b^2)
        spreads={n: np.hypot(s, less_spreads[n]) for n, s in spreads.items() if n in less_spreads},
        status=np.where(target.status == Status.GOOD, baseline.status, target.status),
        attrs={"baseline": baseline.attrs, "target": target.attrs},
    )


def less(target: Mapping[str, float], baseline: Mapping[str, float]) -> AtomEnergies:
    """Target less baseline, of atoms that both know."""
    return {element: target[element] - baseline[element] for element in target}


def residual(dataset: Dataset, atoms: AtomEnergies) -> np.ndarray:
    """Energies less those of the atoms. float64 [B], eV.

    Raises:
        LimbeckError: there is no energy for an element.
    """
    elements, counts = _elements_of(dataset.frames)
    missing = [e for e in elements if e not in atoms]
    if missing:
        raise LimbeckError(
            f"no energy of single atoms of {', '.join(missing)}, there are {sorted(atoms)}"
        )
    return dataset.labels.energy - counts @ np.array([atoms[e] for e in elements])


def _elements_of(frames: Frames) -> tuple[list[str], np.ndarray]:
    """Symbols of E elements, and how often each is in each frame, float64 [B,E]."""
    elements = np.unique(frames.numbers)
    return [chemical_symbols[z] for z in elements], composition(frames, elements)


def sizes(dataset: Dataset, atoms: AtomEnergies) -> dict[str, float | None]:
    """Root mean squares of the quantities to be learned, for one part of the data set."""
    per_atom = 1e3 / dataset.frames.n_atoms
    return {
        "energy_rms_meV_per_atom": _rms(dataset.labels.energy * per_atom),
        "energy_less_atoms_rms_meV_per_atom": _rms(residual(dataset, atoms) * per_atom),
        "forces_rms_meV_per_A": _rms(dataset.labels.forces * 1e3),
    }


def _rms(values: np.ndarray) -> float | None:
    return float(np.sqrt((values**2).mean())) if values.size else None
