"""Copies of one frame with other coordinates, made in array operations."""

from typing import Any

import numpy as np

from limbeck.frames import ATOM_DTYPES, FRAME_DTYPES, Frames


def copies(
    frame: Frames,
    positions: np.ndarray,
    cells: np.ndarray | None = None,
    points: np.ndarray | None = None,
) -> Frames:
    """K frames that are one frame with other positions, and other cells where given.

    Args:
        frame: of n atoms. Ids stay, since a view is the same frame presented otherwise.
        positions: float64 [K,n,3], Angstrom.
        cells: float64 [K,3,3], Angstrom, rows are lattice vectors.
        points: float64 [K,g,3], Angstrom, of a frame with g points around it; none are kept
            where not given.
    """
    number = len(positions)
    given: dict[str, Any] = {"positions": positions.reshape(-1, 3)}
    if cells is not None:
        given["cell"] = cells
    if points is not None:
        given |= {"n_points": repeated(frame.n_points, number), "points": points.reshape(-1, 3)}
    per_frame = {n: repeated(getattr(frame, n), number) for n in FRAME_DTYPES if n not in given}
    per_atom = {n: repeated(getattr(frame, n), number) for n in ATOM_DTYPES if n not in given}
    return Frames(
        **given,
        **per_frame,
        **per_atom,
        extra={n: repeated(values, number) for n, values in frame.extra.items()},
        atom_extra={n: repeated(values, number) for n, values in frame.atom_extra.items()},
    )


def repeated(values: np.ndarray, number: int) -> np.ndarray:
    """An array [n,...] end to end with itself, ``number`` times."""
    return np.concatenate([values] * number)
