"""The commands ``limbeck floor`` and ``limbeck npz``, of data sets with potentials at points."""

from math import isfinite
from pathlib import Path
from typing import Any

from limbeck import storage
from limbeck.charges.floor import at_points, errors, references
from limbeck.datasets.npz import write_npz
from limbeck.datasets.split import Dataset, read_part
from limbeck.errors import LimbeckError

#: what each potential of a floor is, for people
ABOUT = {
    "charges_fitted": "best charges of each geometry",
    "dipoles_fitted": "best charges and dipoles",
    "quadrupoles_fitted": "best up to quadrupoles",
    "charges": "Mulliken charges as they are",
    "mbis_charges": "MBIS charges as they are",
    "molecular_dipole": "dipole of the molecule at one point",
}


def dataset_of(path: str) -> Dataset:
    """The frames and labels of a file of a data set, which has one label set."""
    names = storage.label_sets(path)
    if len(names) != 1:
        raise LimbeckError(f"{path}: label sets {names}, expected a data set with one")
    return read_part(path, names[0])


def floor(path: str) -> str:
    """A table of what models of charges are to be compared with, kcal/mol/e."""
    data = dataset_of(path)
    frames, labels = at_points(data.frames, data.labels)
    if not len(frames.points):
        raise LimbeckError(f"{path}: no frame has points around it")
    found = errors(frames, labels.values["esp"], references(frames, labels))
    lines = [
        f"{len(frames)} frames, {found['points']} points; root mean square of the potential: "
        f"{found['rms']['value']:.2f} kcal/mol/e",
        "",
        f"{'error, kcal/mol/e':38s} {'all':>6s}  95 % interval   by shell, by element",
    ]
    return "\n".join([*lines, *(_line(name, found[name]) for name in ABOUT if name in found)])


def _line(name: str, entry: dict[str, Any]) -> str:
    ends = entry["all"]["ci95"]  # none of molecules that are all of one root
    interval = f"{ends[0]:5.2f} to {ends[1]:5.2f}" if ends and isfinite(ends[0]) else "-"
    parts = {**entry["by_shell"], **entry["by_element"]}
    told = "  ".join(f"{part} {value:.2f}" for part, value in parts.items())
    return f"{ABOUT[name]:38s} {entry['all']['value']:6.2f}  {interval:14s}   {told}"


def npz(path: str, folder: str) -> str:
    """Write a data set as archives for other programs; the names of the files, one a line."""
    name = Path(path).stem
    return "\n".join(map(str, write_npz(folder, name, dataset_of(path))))
