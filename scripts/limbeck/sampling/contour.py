"""Frames of a chosen energy: ASE's contour exploration, one structure after another.

Contour exploration walks along a surface of constant potential energy, and so far from the start
in few evaluations (Waters and Rondinelli, J. Phys. Condens. Matter 33, 445901 (2021)). A
potentiostat holds the energy: a step towards it along the force, and the rest of it across.
"""

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms
from ase.md.contour_exploration import ContourExploration

from limbeck import seeds
from limbeck.check.progress import each
from limbeck.config.jobs import SampleFrames
from limbeck.config.sections.sampling import Contour
from limbeck.frames import Frames, concatenate, derive
from limbeck.geometry import shortest_ratio
from limbeck.potentials.evaluation import attempt
from limbeck.potentials.interface import Potential, tell_ignored
from limbeck.potentials.opening import open_planned
from limbeck.preparation.prepare import prepare
from limbeck.reasons import FAILED, LONE_ATOM, NO_FORCE, NOT_FINITE, NOT_REACHED, TOO_NEAR
from limbeck.sampling import Sample, SummaryTable, number

log = logging.getLogger(__name__)

_COLUMNS = (
    "id",
    "n_atoms",
    "frames",
    "energy_start_eV_per_atom",
    "energy_target_eV_per_atom",
    "energy_eV_per_atom",
    "energy_deviation_eV_per_atom",
    "steps",
    "cut",
)
_TRACE = ("id", "step", "energy_eV_per_atom")
#: Angstrom, of each coordinate (standard deviation), and how often it is corrected.
FIRST_DISPLACEMENT_A = 0.05
MAX_TRIES = 30


@dataclass
class Walk:
    """Record of one structure's walk on its contour.

    Attributes:
        start, target: eV, of the prepared structure and of the contour.
        positions: of each frame kept, float64 [n,3], Angstrom.
        at: for each frame kept the step, and its energy in eV.
        energies: eV, after each step; the first before any, on the contour.
        cut: why it ended too early, empty where it did not.
    """

    start: float = np.nan
    target: float = np.nan
    positions: list[np.ndarray] = field(default_factory=list)
    at: list[tuple[int, float]] = field(default_factory=list)
    energies: list[float] = field(default_factory=list)
    cut: str = ""


def sample(frames: Frames, own: Contour, job: SampleFrames) -> Sample:
    """Frames on a contour of every structure, see :func:`walk`.

    The random numbers of a structure come from its id, not from the shard it stands in.
    """
    name = own.name
    potential = open_planned(job, frames)
    tell_ignored(frames, name, potential.about.conditions)
    prepared = prepare(frames, potential, own)
    walks = []
    for b in each(range(len(frames)), f"walks of {name}", "structures"):
        atoms = prepared.frames.select([b]).to_atoms()[0]
        path = Walk(cut=str(prepared.reason[b]))
        if not path.cut:
            purpose = f"sample_contour/{name}/{frames.id[b].decode()}"
            walk(atoms, potential, own, seeds.generator(job.seed, purpose), path)
        walks.append(path)
    log.info("%s: %s", name, dict(Counter(path.cut or "whole" for path in walks)))
    children = [
        _children(prepared.frames.select([b]), path, name, job.seed) for b, path in enumerate(walks)
    ]
    return Sample(
        concatenate(children),
        _COLUMNS,
        [_row(prepared.frames, b, path) for b, path in enumerate(walks)],
        about=potential.about.described(),
        trace=SummaryTable(_TRACE, _trace(prepared.frames, walks)),
    )


def walk(
    atoms: Atoms,
    potential: Potential[Any],
    own: Contour,
    rng: np.random.Generator,
    path: Walk,
) -> None:
    """Put the structure on its contour, then walk along it; what is seen goes to ``path``.

    Frames are taken every ``interval_steps``, or at the next step that is within the energy
    tolerance, until ``n_frames`` are there or ``max_steps`` steps are made.

    Args:
        atoms: moved, and given a calculator.
    """
    if len(atoms) < 2:
        # Its energy does not depend on where it stands: there is no contour to walk along.
        path.cut = LONE_ATOM
        return
    atoms.calc = potential.ase_calculator()
    asked = attempt(potential, lambda: _walk(atoms, own, rng, path))
    if asked.error is not None:
        log.warning("%s: %s", atoms.info["id"], asked.error)
        path.cut = FAILED


def _walk(atoms: Atoms, own: Contour, rng: np.random.Generator, path: Walk) -> None:
    path.start = atoms.get_potential_energy()
    path.target = path.start + own.energy_target_eV_per_atom * len(atoms)
    tolerance = own.energy_tolerance_eV_per_atom * len(atoms)
    if _displace(atoms, path.start, path.target, tolerance, rng):
        _steps(atoms, own, tolerance, rng, path)
    else:
        path.cut = NOT_REACHED


