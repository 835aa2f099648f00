"""Statistics of the training set that a student starts with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from limbeck.averaging.displaced import lines_of
from limbeck.datasets.atom_energies import fit_atoms
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.geometry import composition, shortest_distance_ratio
from limbeck.potentials.trainable import Statistics

SMALLEST_SCALE = 1e-3  # keeps a data set without forces or spread from dividing by zero


def training_statistics(dataset: Dataset) -> Statistics:
    """Offsets of the energy per element, and scales of what is left.

    Raises:
        LimbeckError: the data set is empty, or has a label that is not finite.
    """
    frames, labels = dataset.frames, dataset.labels
    if not len(dataset):
        raise LimbeckError("the training set has no frames; see what was refused, and why")
    require_finite("training", dataset)
    offsets = fit_atoms(dataset).energies
    residual = residual_energies(dataset, offsets)
    stress = labels.stress[np.isfinite(labels.stress).all(axis=1)]
    return Statistics(
        elements=np.unique(frames.numbers).tolist(),
        reference_energies=np.array(list(offsets.values())),
        energy_mean=float(residual.mean()),
        energy_std=max(float(residual.std()), SMALLEST_SCALE),
        forces_rms=max(float(np.sqrt((labels.forces**2).mean())), SMALLEST_SCALE),
        stress_rms=max(float(np.sqrt((stress**2).mean())), SMALLEST_SCALE) if len(stress) else 1.0,
    )


def require_finite(name: str, dataset: Dataset) -> None:
    """Refuse a set with frames whose energy or forces are NaN or infinite.

    Raises:
        LimbeckError: there are some.
    """
    labels, frames = dataset.labels, dataset.frames
    wrong = ~np.isfinite(labels.energy)
    wrong[frames.frame_of_atom[~np.isfinite(labels.forces).all(axis=1)]] = True
    if wrong.any():
        raise LimbeckError(
            f"the {name} set has {wrong.sum()} frames with an energy or a force that is not "
            f"finite, expected none; the first is {frames.id[wrong][0].decode()}"
        )


@dataclass(frozen=True)
class Scales:
    """How much there is to learn of each source: the units in which its errors count.

    Attributes:
        energy: by source, eV/atom.
        forces: by source, eV/Angstrom.
        products: by source, eV/Angstrom^2, of the Hessian with vectors; empty where these are not
            learned.
    """

    energy: Mapping[bytes, float]
    forces: Mapping[bytes, float]
    products: Mapping[bytes, float] = field(default_factory=dict)

    @classmethod
    def of(cls, training: Dataset, *, products: bool = False) -> "Scales":
        """The scales of a training set, with those of products where asked for.

        Raises:
            LimbeckError: it has no products of which there were to be scales.
        """
        found = products_by_source(training) if products else {}
        return cls(energy_by_source(training), forces_by_source(training), found)


def shortest_ratio(dataset: Dataset) -> float | None:
    """Smallest distance of two atoms, in sums of covalent radii; None where all stand alone."""
    found = float(shortest_distance_ratio(dataset.frames).min(initial=np.inf))
    return found if np.isfinite(found) else None


def forces_by_source(dataset: Dataset) -> dict[bytes, float]:
    """Root mean square of the force components of each source, eV/Angstrom."""
    frame_of_atom = dataset.frames.frame_of_atom
    scales = {}
    for source in np.unique(dataset.frames.source):
        forces = dataset.labels.forces[(dataset.frames.source == source)[frame_of_atom]]
        scales[source] = max(float(np.sqrt((forces**2).mean())), SMALLEST_SCALE)
    return scales


def products_by_source(dataset: Dataset) -> dict[bytes, float]:
    """Root mean square of the components of Hessian-vector products of each source, eV/Angstrom^2.

    Raises:
        LimbeckError: there are none.
    """
    lines = lines_of(dataset.frames, dataset.labels)
    if not lines:
        raise LimbeckError(
            f"none of {len(dataset)} training frames has a Hessian-vector product, expected some: "
            "hessian_weight is above 0"
        )
    source = np.repeat(lines.ahead.source, lines.ahead.n_atoms)
    squares = {s: (lines.products[source == s] ** 2).mean() for s in np.unique(source)}
    return {s: max(float(np.sqrt(square)), SMALLEST_SCALE) for s, square in squares.items()}


def energy_by_source(dataset: Dataset) -> dict[bytes, float]:
    """Spread of the energy per atom within the groups of each source, eV/atom.

    What a student has to find out about a compound is how its energy changes with its shape. From
    one compound to another it changes by far more (135 against 6 to 58 meV/atom in the demo's
    sources): in units of that spread, energies were hardly learned. Of a source whose groups have
    one frame each, the spread from group to group.
    """
    frames = dataset.frames
    _, group = np.unique(frames.group, return_inverse=True)
    counts = np.bincount(group)
    residual = residual_energies(dataset, fit_atoms(dataset).energies)
    within = residual - (np.bincount(group, weights=residual) / counts)[group]
    scales = {}
    for source in np.unique(frames.source):
        here = frames.source == source
        several = here & (counts[group] > 1)
        spread = within[several] if several.any() else residual[here] - residual[here].mean()
        scales[source] = max(float(np.sqrt((spread**2).mean())), SMALLEST_SCALE)
    return scales


def residual_energies(dataset: Dataset, offsets: Mapping[str, float]) -> np.ndarray:
    """Energies less those of the elements (eV, in the order of their numbers): [B], eV/atom."""
    frames = dataset.frames
    atoms = composition(frames, np.unique(frames.numbers))
    energies = atoms @ np.array(list(offsets.values()))
    return np.asarray((dataset.labels.energy - energies) / frames.n_atoms)


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
