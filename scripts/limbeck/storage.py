"""frames.h5: the one format between rules. Layout in docs/formats.md.

Strings are fixed-length bytes, chunks carry Fletcher32 checksums, and ``libver="latest"``
checksums the file's own structure, so that a flipped bit is an error and not a number.
Nothing is ever unpickled.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from limbeck import __version__
from limbeck.check.recipe import FOREIGN
from limbeck.errors import LimbeckError, Unfit
from limbeck.files import whole_file
from limbeck.frames import ATOM_DTYPES, FRAME_DTYPES, Frames, concatenate
from limbeck.labels import Labels, concatenate_labels
from limbeck.properties import PROPERTIES, SPREAD, property_of
from limbeck.reasons import STATUS

FORMAT = "limbeck-frames"
VERSION = 1
#: what every label set had before files listed it
BEFORE_LISTS = ("energy", "forces", "stress", "energy_spread", "forces_spread")
UNITS = {"cell": "Angstrom", "positions": "Angstrom", "charge": "e"}


def write_frames(
    path: str | Path,
    frames: Frames,
    *,
    stage: str,
    settings: Any = None,
    recipe: str = "",
    labels: dict[str, Labels] | None = None,
) -> None:
    """Write frames, and labels of the same frames by label set, as one whole file.

    Args:
        path: ends in ``.h5``.
        stage: name of the rule that made them.
        settings: the rule's settings, kept as JSON for whoever asks where a file came from.
        recipe: what they were made of, see :mod:`limbeck.check.recipe`; none where empty.
        labels: label set -> labels in the order of ``frames``.
    """
    with _writing(path) as file:
        _write_header(file, stage, settings, recipe)
        for name in FRAME_DTYPES:
            _write_array(file, f"frames/{name}", getattr(frames, name))
        for name in ATOM_DTYPES:
            _write_array(file, f"atoms/{name}", getattr(frames, name))
        for name, values in frames.extra.items():
            _write_array(file, f"frames/extra/{name}", values)
        for name, values in frames.atom_extra.items():
            _write_array(file, f"atoms/extra/{name}", values)
        for label_set, answers in (labels or {}).items():
            _check_order(path, frames, answers)
            _write_labels(file, label_set, answers)


def write_labels(
    path: str | Path, label_set: str, labels: Labels, *, settings: Any = None, recipe: str = ""
) -> None:
    """Write labels alone, with the ids of their frames and no copy of the atoms.

    Args:
        settings, recipe: as in :func:`write_frames`.
    """
    with _writing(path) as file:
        _write_labels_alone(file, label_set, labels, settings, recipe)


def write_entry(path: str | Path, label_set: str, labels: Labels) -> None:
    """Write labels of a cache: a file that is there stays, and the disk is not waited for."""
    with _writing(path, durable=False, first_stays=True) as file:
        _write_labels_alone(file, label_set, labels, None, "")


def read_frames(path: str | Path) -> Frames:
    """Read all frames of one file.

    Raises:
        LimbeckError: the file is missing, damaged, or of another format or version.
    """
    with _open(path) as file:
        values: dict[str, Any] = {}
        for name in FRAME_DTYPES:
            values[name] = _read_array(file, f"frames/{name}")
        for name in ATOM_DTYPES:
            values[name] = _read_array(file, f"atoms/{name}")
        values["extra"] = _read_extra(file, "frames")
        values["atom_extra"] = _read_extra(file, "atoms")
        return Frames(**values)


def read_labels(path: str | Path, label_set: str) -> Labels:
    """Read the labels of one label set.

    Raises:
        LimbeckError: as :func:`read_frames`, or the file has no such label set.
    """
    with _open(path) as file:
        found = sorted(file["labels"]) if "labels" in list(file) else []
    if label_set not in found:
        raise LimbeckError(f"{path}: no label set {label_set!r}, it has {found}")
    with _open(path) as file:
        group = file[f"labels/{label_set}"]
        arrays = {n: _read_array(file, f"labels/{label_set}/{n}") for n in _arrays_of(group)}
        labels = Labels(
            id=_read_array(file, "frames/id"),
            n_atoms=_read_array(file, "frames/n_atoms"),
            status=_read_array(file, f"labels/{label_set}/status"),
            values={n: v for n, v in arrays.items() if not n.endswith(SPREAD)},
            spreads={n.removesuffix(SPREAD): v for n, v in arrays.items() if n.endswith(SPREAD)},
            attrs=json.loads(group.attrs["settings"]),
        )
        _check_rows(labels)
        return labels


def _arrays_of(group: h5py.Group) -> list[str]:
    """Names of the properties and spreads that a label set was written with.

    Raises:
        LimbeckError: one of them is no property that is known here.
    """
    # Files written before the list was kept have exactly these.
    names: list[str] = json.loads(group.attrs.get("arrays", json.dumps(BEFORE_LISTS)))
    for name in names:
        property_of(name.removesuffix(SPREAD))
    return names


def read_header(path: str | Path) -> dict[str, Any]:
    """The file's own attributes: stage, settings, version of Limbeck, number of frames."""
    with _open(path) as file:
        header = {k: _plain(v) for k, v in file.attrs.items()}
        return header | {"count": len(file["frames/id"])}


def read_many(paths: Iterable[str | Path]) -> Frames:
    """The frames of several files, end to end. For what fits in memory."""
    return concatenate([read_frames(p) for p in paths])


def read_many_labels(paths: Iterable[str | Path], label_set: str) -> Labels:
    """The labels of several files, end to end. For what fits in memory."""
    return concatenate_labels([read_labels(p, label_set) for p in paths])


