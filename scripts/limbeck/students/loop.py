"""The one training loop of all students."""

import copy
import inspect
import logging
import math
import resource
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from limbeck.charges import loss as charges
from limbeck.check.progress import Progress
from limbeck.config.sections.students import StudentSettings
from limbeck.config.written import AS_PLANNED
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.geometry import composition
from limbeck.potentials.heartbeat import each_awaited
from limbeck.potentials.interface import tell_ignored
from limbeck.potentials.repulsion.dimers import EVERY, Repelling
from limbeck.potentials.trainable import Outputs, Statistics, TrainablePotential
from limbeck.properties import PRODUCTS
from limbeck.students.batches import Batches, Rounds, Targets, answers_of
from limbeck.students.checkpoint import TrainingCheckpoint
from limbeck.students.hyperparameters import filled_in
from limbeck.students.loss import Weights, loss_of
from limbeck.students.optimisers import MovingAverage, Optimiser, Schedule
from limbeck.students.statistics import (
    Scales,
    require_finite,
    spread_weights,
    training_statistics,
)

log = logging.getLogger(__name__)

#: so many steps in a row without a finite loss, and training has diverged
MAX_BAD_STEPS = 20
#: so has one whose validation loss is so many times that of its best epoch and of a constant: in
#: squares, errors ten times those of one who knows nothing
DIVERGED = 100.0

HISTORY_COLUMNS = (
    "epoch",
    "seconds",
    "learning_rate",
    "train_loss",
    "valid_loss",
    "valid_energy_mae_meV_per_atom",
    "valid_forces_mae_meV_per_A",
)
#: and of a training with ``hessian_weight``: error of products, and root mean square over theirs
PRODUCT_COLUMNS = ("valid_hessian_mae_eV_per_A2", "valid_hessian_relative")


class DivergedError(LimbeckError):
    """A training diverged before it had learned anything."""


class Curve(Protocol):
    """Who is told of every epoch, see :mod:`limbeck.students.logs`."""

    def add(self, row: Mapping[str, float]) -> None:
        """A row of :attr:`History.columns`."""


@dataclass(frozen=True)
class History:
    """What a training was.

    With a budget in steps, an epoch is one of the rounds of :class:`Rounds`.

    Attributes:
        settings: with recommendations filled in.
        rows: of :attr:`columns`, one an epoch.
        best_epoch: whose weights were kept.
        steps: done.
        ended: :data:`AS_PLANNED`, or why before.
        last: the weights of the last epoch with a finite validation loss.
        constant_loss: validation loss of one who knows the energies of the elements and no forces.
        muon_share: of the weights, which Muon moved; None with another optimiser.
        cpu_seconds: of its processes, see :class:`TrainingCheckpoint`; NaN where not known.
    """

    settings: StudentSettings
    rows: list[tuple[float, ...]]
    best_epoch: int
    steps: int
    ended: str
    last: dict[str, torch.Tensor]
    constant_loss: float
    muon_share: float | None
    cpu_seconds: float = math.nan

    @property
    def columns(self) -> tuple[str, ...]:
        """Of ``training.csv``."""
        return columns_of(self.settings)

    @property
    def best_loss(self) -> float:
        """The lowest validation loss."""
        return self.rows[self.best_epoch - 1][HISTORY_COLUMNS.index("valid_loss")]


def columns_of(settings: StudentSettings) -> tuple[str, ...]:
    """Columns of the history of a training."""
    more = PRODUCT_COLUMNS if settings.hessian_weight else ()
    return HISTORY_COLUMNS + (charges.COLUMNS if settings.has_charges else more)


@dataclass
class Found:
    """What a training has found so far.

    Attributes:
        rows: one for each epoch that is over.
        best, best_epoch, best_state: lowest validation loss, and the weights that have it.
        last_state: the weights of the last epoch with a finite validation loss.
        losses: of the steps of the epoch that is not over; finite ones.
        done: steps of this epoch.
        bad: steps in a row without a finite loss.
        count: epochs in all, once patience is used up; 0 before.
        ended: see :class:`History`.
    """

    rows: list[tuple[float, ...]] = field(default_factory=list)
    best: float = math.inf
    best_epoch: int = 0
    best_state: dict[str, torch.Tensor] = field(default_factory=dict)
    last_state: dict[str, torch.Tensor] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    done: int = 0
    bad: int = 0
    count: int = 0
    ended: str = AS_PLANNED

    def add(self, row: tuple[float, ...], state: dict[str, torch.Tensor]) -> None:
        """An epoch is over, and has these weights."""
        self.rows.append(row)
        loss = row[HISTORY_COLUMNS.index("valid_loss")]
        if math.isfinite(loss):
            self.last_state = state
        # false for NaN, so that weights with a loss that is not finite are never kept
        if loss < self.best:
            self.best, self.best_epoch, self.best_state = loss, len(self.rows), state


