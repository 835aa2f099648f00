"""The gate between labels and data sets: are the labels fit to be learned?"""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

import numpy as np

from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.labels import Labels
from limbeck.reasons import STATUS, Status


def verdict(
    frames: Iterable[Frames], labels: Iterable[Labels], min_good_fraction: float
) -> dict[str, Any]:
    """Share of good labels by source against the least share asked for.

    Frames whose label was not asked for do not count.

    Args:
        frames, labels: shard by shard, in the same order.
        min_good_fraction: of the frames of each source.

    Returns:
        ``{"go": bool, "criteria": [{"name", "scope", "value", "threshold", "passed"}],
        "status": {meaning: count}}``

    Raises:
        LimbeckError: a shard's labels are missing, or of other frames.
    """
    good: dict[str, list[int]] = {}
    status = np.zeros(len(STATUS), dtype=int)
    for part, answer in _pairs(frames, labels):
        status += np.bincount(answer.status, minlength=len(STATUS))
        asked = answer.status != Status.NOT_ASKED
        for source in np.unique(part.source[asked]):
            found = answer.status[asked & (part.source == source)] == Status.GOOD
            counted = good.setdefault(source.decode(), [0, 0])
            counted[0] += int(found.sum())
            counted[1] += len(found)
    criteria = [
        _criterion(source, passed, count, min_good_fraction)
        for source, (passed, count) in sorted(good.items())
    ]
    return {
        # all() of nothing is true: without a labelled frame there is no go.
        "go": bool(criteria) and all(c["passed"] for c in criteria),
        "criteria": criteria,
        "status": {STATUS[i]: int(n) for i, n in enumerate(status)},
    }


def _pairs(frames: Iterable[Frames], labels: Iterable[Labels]) -> Iterator[tuple[Frames, Labels]]:
    for number, (part, answer) in enumerate(zip_longest(frames, labels)):
        if part is None or answer is None:
            raise LimbeckError("expected as many files of labels as of frames")
        if not np.array_equal(part.id, answer.id):
            raise LimbeckError(
                f"file {number}: labels and frames are not the same frames in the same order"
            )
        yield part, answer


def _criterion(source: str, good: int, count: int, threshold: float) -> dict[str, Any]:
    value = good / count
    return {
        "name": "good_label_fraction",
        "scope": source,
        "value": value,
        "threshold": threshold,
        "passed": value >= threshold,
    }


def require_go(path: str, found: Any) -> None:
    """Raise LimbeckError, naming each criterion that was missed, unless the verdict is go."""
    if not isinstance(found, dict) or not found.keys() >= {"go", "criteria"}:
        raise LimbeckError(f"{path}: not a verdict, expected go and criteria")
    if found["go"]:
        return
    missed = [
        f"{c['name']} of {c['scope']} is {c['value']:.3f}, at least {c['threshold']} was asked for"
        for c in found["criteria"]
        if not c["passed"]
    ]
    raise LimbeckError(f"{path}: no go: {'; '.join(missed) or 'there are no labelled frames'}")
