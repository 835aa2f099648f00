"""Lennard-Jones and effective medium theory: exact symmetries, no weights, for tests."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from ase.calculators.emt import EMT, parameters
from ase.data import atomic_numbers, covalent_radii
from vesin import NeighborList

from limbeck import __version__
from limbeck.config.sections.potentials import Toy
from limbeck.frames import Frames
from limbeck.geometry import stress_to_voigt, turn
from limbeck.potentials.heartbeat import beat
from limbeck.potentials.interface import About, Potential, empty_predictions
from limbeck.potentials.weights import package
from limbeck.properties import EFS, Predictions

#: ASE tabulates covalent radii up to curium.
LJ_ELEMENTS = frozenset(range(1, 97))
EMT_ELEMENTS = frozenset(atomic_numbers[symbol] for symbol in parameters)


@dataclass(frozen=True)
class Pairs:
    """Pairs of B frames with N atoms in all, each pair of images once.

    Attributes:
        n_atoms: int [B].
        periodic: of all frames, or of none.
        cell: float64 [B,3,3], Angstrom.
        first, second: int64 [P], rows of the atoms; frame: int64 [P].
        vectors: float64 [P,3], from the first to the second, Angstrom.
        sigma: float64 [P], Angstrom.
    """

    n_atoms: np.ndarray
    periodic: bool
    cell: np.ndarray
    first: np.ndarray
    second: np.ndarray
    frame: np.ndarray
    vectors: np.ndarray
    sigma: np.ndarray


class LennardJones(Potential[Pairs]):
    """4 epsilon ((sigma / r)^12 - (sigma / r)^6), shifted to zero at the cut-off, in float64.

    The well of a pair lies at ``radius_scale`` times the sum of the covalent radii.
    """

    def __init__(
        self,
        name: str = "lj",
        *,
        epsilon: float = 0.1,
        radius_scale: float = 1.0,
        cutoff: float = 6.0,
        batch_atoms: int = 1024,
    ) -> None:
        self.epsilon = epsilon  # eV
        self.cutoff = cutoff  # Angstrom
        # half of sigma for each atomic number, Angstrom
        # The minimum of a pair lies at 2^(1/6) sigma; sigma is the sum of two halves.
        self.half_sigma = radius_scale * covalent_radii / 2 ** (1 / 6)
        self.batch_atoms = batch_atoms
        self.device = torch.device("cpu")
        self.about = _about(
            name,
            "lj",
            LJ_ELEMENTS,
            cutoff,
            licence="part of Limbeck",
            citation="Jones, Proc. R. Soc. A 106, 463 (1924)",
            weights=f"limbeck=={__version__} lj {epsilon:g} eV {radius_scale:g} {cutoff:g} A",
        )

    def batch_of(self, frames: Frames) -> Pairs:
        periodic = bool(frames.periodic.any())
        offsets = frames.offsets
        found = [self._pairs_of(frames, b) for b in range(len(frames))]
        counts = [len(vectors) for _, _, vectors in found]
        shift = np.repeat(offsets[:-1], counts)
        first = _joined([i for i, _, _ in found], np.int64) + shift
        second = _joined([j for _, j, _ in found], np.int64) + shift
        half_sigma = self.half_sigma[frames.numbers]
        return Pairs(
            n_atoms=frames.n_atoms,
            periodic=periodic,
            cell=frames.cell,
            first=first,
            second=second,
            frame=np.repeat(np.arange(len(frames)), counts),
            vectors=_joined([v for _, _, v in found], np.float64).reshape(-1, 3),
            sigma=half_sigma[first] + half_sigma[second],
        )

    def _pairs_of(self, frames: Frames, b: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # Half list: each pair once. One thread, so that the order of the pairs, and with it the
        # last bits of the sums, repeats.
        search = NeighborList(cutoff=self.cutoff, full_list=False, n_threads=1)
        points = frames.positions[frames.atoms_of(b)]
        periodic = bool(frames.periodic[b])
        i, j, vectors = search.compute(points, frames.cell[b], periodic, "ijD")
        return i, j, vectors

    def rotate(self, batch: Pairs, matrices: np.ndarray) -> Pairs:
        return replace(
            batch,
            cell=np.einsum("bij,bkj->bki", matrices, batch.cell),
            vectors=np.einsum("pij,pj->pi", matrices[batch.frame], batch.vectors),
        )

    def evaluate(self, batch: Pairs) -> Predictions:
        distance = np.linalg.norm(batch.vectors, axis=1)  # [P]
        sixth = (batch.sigma / distance) ** 6
        shift = (batch.sigma / self.cutoff) ** 6
        energy = 4 * self.epsilon * (sixth**2 - sixth - shift**2 + shift)  # [P]
        slope = 4 * self.epsilon * (6 * sixth - 12 * sixth**2) / distance**2  # dE/dr / r
        pull = slope[:, None] * batch.vectors  # [P,3], force on the first atom
        count = len(batch.n_atoms)
        return Predictions(
            energy=np.bincount(batch.frame, weights=energy, minlength=count),
            forces=scatter(batch.first, pull, batch.n_atoms.sum())
            - scatter(batch.second, pull, batch.n_atoms.sum()),
            stress=self._stress(batch, pull),
        )

    def _stress(self, batch: Pairs, pull: np.ndarray) -> np.ndarray:
        """(1/V) dE/d(strain), [B,6]."""
        count = len(batch.n_atoms)
        if not batch.periodic:
            return np.full((count, 6), np.nan)
        # stress = (1/V) sum over pairs of (dE/dr / r) r r^T: positive under tension, as in ASE
        virial = scatter(
            batch.frame, (pull[:, :, None] * batch.vectors[:, None, :]).reshape(-1, 9), count
        )
        volume = np.abs(np.linalg.det(batch.cell))
        return stress_to_voigt(virial.reshape(-1, 3, 3) / volume[:, None, None])


class EffectiveMedium(Potential[Frames]):
    """ASE's EMT, one frame after another."""

    def __init__(self, name: str = "emt", *, batch_atoms: int = 256) -> None:
        self.batch_atoms = batch_atoms
        self.device = torch.device("cpu")
        self.about = _about(
            name,
            "emt",
            EMT_ELEMENTS,
            6.0,
            licence="LGPL-2.1-or-later (ASE)",
            citation="Jacobsen, Stoltze and Norskov, Surf. Sci. 366, 394 (1996)",
            weights=f"{package('ase')} EMT",
        )

    def batch_of(self, frames: Frames) -> Frames:
        return frames

    def rotate(self, batch: Frames, matrices: np.ndarray) -> Frames:
        return turn(batch, matrices)

    def evaluate(self, batch: Frames) -> Predictions:
        result = empty_predictions(batch)
        for b, atoms in enumerate(batch.to_atoms()):
            atoms.calc = EMT()
            result.energy[b] = atoms.get_potential_energy()
            result.forces[batch.atoms_of(b)] = atoms.get_forces()
            if batch.periodic[b]:
                result.stress[b] = atoms.get_stress()
            beat()
        return result


