"""The label store: answers that were paid for once, shared by all runs.

A cache of write-once files. An entry holds a few consecutive batches of one label job; its name is
a hash of what its labels mean: the frames in their order and how they are cut into batches, the
very matrices that they are turned by, the model's weights, and what calculates. It is read whole or
made whole: to make only the frames that are missing would change the last bits of the others. No
locks are needed: two jobs that make the same entry write the same bits, and the first one stays. To
delete the folder costs only time.

Source code is not in the name: a comment costs no labels. A change of code that changes labels
raises :data:`LABELS_VERSION`; the golden labels of the tests say when that is due.
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
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.labels import Labels
from limbeck.potentials.known import KINDS

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)

#: Raise it by hand where labels change for the same frames, views, weights and packages:
#: ``tests/unit/labelling/test_golden_labels.py`` fails then. Entries of others are never read.
LABELS_VERSION = 2
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
        self._views = views
        self._key = {
            "labels_version": LABELS_VERSION,
            "model": about.model,
            "weights": about.weights,
            "dtype": about.dtype,
            "device": potential.device.type,
            "threads": threads,
            "packages": packages(about.model),
        }

    def path(self, frames: Frames, lengths: list[int]) -> Path:
        """Where the entry of these frames stands.

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
            "batches": lengths,
            # a batch that is not turned at all has other last bits than one turned by nothing
            "as_given": views.as_given,
            "matrices": _digest(views.operations(frames)),
            "view_weights": _digest(views.weights),
            "spread_factor": repr(views.spread_factor),
        }
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return self.folder / key[:2] / f"{key}.h5"

    def read(self, frames: Frames, lengths: list[int]) -> Labels | None:
        """The entry of these frames; None where there is none, or a damaged one, which goes."""
        path = self.path(frames, lengths)
        if not path.exists():
            return None
        try:
            found = storage.read_labels(path, ENTRY)
            _check_frames(path, found, frames)
        except LimbeckError as error:
            log.warning("label store: %s; it is made anew", error)
            path.unlink(missing_ok=True)
            return None
        self.read_entries += 1
        return found

    def write(self, frames: Frames, labels: Labels, lengths: list[int]) -> None:
        """Keep the labels of one entry; what is there already stays."""
        path = self.path(frames, lengths)
        # What a loss of power leaves half written is noticed by its checksums, and made anew.
        storage.write_labels(path, ENTRY, labels, durable=False)
        self.made_entries += 1


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
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
