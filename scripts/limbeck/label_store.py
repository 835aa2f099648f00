"""The label store: answers that were paid for once, shared by all runs.

A cache of write-once files. An entry holds a few consecutive batches of one label job; its name
is a hash of all that its bits depend on, among it the frames in their order and how they are cut
into batches. It is read whole or made whole: to make only the frames that are missing would change
the last bits of the others. No locks are needed: two jobs that make the same entry write the same
bits, and the first one stays. To delete the folder costs only time.
"""

import hashlib
import json
import logging
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from limbeck import storage
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.labels import Labels
from limbeck.views import Views

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)

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
        self._key = {
            "model": about.model,
            "weights": about.weights,
            "dtype": about.dtype,
            "device": potential.device.type,
            "threads": threads,
            "torch": torch.__version__,
            "code": code_hash(),
            **views.attributes(),
        }

    def path(self, ids: np.ndarray, lengths: list[int]) -> Path:
        """Where the entry of these frames stands.

        Args:
            ids: bytes [B], in the order of evaluation.
            lengths: frames of each batch.
        """
        content = self._key | {"ids": [i.decode() for i in ids.tolist()], "batches": lengths}
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return self.folder / key[:2] / f"{key}.h5"

    def read(self, frames: Frames, lengths: list[int]) -> Labels | None:
        """The entry of these frames; None where there is none, or a damaged one, which goes."""
        path = self.path(frames.id, lengths)
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

    def write(self, labels: Labels, lengths: list[int]) -> None:
        """Keep the labels of one entry; what is there already stays."""
        path = self.path(labels.id, lengths)
        # What a loss of power leaves half written is noticed by its checksums, and made anew.
        storage.write_labels(path, ENTRY, labels, durable=False)
        self.made_entries += 1


def _check_frames(path: Path, labels: Labels, frames: Frames) -> None:
    same = np.array_equal(labels.id, frames.id) and np.array_equal(labels.n_atoms, frames.n_atoms)
    if not same:
        raise LimbeckError(f"{path}: labels of other frames")


@lru_cache
def code_hash() -> str:
    """SHA-256 of the modules that an answer passes through: other code, other entries."""
    package = Path(__file__).parent
    modules = [*package.glob("potentials/*.py"), *package.glob("symmetry/*.py")]
    modules += [package / f"{name}.py" for name in ("averaging", "labelling", "views")]
    digest = hashlib.sha256()
    for path in sorted(modules):
        digest.update(f"{path.relative_to(package).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()
