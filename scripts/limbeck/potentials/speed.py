"""Speed of potentials: atoms per second on the same frames, each at its best batch size."""

import logging
import time
from functools import partial
from typing import Any

import numpy as np

from limbeck.frames import Frames
from limbeck.potentials.devices import free_memory
from limbeck.potentials.evaluation import attempt, predict_or_nan
from limbeck.potentials.heartbeat import beat
from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)

BATCHES = (32, 128, 512)  # atoms
_SECONDS = 1.5  # at least so long for each batch size, so that one hiccup is not the result


def measure_speed(
    potential: Potential[Any], frames: Frames, *, kind: str, seconds: float = _SECONDS
) -> dict[str, Any]:
    """Throughput from frames to forces (neighbour lists included) for several batch sizes.

    Frames that the potential cannot answer are left out and counted. A batch that does not fit into
    memory has no speed.

    Raises:
        DeviceLost: the device went away.
    """
    known = frames.select(~potential.unknown_elements(frames))
    # It tells which frames the potential can answer at all.
    answers = predict_or_nan(potential, known)
    timed = known.select(np.isfinite(answers.energy))
    by_batch = []
    for batch_atoms in BATCHES:
        potential.batch_atoms = batch_atoms
        asked = attempt(potential, partial(_atoms_per_second, potential, timed, seconds))
        speed = float("nan") if asked.answer is None else asked.answer
        if asked.error is not None:
            log.warning("batches of %d atoms fail and are not timed: %s", batch_atoms, asked.error)
            free_memory()
        by_batch.append({"batch_atoms": batch_atoms, "atoms_per_second": speed})
    best = max(by_batch, key=lambda row: np.nan_to_num(row["atoms_per_second"]))
    return {
        "name": potential.about.name,
        "kind": kind,
        "n_frames": len(timed),
        "n_left_out": len(frames) - len(timed),
        "best_batch_atoms": best["batch_atoms"],
        "atoms_per_second": best["atoms_per_second"],
        "by_batch": by_batch,
    }


def _atoms_per_second(potential: Potential[Any], frames: Frames, seconds: float) -> float:
    if not len(frames):
        return float("nan")
    batches = list(potential.batches(frames))
    potential.evaluate(potential.prepare(frames.select(batches[-1])))  # compiles and allocates
    atoms, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        for index in batches:  # as they are: halved ones would have another size's speed
            potential.evaluate(potential.prepare(frames.select(index)))
            beat()
        atoms += len(frames.numbers)
    return atoms / passed
