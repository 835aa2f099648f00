"""The speed card: what a step of dynamics costs with every model, by number of atoms.

A cost is time by atom and evaluation, from positions to forces, neighbour lists included: CPU time
on one thread, and wall time on a GPU, of whose work the CPU knows nothing. It is the median of
rounds in which all models take turns, after a warm-up; the lowest and the highest round are its
interval. Of one system at a time, as in dynamics, and in the batch that costs least.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from limbeck.check.progress import each
from limbeck.potentials.devices import free_memory
from limbeck.potentials.evaluation import attempt
from limbeck.potentials.heartbeat import beat
from limbeck.potentials.interface import Potential
from limbeck.potentials.speed import ROUNDS, middle
from limbeck.timing.systems import System, many
from limbeck.warrant.statistics import Estimate
from limbeck.warrant.tidy import Row, row_of

log = logging.getLogger(__name__)

#: systems of one batch that are tried, from few to many until no more is gained
BATCHES = (1, 4, 16, 64)
MOST_ATOMS = 1024  # of a batch of more than one
#: a larger batch is tried while the last one cost at most this share of the one before
GAIN = 0.95
SECONDS = 0.05  # at least so long in each round
#: calls of the warm-up after the first: fewer where two in a row cost about the same, or seconds
MOST_CALLS, ALIKE, LONG_S = 8, 1.3, 1.0
MICRO = 1e6
#: figures of a cost, microseconds by atom
COST = ("us_per_atom", "low", "high")
ONE, BEST = "one", "best"
COMPILED = "compiled"


@dataclass
class _Timed:
    """A model on a system: microseconds by atom of each round, by number of systems in a batch, and
    the wall time of its first call there."""

    potential: Potential[Any]
    system: System
    rounds: dict[int, list[float]] = field(default_factory=dict)
    first_call_s: float | None = None
    error: str | None = None

    @property
    def best(self) -> int:
        """The number of systems in a batch that costs least."""
        return min(self.rounds, key=lambda number: float(np.median(self.rounds[number])))


def measure_card(
    models: Sequence[tuple[Potential[Any], str]],
    systems: Sequence[System],
    *,
    device: str = "cpu",
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """Costs of models on systems, as ``card`` of ``speed.json`` has them.

    Args:
        models: potentials, each with its kind: teacher, student, compiled or beside. What is
            compiled has the name of the student that it is compared with.
        seconds: least time for each model, system and batch in each round.

    Returns:
        ``{"clock", "systems", "models"}``. A model has ``name``, ``kind`` and ``by_system``, in
        the order of the systems: ``one`` and ``best`` with ``us_per_atom``, ``low``, ``high`` and
        the ``batch``, and ``first_call_s``, or the ``error`` for which there are none. What is
        compiled has ``largest_change_meV_per_A``, of a force component on all systems.

    Raises:
        DeviceLost: the device went away.
    """
    cost = _cost_by(time.process_time if device == "cpu" else time.perf_counter)
    timed = [[_Timed(potential, system) for system in systems] for potential, _ in models]
    every = [one for of_model in timed for one in of_model]
    with _one_thread():
        for one in each(every, "speed card, warm-up", "models on systems"):
            _warm_up(one, cost)
        turns = [one for _ in range(rounds) for one in every if not one.error]
        for one in each(turns, "speed card", "turns of models on systems"):
            _one_round(one, cost, seconds)
    return {
        "clock": "cpu" if device == "cpu" else "wall",
        "systems": [system.described() for system in systems],
        "models": [
            {"name": potential.about.name, "kind": kind, "by_system": [_figures(t) for t in found]}
            | (_compared(potential, models, systems) if kind == COMPILED else {})
            for (potential, kind), found in zip(models, timed, strict=True)
        ],
    }


#: microseconds by atom of a model on a system, in a batch of so many, over so many seconds
Cost = Callable[[_Timed, int, float], float]


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _warm_up(one: _Timed, cost: Cost) -> None:
    """Time each batch that is tried once, when its calls have settled, and keep those worth a
    round: of one system, and of so many that it costs least."""
    if one.potential.unknown_elements(one.system.frame).any():
        one.error = "it does not know an element"
        return
    found: dict[int, float] = {}
    for number in BATCHES:
        if number > 1 and number * one.system.n_atoms > MOST_ATOMS:
            break
        asked = attempt(one.potential, partial(_settled, cost, one, number))
        if asked.answer is None:
            _failed(one, number, asked.error)
            break
        gained = not found or asked.answer < GAIN * min(found.values())
        found[number] = asked.answer
        if not gained:
            break
    if not one.error:
        one.rounds = {1: [], min(found, key=lambda number: found[number]): []}


def _settled(cost: Cost, one: _Timed, number: int) -> float:
    """The cost of a call after those that allocate and compile.

    TorchScript compiles in the second call of a shape, not in the first, for up to 0.3 s. A call
    that takes seconds anyway is not waited for again.
    """
    start = time.perf_counter()
    before = cost(one, number, 0.0)
    if number == 1:
        one.first_call_s = time.perf_counter() - start
    for _ in range(MOST_CALLS):
        now = cost(one, number, 0.0)
        alike = max(before, now) < ALIKE * min(before, now)
        before = now
        if alike or now * number * one.system.n_atoms > LONG_S * MICRO:
            break
    return before


def _failed(one: _Timed, number: int, error: Exception | None) -> None:
    name, n_atoms = one.potential.about.name, one.system.n_atoms
    log.warning("%s: %d times %d atoms fail, not timed: %s", name, number, n_atoms, error)
    free_memory()
    if number == 1:
        one.error = f"it failed: {error}"


def _one_round(one: _Timed, cost: Cost, seconds: float) -> None:
    for number, found in one.rounds.items():
        asked = attempt(one.potential, partial(cost, one, number, seconds))
        if asked.answer is not None:
            found.append(asked.answer)
        else:
            _failed(one, number, asked.error)
    one.rounds = {number: found for number, found in one.rounds.items() if found}


def _cost_by(clock: Callable[[], float]) -> Cost:
    """What measures microseconds by atom, of as many passes as take at least so many seconds."""

    def cost(one: _Timed, number: int, seconds: float) -> float:
        potential, frames = one.potential, many(one.system.frame, number)
        passes, passed, start = 0, 0.0, clock()
        while not passes or passed < seconds:
            potential.evaluate(potential.prepare(frames))
            passes, passed = passes + 1, clock() - start
        beat()
        return MICRO * passed / (passes * len(frames.numbers))

    return cost


def _figures(one: _Timed) -> dict[str, Any]:
    if one.error:
        return {"error": one.error}
    batches = {ONE: 1, BEST: one.best}
    return {"first_call_s": one.first_call_s} | {
        name: {"batch": number, **dict(zip(COST, middle(one.rounds[number]), strict=True))}
        for name, number in batches.items()
    }


def _compared(
    compiled: Potential[Any],
    models: Sequence[tuple[Potential[Any], str]],
    systems: Sequence[System],
) -> dict[str, float]:
    """How far its answers are from those of the student as it is."""
    name = compiled.about.name
    (eager,) = (p for p, kind in models if p.about.name == name and kind != COMPILED)
    changes = [
        np.abs(compiled.predict(s.frame).forces - eager.predict(s.frame).forces).max()
        for s in systems
        if not eager.unknown_elements(s.frame).any()
    ]
    return {"largest_change_meV_per_A": 1000 * float(max(changes, default=0.0))}


def card_rows(card: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of the tidy table: costs, and the batches that cost least."""
    quantity = f"{card['clock']}_time"
    for model in card["models"]:
        subject, _, seed = model["name"].partition("/seed")
        names = {"subject": subject, "seed": seed, "kind": model["kind"]}
        for system, found in zip(card["systems"], model["by_system"], strict=True):
            names["set"] = system["kind"]
            for name in (ONE, BEST) if "error" not in found else ():
                of = f"{name}_of_{system['n_atoms']}_atoms"
                figure = Estimate(*(found[name][key] for key in COST))
                yield row_of(figure, "us/atom", quantity=quantity, statistic=of, **names)
                batch = Estimate(found[name]["batch"])
                yield row_of(batch, "systems", quantity="batch", statistic=of, **names)
            if model["kind"] == COMPILED and "error" not in found:
                first, of = Estimate(found["first_call_s"]), f"one_of_{system['n_atoms']}_atoms"
                yield row_of(first, "s", quantity="first_call", statistic=of, **names)
        if model["kind"] == COMPILED:
            change = Estimate(model["largest_change_meV_per_A"])
            names |= {"set": "all", "statistic": "largest_change"}
            yield row_of(change, "meV/A", quantity="forces", **names)
