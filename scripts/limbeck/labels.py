"""Labels: answers for frames, how far views disagreed, and what went wrong."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from limbeck.errors import LimbeckError
from limbeck.frames import Frames, atom_rows


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
        energy_spread: float64 [B], standard deviation over views, eV.
        forces_spread: float64 [N], root mean square over views and components, eV/Angstrom. Both
            are NaN where there is one view; ``averaging.views.Views.spread_factor`` says what they
            are divided by.
        status: uint8 [B], see :class:`limbeck.reasons.Status`.
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


def unlabelled(frames: Frames) -> Labels:
    """Labels of nothing but NaN, of status 0."""
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


def select_labels(labels: Labels, index: np.ndarray) -> Labels:
    """Labels of the frames at ``index`` (integers or a mask), in that order."""
    index = np.asarray(index)
    index = np.flatnonzero(index) if index.dtype == bool else index.astype(np.int64)
    rows = atom_rows(labels.offsets, index)
    per_frame = ("id", "n_atoms", "energy", "stress", "energy_spread", "status")
    return replace(
        labels,
        **{name: getattr(labels, name)[index] for name in per_frame},
        forces=labels.forces[rows],
        forces_spread=labels.forces_spread[rows],
    )


def concatenate_labels(parts: list[Labels]) -> Labels:
    """Labels of several files, end to end; the first part's attributes stand for all."""
    if not parts:
        raise LimbeckError("no labels to put together, expected at least one file")
    arrays = [name for name in Labels.__dataclass_fields__ if name != "attrs"]
    return Labels(
        attrs=parts[0].attrs,
        **{name: np.concatenate([getattr(p, name) for p in parts]) for name in arrays},
    )
