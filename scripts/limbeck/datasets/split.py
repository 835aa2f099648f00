"""Data sets: frames with labels, split so that no group (or root, or frame) stands in two parts."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
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
    test set, the next ones the validation set. Passed over are those with an element that no other
    group left has, since a student cannot answer for an element that it never saw. A part that is
    asked for gets at least one group of each source that has enough of them. Where validation
    would get fewer than :data:`ENOUGH_GROUPS` groups of a source, one odd compound among them
    would choose the epoch: it takes roots of the training groups instead (:func:`validated_by`
    says where), but not of groups that a user's file names, while it gets one of them. A test set
    that leaves nothing to validate gives way to a single group that does. The split depends on the
    frames alone, so that all label sets, teachers and students share it.

    Returns:
        "train", "valid", "test" -> int64 indices, ascending.

    Raises:
        LimbeckError: ``split_by`` is none of these.
    """
    if split_by not in ("group", "root", "frame"):
        raise LimbeckError(f"split_by: expected group, root or frame, got {split_by!r}")
    keys = _sampled_frames(frames) if split_by == "frame" else getattr(frames, split_by)

    def validated(tested: np.ndarray) -> np.ndarray:
        rest, units = frames.select(~tested), keys[~tested]
        if split_by == "group":
            units = _groups_or_roots(rest, valid_fraction, seed)
        found = np.zeros(len(frames), dtype=bool)
        found[~tested] = _first_ones(rest, units, valid_fraction, seed)
        return found

    tested = _first_ones(frames, keys, test_fraction, seed)
    valid = validated(tested)
    if valid_fraction > 0 and tested.any() and not valid.any():
        fewer = ((one, validated(one)) for one in _single_ones(frames, keys, seed))
        tested, valid = next((both for both in fewer if both[1].any()), (tested, valid))
    parts = np.select([tested, valid], ["test", "valid"], "train")
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


def _groups_or_roots(rest: Frames, valid_fraction: float, seed: int) -> np.ndarray:
    """What is kept together in validation: groups, or roots where a source has too few groups for
    it. bytes [B], of the frames that the test set leaves."""
    taken = _first_ones(rest, rest.group, valid_fraction, seed)
    own = np.array([b'"own_group": true' in info for info in rest.info.tolist()], dtype=bool)
    few = []
    for source in np.unique(rest.source):
        here = rest.source == source
        # Groups that a user named stay whole, as trajectories have to, where there are any to spare
        enough = 1 if own[here].any() else ENOUGH_GROUPS
        if len(np.unique(rest.group[here & taken])) < enough:
            few.append(source)
    by_root = np.isin(rest.group, rest.group[np.isin(rest.source, few)])
    return np.where(by_root, rest.root, rest.group)


def _first_ones(frames: Frames, keys: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """bool [B]: frames of the first keys of each source, as many as the fraction says, of those
    that leave all their elements to others. A key that two sources share goes where the first one
    puts it."""
    elements = _elements_of(frames, keys)
    left = Counter(chain.from_iterable(elements.values()))
    chosen: dict[bytes, bool] = {}
    for name in np.unique(frames.source):
        # A hash, not a shuffle: a group that is added moves only few of the others between parts.
        members = sorted(np.unique(keys[frames.source == name]).tolist(), key=partial(_place, seed))
        wanted = share_of(fraction, len(members))
        for key in members:
            if key not in chosen:
                chosen[key] = wanted > 0 and all(left[e] > 1 for e in elements[key])
                left.subtract(elements[key] if chosen[key] else ())
            wanted -= chosen[key]
    return np.array([chosen[key] for key in keys.tolist()], dtype=bool)


def _single_ones(frames: Frames, keys: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Test sets of one key, one after another: bool [B] each. They leave their elements and a part
    of their source to others."""
    elements = _elements_of(frames, keys)
    left = Counter(chain.from_iterable(elements.values()))
    for key in sorted(elements, key=partial(_place, seed)):
        alone = keys == key
        others = np.isin(frames.source[~alone], frames.source[alone]).any()
        if others and all(left[e] > 1 for e in elements[key]):
            yield alone


def _place(seed: int, key: bytes) -> bytes:
    return hashlib.sha256(f"{seed}/".encode() + key).digest()


def _sampled_frames(frames: Frames) -> np.ndarray:
    """Id of the frame that each was cut out of, its own where it was not. bytes [B]."""
    cut_out_of = [frames.info_of(b).get("frame", "").encode() for b in range(len(frames))]
    return np.array(
        [name or own for name, own in zip(cut_out_of, frames.id.tolist(), strict=True)],
        dtype=frames.id.dtype,
    )


def _elements_of(frames: Frames, keys: np.ndarray) -> dict[bytes, list[int]]:
    """Atomic numbers that occur in the frames of each key."""
    names, place = np.unique(keys, return_inverse=True)
    elements: dict[bytes, list[int]] = {name: [] for name in names.tolist()}
    # of a place and a number one integer, of which each is wanted once
    both = np.unique(place[frames.frame_of_atom].astype(np.int64) * 256 + frames.numbers)
    for at, number in zip(*(part.tolist() for part in np.divmod(both, 256)), strict=True):
        elements[names[at]].append(number)
    return elements


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