def train(
    student: TrainablePotential[Any],
    training: Dataset,
    validation: Dataset,
    settings: StudentSettings,
    rng: np.random.Generator,
    curve: Curve | None = None,
) -> History:
    """Train until the steps, the epochs or the patience are used up; keep the best weights.

    The learning rate is that of :class:`Schedule`, the loss that of :func:`loss_of`. What is
    validated and kept is the moving average of the weights. A training that diverges ends there,
    with the best weights so far.

    Args:
        settings: its budget, weights and learning rate; recommendations are filled in.
        curve: is told of every epoch.

    Raises:
        DivergedError: the loss stayed infinite or NaN before any epoch was good.
        LimbeckError: a set is empty, or has a label that is not finite.
    """
    for name, part in (("training", training), ("validation", validation)):
        if not len(part):
            raise LimbeckError(
                f"the {name} set has no frames; raise its fraction or the count, or split finer "
                "(dataset.split_by: root, and finer still, frame)"
            )
    require_finite("validation", validation)
    _require_hard(settings, training, validation)
    if settings.has_charges:
        for name, part in (("training", training), ("validation", validation)):
            charges.require(settings.name, name, settings.losses, part.labels.values)
    settings = filled_in(settings, len(training), student.parameters)
    tell_ignored(training.frames, f"the student {settings.name}", student.about.conditions)
    validation = _of_known_elements(student, validation)
    student.normalise(training.frames)
    statistics = training_statistics(training)
    weights = Weights.of(settings, statistics)
    scales = Scales.of(training, products=settings.hessian_weight > 0)
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
    if scales.products and not held_out.n_lines:
        raise LimbeckError(
            f"none of {len(validation)} validation frames has a Hessian-vector product, expected "
            "some: hessian_weight is above 0"
        )
    nothing = constant_loss(held_out, statistics, weights.at(1.0))
    rounds = Rounds(batches, settings)
    repelling = Repelling(student, statistics.forces_rms) if student.zbl else None
    stepper = Stepper(student, settings, weights, rounds.steps, repelling)
    at = Found()
    checkpoint = TrainingCheckpoint(stepper, batches, settings, (training, validation), rng)
    checkpoint.go_on(at)
    rounds.count = at.count or rounds.count
    stepper.progress.begin(stepper.steps)
    with stepper.progress:
        for batches_of_epoch in rounds(rng, len(at.rows), at.done):
            try:
                loss = stepper.epoch(batches_of_epoch, rng, at, checkpoint)
            except DivergedError:
                if not at.best_epoch:
                    raise
                at.ended = f"diverged at step {stepper.steps}"
                break
            with stepper.average.in_place():
                # by the weights of the end, so that all epochs are judged alike
                errors = validate(student, held_out.in_order(), weights.at(1.0))
                state = copy.deepcopy(dict(student.module.state_dict()))
            epoch = len(at.rows) + 1
            at.add((epoch, checkpoint.seconds, stepper.schedule.rate, loss, *errors), state)
            _progress(at.rows[-1], rounds.count)
            if curve:
                curve.add(dict(zip(columns_of(settings), at.rows[-1], strict=True)))
            if errors[0] > DIVERGED * max(nothing, at.best):
                at.ended = f"diverged at step {stepper.steps}"
                break
            if epoch - at.best_epoch >= rounds.patience and not stepper.schedule.cools:
                _cool_down(at, rounds, stepper.schedule)
    if not at.best_epoch:
        raise LimbeckError("the validation loss was never finite; look for what is not in the set")
    if at.ended != AS_PLANNED:
        log.warning("training %s: the weights of epoch %d are kept", at.ended, at.best_epoch)
    student.module.load_state_dict(at.best_state)
    student.module.eval()
    return History(
        settings=settings,
        rows=at.rows,
        best_epoch=at.best_epoch,
        steps=stepper.steps,
        ended=at.ended,
        last=at.last_state,
        constant_loss=nothing,
        muon_share=stepper.optimiser.muon_share,
        cpu_seconds=checkpoint.cpu_seconds,
    )


def _cool_down(at: Found, rounds: Rounds, schedule: Schedule) -> None:
    """Patience is used up: a third of the epochs so far is left, in which the rate falls."""
    epoch = len(at.rows)
    at.count = rounds.count = min(rounds.count, epoch + math.ceil(epoch / 3))
    schedule.cool(rounds.count * rounds.per_round)
    at.ended = f"no better validation loss in {rounds.patience} epochs"
    log.info("%s: the learning rate falls until epoch %d, the last one", at.ended, at.count)


