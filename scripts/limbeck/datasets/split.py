"""Data sets: frames with labels, split so that no group (or root, or frame) stands in two parts."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from limbeck import storage
from limbeck.config.jobs import Split
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.labels import Labels, select_labels
from limbeck.reasons import Status
from limbeck.structures.chemistry import near_copies

PARTS = ("train", "valid", "test")
#: An epoch is chosen on at least so many groups of a source, or else on roots of many groups.
ENOUGH_GROUPS = 5
#: groups that a warning names
MOST_NAMED = 8


@dataclass(frozen=True)
class Dataset:
    """Frames and their labels, in the same order."""

    frames: Frames
    labels: Labels

    def __len__(self) -> int:
        return len(self.frames)

    def select(self, index: np.ndarray) -> "Dataset":
        """The frames and labels at ``index``, in that order."""
        return Dataset(self.frames.select(index), select_labels(self.labels, index))


def split(
    frames: Frames,
    *,
    valid_fraction: float,
    test_fraction: float,
    split_by: Literal["group", "root", "frame"],
    seed: int,
) -> dict[str, np.ndarray]:
    """Indices of the training, validation and test frames.

    No group, no root or no frame of the test set is in another part, by ``split_by``. With "frame",
    a frame and all clusters that were cut out of it (their info names it) stay together, but other
    frames of its trajectory may be in other parts.

    In each source, groups are ordered by a hash of their name and the seed. The first ones are the
    test set, the next ones the validation set. A part that is asked for gets at least one group of
    each source that has enough of them. Where validation would have fewer than
    :data:`ENOUGH_GROUPS` groups of a source, one odd compound among them would choose the epoch: it
    takes roots of the training groups instead (:func:`validated_by` says where), but not of groups
    that a user's file names, while there are two of them. Groups with an
    element that no training group has are moved to training, since a student cannot answer for an
    element that it never saw. The split depends on the frames alone, so that all label sets,
    teachers and students share it.

    Returns:
        "train", "valid", "test" -> int64 indices, ascending.

    Raises:
        LimbeckError: ``split_by`` is none of these.
    """
    if split_by not in ("group", "root", "frame"):
        raise LimbeckError(f"split_by: expected group, root or frame, got {split_by!r}")
    keys = _sampled_frames(frames) if split_by == "frame" else getattr(frames, split_by)
    tested = _first_ones(frames.source, keys, test_fraction, seed)
    units = keys
    if split_by == "group" and valid_fraction > 0:
        by_root = np.isin(
            keys, keys[np.isin(frames.source, _few_groups(frames, tested, valid_fraction))]
        )
        units = np.where(by_root & ~tested, frames.root, keys)
    validated = np.zeros(len(frames), dtype=bool)
    validated[~tested] = _first_ones(frames.source[~tested], units[~tested], valid_fraction, seed)
    parts = np.select([tested, validated], ["test", "valid"], "train")
    part_of = dict(zip(units.tolist(), parts.tolist(), strict=True))
    _cover_elements(part_of, _elements_of(frames, units))
    parts = np.array([part_of[unit] for unit in units.tolist()])
    return {part: np.flatnonzero(parts == part) for part in PARTS}


def validated_by(frames: Frames, parts: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Source -> "group" or "root": whether its validation frames are of groups that no training
    frame is of, or of other roots of the same groups; of a split by group."""
    training = frames.group[parts["train"]]
    found = {}
    for source in np.unique(frames.source[parts["valid"]]):
        groups = frames.group[parts["valid"]][frames.source[parts["valid"]] == source]
        found[source.decode()] = "root" if np.isin(groups, training).any() else "group"
    return found


def _few_groups(frames: Frames, tested: np.ndarray, valid_fraction: float) -> list[bytes]:
    """Sources of which validation would have too few groups."""
    few = []
    own = [b'"own_group": true' in info for info in frames.info.tolist()]
    named = set(frames.source[np.array(own, dtype=bool)].tolist())
    for source in np.unique(frames.source):
        left = len(np.unique(frames.group[(frames.source == source) & ~tested]))
        share = share_of(valid_fraction, left)
        # Groups that a user named stay whole, as trajectories have to, where there are any to spare
        if left and share < (1 if source in named else ENOUGH_GROUPS):
            few.append(source)
    return few


