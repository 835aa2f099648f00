"""A toy with an error in its forces that depends on how the frame is turned, and on nothing else.

For studies in which the truth and the gap of a teacher have to be known exactly.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.special import eval_legendre, sph_harm_y

from limbeck.frames import Frames
from limbeck.potentials.interface import Potential
from limbeck.potentials.models.toys import LennardJones, Pairs, scatter
from limbeck.properties import Predictions
from limbeck.seeds import generator

#: Angular momenta of the field. Not 1: its mean over rotations is a force that turns with the frame
DEGREES = range(2, 7)
#: how far an atom sees, Angstrom: the first two shells of copper
CUTOFF = 4.5


@dataclass(frozen=True)
class Surrounded:
    """A batch of the potential below, and what the field is made of.

    Attributes:
        inner: batch of the potential.
        pairs: of atoms within :data:`CUTOFF`.
        size: float64 [B], root mean square over rotations of a component of the field.
    """

    inner: Any
    pairs: Pairs
    size: np.ndarray


class LabFrameError(Potential[Surrounded]):
    """A potential whose forces are wrong by a field that is fixed in the laboratory.

    Atom i is pushed by g_i, the sum over its neighbours j of w(r_ij) sum_l v_l P_l(cos), the angle
    being that between r_ij and an axis u_l; l goes from 2 to 6, P_l are Legendre polynomials, the
    axes and the vectors v_l (|v_l|^2 = 2 l + 1) never turn, and w falls smoothly to zero. So it is
    a smooth function of the surroundings, which a network without symmetry can learn. Brought back
    into the frame, a function of angular momentum l has no mean over rotations that is a vector,
    unless l is 1 (Schur's lemma): the mean over all rotations is the potential itself. By the
    addition theorem, the mean of |g_i|^2 over rotations is sum_jk w_j w_k sum_l P_l(cos jik), so
    that the size is known exactly: the root mean square of what is added, over all rotations and
    the components of one frame, is ``error`` times that of the frame's forces.
    """

    def __init__(self, potential: Potential[Any], error: float) -> None:
        """``error`` has no unit; energy and stress stay as they are."""
        self.potential = potential
        self.error = error
        self.batch_atoms = potential.batch_atoms
        self.device = torch.device("cpu")
        self.about = replace(
            potential.about,
            conservative=False,
            equivariant=False,
            weights=f"{potential.about.weights}, lab-frame error {error:g}",
        )
        self._neighbours = LennardJones(cutoff=CUTOFF)
        rng = generator(0, "lab_frame")
        directions = rng.standard_normal((2, len(DEGREES), 3))
        self._axes, vectors = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
        self._vectors = vectors * np.sqrt([[2 * degree + 1] for degree in DEGREES])

    def batch_of(self, frames: Frames) -> Surrounded:
        pairs = self._neighbours.prepare(frames)
        square = np.bincount(frames.frame_of_atom, _power(pairs), minlength=len(frames))
        size = np.sqrt(square / (3 * frames.n_atoms))
        return Surrounded(self.potential.prepare(frames), pairs, size)

    def rotate(self, batch: Surrounded, matrices: np.ndarray) -> Surrounded:
        return replace(
            batch,
            inner=self.potential.rotate(batch.inner, matrices),
            pairs=self._neighbours.rotate(batch.pairs, matrices),
        )

    def evaluate(self, batch: Surrounded) -> Predictions:
        answer = self.potential.evaluate(batch.inner)
        n_atoms = batch.pairs.n_atoms
        frame_of_atom = np.repeat(np.arange(len(n_atoms)), n_atoms)
        squares = np.bincount(frame_of_atom, (answer.forces**2).sum(axis=1), len(n_atoms))
        wanted = self.error * np.sqrt(squares / (3 * n_atoms))
        # a lone atom has no surroundings, and no error
        scale = np.divide(wanted, batch.size, out=np.zeros_like(wanted), where=batch.size > 0)
        forces = answer.forces + scale[frame_of_atom, None] * self._field(batch.pairs)
        return Predictions(values={**answer.values, "forces": forces})

    def _field(self, pairs: Pairs) -> np.ndarray:
        """g, float64 [N,3]."""
        centre, unit, weight = _surroundings(pairs)
        pushes = [
            weight * eval_legendre(degree, unit @ axis)
            for degree, axis in zip(DEGREES, self._axes, strict=True)
        ]
        return scatter(centre, np.stack(pushes, axis=1), pairs.n_atoms.sum()) @ self._vectors


def _surroundings(pairs: Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each pair from both sides: atom [2P], direction to its neighbour [2P,3], weight [2P]."""
    vectors = np.concatenate([pairs.vectors, -pairs.vectors])
    distance = np.linalg.norm(vectors, axis=1)
    weight = ((1 + np.cos(np.pi * np.minimum(distance / CUTOFF, 1))) / 2) ** 2
    return np.concatenate([pairs.first, pairs.second]), vectors / distance[:, None], weight


def _power(pairs: Pairs) -> np.ndarray:
    """Mean of |g_i|^2 over rotations, float64 [N]."""
    centre, unit, weight = _surroundings(pairs)
    polar, azimuth = np.arccos(np.clip(unit[:, 2], -1, 1)), np.arctan2(unit[:, 1], unit[:, 0])
    n_atoms = int(pairs.n_atoms.sum())
    total = np.zeros(n_atoms)
    for degree in DEGREES:
        for m in range(degree + 1):
            harmonic = weight * sph_harm_y(degree, m, polar, azimuth)
            density = scatter(centre, np.stack([harmonic.real, harmonic.imag], axis=1), n_atoms)
            # m and -m have the same power
            total += (1 + (m > 0)) * 4 * np.pi / (2 * degree + 1) * (density**2).sum(axis=1)
    return total
