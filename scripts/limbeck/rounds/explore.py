"""Dynamics with the students of a round, from training structures and from ones to test on."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from limbeck.config.jobs import ExploreRound
from limbeck.config.sections.sampling import MolecularDynamics
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, concatenate
from limbeck.potentials.batches import Limits
from limbeck.potentials.interface import Potential
from limbeck.sampling.dynamics.record import TRAJECTORY_COLUMNS
from limbeck.sampling.dynamics.run import run_dynamics
from limbeck.seeds import first_by_hash
from limbeck.selection.fair import fair_order, first_of_each

log = logging.getLogger(__name__)

#: the two parts of the dynamics: of training structures, and of test structures
CANDIDATES, OWN = "candidates", "own"
#: of the table of trajectories; the root tells which structure of a source one is of
COLUMNS = ("part", "seed", "root", "source", *TRAJECTORY_COLUMNS)


@dataclass(frozen=True)
class Explored:
    """What the students of a round came to.

    Attributes:
        candidates: frames from training structures.
        own: frames from test structures, drawn at random.
        rows: of every trajectory, in the order of :data:`COLUMNS`.
    """

    candidates: Frames
    own: Frames
    rows: list[list[Any]]


def explore(
    students: Mapping[int, Potential[Any]], training: Frames, test: Frames, job: ExploreRound
) -> Explored:
    """Dynamics of both parts.

    Each start has one trajectory at each temperature, driven by one seed, in turn: what is found is
    what each of the students does by itself, at the cost of one. From test structures all rounds
    start alike, with the same velocities and noise.

    Args:
        students: by seed.
        training: frames of the training set; test: of the test set of known chemistry.

    Raises:
        LimbeckError: constant pressure with students that predict no stress, or training frames and
            test frames share structures, so that a student would learn what it is tested on.
    """
    shared = np.intersect1d(training.root, test.root)
    if len(shared):
        raise LimbeckError(
            f"round {job.round}: {len(shared)} structures are of the training set and of the test "
            f"set, such as {shared[0].decode()}; expected none, or a student learns its test"
        )
    if job.n_test_starts and not len(test):
        log.warning("no test frames of known chemistry: no student is tested on its own dynamics")
    parts = {
        CANDIDATES: (starts(training, job.n_starts, job.seed), f"rounds/{job.round}"),
        OWN: (starts(test, job.n_test_starts, job.seed), f"rounds/{job.pair}/own"),
    }
    made, rows = {}, []
    for part, (frames, place) in parts.items():
        made[part], found = _dynamics(students, frames, job, place)
        rows += [[part, *row] for row in found]
    own = made[OWN]
    drawn = np.sort(fair_order(own, job.seed)[: job.n_test_frames])
    return Explored(made[CANDIDATES], own.select(drawn), rows)


def starts(frames: Frames, count: int, seed: int) -> Frames:
    """One frame of each of ``count`` roots, in turn from all sources and samplings; of fewer, where
    there are fewer. Their order is by chance."""
    order = fair_order(frames, seed)
    first = first_of_each(frames.root[order])
    found = frames.select(order[first[:count]])
    # a turn of two sources would give each of two seeds one of them
    return found.select(first_by_hash(found.id, f"rounds/starts/{seed}", len(found)))


def _dynamics(
    students: Mapping[int, Potential[Any]], frames: Frames, job: ExploreRound, place: str
) -> tuple[Frames, list[list[Any]]]:
    """Frames, and a row of each trajectory with its seed, root and source."""
    made, rows = [], []
    for number, (seed, student) in enumerate(students.items()):
        own = frames.select(np.arange(number, len(frames), len(students)))
        if not len(own):
            continue
        _prepare(student, job.dynamics)
        record = run_dynamics(
            own, student, job.dynamics, seed=job.seed, place=f"{place}/seed{seed}"
        )
        counts = dict(Counter(str(why) or "whole" for why in record.cut))
        log.info("%s, seed %d: %s", place, seed, counts)
        sample = record.sample(sampling=job.round, seed=job.seed)
        made.append(sample.frames)
        of_each = zip(record.frames.root, record.frames.source, sample.rows, strict=True)
        rows += [[seed, root.decode(), source.decode(), *row] for root, source, row in of_each]
    return concatenate(made), rows


def _prepare(student: Potential[Any], dynamics: MolecularDynamics) -> None:
    if dynamics.moves_cell and not student.about.has_stress:
        raise LimbeckError(
            f"{student.about.name} predicts no stress, expected a student that does for ensemble "
            "NPT, or rounds with another sampling"
        )
    if dynamics.batch_atoms is not None:
        student.batch_limits = dict.fromkeys((True, False), Limits(dynamics.batch_atoms))
