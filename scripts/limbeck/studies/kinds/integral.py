"""The mean square of a periodic function on a grid: shifts change nothing."""

import numpy as np
import torch
from torch import Tensor, nn

from limbeck.config.sections.studies.kernels import IntegralSettings
from limbeck.studies.nets import Dense, Through
from limbeck.studies.study import Data, Inputs, Ops, Role, Study


class Integral(Study[IntegralSettings]):
    """Nets are shown f on a grid and asked for the mean of f squared."""

    about = "the mean square of a periodic function, and where its period begins"
    symmetry = "shifts of a periodic grid, the whole group"
    noun = "functions"
    independent = "functions"

    def data(self, rng: np.random.Generator) -> Data:
        own = self.settings
        x = np.arange(own.points) / own.points
        modes = np.arange(1, own.modes + 1)
        waves = np.exp(2j * np.pi * modes[:, None] * x)  # [M,X]
        c = rng.normal(size=(2, own.count, own.modes)) / np.sqrt(modes)
        f = np.real((c[0] + 1j * c[1]) @ waves) + 0.3 * rng.normal(size=(own.count, 1))
        return Data({"f": f}, self._mean_square(f), np.arange(own.count))

    def _mean_square(self, f: np.ndarray) -> np.ndarray:
        return (f**2).mean(axis=1, keepdims=True)

    def draw(self, inputs: Inputs, rng: np.random.Generator) -> Ops:
        n, points = inputs["f"].shape
        most = self.settings.max_shift
        low, high = (0, points) if most is None else (-most, most + 1)
        return rng.integers(low, high, size=(n,))

    def whole(self, inputs: Inputs) -> np.ndarray | None:
        n, points = inputs["f"].shape
        if self.settings.max_shift is not None:
            return None
        return np.broadcast_to(np.arange(points)[:, None], (points, n))

    def apply(self, ops: Ops, inputs: Inputs) -> Inputs:
        return {"f": shifted(inputs["f"], ops)}

    def canonical(self, inputs: Inputs) -> Ops:
        # phase of the first mode to zero, to the nearest grid point
        return to_origin(inputs["f"])

    def residual(self, inputs: Inputs, truth: np.ndarray) -> np.ndarray:
        return np.abs(self._mean_square(inputs["f"]) - truth)[:, 0]

    def features(self, inputs: Inputs) -> np.ndarray:
        return inputs["f"].astype(np.float32)

    def model(self, role: Role, shape: tuple[int, ...], outputs: tuple[int, ...]) -> nn.Module:
        own = self.settings.training
        if role == "reference":
            return Through(power, Dense((shape[0] // 2 + 1,), outputs, own.width, own.layers))
        return Dense(shape, outputs, own.width, own.layers)


def power(x: Tensor) -> Tensor:
    """The power spectrum of fields on a periodic grid, [N,X] -> [N,X // 2 + 1]."""
    return torch.fft.rfft(x.double()).abs().square().div(x.shape[-1]).to(x)


def shifted(fields: np.ndarray, ops: Ops) -> np.ndarray:
    """Each field [N,X] moved to the right by its number of points."""
    n, points = fields.shape
    return fields[np.arange(n)[:, None], (np.arange(points) - ops[:, None]) % points]


def to_origin(fields: np.ndarray) -> Ops:
    """Shifts that bring the largest value of each field to the first point: all shifts of a field
    have one form then."""
    return -fields.argmax(axis=1) % fields.shape[1]
