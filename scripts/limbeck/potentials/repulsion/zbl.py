"""The universal repulsion of screened nuclei, switched off before atoms are as far as in a bond.

Ziegler, Biersack and Littmark, "The Stopping and Range of Ions in Solids" (1985).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from ase.data import covalent_radii
from ase.units import Bohr, Hartree
from vesin import NeighborList

from limbeck.frames import Frames

#: e^2 / 4 pi epsilon_0, eV Angstrom
COULOMB = Hartree * Bohr
#: factors and exponents of the screening function
FACTORS = (0.18175, 0.50986, 0.28022, 0.02817)
EXPONENTS = (3.1998, 0.94229, 0.4029, 0.20162)
#: The screening length is this over Z_i^0.23 + Z_j^0.23, Angstrom.
SCREENING = 0.46848
#: In sums of covalent radii: whole up to the first, nothing beyond the second. Bonds begin at 0.77
#: (N2), where a fortieth of the repulsion is left.
INNER, OUTER = 0.5, 0.8

ROWS, COLUMNS = [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]  # of Voigt's order


def radii_of(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the repulsion of two elements begins to fall, and where it is gone, Angstrom."""
    sums = covalent_radii[first] + covalent_radii[second]
    return INNER * sums, OUTER * sums


@dataclass(frozen=True)
class ClosePairs:
    """Pairs that may repel each other, each once, of one frame or several.

    Attributes:
        first, second: int64 [P], atoms; unit_shifts: float64 [P,3], of cells.
        vectors: float64 [P,3], from the first to the second, Angstrom.
        numbers: int64 [P,2], atomic numbers.
        frame_of_pair: int64 [P]; n_atoms: of all frames.
        cell: float64 [B,3,3].
    """

    first: torch.Tensor
    second: torch.Tensor
    unit_shifts: torch.Tensor
    vectors: torch.Tensor
    numbers: torch.Tensor
    frame_of_pair: torch.Tensor
    n_atoms: int
    cell: torch.Tensor


@dataclass(frozen=True)
class Repulsion:
    """Energy [B], forces [N,3], stress [B,6] (nothing of use where isolated), energies of atoms
    [N], each with half of its pairs; eV and Angstrom, float64."""

    energy: torch.Tensor
    forces: torch.Tensor
    stress: torch.Tensor
    atom_energies: torch.Tensor


def close_pairs(frames: Frames, skin: float = 0.0) -> list[ClosePairs]:
    """Of each frame the pairs within reach of the repulsion, and a ``skin`` (Angstrom)."""
    return [_of_frame(frames, b, skin) for b in range(len(frames))]


def _of_frame(frames: Frames, frame: int, skin: float) -> ClosePairs:
    rows = frames.atoms_of(frame)
    numbers, cell = frames.numbers[rows], frames.cell[frame]
    reach = 2 * OUTER * float(covalent_radii[numbers].max(initial=0.0)) + skin
    # vesin cuts space into boxes of the cut-off, and many empty ones cost time
    search = NeighborList(cutoff=max(reach, 1.0), full_list=False, n_threads=1)
    first, second, shifts, vectors = search.compute(
        frames.positions[rows], cell, bool(frames.periodic[frame]), "ijSD"
    )
    of_pair = np.stack([numbers[first], numbers[second]], axis=1).astype(np.int64)
    near = np.linalg.norm(vectors, axis=1) < radii_of(*of_pair.T)[1] + skin
    return ClosePairs(
        first=torch.as_tensor(first[near].astype(np.int64)),
        second=torch.as_tensor(second[near].astype(np.int64)),
        unit_shifts=torch.as_tensor(shifts[near], dtype=torch.float64),
        vectors=torch.as_tensor(vectors[near], dtype=torch.float64),
        numbers=torch.as_tensor(of_pair[near]),
        frame_of_pair=torch.zeros(int(near.sum()), dtype=torch.int64),
        n_atoms=len(numbers),
        cell=torch.as_tensor(cell, dtype=torch.float64)[None],
    )


