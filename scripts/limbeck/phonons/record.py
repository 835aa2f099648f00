"""Output of a shard's force constants: a folder for each crystal, a row for each structure."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.config.sections.force_constants import ForceConstants
from limbeck.files import write_json
from limbeck.frames import Frames
from limbeck.phonons.calculation import Harmonic
from limbeck.phonons.second_step import FACTOR
from limbeck.phonons.store import save_phonons

FORCE_CONSTANT_COLUMNS = (
    "id",
    "name",
    "n_atoms",
    "cell_atoms",
    "supercell_atoms",
    "supercell",
    "displacements",
    "residual_force_eV_per_A",
    "acoustic_sum_eV_per_A2",
    "unexplained_forces",
    "second_step_A",
    "second_step_difference",
    "second_step_lowest_THz",
    "lowest_THz",
    "modes",
    "imaginary_modes",
    "descents",
    "thermal_expansion_per_K",
    "seconds",
    "reason",
)


def write_crystal(folder: Path, found: Harmonic) -> None:
    """Write one crystal's folder; see :mod:`limbeck.phonons`."""
    assert found.phonon is not None
    folder.mkdir(exist_ok=True)
    save_phonons(found.phonon, folder)
    write_json(folder / "bands.json", found.bands)
    if found.expansion:
        write_json(folder / "expansion.json", found.expansion)


def table_rows(frames: Frames, results: Sequence[Harmonic], own: ForceConstants) -> list[list[Any]]:
    """The table, a row for each structure; steps that a crystal did not reach are left empty."""
    return [
        [
            frames.id[b].decode(),
            str(frames.info_of(b).get("name", "")),
            int(frames.n_atoms[b]),
            *_of_phonon(found),
            *_of_fit(found, own.displacement_A),
            *_of_modes(found, own.imaginary_threshold_THz),
            found.descents,
            _short(found.expansion.get("thermal_expansion_per_K", np.nan)),
            round(found.seconds, 3),
            found.reason,
        ]
        for b, found in enumerate(results)
    ]


def _of_phonon(found: Harmonic) -> list[Any]:
    phonon = found.phonon
    if phonon is None:
        return ["", "", ""]
    # phonopy's columns -> rows, as everywhere in Limbeck
    matrix = json.dumps(phonon.supercell_matrix.T.tolist())
    return [len(phonon.unitcell), len(phonon.supercell), matrix]


def _of_fit(found: Harmonic, displacement: float) -> list[Any]:
    fit = found.fit
    if fit is None:
        return [""] * 7
    numbers = (fit.residual_force, fit.acoustic_sum, fit.unexplained)
    worst = fit.worst_step
    again = ["", "", ""]
    if worst:
        again = [f"{FACTOR * displacement:g}", _short(worst.difference), _short(worst.lowest)]
    return [fit.displacements, *(_short(number) for number in numbers), *again]


def _of_modes(found: Harmonic, threshold: float) -> list[Any]:
    modes = found.modes
    if modes is None:
        return ["", "", ""]
    bad = modes.imaginary(threshold)
    return [_short(modes.lowest), modes.waves(np.ones_like(bad)), modes.waves(bad)]


def _short(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else ""
