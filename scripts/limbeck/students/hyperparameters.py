"""How a student is trained where the user does not say: a table, and a pilot over rates."""

import copy
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from limbeck.config.sections.students import Optimiser, StudentSettings
from limbeck.config.written import Training

if TYPE_CHECKING:
    from limbeck.datasets.split import Dataset
    from limbeck.potentials.trainable import TrainablePotential

log = logging.getLogger(__name__)

#: optimiser -> learning rates of a network of LARGE and one of SMALL, no unit
RATES: dict[Optimiser, tuple[float, float]] = {
    "adamw": (3e-4, 1e-3),
    "adam": (5e-4, 2e-3),
    "rmsprop": (3e-4, 1e-3),
    "muon": (3e-3, 1e-2),
}
#: weights of a network that is small, and of one that is large
SMALL, LARGE = 1e4, 1e6
#: architecture -> what these rates are multiplied by. The weights of e3nn are of the order of 1 and
#: are divided by the root of the layer's width when they are used, where those of torch are as
#: small as that from the start: a step of the same relative size is so many times larger.
#: A NEP looks at its atoms through one layer alone, and was best with six times the rate.
FASTER: Mapping[str, float] = {"mace": 10.0, "nep": 6.0}
#: the same with Muon: a small MACE was better with 0.02 than with 0.01, and far worse with 0.005
FASTER_OF_MUON: Mapping[str, float] = {"mace": 2.0}
#: no unit; beyond it nothing was tried
HIGHEST_RATE = 0.02
#: training frames for each frame of a batch, and the smallest and largest batches
FRAMES_OF_ONE, BATCHES = 64, (4, 16)
#: steps that a training should have, and the fewest and most epochs
STEPS, EPOCHS = 10_000, (40, 400)

#: of a pilot: learning rates in units of the recommended one, and its share of the epochs
TRIED, PILOT = (0.5, 1.0, 2.0), 0.1
#: a pilot has so many steps at least
PILOT_STEPS = 200


@dataclass(frozen=True)
class Trial:
    """One setting of a pilot.

    Attributes:
        learning_rate: no unit.
        epochs: it was trained for.
        valid_loss, constant_loss: on the validation frames, of it and of one who knows the energies
            of the elements alone; None where it diverged before.
        verdict: "learns"; "dead", where it is no better than the constant; or "diverged".
    """

    learning_rate: float
    epochs: int
    valid_loss: float | None
    constant_loss: float | None
    verdict: str


def recommended(
    optimiser: Optimiser, architecture: str, n_frames: int, parameters: int
) -> dict[str, Any]:
    """``learning_rate``, ``batch_size`` and ``epochs`` of a training.

    The rate is on a straight line between those of :data:`RATES` in logarithms of the number of
    weights, times :data:`FASTER`. A batch has a frame for each :data:`FRAMES_OF_ONE` of training,
    as a power of two: small sets need small batches, to make enough steps of few frames. Epochs are
    those that make :data:`STEPS` steps.

    Args:
        n_frames: in training.
        parameters: trained weights of the network.
    """
    low, high = RATES[optimiser]
    share = math.log(LARGE / max(parameters, 1)) / math.log(LARGE / SMALL)
    rate = low * (high / low) ** min(max(share, 0.0), 1.0)
    faster = (FASTER_OF_MUON if optimiser == "muon" else FASTER).get(architecture, 1.0)
    batch = 2 ** round(math.log2(max(n_frames, 1) / FRAMES_OF_ONE))
    batch = int(min(max(batch, BATCHES[0]), BATCHES[1]))
    epochs = math.ceil(STEPS / math.ceil(max(n_frames, 1) / batch))
    return {
        "learning_rate": float(f"{min(rate * faster, HIGHEST_RATE):.2g}"),
        "batch_size": batch,
        "epochs": min(max(epochs, EPOCHS[0]), EPOCHS[1]),
    }


def filled_in(settings: StudentSettings, n_frames: int, parameters: int) -> StudentSettings:
    """The settings with what is recommended, in place of what the user did not give."""
    found = recommended(settings.optimiser, settings.architecture, n_frames, parameters)
    own = settings.chosen_by_user
    new = {name: value for name, value in found.items() if name not in own}
    return settings.model_copy(update=new | {"hyperparameters": "given"})


def alike(settings: StudentSettings, training: Training) -> StudentSettings:
    """The settings, with as many steps as another training made, of as many frames, at its rate.

    So what two students differ in is what they learned from. Without patience, since this would end
    one of them before.
    """
    same = {"learning_rate": training.learning_rate, "batch_size": training.batch_size}
    known = {name: value for name, value in same.items() if value is not None}
    new = {"steps": max(training.steps, 1), "patience": None, "hyperparameters": "given"}
    return settings.model_copy(update=new | known)


