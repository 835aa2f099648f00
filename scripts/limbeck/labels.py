"""Labels: energies, forces and stresses of frames, how far views disagreed, and what went wrong."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from limbeck.frames import Frames

#: Codes of ``Labels.status``.
GOOD, NOT_FINITE, TOO_STRONG, UNKNOWN_ELEMENT, FAILED, TOO_LARGE, NOT_ASKED = range(7)
#: Their meaning; also written into the attributes of every label file.
STATUS = {
    GOOD: "good",
    NOT_FINITE: "not finite",
    TOO_STRONG: "force beyond the limit",
    UNKNOWN_ELEMENT: "element unknown to the potential",
    FAILED: "the potential failed on the frame",
    TOO_LARGE: "too large for the device",
    NOT_ASKED: "not asked for",
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
        energy_spread: float64 [B], standard deviation over views, eV.
        forces_spread: float64 [N], root mean square over views and components, eV/Angstrom. Both
            are NaN where there is one view; :attr:`limbeck.views.Views.spread_factor` says what
            they are divided by.
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
