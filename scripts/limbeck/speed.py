"""How fast potentials are: atoms per second, on the same frames, each at its best batch."""

import time
from typing import Any

from limbeck.frames import Frames
from limbeck.potentials.interface import Potential

BATCHES = (32, 128, 512)  # atoms
SECONDS = 1.5  # at least so long for each batch size, so that one hiccup is not the result


def measure_speed(
    potential: Potential[Any], frames: Frames, *, kind: str, seconds: float = SECONDS
) -> dict[str, Any]:
    """Throughput from frames to forces (neighbour lists included) for several batch sizes."""
    known = frames.select(~potential.unknown_elements(frames))
    by_batch = []
    for batch_atoms in BATCHES:
        potential.batch_atoms = batch_atoms
        by_batch.append(
            {
                "batch_atoms": batch_atoms,
                "atoms_per_second": _atoms_per_second(potential, known, seconds),
            }
        )
    best = max(by_batch, key=lambda row: row["atoms_per_second"])
    return {
        "name": potential.about.name,
        "kind": kind,
        "best_batch_atoms": best["batch_atoms"],
        "atoms_per_second": best["atoms_per_second"],
        "by_batch": by_batch,
    }


def _atoms_per_second(potential: Potential[Any], frames: Frames, seconds: float) -> float:
    if not len(frames):
        return float("nan")
    potential.predict(frames.select([0]))  # the first call compiles and allocates
    atoms, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        potential.predict(frames)
        atoms += len(frames.numbers)
    return atoms / passed
