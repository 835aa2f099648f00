"""The one training loop of all students."""

import copy
import inspect
import logging
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from limbeck.config.sections.students import StudentSettings
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.potentials.heartbeat import each_awaited
from limbeck.potentials.interface import tell_ignored
from limbeck.potentials.trainable import TrainablePotential
from limbeck.students.batches import Batches, Targets
from limbeck.students.loss import Weights, loss_of
from limbeck.students.optimisers import optimizer_of
from limbeck.students.rounds import Rounds
from limbeck.students.statistics import forces_by_source, spread_weights, training_statistics

log = logging.getLogger(__name__)

#: so many steps in a row without a finite loss, and training gives up
MAX_BAD_STEPS = 20

HISTORY_COLUMNS = (
    "epoch",
    "seconds",
    "learning_rate",
    "train_loss",
    "valid_loss",
    "valid_energy_mae_meV_per_atom",
    "valid_forces_mae_meV_per_A",
)


@dataclass(frozen=True)
class History:
    """One row of :data:`COLUMNS` an epoch, the epoch whose weights were kept, and steps done.

    With a budget in steps, an epoch is one of the rounds of :class:`Rounds`.
    """

    rows: list[tuple[float, ...]]
    best_epoch: int
    steps: int


def train(
    student: TrainablePotential[Any],
    training: Dataset,
    validation: Dataset,
    settings: StudentSettings,
    rng: np.random.Generator,
) -> History:
    """Train until the steps, the epochs or the patience are used up; keep the best weights.

    AdamW with a short warm-up and a cosine to zero, on the loss of :func:`loss_of`.

    Args:
        settings: its budget, weights and learning rate.

    Raises:
        LimbeckError: a set is empty, or the loss stays infinite or NaN.
    """
    for name, part in (("training", training), ("validation", validation)):
        if not len(part):
            raise LimbeckError(
                f"the {name} set has no frames; raise its fraction or the count, or let "
                "dataset.split_by be root or frame"
            )
    tell_ignored(training.frames, f"the student {settings.name}", student.about.conditions)
    validation = _of_known_elements(student, validation)
    weights = Weights.of(settings, training_statistics(training))
    scales = forces_by_source(training)
    batches, held_out = (
        Batches(
            student,
            data,
            settings.batch_size,
            scales,
            spread_weights(data, training, settings.spread_weight),
        )
        for data in (training, validation)
    )
    rounds = Rounds(batches, settings)
    optimizer, schedule = optimizer_of(student, settings, rounds.steps)
    best, best_epoch, best_state = math.inf, 0, copy.deepcopy(student.module.state_dict())
    rows: list[tuple[float, ...]] = []
    start = time.monotonic()
    for epoch, batches_of_epoch in enumerate(rounds(rng), start=1):
        loss = _epoch(student, batches_of_epoch, weights, optimizer, schedule, settings, rng)
        errors = validate(student, held_out.in_order(), weights)
        seconds = time.monotonic() - start
        rows.append((epoch, seconds, float(schedule.get_last_lr()[0]), loss, *errors))
        _progress(rows[-1], rounds.count)
        # false for NaN, so that weights with a loss that is not finite are never kept
        if errors[0] < best:
            best, best_epoch = errors[0], epoch
            best_state = copy.deepcopy(student.module.state_dict())
        if epoch - best_epoch >= rounds.patience:
            log.info("no better validation loss in %d epochs: stopped", rounds.patience)
            break
    if not best_epoch:
        raise LimbeckError("the validation loss was never finite; look for what is not in the set")
    student.module.load_state_dict(best_state)
    student.module.eval()
    return History(rows=rows, best_epoch=best_epoch, steps=schedule.last_epoch)


def _of_known_elements(student: TrainablePotential[Any], data: Dataset) -> Dataset:
    """Without the frames that have an element which the training set lacks."""
    known = ~student.unknown_elements(data.frames)
    if not known.any():
        raise LimbeckError("every validation frame has an element that the training set lacks")
    if not known.all():
        log.warning("%d validation frames have an element not trained on", (~known).sum())
    return data.select(known)


