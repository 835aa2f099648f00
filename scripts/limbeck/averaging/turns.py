"""The angle scan: one molecule and one crystal, turned through 360 degrees under every model.

Whatever changes on the way, once the answer is turned back, is the model's own. Models that keep
the symmetry show what rounding does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from limbeck.averaging.demonstration import axis_of, rotations, turned
from limbeck.frames import Frames
from limbeck.potentials.interface import Potential

AXIS = "z"
STEP_DEG = 5.0
#: the turn whose forces are kept, to be drawn; no symmetry of a cube
SHOWN_DEG = 45.0
EVALUATIONS = 2 + round(360 / STEP_DEG)  # as given, and both ends of the circle
DIGITS = 6  # of forces, eV/Angstrom, and positions, Angstrom


def to_be_turned(frames: Frames, first: np.ndarray, then: np.ndarray) -> Frames:
    """An isolated and a periodic frame, as far as there are any: those of the lowest ids.

    Args:
        first: int64, indices of the frames to choose among.
        then: the same, where none of the first is of a kind.
    """
    found = []
    for periodic in (False, True):
        for part in (first, then):
            there = part[frames.periodic[part] == periodic]
            if len(there):
                found.append(int(there[np.argmin(frames.id[there])]))
                break
    return frames.select(np.array(found, dtype=np.int64))


def scans(potential: Potential[Any], frames: Frames) -> list[dict[str, Any]]:
    """The scan of each frame, as ``scan`` of ``warrant/**/*.json``.

    Returns:
        For each frame ``{"frame": ...}`` and the scan, or the ``error`` for which there is none:
        an element that the potential does not know. A scan has ``angle_deg``,
        ``energy_meV_per_atom`` and ``forces_meV_per_A`` (root mean square of the change of a force
        component) at each angle, ``size_meV_per_A`` of the force components as given, and the
        forces, eV/Angstrom, ``as_given`` and ``turned`` by ``shown_deg`` and back.
    """
    unknown = potential.unknown_elements(frames)
    found = []
    for b in range(len(frames)):
        one = frames.select([b])
        what = {"error": "it does not know an element"} if unknown[b] else _scan(potential, one)
        found.append({"frame": _described(one)} | what)
    return found


def _scan(potential: Potential[Any], frame: Frames) -> dict[str, Any]:
    angles = np.append(np.arange(0.0, 360.0 + STEP_DEG / 2, STEP_DEG), SHOWN_DEG)
    answers, changes = turned(potential, frame, rotations(axis_of(AXIS), angles))
    forces = answers.forces.reshape(len(angles), -1, 3)
    return {
        "axis": AXIS,
        "angle_deg": angles[:-1].tolist(),
        "energy_meV_per_atom": [change.energy for change in changes[:-1]],
        "forces_meV_per_A": [change.forces for change in changes[:-1]],
        "size_meV_per_A": changes[0].size,
        "shown_deg": SHOWN_DEG,
        # a turn by nothing is the frame as given, to the last bits
        "as_given": forces[0].round(DIGITS).tolist(),
        "turned": forces[-1].round(DIGITS).tolist(),
    }


def _described(frame: Frames) -> Mapping[str, Any]:
    values: dict[str, Sequence[Any]] = {
        "numbers": frame.numbers.tolist(),
        "positions": frame.positions.round(DIGITS).tolist(),
        "cell": frame.cell[0].round(DIGITS).tolist(),
    }
    names = {"id": frame.id[0].decode(), "of": frame.group[0].decode()}
    return {**names, "periodic": bool(frame.periodic[0]), **values}
