"""Labels that are far from all others of their source, property by property.

A label job sees one slice; here all slices of a label set are compared, so that the verdict does
not depend on how many there are. A property of a frame is an outlier where it is beyond what is
ordinary (``Property.ordinary``, generous bounds from physics) as well as more than
:data:`DEVIATIONS` robust standard deviations from the median of its source (1.4826 times the median
absolute deviation, which up to half of bad labels cannot move: Rousseeuw and Croux, J. Am. Stat.
Assoc. 88, 1273 (1993)). The first keeps frames that are rare and right where most are alike, as
strong forces among relaxed structures; the second keeps sources that are wide or far from the
others, as a plasma beside crystals. Of a source of few frames the whole label set stands for it.

Energies are compared after what the elements of a frame account for: energies of atoms, fitted with
least absolute deviations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.gate.checks import judge, sizes
from limbeck.geometry import composition
from limbeck.labels import Labels, status_of
from limbeck.properties import Property, property_of
from limbeck.reasons import Fault, Status

#: Robust standard deviations: even where a tail falls off as slowly as an exponential, one value in
#: three million is as far out.
DEVIATIONS = 20.0
#: of fewer frames nothing is said, nor of a frame with an element that fewer of them have
MIN_FRAMES = 10
#: from the median absolute deviation to the standard deviation of a normal distribution
_NORMAL = 1.4826
_ELEMENTS = np.arange(1, 119)
#: Most rounds of the fit of energies; eV/atom, below which a residual or a gain is none.
_ROUNDS, _SMALL = 50, 1e-3


@dataclass(frozen=True)
class Summary:
    """What labels are compared by.

    Attributes:
        status: uint8 [B].
        sizes: by property, float64 [B]: the largest component in the frame, by
            :func:`limbeck.gate.checks.sizes`; of extensive numbers the value over the atoms.
        shares: float32 [B,118], of each element among the frame's atoms.
        source: bytes [B], names of the frames' sources.
    """

    status: np.ndarray
    sizes: dict[str, np.ndarray]
    shares: np.ndarray
    source: np.ndarray


def summary(frames: Frames, labels: Labels) -> Summary:
    """What labels are compared by; some hundred bytes for each frame.

    Each is judged by itself once more: files made before all properties were judged say "good".
    """
    labels = replace(labels, status=labels.status.copy())
    frames = frames.with_points(labels.n_points, labels.points)
    judge(frames, labels, {n for n, v in labels.values.items() if np.isfinite(v).any()})
    atoms = np.maximum(frames.n_atoms, 1)
    found = {}
    for name, values in labels.values.items():
        of = property_of(name)
        found[name] = values / atoms if _is_of_elements(of) else sizes(of, values, frames)
    shares = (composition(frames, _ELEMENTS) / atoms[:, None]).astype(np.float32)
    return Summary(labels.status, found, shares, frames.source)


def together(parts: Sequence[Summary]) -> Summary:
    """The slices of a label set as one; of properties those that all have."""
    names = [n for n in parts[0].sizes if all(n in part.sizes for part in parts)] if parts else []
    if not parts:
        nothing = np.zeros((0, len(_ELEMENTS)), np.float32)
        return Summary(np.zeros(0, np.uint8), {}, nothing, np.zeros(0, "S1"))
    return Summary(
        np.concatenate([part.status for part in parts]),
        {name: np.concatenate([part.sizes[name] for part in parts]) for name in names},
        np.concatenate([part.shares for part in parts]),
        np.concatenate([part.source for part in parts]),
    )


def statuses(found: Summary) -> np.ndarray:
    """Statuses of the labels, with those of outliers where they were good. uint8 [B]."""
    status = found.status.copy()
    for name, size in found.sizes.items():
        of = property_of(name)
        known = np.flatnonzero((found.status == Status.GOOD) & np.isfinite(size))
        if _is_of_elements(of):
            known, away = _beyond_elements(known, found.shares, size, of.ordinary)
        else:
            away = size[known]
        if len(known) < MIN_FRAMES:
            continue
        distance, scale = _by_source(away, found.source[known])
        if _is_of_elements(of):
            away = distance = np.abs(distance)
        far = known[(away > of.ordinary) & (distance > DEVIATIONS * scale)]
        status[far[status[far] == Status.GOOD]] = status_of(name, Fault.OUTLIER)
    return status


#: of what labels are like: from the least to the largest
QUANTILES = (0, 0.05, 0.5, 0.95, 1)


def ranges(found: Summary, status: np.ndarray) -> dict[str, dict[str, list[float] | None]]:
    """:data:`QUANTILES` of good labels by source; None where nothing is known.

    ``energy_eV_per_atom`` is after what the elements account for, from the median of the source;
    ``force_eV_per_A`` the largest component in a frame.

    Args:
        status: of :func:`statuses`.
    """
    told: dict[str, dict[str, list[float] | None]] = {
        name.decode(): {"energy_eV_per_atom": None, "force_eV_per_A": None}
        for name in np.unique(found.source[status == Status.GOOD])
    }
    for name, key in (("energy", "energy_eV_per_atom"), ("forces", "force_eV_per_A")):
        size = found.sizes.get(name, np.zeros(0))
        known = np.flatnonzero((status[: len(size)] == Status.GOOD) & np.isfinite(size))
        values = size[known]
        if name == "energy":
            ordinary = property_of(name).ordinary
            known, values = _beyond_elements(known, found.shares, size, ordinary)
            values = _by_source(values, found.source[known])[0]
        for source in np.unique(found.source[known]):
            of_source = values[found.source[known] == source]
            told[source.decode()][key] = np.quantile(of_source, QUANTILES).tolist()
    return told


def _by_source(values: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each from the median of its source, and the source's robust standard deviation.

    Sources of fewer than :data:`MIN_FRAMES` are compared with the median of all.
    """
    distance, scale = np.empty(len(values)), np.empty(len(values))
    names, which, count = np.unique(source, return_inverse=True, return_counts=True)
    for i in range(len(names)):
        own = which == i
        others = values[own] if count[i] >= MIN_FRAMES else values
        middle = np.median(others)
        distance[own] = values[own] - middle
        scale[own] = _NORMAL * np.median(np.abs(others - middle))
    return distance, scale


