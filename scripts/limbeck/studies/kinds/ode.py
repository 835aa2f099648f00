"""One step of an autonomous system: the same state at another time has the same next state."""

import numpy as np
from torch import Tensor, nn

from limbeck.config.sections.studies.kernels import OdeSettings
from limbeck.studies.nets import Dense, Through
from limbeck.studies.study import Data, Inputs, Ops, Role, Study

#: steps of the Runge-Kutta method within one step of the study; halving them changes no answer by
#: more than 1e-7
STEPS = 20
#: typical size of states
SIZE = {"lorenz": np.array([8.0, 9.0, 25.0]), "van_der_pol": np.array([2.0, 2.0])}


class Ode(Study[OdeSettings]):
    """Nets are shown a state and the time, and asked for the state one step later."""

    about = "the next state of a dynamical system, and what time it is"
    symmetry = "the origin of time"
    noun = "states"
    independent = "trajectories"

    def data(self, rng: np.random.Generator) -> Data:
        own = self.settings
        each = min(own.pairs_per_trajectory, own.count)
        trajectories = -(-own.count // each)
        x = rng.normal(size=(trajectories, len(SIZE[own.system]))) * SIZE[own.system] / 2
        for _ in range(round(10 / own.step)):  # onto the attractor
            x = self._next(x)
        states = []
        for _ in range(each):
            states.append(x)
            for _ in range(4):  # some way apart
                x = self._next(x)
        state = np.stack(states, axis=1).reshape(-1, x.shape[1])[: own.count]
        cluster = np.repeat(np.arange(trajectories), each)[: own.count]
        t = rng.uniform(0, own.max_time, len(state))
        return Data({"x": state, "t": t}, self._next(state) / SIZE[own.system], cluster)

    def _next(self, x: np.ndarray) -> np.ndarray:
        h = self.settings.step / STEPS
        for _ in range(STEPS):
            a = self._slope(x)
            b = self._slope(x + h / 2 * a)
            c = self._slope(x + h / 2 * b)
            x = x + h / 6 * (a + 2 * b + 2 * c + self._slope(x + h * c))
        return x

    def _slope(self, x: np.ndarray) -> np.ndarray:
        if self.settings.system == "lorenz":
            a, b, c = x.T
            return np.stack([10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c], axis=1)
        a, b = x.T
        return np.stack([b, (1 - a**2) * b - a], axis=1)

    def draw(self, inputs: Inputs, rng: np.random.Generator) -> Ops:
        # to a time that the data may have, so that no view is out of what was learned
        return rng.uniform(0, self.settings.max_time, len(inputs["t"])) - inputs["t"]

    def apply(self, ops: Ops, inputs: Inputs) -> Inputs:
        return inputs | {"t": inputs["t"] + ops}

    def canonical(self, inputs: Inputs) -> Ops:
        return -inputs["t"]

    def residual(self, inputs: Inputs, truth: np.ndarray) -> np.ndarray:
        return np.abs(self._next(inputs["x"]) / SIZE[self.settings.system] - truth).max(axis=1)

    def features(self, inputs: Inputs) -> np.ndarray:
        state = inputs["x"] / SIZE[self.settings.system]
        if not self.settings.teacher_include_time:
            return state.astype(np.float32)
        time = 2 * inputs["t"][:, None] / self.settings.max_time - 1
        return np.concatenate([state, time], axis=1).astype(np.float32)

    def model(self, role: Role, shape: tuple[int, ...], outputs: tuple[int, ...]) -> nn.Module:
        own = self.settings.training
        if role == "reference" and self.settings.teacher_include_time:
            return Through(_timeless, Dense((shape[0] - 1,), outputs, own.width, own.layers))
        return Dense(shape, outputs, own.width, own.layers)


def _timeless(x: Tensor) -> Tensor:
    return x[:, :-1]