def validate(
    student: TrainablePotential[Any], batches: Iterable[tuple[Any, Targets]], weights: Weights
) -> tuple[float, float, float]:
    """Loss, energy error (meV/atom) and force error (meV/Angstrom), mean absolute."""
    student.module.eval()
    sums = np.zeros(3)
    counts = np.zeros(3)
    for batch, targets in each_awaited(batches):
        answers = student.outputs(batch, training=False, stress="stress" in targets.values)
        size, atoms = len(targets), int(targets.n_atoms.sum())
        energy = ((answers.energy - targets.values["energy"]) / targets.n_atoms).abs().sum()
        forces = (answers.forces - targets.values["forces"]).abs().sum()
        loss = loss_of(answers, targets, weights)
        found = [float(value.detach()) for value in (loss, energy, forces)]
        # The loss of a batch is a mean: weighted by its frames, batches of other sizes add up to
        # the mean over all.
        sums += [found[0] * size, 1e3 * found[1], 1e3 * found[2]]
        counts += [size, size, 3 * atoms]
    loss_mean, energy_mae, forces_mae = sums / counts
    return float(loss_mean), float(energy_mae), float(forces_mae)


def _epoch(
    student: TrainablePotential[Any],
    batches: Iterable[tuple[Any, Targets]],
    weights: Weights,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    settings: StudentSettings,
    rng: np.random.Generator,
) -> float:
    student.module.train()
    losses: list[float] = []
    bad = 0
    for batch, targets in each_awaited(batches):
        if settings.augment:
            # Each frame by its own rotation. Graphs are rotated, not rebuilt: neighbours stay.
            matrices = Rotation.random(len(targets), rng=rng).as_matrix()
            batch, targets = student.rotate(batch, matrices), targets.turned(matrices)
        optimizer.zero_grad(set_to_none=True)
        answers = student.outputs(batch, training=True, stress="stress" in targets.values)
        loss = loss_of(answers, targets, weights)
        if torch.isfinite(loss):
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(student.module.parameters(), settings.gradient_clip)
            optimizer.step()
            losses.append(float(loss.detach()))
        # A single bad batch is skipped; many in a row mean that the weights are lost.
        bad = 0 if torch.isfinite(loss) else bad + 1
        if bad > MAX_BAD_STEPS:
            break
        schedule.step()
    if bad > MAX_BAD_STEPS or not losses:
        raise LimbeckError(f"the loss was not finite in {bad} steps in a row; lower learning_rate")
    return float(np.mean(losses))


def _progress(row: tuple[float, ...], epochs: int) -> None:
    epoch, seconds, _, loss, valid, energy, forces = row
    left = seconds / epoch * (epochs - epoch)
    log.info(
        "epoch %d/%d  loss %.4f  valid %.4f  energy %.2f meV/atom  forces %.1f meV/A  "
        "%.0f s, at most %.0f s left",
        *(epoch, epochs, loss, valid, energy, forces, seconds, left),
    )


def training_summary(
    student: TrainablePotential[Any], training: Dataset, validation: Dataset, history: History
) -> dict[str, Any]:
    """Summary of a training run, for the student's card and the report."""
    best = dict(zip(HISTORY_COLUMNS, history.rows[history.best_epoch - 1], strict=True))
    return {
        "architecture": student.architecture,
        "network": (inspect.getdoc(type(student)) or "no description").splitlines()[0],
        "parameters": sum(p.numel() for p in student.module.parameters() if p.requires_grad),
        "train_frames": len(training),
        "valid_frames": len(validation),
        "epochs": len(history.rows),
        "best_epoch": history.best_epoch,
        "steps": history.steps,
        "minutes": history.rows[-1][1] / 60,
        "best": best,
    }
