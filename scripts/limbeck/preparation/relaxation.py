"""Relax many structures at once; one that fails gets a reason and does not stop the others."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from limbeck.check.progress import Progress
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, atom_rows
from limbeck.geometry import cell_sizes, shortest_distance_ratio, vacuum_axes
from limbeck.potentials.batches import Limits, estimated_neighbours
from limbeck.potentials.checkpoint import Checkpoint
from limbeck.potentials.interface import Potential
from limbeck.preparation.fire import BatchedRelaxation, RelaxationState
from limbeck.reasons import NOT_FINITE, RUNAWAY, TOO_NEAR, UNKNOWN_ELEMENT

#: The volume, and the distances of opposite faces, may become so many times larger or smaller; what
#: goes farther is falling apart, and a flat cell has neighbours without end.
MAX_CELL_FACTOR = 3.0
#: In units of the sum of covalent radii: atoms that are nearer have fused. No bond of a crystal
#: or molecule at rest is shorter than about 0.8.
MIN_DISTANCE_RATIO = 0.5
#: 1/Angstrom^2; stress has to fall below this times the force tolerance: 0.02 eV/A asks for
#: 2e-4 eV/A^3 (0.03 GPa), which strains a soft molecular crystal (10 GPa) by 0.3 %. (ASE and
#: torch-sim compare V stress / n with the force, which lets ten times as much pass.)
STRESS_PER_FORCE = 0.01
#: eV/Angstrom and eV/Angstrom^3: no structure has such forces or stress. FIRE takes their squares,
#: and if those of one structure were infinite, the step of its whole batch would fail.
HUGE = 1e50


@dataclass(frozen=True)
class RelaxationStep:
    """One step of a relaxation.

    Attributes:
        energy: eV.
        positions: float64 [n,3]; cell: float64 [3,3], Angstrom.
    """

    energy: float
    positions: np.ndarray
    cell: np.ndarray


@dataclass(frozen=True)
class Relaxed:
    """B structures after relaxation.

    Attributes:
        frames: the relaxed structures, under the same ids. One with a reason is returned as it was
            given. Cells that were not to move are unchanged, bit for bit.
        converged: bool [B].
        reason: str [B], why it did not converge; empty where it did.
        steps: int64 [B], steps made.
        force: float64 [B], eV/Angstrom, largest force on an atom at the end, NaN where not known.
        energy: float64 [B], eV, at the end, NaN where not known.
        paths: all steps of each structure from its start, where they were asked for.
    """

    frames: Frames
    converged: np.ndarray
    reason: np.ndarray
    steps: np.ndarray
    force: np.ndarray
    energy: np.ndarray
    paths: list[list[RelaxationStep]]


def relax(
    frames: Frames,
    potential: Potential[Any],
    how: str,
    *,
    force_tolerance: float,
    steps: int,
    record: bool = False,
) -> Relaxed:
    """Relax structures to a minimum of the energy.

    Args:
        frames: B frames, periodic and isolated.
        how: ``full`` (atoms and cell), ``constant_volume`` (atoms and the shape of the cell),
            ``only_atoms``, or ``none``: nothing happens. Isolated frames have no cell to move,
            and those of slabs and wires stay, since stress would close their vacuum.
        force_tolerance: eV/Angstrom, of the largest force on an atom; stress, where the cell
            moves, by :data:`STRESS_PER_FORCE`.
        steps: most steps of a structure.
        record: keep every step.

    Raises:
        LimbeckError: the cell is to move, and the potential predicts no stress.
    """
    notes = _Notes(frames, force_tolerance=force_tolerance, steps=steps, record=record)
    if how == "none":
        return notes.relaxed()
    crystals = frames.periodic & ~vacuum_axes(frames).any(axis=1)
    moving = crystals & (how in ("full", "constant_volume"))
    if moving.any() and not potential.about.has_stress:
        raise LimbeckError(
            f"relaxation {how!r} with {potential.about.name}, which predicts no stress: expected "
            "only_atoms or none"
        )
    notes.reason[:] = _unfit(frames, potential)
    fit = np.flatnonzero(notes.reason == "")
    groups = list(_groups(frames, potential, fit, moving))
    asked = (how, force_tolerance, steps, record, potential.about.described(), groups)
    checkpoint = Checkpoint("relaxation", frames.positions, frames.cell, frames.numbers, asked)
    found = checkpoint.found() or {"group": 0}
    if "notes" in found:
        notes.stand(found["notes"])
    with Progress("relaxation", len(fit), "structures") as progress:
        progress.begin(notes.finished[fit].sum())
        for number, (members, max_atoms) in enumerate(groups):
            if number < found["group"]:
                continue
            batch = BatchedRelaxation(
                potential,
                frames.select(members),
                moving=bool(moving[members[0]]),
                constant_volume=how == "constant_volume",
                max_atoms=max_atoms,
                found=found.get("batch") if number == found["group"] else None,
            )
            while len(batch.running):
                running = members[batch.running]
                done = notes.note(running, batch.observe(), moved=bool(moving[members[0]]))
                if done.any():
                    batch.finish(done)  # and look at what comes in before it moves
                else:
                    batch.step()
                    notes.made[running] += 1
                progress.add(
                    done.sum(), atoms=0 if done.any() else int(frames.n_atoms[running].sum())
                )
                if checkpoint.due:
                    standing = batch.standing()
                    tree = {"group": number, "notes": notes.standing(), "batch": standing}
                    checkpoint.keep(tree)
    checkpoint.finish({"group": len(groups), "notes": notes.standing()})
    return notes.relaxed()


def _unfit(frames: Frames, potential: Potential[Any]) -> np.ndarray:
    """Why each of B structures cannot be relaxed, or an empty string. str [B]."""
    return np.select(
        [potential.unknown_elements(frames), _fused(frames)],
        [UNKNOWN_ELEMENT, TOO_NEAR],
        default="",
    )


_ARRAYS = ("positions", "cell", "made", "force", "energy", "finished")


class _Notes:
    """Bookkeeping of B structures while they are relaxed."""

    def __init__(self, frames: Frames, *, force_tolerance: float, steps: int, record: bool) -> None:
        """Start with the structures as they are given."""
        self.frames = frames
        self.force_tolerance, self.steps, self.record = force_tolerance, steps, record
        self.positions, self.cell = frames.positions.copy(), frames.cell.copy()
        self.reason = np.full(len(frames), "", dtype=object)
        self.made = np.zeros(len(frames), dtype=np.int64)
        self.force, self.energy = np.full((2, len(frames)), np.nan)
        self.paths: list[list[RelaxationStep]] = [[] for _ in range(len(frames))]
        self.finished = np.zeros(len(frames), dtype=bool)

    def standing(self) -> dict[str, Any]:
        """All that was noted, for check-points."""
        plain = {name: getattr(self, name) for name in _ARRAYS}
        paths = [[(s.energy, s.positions, s.cell) for s in path] for path in self.paths]
        return plain | {"reason": self.reason.tolist(), "paths": paths}

    def stand(self, found: dict[str, Any]) -> None:
        """Go on from what was noted of the same structures."""
        for name in _ARRAYS:
            setattr(self, name, found[name])
        self.reason[:] = found["reason"]
        self.paths = [[RelaxationStep(*step) for step in path] for path in found["paths"]]

    def note(self, running: np.ndarray, seen: RelaxationState, *, moved: bool) -> np.ndarray:
        """Note the systems ``running`` after a step; returns which have ended, bool [B'].

        Args:
            moved: their cells move. If not, they are taken as they were given.
        """
        given = self.frames.cell[running]
        # The optimizer has a unit cell for isolated frames. A cell that does not move is taken as
        # given.
        cell = seen.cell if moved else given
        grown = cell_sizes(cell) / cell_sizes(given) if moved else np.ones((len(running), 1))
        limit = self.force_tolerance
        rest = (seen.force <= limit) & (seen.stress <= limit * STRESS_PER_FORCE)
        self.reason[running] = np.select(
            [
                # written as a negation, so that NaN counts as well
                ~(np.isfinite(seen.energy) & (seen.force < HUGE) & (seen.stress < HUGE)),
                ((grown > MAX_CELL_FACTOR) | (grown * MAX_CELL_FACTOR < 1)).any(axis=1),
                ~rest & (self.made[running] >= self.steps),
            ],
            [NOT_FINITE, RUNAWAY, f"not relaxed in {self.steps} steps"],
            default="",
        )
        self.force[running], self.energy[running] = seen.force, seen.energy
        done = rest | (self.reason[running] != "")
        for place, b in enumerate(running):
            if self.record and np.isfinite(seen.energy[place]):
                step = RelaxationStep(float(seen.energy[place]), seen.positions[place], cell[place])
                self.paths[b].append(step)
            if done[place]:
                self.finished[b] = True
                self.positions[self.frames.atoms_of(b)] = seen.positions[place]
                self.cell[b] = cell[place]
        return done

    def relaxed(self) -> Relaxed:
        """The result for all structures."""
        moved = replace(self.frames, positions=self.positions, cell=self.cell)
        # Structures that never moved were looked at before.
        good = np.flatnonzero((self.reason == "") & (self.made > 0))
        self.reason[good[_fused(moved.select(good))]] = TOO_NEAR
        failed = np.flatnonzero(self.reason != "")
        rows = atom_rows(self.frames.offsets, failed)
        self.positions[rows] = self.frames.positions[rows]
        self.cell[failed] = self.frames.cell[failed]
        return Relaxed(
            frames=replace(self.frames, positions=self.positions, cell=self.cell),
            converged=self.reason == "",
            reason=self.reason,
            steps=self.made,
            force=self.force,
            energy=self.energy,
            paths=self.paths,
        )


def _groups(
    frames: Frames, potential: Potential[Any], members: np.ndarray, moving: np.ndarray
) -> Iterator[tuple[np.ndarray, int]]:
    """Structures that may share batches, by size, and the atoms that a batch of them may hold.

    They are of one kind: with cells that move, with cells that do not, or isolated. Structures
    larger than a batch go one by one.
    """
    cutoff, most = potential.about.cutoff, potential.about.max_neighbours
    neighbours = estimated_neighbours(frames, cutoff, most) / frames.n_atoms  # of an atom
    # FIRE with and without a cell are different states of torch-sim, and periodic and isolated
    # systems may not share a state.
    for periodic, cell in ((True, True), (True, False), (False, False)):
        here = members[(frames.periodic[members] == periodic) & (moving[members] == cell)]
        if not len(here):
            continue
        # By size, so that a batch holds structures of like size; stable, so that it repeats.
        here = here[np.argsort(frames.n_atoms[here], kind="stable")]
        # torch-sim's batcher counts atoms alone, so the limit of neighbours is turned into one of
        # atoms by the densest structure.
        max_atoms = _max_atoms(potential.limits()[periodic], float(neighbours[here].max()))
        small = frames.n_atoms[here] <= max_atoms
        if small.any():
            yield here[small], max_atoms
        for b in here[~small]:
            yield np.array([b]), int(frames.n_atoms[b])


def _max_atoms(limit: Limits, neighbours: float) -> int:
    """Atoms of a batch within both limits, where each has at most so many neighbours."""
    return int(min(limit.atoms, limit.neighbours / neighbours if neighbours else np.inf))


def _fused(frames: Frames) -> np.ndarray:
    return shortest_distance_ratio(frames, MIN_DISTANCE_RATIO) < MIN_DISTANCE_RATIO
