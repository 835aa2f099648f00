"""Batch plans: the size of a batch that was fastest on this machine, measured once and kept.

The last bits of an answer depend on the batch it was computed in. So the measured size is written
to a file that is never changed, and every later job reads it. If several jobs measure at the same
time, all of them use the plan that was written first. Where it cannot be kept, a warning says so,
and each job goes by what it measured itself.
"""

import hashlib
import json
import logging
import math
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.config.written import BatchPlan, as_written
from limbeck.errors import LimbeckError, Unfit
from limbeck.files import read_json, write_json
from limbeck.frames import Frames
from limbeck.potentials.batches import Limits, estimated_neighbours
from limbeck.potentials.devices import free_memory
from limbeck.potentials.evaluation import attempt
from limbeck.potentials.heartbeat import beat
from limbeck.potentials.speed import throughput

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)

SMALLEST, LARGEST = 8, {"cpu": 1024, "cuda": 65536}  # atoms; each rung doubles
SAMPLE = 3  # frames that are timed, of sizes from small to large
_SECONDS = 0.1  # at least so long for each rung in each round
ROUNDS = 3  # of those rungs that may be the best; a speed is their median
CLOSE = 0.8  # of the best throughput of the first round: these rungs are timed again
FALLS = 2  # in a row, of the throughput: then larger batches are not tried
GOOD_ENOUGH = 0.95  # of the best throughput: of those, the smallest batch is taken
_WITHOUT = (
    "going on with what is measured now. Another job may measure something else, and then the last "
    "bits of its answers differ"
)


def use_plan(
    potential: "Potential[Any]", frames: Frames, folder: str | Path, *, threads: int
) -> None:
    """Set the potential's ``batch_limits`` by its plans; measure and write those that are missing.

    Args:
        frames: what it will be asked about; periodic and isolated ones have a plan each.
        folder: of all plans; this machine's stand in a folder below it.

    Raises:
        LimbeckError: a plan is there but damaged, or of something else.
    """
    if potential.batch_atoms == 1:  # one frame after another whatever there is, as pyscf
        return
    known = frames.select(~potential.unknown_elements(frames))
    limits: dict[bool, Limits] = {}
    key = _key(potential, threads)
    for periodic in np.unique(known.periodic).tolist():
        path = plan_path(potential, folder, periodic=periodic, threads=threads)
        limits[periodic] = _read_if_there(path, key) or _measured(
            path, potential, known.select(known.periodic == periodic), key
        )
    potential.batch_limits = limits


def measure_anew(
    potential: "Potential[Any]", frames: Frames, folder: str | Path, *, threads: int
) -> None:
    """As :func:`use_plan`, but plans that are there are measured again and replaced."""
    for periodic in np.unique(frames.periodic).tolist():
        plan_path(potential, folder, periodic=periodic, threads=threads).unlink(missing_ok=True)
    use_plan(potential, frames, folder, threads=threads)


def _measured(
    path: Path, potential: "Potential[Any]", frames: Frames, key: dict[str, Any]
) -> Limits:
    """Measure a plan and write it."""
    plan = key | measure_plan(potential, frames)
    try:
        write_json(path, plan, first_stays=True)
    except (OSError, LimbeckError) as error:
        log.warning("batch plans: %s cannot be kept (%s); %s", path, error, _WITHOUT)
        return _limits(path, plan, key)
    # read back: another job may have been first
    return _read_if_there(path, key) or _limits(path, plan, key)


def plan_path(
    potential: "Potential[Any]", folder: str | Path, *, periodic: bool, threads: int
) -> Path:
    """Path of a plan. Each weights, precision, device and number of threads has its own plan."""
    key = hashlib.sha256(json.dumps(_key(potential, threads), sort_keys=True).encode()).hexdigest()
    kind = "periodic" if periodic else "isolated"
    machine = f"{machine_name(potential.device.type)}-{threads}-threads"
    return Path(folder) / machine / f"{potential.about.name}-{key[:12]}-{kind}.json"


def machine_name(device: str) -> str:
    """The model of the GPU or of the CPU, fit for the name of a folder."""
    return re.sub("[^a-z0-9]+", "-", processor(device).lower()).strip("-")