def _first_ones(source: np.ndarray, keys: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """bool [B]: frames of the first keys of each source, as many as the fraction says. A key that
    two sources share goes where the first one puts it."""
    chosen: dict[bytes, bool] = {}
    for name in np.unique(source):
        # A hash, not a shuffle: a group that is added moves only few of the others between parts.
        members = sorted(np.unique(keys[source == name]).tolist(), key=partial(_place, seed))
        first = share_of(fraction, len(members))
        for place, key in enumerate(members):
            chosen.setdefault(key, place < first)
    return np.array([chosen[key] for key in keys.tolist()], dtype=bool)


def _place(seed: int, key: bytes) -> bytes:
    return hashlib.sha256(f"{seed}/".encode() + key).digest()


def _sampled_frames(frames: Frames) -> np.ndarray:
    """Id of the frame that each was cut out of, its own where it was not. bytes [B]."""
    cut_out_of = [frames.info_of(b).get("frame", "").encode() for b in range(len(frames))]
    return np.array(
        [name or own for name, own in zip(cut_out_of, frames.id.tolist(), strict=True)],
        dtype=frames.id.dtype,
    )


def _elements_of(frames: Frames, keys: np.ndarray) -> dict[bytes, set[int]]:
    """Atomic numbers that occur in each group."""
    elements: dict[bytes, set[int]] = {}
    for key, number in set(
        zip(keys[frames.frame_of_atom].tolist(), frames.numbers.tolist(), strict=True)
    ):
        elements.setdefault(key, set()).add(number)
    return elements


def _cover_elements(parts: dict[bytes, str], elements: dict[bytes, set[int]]) -> None:
    """Move groups to training until it has every element."""
    trained = set().union(*(elements[k] for k, part in parts.items() if part == "train"))
    for key in sorted(parts, key=lambda k: (parts[k] == "test", k)):  # rather from validation
        if elements[key] - trained:
            parts[key] = "train"
            trained |= elements[key]


def share_of(fraction: float, count: int) -> int:
    """How many of so many groups, roots or frames of a source a part gets."""
    # One group cannot be divided: training gets it.
    if fraction <= 0 or count < 2:
        return 0
    # at least one group, and never all of them
    return min(count - 1, max(1, round(fraction * count)))


def build(frames: Frames, labels: Labels, parts: dict[str, np.ndarray]) -> dict[str, Dataset]:
    """The parts of a split, without the frames whose label is not good, or that come twice."""
    if not np.array_equal(frames.id, labels.id):
        raise LimbeckError("labels and frames are not the same frames in the same order")
    # the first frame of each id
    _, first = np.unique(frames.id, return_index=True)
    keep = np.zeros(len(frames), dtype=bool)
    keep[first] = True
    keep &= labels.status == Status.GOOD
    whole = Dataset(frames, labels)
    return {part: whole.select(index[keep[index]]) for part, index in parts.items()}


def split_as(frames: Frames, job: Split) -> dict[str, np.ndarray]:
    """:func:`split` as a job asks for it."""
    return split(
        frames,
        valid_fraction=job.dataset.valid_fraction,
        test_fraction=job.dataset.test_fraction,
        split_by=job.dataset.split_by,
        seed=job.seed,
    )


def read_part(path: str, label_set: str) -> Dataset:
    """One part of a data set, as ``build_dataset`` wrote it."""
    return Dataset(storage.read_frames(path), storage.read_labels(path, label_set))


def in_training(groups: Sequence[str]) -> str:
    """What has to be said of test groups that have near copies in training, by name."""
    shown = ", ".join(groups[:MOST_NAMED]) + ", ..." * (len(groups) > MOST_NAMED)
    return (
        f"{len(groups)} group{'s' * (len(groups) > 1)} of the test set ({shown}) have structures "
        "of the same formula or molecule in training, under another group: errors on them are not "
        "of unseen chemistry"
    )


def split_counts(frames: Frames, labels: Labels, parts: dict[str, Dataset]) -> dict[str, Any]:
    """Numbers of frames, atoms, roots and groups of each part, of frames left out and why; names of
    the test groups whose chemistry is in training all the same."""
    result: dict[str, Any] = {
        name: {
            "frames": len(part),
            "atoms": len(part.frames.numbers),
            "roots": len(np.unique(part.frames.root)),
            "groups": len(np.unique(part.frames.group)),
        }
        for name, part in parts.items()
    }
    kept = sum(len(part) for part in parts.values())
    names = {
        "not_asked_for": Status.NOT_ASKED,
        "trained_on": Status.TRAINED_ON,
        "not_in_file": Status.NOT_IN_FILE,
    }
    unwanted = {name: int((labels.status == status).sum()) for name, status in names.items()}
    bad = int((labels.status != Status.GOOD).sum()) - sum(unwanted.values())
    duplicate = len(frames) - kept - bad - sum(unwanted.values())
    result["left_out"] = {"bad_label": bad, **unwanted, "duplicate": duplicate}
    result["near_copies"] = near_copies(parts["test"].frames, parts["train"].frames)
    return result
