"""Linear systems A x = b: the unknowns can be renumbered, and the solution with them."""

from itertools import permutations

import numpy as np
import torch
from torch import Tensor, nn

from limbeck.config.sections.studies.kernels import LinearSettings
from limbeck.studies.nets import Dense, mlp
from limbeck.studies.study import Data, Inputs, Ops, Role, Study

#: largest size whose permutations are all listed: 24 of them
WHOLE = 4


class Linear(Study[LinearSettings]):
    """Nets are shown A and b, and asked for x."""

    about = "the solution of a linear system, and how its unknowns are numbered"
    symmetry = "permutations of the unknowns, P A P^T and P b"
    noun = "systems"
    independent = "systems"

    def data(self, rng: np.random.Generator) -> Data:
        own, n = self.settings, self.settings.size
        a = rng.normal(size=(own.count, n, n)) / np.sqrt(n)
        if own.positive_definite:
            a = a @ a.transpose(0, 2, 1)
        kept = rng.random((own.count, n, n)) < own.density
        # symmetric where A is: an element and its mirror stay or go together
        kept = (
            np.tril(kept) | np.tril(kept, -1).transpose(0, 2, 1) if own.positive_definite else kept
        )
        a = np.where(kept | np.eye(n, dtype=bool), a, 0) + own.dominance * np.eye(n)
        b = rng.normal(size=(own.count, n))
        return Data({"a": a, "b": b}, self._solved(a, b), np.arange(own.count))

    def _solved(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.linalg.solve(a, b[..., None])[..., 0]

    def draw(self, inputs: Inputs, rng: np.random.Generator) -> Ops:
        return rng.permuted(np.tile(np.arange(self.settings.size), (len(inputs["b"]), 1)), axis=1)

    def whole(self, inputs: Inputs) -> np.ndarray | None:
        n = self.settings.size
        if n > WHOLE:
            return None
        every = np.array(list(permutations(range(n))))
        return np.broadcast_to(every[:, None], (len(every), len(inputs["b"]), n))

    def apply(self, ops: Ops, inputs: Inputs) -> Inputs:
        return {"a": renumbered(inputs["a"], ops), "b": self.carry(ops, inputs["b"])}

    def carry(self, ops: Ops, answers: np.ndarray) -> np.ndarray:
        return np.take_along_axis(answers, ops, axis=1)

    def restore(self, ops: Ops, answers: np.ndarray) -> np.ndarray:
        return np.take_along_axis(answers, np.argsort(ops, axis=1), axis=1)

    def canonical(self, inputs: Inputs) -> Ops:
        return np.argsort(inputs["b"], axis=1)

    def residual(self, inputs: Inputs, truth: np.ndarray) -> np.ndarray:
        missed = np.einsum("nij,nj->ni", inputs["a"], truth) - inputs["b"]
        return np.abs(missed).max(axis=1)

    def features(self, inputs: Inputs) -> np.ndarray:
        n = len(inputs["b"])
        both = [inputs["a"].reshape(n, -1), inputs["b"]]
        return np.concatenate(both, axis=1).astype(np.float32)

    def model(self, role: Role, shape: tuple[int, ...], outputs: tuple[int, ...]) -> nn.Module:
        own = self.settings.training
        if role == "reference":
            return Messages(self.settings.size, own.width // 2, rounds=3)
        return Dense(shape, outputs, own.width, own.layers)


class Messages(nn.Module):
    """Unknowns that tell each other what their elements of A say: it commutes with renumbering."""

    def __init__(self, size: int, width: int, rounds: int) -> None:
        super().__init__()
        self.size = size
        self.first = mlp(2, width, width, 1)
        self.tell = nn.ModuleList(mlp(2 * width + 2, width, width, 1) for _ in range(rounds))
        self.take = nn.ModuleList(mlp(2 * width, width, width, 1) for _ in range(rounds))
        self.last = mlp(width, 1, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """A and b end to end, [N,n*n+n] -> [N,n]."""
        n = self.size
        a, b = x[:, : n * n].reshape(-1, n, n), x[:, n * n :]
        h = self.first(torch.stack([b, torch.diagonal(a, dim1=1, dim2=2)], dim=-1))
        edges = torch.stack([a, a.transpose(1, 2)], dim=-1)
        for tell, take in zip(self.tell, self.take, strict=True):
            here = h[:, :, None].expand(-1, -1, n, -1)
            pairs = torch.cat([here, here.transpose(1, 2), edges], dim=-1)
            h = h + take(torch.cat([h, tell(pairs).mean(dim=2)], dim=-1))
        answer: Tensor = self.last(h)[..., 0]
        return answer


def renumbered(a: np.ndarray, ops: Ops) -> np.ndarray:
    """P A P^T of matrices [N,n,n]: row and column i are those that were ops[i]."""
    rows = np.take_along_axis(a, ops[:, :, None], axis=1)
    return np.take_along_axis(rows, ops[:, None, :], axis=2)
