"""Which frames a potential was trained on: it does not label these.

On its own training inputs a potential's errors are smaller than elsewhere, and differ from one
orientation to another as no other frame's do: a mean over views can be worse there than the answer
as given. Frames are told by their ids, which are hashes of their atoms: a copy that was turned,
wrapped, put in another order or rounded is another frame. The id of a first structure (its frames'
``root``) stands for every frame that was made from it.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from limbeck.errors import LimbeckError
from limbeck.files import write_text
from limbeck.frames import Frames
from limbeck.storage import stream

#: ends the names of files of frames
HDF5 = ".h5"
_ID = re.compile("[0-9a-f]{32}")


def trained_ids(paths: Sequence[str] | None) -> frozenset[bytes]:
    """Ids of frames and of first structures in these files; none of None.

    Args:
        paths: text files with an id in each line (empty lines and what follows # are left out),
            or files of frames.

    Raises:
        LimbeckError: a file is missing, not readable, holds no id, or something else.
    """
    return frozenset(name for path in paths or () for name in _ids_of(Path(path)))


def was_trained_on(frames: Frames, ids: Collection[bytes]) -> np.ndarray:
    """Which frames are listed, or come from a structure that is. bool [B]."""
    listed = np.array([*ids], dtype=frames.id.dtype)
    return np.isin(frames.id, listed) | np.isin(frames.root, listed)


def _ids_of(path: Path) -> list[bytes]:
    if path.suffix == HDF5:
        found = np.concatenate([frames.id for frames in stream([path])]).tolist()
    else:
        found = _listed(path)
    if not found:
        raise LimbeckError(f"{path}: no id of a frame in it, expected those that were trained on")
    return found


def _listed(path: Path) -> list[bytes]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise LimbeckError(f"{path}: expected a text file of ids of frames: {error}") from error
    found = []
    for number, line in enumerate(lines, 1):
        name = line.split("#")[0].strip()
        if name and not _ID.fullmatch(name):
            raise LimbeckError(
                f"{path}: line {number}: {name[:40]!r}, expected the id of a frame or of its root, "
                "32 hexadecimal digits"
            )
        if name:
            found.append(name.encode())
    return found


def write_trained_ids(path: str | Path, ids: np.ndarray, about: str) -> None:
    """Write ids as :func:`trained_ids` reads them, sorted, each once.

    Args:
        ids: bytes [B].
        about: a line on top.
    """
    names = [name.decode() for name in np.unique(ids).tolist()]
    write_text(path, "\n".join([f"# {about}", *names]) + "\n")
