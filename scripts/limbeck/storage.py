"""frames.h5: the one format between rules. Layout in docs/formats.md.

Strings are fixed-length bytes, chunks carry Fletcher32 checksums, and ``libver="latest"``
checksums the file's own structure, so that a flipped bit is an error and not a number.
Nothing is ever unpickled.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from limbeck import __version__
from limbeck.check.recipe import FOREIGN
from limbeck.check.seal import parsed_json
from limbeck.errors import LimbeckError, Unfit
from limbeck.files import whole_file
from limbeck.frames import (
    ATOM_DTYPES,
    FRAME_DTYPES,
    Frames,
    concatenate,
    frame_ids,
    offsets_of,
)
from limbeck.labels import Labels, concatenate_labels, meanings
from limbeck.properties import PROPERTIES, SPREAD, property_of

_T = TypeVar("_T")

FORMAT = "limbeck-frames"
VERSION = 1
#: what every label set had before files listed it
BEFORE_LISTS = ["energy", "forces", "stress", "energy_spread", "forces_spread"]
#: filters of HDF5 that are used here: shuffle, Fletcher32, and h5py's LZF
FILTERS = {h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_LZF}
#: LZF packs 264 bytes into 3 at best (its longest reference), so that all arrays together have at
#: most 88 bytes for each byte of their file
MOST_TIMES = 90
#: stages that drop frames that occur twice; a source may make one twice, and so may a sampling
WITHOUT_REPEATS = ("screen_structures", "select_frames")
#: what a property by point is called beside its points, in ``grids/{label set}``
VALUES = {"esp": "values"}
UNITS = {
    "cell": "Angstrom",
    "positions": "Angstrom",
    "charge": "e",
    "points": "Angstrom",
    **{name: PROPERTIES[of].unit for of, name in VALUES.items()},
}
#: attributes of arrays beside the unit, for whoever opens a file without this page at hand
SAID: dict[str, dict[str, str]] = {
    "cell": {"order": "[frame, vector, x y z]: rows are lattice vectors, zeros where isolated"},
    "charge": {"sign": "of the whole frame, positive where electrons are missing"},
    "spin": {"meaning": "number of unpaired electrons, the multiplicity less one"},
    "numbers": {"meaning": "atomic numbers"},
    "energy": {"meaning": "of the whole frame"},
    "forces": {"order": "[atom, x y z]", "sign": "minus the gradient of the energy"},
    "stress": {
        "order": "xx yy zz yz xz xy",
        "sign": "positive under tension, as ASE: the derivative of the energy with respect to "
        "strain over the volume; pressure is minus a third of xx + yy + zz",
    },
    "dipole": {
        "order": "[frame, x y z]",
        "sign": "from negative to positive, about the centre of nuclear charge",
    },
    "points": {"order": "[point, x y z]", "meaning": "points around frames, which turn with them"},
    "offsets": {"meaning": "where the points of each frame begin, and the last one's end"},
    "values": {
        "meaning": "electrostatic potential of nuclei and electrons at the points",
        "sign": "energy of a positive unit charge",
    },
    "hessian_directions": {
        "order": "[atom, direction, x y z]",
        "meaning": "vectors in the coordinates of the frame, of root mean square length 1 an atom; "
        "zeros where there is no product",
    },
    "hessian_products": {
        "order": "[atom, direction, x y z]",
        "sign": "second derivatives of the energy times the direction, minus what it changes the "
        "forces by",
    },
}
LAYOUT = {
    "frames": "row b is frame b, from 0",
    "arrays": "one row for each structure, or for all of them end to end",
    "atoms": "atoms of all frames, one frame after another: frame b has the rows from "
    "sum(frames/n_atoms[:b]) up to but not including sum(frames/n_atoms[:b + 1])",
    "grids": "points of all frames, one frame after another: frame b has the rows from offsets[b] "
    "up to but not including offsets[b + 1]",
}


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
        _check_points(path, frames, labels or {})
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


def write_arrays(
    path: str | Path, arrays: Mapping[str, np.ndarray], *, stage: str, settings: Any, recipe: str
) -> None:
    """Write arrays that are no frames as one whole file; read them with :func:`read_arrays`.

    Args:
        stage, settings, recipe: as in :func:`write_frames`.
    """
    with _writing(path) as file:
        _write_header(file, stage, settings, recipe)
        for name, values in arrays.items():
            _write_array(file, f"arrays/{name}", values)


def read_arrays(path: str | Path, dtypes: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Read arrays of these names and types.

    Raises:
        LimbeckError: the file is missing, damaged, or has not these arrays.
    """
    with _open(path) as file:
        return {name: file.array(f"arrays/{name}", dtype) for name, dtype in dtypes.items()}


