"""Statistics of the training set that a student starts with."""

import numpy as np

from limbeck.datasets.atom_energies import fit_atoms
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.geometry import composition
from limbeck.potentials.trainable import Statistics

SMALLEST_SCALE = 1e-3  # keeps a data set without forces or spread from dividing by zero


def training_statistics(dataset: Dataset) -> Statistics:
    """Offsets of the energy per element, and scales of what is left.

    Raises:
        LimbeckError: the data set is empty.
    """
    frames, labels = dataset.frames, dataset.labels
    if not len(dataset):
        raise LimbeckError("the training set has no frames; see what was refused, and why")
    elements = np.unique(frames.numbers)
    counts = composition(frames, elements)
    offsets = np.array(list(fit_atoms(dataset).energies.values()))
    residual = (labels.energy - counts @ offsets) / frames.n_atoms
    stress = labels.stress[np.isfinite(labels.stress).all(axis=1)]
    return Statistics(
        elements=elements.tolist(),
        reference_energies=offsets,
        energy_mean=float(residual.mean()),
        energy_std=max(float(residual.std()), SMALLEST_SCALE),
        forces_rms=max(float(np.sqrt((labels.forces**2).mean())), SMALLEST_SCALE),
        stress_rms=max(float(np.sqrt((stress**2).mean())), SMALLEST_SCALE) if len(stress) else 1.0,
    )


def forces_by_source(dataset: Dataset) -> dict[bytes, float]:
    """Root mean square of the force components of each source, eV/Angstrom."""
    frame_of_atom = dataset.frames.frame_of_atom
    scales = {}
    for source in np.unique(dataset.frames.source):
        forces = dataset.labels.forces[(dataset.frames.source == source)[frame_of_atom]]
        scales[source] = max(float(np.sqrt((forces**2).mean())), SMALLEST_SCALE)
    return scales


def spread_weights(dataset: Dataset, training: Dataset, strength: float) -> np.ndarray | None:
    """Weights of the force error of each atom, by the spread of its label over views.

    1 / (1 + strength (s / s0)^2), with s the spread and s0 its root mean square over the source's
    atoms in the training set: what weighted least squares give a label whose noise grows with s,
    on top of an error that all have. Divided by their mean over the training set, so that a source
    counts as much as before. 1 where there is no spread, as with labels of one view.

    Returns:
        float64 [N]; None where ``strength`` is 0.
    """
    if strength == 0:
        return None
    scales = _spread_by_source(training)

    def weights(part: Dataset) -> np.ndarray:
        scale = [scales.get(source, np.nan) for source in part.frames.source.tolist()]
        relative = part.labels.forces_spread / np.repeat(scale, part.frames.n_atoms)
        # NaN (one view, or a source without spread) counts as no spread.
        return 1 / (1 + strength * np.nan_to_num(relative) ** 2)

    means = _mean_by_source(training, weights(training))
    mean = [means.get(source, 1.0) for source in dataset.frames.source.tolist()]
    return weights(dataset) / np.repeat(mean, dataset.frames.n_atoms)


def _spread_by_source(dataset: Dataset) -> dict[bytes, float]:
    """Root mean square of the spread of each source, NaN where there is none."""
    squares = _mean_by_source(dataset, dataset.labels.forces_spread**2)
    # A spread of zero as a unit would divide by zero: NaN instead, which weights treat as no
    # spread.
    return {source: float(np.sqrt(mean)) or np.nan for source, mean in squares.items()}


def _mean_by_source(dataset: Dataset, values: np.ndarray) -> dict[bytes, float]:
    """Mean of ``values`` [N] over the atoms of each source."""
    source_of_atom = np.repeat(dataset.frames.source, dataset.frames.n_atoms)
    return {
        source: float(values[source_of_atom == source].mean())
        for source in np.unique(dataset.frames.source).tolist()
    }
