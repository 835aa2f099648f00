"""Prepare structures for sampling: relax them, then repeat their cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from limbeck.frames import Frames, concatenate
from limbeck.geometry import vacuum_axes
from limbeck.potentials.interface import Potential
from limbeck.preparation.relaxation import Relaxed, relax
from limbeck.preparation.supercells import supercell_matrix, supercells
from limbeck.reasons import CHARGED


class PreparationSettings(Protocol):
    """The fields of a method that prepares its structures, as the schema describes them."""

    @property
    def supercell_radius_A(self) -> float | None:
        """Angstrom; None for the cell as it is."""

    @property
    def supercell_matrix(self) -> Sequence[int] | Sequence[Sequence[int]] | None:
        """Three integers or three rows of them; overrides the radius."""

    @property
    def relax_input_cell(self) -> str:
        """``full``, ``constant_volume``, ``only_atoms`` or ``none``."""

    @property
    def relax_force_tolerance_eV_per_A(self) -> float:
        """eV/Angstrom."""

    @property
    def relax_steps(self) -> int:
        """Most steps of a relaxation."""


@dataclass(frozen=True)
class Prepared:
    """B structures ready to be sampled.

    Attributes:
        frames: relaxed and repeated, under the ids of what was given, so that frames derived from
            them have those as parents; ``supercell`` in the info. One with a reason is as it was
            given.
        reason: str [B], why a structure is not to be sampled, empty where it is.
        relaxed: how the relaxation went, of the cells before they were repeated.
    """

    frames: Frames
    reason: np.ndarray
    relaxed: Relaxed


def prepare(frames: Frames, potential: Potential[Any], own: PreparationSettings) -> Prepared:
    """Relax structures, then repeat the cells of the periodic ones.

    Args:
        frames: B frames.
    """
    relaxed = relax(
        frames,
        potential,
        own.relax_input_cell,
        force_tolerance=own.relax_force_tolerance_eV_per_A,
        steps=own.relax_steps,
    )
    if own.supercell_radius_A is None and own.supercell_matrix is None:
        return Prepared(relaxed.frames, relaxed.reason, relaxed)
    matrices = np.array([_matrix(relaxed, b, own) for b in range(len(frames))]).reshape(-1, 3, 3)
    many = np.rint(np.abs(np.linalg.det(matrices))) > 1
    charged = many & ((frames.charge != 0) | (frames.spin != 0))
    reason = np.where((relaxed.reason == "") & charged, CHARGED, relaxed.reason)
    # Structures with a reason keep their place, unrepeated: tables have a row for each input.
    good, bad = np.flatnonzero(reason == ""), np.flatnonzero(reason != "")
    repeated = supercells(relaxed.frames.select(good), matrices[good])
    together = concatenate([repeated, relaxed.frames.select(bad)])
    # argsort of a permutation is its inverse: back into the order of the input
    return Prepared(together.select(np.argsort(np.concatenate([good, bad]))), reason, relaxed)


def full_matrix(entries: Sequence[int] | Sequence[Sequence[int]]) -> np.ndarray:
    """The matrix that three integers, or nine, stand for. int64 [3,3]."""
    matrix = np.array(entries, dtype=np.int64)
    return np.diag(matrix) if matrix.ndim == 1 else matrix


def _matrix(relaxed: Relaxed, b: int, own: PreparationSettings) -> np.ndarray:
    if relaxed.reason[b] or not relaxed.frames.periodic[b]:
        return np.eye(3, dtype=np.int64)
    return supercell_of(relaxed.frames, b, own)


def supercell_of(frames: Frames, b: int, own: PreparationSettings) -> np.ndarray:
    """The supercell of a periodic frame that the settings ask for. int64 [3,3]."""
    (across,) = vacuum_axes(frames.select([b]))
    if own.supercell_matrix is not None:
        return _unstacked(full_matrix(own.supercell_matrix), across)
    assert own.supercell_radius_A is not None
    cell = frames.cell[b].copy()
    # A vacuum that is thinner than the radius is not to be repeated, either.
    lengths = np.linalg.norm(cell[across], axis=1)
    cell[across] *= np.maximum(1, own.supercell_radius_A / lengths)[:, None]
    return _unstacked(supercell_matrix(cell, own.supercell_radius_A), across)


def _unstacked(matrix: np.ndarray, across: np.ndarray) -> np.ndarray:
    """A supercell that repeats nothing across a vacuum, along the vectors that ``across`` marks."""
    either = across[:, None] | across
    return np.where(either, np.eye(3, dtype=np.int64), matrix)
