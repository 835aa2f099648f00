"""What a student was trained on, so that it can say when atoms are far from all of that.

Kept beside its weights: for each element a few hundred of its surroundings in the training frames,
each the farthest from those before it, as descriptors; and how far from the nearest of these its
surroundings in other structures of the same chemistry are. Descriptors are the network's own where
it has some, which no rotation changes; else densities of neighbours by distance and element, which
know nothing of angles. Distances are Euclidean, of descriptors divided by how much they differ
between one training atom of the element and the one that is most like it: a standard deviation over
all would be that between phases, in which a crystal could be compressed by a tenth unnoticed.

A distance says that a structure is unlike the data, and not that the answer is wrong: far from the
data it may be right, and near to it wrong.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file
from vesin import NeighborList

from limbeck.errors import LimbeckError, explained
from limbeck.frames import Frames
from limbeck.potentials.evaluation import predict_or_nan
from limbeck.potentials.interface import Potential
from limbeck.selection.diversity import farthest_point

DOMAIN = "domain.safetensors"
#: Surroundings kept of each element; a distance to 256 of them costs far less than an answer.
MOST_POINTS = 256
#: Frames, the first of those given, and atoms of each element, that these are chosen from.
MOST_FRAMES, MOST_ATOMS = 2000, 20_000
#: Atoms of each element that a scale is found from, in pairs.
SCALE_ATOMS = 2000
#: Share of like frames that is within the limit: fewer than one in a hundred of them warns.
WITHIN = 0.99
#: Least scale of a descriptor, as a share of the largest: below it is rounding.
LEAST = 1e-3
#: Distances of neighbours that densities are taken at, and how far neighbours are seen, Angstrom
CENTRES, SEEN = np.linspace(0.5, 5.0, 16), 5.5


@dataclass(frozen=True)
class Known:
    """Of one element, in units of the scale of each of D descriptors.

    Attributes:
        points: float32 [P,D], surroundings of training frames.
        scale: float32 [D], see :func:`_scale`.
        limit: distance to the nearest point beyond which surroundings are far.
    """

    points: np.ndarray
    scale: np.ndarray
    limit: float

    def distance(self, descriptors: np.ndarray) -> np.ndarray:
        """To the nearest point; [n,D] -> [n]."""
        return _distance(descriptors / self.scale, self.points)


@dataclass(frozen=True)
class Domain:
    """What is known of each element, by its atomic number."""

    known: Mapping[int, Known]

    def far(self, descriptors: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """bool [N]: atoms whose surroundings are far from all in training; [N,D], [N]."""
        result = np.ones(len(numbers), dtype=bool)
        for number, known in self.known.items():
            atoms = numbers == number
            result[atoms] = ~(known.distance(descriptors[atoms]) <= known.limit)  # NaN is far
        return result

    def share(self, student: Potential[Any], frames: Frames) -> float:
        """The share of frames with an atom that is far; NaN without frames that can be answered."""
        frames = frames.select(~student.unknown_elements(frames))
        if not len(frames):
            return float("nan")
        far = self.far(describe(student, frames), frames.numbers)
        return float((np.bincount(frames.frame_of_atom, weights=far) > 0).mean())

    def save(self, folder: Path) -> None:
        """Write :data:`DOMAIN` into a folder."""
        arrays = {
            f"{name}/{number}": np.ascontiguousarray(getattr(known, name), dtype=np.float32)
            for number, known in self.known.items()
            for name in ("points", "scale", "limit")
        }
        save_file(arrays, folder / DOMAIN)
        (folder / DOMAIN).chmod(0o644)  # safetensors writes for its owner alone


def read_domain(folder: Path) -> Domain | None:
    """What :meth:`Domain.save` wrote; None where there is nothing, as of older students.

    Raises:
        LimbeckError: it cannot be read.
    """
    path = folder / DOMAIN
    if not path.is_file():
        return None
    with explained(f"{path}: not readable"), safe_open(path, framework="numpy") as file:
        found = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    numbers = [int(key.partition("/")[2]) for key in found if key.startswith("points/")]
    try:
        parts = {n: [found[f"{k}/{n}"] for k in ("points", "scale", "limit")] for n in numbers}
    except KeyError as error:
        raise LimbeckError(f"{path}: no {error}") from error
    return Domain({n: Known(p, scale, limit.item()) for n, (p, scale, limit) in parts.items()})


def domain_of(student: Potential[Any], training: Frames, validation: Frames) -> Domain:
    """What a student was trained on.

    Limits are such that frames of other structures of the same chemistry are within: those of
    validation, and each training frame, seen from all that is of other structures than its own.
    """
    few = training.select(np.arange(min(len(training), MOST_FRAMES)))
    others = validation.select(np.arange(min(len(validation), MOST_FRAMES)))
    descriptors, seen = describe(student, few), describe(student, others)
    return Domain(dict(_known(descriptors, few, seen, others)))


def _known(
    descriptors: np.ndarray, training: Frames, seen: np.ndarray, validation: Frames
) -> Iterator[tuple[int, Known]]:
    has_others = _with_other_roots(training)[training.frame_of_atom]
    for number in np.unique(training.numbers).tolist():
        atoms = (training.numbers == number) & np.isfinite(descriptors).all(axis=1)
        own = np.flatnonzero(atoms)[:: -(-atoms.sum() // MOST_ATOMS) or 1]
        if not len(own):
            continue
        scale = _scale(descriptors[own][:: -(-len(own) // SCALE_ATOMS)])
        points = (descriptors[own] / scale).astype(np.float32)
        frame, chosen = training.frame_of_atom[own], farthest_point(points, _most(points))
        squares = _squares(points, points[chosen])
        within = np.sqrt(squares.min(axis=1)).max()  # of the data themselves, in any case
        roots = training.root[frame]
        squares[roots[:, None] == roots[chosen]] = np.inf
        told = has_others[own] & np.isfinite(squares.min(axis=1))
        there = validation.numbers == number
        far = np.concatenate(
            [
                _by_frame(np.sqrt(squares[told].min(axis=1)), frame[told]),
                _by_frame(
                    _distance(seen[there] / scale, points[chosen]), validation.frame_of_atom[there]
                ),
            ]
        )
        far = far[np.isfinite(far)]
        limit = np.quantile(far, WITHIN, method="higher") if len(far) else within
        yield number, Known(points[chosen], scale, float(max(limit, within)))


def _with_other_roots(frames: Frames) -> np.ndarray:
    """bool [B]: another root is of the same group, so that it shows how far such a one may be."""
    pairs = np.unique(np.stack([frames.group, frames.root]), axis=1)[0]
    several = [name for name, count in zip(*np.unique(pairs, return_counts=True)) if count > 1]  # noqa: B905
    return np.isin(frames.group, several)


def _most(points: np.ndarray) -> int:
    return min(MOST_POINTS, len(points))


def _by_frame(distances: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """The largest of each frame that has some. [n], [n] -> [frames]"""
    found = np.zeros(frame.max(initial=-1) + 1)
    np.maximum.at(found, frame, distances)
    return found[np.unique(frame)]


def _scale(descriptors: np.ndarray) -> np.ndarray:
    """Standard deviation of the differences between each atom and its nearest. [n,D] -> [D]"""
    deviation = _at_least(descriptors.std(axis=0))
    if len(descriptors) < 2:
        return deviation
    points = descriptors / deviation
    squares = -2 * points @ points.T + (points**2).sum(axis=1)  # less what is of the row
    np.fill_diagonal(squares, np.inf)
    return deviation * _at_least((points - points[squares.argmin(axis=1)]).std(axis=0))


def _at_least(scale: np.ndarray) -> np.ndarray:
    return np.maximum(scale, LEAST * scale.max() or 1.0).astype(np.float32)


def _distance(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """To the nearest of the others; [n,D], [P,D] -> [n]."""
    return np.asarray(np.sqrt(_squares(points, others).min(axis=1)))


def _squares(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared distances, [n,D], [P,D] -> [n,P]."""
    squares = (points**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * points @ others.T
    return np.asarray(np.maximum(squares, 0))


def describe(student: Potential[Any], frames: Frames) -> np.ndarray:
    """Descriptors of every atom, float [N,D]; NaN where there is no answer."""
    if not student.has_descriptors:
        return densities(frames, np.array(sorted(student.about.elements)))
    found = predict_or_nan(student, frames, descriptors=True).values.get("descriptors")
    return np.full((len(frames.numbers), 1), np.nan) if found is None else found


def densities(frames: Frames, elements: np.ndarray) -> np.ndarray:
    """Gaussian densities of neighbours of each element around every atom, by distance, which fade
    to zero at :data:`SEEN`. float [N, E * len(CENTRES)]"""
    search = NeighborList(cutoff=SEEN, full_list=True, n_threads=1)
    width = CENTRES[1] - CENTRES[0]
    result = np.zeros((len(frames.numbers) * len(elements), len(CENTRES)))
    place = np.searchsorted(elements, frames.numbers)
    for b in range(len(frames)):
        rows = frames.atoms_of(b)
        first, second, distance = search.compute(
            frames.positions[rows], frames.cell[b], bool(frames.periodic[b]), "ijd"
        )
        start = frames.offsets[b]
        fade = 0.5 * (1 + np.cos(np.pi * distance / SEEN))[:, None]
        shapes = fade * np.exp(-(((distance[:, None] - CENTRES) / width) ** 2))
        centre = (start + first.astype(np.int64)) * len(elements)
        np.add.at(result, centre + place[start + second.astype(np.int64)], shapes)
    return result.reshape(len(frames.numbers), -1)
