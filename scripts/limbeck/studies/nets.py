"""A few small nets that studies share. Each says what it does to the symmetry of its inputs."""

from functools import lru_cache
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def mlp(inputs: int, outputs: int, width: int, layers: int) -> nn.Sequential:
    """A dense net on vectors [N,inputs]: it knows of no symmetry."""
    sizes = [inputs, *([width] * layers)]
    parts: list[nn.Module] = []
    for a, b in pairwise(sizes):
        parts += [nn.Linear(a, b), nn.GELU()]
    return nn.Sequential(*parts, nn.Linear(sizes[-1], outputs))


class Dense(nn.Module):
    """:func:`mlp` on features of any shape, [N,...] -> [N,*outputs]."""

    def __init__(
        self, shape: tuple[int, ...], outputs: tuple[int, ...], width: int, layers: int
    ) -> None:
        super().__init__()
        self.outputs = outputs
        self.net = mlp(_product(shape), _product(outputs), width, layers)

    def forward(self, x: Tensor) -> Tensor:
        """[N,...] -> [N,*outputs]."""
        answer: Tensor = self.net(x.flatten(1)).reshape(len(x), *self.outputs)
        return answer


def linear_head(inputs: int, outputs: int) -> nn.Linear:
    """One linear layer, for features of a frozen encoder."""
    return nn.Linear(inputs, outputs)


