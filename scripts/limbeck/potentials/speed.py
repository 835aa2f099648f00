"""Speed of potentials: atoms per second on the same frames, each at its best batch size.

Potentials are timed in turn, over several rounds: whatever else the machine does meets all of them
alike. A speed is the median of its rounds; the slowest and the fastest round are its interval.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from limbeck.check.progress import each
from limbeck.frames import Frames
from limbeck.potentials.devices import free_memory
from limbeck.potentials.evaluation import attempt, predict_or_nan
from limbeck.potentials.heartbeat import beat
from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)

BATCHES = (32, 128, 512)  # atoms
#: frames that those are timed on that answer for one after another
FEW = 6
#: The range of six rounds holds the median of all rounds there could be with 1 - 2 / 2^6 = 97 %,
#: the first number of which that is at least 95 %, whatever the noise is distributed like.
ROUNDS = 6
_SECONDS = 0.25  # at least so long for each batch size in each round


@dataclass
class _Timed:
    """A potential, the frames that it is timed on, and the speed of each round by batch size."""

    potential: Potential[Any]
    kind: str
    frames: Frames
    left_out: int
    speeds: dict[int, list[float]]


def measure_speeds(
    models: Sequence[tuple[Potential[Any], str]],
    frames: Frames,
    *,
    rounds: int = ROUNDS,
    seconds: float = _SECONDS,
) -> list[dict[str, Any]]:
    """Throughput from frames to forces (neighbour lists included) for several batch sizes.

    Frames that a potential cannot answer are left out and counted. A batch that does not fit into
    memory has no speed.

    Args:
        models: potentials, each with its kind: teacher or student.
        seconds: least time for each potential and batch size in each round.

    Returns:
        For each model ``{"name", "kind", "n_frames", "n_left_out", "best_batch_atoms",
        "atoms_per_second", "low", "high", "by_batch"}``. ``by_batch`` has the same of each size,
        with ``rounds``: atoms per second, round by round.

    Raises:
        DeviceLost: the device went away.
    """
    timed = [_timed(potential, kind, frames) for potential, kind in models]
    turns = [(number, model) for number in range(rounds) for model in timed]
    for number, model in each(turns, "speeds", "turns of models"):
        _one_round(model, seconds, first=number == 0)
    return [_result(model, len(frames)) for model in timed]


def speed_ups(speeds: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """How many times faster each student is than each teacher, each at its best batch.

    Round by round, so that what slows both down in a round cancels: the median of the ratios, with
    the lowest and the highest. A model without a speed is left out.
    """
    by_kind = {
        kind: [s for s in speeds if s["kind"] == kind and np.isfinite(s["atoms_per_second"])]
        for kind in ("student", "teacher")
    }
    for student in by_kind["student"]:
        for teacher in by_kind["teacher"]:
            ratios = np.divide(_rounds_at_best(student), _rounds_at_best(teacher))
            names = {"student": student["name"], "teacher": teacher["name"]}
            yield names | dict(zip(("ratio", "low", "high"), middle(ratios), strict=True))


def middle(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    """Median, lowest and highest; NaN of nothing."""
    if not len(values):
        return (float("nan"),) * 3
    return float(np.median(values)), float(np.min(values)), float(np.max(values))


def _timed(potential: Potential[Any], kind: str, frames: Frames) -> _Timed:
    known = frames.select(~potential.unknown_elements(frames))
    one_by_one = (
        potential.batch_atoms == 1
    )  # as pyscf: larger batches are no faster, and take hours
    if one_by_one:
        known = known.select(np.arange(min(FEW, len(known))))
    # It tells which frames the potential can answer at all.
    answers = predict_or_nan(potential, known)
    good = known.select(np.isfinite(answers.energy))
    speeds: dict[int, list[float]] = {n: [] for n in ((1,) if one_by_one else BATCHES)}
    return _Timed(potential, kind, good, len(frames) - len(good), speeds)


def _one_round(model: _Timed, seconds: float, *, first: bool) -> None:
    """Time a model once at each size; what fails in the first round is not asked again."""
    for atoms, speeds in model.speeds.items():
        if not len(model.frames) or not (first or speeds):
            continue
        model.potential.batch_atoms = atoms
        asked = attempt(
            model.potential,
            partial(_atoms_per_second, model.potential, model.frames, seconds, warm=not first),
        )
        if asked.answer is not None:
            speeds.append(asked.answer)
        if asked.error is not None:
            log.warning("batches of %d atoms fail and are not timed: %s", atoms, asked.error)
            speeds.clear()
            free_memory()


def _result(model: _Timed, n_frames: int) -> dict[str, Any]:
    by_batch = [{"batch_atoms": a} | _figures(s) for a, s in model.speeds.items()]
    best = max(by_batch, key=lambda row: np.nan_to_num(row["atoms_per_second"]))
    return {
        "name": model.potential.about.name,
        "kind": model.kind,
        "n_frames": n_frames - model.left_out,
        "n_left_out": model.left_out,
        "best_batch_atoms": best["batch_atoms"],
        **{key: best[key] for key in ("atoms_per_second", "low", "high")},
        "by_batch": by_batch,
    }


def _figures(rounds: list[float]) -> dict[str, Any]:
    names = ("atoms_per_second", "low", "high")
    return dict(zip(names, middle(rounds), strict=True)) | {"rounds": rounds}


def _rounds_at_best(speed: dict[str, Any]) -> list[float]:
    best = speed["best_batch_atoms"]
    return next(row["rounds"] for row in speed["by_batch"] if row["batch_atoms"] == best)


def _atoms_per_second(
    potential: Potential[Any], frames: Frames, seconds: float, *, warm: bool
) -> float:
    batches = list(potential.batches(frames))
    if not warm:  # compiles and allocates
        potential.evaluate(potential.prepare(frames.select(batches[-1])))

    def once() -> int:
        for index in batches:  # as they are: halved ones would have another size's speed
            potential.evaluate(potential.prepare(frames.select(index)))
            beat()
        return len(frames.numbers)

    return throughput(once, seconds, time.perf_counter)


def throughput(once: Callable[[], int], seconds: float, clock: Callable[[], float]) -> float:
    """Atoms per second of as many whole passes as take at least ``seconds``.

    Args:
        once: a pass; gives the number of its atoms.
        clock: seconds.
    """
    atoms, start = 0, clock()
    while (passed := clock() - start) < seconds:
        atoms += once()
    return atoms / passed
