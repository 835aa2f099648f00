"""The lowest eigenvalues of a sparse symmetric matrix: renumbering its rows changes none."""

from itertools import permutations

import numpy as np
import torch
from torch import Tensor, nn

from limbeck.config.sections.studies.kernels import EigenSettings
from limbeck.studies.kinds.linear import WHOLE, renumbered
from limbeck.studies.nets import Dense, Through
from limbeck.studies.study import Data, Inputs, Ops, Role, Study


class Eigen(Study[EigenSettings]):
    """Nets are shown a matrix, and asked for its lowest eigenvalues."""

    about = "the lowest eigenvalues of a sparse matrix, and how its rows are numbered"
    symmetry = "permutations of rows and columns, P A P^T"
    noun = "matrices"
    independent = "matrices"

    def data(self, rng: np.random.Generator) -> Data:
        own, n = self.settings, self.settings.size
        raw = rng.normal(size=(own.count, n, n)) * (rng.random((own.count, n, n)) < own.density)
        a = np.tril(raw, -1)
        a = a + a.transpose(0, 2, 1)
        a[:, range(n), range(n)] = rng.normal(size=(own.count, n))
        return Data({"a": a}, self._lowest(a), np.arange(own.count))

    def _lowest(self, a: np.ndarray) -> np.ndarray:
        return np.linalg.eigvalsh(a)[:, : self.settings.lowest]

    def draw(self, inputs: Inputs, rng: np.random.Generator) -> Ops:
        return rng.permuted(np.tile(np.arange(self.settings.size), (len(inputs["a"]), 1)), axis=1)

    def whole(self, inputs: Inputs) -> np.ndarray | None:
        n = self.settings.size
        if n > WHOLE:
            return None
        every = np.array(list(permutations(range(n))))
        return np.broadcast_to(every[:, None], (len(every), len(inputs["a"]), n))

    def apply(self, ops: Ops, inputs: Inputs) -> Inputs:
        return {"a": renumbered(inputs["a"], ops)}

    def canonical(self, inputs: Inputs) -> Ops:
        # the diagonal, which is drawn without repeats, in ascending order
        return np.argsort(np.diagonal(inputs["a"], axis1=1, axis2=2), axis=1)

    def residual(self, inputs: Inputs, truth: np.ndarray) -> np.ndarray:
        return np.abs(self._lowest(inputs["a"]) - truth).max(axis=1)

    def features(self, inputs: Inputs) -> np.ndarray:
        n = len(inputs["a"])
        return inputs["a"].reshape(n, -1).astype(np.float32)

    def model(self, role: Role, shape: tuple[int, ...], outputs: tuple[int, ...]) -> nn.Module:
        own, n = self.settings.training, self.settings.size
        if role == "reference":
            return Through(_traces, Dense((n,), outputs, own.width, own.layers))
        return Dense(shape, outputs, own.width, own.layers)


def _traces(x: Tensor) -> Tensor:
    """Of matrices [N,n*n], traces of their powers, [N,n]: they fix the eigenvalues, and no
    numbering changes them. The k-th root brings them to one size."""
    n = int(x.shape[1] ** 0.5)
    a = x.reshape(-1, n, n).double()
    power, found = a, []
    for k in range(1, n + 1):
        trace = torch.diagonal(power, dim1=1, dim2=2).mean(dim=1)
        found.append(trace.sign() * trace.abs() ** (1 / k))
        power = power @ a
    return torch.stack(found, dim=1).to(x)
