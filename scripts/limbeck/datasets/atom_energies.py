"""Energies of single atoms whose sum comes nearest to the energies of frames.

Frames of one compound tell its elements apart no better than one equation does two unknowns. The
fit is a ridge regression: what the compositions do not determine stays where it starts, at the
energies of isolated atoms where the potential knows them, at one energy for all atoms otherwise.
Least squares of least norm, by contrast, give hydrogen of methane four times the energy of carbon.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols

from limbeck.datasets.split import Dataset
from limbeck.geometry import composition
from limbeck.labels import ISOLATED_ATOMS

log = logging.getLogger(__name__)

#: symbol of an element -> energy of a single atom, eV
AtomEnergies = dict[str, float]
#: By so much an atom of one element is bound more or less than one of another.
BINDING_EV = 5.0
#: Directions in which compositions (shares of atoms) vary less than this part of the largest are
#: rounding.
_RANK = 1e-6


@dataclass(frozen=True)
class AtomFit:
    """Energies of atoms, and what the data do not say of them.

    Attributes:
        energies: eV, by symbol, in the order of atomic numbers.
        undetermined: symbols of the elements that the compositions do not tell from others.
        start: "isolated atoms" or "one energy for all", where the undetermined ones stay.
    """

    energies: AtomEnergies
    undetermined: list[str]
    start: str


def fit_atoms(dataset: Dataset) -> AtomFit:
    """Fit energies of atoms to a data set.

    Minimises, over x, the sum over frames of (e - c x)^2 / s^2 plus |x - x0|^2 / t^2: with e the
    energies per atom, c the shares of elements, and s the root mean square that least squares
    leave. x0 are the energies of isolated atoms that the labels' attributes name, or zeros, moved
    by one number for all so that the mean of e - c x0 is zero: of whatever binds the atoms, each
    has the same share. t is :data:`BINDING_EV` for isolated atoms. Zeros are no knowledge, since
    energies of elements may differ by any number: then t is infinite, and x0 stands only for what
    the compositions leave open. Energies are compared per atom, or large frames would decide.

    Args:
        dataset: at least one frame.
    """
    frames = dataset.frames
    elements = np.unique(frames.numbers)
    symbols = [chemical_symbols[z] for z in elements.tolist()]
    shares = composition(frames, elements) / frames.n_atoms[:, None]
    energies = dataset.labels.energy / frames.n_atoms
    isolated = known_isolated(dataset.labels.attrs)
    known = all(symbol in isolated for symbol in symbols)
    start = np.array([isolated[s] if known else 0.0 for s in symbols])
    start = start + (energies - shares @ start).mean()
    left = energies - shares @ start
    found = start + _ridge(shares, left, BINDING_EV if known else np.inf)
    return AtomFit(
        dict(zip(symbols, found.tolist(), strict=True)),
        [symbols[i] for i in _undetermined(shares)],
        "isolated atoms" if known else "one energy for all",
    )


def complain(fit: AtomFit) -> None:
    """Say it in the log where elements are undetermined."""
    if fit.undetermined:
        log.warning("%s", undetermined_in_words(fit.undetermined, fit.start))


def undetermined_in_words(elements: Sequence[str], start: str) -> str:
    """What it means that the energies of these atoms are undetermined."""
    return (
        f"the compositions of the training frames do not tell {', '.join(elements)} apart: their "
        f"energies of atoms are as near to {start} as the energies of the frames allow, and a "
        "model that starts with them is not to be trusted with other compositions"
    )


def known_isolated(attrs: Mapping[str, object]) -> AtomEnergies:
    """Energies of isolated atoms in attributes of labels; of a difference, the difference."""
    if "baseline" in attrs and "target" in attrs:
        baseline, target = (known_isolated(attrs[part]) for part in ("baseline", "target"))  # type: ignore[arg-type]
        return {e: target[e] - baseline[e] for e in target if e in baseline}
    return dict(attrs.get(ISOLATED_ATOMS, {}))  # type: ignore[call-overload]


def _ridge(shares: np.ndarray, left: np.ndarray, width: float) -> np.ndarray:
    """The deviations from the start, float64 [E].

    Args:
        width: eV, by which a deviation is expected to differ from zero.
    """
    # of rank-deficient equations lstsq takes the solution of least norm: no deviation where
    # nothing asks for one
    free = np.linalg.lstsq(shares, left, rcond=_RANK)[0]
    noise = np.sqrt(((left - shares @ free) ** 2).mean())
    if noise < _RANK * width:
        return np.asarray(free)
    rows = np.concatenate([shares, noise / width * np.eye(shares.shape[1])])
    asked = np.concatenate([left, np.zeros(shares.shape[1])])
    return np.asarray(np.linalg.lstsq(rows, asked, rcond=None)[0])


def _undetermined(shares: np.ndarray) -> np.ndarray:
    """Columns with a part in what the rows leave open. int64."""
    _, sizes, directions = np.linalg.svd(shares, full_matrices=True)
    rank = int((sizes > _RANK * sizes.max(initial=0.0)).sum())
    open_part = (directions[rank:] ** 2).sum(axis=0)
    return np.flatnonzero(open_part > _RANK)