def _require_hard(settings: StudentSettings, *sets: Dataset) -> None:
    if settings.hard_share and any(part.hard is None for part in sets):
        raise LimbeckError(
            f"{settings.name}: hard_share {settings.hard_share:g}, expected labels of a reference "
            "beside those of the teacher, and there are none"
        )


def constant_loss(held_out: Batches, statistics: Statistics, weights: Weights) -> float:
    """The loss of one who answers with the energies of the elements, and no forces or stress."""
    frames = held_out.data.frames
    energies = composition(frames, np.array(statistics.elements)) @ statistics.reference_energies
    total = 0.0
    for index, targets in held_out.targets_in_order():
        zero = {name: torch.zeros_like(targets.values[name]) for name in ("energy", "forces")}
        energy = zero["energy"] + torch.as_tensor(energies[index]).to(zero["energy"])
        stress = zero["forces"].new_zeros(len(targets), 6) if "stress" in targets.values else None
        lines = targets.displaced
        products = {} if lines is None else {PRODUCTS: torch.zeros_like(lines.products)}
        more: dict[str, Any] = products | charges.of_nothing(targets.values)
        answers = Outputs(energy, zero["forces"], stress, **more)
        total += len(targets) * float(loss_of(answers, targets, weights))
    return total / len(frames)


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
) -> tuple[float, ...]:
    """Loss, energy error (meV/atom) and force error (meV/Angstrom), mean absolute; and of products
    of the Hessian, where these are targets, the mean absolute error (eV/Angstrom^2) and the root
    mean square error over that of the products; or of a student with charges the errors of
    :data:`limbeck.charges.loss.COLUMNS`."""
    student.module.eval()
    sums, counts, products = np.zeros(3), np.zeros(3), np.zeros(4)
    of_charges = charges.Errors()
    for batch, targets in each_awaited(batches):
        answers = answers_of(student, batch, targets, training=False)
        size, atoms = len(targets), int(targets.n_atoms.sum())
        energy = ((answers.energy - targets.values["energy"]) / targets.n_atoms).abs().sum()
        forces = (answers.forces - targets.values["forces"]).abs().sum()
        loss = loss_of(answers, targets, weights)
        found = [float(value.detach()) for value in (loss, energy, forces)]
        # The loss of a batch is a mean: weighted by its frames, batches of other sizes add up to
        # the mean over all.
        sums += [found[0] * size, 1e3 * found[1], 1e3 * found[2]]
        counts += [size, size, 3 * atoms]
        of_charges.add(answers, targets.values, targets.known)
        if targets.displaced is not None:
            target = targets.displaced.products
            wrong = (answers.values[PRODUCTS] - target).detach()
            of_lines = (wrong.abs().sum(), (wrong**2).sum(), (target**2).sum())
            products += [*map(float, of_lines), wrong.numel()]
    found = [float(value) for value in sums / counts]
    if targets.displaced is not None:
        absolute, wrong_square, square, components = products.tolist()
        relative = math.sqrt(wrong_square / square) if square else math.nan
        found += [absolute / components, relative]
    if weights.joint is not None:
        found += of_charges.row()
    return tuple(found)


