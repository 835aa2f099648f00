"""Frames of a relaxation, spread in energy between its start and its end."""

import logging
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from limbeck import seeds
from limbeck.config.jobs import SampleFrames
from limbeck.config.sections.sampling import Rattle, RelaxPath
from limbeck.frames import Frames, concatenate, derive
from limbeck.geometry import shortest_distance_ratio
from limbeck.potentials.interface import Potential, tell_ignored
from limbeck.potentials.opening import open_planned
from limbeck.preparation.relaxation import RelaxationStep, Relaxed, relax
from limbeck.reasons import TOO_NEAR
from limbeck.sampling import Sample, SummaryTable, number
from limbeck.sampling.rattle import draw_apart

log = logging.getLogger(__name__)

_COLUMNS = (
    "id",
    "n_atoms",
    "frames",
    "steps",
    "energy_start_eV_per_atom",
    "energy_end_eV_per_atom",
    "force_eV_per_A",
    "cut",
)
_TRACE = ("id", "step", "energy_eV_per_atom", "volume_A3_per_atom")


def sample(frames: Frames, own: RelaxPath, job: SampleFrames) -> Sample:
    """Frames of the relaxation of every structure.

    A structure that does not come to rest still gives the frames of the way it went; its reason
    stands in the summary.
    """
    name, seed = own.name, job.seed
    potential = open_planned(job, frames)
    tell_ignored(frames, "relaxation")  # a state of torch-sim holds neither
    starts, good = _starts(frames, own, seed, f"sample_relax_path/{name}")
    done = _relaxed(starts, good, potential, own)
    chosen = [thinned(np.array([s.energy for s in path]), own.n_frames) for path in done.paths]
    children = [
        _children(frames.select([b]), path, chosen[b], name, seed)
        for b, path in enumerate(done.paths)
    ]
    together = concatenate(children)
    apart = shortest_distance_ratio(together, own.min_distance_ratio) >= own.min_distance_ratio
    kept = together.select(apart)
    log.info("%s: %s", name, dict(Counter(str(why) or "whole" for why in done.reason)))
    return Sample(
        kept,
        _COLUMNS,
        _rows(frames, done, np.array([(kept.parent == parent).sum() for parent in frames.id])),
        about=potential.about.described(),
        trace=SummaryTable(_TRACE, _trace(frames, done.paths)),
    )


def thinned(energy: np.ndarray, count: int) -> np.ndarray:
    """Steps whose energies are spread as evenly as the path allows.

    The last step is taken, then the first, then repeatedly the step whose energy is farthest from
    all energies taken so far. (A relaxation falls fast at first, so that few steps would be found
    next to evenly spaced energies.)

    Args:
        energy: float [S], of the steps.

    Returns:
        int64 [at most count], increasing; fewer where the path has fewer different energies.
    """
    if not len(energy):
        return np.zeros(0, dtype=np.int64)
    taken = [len(energy) - 1]
    gap = np.abs(energy - energy[-1])
    gap[:-1][:1] = np.inf  # the first step, where it is not the last
    # The same greedy rule as farthest-point sampling, in one dimension.
    while len(taken) < count and gap.max() > 0:
        farthest = int(gap.argmax())
        taken.append(farthest)
        gap = np.minimum(gap, np.abs(energy - energy[farthest]))
    return np.sort(taken)


def _starts(frames: Frames, own: RelaxPath, seed: int, purpose: str) -> tuple[Frames, np.ndarray]:
    """Structures displaced at random, under their own ids, and whether a draw held, bool [B]."""
    rattle = Rattle(
        method="rattle",
        sources=own.sources,
        standard_deviation_A=own.start_displacement_A,
        strain=own.start_strain,
        n_frames=1,
        min_distance_ratio=own.min_distance_ratio,
    )
    # By id: the start depends neither on the shard nor on the structures beside it.
    rngs = [seeds.generator(seed, f"{purpose}/{name.decode()}") for name in frames.id]
    positions, cell, _, good = draw_apart(frames, rattle, rngs)
    return replace(frames, positions=positions, cell=cell), good


def _relaxed(
    starts: Frames, good: np.ndarray, potential: Potential[Any], own: RelaxPath
) -> Relaxed:
    """Relax all structures; one without a good start gets that as its reason."""
    done = relax(
        starts,
        potential,
        own.relax,
        force_tolerance=own.force_tolerance_eV_per_A,
        steps=own.max_steps,
        record=True,
    )
    done.reason[~good] = TOO_NEAR
    for b in np.flatnonzero(~good):
        # No frame is taken from a start that breaks min_distance_ratio.
        done.paths[b].clear()
    return done


def _children(
    parent: Frames, path: list[RelaxationStep], steps: np.ndarray, name: str, seed: int
) -> Frames:
    parents = parent.select(np.zeros(len(steps), dtype=int))
    n_atoms = int(parent.n_atoms[0])
    return derive(
        parents,
        np.concatenate([np.zeros((0, 3)), *(path[s].positions for s in steps)]),
        np.array([path[s].cell for s in steps]).reshape(-1, 3, 3),
        sampling=name,
        seed=seed,
        infos=[{"step": int(s), "energy_eV_per_atom": path[s].energy / n_atoms} for s in steps],
    )


def _rows(frames: Frames, done: Relaxed, kept: np.ndarray) -> list[list[Any]]:
    return [
        [
            frames.id[b].decode(),
            int(frames.n_atoms[b]),
            int(kept[b]),
            int(done.steps[b]),
            number(path[0].energy / frames.n_atoms[b]) if path else "",
            number(path[-1].energy / frames.n_atoms[b]) if path else "",
            number(done.force[b]) if path else "",
            str(done.reason[b]),
        ]
        for b, path in enumerate(done.paths)
    ]


def _trace(frames: Frames, paths: list[list[RelaxationStep]]) -> list[list[Any]]:
    return [
        [
            frames.id[b].decode(),
            step,
            number(seen.energy / frames.n_atoms[b]),
            number(abs(np.linalg.det(seen.cell)) / frames.n_atoms[b]) if seen.cell.any() else "",
        ]
        for b, path in enumerate(paths)
        for step, seen in enumerate(path)
    ]
