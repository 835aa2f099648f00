"""The network of NEP4: energies of atoms, and how each pair pulls, in one pass without autograd.

Radial functions and moments: Fan et al., Phys. Rev. B 104, 104309 (2021), with coefficients of each
pair of elements (J. Phys.: Condens. Matter 34, 125902 (2022)) and the four-body term of J. Chem.
Phys. 157, 114801 (2022). Written from these papers alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from limbeck.potentials.models.nep.harmonics import SIZES, gradients, harmonics

#: of three bodies for each order l, and one of four bodies
TERMS = len(SIZES) + 1
#: [24,3x16], in float64 until it is known what the network computes in
GRADIENTS = gradients().flatten(1)
#: Of a descriptor's size over all elements: the spread of one that hardly changes around an element
#: is taken as this, or else the least change of it would count as much as all others.
LEAST_SPREAD = 0.05
#: the Wigner 3j symbol of (2 2 2; 0 0 0)
WIGNER_222 = -math.sqrt(2 / 35)


@dataclass(frozen=True)
class Neighbours:
    """E directed pairs of N atoms, the first E_a of which are within the angular cut-off.

    Attributes:
        vectors: [E,3], from the first atom to the second, Angstrom.
        first: int64 [E]; species: int64 [N], in ascending order.
        per_species: how many atoms there are of each element.
        blocks: pair of elements (first * T + second), start and stop of each run of pairs of one
            kind, within the angular cut-off and beyond it.
        place: int64 [E], where a pair stands in a table of N rows of ``width`` places.
        inner_place, inner_width: the same of the first E_a, in a table of their own.
    """

    vectors: torch.Tensor
    first: torch.Tensor
    species: torch.Tensor
    per_species: tuple[int, ...]
    inner_blocks: tuple[tuple[int, int, int], ...]
    outer_blocks: tuple[tuple[int, int, int], ...]
    place: torch.Tensor
    width: int
    inner_place: torch.Tensor
    inner_width: int


@dataclass(frozen=True)
class AtomAnswers:
    """Energies of atoms [N], eV; how each pair pulls its first atom towards its second, [E,3],
    eV/Angstrom: the gradient of all energies by the vector of the pair; descriptors [N,D]."""

    energies: torch.Tensor
    pulls: torch.Tensor
    descriptors: torch.Tensor


class NepNetwork(torch.nn.Module):
    """Descriptors of each atom, and a hidden layer for each element.

    The pull of each pair comes with the energy: a closed form whose geometry needs no gradient, so
    that training on forces takes one pass backward in place of two, and evaluation none.
    """

    #: energy of an atom of each element, eV [T]
    offsets: torch.Tensor
    #: [T,D], what the hidden layer of an element sees is (descriptors - means) * scales
    means: torch.Tensor
    scales: torch.Tensor
    #: eV, the unit of what the hidden layer says
    unit: torch.Tensor

    def __init__(
        self,
        species: int,
        *,
        cutoffs: Sequence[float],
        functions: Sequence[int],
        basis: Sequence[int],
        neurons: int,
    ) -> None:
        """Random weights.

        Args:
            species: how many elements there are.
            cutoffs: radial and angular, Angstrom; ``functions`` of each atom, and how many
                ``basis`` functions these are made of, likewise.
        """
        super().__init__()
        self.cutoffs, self.functions, self.basis = cutoffs, functions, basis
        self.n_descriptors = functions[0] + TERMS * functions[1]
        self.register_buffer("offsets", torch.zeros(species))
        self.register_buffer("unit", torch.ones(()))
        self.register_buffer("means", torch.zeros(species, self.n_descriptors))
        self.register_buffer("scales", torch.ones(species, self.n_descriptors))
        self.radial, self.angular = (
            torch.nn.Parameter(torch.randn(species, species, n, k) / math.sqrt(k))
            for n, k in zip(functions, basis, strict=True)
        )
        self.inner = torch.nn.Parameter(
            torch.randn(species, neurons, self.n_descriptors) / math.sqrt(self.n_descriptors)
        )
        self.bias = torch.nn.Parameter(torch.randn(species, neurons) / 2)
        self.outer = torch.nn.Parameter(torch.randn(species, neurons) / math.sqrt(neurons))

    def forward(self, pairs: Neighbours) -> AtomAnswers:
        count = len(pairs.species)
        distance = pairs.vectors.norm(dim=1)
        unit = pairs.vectors / distance.unsqueeze(1)
        radial, radial_slope = self._functions(distance, pairs, angular=False)
        angular, angular_slope = self._functions(distance, pairs, angular=True)

        near, width = len(pairs.inner_place), pairs.inner_width
        spread = [
            _table(values, pairs.inner_place, count, width)
            for values in (unit[:near], angular, angular_slope)
        ]
        directions, g, g_slope = spread
        y = harmonics(directions.permute(2, 0, 1))
        moments = torch.bmm(g.mT, y[:, 1:].mT)  # [N,n,24]
        sums = _table(radial, pairs.place, count, pairs.width).sum(1)
        descriptors = torch.cat([sums, _invariants(moments)], dim=1)
        energies, slopes = self._layer(descriptors, pairs)

        own = slopes[:, : self.functions[0]]
        pull = (own.index_select(0, pairs.first) * radial_slope).sum(1, keepdim=True) * unit
        by_moment = _invariants_slope(moments, slopes[:, self.functions[0] :])
        along = (torch.bmm(by_moment, y[:, 1:]) * g_slope.mT).sum(1)  # [N,M]
        # gradients of harmonics are harmonics of one order less: contracted by atom, not by pair
        by_harmonic = torch.bmm((by_moment @ GRADIENTS.to(by_moment)).mT, g.mT)  # [N,3x16,M]
        across = (by_harmonic.unflatten(1, (3, -1)) * y[:, None, :16]).sum(2).mT  # [N,M,3]
        # a direction has no part along itself
        across = across - (across * directions).sum(2, keepdim=True) * directions
        across, along = (
            values.flatten(0, 1).index_select(0, pairs.inner_place)
            for values in (across, along.unsqueeze(2))
        )
        bent = across / distance[:near].unsqueeze(1) + along * unit[:near]
        pulls = torch.cat([pull[:near] + bent, pull[near:]])
        return AtomAnswers(energies, pulls, descriptors)

    @torch.no_grad()
    def normalise(self, descriptors: torch.Tensor, species: torch.Tensor) -> None:
        """Means and scales from descriptors [N,D] of atoms whose elements are ``species`` [N]."""
        least = LEAST_SPREAD * descriptors.square().mean(0).sqrt()
        least = least.clamp(min=torch.finfo(least.dtype).eps)
        for kind in range(len(self.offsets)):
            own = descriptors[species == kind]
            own = own if len(own) else descriptors  # of one that is rare, those of all
            self.means[kind] = own.mean(0)
            self.scales[kind] = 1 / own.std(0, correction=0).maximum(least)

    def _functions(
        self, distance: torch.Tensor, pairs: Neighbours, *, angular: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Radial or angular functions of each pair and their slopes, [E,n] each."""
        coefficients = (self.angular if angular else self.radial).flatten(0, 1)
        blocks = pairs.inner_blocks if angular else pairs.inner_blocks + pairs.outer_blocks
        distance = distance[: len(pairs.inner_place)] if angular else distance
        basis = chebyshev(distance, self.cutoffs[angular], self.basis[angular])  # [k,2,E]
        found = [
            torch.matmul(coefficients[kind], basis[:, :, start:stop].flatten(1))
            for kind, start, stop in blocks
        ]
        n = self.functions[angular]
        if not found:
            return (distance.new_zeros(0, n),) * 2
        both = torch.cat([values.view(n, 2, -1) for values in found], dim=2)
        return both[:, 0].T, both[:, 1].T

    def _layer(
        self, descriptors: torch.Tensor, pairs: Neighbours
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Energies of atoms [N], and their slopes by descriptor [N,D]."""
        energies, slopes = [], []
        for kind, own in enumerate(descriptors.split(pairs.per_species)):
            seen = (own - self.means[kind]) * self.scales[kind]
            hidden = torch.tanh(seen @ self.inner[kind].T - self.bias[kind])
            outer = self.unit * self.outer[kind]
            energies.append(hidden @ outer + self.offsets[kind])
            slopes.append((outer * (1 - hidden**2)) @ self.inner[kind] * self.scales[kind])
        return torch.cat(energies), torch.cat(slopes)


def chebyshev(distance: torch.Tensor, cutoff: float, count: int) -> torch.Tensor:
    """Functions f_k = 1/2 [T_k(2 (r/rc - 1)^2 - 1) + 1] fc(r), k < ``count``, with their slopes.

    fc(r) = 1/2 [1 + cos(pi r / rc)]; beyond the cut-off all are zero.

    Returns:
        [count,2,E]: the functions, and their derivatives by r (1/Angstrom).
    """
    near = distance.clamp(max=cutoff)
    fade = 0.5 + 0.5 * torch.cos(math.pi / cutoff * near)
    fade_slope = -0.5 * math.pi / cutoff * torch.sin(math.pi / cutoff * near)
    from_edge = near / cutoff - 1
    x, x_slope = 2 * from_edge**2 - 1, 4 / cutoff * from_edge
    first, second = [torch.ones_like(x), x], [torch.ones_like(x), 2 * x]  # T_k, U_k
    for _ in range(2, count):
        first.append(2 * x * first[-1] - first[-2])
        second.append(2 * x * second[-1] - second[-2])
    values = 0.5 * (torch.stack(first[:count]) + 1)
    order = torch.arange(1, count, dtype=x.dtype, device=x.device).unsqueeze(1)
    slopes = 0.5 * x_slope * order * torch.stack(second[: count - 1])  # T_k' = k U_(k-1)
    changes = values * fade_slope
    changes = torch.cat([changes[:1], changes[1:] + slopes * fade])
    return torch.stack([values * fade, changes], dim=1)


def _table(values: torch.Tensor, place: torch.Tensor, count: int, width: int) -> torch.Tensor:
    """Rows [E,C] at their places in a table [count,width,C], zeros elsewhere."""
    empty = values.new_zeros(count * width, values.shape[1])
    return empty.index_copy(0, place, values).view(count, width, -1)


def _invariants(moments: torch.Tensor) -> torch.Tensor:
    """Of moments [N,n,24]: for l = 1 to 4 the sums of their squares, then q_222. [N,5n]"""
    squares = [of.square().sum(2) for of in moments.split(SIZES, dim=2)]
    u, v, w, p, t = moments[:, :, 3:8].unbind(2)
    cubic = u**3 - 3 * u * (p**2 + t**2) + 1.5 * u * (v**2 + w**2)
    cubic = cubic + 1.5 * math.sqrt(3) * (2 * t * v * w + p * (v**2 - w**2))
    return torch.cat([*squares, WIGNER_222 * cubic], dim=1)


def _invariants_slope(moments: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    """Slopes by moment [N,n,24] from those by invariant [N,5n]."""
    *of_squares, of_cubic = slopes.chunk(TERMS, dim=1)
    parts = [
        2 * slope.unsqueeze(2) * of
        for slope, of in zip(of_squares, moments.split(SIZES, dim=2), strict=True)
    ]
    u, v, w, p, t = moments[:, :, 3:8].unbind(2)
    root = 1.5 * math.sqrt(3)
    cubic = torch.stack(
        [
            3 * u**2 - 3 * (p**2 + t**2) + 1.5 * (v**2 + w**2),
            3 * u * v + 2 * root * (t * w + p * v),
            3 * u * w + 2 * root * (t * v - p * w),
            -6 * u * p + root * (v**2 - w**2),
            -6 * u * t + 2 * root * v * w,
        ],
        dim=2,
    )
    parts[1] = parts[1] + WIGNER_222 * of_cubic.unsqueeze(2) * cubic
    return torch.cat(parts, dim=2)
