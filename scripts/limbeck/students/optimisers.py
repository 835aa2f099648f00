"""What moves the weights: optimisers, their learning rate, and the average of the weights."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from limbeck.config.sections.students import StudentSettings
from limbeck.potentials.trainable import TrainablePotential

WARM_UP = 0.03  # share of the steps in which the learning rate rises
START = 0.04  # share of the learning rate that training starts with
#: share of the steps, at the end, in which a rate falls that was held until then; that in which the
#: energies count more, see :mod:`limbeck.students.loss`
COOLING = 0.25
#: the average of the weights reaches back over this share of the steps at most
REACH = 0.02


class Optimiser:
    """The optimisers of a student's weights, which step together.

    Attributes:
        parts: one, or Muon for the matrices and AdamW for all other weights.
        muon_share: of the weights, which Muon moves; None with another optimiser.
    """

    def __init__(self, student: TrainablePotential[Any], settings: StudentSettings) -> None:
        """As ``settings.optimiser`` says."""
        trained = [p for p in student.module.parameters() if p.requires_grad]
        rate: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
        self._blocks: list[tuple[torch.nn.Parameter, list[torch.nn.Parameter]]] = []
        self.parts: list[torch.optim.Optimizer] = []
        self.muon_share: float | None = None
        if settings.optimiser == "muon":
            self._blocks = [(p, _blocks(views)) for p, views in student.matrices()]
            matrices = [block for _, blocks in self._blocks for block in blocks]
            reached = {id(p) for p, _ in self._blocks}
            size = sum(p.numel() for p in trained)
            self.muon_share = sum(block.numel() for block in matrices) / size
            trained = [p for p in trained if id(p) not in reached]
            if matrices:
                # Its steps then have the size of AdamW's, and one rate does for both (Liu et al.,
                # "Muon is Scalable for LLM Training", arXiv:2502.16982).
                muon = torch.optim.Muon(matrices, adjust_lr_fn="match_rms_adamw", **rate)
                self.parts.append(muon)
        kind = {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}
        if trained:
            self.parts.append(kind.get(settings.optimiser, torch.optim.AdamW)(trained, **rate))

    def zero_grad(self) -> None:
        """No gradients."""
        for part in self.parts:
            part.zero_grad(set_to_none=True)
        for weight, _ in self._blocks:
            weight.grad = None

    def step(self) -> None:
        """Move all weights by their gradients."""
        for weight, blocks in self._blocks:
            if weight.grad is not None:
                gradient = weight.grad.contiguous()
                for block in blocks:
                    # where the block lies in the weight, its gradient lies in the gradient
                    block.grad = gradient.as_strided(
                        *(block.size(), block.stride()),
                        block.storage_offset() - weight.storage_offset(),
                    )
        for part in self.parts:
            part.step()

    def put_rate(self, rate: float) -> None:
        """Let the next steps have this learning rate."""
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate

    def state(self) -> list[dict[str, Any]]:
        """Of all parts, for check-points."""
        return [part.state_dict() for part in self.parts]

    def load(self, state: Sequence[dict[str, Any]]) -> None:
        """Go on from a :meth:`state`."""
        for part, own in zip(self.parts, state, strict=True):
            part.load_state_dict(own)


def _blocks(views: Sequence[torch.Tensor]) -> list[torch.nn.Parameter]:
    """Matrices inside a weight as parameters of their own, in the weight's memory."""
    return [torch.nn.Parameter(view.detach()) for view in views]


class Schedule:
    """The learning rate: a short warm-up, and a cosine to zero at the last step.

    A cosine says from the first step on when training ends, and most is learned at its end: who
    stops on the way has a student of a high rate. So where training may end early the rate is held,
    and falls within the last quarter of the steps, whenever these begin (Haegele et al., "Scaling
    Laws and Compute-Optimal Training Beyond Fixed Training Durations", arXiv:2405.18392).

    Attributes:
        done, steps: so far, and in all.
        falls_from: the step from which on the rate falls.
    """

    def __init__(self, optimiser: Optimiser, rate: float, steps: int, *, held: bool) -> None:
        """``held``: it is, until :meth:`cool` or the last quarter."""
        self._optimiser, self._rate = optimiser, rate
        self._warm_up = max(1, round(WARM_UP * steps))
        self.done, self.steps = 0, steps
        self.falls_from = math.ceil((1 - COOLING) * steps) if held else 0
        optimiser.put_rate(self.rate)

    @property
    def rate(self) -> float:
        """Of the next step."""
        return self._rate * self._share()

    @property
    def progress(self) -> float:
        """Share of the steps that are done."""
        return self.done / self.steps

    @property
    def cools(self) -> bool:
        """Whether the rate falls."""
        return self.done >= self.falls_from

    def step(self) -> None:
        """After a step."""
        self.done += 1
        self._optimiser.put_rate(self.rate)

    def cool(self, steps: int) -> None:
        """Let the rate fall from now on, to zero after ``steps`` in all."""
        self.falls_from, self.steps = self.done, steps
        self._optimiser.put_rate(self.rate)

    def state(self) -> dict[str, int]:
        """For check-points."""
        return {"done": self.done, "steps": self.steps, "falls_from": self.falls_from}

    def load(self, state: dict[str, int]) -> None:
        """Go on from a :meth:`state`."""
        self.done, self.steps, self.falls_from = (state[n] for n in ("done", "steps", "falls_from"))
        self._optimiser.put_rate(self.rate)

    def _share(self) -> float:
        if self.done < self._warm_up:
            return START + (1 - START) * _half_cosine(1 - self.done / self._warm_up)
        start = max(self.falls_from, self._warm_up)
        if self.done < start:
            return 1.0
        return _half_cosine((self.done - start) / max(self.steps - start, 1))


def _half_cosine(share: float) -> float:
    """From 1 at 0 to 0 at 1."""
    return (1 + math.cos(math.pi * min(share, 1.0))) / 2


class MovingAverage:
    """Exponential moving average of the weights that are trained.

    Weights go to and fro from batch to batch; their average is where they go to (Polyak and
    Juditsky, SIAM J. Control Optim. 30, 838 (1992)). It starts fast, so that it never holds on to
    the random weights of the start, and reaches back over :data:`REACH` of the training at most:
    of few steps, an average over hundreds is that of a student which knew less.

    Attributes:
        weights: the averages, in the order of the module's parameters.
        steps: updates so far.
    """

    def __init__(self, module: torch.nn.Module, decay: float, steps: int) -> None:
        """No step is done.

        Args:
            decay: share that a step leaves of the average; 0 is no average.
            steps: of the whole training.
        """
        self._trained = [p for p in module.parameters() if p.requires_grad]
        self._decay = min(decay, 1 - 1 / max(REACH * steps, 1.0))
        self.weights: list[torch.Tensor] = [p.detach().clone() for p in self._trained]
        self.steps = 0

    @torch.no_grad()
    def update(self) -> None:
        """Take up the weights after a step."""
        self.steps += 1
        decay = min(self._decay, self.steps / (self.steps + 9))
        # the type that PyTorch asks for is a tuple of lists
        get_ema_multi_avg_fn(decay)(self.weights, self._trained, self.steps)  # type: ignore[arg-type]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The module with the averages as its weights."""
        own = [p.detach().clone() for p in self._trained]
        self._put(self.weights)
        try:
            yield
        finally:
            self._put(own)

    @torch.no_grad()
    def _put(self, values: list[torch.Tensor]) -> None:
        for weight, value in zip(self._trained, values, strict=True):
            weight.copy_(value)