def judged(frames: Frames, labels: Labels) -> Labels:
    """The labels of a whole label set, with the statuses of faults and outliers among them.

    Raises:
        LimbeckError: they are not of these frames.
    """
    if not np.array_equal(frames.id, labels.id):
        raise LimbeckError("labels and frames are not the same frames in the same order")
    return replace(labels, status=statuses(summary(frames, labels)))


def _is_of_elements(of: Property) -> bool:
    """Whether a property is compared after what the elements account for: extensive numbers."""
    return of.extensive and not of.rank


def _beyond_elements(
    known: np.ndarray, shares: np.ndarray, values: np.ndarray, ordinary: float
) -> tuple[np.ndarray, np.ndarray]:
    """Frames whose elements are all common enough, and what their elements do not account for."""
    rare = (shares[known] > 0).sum(axis=0) < MIN_FRAMES
    known = known[~(shares[known][:, rare] > 0).any(axis=1)]
    table, of_frames = shares[known][:, ~rare].astype(float), values[known]
    return known, of_frames - table @ least_absolute(table, of_frames, ordinary)


def least_absolute(table: np.ndarray, values: np.ndarray, enough: float = 0.0) -> np.ndarray:
    """x with the least sum of |values - table x|, by least squares with other weights each round.

    Least squares alone would follow one bad energy away from all others; they do where they leave
    no residual beyond ``enough``.
    """
    weights, total = np.ones(len(values)), np.inf
    for _ in range(_ROUNDS):
        root = np.sqrt(weights)
        x = np.linalg.lstsq(table * root[:, None], values * root, rcond=None)[0]
        residual = np.abs(values - table @ x)
        before, total = total, residual.sum()
        if residual.max(initial=0.0) <= enough or before - total <= _SMALL * len(values):
            break
        weights = 1 / np.maximum(residual, _SMALL)
    return x