def processor(device: str) -> str:
    """The model of the GPU or of the CPU, as it calls itself."""
    if device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    return _cpu_model()


def _cpu_model() -> str:
    import platform

    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine() or "cpu"


def _key(potential: "Potential[Any]", threads: int) -> dict[str, Any]:
    about = potential.about
    return {
        "potential": about.name,
        "weights": about.weights,
        "dtype": about.dtype,
        "device": potential.device.type,
        "threads": threads,
    }


def _read_if_there(path: Path, key: dict[str, Any]) -> Limits | None:
    """A plan; None where there is none, or no right to read it.

    Raises:
        LimbeckError: it is damaged, or of something else.
    """
    try:
        if not path.exists():
            return None
        plan = read_json(path)
    except (OSError, LimbeckError) as error:
        if isinstance(error, OSError) or isinstance(error.__cause__, OSError):
            log.warning("batch plans: %s cannot be read (%s); %s", path, error, _WITHOUT)
            return None
        raise
    return _limits(path, plan, key)


def _limits(path: Path, found: dict[str, Any], key: dict[str, Any]) -> Limits:
    """The limits that a plan sets; of one that is not a plan an error that names ``path``."""
    plan = as_written(BatchPlan, found, path)
    for field, expected in key.items():
        if (of := getattr(plan, field)) != expected:
            raise Unfit(path, f"{field}: {of!r}, expected {expected!r}")
    neighbours = plan.batch_neighbours
    return Limits(plan.batch_atoms, math.inf if neighbours is None else neighbours)


def measure_plan(potential: "Potential[Any]", frames: Frames) -> dict[str, Any]:
    """The fastest batch from frames to forces: time growing sizes, and take the best.

    Sizes double until the throughput has fallen twice in a row: once may be chance. Those that may
    be the best are then timed again, in turn, so that what slows the machine down meets all alike.

    Args:
        frames: one or more, of one periodicity; three of them, of different sizes, are repeated to
            fill the batches, as a batch holds frames of like size.

    Returns:
        ``{"batch_atoms", "batch_neighbours", "ladder": [{"batch_atoms", "atoms_per_second",
        "spread", "rounds"}]}``: the neighbours of the largest batch that was timed; of each size
        the median of the rounds, and half their range as a share of it. Where nothing could be
        timed, the potential's own ``batch_atoms`` and no bound of neighbours.
    """
    sample = _sample(potential, frames)
    rounds = _timed_again(potential, sample, _climb(potential, sample))
    ladder = {atoms: float(np.median(speeds)) for atoms, speeds in rounds.items()}
    if not ladder:
        log.warning("%s: no batch could be timed", potential.about.name)
        return {"batch_atoms": potential.batch_atoms, "batch_neighbours": None, "ladder": []}
    best = _best(ladder)
    _tell(potential.about.name, best, rounds)
    neighbours = estimated_neighbours(
        sample, potential.about.cutoff, potential.about.max_neighbours
    )
    return {
        "batch_atoms": best,
        # Memory and time go with the neighbours as well: denser frames than these must not fill a
        # batch by atoms alone.
        # Of lone atoms there are none, and no bound comes of that.
        "batch_neighbours": float((neighbours * _repeats(sample, best)).max()) or None,
        "ladder": [
            {
                "batch_atoms": atoms,
                "atoms_per_second": ladder[atoms],
                "spread": _spread(speeds),
                "rounds": len(speeds),
            }
            for atoms, speeds in rounds.items()
        ],
    }


def _spread(speeds: list[float]) -> float:
    """Half the range of the rounds, as a share of their median."""
    return float((max(speeds) - min(speeds)) / 2 / np.median(speeds))


def _tell(name: str, best: int, rounds: dict[int, list[float]]) -> None:
    """Say what was chosen, and how sure that is: which other sizes have rounds as fast."""
    rivals = [str(a) for a, s in rounds.items() if a != best and max(s) >= np.median(rounds[best])]
    log.info(
        "%s: batches of %d atoms, %.0f atoms/s (median of %d rounds, +-%.0f %%); %s",
        *(name, best, np.median(rounds[best]), len(rounds[best]), 100 * _spread(rounds[best])),
        f"rounds as fast were seen at {', '.join(rivals)}" if rivals else "no other was as fast",
    )


