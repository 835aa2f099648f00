"""Labels: what a potential says of frames, averaged over views."""

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.errors import LimbeckError
from limbeck.frames import Frames, atom_rows

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)

#: purpose of the views' random numbers; gaps and errors use others, so that no view is shared
LABEL_VIEWS = "label"

#: Meaning of ``Labels.status``; also written into the attributes of every label file.
STATUS = {
    0: "good",
    1: "not finite",
    2: "force beyond the limit",
    3: "element unknown to the potential",
    4: "the potential failed on the frame",
}


@dataclass(frozen=True)
class Labels:
    """Answers for B frames with N atoms in all.

    Attributes:
        id: bytes [B], ids of the frames.
        n_atoms: int32 [B].
        energy: float64 [B], eV.
        forces: float64 [N,3], eV/Angstrom.
        stress: float64 [B,6], eV/Angstrom^3, ASE's sign, Voigt xx yy zz yz xz xy; NaN where
            the frame is isolated or the potential has none.
        energy_spread: float64 [B], standard deviation over views (K-1), eV.
        forces_spread: float64 [N], root mean square over views (K-1) and components, eV/Angstrom.
        status: uint8 [B], see :data:`STATUS`.
        attrs: what the labels were made with.
    """

    id: np.ndarray
    n_atoms: np.ndarray
    energy: np.ndarray
    forces: np.ndarray
    stress: np.ndarray
    energy_spread: np.ndarray
    forces_spread: np.ndarray
    status: np.ndarray
    attrs: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.energy)

    @property
    def offsets(self) -> np.ndarray:
        """int64 [B+1]: atoms of frame b are ``offsets[b]:offsets[b + 1]``."""
        return np.concatenate([[0], np.cumsum(self.n_atoms, dtype=np.int64)])


def label(
    potential: "Potential[Any]", frames: Frames, *, views: int | str, max_force: float
) -> Labels:
    """Label frames with a potential's answer, averaged over views.

    A frame that the potential cannot answer gets a status and NaN; the others are not touched
    by it.

    Args:
        views: "own" for the frame as it is given, or the number of independent random rotations,
            seeded by the frame's id.
        max_force: eV/Angstrom; a frame with a larger force component is not good.

    Raises:
        LimbeckError: ``views`` is neither.
    """
    _check_views(views)
    result = _unlabelled(frames)
    unknown = potential.unknown_elements(frames)
    result.status[unknown] = 3
    known = np.flatnonzero(~unknown)
    for batch in frames.select(known).batches(potential.batch_atoms):
        _label_batch(potential, frames, known[batch], views, result)
    _judge(frames, result, max_force)
    return result


def _check_views(views: int | str) -> None:
    many = isinstance(views, int) and not isinstance(views, bool) and views >= 2
    if views != "own" and not many:
        raise LimbeckError(f'views: expected "own" or an integer of at least 2, got {views!r}')


def _label_batch(
    potential: "Potential[Any]",
    frames: Frames,
    index: np.ndarray,
    views: int | str,
    result: Labels,
) -> None:
    """Label the frames at ``index``; where the batch fails, each frame by itself."""
    try:
        _average(potential, frames, index, views, result)
    except Exception as error:  # whatever a model raises: one frame must not cost a shard
        if len(index) > 1:
            for b in index:
                _label_batch(potential, frames, np.array([b]), views, result)
            return
        log.warning("frame %s: %s", frames.id[index[0]].decode(), error)
        result.status[index] = 4


def _average(
    potential: "Potential[Any]",
    frames: Frames,
    index: np.ndarray,
    views: int | str,
    result: Labels,
) -> None:
    from limbeck.symmetry.orbit import orbit
    from limbeck.symmetry.rotation import Rotation

    part = frames.select(index)
    rows = atom_rows(frames.offsets, index)
    if views == "own":
        answers = potential.predict(part)
        result.energy[index] = answers.energy
        result.forces[rows] = answers.forces
        result.stress[index] = answers.stress
        return
    seen = orbit(potential, part, Rotation(), int(views), LABEL_VIEWS)
    result.energy[index] = seen.energy.mean(axis=0)
    result.forces[rows] = seen.forces.mean(axis=0)
    result.stress[index] = seen.stress.mean(axis=0)
    result.energy_spread[index] = seen.energy.std(axis=0, ddof=1)
    result.forces_spread[rows] = np.sqrt(seen.forces.var(axis=0, ddof=1).mean(axis=-1))


def _judge(frames: Frames, labels: Labels, max_force: float) -> None:
    """Set the status of frames with answers that are not finite, or too large."""
    frame_of_atom = frames.frame_of_atom
    largest = np.zeros(len(frames))
    with np.errstate(invalid="ignore"):  # NaN is passed on, and found below
        np.maximum.at(largest, frame_of_atom, np.abs(labels.forces).max(axis=1, initial=0.0))
    finite = np.isfinite(labels.energy) & np.isfinite(largest)
    undecided = labels.status == 0
    labels.status[undecided & ~finite] = 1
    labels.status[undecided & finite & (largest > max_force)] = 2


def _unlabelled(frames: Frames) -> Labels:
    count, atoms = len(frames), len(frames.numbers)
    return Labels(
        id=frames.id,
        n_atoms=frames.n_atoms,
        energy=np.full(count, np.nan),
        forces=np.full((atoms, 3), np.nan),
        stress=np.full((count, 6), np.nan),
        energy_spread=np.full(count, np.nan),
        forces_spread=np.full(atoms, np.nan),
        status=np.zeros(count, dtype=np.uint8),
    )


def provenance(potential: "Potential[Any]", settings: dict[str, Any]) -> dict[str, Any]:
    """What labels were made with, for the attributes of their file."""
    return {
        "label_set": settings["label_set"],
        "model": potential.about.model,
        "potential": potential.about.name,
        "weights_sha256": potential.about.weights_sha256,
        "views": settings["views"],
        "spread": "standard deviation over independent views, K - 1",
        "batch_atoms": potential.batch_atoms,
        "device": str(potential.device),
        "threads": settings["threads"],
        "licence": potential.about.licence,
        "citation": potential.about.citation,
    }
