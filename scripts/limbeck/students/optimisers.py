"""The optimizer of a training, and its learning rate."""

from typing import Any

import torch

from limbeck.config.sections.students import StudentSettings
from limbeck.potentials.trainable import TrainablePotential

WARM_UP = 0.03  # share of the steps in which the learning rate rises


def optimizer_of(
    student: TrainablePotential[Any], settings: StudentSettings, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW, and a learning rate with a short warm-up and a cosine towards zero over ``steps``."""
    trained = [p for p in student.module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=settings.learning_rate,
        total_steps=steps + 1,  # it is stepped once more after the last step
        pct_start=WARM_UP,
        # OneCycleLR would otherwise change the betas of AdamW as well.
        cycle_momentum=False,
    )
    return optimizer, schedule
