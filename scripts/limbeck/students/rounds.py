"""The length of a training, in epochs or in steps, and when it is validated."""

from collections.abc import Iterator
from itertools import chain, count, islice
from typing import Any

import numpy as np

from limbeck.config.sections.students import StudentSettings
from limbeck.students.batches import Batches, Targets

#: validations on the way of a budget in steps
ROUNDS = 50

Round = Iterator[tuple[Any, Targets]]


class Rounds:
    """The batches of a training, cut into rounds that each end with a validation.

    A budget in epochs has a round for each pass over the frames. A budget in steps has
    :data:`ROUNDS` of them, however few the frames: sets of all sizes get the same number of steps
    and of validations. Patience would take steps from some of them, and is not used then.

    Attributes:
        steps: of the whole budget.
        count: rounds of the whole budget.
        patience: rounds without a better validation before training stops.
    """

    def __init__(self, batches: Batches, settings: StudentSettings) -> None:
        self._batches = batches
        self._by_steps = settings.steps is not None
        if settings.steps is not None:
            self.steps: int = settings.steps
            self.count: int = min(ROUNDS, self.steps)
            self.patience: int = self.count
        else:
            self.steps = settings.epochs * batches.per_epoch
            self.count, self.patience = settings.epochs, settings.patience

    def __call__(self, rng: np.random.Generator) -> Iterator[Round]:
        """The batches of each round; a round has to be used up before the next."""
        if self._by_steps:
            endless = chain.from_iterable(self._batches.shuffled(rng) for _ in count())
            # Rounds differ by one step at most, and add up to the budget.
            for length in np.diff(np.arange(self.count + 1) * self.steps // self.count):
                yield islice(endless, int(length))
        else:
            for _ in range(self.count):
                yield self._batches.shuffled(rng)