def read_frames(path: str | Path) -> Frames:
    """Read all frames of one file.

    Raises:
        LimbeckError: the file is missing, damaged, or of another format or version; it holds what
            Limbeck never writes, or promises more than its size allows; or an id is not that of
            its atoms.
    """
    with _open(path) as file:
        values: dict[str, Any] = {}
        for name, dtype in FRAME_DTYPES.items():
            values[name] = file.array(f"frames/{name}", dtype)
        for name, dtype in ATOM_DTYPES.items():
            values[name] = file.array(f"atoms/{name}", dtype)
        for of, name in (("frames", "extra"), ("atoms", "atom_extra")):
            values[name] = {n: file.array(f"{of}/extra/{n}") for n in file.names(f"{of}/extra")}
        frames = Frames(**values)
        _check_ids(frames)
        if file.attributes("/").get("stage") in WITHOUT_REPEATS:
            _check_repeats(frames.id)
        _check_infos(frames)
        return frames


def read_labels(path: str | Path, label_set: str) -> Labels:
    """Read the labels of one label set.

    Raises:
        LimbeckError: as :func:`read_frames`, or the file has no such label set, or the same frame
            twice.
    """
    with _open(path) as file:
        found = file.names("labels")
    if label_set not in found:
        raise LimbeckError(f"{path}: no label set {label_set!r}, it has {found}")
    with _open(path) as file:
        where = f"labels/{label_set}"
        # Files written before the list was kept have exactly these.
        names = file.json(where, "arrays", list, BEFORE_LISTS)
        for name in names:
            property_of(str(name).removesuffix(SPREAD))
        arrays = {n: file.array(_place(label_set, n)) for n in names}
        points = _points(file, label_set)
        labels = Labels(
            id=file.array("frames/id", FRAME_DTYPES["id"]),
            n_atoms=file.array("frames/n_atoms", FRAME_DTYPES["n_atoms"]),
            status=file.array(f"{where}/status", np.uint8),
            values={n: v for n, v in arrays.items() if not n.endswith(SPREAD)},
            spreads={n.removesuffix(SPREAD): v for n, v in arrays.items() if n.endswith(SPREAD)},
            attrs=file.json(where, "settings", dict),
            **points,
        )
        _check_rows(labels)
        _check_repeats(labels.id)  # frames that are labelled were selected, each once
        return labels


def label_sets(path: str | Path) -> list[str]:
    """Names of the label sets of a file, sorted."""
    with _open(path) as file:
        return file.names("labels")


def read_header(path: str | Path) -> dict[str, Any]:
    """The file's own attributes: stage, settings, version of Limbeck, number of frames."""
    with _open(path) as file:
        return file.attributes("/") | {"count": file.dataset("frames/id").shape[0]}


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


def _check_points(path: str | Path, frames: Frames, labels: Mapping[str, Labels]) -> None:
    """Points are kept with the labels that are of them."""
    if len(frames.points) and not any(
        np.array_equal(frames.n_points, each.n_points)
        and np.array_equal(frames.points, each.points)
        for each in labels.values()
    ):
        raise LimbeckError(f"{path}: frames have points around them that no label set is of")


def _place(label_set: str, array: str) -> str:
    """Where an array of a label set stands: one by point beside its points."""
    name = array.removesuffix(SPREAD)
    if property_of(name).per != "point":
        return f"labels/{label_set}/{array}"
    return f"grids/{label_set}/{array.replace(name, VALUES[name])}"


def _points(file: "_Reader", label_set: str) -> dict[str, np.ndarray]:
    """``n_points`` and ``points`` of a label set, none where it has no such group.

    Raises:
        LimbeckError: they do not fit together.
    """
    if label_set not in file.names("grids"):
        return {}
    offsets = file.array(f"grids/{label_set}/offsets", np.int64)
    points = file.array(f"grids/{label_set}/points", np.float64)
    counts = np.diff(offsets)
    whole = len(offsets) and offsets[0] == 0 and (counts >= 0).all() and offsets[-1] == len(points)
    if not whole or points.shape[1:] != (3,):
        raise LimbeckError(
            f"grids/{label_set}: offsets do not fit to points of shape {points.shape}, expected "
            "them to rise from 0 to the number of rows of three"
        )
    return {"n_points": counts.astype(np.int32), "points": points}


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
    # of a part without points as well: it has their properties, with no rows
    if len(labels.points) or any(property_of(n).per == "point" for n in labels.values):
        _write_array(file, f"grids/{label_set}/offsets", offsets_of(labels.n_points))
        _write_array(file, f"grids/{label_set}/points", labels.points)
    for name, values in (labels.values | spreads).items():
        _write_array(file, _place(label_set, name), values)
    _write_array(file, f"labels/{label_set}/status", labels.status)
    group = file[f"labels/{label_set}"]
    # a list, so that one that goes missing is missed
    group.attrs["arrays"] = np.bytes_(json.dumps([*labels.values, *spreads]).encode())
    group.attrs["settings"] = np.bytes_(json.dumps(labels.attrs, sort_keys=True).encode())
    group.attrs["status_codes"] = np.bytes_(json.dumps(meanings()).encode())


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
    for key, text in _said_of(name).items():
        dataset.attrs[key] = np.bytes_(text)


