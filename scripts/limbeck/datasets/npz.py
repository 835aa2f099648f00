"""Data sets as NumPy's archives, as PhysNet and DCMNet read them.

The same arrays as :mod:`limbeck.structures.reading.npz` reads, padded with zeros, in these units:
``R`` and ``vdw_surface`` Angstrom, ``E`` eV, ``F`` eV/Angstrom, ``Dxyz`` e Angstrom (about the
centre of nuclear charge), ``Q`` and ``mono`` e, ``esp`` Hartree/e. ``units`` says so in the file.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from ase.units import Hartree

from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.files import whole_file
from limbeck.frames import Frames

#: of each array, as an attribute would say it if these files had any
UNITS = {
    "R": "Angstrom",
    "E": "eV",
    "F": "eV/Angstrom",
    "Dxyz": "e*Angstrom, about the centre of nuclear charge",
    "Q": "e",
    "mono": "e",
    "esp": "Hartree/e",
    "vdw_surface": "Angstrom",
}
#: charges that stand as ``mono``, the first that labels have
MONOPOLES = ("mbis_charges", "charges")


def write_npz(folder: str | Path, name: str, dataset: Dataset) -> list[Path]:
    """Write ``{name}.npz``, and ``grids_{name}.npz`` where there are potentials.

    Args:
        folder: made where it is not there.
        dataset: of isolated frames with good labels; only points have to be with them.

    Returns:
        The files.

    Raises:
        LimbeckError: there is no frame, or one is periodic, which such files have no cell for.
    """
    frames, values = dataset.frames, dataset.labels.values
    if not len(frames):
        raise LimbeckError(f"{name}: no frames, expected some to write")
    if frames.pbc.any():
        first = int(np.flatnonzero(frames.pbc.any(axis=1))[0])
        raise LimbeckError(f"{name}: frame {first} is periodic, and .npz files have no cell")
    atoms = _atoms(frames)
    found: dict[str, Any] = {**atoms, "Q": frames.charge.astype(float), "E": values["energy"]}
    found["F"] = _padded(values["forces"], frames.n_atoms)
    if "dipole" in values:
        found["Dxyz"] = values["dipole"]
    files = [_written(Path(folder) / f"{name}.npz", found)]
    if "esp" in values:
        labels = dataset.labels
        grids: dict[str, Any] = {**atoms, "n_grid": labels.n_points}
        grids["esp"] = _padded(values["esp"] / Hartree, labels.n_points)
        grids["vdw_surface"] = _padded(labels.points, labels.n_points)
        for kind in reversed(MONOPOLES):
            if kind in values:
                grids["mono"] = _padded(values[kind], frames.n_atoms)
        files.append(_written(Path(folder) / f"grids_{name}.npz", grids))
    return files


def _atoms(frames: Frames) -> dict[str, np.ndarray]:
    return {
        "R": _padded(frames.positions, frames.n_atoms),
        "Z": _padded(frames.numbers.astype(int), frames.n_atoms),
        "N": frames.n_atoms.astype(int),
        "id": frames.id,
    }


def _padded(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Rows of all frames end to end, as an array for each of B frames: [B, most, ...]."""
    found = np.zeros((len(counts), int(counts.max()), *values.shape[1:]), dtype=values.dtype)
    real = np.arange(found.shape[1]) < counts[:, None]
    found[real] = values
    return found


def _written(path: Path, arrays: dict[str, Any]) -> Path:
    units = {name: unit for name, unit in UNITS.items() if name in arrays}
    with whole_file(path) as temporary, open(temporary, "wb") as handle:
        np.savez_compressed(handle, allow_pickle=False, **arrays, units=np.array(json.dumps(units)))
    return path
