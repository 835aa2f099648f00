"""Molecular dynamics of many structures at once, cut where a trajectory goes astray."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from limbeck import seeds
from limbeck.frames import Frames
from limbeck.potentials import open_potential
from limbeck.potentials.interface import Potential
from limbeck.sampling import Sample, guards
from limbeck.sampling.dynamics import Dynamics
from limbeck.sampling.record import Record
from limbeck.sampling.settings import MDSettings, md_settings
from limbeck.screening import shortest_distance_ratio

if TYPE_CHECKING:
    from torch_sim.models.interface import ModelInterface

log = logging.getLogger(__name__)


def sample(frames: Frames, settings: Mapping[str, Any]) -> Sample:
    """Frames of the dynamics of every structure, see :func:`run`.

    Args:
        settings: seed, sampling, source, shard, potential, device, threads, and the fields
            of ``method: md``.
    """
    torch.set_num_threads(int(settings["threads"]))
    name = settings["sampling"]
    own = md_settings(settings, f"sampling.{name}")
    potential = open_potential(settings["potential"], device=settings["device"])
    place = f"{name}/{settings['source']}/{settings['shard']}"
    record = run(frames, potential, own, seed=settings["seed"], place=place)
    log.info("%s: %s", place, dict(Counter(str(c) or "whole" for c in record.cut)))
    made = record.sample(sampling=name, seed=settings["seed"], temperature_K=own.temperature_K)
    return replace(made, about=potential.about.described())


def run(
    frames: Frames, potential: Potential, settings: MDSettings, *, seed: int, place: str
) -> Record:
    """Dynamics of every structure, batch by batch.

    A system is looked at after every step, and taken out of its batch at the first that
    breaks a limit (see :mod:`limbeck.sampling.guards`), before the model is asked again; the
    others go on, and its frames up to then are kept. Positions of periodic frames are
    wrapped into the cell, atom by atom.

    Args:
        seed, place: random numbers depend on them and on the number of the batch;
            ``place`` is sampling/source/shard.
    """
    record = Record(frames)
    record.cut[:] = unfit(frames, potential, settings)
    record.cut_time[record.cut != ""] = 0.0
    fit = np.flatnonzero(record.cut == "")
    for number, index in enumerate(frames.select(fit).batches(settings.batch_atoms)):
        with seeded(seeds.torch_seed(seed, f"sample_md/{place}/{number}"), potential.device):
            # torch-sim's MACE remembers the atoms of its last call: a model for each batch.
            integrate(record, fit[index], potential.torch_sim_model(), settings)
    return record


def unfit(frames: Frames, potential: Potential, settings: MDSettings) -> np.ndarray:
    """Why each of B structures cannot be run, an empty string where it can. str [B]."""
    limit = settings.min_distance_ratio
    return np.select(
        [
            frames.n_atoms < 2,
            potential.unknown_elements(frames),
            shortest_distance_ratio(frames, limit) < limit,
        ],
        [guards.LONE_ATOM, guards.UNKNOWN_ELEMENT, guards.TOO_NEAR],
        default="",
    )


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's global generators start from ``seed`` inside, and are put back after."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def integrate(
    record: Record, members: np.ndarray, model: "ModelInterface", settings: MDSettings
) -> None:
    """Dynamics of one batch, all periodic or all isolated, noted in ``record``.

    Args:
        members: int64, the record's structures that make up the batch.
    """
    dynamics = Dynamics(model, record.frames.select(members), settings)
    start = dynamics.observe().energy
    record.energy_start[members] = start
    limits = guards.limits(settings, record.frames.n_atoms[members], start)
    for step in range(settings.steps + 1):
        if step:
            dynamics.step()
        running = members[dynamics.members]
        good = _look(record, running, dynamics, limits.select(dynamics.members), step, settings)
        dynamics.keep(good)
        if not good.any():
            return


def _look(
    record: Record,
    running: np.ndarray,
    dynamics: Dynamics,
    limits: guards.Limits,
    step: int,
    settings: MDSettings,
) -> np.ndarray:
    """Note what is seen after a step; which of the running systems are to go on, bool [B']."""
    seen, time = dynamics.observe(), settings.time_fs(step)
    why = guards.reasons(seen, limits)
    if settings.kept(step):
        nearest = settings.min_distance_ratio
        snapshot = record.snapshot(running, dynamics.positions)
        near = shortest_distance_ratio(snapshot, nearest) < nearest
        why = np.where((why == "") & near, guards.TOO_NEAR, why)
        record.keep(snapshot, running, why == "", time)
    good = why == ""
    record.cut_off(running[~good], why[~good], time)
    if settings.equilibrated(step):
        record.average(running[good], time, seen.energy[good], seen.temperature[good])
    return good