def _said_of(path: str) -> dict[str, str]:
    """What an array says of itself: unit, order, sign, layout."""
    group, array = path.split("/", 1)[0], path.rsplit("/", 1)[-1]
    unit = _unit_of(array)
    if group == "labels":
        of = PROPERTIES.get(array.removesuffix(SPREAD))
        group = "atoms" if of and of.per_atom else "frames"
    if group == "grids" and array == "offsets":
        return SAID[array]
    own = {"meaning": "standard deviation over views"} if array.endswith(SPREAD) else {}
    return (
        ({"unit": unit} if unit else {}) | (own or SAID.get(array, {})) | {"layout": LAYOUT[group]}
    )


def _unit_of(array: str) -> str:
    name = array.removesuffix(SPREAD)
    return PROPERTIES[name].unit if name in PROPERTIES else UNITS.get(array, "")


class _Reader:
    """What Limbeck writes into a file, and nothing else, in memory that the file's size bounds.

    HDF5 can point to other files, by links, external storage and virtual data sets, load filters
    from other libraries, and promise any shape.
    """

    def __init__(self, file: h5py.File, size: int) -> None:
        """``size``: of the file, in bytes."""
        self._file = file
        self._left = MOST_TIMES * size

    def names(self, where: str) -> list[str]:
        """Names in a group, sorted; none where there is no such group."""
        above, _, last = where.rpartition("/")
        # looked up in the list: a damaged entry would count as missing otherwise
        return sorted(self._group(where)) if last in list(self._group(above)) else []

    def dataset(self, where: str) -> h5py.Dataset:
        """A data set that is not read yet.

        Raises:
            LimbeckError: there is none, or it is not as Limbeck writes them.
        """
        found = self._at(where)
        if not isinstance(found, h5py.Dataset):
            raise LimbeckError(f"{where} is a {type(found).__name__.lower()}, expected an array")
        if found.is_virtual or found.external:
            raise LimbeckError(f"{where} is kept in another file, expected an array in this one")
        filters = {found.id.get_create_plist().get_filter(n)[0] for n in range(_filters(found))}
        if not filters <= FILTERS:
            raise LimbeckError(f"{where} has the filters {sorted(filters)}, expected LZF alone")
        if found.dtype.kind not in "biufS" or found.shape is None:
            raise LimbeckError(f"{where} is of type {found.dtype}, expected numbers or bytes")
        # whole chunks are unpacked, also where little of one is used
        rows = max(math.prod(found.shape), math.prod(found.chunks or ()))
        if rows * found.dtype.itemsize > self._left:
            raise LimbeckError(f"{where} has shape {found.shape}, which no file of its size holds")
        return found

    def array(self, where: str, dtype: Any = None) -> np.ndarray:
        """An array.

        Args:
            dtype: the type that it has to have; of bytes the length may be another.

        Raises:
            LimbeckError: as :meth:`dataset`, or it is damaged.
        """
        try:
            found = self.dataset(where)
            kind = found.dtype if dtype is None else np.dtype(dtype)
            if found.dtype.kind != kind.kind or (kind.kind != "S" and found.dtype != kind):
                raise LimbeckError(f"{where} is of type {found.dtype}, expected {kind}")
            self._left -= found.nbytes
            return found[()]
        except KeyError as error:
            raise LimbeckError(f"has no {where}, or it is damaged: {error}") from error
        except OSError as error:
            raise LimbeckError(f"{where} is damaged: {error}") from error

    def attributes(self, where: str) -> dict[str, Any]:
        """The attributes of a group: text and numbers.

        Raises:
            LimbeckError: one is of another type, or larger than the file.
        """
        found = self._group(where).attrs
        return {name: self._attribute(found, name) for name in found}

    def json(self, where: str, name: str, kind: type[_T], default: _T | None = None) -> _T:
        """An attribute that is JSON.

        Raises:
            LimbeckError: it is missing and there is no default, it is no JSON, or of another kind.
        """
        found = self._group(where).attrs
        if name not in found and default is not None:
            return default
        try:
            value = parsed_json(self._attribute(found, name))
        except (TypeError, ValueError) as error:
            raise LimbeckError(f"{where}: {name} is no JSON: {error}") from error
        if not isinstance(value, kind):
            raise LimbeckError(f"{where}: {name} {value!r:.80}, expected a {kind.__name__}")
        return value

    def _attribute(self, attributes: h5py.AttributeManager, name: str) -> Any:
        one = attributes.get_id(name)
        size = one.dtype.itemsize * math.prod(one.shape)
        if one.dtype.kind not in "biufS" or size > self._left:
            raise LimbeckError(f"attribute {name} is {one.dtype} {one.shape}, expected a text")
        return _plain(attributes[name])

    def _group(self, where: str) -> h5py.Group:
        found = self._at(where)
        if not isinstance(found, h5py.Group):
            raise LimbeckError(f"{where} is no group")
        return found

    def _at(self, where: str) -> Any:
        """What stands at a place, each step to it a plain link."""
        found: Any = self._file
        for part in where.strip("/").split("/") if where.strip("/") else []:
            if not isinstance(found, h5py.Group):
                raise KeyError(where)
            link = found.get(part, getlink=True)
            if link is not None and not isinstance(link, h5py.HardLink):
                raise LimbeckError(f"{where} is a link, expected what it links to")
            found = found[part]
        return found