class SpectralConv1d(nn.Module):
    """Multiplies the lowest Fourier modes of each channel with a matrix (Li et al., Fourier neural
    operator, arXiv 2010.08895). It commutes with shifts of a periodic grid."""

    def __init__(self, channels: int, modes: int) -> None:
        super().__init__()
        self.modes = modes
        scale = 1 / channels
        shape = (channels, channels, modes, 2)
        self.weight = nn.Parameter(scale * (torch.rand(shape) - 0.5))

    def forward(self, x: Tensor) -> Tensor:
        """[N,C,X] -> [N,C,X]."""
        points = x.shape[-1]
        modes = min(self.modes, points // 2 + 1)
        # the transform of the matrix products alone: on small grids a dense basis is faster than an
        # FFT, and as exact
        basis = _waves(points, modes).to(x)  # [2,M,X]
        seen = torch.einsum("ncx,rmx->rncm", x, basis)
        real, imaginary = self.weight[..., :modes, 0], self.weight[..., :modes, 1]
        a = torch.einsum("ncm,com->nom", seen[0], real) - torch.einsum(
            "ncm,com->nom", seen[1], imaginary
        )
        b = torch.einsum("ncm,com->nom", seen[0], imaginary) + torch.einsum(
            "ncm,com->nom", seen[1], real
        )
        weight = torch.full((modes,), 2.0 / points, dtype=x.dtype, device=x.device)
        weight[0] = 1.0 / points
        if 2 * (modes - 1) == points:
            weight[-1] = 1.0 / points
        out: Tensor = torch.einsum("nom,mx->nox", a * weight, basis[0])
        return out + torch.einsum("nom,mx->nox", b * weight, basis[1])


@lru_cache(maxsize=8)
def _waves(points: int, modes: int) -> Tensor:
    """Real and imaginary parts of exp(-2 pi i m x / X), float64 [2,M,X]."""
    # whole turns are taken away while numbers are integers: shifts then commute to rounding
    places = torch.outer(torch.arange(modes), torch.arange(points)) % points
    angle = 2 * torch.pi * places.double() / points
    return torch.stack([angle.cos(), -angle.sin()])


class FNO1d(nn.Module):
    """A Fourier neural operator on a periodic grid, [N,X] or [N,C,X] -> [N,X].

    It commutes with shifts, but for two lines that PDEBench's has (arXiv 2210.07182,
    ``pdebench/models/fno/fno.py``), both of which are options here: the places of the points as a
    channel, and zeros that are appended to the domain.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        layers: int,
        modes: int,
        *,
        grid: bool,
        padding: int,
    ) -> None:
        super().__init__()
        self.grid, self.padding = grid, padding
        self.lift = nn.Conv1d(channels + grid, width, 1)
        self.spectral = nn.ModuleList(SpectralConv1d(width, modes) for _ in range(layers))
        self.local = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in range(layers))
        self.last = nn.Sequential(nn.Conv1d(width, 128, 1), nn.GELU(), nn.Conv1d(128, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """[N,X] or [N,C,X] -> [N,X]."""
        x = x if x.ndim == 3 else x[:, None]
        points = x.shape[-1]
        if self.grid:
            places = torch.linspace(0, 1, points, dtype=x.dtype, device=x.device)
            x = torch.cat([x, places.expand(len(x), 1, points)], dim=1)
        h = F.pad(self.lift(x), (0, self.padding))
        for i, (spectral, local) in enumerate(zip(self.spectral, self.local, strict=True)):
            h = spectral(h) + local(h)
            h = F.gelu(h) if i + 1 < len(self.spectral) else h
        answer: Tensor = self.last(h[..., :points])[:, 0]
        return answer


class UNet1d(nn.Module):
    """A U-Net of two levels on a grid, [N,X] -> [N,X]; X is divisible by 4.

    With zero padding its answers near the ends of the grid know where these are, and pooling knows
    of even and odd points. ``periodic`` is the same net, weight for weight, without either: padding
    goes round, and instead of every second point all stay, with filters as far apart ("a trous",
    Holschneider et al. 1990), so that it commutes with all shifts.
    """

    def __init__(self, channels: int, width: int, *, periodic: bool = False) -> None:
        super().__init__()
        self.periodic = periodic
        mode: Literal["zeros", "circular"] = "circular" if periodic else "zeros"

        def block(a: int, b: int, level: int) -> nn.Sequential:
            apart = 2**level if periodic else 1
            convs = [
                nn.Conv1d(i, b, 3, padding=apart, dilation=apart, padding_mode=mode) for i in (a, b)
            ]
            return nn.Sequential(convs[0], nn.GELU(), convs[1], nn.GELU())

        self.down = nn.ModuleList([block(channels, width, 0), block(width, 2 * width, 1)])
        self.bottom = block(2 * width, 4 * width, 2)
        self.rise = nn.ModuleList(
            nn.Conv1d(c, c // 2, 2, dilation=apart)
            if periodic
            else nn.ConvTranspose1d(c, c // 2, 2, stride=2)
            for c, apart in ((4 * width, 2), (2 * width, 1))
        )
        self.up = nn.ModuleList([block(4 * width, 2 * width, 1), block(2 * width, width, 0)])
        self.last = nn.Conv1d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N,X] or [N,C,X] -> [N,X]."""
        h = x if x.ndim == 3 else x[:, None]
        kept = []
        for level, block in enumerate(self.down):
            h = block(h)
            kept.append(h)
            h = h.maximum(h.roll(-(2**level), -1)) if self.periodic else F.max_pool1d(h, 2)
        h = self.bottom(h)
        for level, rise, block in zip((1, 0), self.rise, self.up, strict=True):
            h = rise(F.pad(h, (2**level, 0), mode="circular")) if self.periodic else rise(h)
            h = block(torch.cat([h, kept[level]], dim=1))
        answer: Tensor = self.last(h)[:, 0]
        return answer


class Everywhere(nn.Module):
    """A net that answers for one point, asked with each point of a periodic grid as the first.

    [N,X] -> [N,X], and it commutes with all shifts: a dense net in this way is one whose matrices
    are circulant.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """[N,X] -> [N,X]."""
        points = torch.arange(x.shape[-1], device=x.device)
        turned = x[:, (points[:, None] + points) % len(points)]  # [N,X,X]
        answer: Tensor = self.net(turned.flatten(0, 1)).reshape(x.shape)
        return answer


class DeepSet(nn.Module):
    """A particle-flow net: each member of a set [N,M,C] through one net, summed, and another
    (Komiske, Metodiev, Thaler, arXiv 1810.05165). The order of members changes nothing.

    Members whose first channel is zero are padding, and do not count.
    """

    def __init__(self, channels: int, outputs: int, width: int, layers: int) -> None:
        super().__init__()
        self.each = mlp(channels, width, width, layers)
        self.all = mlp(width, outputs, width, layers)

    def forward(self, x: Tensor) -> Tensor:
        """[N,M,C] -> [N,outputs]."""
        there = (x[..., :1] != 0).to(x)
        answer: Tensor = self.all((self.each(x) * there).sum(dim=1) / 10)
        return answer


class Through(nn.Module):
    """A net after a fixed function of its inputs, such as one that makes it invariant."""

    def __init__(self, function: "nn.Module | object", net: nn.Module) -> None:
        super().__init__()
        self.function, self.net = function, net

    def forward(self, x: Tensor) -> Tensor:
        """Of the function of x."""
        answer: Tensor = self.net(self.function(x))  # type: ignore[operator]
        return answer


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for n in shape:
        total *= n
    return total