def _displace(
    atoms: Atoms, start: float, target: float, tolerance: float, rng: np.random.Generator
) -> bool:
    """Move the atoms in a random direction, as far as it takes to have the energy of ``target``.

    At rest there is no force to climb along, and near to it so little that the potentiostat
    overshoots by several times the climb.

    Args:
        start: eV, of ``atoms`` as they are; target, tolerance: eV.

    Returns:
        Whether the target is reached.
    """
    origin = atoms.get_positions()
    direction = rng.normal(size=(len(atoms), 3))
    # Moving the structure as a whole changes no energy and would only waste the displacement.
    direction -= direction.mean(axis=0)
    length = FIRST_DISPLACEMENT_A
    for _ in range(MAX_TRIES):
        atoms.set_positions(origin + length * direction)
        energy = atoms.get_potential_energy()
        if abs(energy - target) <= tolerance:
            return True
        length *= _correction((energy - start) / (target - start))
    return False


def _correction(rise: float) -> float:
    """Factor for the displacement, given the energy's rise as a multiple of the rise wanted."""
    if not np.isfinite(rise):
        return 0.5
    if rise <= 0:  # the structure was not at rest
        return 2.0
    # Near a minimum the energy grows with the square of the displacement, so the displacement has
    # to change by the root of what is missing. The limits keep one bad energy from throwing the
    # atoms far away.
    return float(np.clip(rise**-0.5, 0.5, 2.0))  # harmonic, but for large steps


def _steps(
    atoms: Atoms, own: Contour, tolerance: float, rng: np.random.Generator, path: Walk
) -> None:
    contour = ContourExploration(
        atoms,
        energy_target=path.target,
        maxstep=own.max_step_A,
        angle_limit=own.angle_limit_deg,
        parallel_drift=own.parallel_drift,
        # Otherwise the walk could keep its energy by drifting as a whole.
        remove_translation=True,
        rng=rng,
    )
    last = 0
    # Step 0 looks at the displaced structure before it has moved along the contour.
    steps = range(own.max_steps + 1)
    for step in each(steps, "walk", "steps", atoms=lambda _: len(atoms)):
        if step:
            with np.errstate(divide="ignore", invalid="ignore"):  # where it comes to no force
                contour.step()
        energy = atoms.get_potential_energy()
        path.cut = _fault(atoms, energy, own)
        if path.cut:
            return
        path.energies.append(energy)
        if abs(energy - path.target) <= tolerance and step - last >= own.interval_steps:
            last = step
            path.positions.append(atoms.get_positions())
            path.at.append((step, energy))
            if len(path.at) == own.n_frames:
                return
    path.cut = f"{own.max_steps} steps made"


def _fault(atoms: Atoms, energy: float, own: Contour) -> str:
    """Why the walk may not go on from here, empty where it may."""
    # One number that is NaN or infinite if any component is.
    force = np.abs(atoms.get_forces()).sum()
    if not np.isfinite(energy + force):
        return NOT_FINITE
    if force == 0:
        # Contour exploration divides by the force to find its direction.
        return NO_FORCE
    limit = own.min_distance_ratio
    cell, periodic = np.asarray(atoms.cell), bool(atoms.pbc.all())
    near = shortest_ratio(atoms.numbers, atoms.positions, cell, periodic, limit) < limit
    return TOO_NEAR if near else ""


def _children(parent: Frames, path: Walk, name: str, seed: int) -> Frames:
    parents = parent.select(np.zeros(len(path.at), dtype=int))
    n_atoms = int(parent.n_atoms[0])
    infos = [
        {
            "energy_target_eV_per_atom": path.target / n_atoms,
            "energy_eV_per_atom": energy / n_atoms,
            "step": step,
        }
        for step, energy in path.at
    ]
    # np.concatenate takes no empty list: the empty array stands for a walk that kept no frame.
    positions = np.concatenate([np.zeros((0, 3)), *path.positions])
    return derive(parents, positions, parents.cell, sampling=name, seed=seed, infos=infos)


def _row(frames: Frames, b: int, path: Walk) -> list[Any]:
    n_atoms = int(frames.n_atoms[b])
    kept = np.array([energy for _, energy in path.at])
    away = np.sqrt(((kept - path.target) ** 2).mean()) if len(kept) else np.nan
    mean = kept.mean() if len(kept) else np.nan
    energies = [number(e / n_atoms) for e in (path.start, path.target, mean, away)]
    steps = max(len(path.energies) - 1, 0)
    return [frames.id[b].decode(), n_atoms, len(kept), *energies, steps, path.cut]


def _trace(frames: Frames, walks: list[Walk]) -> list[list[Any]]:
    return [
        [frames.id[b].decode(), step, number(energy / frames.n_atoms[b])]
        for b, path in enumerate(walks)
        for step, energy in enumerate(path.energies)
    ]