def _sample(potential: "Potential[Any]", frames: Frames) -> Frames:
    """Up to three frames that the potential can answer, spread over the order of sizes.

    They also warm up: a model's first call compiles and allocates.
    """
    # middles of three equal parts of the frames, ordered by size
    order = np.argsort(frames.n_atoms, kind="stable")
    places = (np.arange(SAMPLE) + 0.5) / SAMPLE * len(order)
    chosen = [
        b
        for b in dict.fromkeys(order[places.astype(int)].tolist())
        if _answers(potential, frames.select([b]))
    ]
    return frames.select(chosen)


def _answers(potential: "Potential[Any]", frames: Frames) -> bool:
    """Whether it answers at all; a frame that it fails on gets its status when it is labelled."""
    asked = attempt(potential, lambda: potential.evaluate(potential.prepare(frames)))
    return asked.error is None


def _climb(potential: "Potential[Any]", sample: Frames) -> dict[int, list[float]]:
    """Atoms per second by batch size, from small to large until they have fallen twice in a row."""
    ladder: dict[int, list[float]] = {}
    falls, before = 0, 0.0
    for atoms in _rungs(potential.device.type, sample):
        speed = _speed(potential, sample, atoms)
        if speed is None:
            break
        ladder[atoms] = [speed]
        falls, before = (falls + 1 if speed < before else 0), speed
        if falls == FALLS:
            break
    return ladder


def _timed_again(
    potential: "Potential[Any]", sample: Frames, ladder: dict[int, list[float]]
) -> dict[int, list[float]]:
    """The same with more rounds, in turn, of the rungs that may be the best."""
    highest = max((speed for (speed,) in ladder.values()), default=0.0)
    close = [atoms for atoms, (speed,) in ladder.items() if speed >= CLOSE * highest]
    for _ in range(ROUNDS - 1):
        for atoms in close:
            speed = _speed(potential, sample, atoms)
            ladder[atoms] += [] if speed is None else [speed]
    return ladder


def _rungs(device: str, sample: Frames) -> Iterator[int]:
    """Sizes of batches, without those that hold the same frames as the one before."""
    atoms, before = SMALLEST, np.zeros(0)
    while len(sample) and atoms <= LARGEST.get(device, LARGEST["cpu"]):
        repeats = _repeats(sample, atoms)
        if not np.array_equal(repeats, before):
            yield atoms
        atoms, before = 2 * atoms, repeats


def _best(ladder: dict[int, float]) -> int:
    """The smallest batch that is as good as the fastest, but for noise."""
    highest = max(ladder.values())
    return min(atoms for atoms, speed in ladder.items() if speed >= GOOD_ENOUGH * highest)


def _speed(potential: "Potential[Any]", sample: Frames, batch_atoms: int) -> float | None:
    """Atoms per second of batches of that size; None where they fail, most likely for memory."""
    batches = [sample.select([b] * n) for b, n in enumerate(_repeats(sample, batch_atoms).tolist())]
    speed, error, _ = attempt(potential, lambda: _atoms_per_second(potential, batches))
    if error is not None:
        log.warning("batches of %d atoms fail and are not used: %s", batch_atoms, error)
        free_memory()
    return speed


def _atoms_per_second(potential: "Potential[Any]", batches: list[Frames]) -> float:
    def once() -> int:
        for batch in batches:  # all of them, so that every rung times the same sizes
            potential.evaluate(potential.prepare(batch))
            beat()
        return sum(len(batch.numbers) for batch in batches)

    return throughput(once, _SECONDS, _clock(potential.device.type))


def _clock(device: str) -> Callable[[], float]:
    """A clock: CPU time if one thread does all the work, as other jobs hardly disturb it."""
    import torch

    # With more threads, or a GPU, CPU time is not how long one waits.
    alone = device == "cpu" and torch.get_num_threads() == 1
    return time.process_time if alone else time.perf_counter


def _repeats(sample: Frames, batch_atoms: int) -> np.ndarray:
    """Number of copies of each frame that fill a batch. int64 [B]."""
    return np.maximum(1, batch_atoms // sample.n_atoms)
