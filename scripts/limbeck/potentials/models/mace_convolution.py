"""MACE's convolution of scalars as one batched matrix product.

Where the features of neighbours are scalars, the message to atom i in channel c and order lm is
A_i,c,lm = sum_j R_ij,cl x_j,c Y_ij,lm (Batatia et al., arXiv:2206.07697, equation 8): for each
atom a product of a matrix [channels, neighbours] with one of [neighbours, lm]. mace-torch makes
all products of the sum first, an array of edges by channels by lm, which is bound by memory.
"""

import copy
from typing import Any

import torch


class ScalarConvolution(torch.nn.Module):
    """Messages from scalar features, in place of an interaction block's ``conv_tp``."""

    def __init__(self, channels: int, orders: list[int]) -> None:
        """``orders`` are the l of the spherical harmonics, in their order."""
        super().__init__()
        self.channels, self.sizes = channels, [2 * order + 1 for order in orders]

    def forward(
        self,
        features: torch.Tensor,
        harmonics: torch.Tensor,
        weights: torch.Tensor,
        edges: torch.Tensor,
    ) -> torch.Tensor:
        """Messages [N, sum of channels (2 l + 1)].

        Args:
            features: [N, channels].
            harmonics: [E, sum of (2 l + 1)].
            weights: [E, orders x channels].
            edges: int64 [2,E], senders and receivers, the receivers in ascending order.
        """
        count, (senders, receivers) = len(features), edges
        # Atoms have different numbers of neighbours. Padded with zeros to the largest number, the
        # sum over neighbours is one batched matrix product.
        neighbours = torch.bincount(receivers, minlength=count)
        most = int(neighbours.max()) if len(receivers) else 0
        first = torch.repeat_interleave(neighbours.cumsum(0) - neighbours, neighbours)
        # receiver's block, plus the place of the edge among those of its receiver
        place = receivers * most + torch.arange(len(receivers), device=edges.device) - first
        radial = weights.view(-1, len(self.sizes), self.channels) * features[senders].unsqueeze(1)
        left = _rows(radial.flatten(1), place, count, most)  # [N, most, orders x channels]
        right = _rows(harmonics, place, count, most)  # [N, most, lm]
        sums = torch.bmm(left.mT, right).unflatten(1, (len(self.sizes), self.channels))
        blocks = sums.split(self.sizes, dim=-1)
        # e3nn's order: for each l all channels, each with its 2 l + 1 components
        return torch.cat([block[:, i].flatten(1) for i, block in enumerate(blocks)], dim=1)


def _rows(values: torch.Tensor, place: torch.Tensor, count: int, most: int) -> torch.Tensor:
    """Rows of ``values`` at their atom's places, zeros where it has fewer: [count, most, ...]."""
    empty = values.new_zeros(count * most, values.shape[1])
    return empty.index_copy(0, place, values).view(count, most, values.shape[1])


def with_fast_convolutions(module: torch.nn.Module) -> torch.nn.Module:
    """The same MACE, sharing its weights, with convolutions of scalars replaced.

    It wants edges in the order of their receivers. A convolution of other features stays, and so
    does one whose answers on random numbers are not those of its replacement.
    """
    found = _shallow(module)
    found.interactions = torch.nn.ModuleList(
        [_replaced(block) for block in module.get_submodule("interactions").children()]
    )
    return found


def _shallow(module: torch.nn.Module) -> torch.nn.Module:
    """A module of the same parameters and submodules, whose own can be exchanged."""
    found = copy.copy(module)
    # A copy of the table alone: replacing a submodule here must not replace it in the original.
    found._modules = dict(module._modules)
    return found


def _replaced(block: torch.nn.Module) -> torch.nn.Module:
    old = block.get_submodule("conv_tp")
    # conv_fusion: convolutions that another library has already fused
    if hasattr(block, "conv_fusion") or not _of_scalars(old):
        return block
    channels: Any = old.irreps_in1
    harmonics: Any = old.irreps_in2
    new = ScalarConvolution(channels.dim, [ir.l for _, ir in harmonics])
    if not _agree(old, new, next(block.parameters())):
        return block
    found: Any = _shallow(block)
    # With conv_fusion set, mace-torch hands the edges to conv_tp and leaves the sum over
    # neighbours to it.
    found.conv_tp, found.conv_fusion = new, True
    return found


def _of_scalars(product: torch.nn.Module) -> bool:
    """Whether a tensor product is one of scalar channels with one harmonic of each order."""
    channels, harmonics = getattr(product, "irreps_in1", []), getattr(product, "irreps_in2", [])
    return (
        len(channels) == 1
        and channels[0].ir.l == 0
        and all(block.mul == 1 for block in harmonics)
        and product.weight_numel == channels.dim * len(harmonics)  # type: ignore[union-attr]
    )


def _agree(old: torch.nn.Module, new: ScalarConvolution, like: torch.Tensor) -> bool:
    """Whether both give the same messages for fixed random inputs."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((3, new.channels), (5, sum(new.sizes)), (5, new.channels * len(new.sizes)))
    features, harmonics, weights = (
        torch.randn(shape, generator=generator).to(like) for shape in shapes
    )
    edges = torch.tensor([[1, 2, 0, 0, 1], [0, 0, 1, 2, 2]], device=like.device)
    with torch.no_grad():
        each = old(features[edges[0]], harmonics, weights)
        expected = each.new_zeros(3, each.shape[1]).index_add(0, edges[1], each)
        # sums of two products of numbers of order one, in the precision of the weights
        return torch.allclose(new(features, harmonics, weights, edges), expected, atol=1e-4)