def together(parts: Sequence[ClosePairs], device: torch.device) -> ClosePairs:
    """The pairs of several frames, on a device."""
    starts = np.cumsum([0, *(part.n_atoms for part in parts)]).tolist()
    starting = list(zip(parts, starts, strict=False))
    return ClosePairs(
        first=_joined([p.first + start for p, start in starting], device),
        second=_joined([p.second + start for p, start in starting], device),
        unit_shifts=_joined([p.unit_shifts for p in parts], device),
        vectors=_joined([p.vectors for p in parts], device),
        numbers=_joined([p.numbers for p in parts], device),
        frame_of_pair=_joined([torch.full_like(p.first, b) for b, p in enumerate(parts)], device),
        n_atoms=sum(part.n_atoms for part in parts),
        cell=_joined([p.cell for p in parts], device),
    )


def _joined(parts: list[torch.Tensor], device: torch.device) -> torch.Tensor:
    return torch.cat(parts).to(device)


def turned(pairs: ClosePairs, matrices: np.ndarray) -> ClosePairs:
    """The pairs of frames that were turned by matrices [B,3,3]."""
    q = torch.as_tensor(matrices, dtype=torch.float64, device=pairs.vectors.device)
    return replace(
        pairs,
        vectors=torch.einsum("pij,pj->pi", q[pairs.frame_of_pair], pairs.vectors),
        cell=torch.einsum("bij,bkj->bki", q, pairs.cell),
    )


def moved(
    pairs: ClosePairs, positions: torch.Tensor, cell: torch.Tensor, *, periodic: bool
) -> ClosePairs:
    """The pairs of atoms at other positions [N,3] in other cells [B,3,3]."""
    at = positions.double()
    vectors = at[pairs.second] - at[pairs.first]
    if not periodic:
        return replace(pairs, vectors=vectors)
    cell = cell.double()
    shifts = (pairs.unit_shifts.unsqueeze(2) * cell[pairs.frame_of_pair]).sum(1)
    return replace(pairs, vectors=vectors + shifts, cell=cell)


def repulsion(pairs: ClosePairs) -> Repulsion:
    """What the pairs add to energies, forces and stress."""
    distance = pairs.vectors.norm(dim=1)
    energy, slope = _of_distance(distance, pairs.numbers)
    pull = (slope / distance).unsqueeze(1) * pairs.vectors  # of the first towards the second
    frames, forces = len(pairs.cell), pull.new_zeros(pairs.n_atoms, 3)
    halves = pull.new_zeros(pairs.n_atoms)
    for end, sign in ((pairs.first, 1), (pairs.second, -1)):
        forces = forces.index_add(0, end, pull, alpha=sign)
        halves = halves.index_add(0, end, energy / 2)
    virial = pull.new_zeros(frames, 6).index_add(
        0, pairs.frame_of_pair, pull[:, ROWS] * pairs.vectors[:, COLUMNS]
    )
    volume = torch.linalg.det(pairs.cell).abs().unsqueeze(1)
    return Repulsion(
        energy=pull.new_zeros(frames).index_add(0, pairs.frame_of_pair, energy),
        forces=forces,
        stress=virial / volume,
        atom_energies=halves,
    )


def _of_distance(
    distance: torch.Tensor, numbers: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Energy of each pair [P], eV, and its slope, eV/Angstrom."""
    z = numbers.double()
    length = SCREENING / (z**0.23).sum(1)
    inner, outer = (torch.as_tensor(r, device=z.device) for r in radii_of(*numbers.cpu().numpy().T))
    decays = z.new_tensor(EXPONENTS) / length.unsqueeze(1)
    terms = z.new_tensor(FACTORS) * torch.exp(-decays * distance.unsqueeze(1))
    coulomb = COULOMB * z.prod(1) / distance
    whole = coulomb * terms.sum(1)
    whole_slope = -coulomb * (decays * terms).sum(1) - whole / distance
    phase = math.pi * ((distance - inner) / (outer - inner)).clamp(0, 1)
    switch = (1 + torch.cos(phase)) / 2
    switch_slope = -math.pi / (outer - inner) * torch.sin(phase) / 2
    return whole * switch, whole_slope * switch + whole * switch_slope