class Stepper:
    """The steps of a training, and all that changes with them.

    Attributes:
        student: whose weights move.
        optimiser, schedule: of the student's weights.
        average: of these weights.
        progress: of its steps.
    """

    def __init__(
        self,
        student: TrainablePotential[Any],
        settings: StudentSettings,
        weights: Weights,
        steps: int,
        repelling: Repelling | None = None,
    ) -> None:
        """``steps``: of the whole training; ``repelling``: what near nuclei add to the loss."""
        self.student, self._settings, self._weights = student, settings, weights
        self._repelling = repelling
        self.optimiser = Optimiser(student, settings)
        held = settings.patience is not None and settings.steps is None
        self.schedule = Schedule(self.optimiser, settings.learning_rate, steps, held=held)
        self.average = MovingAverage(student.module, settings.average_decay, steps)
        self.progress = Progress(f"training {settings.name}", steps, "steps")

    @property
    def steps(self) -> int:
        """Steps so far."""
        return self.schedule.done

    def epoch(
        self,
        batches: Iterable[tuple[Any, Targets]],
        rng: np.random.Generator,
        at: Found,
        checkpoint: TrainingCheckpoint,
    ) -> float:
        """A step for each batch; the mean loss of all of the epoch.

        Args:
            at: may stand within the epoch; then these are the batches that are left.
            checkpoint: told after every step.

        Raises:
            DivergedError: the loss was infinite or NaN in many steps in a row.
        """
        self.student.module.train()
        for batch, targets in each_awaited(batches):
            loss = self._step(batch, targets, rng)
            # A single bad batch is skipped; many in a row mean that the weights are lost.
            at.bad = 0 if math.isfinite(loss) else at.bad + 1
            at.losses += [loss] * math.isfinite(loss)
            if at.bad > MAX_BAD_STEPS:
                break
            self.schedule.step()
            at.done += 1
            self.progress.add(
                atoms=targets.atoms,
                at=f"step {self.steps} of {self.schedule.steps}, epoch {len(at.rows) + 1}",
            )
            checkpoint.after_step(at)
        if at.bad > MAX_BAD_STEPS or not at.losses:
            raise DivergedError(
                f"the loss was not finite in {at.bad} steps in a row; lower learning_rate"
            )
        mean = float(np.mean(at.losses))
        at.losses, at.done, at.bad = [], 0, 0
        return mean

    def _step(self, batch: Any, targets: Targets, rng: np.random.Generator) -> float:
        """The loss of a batch; weights move where it is finite."""
        student, settings = self.student, self._settings
        if settings.augment:
            # Each frame by its own rotation. Graphs are rotated, not rebuilt: neighbours stay.
            matrices = Rotation.random(len(targets), rng=rng).as_matrix()
            batch = student.rotate(batch, targets.of_batch(matrices))
            targets = targets.turned(matrices)
        self.optimiser.zero_grad()
        answers = answers_of(student, batch, targets, training=True)
        loss = loss_of(answers, targets, self._weights.at(self.schedule.progress))
        if self._repelling and self.steps % EVERY == 0:
            loss = loss + settings.forces_weight * self._repelling.cost(rng)
        if torch.isfinite(loss):
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(student.module.parameters(), settings.gradient_clip)
            self.optimiser.step()
            self.average.update()
        return float(loss.detach())


def _progress(row: tuple[float, ...], epochs: int) -> None:
    epoch, seconds, rate, loss, valid, energy, forces, *more = row
    left = seconds / epoch * (epochs - epoch)
    texts = {
        len(PRODUCT_COLUMNS): "products {:.3g} eV/A^2  ",
        len(charges.COLUMNS): "ESP {:.3g} kcal/mol/e  dipole {:.3g} D  charges {:.3g} e  ",
    }
    log.info(
        "epoch %d/%d  loss %.4f  valid %.4f  energy %.2f meV/atom  forces %.1f meV/A  "
        "%srate %.2g  %.0f s, at most %.0f s left",
        *(epoch, epochs, loss, valid, energy, forces),
        texts.get(len(more), "").format(*more),
        *(rate, seconds, left),
    )


def peak_memory(device: torch.device) -> float:
    """The most memory that was held, MB: of a GPU by its tensors, else by the whole process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3  # kB on Linux


def training_summary(
    student: TrainablePotential[Any],
    training: Dataset,
    validation: Dataset,
    history: History,
) -> dict[str, Any]:
    """Summary of a training run, for the student's card and the report."""
    best = dict(zip(history.columns, history.rows[history.best_epoch - 1], strict=True))
    muon = {} if history.muon_share is None else {"muon_share": history.muon_share}
    network = type(getattr(student, "inner", student))  # not what adds a repulsion to it
    return {
        "architecture": student.architecture,
        "network": (inspect.getdoc(network) or "no description").splitlines()[0],
        "parameters": student.parameters,
        "built_with": student.built_with,
        "train_frames": len(training),
        "valid_frames": len(validation),
        "epochs": len(history.rows),
        "best_epoch": history.best_epoch,
        "steps": history.steps,
        "minutes": history.rows[-1][1] / 60,
        **({"cpu_minutes": history.cpu_seconds / 60} if math.isfinite(history.cpu_seconds) else {}),
        "peak_memory_MB": peak_memory(student.device),
        "ended": history.ended,
        "optimiser": history.settings.optimiser,
        "learning_rate": history.settings.learning_rate,
        "batch_size": history.settings.batch_size,
        "loss": history.settings.loss,
        "hessian_weight": history.settings.hessian_weight,
        "hard_share": history.settings.hard_share,
        "augment": history.settings.augment,
        **(
            {"losses": history.settings.losses.model_dump()} if history.settings.has_charges else {}
        ),
        **muon,
        "constant_loss": history.constant_loss,
        "best": best,
    }
