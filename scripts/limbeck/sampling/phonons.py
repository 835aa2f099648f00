"""Frames along the normal modes of crystals whose force constants are there."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from phonopy import Phonopy

from limbeck import seeds
from limbeck.config.jobs import SampleFrames
from limbeck.config.sections.sampling import Phonons
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, concatenate, derive
from limbeck.geometry import shortest_distance_ratio
from limbeck.phonons import draws as drawing
from limbeck.phonons.draws import Draws, Waves, sampled_over_thermal, waves_of
from limbeck.phonons.modes import Incommensurate, Modes, choose_modes, modes_of, on_mesh
from limbeck.phonons.store import load_phonons
from limbeck.reasons import NO_FORCE_CONSTANTS
from limbeck.sampling import Sample

log = logging.getLogger(__name__)

PHONON_COLUMNS = (
    "id",
    "n_atoms",
    "frames",
    "modes",
    "sampled_over_thermal",
    "sampled_over_thermal_error",
    "too_near",
    "reason",
)


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
    for b in range(len(frames)):
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
    ratio = sampled_over_thermal(
        made,
        phonon.supercell.masses,
        modes,
        waves,
        temperature=own.temperature_K,
        statistics=own.statistics,
    )
    children = _children(start, made, _infos(made, modes, waves, own), name, seed)
    apart = shortest_distance_ratio(children, own.min_distance_ratio) >= own.min_distance_ratio
    row = _row(
        start,
        0,
        count=int(apart.sum()),
        modes=len(waves),
        ratio=_short(ratio[0]),
        error=_short(ratio[1]),
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
    parent.
    """
    cell, positions = phonon.supercell.cell, phonon.supercell.positions
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


def _infos(made: Draws, modes: Modes, waves: Waves, own: Phonons) -> list[dict[str, Any]]:
    common = {"temperature_K": own.temperature_K, "draw": own.draw}
    if own.draw == "canonical":
        return [common | {"modes": len(waves)}] * len(made.wave)
    # The second wave of a pair is listed at -q.
    q = modes.qpoints[waves.q] * np.where(waves.part == 0, 1, -1)[:, None] + 0.0  # no -0
    frequencies = modes.frequencies[waves.q, waves.band]
    infos = []
    for wave, amplitude, time in zip(made.wave, made.amplitude, made.time, strict=True):
        info = {
            # counted from 1, as selected_modes in the config
            "mode": int(waves.band[wave]) + 1,
            "q_point": q[wave].round(9).tolist(),
            "frequency_THz": round(float(frequencies[wave]), 6),
            "amplitude": round(float(amplitude), 9),
        }
        infos.append(common | info | ({} if np.isnan(time) else {"time_fs": float(time)}))
    return infos


def _short(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else ""


def _row(
    frames: Frames,
    b: int,
    *,
    count: int = 0,
    modes: int = 0,
    ratio: str = "",
    error: str = "",
    too_near: int = 0,
    reason: str = "",
) -> list[Any]:
    identity = frames.id[b].decode()
    return [identity, int(frames.n_atoms[b]), count, modes, ratio, error, too_near, reason]
