"""What no model of charges can be better than, and what needs no model.

Of each geometry the best fit by atomic multipoles is the floor of all models that put these at its
atoms. Beside it stand the charges that labels have, as they are, and the potential of the whole
molecule's charge and dipole. An error of a model between the two says how much it has learned;
without them it says nothing.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from ase.data.vdw import vdw_radii

from limbeck.charges.multipoles import MOST_RANK, VOLT_A, fitted, of_charges
from limbeck.charges.surface import nearest
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import centres_of_nuclear_charge
from limbeck.labels import Labels, labels_of
from limbeck.properties import PROPERTIES
from limbeck.warrant.on_frames import counts, per_frame, root_mean_square, size

#: what multipoles of each rank are called
RANKS = ("charges_fitted", "dipoles_fitted", "quadrupoles_fitted")
ESP = PROPERTIES["esp"]


def at_points(frames: Frames, labels: Labels) -> tuple[Frames, Labels]:
    """The frames that have a good label of the potential, with the points around them, and their
    labels.

    Raises:
        LimbeckError: the labels have no such potential.
    """
    if "esp" not in labels.values:
        raise LimbeckError("labels have no esp, expected potentials at points (properties: [esp])")
    good, own = labels_of(frames, labels)
    kept = frames.select(good).with_points(own.n_points, own.points)
    return kept, own


def references(frames: Frames, labels: Labels) -> dict[str, np.ndarray]:
    """Potentials at the points to compare a model with, by name. float64 [G] each, V

    ``charges_fitted``, ``dipoles_fitted`` and ``quadrupoles_fitted`` are the best fits of each
    geometry, by atomic multipoles up to that rank. Of the labels, where they have them: ``charges``
    and ``mbis_charges`` as they are, and ``molecular_dipole``, with the charge of the frame, at the
    centre of nuclear charge.

    Args:
        frames, labels: of the same frames in one order, as of :func:`at_points`.
    """
    esp, found = labels.values["esp"], {}
    for rank in range(MOST_RANK + 1):
        found[RANKS[rank]] = best = np.zeros(len(esp))
        for b in range(len(frames)):
            points, atoms = frames.points_of(b), frames.atoms_of(b)
            fit = fitted(frames.points[points], frames.positions[atoms], esp[points], rank)
            best[points] = fit.esp
    for name in ("charges", "mbis_charges"):
        if name in labels.values:
            found[name] = of_charges(frames, labels.values[name])
    if "dipole" in labels.values:
        found["molecular_dipole"] = _of_dipole(frames, labels.values["dipole"])
    return found


def _of_dipole(frames: Frames, dipole: np.ndarray) -> np.ndarray:
    of = frames.frame_of_point
    away = frames.points - centres_of_nuclear_charge(frames)[of]
    distance = np.linalg.norm(away, axis=1)
    of_charge = frames.charge[of] / distance
    return VOLT_A * (of_charge + np.einsum("gi,gi->g", away, dipole[of]) / distance**3)


def errors(frames: Frames, esp: np.ndarray, made: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Root mean square errors at the points, kcal/mol/e, with intervals, and parts of them.

    Args:
        frames: B frames with points; esp: float64 [G], V, of the labels.
        made: by name, potentials [G] of models or of :func:`references`.

    Returns:
        ``frames``, ``atoms`` and so on; ``rms`` of the potential itself; by name ``all`` (a figure,
        with its ratio to ``rms``), and ``by_element`` (of the nearest atom) and ``by_shell`` (its
        distance in van der Waals radii, to a tenth), numbers alone.
    """
    square = per_frame(esp[:, None] ** 2, frames, "point")[None]
    found: dict[str, Any] = {
        **counts(frames),
        "points": len(esp),
        "rms": root_mean_square(square, frames.n_points, frames, ESP.shown, ESP.factor),
    }
    elements, shells = _parts(frames)
    for name, values in made.items():
        error = (values - esp) ** 2
        sums = per_frame(error[:, None], frames, "point")[None]
        found[name] = {
            "all": size(sums, square, frames.n_points, frames, ESP.shown, ESP.factor),
            "by_element": _by(elements, error),
            "by_shell": _by(shells, error),
        }
    return found


def _parts(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    """Symbol of the atom nearest to each point, and its distance in radii. str [G] each"""
    owner = nearest(frames)
    numbers = frames.numbers[owner]
    away = np.linalg.norm(frames.points - frames.positions[owner], axis=1)
    ratio = away / np.nan_to_num(vdw_radii[numbers], nan=1.0)
    symbols = np.array(chemical_symbols)[numbers]
    return symbols, np.array([f"{value:.1f}" for value in ratio], dtype=str)


def _by(part: np.ndarray, square: np.ndarray) -> dict[str, float]:
    """Root mean square of each part, kcal/mol/e."""
    names, place = np.unique(part, return_inverse=True)
    means = np.bincount(place, square) / np.bincount(place)
    return dict(zip(names.tolist(), (ESP.factor * np.sqrt(means)).tolist(), strict=True))
