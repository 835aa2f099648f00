"""What reads point charges and their places off the features of atoms.

Two heads that differ in one thing. ``distributed`` makes places of features that turn with the
molecule, as DCMNet (Boittier et al., arXiv:2602.07234); ``cartesian`` makes them of features that
do not, by a dense layer, in the axes that the molecule happens to be given in. The mean of the
latter's answers over all orientations is the potential of monopoles at the atoms: a charge that is
smeared over a sphere is, outside of it, a charge at its centre.
"""

import torch
from torch import nn

#: head -> class; filled in below
Sites = tuple[torch.Tensor, torch.Tensor]


class Distributed(nn.Module):
    """n charges an atom of scalars, and their places of vectors: exact under rotation."""

    equivariant = True

    def __init__(self, channels: int, sites: int, farthest: float) -> None:
        """Of ``channels`` features; no site is ``farthest`` (Angstrom) from its atom."""
        super().__init__()
        self.farthest = farthest
        self.scalars = _dense(channels, 2 * sites)
        # no bias: a constant vector would point somewhere, whatever the molecule
        self.mix = nn.Linear(channels, sites, bias=False)

    def forward(self, scalars: torch.Tensor, vectors: torch.Tensor | None) -> Sites:
        """Charges [N,n], e, and places [N,n,3] from the atoms, Angstrom.

        Args:
            scalars: [N,D]. vectors: [N,3,D].
        """
        assert vectors is not None
        charges, gates = self.scalars(scalars).chunk(2, dim=1)
        # Axes are moved: a reshape to [N,n,3] would mix x, y and z of different sites.
        places = (self.mix(vectors) * gates.unsqueeze(1)).transpose(1, 2)
        return charges, capped(places, self.farthest)


class Cartesian(nn.Module):
    """n charges an atom and their places, both of scalars, in the axes of the frame."""

    equivariant = False

    def __init__(self, channels: int, sites: int, farthest: float) -> None:
        """As :class:`Distributed`."""
        super().__init__()
        self.farthest, self.sites = farthest, sites
        self.scalars = _dense(channels, 4 * sites)

    def forward(self, scalars: torch.Tensor, vectors: torch.Tensor | None) -> Sites:
        """As :class:`Distributed`; ``vectors`` are not looked at."""
        found = self.scalars(scalars)
        charges, places = found[:, : self.sites], found[:, self.sites :]
        return charges, capped(places.view(-1, self.sites, 3), self.farthest)


def capped(vectors: torch.Tensor, farthest: float) -> torch.Tensor:
    """Vectors [...,3] of the same directions, none longer than ``farthest``; short ones as they
    are."""
    # smooth where a vector is zero; 1e-6 of any unit is nothing here
    lengths = torch.sqrt((vectors**2).sum(dim=-1, keepdim=True) + 1e-12)
    return vectors * (farthest * torch.tanh(lengths / farthest) / lengths)


def conserved(charges: torch.Tensor, total: torch.Tensor, frame_of_atom: torch.Tensor) -> Sites:
    """Charges [N,n] that sum to those of the frames, e; and by how much they were above, [B].

    What is too much is taken off all sites of a frame alike (Unke and Meuwly, J. Chem. Theory
    Comput. 15, 3678 (2019), equation 14).

    Args:
        total: [B], e. frame_of_atom: int64 [N].
    """
    empty = torch.zeros_like(total)
    excess = empty.index_add(0, frame_of_atom, charges.sum(dim=1)) - total
    atoms = empty.index_add(0, frame_of_atom, torch.ones_like(charges[:, 0]))
    each = excess / (charges.shape[1] * atoms)
    return charges - each[frame_of_atom].unsqueeze(1), excess


def _dense(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(channels, channels), nn.SiLU(), nn.Linear(channels, out))
