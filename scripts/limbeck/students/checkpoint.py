"""Where a training stands, so that one that is killed goes on from there with the same bits."""

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from limbeck.config.sections.students import StudentSettings
from limbeck.datasets.split import Dataset
from limbeck.potentials.checkpoint import Checkpoint
from limbeck.properties import PRODUCTS
from limbeck.students.batches import Batches

if TYPE_CHECKING:
    from limbeck.students.loop import Found, Stepper


class TrainingCheckpoint:
    """The check-point of one training.

    Attributes:
        seconds, cpu_seconds: how long it took, before it was killed too.
    """

    def __init__(
        self,
        stepper: "Stepper",
        batches: Batches,
        settings: StudentSettings,
        sets: tuple[Dataset, Dataset],
        rng: np.random.Generator,
    ) -> None:
        """``sets``: for training and validation."""
        self._stepper, self._batches, self._rng = stepper, batches, rng
        data = [
            (
                *(part.frames.positions, part.labels.energy, part.labels.forces, part.frames.id),
                *(part.labels.values[n] for n in (PRODUCTS,) if n in part.labels.values),
                *(part.hard or {}).values(),
            )
            for part in sets
        ]
        weights = [w.detach().cpu().numpy() for w in stepper.student.module.state_dict().values()]
        self._file = Checkpoint("training", settings, rng.bit_generator.state, data, weights)
        self._start = time.monotonic()
        self._before = self._cpu_before = 0.0

    @property
    def seconds(self) -> float:
        """That the training took, before it was killed too."""
        return self._before + time.monotonic() - self._start

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all processes of this training, a pilot and the start of each included; NaN
        where that of one is not known."""
        return self._cpu_before + time.process_time()

    def after_step(self, found: "Found") -> None:
        """Keep where everything stands, when it is time to."""
        if self._file.due:
            self._file.keep(
                {
                    "found": vars(found),
                    "stepper": standing(self._stepper),
                    "batches": self._batches.standing(self._rng),
                    "torch": torch.get_rng_state(),
                    "seconds": self.seconds,
                    "cpu_seconds": self.cpu_seconds,
                }
            )

    def go_on(self, found: "Found") -> None:
        """Put everything where a training that was killed stood, if one was."""
        tree = self._file.found()
        if not tree:
            return
        vars(found).update(tree["found"])
        stand(self._stepper, tree["stepper"])
        self._batches.stand(tree["batches"])
        torch.set_rng_state(tree["torch"])
        self._before = tree["seconds"]
        self._cpu_before = tree.get("cpu_seconds", math.nan)


def standing(stepper: "Stepper") -> dict[str, Any]:
    """Weights, their average, moments and learning rate."""
    average = stepper.average
    return {
        "module": dict(stepper.student.module.state_dict()),
        "optimiser": stepper.optimiser.state(),
        "schedule": stepper.schedule.state(),
        "average": {"weights": average.weights, "steps": average.steps},
    }


def stand(stepper: "Stepper", found: dict[str, Any]) -> None:
    """Go on from there."""
    stepper.student.module.load_state_dict(found["module"])
    stepper.optimiser.load(found["optimiser"])
    stepper.schedule.load(found["schedule"])
    stepper.average.steps = found["average"]["steps"]
    for weight, value in zip(stepper.average.weights, found["average"]["weights"], strict=True):
        weight.copy_(value)