def passes(settings: StudentSettings, n_frames: float) -> float:
    """How often a training goes over its frames at most, its pilot with it."""
    # the number of weights changes the rate alone
    own = filled_in(settings, round(n_frames), parameters=1)
    found = own.steps * own.batch_size / n_frames if own.steps and n_frames else own.epochs
    if settings.hyperparameters != "tuned":
        return found
    return found + (len(TRIED) + 1) * pilot_epochs(own, round(n_frames))


def pilot_epochs(settings: StudentSettings, n_frames: int) -> int:
    """Of one trial: a share of all, but enough for some steps, and no more than there are."""
    per_epoch = math.ceil(n_frames / settings.batch_size) or 1
    whole = math.ceil(settings.steps / per_epoch) if settings.steps else settings.epochs
    return min(max(round(PILOT * whole), math.ceil(PILOT_STEPS / per_epoch)), whole)


def chosen(
    student: "TrainablePotential[Any]",
    training: "Dataset",
    validation: "Dataset",
    settings: StudentSettings,
    seed: int,
) -> tuple[StudentSettings, list[Trial]]:
    """What a student is trained with, and the trials of a pilot where one was asked for.

    Args:
        student: new; it stays as it is.
        seed: of the batches of the pilot.
    """
    own = filled_in(settings, len(training), student.parameters)
    if settings.hyperparameters != "given":
        log.info(
            "%d frames, %d weights: learning_rate %g, batch_size %d, epochs %d",
            *(len(training), student.parameters),
            *(own.learning_rate, own.batch_size, own.epochs),
        )
    if settings.hyperparameters != "tuned":
        return own, []
    trials = _pilot(student, training, validation, own, seed)
    good = [trial for trial in trials if trial.verdict == "learns"]
    if not good:
        log.warning("no trial of the pilot learns: learning_rate stays %g", own.learning_rate)
        return own, trials
    best = min(good, key=lambda trial: trial.valid_loss or math.inf)
    log.info("the pilot takes learning_rate %g", best.learning_rate)
    return own.model_copy(update={"learning_rate": best.learning_rate}), trials


def _pilot(
    student: "TrainablePotential[Any]",
    training: "Dataset",
    validation: "Dataset",
    settings: StudentSettings,
    seed: int,
) -> list[Trial]:
    """Trials of the rates of :data:`TRIED`, and of further ones while an outermost is the best."""
    from limbeck.potentials.checkpoint import Checkpoint

    weights = [w.detach().cpu().numpy() for w in student.module.state_dict().values()]
    kept = Checkpoint("pilot", settings, seed, training.frames.id, weights)
    done = [Trial(**fields) for fields in (kept.found() or {"trials": []})["trials"]]

    def loss_at(factor: float) -> float:
        rate = float(f"{factor * settings.learning_rate:.3g}")
        known = next((trial for trial in done if trial.learning_rate == rate), None)
        if known is None:
            known = _trial(student, training, validation, settings, rate, seed)
            done.append(known)
            log.info(
                "pilot: learning_rate %g, %d epochs: validation loss %s (constant %s): %s",
                *(rate, known.epochs, known.valid_loss, known.constant_loss, known.verdict),
            )
            kept.keep({"trials": [asdict(trial) for trial in done]})
        return known.valid_loss if known.verdict == "learns" and known.valid_loss else math.inf

    losses = {factor: loss_at(factor) for factor in TRIED}
    best = min(losses, key=losses.__getitem__)
    for outermost, step in ((min(TRIED), 0.5), (max(TRIED), 2.0)):
        if best == outermost and settings.learning_rate * best * step <= 1:
            loss_at(best * step)
    return done


def _trial(
    student: "TrainablePotential[Any]",
    training: "Dataset",
    validation: "Dataset",
    settings: StudentSettings,
    rate: float,
    seed: int,
) -> Trial:
    """A short training of the new student, which is then as it was."""
    import numpy as np
    import torch

    from limbeck.students.loop import DivergedError, train

    epochs = pilot_epochs(settings, len(training))
    fields = {"learning_rate": rate, "epochs": epochs, "steps": None, "patience": None}
    before, random = copy.deepcopy(student.module.state_dict()), torch.get_rng_state()
    try:
        rng = np.random.default_rng(seed)
        found = train(student, training, validation, settings.model_copy(update=fields), rng)
    except DivergedError:
        return Trial(rate, epochs, None, None, "diverged")
    finally:
        student.module.load_state_dict(before)
        torch.set_rng_state(random)
    verdict = "learns" if found.best_loss < found.constant_loss else "dead"
    if found.ended.startswith("diverged"):
        verdict = "diverged"
    return Trial(rate, epochs, found.best_loss, found.constant_loss, verdict)
