"""One structure, turned and shifted: what changes in a model's answer that should not.

A gap is a mean over many structures and views; this is one of them, to be looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.transform import Rotation

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import turn
from limbeck.potentials.interface import Potential
from limbeck.properties import Predictions, turned_back
from limbeck.symmetry.copies import copies

if TYPE_CHECKING:
    import pandas as pd

MEV = 1000.0
AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


@dataclass(frozen=True)
class Change:
    """What a view changed in the answer, once it was brought back.

    Attributes:
        energy: of the energy, meV/atom.
        forces: root mean square of the change of a force component, meV/Angstrom.
        largest: largest change of the force on one atom, meV/Angstrom.
        size: root mean square of a force component as given, meV/Angstrom.
    """

    energy: float
    forces: float
    largest: float
    size: float


def axis_of(text: str) -> np.ndarray:
    """An axis, as ``z`` or ``1,1,0``: a unit vector, float64 [3].

    Raises:
        LimbeckError: it is neither, or has no length.
    """
    try:
        axis = np.array(AXES[text] if text in AXES else [float(v) for v in text.split(",")])
    except ValueError:
        axis = np.zeros(0)
    if axis.shape != (3,) or not np.isfinite(axis).all() or not axis.any():
        raise LimbeckError(f"axis: {text!r}, expected x, y, z or three numbers, as 1,1,0")
    return np.asarray(axis / np.linalg.norm(axis))


def rotations(axis: np.ndarray, angles_deg: np.ndarray) -> np.ndarray:
    """Rotations about an axis (unit vector [3]) by K angles: float64 [K,3,3]."""
    return np.asarray(Rotation.from_rotvec(np.radians(angles_deg)[:, None] * axis).as_matrix())


def turned(
    potential: Potential[Any], frame: Frames, matrices: np.ndarray
) -> tuple[Predictions, list[Change]]:
    """Answers for one frame in K orientations, turned back, and what each changed.

    Args:
        frame: one frame.
        matrices: float64 [K,3,3], orthogonal.

    Returns:
        Predictions of K copies of the frame in its own orientation, and K changes.

    Raises:
        LimbeckError: the potential has no answer for the frame.
    """
    given = potential.predict(frame)
    views = turn(frame.select(np.zeros(len(matrices), dtype=int)), matrices)
    found = potential.predict(views)
    back = Predictions(values=turned_back(found.values, matrices, views.n_atoms))
    return back, _changes(given, back, int(frame.n_atoms[0]))


def shifted(
    potential: Potential[Any], frame: Frames, shifts: np.ndarray
) -> tuple[Predictions, list[Change]]:
    """As :func:`turned`, for K shifts in Angstrom, float64 [K,3]."""
    given = potential.predict(frame)
    found = potential.predict(copies(frame, frame.positions + shifts[:, None]))
    return found, _changes(given, found, int(frame.n_atoms[0]))


def _changes(given: Predictions, found: Predictions, n_atoms: int) -> list[Change]:
    forces = given.forces
    size = MEV * float(np.sqrt((forces**2).mean()))
    differences = found.forces.reshape(-1, n_atoms, 3) - forces
    return [
        Change(
            energy=MEV * float(energy - given.energy[0]) / n_atoms,
            forces=MEV * float(np.sqrt((change**2).mean())),
            largest=MEV * float(np.linalg.norm(change, axis=1).max()),
            size=size,
        )
        for energy, change in zip(found.energy, differences, strict=True)
    ]


def scan(
    potential: Potential[Any], frame: Frames, axis: np.ndarray, step_deg: float = 5.0
) -> "pd.DataFrame":
    """A frame turned through 360 degrees about an axis: a table of :class:`Change`.

    Returns:
        pandas table with angle_deg, energy_meV_per_atom, forces_meV_per_A, relative (of the forces
        over their root mean square; NaN where these vanish).
    """
    import pandas as pd

    angles = np.arange(0.0, 360.0 + step_deg / 2, step_deg)
    _, changes = turned(potential, frame, rotations(axis, angles))
    rows: list[Mapping[str, float]] = [
        {
            "angle_deg": float(angle),
            "energy_meV_per_atom": change.energy,
            "forces_meV_per_A": change.forces,
            "relative": change.forces / change.size if change.size else float("nan"),
        }
        for angle, change in zip(angles, changes, strict=True)
    ]
    return pd.DataFrame(rows)
