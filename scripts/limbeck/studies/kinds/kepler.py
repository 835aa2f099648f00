"""Kepler's equation E - e sin E = M: a whole turn of M turns E by as much, and changes nothing."""

import numpy as np
import torch
from torch import Tensor, nn

from limbeck.config.sections.studies.kernels import KeplerSettings
from limbeck.studies.nets import Dense, Through
from limbeck.studies.study import Data, Inputs, Ops, Role, Study

TURN = 2 * np.pi


class Kepler(Study[KeplerSettings]):
    """Nets are shown eccentricity and mean anomaly, and asked for sin E and cos E."""

    about = "the eccentric anomaly of an orbit, and how many turns it has made"
    symmetry = "whole turns of the mean anomaly, as many as the settings say"
    noun = "orbits"
    independent = "orbits"

    def data(self, rng: np.random.Generator) -> Data:
        own = self.settings
        e = rng.uniform(own.min_eccentricity, own.max_eccentricity, own.count)
        turned = TURN * (self._turns(own.count, rng) if own.train_on_turns else 0)
        m = rng.uniform(-np.pi, np.pi, own.count)
        truth = self._solved(e, m)
        return Data({"e": e, "m": m + turned}, truth, np.arange(own.count))

    def _turns(self, n: int, rng: np.random.Generator) -> np.ndarray:
        most = self.settings.max_turns
        return rng.integers(-most, most + 1, n)

    def _solved(self, e: np.ndarray, m: np.ndarray) -> np.ndarray:
        """sin E and cos E by Newton's method from pi, which always converges; [N,2]."""
        turned = np.mod(m, TURN)
        anomaly = np.full_like(turned, np.pi)
        for _ in range(50):
            anomaly -= (anomaly - e * np.sin(anomaly) - turned) / (1 - e * np.cos(anomaly))
        return np.stack([np.sin(anomaly), np.cos(anomaly)], axis=1)

    def draw(self, inputs: Inputs, rng: np.random.Generator) -> Ops:
        # the input's own number of turns is replaced, so that views have those of the data
        return self._turns(len(inputs["m"]), rng) - self._own(inputs)

    def whole(self, inputs: Inputs) -> np.ndarray:
        most = self.settings.max_turns
        return np.arange(-most, most + 1)[:, None] - self._own(inputs)

    def _own(self, inputs: Inputs) -> np.ndarray:
        turns: np.ndarray = np.round(inputs["m"] / TURN).astype(int)
        return turns

    def apply(self, ops: Ops, inputs: Inputs) -> Inputs:
        return inputs | {"m": inputs["m"] + TURN * ops}

    def canonical(self, inputs: Inputs) -> Ops:
        return -self._own(inputs)

    def residual(self, inputs: Inputs, truth: np.ndarray) -> np.ndarray:
        return np.abs(self._solved(inputs["e"], inputs["m"]) - truth).max(axis=1)

    def features(self, inputs: Inputs) -> np.ndarray:
        e, m = inputs["e"], inputs["m"]
        if self.settings.inputs == "sin_cos":
            return np.stack([e, np.sin(m), np.cos(m)], axis=1).astype(np.float32)
        return np.stack([e, m / np.pi], axis=1).astype(np.float32)

    def model(self, role: Role, shape: tuple[int, ...], outputs: tuple[int, ...]) -> nn.Module:
        own = self.settings.training
        if role == "reference" and self.settings.inputs == "raw":
            return Through(_wrapped, Dense((3,), outputs, own.width, own.layers))
        return Dense(shape, outputs, own.width, own.layers)


def _wrapped(x: Tensor) -> Tensor:
    """e and M / pi -> e, sin M, cos M, the same for all turns but for rounding."""
    m = torch.remainder(x[:, 1:].double(), 2.0) * np.pi
    return torch.cat([x[:, :1], m.sin().to(x), m.cos().to(x)], dim=1)