def _filters(dataset: h5py.Dataset) -> int:
    return dataset.id.get_create_plist().get_nfilters()


@contextmanager
def _open(path: str | Path) -> Iterator[_Reader]:
    """The open file; whatever goes wrong with it becomes an error that names it."""
    if not Path(path).is_file():
        raise LimbeckError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            whole = _Reader(file, Path(path).stat().st_size)
            _check_format(whole)
            yield whole
    except LimbeckError as error:
        raise Unfit(path, str(error)) from error
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:  # all of h5py's
        raise Unfit(path, f"not a readable HDF5 file: {error}") from error


def _check_format(file: _Reader) -> None:
    try:
        header = file.attributes("/")
    except LimbeckError as error:
        raise LimbeckError(f"expected format {(FORMAT, VERSION)}: {error}") from error
    found = (header.get("format", ""), header.get("version", -1))
    if found != (FORMAT, VERSION):
        raise LimbeckError(f"expected format {(FORMAT, VERSION)}, found {found}")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    # numpy scalars of attributes, which JSON does not take
    return value.item() if isinstance(value, np.generic) else value


def _check_ids(frames: Frames) -> None:
    """An id is the hash of a frame's atoms: another one is of other atoms."""
    wrong = np.flatnonzero(frames.id != frame_ids(frames))
    if len(wrong):
        b = int(wrong[0])
        raise LimbeckError(
            f"frame {b}: its id {frames.id[b].decode(errors='replace')} is not that of its atoms, "
            f"and so with {len(wrong)} of {len(frames)} frames"
        )


def _check_repeats(ids: np.ndarray) -> None:
    if len(set(ids.tolist())) < len(ids):
        values, counts = np.unique(ids, return_counts=True)
        twice = values[counts > 1][0].decode(errors="replace")
        raise LimbeckError(f"frame {twice} stands in it more than once, expected each frame once")


def _check_infos(frames: Frames) -> None:
    # Most frames of a shard differ in their info, if at all, by a number: each text once.
    for info in set(frames.info.tolist()):
        try:
            whole = isinstance(parsed_json(info or b"{}"), dict)
        except ValueError:
            whole = False
        if not whole:
            b = int(np.flatnonzero(frames.info == info)[0])
            raise LimbeckError(f"frame {b}: its info is {info!r:.80}, expected a JSON mapping")


def _check_rows(labels: Labels) -> None:
    if (labels.n_atoms < 0).any():
        raise LimbeckError(f"labels: n_atoms {labels.n_atoms.min()}, expected none below 0")
    if labels.n_points.shape != labels.n_atoms.shape:
        points, frames = len(labels.n_points), len(labels.n_atoms)
        raise LimbeckError(f"labels: points of {points} frames, expected {frames}")
    for table, is_value in ((labels.values, True), (labels.spreads, False)):
        for name, values in table.items():
            kind = property_of(name)
            if values.dtype.kind != "f":
                raise LimbeckError(f"labels: {name} is of type {values.dtype}, expected floats")
            expected = kind.of(labels.counts)
            if len(values) != expected:
                raise LimbeckError(f"labels: {name} has {len(values)} rows, expected {expected}")
            shape = kind.shape if is_value else values.shape[1:]
            if is_value and kind.several:
                shape = (*values.shape[1:2], *shape)
            if values.shape[1:] != shape:
                raise LimbeckError(
                    f"labels: {name} has shape {values.shape}, expected {(expected, *shape)}"
                )
    for name, values in (("id", labels.id), ("status", labels.status)):
        if values.shape != labels.n_atoms.shape:
            expected = len(labels.n_atoms)
            raise LimbeckError(f"labels: {name} has {len(values)} rows, expected {expected}")
