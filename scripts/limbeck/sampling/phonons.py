"""Frames along the normal modes of crystals whose force constants are there."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase.neighborlist import neighbor_list
from phonopy import Phonopy

from limbeck import seeds
from limbeck.check.progress import each
from limbeck.config.jobs import SampleFrames
from limbeck.config.sections.sampling import Phonons
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, concatenate, derive
from limbeck.geometry import shortest_distance_ratio
from limbeck.phonons import draws as drawing
from limbeck.phonons.draws import Draws, Waves, over_nearest, sampled_over_thermal, waves_of
from limbeck.phonons.modes import (
    Incommensurate,
    Modes,
    choose_modes,
    modes_of,
    on_mesh,
    thermal_shares,
)
from limbeck.phonons.store import load_phonons
from limbeck.reasons import NO_FORCE_CONSTANTS
from limbeck.sampling import Sample

log = logging.getLogger(__name__)

#: A frame is flagged in which an atom is farther from rest than this share of the distance to its
#: nearest neighbour there: twice what Lindemann's rule has for the mean of a crystal that melts.
FAR = 0.2
PHONON_COLUMNS = (
    "id",
    "n_atoms",
    "frames",
    "modes",
    "sampled_over_thermal",
    "sampled_over_thermal_error",
    "thermal_share",
    "displacement_over_nearest",
    "far_frames",
    "too_near",
    "reason",
)
#: of these, whole numbers
COUNTS = ("frames", "modes", "far_frames", "too_near")


def sample(frames: Frames, own: Phonons, job: SampleFrames) -> Sample:
    """Frames of every structure that has force constants, by the draw of the sampling.

    Raises:
        LimbeckError: no structure is sampled, and the mesh does not fit a supercell; or the job
            has no force constants.
    """
    name = own.name
    if job.force_constants is None:
        raise LimbeckError(f"sampling.{name}: expected the folder of its force constants, got none")
    folder = Path(job.force_constants)
    parts, rows = [], []
    incommensurate = ""
    for b in each(range(len(frames)), f"draws of {name}", "structures"):
        try:
            made, row = _sample_one(frames.select([b]), folder, own, name, job.seed)
            parts.append(made)
        except LimbeckError as error:
            row = _row(frames, b, reason=str(error))
            if isinstance(error, Incommensurate):
                incommensurate = str(error)
        rows.append(row)
    if incommensurate and not parts:  # it fits no structure: the config is at fault
        raise LimbeckError(f"sampling.{name}: {incommensurate}")
    return Sample(concatenate(parts), PHONON_COLUMNS, rows)


def _sample_one(
    parent: Frames, folder: Path, own: Phonons, name: str, seed: int
) -> tuple[Frames, list[Any]]:
    """The frames of one structure, and its row of the summary."""
    identity = parent.id[0].decode()
    if not (folder / identity).is_dir():
        raise LimbeckError(NO_FORCE_CONSTANTS)
    phonon = load_phonons(folder / identity)
    modes = modes_of(phonon)
    chosen = choose_modes(modes, own.freq_min_THz, own.freq_max_THz, own.selected_modes)
    chosen &= on_mesh(phonon, modes, own.k_point_mesh)[:, None]
    waves = waves_of(modes, chosen)
    if not len(waves):
        raise LimbeckError("no mode is chosen: none in the window on the mesh")
    start = supercell_frame(parent, phonon)
    place = f"sample_phonons/{name}/{identity}"
    made = _draw(phonon, modes, chosen, waves, own, seeds.torch_seed(seed, place))
    thermal: dict[str, Any] = {"temperature": own.temperature_K, "statistics": own.statistics}
    ratio = sampled_over_thermal(made, phonon.supercell.masses, modes, waves, **thermal)
    # of each wave
    shares = thermal_shares(phonon, modes, *thermal.values())[waves.q, waves.band]
    reach = over_nearest(made, nearest_distances(start))
    infos = _infos(made, modes, waves, own, shares, reach)
    children = _children(start, made, infos, name, seed)
    apart = shortest_distance_ratio(children, own.min_distance_ratio) >= own.min_distance_ratio
    far = int((reach[apart] > FAR).sum())
    if far:
        log.warning(
            "%s, %s: %d of %d frames have an atom farther from rest than %g of the distance to its "
            "nearest, the farthest %.2f: beyond what a harmonic crystal can be trusted with",
            *(name, identity, far, apart.sum(), FAR, reach[apart].max()),
        )
    row = _row(
        start,
        0,
        frames=int(apart.sum()),
        modes=len(waves),
        sampled_over_thermal=_short(ratio[0]),
        sampled_over_thermal_error=_short(ratio[1]),
        thermal_share=_short(shares.sum()),
        displacement_over_nearest=_short(reach[apart].max(initial=0.0)),
        far_frames=far,
        too_near=int((~apart).sum()),
    )
    return children.select(apart), row


def _draw(
    phonon: Phonopy,
    modes: Modes,
    chosen: np.ndarray,
    waves: Waves,
    own: Phonons,
    seed: int,
) -> Draws:
    thermal: dict[str, Any] = {"temperature": own.temperature_K, "statistics": own.statistics}
    if own.draw == "canonical":
        return drawing.canonical(phonon, modes, chosen, **thermal, count=own.n_frames, seed=seed)
    patterns = drawing.unit_patterns(phonon, modes, waves, **thermal)
    if own.draw == "mode_scan":
        return drawing.scan(patterns, own.amplitude_factor, own.n_frames)
    rng = np.random.default_rng(seed)
    return drawing.propagate(
        patterns, modes, waves, time_step=own.time_step_fs, count=own.n_frames, rng=rng
    )


def supercell_frame(parent: Frames, phonon: Phonopy) -> Frames:
    """The supercell at rest, as one frame that has the identity and ancestry of ``parent``.

    ``info`` gets "supercell", the integer matrix of its lattice vectors (rows) in those of the
    parent, of the handedness that these have.
    """
    # phonopy has the same lattice with right-handed vectors, see phonons.crystals.symmetrised
    cell = phonon.supercell.cell * np.sign(np.linalg.det(parent.cell[0]))
    positions = phonon.supercell.positions
    matrix = np.rint(cell @ np.linalg.inv(parent.cell[0])).astype(int)
    info = parent.info_of(0) | {"supercell": matrix.tolist()}
    return replace(
        parent,
        n_atoms=np.array([len(positions)]),
        cell=cell[None],
        numbers=phonon.supercell.numbers,
        positions=positions,
        info=np.array([json.dumps(info, sort_keys=True).encode()]),
        extra={},
        atom_extra={},
    )


def _children(
    start: Frames, made: Draws, infos: list[dict[str, Any]], name: str, seed: int
) -> Frames:
    parents = start.select(np.zeros(len(infos), dtype=int))
    positions = (start.positions + made.displacements).reshape(-1, 3)
    return derive(parents, positions, parents.cell, sampling=name, seed=seed, infos=infos)


def nearest_distances(frame: Frames) -> np.ndarray:
    """Of each atom of one periodic frame from the nearest other, or image of its own. [n], A."""
    (atoms,) = frame.to_atoms()
    reach, found = 2.0, np.full(len(atoms), np.inf)
    while not np.isfinite(found).all():
        reach *= 1.5
        owner, distance = neighbor_list("id", atoms, reach)
        np.minimum.at(found, owner, distance)
    return found


def _infos(
    made: Draws,
    modes: Modes,
    waves: Waves,
    own: Phonons,
    shares: np.ndarray,
    reach: np.ndarray,
) -> list[dict[str, Any]]:
    """What each frame says of itself.

    Args:
        shares: [M], of each wave in the thermal mean-square displacement.
        reach: [S], as of :func:`limbeck.phonons.draws.over_nearest`.
    """
    common = {"temperature_K": own.temperature_K, "draw": own.draw}
    far = [{"displacement_over_nearest": round(float(r), 4), "far": bool(r > FAR)} for r in reach]
    if own.draw == "canonical":
        common |= {"modes": len(waves), "thermal_share": round(float(shares.sum()), 6)}
        return [common | one for one in far]
    # The second wave of a pair is listed at -q.
    q = modes.qpoints[waves.q] * np.where(waves.part == 0, 1, -1)[:, None] + 0.0  # no -0
    frequencies = modes.frequencies[waves.q, waves.band]
    infos = []
    each = zip(made.wave, made.amplitude, made.time, far, strict=True)
    for wave, amplitude, time, where in each:
        info = {
            # counted from 1, as selected_modes in the config
            "mode": int(waves.band[wave]) + 1,
            "q_point": q[wave].round(9).tolist(),
            "frequency_THz": round(float(frequencies[wave]), 6),
            "amplitude": round(float(amplitude), 9),
            "thermal_share": round(float(shares[wave]), 6),
        }
        infos.append(common | info | where | ({} if np.isnan(time) else {"time_fs": float(time)}))
    return infos


def _short(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else ""


def _row(structures: Frames, b: int, **seen: Any) -> list[Any]:
    """A row of the summary; what was not seen is zero where it counts, and else empty."""
    usual: dict[str, Any] = dict.fromkeys(PHONON_COLUMNS, "") | dict.fromkeys(COUNTS, 0)
    whose = {"id": structures.id[b].decode(), "n_atoms": int(structures.n_atoms[b])}
    return list((usual | whose | seen).values())