def open_lj(settings: Toy, *, device: str) -> Potential[Any]:
    """Lennard-Jones of the config; it stays on the CPU."""
    return _in_error(LennardJones(settings.name, batch_atoms=settings.most_atoms), settings)


def open_emt(settings: Toy, *, device: str) -> Potential[Any]:
    """EMT of the config; it stays on the CPU."""
    return _in_error(EffectiveMedium(settings.name, batch_atoms=settings.most_atoms), settings)


def _in_error(toy: Potential[Any], settings: Toy) -> Potential[Any]:
    """The toy with the error that the config asks for, or as it is."""
    from limbeck.potentials.models.lab_frame import LabFrameError

    return LabFrameError(toy, settings.lab_frame_error) if settings.lab_frame_error else toy


def _about(
    name: str,
    model: str,
    elements: frozenset[int],
    cutoff: float,
    *,
    licence: str,
    citation: str,
    weights: str,
) -> About:
    return About(
        name=name,
        model=model,
        elements=elements,
        cutoff=cutoff,
        properties=EFS,
        conservative=True,
        equivariant=True,
        licence=licence,
        citation=citation,
        weights=weights,
        dtype="float64",
    )


def _joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype=dtype)


def scatter(index: np.ndarray, values: np.ndarray, length: int) -> np.ndarray:
    """Sums of the rows of ``values`` [P,D] by index [P]. float64 [length,D]."""
    columns = [np.bincount(index, weights=v, minlength=length) for v in values.T]
    return np.stack(columns, axis=-1)
