"""How every net of a study is trained and asked: one loop, so that arms differ in their labels."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from limbeck import seeds
from limbeck.config.sections.studies.study import Training
from limbeck.errors import LimbeckError

#: places [B] of a batch and random numbers -> features [B,...] and what to answer [B,...]
Batch = Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]
#: step, loss
Told = Callable[[int, float], None]
#: inputs that a net is asked at once
ASKED_AT_ONCE = 4096
#: steps between two losses that are told
EVERY = 50


class Net(nn.Module):
    """A net with the size of its answers, so that it learns numbers around 1.

    The size is one number for all components, and nothing is added: answers turn, shift and are
    permuted as those of ``net`` do.
    """

    size: Tensor

    def __init__(self, net: nn.Module, size: float, answer: Literal["values", "probabilities"]):
        super().__init__()
        self.net, self.answer = net, answer
        self.register_buffer("size", torch.tensor(float(size)))

    def forward(self, x: Tensor) -> Tensor:
        """Values, or probabilities."""
        raw: Tensor = self.net(x)
        return raw.softmax(dim=-1) if self.answer == "probabilities" else raw * self.size

    def loss(self, x: Tensor, target: Tensor) -> Tensor:
        """Mean square error in units of ``size``, or cross entropy against probabilities."""
        if self.answer == "probabilities":
            return F.cross_entropy(self.net(x), target)
        return F.mse_loss(self.net(x), target / self.size)

    @torch.no_grad()
    def ask(self, features: np.ndarray) -> np.ndarray:
        """Answers to features [N,...], float64 [N,...]."""
        self.eval()
        device = self.size.device
        parts = [
            self(torch.from_numpy(features[i : i + ASKED_AT_ONCE]).to(device)).cpu().double()
            for i in range(0, len(features), ASKED_AT_ONCE)
        ]
        answers: np.ndarray = torch.cat(parts).numpy()
        return answers


def fit(
    net: Net,
    count: int,
    batch: Batch,
    settings: Training,
    rng: np.random.Generator,
    told: Told = lambda step, loss: None,
) -> Net:
    """Train for as many steps as the settings say; the last weights are kept.

    Args:
        count: inputs to draw batches from, each once before any is drawn again.
        batch: makes a batch.
        told: is told of the loss every :data:`EVERY` steps, and of the last.

    Raises:
        LimbeckError: the loss is not finite.
    """
    optimiser = torch.optim.AdamW(
        net.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
    device = net.size.device
    net.train()
    places = _batches(count, min(settings.batch_size, count), rng)
    for step in range(1, settings.steps + 1):
        x, target = (
            torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32)).to(device)
            for part in batch(next(places), rng)
        )
        loss = net.loss(x, target)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % EVERY == 0 or step == settings.steps:
            value = float(loss.detach())
            if not np.isfinite(value):
                text = f"the loss is {value} at step {step}, expected a number"
                raise LimbeckError(f"training: {text}; lower training.learning_rate")
            told(step, value)
    return net


def _batches(count: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    while True:
        order = rng.permutation(count)
        yield from (order[i : i + size] for i in range(0, count - size + 1, size))


@contextmanager
def weights_from(seed: int, purpose: str) -> Iterator[None]:
    """Weights that are made in the block start from a seed; torch's own numbers stay as they are.

    The students of one seed start from the same weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.torch_seed(seed, purpose))
        yield


def size_of(truth: np.ndarray) -> float:
    """Root mean square of answers, 1 where all are zero."""
    return float(np.sqrt(np.mean(np.square(truth, dtype=np.float64)))) or 1.0


def as_settings(training: Training, values: dict[str, Any]) -> Training:
    """The settings with some fields at other values.

    Raises:
        LimbeckError: a value is none that its field can have.
    """
    from limbeck.config.sections.messages import validated

    found: Training = validated(Training, training.model_dump() | values, "pilot", "grid")
    return found
