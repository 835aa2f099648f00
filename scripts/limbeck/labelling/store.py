"""The label store: answers that were paid for once, shared by all runs.

This is a cache of write-once files. An entry holds a few consecutive batches of one label job. Its
name is a hash of what its labels mean: the frames in their order, how they are cut into batches,
the matrices that they are rotated by, the weights of the model, and the packages and device that
compute. An entry is read as a whole or made as a whole: computing only the missing frames would
change the last bits of the others. Frames without an answer stand in it with their status, and are
asked about alone, which makes an entry of their own. No locks are needed. Two jobs that make the
same entry write the same bits, and the first file stays. Deleting the folder costs only time, and
one that cannot be read or written costs no more: there is a warning, and the labels are made.

Source code is not part of the name, so that a changed comment costs no labels. A change of code
that changes labels has to raise :data:`LABELS_VERSION`; golden labels in the tests say when.
"""

import hashlib
import json
import logging
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck import storage
from limbeck.averaging.views import Views
from limbeck.config.sections.known import KINDS
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.labels import Labels

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)

#: Raise it by hand where labels change for the same frames, views, weights and packages:
#: ``tests/unit/labelling/test_golden_labels.py`` fails then. Entries of others are never read.
LABELS_VERSION = 4
#: name of the label set inside an entry's file
ENTRY = "entry"


class LabelStore:
    """The entries of one potential and one choice of views.

    Attributes:
        read_entries, made_entries: how many were there, and how many were written.
    """

    def __init__(
        self, folder: str | Path, potential: "Potential[Any]", views: Views, threads: int
    ) -> None:
        """A store in ``folder``, which need not be there yet; nothing is opened."""
        about = potential.about
        self.folder = Path(folder)
        self.read_entries = self.made_entries = 0
        self._warned: set[str] = set()
        self._views = views
        self._key = {
            "labels_version": LABELS_VERSION,
            "model": about.model,
            "weights": about.weights,
            "dtype": about.dtype,
            # the kind, not the number: GPUs of one machine count as alike
            "device": potential.device.type,
            "threads": threads,
            "packages": packages(about.model),
        }
        if about.on_request:  # what others answer with every call is part of what they are
            self._key["properties"] = list(about.properties)

    def path(self, frames: Frames, lengths: list[int]) -> Path:
        """Path of the entry of these frames.

        Args:
            frames: in the order of evaluation.
            lengths: frames of each batch.
        """
        views = self._views
        content = self._key | {
            "frames": _digest(
                frames.n_atoms,
                frames.numbers,
                frames.positions,
                frames.cell,
                frames.pbc,
                frames.charge,
                frames.spin,
            ),
            # The last bits of an answer depend on the batch it was computed in.
            "batches": lengths,
            # a batch that is not turned at all has other last bits than one turned by nothing
            "as_given": views.as_given,
            "matrices": _digest(views.operations(frames)),
            "view_weights": _digest(views.weights),
            "spread_factor": repr(views.spread_factor),
        }
        if len(frames.points):
            content["points"] = _digest(frames.n_points, frames.points)
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return self.folder / key[:2] / f"{key}.h5"

    def read(self, frames: Frames, lengths: list[int]) -> Labels | None:
        """The entry of these frames, or None. A damaged entry is deleted."""
        path = self.path(frames, lengths)
        try:
            if not path.exists():
                return None
            found = storage.read_labels(path, ENTRY)
            _check_frames(path, found, frames)
        except LimbeckError as error:
            log.warning("label store: %s; it is made anew", error)
            self._remove(path)
            return None
        except OSError as error:
            self._warn("cannot be read", error)
            return None
        self.read_entries += 1
        return found

    def write(self, frames: Frames, labels: Labels, lengths: list[int]) -> None:
        """Keep the labels of one entry, where that can be done; what is there already stays."""
        path = self.path(frames, lengths)
        try:
            # What a loss of power leaves half written is noticed by its checksums, and made anew.
            storage.write_entry(path, ENTRY, labels)
        except (OSError, LimbeckError) as error:
            self._warn("cannot be written", error)
        else:
            self.made_entries += 1

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:  # a folder in its place, or no right to
            self._warn("cannot be mended", error)

    def _warn(self, what: str, error: Exception) -> None:
        """Say so once: of what holds for one entry, thousands would say the same."""
        if what not in self._warned:
            self._warned.add(what)
            log.warning("label store: %s %s (%s); going on without", self.folder, what, error)


def _check_frames(path: Path, labels: Labels, frames: Frames) -> None:
    same = np.array_equal(labels.id, frames.id) and np.array_equal(labels.n_atoms, frames.n_atoms)
    if not same:
        raise LimbeckError(f"{path}: labels of other frames")


def packages(model: str) -> list[str]:
    """torch, and the packages that a kind of model is of, each with its version."""
    own = KINDS[model].distributions if model in KINDS else ()
    return [f"{name}=={_version(name)}" for name in ("torch", *own)]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _digest(*arrays: np.ndarray) -> str:
    """SHA-256 of the shapes and bits of arrays, in their order."""
    digest = hashlib.sha256()
    for array in arrays:
        # With the shapes, or arrays of other shapes and the same bytes would have one name.
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
