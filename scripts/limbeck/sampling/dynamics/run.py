"""Molecular dynamics of many structures at once; a trajectory that breaks a limit is cut."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from limbeck import reasons
from limbeck.check.progress import Progress
from limbeck.config.jobs import SampleFrames
from limbeck.config.sections.sampling import MolecularDynamics
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.geometry import shortest_distance_ratio, vacuum_axes
from limbeck.potentials.batches import Limits
from limbeck.potentials.checkpoint import Checkpoint
from limbeck.potentials.interface import Potential, tell_ignored
from limbeck.potentials.opening import open_planned, opened
from limbeck.potentials.torch_sim import dynamics_model
from limbeck.preparation.prepare import prepare
from limbeck.sampling import Sample
from limbeck.sampling.dynamics import guards
from limbeck.sampling.dynamics.bond_watch import BondWatch
from limbeck.sampling.dynamics.integrate import Dynamics
from limbeck.sampling.dynamics.record import Record, RecordedStep
from limbeck.sampling.dynamics.streams import keys
from limbeck.sampling.schedule import Schedule, schedule

log = logging.getLogger(__name__)


def sample(frames: Frames, own: MolecularDynamics, job: SampleFrames) -> Sample:
    """Frames of the dynamics of every structure, see :func:`run`.

    Raises:
        LimbeckError: constant pressure with a potential without stress.
    """
    name = own.name
    potential = opened(job) if own.batch_atoms else open_planned(job, frames)
    if own.ensemble == "NPT" and not potential.about.has_stress:
        raise LimbeckError(
            f"sampling.{name}.ensemble: NPT with {potential.about.name}, which predicts no stress, "
            "expected NVT or a potential with stress"
        )
    if own.batch_atoms is not None:
        potential.batch_limits = dict.fromkeys((True, False), Limits(own.batch_atoms))
    place = f"{name}/{job.source}/{job.shard}"
    record = run_dynamics(frames, potential, own, seed=job.seed, place=place)
    log.info("%s: %s", place, dict(Counter(str(c) or "whole" for c in record.cut)))
    for said in record.warnings():
        log.warning("%s: %s", place, said)
    made = record.sample(sampling=name, seed=job.seed)
    return replace(made, about=potential.about.described() | {"batches": batch_plan(potential)})


def batch_plan(potential: Potential[Any]) -> dict[str, dict[str, float | None]]:
    """The limits of a batch of each kind, as JSON has them."""
    return {
        "periodic" if periodic else "isolated": {
            "atoms": limit.atoms,
            "neighbours": limit.neighbours if np.isfinite(limit.neighbours) else None,
        }
        for periodic, limit in potential.limits().items()
    }


def run_dynamics(
    frames: Frames, potential: Potential[Any], settings: MolecularDynamics, *, seed: int, place: str
) -> Record:
    """Dynamics of every structure, relaxed and repeated first, batch by batch.

    A trajectory is looked at after every step, and taken out of its batch at the first that
    breaks a limit (see :mod:`~limbeck.sampling.dynamics.guards`), before the model is asked
    again; the others go on, and its frames up to then are kept. Positions of periodic frames are
    wrapped into the cell, atom by atom.

    Args:
        potential: batches are cut by its limits.
        seed, place: random numbers of a trajectory depend on them, on the id of its structure
            and on its number; ``place`` is sampling/source/shard.
    """
    tell_ignored(frames, "dynamics")  # a state of torch-sim holds neither
    prepared = prepare(frames, potential, settings)
    of_one = schedule(settings.temperature_K, settings.pressure_GPa if settings.moves_cell else 0.0)
    # Trajectories of one structure are adjacent: structure 0 at every (T, p), then structure 1.
    each = np.repeat(np.arange(len(frames)), len(of_one))
    of_structure = np.tile(np.arange(len(of_one)), len(frames))
    record = Record(prepared.frames.select(each), of_structure, settings)
    why = np.where(
        prepared.reason == "", _unfit(prepared.frames, potential, settings), prepared.reason
    )
    record.cut[:] = why[each]
    record.cut_time[record.cut != ""] = 0.0
    watch = BondWatch(prepared.frames, settings.max_bond_stretch)
    all_of_them = of_one.of_each(len(frames))
    fit = np.flatnonzero(record.cut == "")
    batches = [fit[index] for index in potential.batches(record.frames.select(fit))]
    start = prepared.frames
    checkpoint = Checkpoint("dynamics", seed, place, start.positions, start.cell, batches)
    found = checkpoint.found()
    if found:
        record.stand(found["record"])
    told = _Told(place, settings, record, batches, checkpoint)
    with told.progress:
        for number, members in enumerate(batches):
            if found and number < found["batch"]:
                continue
            # Not by batch, so that no trajectory's noise changes with what is beside it.
            names = (f"sample_md/{place}/{id}/{n}" for id, n in map(record.name, members))
            plan, noise = all_of_them.select(members), keys(seed, names)
            batch = TrajectoryBatch(record, members, plan, noise, watch, each, settings)
            goes_on = found if found and number == found["batch"] else None
            told.begin(number, goes_on["step"] + 1 if goes_on else 0)
            batch.integrate(potential, told.after_step, goes_on)
    return record


class _Told:
    """What is told of every step: how far all batches are, and the check-point where they stand."""

    def __init__(
        self,
        place: str,
        settings: MolecularDynamics,
        record: Record,
        batches: list[np.ndarray],
        checkpoint: Checkpoint,
    ) -> None:
        self._settings, self._record, self._checkpoint = settings, record, checkpoint
        self._atoms = [int(record.frames.n_atoms[members].sum()) for members in batches]
        work = sum(self._atoms) * (settings.steps + 1)  # of an atom for a step
        self.progress = Progress(f"dynamics {place}", work, "steps of an atom")
        self._batch: int | None = None

    def begin(self, batch: int, step: int) -> None:
        """A batch begins, or goes on, with a step."""
        done = sum(self._atoms[:batch]) * (self._settings.steps + 1) + step * self._atoms[batch]
        if self._batch is None:  # what was done before took no time of this job
            self.progress.begin(done)
        self.progress.done = done  # trajectories that were cut had less to do
        self._batch = batch

    def after_step(self, step: int, at: Dynamics) -> None:
        """Count it, and keep where everything stands when it is time to."""
        own, batch = self._settings, self._batch or 0
        self.progress.add(
            self._atoms[batch],
            atoms=at.n_atoms,
            at=f"step {step} of {own.steps}, {own.time_fs(step) / 1000:.3g} of "
            f"{own.time_fs(own.steps) / 1000:.3g} ps, batch {batch + 1} of {len(self._atoms)}",
        )
        if self._checkpoint.due:
            standing = {"record": self._record.standing(), "dynamics": at.standing()}
            self._checkpoint.keep({"batch": batch, "step": step} | standing)


def _unfit(frames: Frames, potential: Potential[Any], settings: MolecularDynamics) -> np.ndarray:
    """Why each of B structures cannot be run, or an empty string. str [B]."""
    limit = settings.min_distance_ratio
    return np.select(
        [
            # With its centre of mass at rest a single atom does not move, and 3n - 3 is zero.
            frames.n_atoms < 2,
            potential.unknown_elements(frames),
            ~frames.periodic & settings.moves_cell,
            vacuum_axes(frames).any(axis=1) & settings.moves_cell,
            shortest_distance_ratio(frames, limit) < limit,
        ],
        [
            *(reasons.LONE_ATOM, reasons.UNKNOWN_ELEMENT, reasons.NO_CELL),
            *(reasons.WITH_VACUUM, reasons.TOO_NEAR),
        ],
        default="",
    )


class TrajectoryBatch:
    """Trajectories that are integrated together, all periodic or all isolated."""

    def __init__(
        self,
        record: Record,
        members: np.ndarray,
        plan: Schedule,
        keys: np.ndarray,
        watch: BondWatch,
        structure: np.ndarray,
        settings: MolecularDynamics,
    ) -> None:
        """The trajectories ``members`` of a record.

        Args:
            members: int64 [B].
            plan: temperatures and pressures of these B.
            keys: int64 [B,2], of their random numbers.
            watch: bonds of the structures.
            structure: int64 [R], which structure each trajectory is of.
        """
        self._record, self._members, self._plan, self._keys = record, members, plan, keys
        self._watch, self._structure, self._settings = watch, structure, settings

    def integrate(
        self,
        potential: Potential[Any],
        keep: Callable[[int, Dynamics], None] = lambda step, dynamics: None,
        found: dict[str, Any] | None = None,
    ) -> None:
        """Integrate all trajectories of the batch, and record them.

        Args:
            keep: told after every step where the batch stands.
            found: where it stood, to go on from there; from the start without.
        """
        settings, frames = self._settings, self._record.frames.select(self._members)
        model = dynamics_model(potential)
        dynamics = Dynamics(model, frames, settings, self._plan, self._keys)
        if not found:
            self._record.energy_start[self._members] = dynamics.observe().energy
        start = self._record.energy_start[self._members]
        limits = guards.limits(settings, self._plan.temperature.max(axis=1), frames, start)
        # Step 0 checks and traces the start before anything has moved.
        first = 0
        if found:
            dynamics.stand(found["dynamics"])
            first = found["step"] + 1
        for step in range(first, settings.steps + 1):
            if step:
                # Stress costs time, and is needed in every step only at constant pressure.
                model.compute_stress = settings.moves_cell or settings.traced(step)
                dynamics.step(step / settings.steps)
            # Checked before the next step, so that the model is never asked about a system that
            # has left.
            good = self._check(dynamics, limits.select(dynamics.members), step)
            dynamics.keep(good)
            if not good.any():
                return
            keep(step, dynamics)

    def _check(self, dynamics: Dynamics, limits: guards.GuardLimits, step: int) -> np.ndarray:
        """Record a step; returns which of the running trajectories go on, bool [B']."""
        settings, record = self._settings, self._record
        here = dynamics.members
        kelvin, gigapascal = self._plan.select(here).at(step / settings.steps)
        at = RecordedStep(
            members=self._members[here],
            time=settings.time_fs(step),
            seen=dynamics.observe(),
            target=kelvin,
            pressure=gigapascal if settings.moves_cell else None,
            cell=dynamics.cell,
        )
        why = guards.why_cut(at.seen, limits, at.cell)
        if settings.traced(step):
            why = self._check_atoms(at, dynamics.positions, why, keep=settings.kept(step))
        good = why == ""
        if settings.traced(step):
            record.trace(at, good, equilibrated=settings.equilibrated(step))
        record.cut_off(at.members[~good], why[~good], at.time)
        if settings.equilibrated(step):
            record.average(at, good)
        return good

    def _check_atoms(
        self, at: RecordedStep, positions: np.ndarray, why: np.ndarray, *, keep: bool
    ) -> np.ndarray:
        """Why each of B' trajectories is to be cut; frames of the others are kept if ``keep``."""
        good = np.flatnonzero(why == "")  # the others may have no finite positions
        whole = self._record.snapshot(at.members, positions, at.cell)
        atoms = whole.select(good)
        limit = self._settings.min_distance_ratio
        near = shortest_distance_ratio(atoms, limit) < limit
        broken = self._watch.broken(self._structure[at.members[good]], atoms)
        # Strings of numpy have a fixed width, and would cut a longer reason short.
        why = why.astype(object)
        why[good] = np.select([near, broken], [reasons.TOO_NEAR, reasons.BOND_BROKEN], default="")
        if keep:
            self._record.keep(_wrapped(whole), at, why == "")
        return why


def _wrapped(frames: Frames) -> Frames:
    """Frames with all atoms of periodic frames wrapped into the cell."""
    cell, owner = frames.cell.copy(), frames.frame_of_atom
    # only so that there is an inverse; isolated frames are not moved
    cell[~frames.periodic] = np.eye(3)
    fractions = np.einsum("ni,nij->nj", frames.positions, np.linalg.inv(cell)[owner])
    shifts = np.where(frames.periodic[owner, None], np.floor(fractions), 0.0)
    return replace(
        frames, positions=frames.positions - np.einsum("ni,nij->nj", shifts, cell[owner])
    )
