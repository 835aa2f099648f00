"""Texts: what they are about does not change with the order of their sentences."""

import itertools
from functools import lru_cache

import numpy as np
from torch import Tensor, nn

from limbeck.config.sections.studies.text import TextSettings
from limbeck.errors import LimbeckError
from limbeck.studies.nets import Dense, Through, linear_head
from limbeck.studies.study import Data, Inputs, Ops, Role, Study


class Text(Study[TextSettings]):
    """Nets learn the label of a text from a frozen encoder's hidden states of it.

    A text comes as ``ranks`` [N,S], the place of each of its sentences, as they stand, in their
    alphabetical order; ``orders`` [N,S!,D] has the hidden states of all orders of the sorted
    sentences, ``alone`` [N,S,D] those of each sorted sentence by itself.
    """

    about = "what a text is about, and the order of its sentences"
    symmetry = "orders of sentences, the whole group"
    noun = "texts"
    independent = "texts"
    answer = "probabilities"
    needs = "transformers and an encoder; texts of the user, or lists of Debian's packages"

    def data(self, rng: np.random.Generator) -> Data:
        own = self.settings
        raise LimbeckError(
            f"studies.{own.name}: its data are made by scripts/study_data/text.py, in the "
            f"environment of envs/{own.environment}.yaml"
        )

    def draw(self, inputs: Inputs, rng: np.random.Generator) -> Ops:
        n, s = inputs["ranks"].shape
        return rng.permuted(np.broadcast_to(np.arange(s), (n, s)), axis=1)

    def whole(self, inputs: Inputs) -> np.ndarray:
        n, s = inputs["ranks"].shape
        orders = np.array(list(itertools.permutations(range(s))))
        return np.broadcast_to(orders[:, None], (len(orders), n, s))

    def apply(self, ops: Ops, inputs: Inputs) -> Inputs:
        return inputs | {"ranks": np.take_along_axis(inputs["ranks"], ops, axis=1)}

    def canonical(self, inputs: Inputs) -> Ops:
        return np.argsort(inputs["ranks"], axis=1)

    def residual(self, inputs: Inputs, truth: np.ndarray) -> np.ndarray:
        """How far the truth is from a label, and how many sentences are missing, each for another
        that stands twice."""
        s = inputs["ranks"].shape[1]
        classes = np.abs(truth[:, None] - np.eye(truth.shape[1])).max(axis=2).min(axis=1)
        missing = (np.sort(inputs["ranks"], axis=1) != np.arange(s)).sum(axis=1)
        return classes + missing

    def features(self, inputs: Inputs) -> np.ndarray:
        """Hidden states of the text as it stands, and of its sentences alone, [N,1+S,D]."""
        ranks = inputs["ranks"]
        rows = np.arange(len(ranks))
        shown = inputs["orders"][rows, places(ranks)]
        alone = inputs["alone"][rows[:, None], ranks]
        return np.concatenate([shown[:, None], alone], axis=1).astype(np.float32)

    def model(self, role: Role, shape: tuple[int, ...], outputs: tuple[int, ...]) -> nn.Module:
        own = self.settings
        if own.head == "linear":
            head: nn.Module = linear_head(shape[-1], outputs[0])
        else:
            head = Dense(shape[-1:], outputs, own.training.width, own.training.layers)
        # the reference: sentences in a bag, each encoded alone
        return Through(_bag if role == "reference" else _text, head)


def _text(x: Tensor) -> Tensor:
    return x[:, 0]


def _bag(x: Tensor) -> Tensor:
    # the sum's rounding would depend on the order
    return x[:, 1:].double().mean(dim=1).to(x)


def places(ranks: np.ndarray) -> np.ndarray:
    """Where permutations [N,S] stand among all of S, in lexicographic order, [N]."""
    index = _index(ranks.shape[1])
    return np.array([index[tuple(row)] for row in ranks.tolist()])


@lru_cache(maxsize=8)
def _index(s: int) -> dict[tuple[int, ...], int]:
    return {order: i for i, order in enumerate(itertools.permutations(range(s)))}