def stream(paths: Iterable[str | Path]) -> Iterator[Frames]:
    """The frames of each file in turn, one file in memory at a time."""
    for path in paths:
        yield read_frames(path)


@contextmanager
def _writing(
    path: str | Path, *, durable: bool = True, first_stays: bool = False
) -> Iterator[h5py.File]:
    """A new file, built in memory and then written at once: HDF5 itself crashes on a full disk."""
    with whole_file(path, durable=durable, first_stays=first_stays) as temporary:
        # driver="core" without a backing store keeps the file in memory. libver="latest" is what
        # gives the metadata their checksums.
        with h5py.File(
            temporary.name, "w", driver="core", backing_store=False, libver="latest"
        ) as file:
            yield file
            file.flush()
            image = file.id.get_file_image()
        temporary.write_bytes(image)


def _check_order(path: str | Path, frames: Frames, labels: Labels) -> None:
    if not np.array_equal(frames.id, labels.id):
        raise LimbeckError(f"{path}: labels and frames are not the same frames in the same order")


def _write_labels_alone(
    file: h5py.File, label_set: str, labels: Labels, settings: Any, recipe: str
) -> None:
    _write_header(file, "label_frames", settings, recipe)
    _write_array(file, "frames/id", labels.id)
    _write_array(file, "frames/n_atoms", labels.n_atoms)
    _write_labels(file, label_set, labels)


def _write_header(file: h5py.File, stage: str, settings: Any, recipe: str) -> None:
    file.attrs["format"] = np.bytes_(FORMAT)
    file.attrs["version"] = VERSION
    file.attrs["limbeck_version"] = np.bytes_(__version__)
    file.attrs["stage"] = np.bytes_(stage)
    file.attrs["settings"] = np.bytes_(json.dumps(settings, sort_keys=True).encode())
    file.attrs["recipe"] = np.bytes_((recipe or FOREIGN).encode())


def _write_labels(file: h5py.File, label_set: str, labels: Labels) -> None:
    spreads = {name + SPREAD: values for name, values in labels.spreads.items()}
    for name, values in (labels.values | spreads | {"status": labels.status}).items():
        _write_array(file, f"labels/{label_set}/{name}", values)
    group = file[f"labels/{label_set}"]
    # a list, so that one that goes missing is missed
    group.attrs["arrays"] = np.bytes_(json.dumps([*labels.values, *spreads]).encode())
    group.attrs["settings"] = np.bytes_(json.dumps(labels.attrs, sort_keys=True).encode())
    group.attrs["status_codes"] = np.bytes_(json.dumps(STATUS).encode())


def _write_array(file: h5py.File, name: str, values: np.ndarray) -> None:
    if values.dtype.kind == "S" and values.dtype.itemsize == 0:
        values = values.astype("S1")  # HDF5 has no strings of length zero
    # Chunks of about 1 MB: large enough to compress, small enough to stream.
    row = max(1, values.dtype.itemsize * int(np.prod(values.shape[1:], dtype=np.int64)))
    chunk = (min(max(1, 2**20 // row), max(1, len(values))), *values.shape[1:])
    options: dict[str, Any] = (
        {"chunks": chunk, "compression": "lzf", "shuffle": True, "fletcher32": True}
        # An empty array cannot be chunked, and the filters work on chunks.
        if values.size
        else {}
    )
    dataset = file.create_dataset(name, data=values, **options)
    unit = _unit_of(name.rsplit("/", 1)[-1])
    if unit:
        dataset.attrs["unit"] = np.bytes_(unit)


def _unit_of(array: str) -> str:
    name = array.removesuffix(SPREAD)
    return PROPERTIES[name].unit if name in PROPERTIES else UNITS.get(array, "")


@contextmanager
def _open(path: str | Path) -> Iterator[h5py.File]:
    """The open file; whatever goes wrong with it becomes an error that names it."""
    if not Path(path).is_file():
        raise LimbeckError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            _check_format(file)
            yield file
    except LimbeckError as error:
        raise Unfit(path, str(error)) from error
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:  # all of h5py's
        raise Unfit(path, f"not a readable HDF5 file: {error}") from error


def _check_format(file: h5py.File) -> None:
    found = (_plain(file.attrs.get("format", b"")), _plain(file.attrs.get("version", -1)))
    if found != (FORMAT, VERSION):
        raise LimbeckError(f"expected format {(FORMAT, VERSION)}, found {found}")


def _check_rows(labels: Labels) -> None:
    frames, atoms = len(labels.n_atoms), int(labels.n_atoms.sum())
    for table in (labels.values, labels.spreads):
        for name, values in table.items():
            expected = atoms if property_of(name).per_atom else frames
            if len(values) != expected:
                raise LimbeckError(f"labels: {name} has {len(values)} rows, expected {expected}")
    for name, values in (("id", labels.id), ("status", labels.status)):
        if len(values) != frames:
            raise LimbeckError(f"labels: {name} has {len(values)} rows, expected {frames}")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    # numpy scalars of attributes, which JSON does not take
    return value.item() if hasattr(value, "item") else value


def _read_array(file: h5py.File, name: str) -> np.ndarray:
    try:
        return file[name][()]
    except KeyError as error:
        raise LimbeckError(f"has no {name}, or it is damaged: {error}") from error
    except OSError as error:
        raise LimbeckError(f"{name} is damaged: {error}") from error


def _read_extra(file: h5py.File, of: str) -> dict[str, np.ndarray]:
    names = sorted(file[f"{of}/extra"]) if "extra" in list(file[of]) else []
    return {n: _read_array(file, f"{of}/extra/{n}") for n in names}
