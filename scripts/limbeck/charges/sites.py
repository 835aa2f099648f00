"""The electrostatic potential (ESP) of point charges near atoms, at points.

Lengths are in Angstrom, charges in e, potentials in V: what a proton at the point has in eV.
"""

import torch
from ase.units import Bohr, Hartree, kcal, mol

#: V Angstrom / e: a charge of 1 e at 1 Angstrom. In atomic units the constant is 1.
COULOMB = Hartree * Bohr
#: V -> kcal/mol/e
KCAL = mol / kcal
#: distances that are held at a time: some tens of megabytes
DISTANCES = 2_000_000
#: Angstrom along each axis; where charges of zero stand, which fill up short rows
NOWHERE = 1e6


def potential_at(points: torch.Tensor, places: torch.Tensor, charges: torch.Tensor) -> torch.Tensor:
    """ESP of point charges, V. [...,G]

    Args:
        points: [...,G,3], Angstrom.
        places: [...,S,3], Angstrom; no point may be on one of them.
        charges: [...,S], e.
    """
    away = points.unsqueeze(-2) - places.unsqueeze(-3)
    distances = torch.sqrt((away**2).sum(dim=-1))
    return COULOMB * (charges.unsqueeze(-2) / distances).sum(dim=-1)


def potential_of_frames(
    points: torch.Tensor,
    frame_of_point: torch.Tensor,
    places: torch.Tensor,
    charges: torch.Tensor,
    pointers: torch.Tensor,
) -> torch.Tensor:
    """ESP at points around B frames, each of its own frame's charges, V. [G]

    Args:
        points: [G,3], Angstrom. frame_of_point: int64 [G].
        places, charges: [N,n,3], Angstrom, and [N,n], e, of the atoms.
        pointers: int64 [B+1], atoms of frame b are ``pointers[b]:pointers[b + 1]``.
    """
    counts = pointers.diff()
    frame = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    row = torch.arange(len(frame), device=counts.device) - pointers[frame]
    most, each = int(counts.max()), charges.shape[1]
    padded = charges.new_zeros(len(counts), most, each).index_put((frame, row), charges)
    where = places.new_full((len(counts), most, each, 3), NOWHERE).index_put((frame, row), places)
    padded, where = padded.flatten(1), where.flatten(1, 2)
    step = max(1, DISTANCES // padded.shape[1])
    parts = [
        potential_at(p.unsqueeze(1), where[f], padded[f]).squeeze(1)
        for p, f in zip(points.split(step), frame_of_point.split(step), strict=True)
    ]
    return torch.cat(parts) if parts else points.new_zeros(0)
