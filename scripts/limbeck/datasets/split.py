"""Data sets: frames with labels, split so that no group (or root, or frame) stands in two parts."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Literal

import numpy as np

from limbeck import storage
from limbeck.config.jobs import Split
from limbeck.config.sections.datasets import PARTS, TESTS, DatasetSettings
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.labels import Labels, select_labels
from limbeck.properties import Values, select
from limbeck.reasons import Status
from limbeck.structures.chemistry import near_copies

#: An epoch is chosen on at least so many groups of a source, or else on roots of many groups.
ENOUGH_GROUPS = 5
#: groups that a warning names
MOST_NAMED = 8
#: What a key takes with it when it leaves the training set: its elements, and its group.
Needs = dict[bytes, list[int | bytes]]


@dataclass(frozen=True)
class Dataset:
    """Frames and their labels, in the same order.

    Attributes:
        hard: energy and forces of a reference, of all frames, see :mod:`limbeck.datasets.hard`;
            None where there is none.
    """

    frames: Frames
    labels: Labels
    hard: Values | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def select(self, index: np.ndarray) -> "Dataset":
        """The frames and labels at ``index``, in that order."""
        frames, labels = self.frames.select(index), select_labels(self.labels, index)
        if self.hard is None:
            return Dataset(frames, labels)
        rows = self.frames.rows(np.arange(len(self))[index])
        return Dataset(frames, labels, select(self.hard, rows))


def split(
    frames: Frames,
    *,
    valid_fraction: float,
    test_known_fraction: float,
    test_new_fraction: float,
    split_by: Literal["group", "root", "frame"],
    seed: int,
) -> dict[str, np.ndarray]:
    """Indices of the training, validation and test frames.

    A student is asked two questions: how it does on chemistry that it knows (``test_known``: other
    roots of groups that are trained on), and on chemistry that it never saw (``test_new``: groups
    of which no frame is in another part). Only a split by "group" has new chemistry. By "frame",
    ``test_known`` is of other frames, perhaps of a trajectory that is trained on; a frame and all
    clusters that were cut out of it (their info names it) stay together.

    In each source, groups are ordered by a hash of their name and the seed. The first ones are
    ``test_new``, the next ones the validation set. Passed over are those with an element that no
    other group left has, since a student cannot answer for an element that it never saw. A part
    that is asked for gets at least one group of each source that has enough of them. Where
    validation would get fewer than :data:`ENOUGH_GROUPS` groups of a source, one odd compound among
    them would choose the epoch: it takes roots of the training groups instead
    (:func:`validated_by` says where), but not of groups that a user's file names, while it gets one
    of them. A test set that leaves nothing to validate gives way to a single group that does.
    ``test_known`` takes roots of what is left then, in turn from each group, and leaves at least
    one of each. The split depends on the frames alone, so that all label sets, teachers and
    students share it.

    Returns:
        Each of :data:`PARTS` -> int64 indices, ascending.

    Raises:
        LimbeckError: ``split_by`` is none of these.
    """
    if split_by not in ("group", "root", "frame"):
        raise LimbeckError(f"split_by: expected group, root or frame, got {split_by!r}")
    by_group = split_by == "group"
    keys = _sampled_frames(frames) if split_by == "frame" else frames.root
    groups = set(frames.group.tolist())

    def validated(tested: np.ndarray) -> np.ndarray:
        rest, units = frames.select(~tested), keys[~tested]
        if by_group:
            units = _groups_or_roots(rest, valid_fraction, seed)
        known = set(frames.group[tested].tolist())
        return _spread(_first_ones(rest, units, valid_fraction, seed, known), ~tested)

    if by_group:
        tested = _first_ones(frames, frames.group, test_new_fraction, seed)
        single = _single_ones(frames, frames.group, seed)
    else:
        tested = _first_ones(frames, keys, test_known_fraction, seed, groups)
        single = _single_ones(frames, keys, seed, groups)
    valid = validated(tested)
    if valid_fraction > 0 and tested.any() and not valid.any():
        fewer = ((one, validated(one)) for one in single)
        tested, valid = next((both for both in fewer if both[1].any()), (tested, valid))
    parts = np.full(len(frames), "train", dtype=object)
    parts[valid] = "valid"
    parts[tested] = "test_new" if by_group else "test_known"
    if by_group:
        rest = parts == "train"
        of_rest = _first_ones(frames.select(rest), keys[rest], test_known_fraction, seed, groups)
        parts[_spread(of_rest, rest)] = "test_known"
    return {part: np.flatnonzero(parts == part) for part in PARTS}


def _spread(chosen: np.ndarray, where: np.ndarray) -> np.ndarray:
    """bool [B] from one of those frames alone that a mask [B] has."""
    found = np.zeros(len(where), dtype=bool)
    found[where] = chosen
    return found


def tests(parts: Mapping[str, np.ndarray]) -> np.ndarray:
    """Indices of all test frames, of known and new chemistry, ascending."""
    return np.sort(np.concatenate([parts[part] for part in TESTS]))


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


def _first_ones(
    frames: Frames, keys: np.ndarray, fraction: float, seed: int, kept: Collection[bytes] = ()
) -> np.ndarray:
    """bool [B]: frames of the first keys of each source, as many as the fraction says, of those
    that leave all their elements, and their group where it is one of ``kept``, to others. The first
    key of each group comes before the second of any. A key that two sources share goes where the
    first one puts it."""
    needs = _needs(frames, keys, kept)
    left = Counter(chain.from_iterable(needs.values()))
    chosen: dict[bytes, bool] = {}
    for name in np.unique(frames.source):
        here = frames.source == name
        members = _in_turn(keys[here], frames.group[here], seed)
        wanted = share_of(fraction, len(members))
        for key in members:
            if key not in chosen:
                chosen[key] = wanted > 0 and all(left[need] > 1 for need in needs[key])
                left.subtract(needs[key] if chosen[key] else ())
            wanted -= chosen[key]
    return np.array([chosen[key] for key in keys.tolist()], dtype=bool)


def _in_turn(keys: np.ndarray, groups: np.ndarray, seed: int) -> list[bytes]:
    """Keys, the first of each group before the second of any, and else by :func:`_place`: a hash,
    not a shuffle, so that a key that is added moves only few of the others between parts."""
    names, first = np.unique(keys, return_index=True)
    seen: Counter[bytes] = Counter()
    turns = []
    for key, group in sorted(
        zip(names.tolist(), groups[first].tolist(), strict=True), key=lambda k: _place(seed, k[0])
    ):
        turns.append((seen[group], key))
        seen[group] += 1
    return [key for _, key in sorted(turns, key=lambda turn: turn[0])]


def _single_ones(
    frames: Frames, keys: np.ndarray, seed: int, kept: Collection[bytes] = ()
) -> Iterator[np.ndarray]:
    """Test sets of one key, one after another: bool [B] each. They leave their elements, their
    group where it is one of ``kept``, and a part of their source to others."""
    needs = _needs(frames, keys, kept)
    left = Counter(chain.from_iterable(needs.values()))
    for key in sorted(needs, key=partial(_place, seed)):
        alone = keys == key
        others = np.isin(frames.source[~alone], frames.source[alone]).any()
        if others and all(left[need] > 1 for need in needs[key]):
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


def _needs(frames: Frames, keys: np.ndarray, kept: Collection[bytes]) -> Needs:
    """Atomic numbers that occur in the frames of each key, and its group where it is to be kept."""
    names, first, place = np.unique(keys, return_index=True, return_inverse=True)
    groups = zip(names.tolist(), frames.group[first].tolist(), strict=True)
    needs: Needs = {name: [group] if group in kept else [] for name, group in groups}
    # of a place and a number one integer, of which each is wanted once
    both = np.unique(place[frames.frame_of_atom].astype(np.int64) * 256 + frames.numbers)
    for at, number in zip(*(part.tolist() for part in np.divmod(both, 256)), strict=True):
        needs[names[at]].append(number)
    return needs


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
        test_known_fraction=job.dataset.test_known_fraction,
        test_new_fraction=job.dataset.test_new_fraction,
        split_by=job.dataset.split_by,
        seed=job.seed,
    )


def read_part(path: str, label_set: str) -> Dataset:
    """One part of a data set, as ``build_dataset`` wrote it; points of its labels are around its
    frames as well."""
    labels = storage.read_labels(path, label_set)
    frames = storage.read_frames(path).with_points(labels.n_points, labels.points)
    return Dataset(frames, labels)


def empty_tests(settings: DatasetSettings, parts: Mapping[str, Dataset]) -> Iterator[str]:
    """What has to be said of test sets that were asked for and have no frame."""
    if settings.test_known_fraction and not len(parts["test_known"]):
        unit = "frame" if settings.split_by == "frame" else "structure"
        yield f"test_known has no frames: no group has a second {unit} to be tested on"
    if settings.split_by == "group" and settings.test_new_fraction and not len(parts["test_new"]):
        yield "test_new has no frames: no group can be spared from training"


def in_training(groups: Sequence[str]) -> str:
    """What has to be said of test groups that have near copies in training, by name."""
    shown = ", ".join(groups[:MOST_NAMED]) + ", ..." * (len(groups) > MOST_NAMED)
    return (
        f"{len(groups)} group{'s' * (len(groups) > 1)} of test_new ({shown}) have structures "
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
    result["near_copies"] = near_copies(parts["test_new"].frames, parts["train"].frames)
    return result
