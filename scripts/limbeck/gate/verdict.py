"""The gate between labels and data sets: are the labels fit to be learned?"""

import logging
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.config.written import Criterion, Verdict, as_written, is_go
from limbeck.errors import LimbeckError, Unfit
from limbeck.frames import Frames
from limbeck.gate.outliers import ranges, statuses, summary, together
from limbeck.labels import Labels, counts_of, unanswered
from limbeck.reasons import NOT_WANTED, STATUS, Status

log = logging.getLogger(__name__)

#: of labels that are not good, that a message names
MOST_STATUSES = 3


def verdict(
    frames: Iterable[Frames],
    labels: Iterable[Labels],
    min_good_fraction: float,
    paths: Sequence[str] = (),
    watch: Callable[[Frames], None] | None = None,
) -> dict[str, Any]:
    """Share of good labels by source against the least share asked for.

    Frames whose label was not asked for, or which the potential was trained on, do not count.
    Labels far from all others of their source are not good, see :mod:`limbeck.gate.outliers`.

    Args:
        frames, labels: shard by shard, in the same order.
        min_good_fraction: of the frames of each source.
        paths: files of the labels.
        watch: is shown the frames with good labels, shard by shard.

    Returns:
        ``{"go": bool, "criteria": [{"name", "scope", "value", "threshold", "passed"}],
        "status": {meaning: count}, "by_source": {source: {meaning: count}},
        "unanswered": [path], "ranges"}``; ``unanswered`` are files with frames that have no
        answer, ``ranges`` those of :func:`limbeck.gate.outliers.ranges`.

    Raises:
        LimbeckError: a shard's labels are missing, or of other frames.
    """
    sources, summaries, failed = [], [], []
    for part, answer in _pairs(frames, labels):
        sources.append(part.source)
        summaries.append(summary(part, answer))
        failed.append(bool(unanswered(summaries[-1].status).any()))
        if watch:
            watch(part.select(summaries[-1].status == Status.GOOD))
    whole = together(summaries)
    status = statuses(whole)
    source = np.concatenate([*sources, np.zeros(0, dtype="S1")])
    good: dict[str, list[int]] = {}
    wanted = ~np.isin(status, NOT_WANTED)
    for name in np.unique(source[wanted]):
        found = status[wanted & (source == name)] == Status.GOOD
        good[name.decode()] = [int(found.sum()), len(found)]
    criteria = [
        _criterion(source, passed, count, min_good_fraction)
        for source, (passed, count) in sorted(good.items())
    ]
    return {
        # all() of nothing is true: without a labelled frame there is no go.
        "go": bool(criteria) and all(c["passed"] for c in criteria),
        "criteria": criteria,
        "status": counts_of(status),
        "by_source": {n.decode(): counts_of(status[source == n]) for n in np.unique(source)},
        "unanswered": [path for path, some in zip(paths, failed, strict=False) if some],
        "ranges": ranges(whole, status),
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


def extended(
    found: dict[str, Any],
    more: Sequence[dict[str, Any]],
    on_no_go: str = "stop",
    fallback: str | None = None,
    less_generative: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """A verdict with further criteria, and with what is to be done where it is no go.

    Args:
        less_generative: source -> the next lower share that its generative model may have.
    """
    both = [*found["criteria"], *more] if found["criteria"] else []
    go = is_go([as_written(Criterion, c, c["name"]) for c in both])
    then = {"fallback": fallback, "less_generative": dict(less_generative or {})}
    return {**found, "go": go, "criteria": both, "on_no_go": on_no_go, **then}


def let_pass(path: str | Path, found: Any) -> str:
    """What to write where the run may go on: the verdict is go, or the config does not stop at it.

    Raises:
        LimbeckError: as :func:`require_go`.
    """
    try:
        require_go(path, found)
    except Unfit:  # a damaged file
        raise
    except LimbeckError as error:
        if as_written(Verdict, found, path).on_no_go == "stop":
            raise
        log.warning("%s; gate.on_no_go is continue, so that the run goes on", error)
        return f"not passed, and gate.on_no_go is continue: {error}\n"
    return "passed\n"


def require_go(path: str | Path, found: Any) -> None:
    """Raise LimbeckError, naming each criterion that was missed, unless the verdict is go.

    Where frames had no answer, it has the command that lets them be asked about again.
    """
    judged = as_written(Verdict, found, path)
    if judged.go:
        return
    missed = [c.line() for c in judged.criteria if not (c.passed or c.advice)]
    text = "; ".join(missed) or "there are no labelled frames"
    fine = {STATUS[code] for code in (Status.GOOD, *NOT_WANTED)}
    wrong = {meaning: n for meaning, n in judged.status.items() if n and meaning not in fine}
    if wrong:
        named = sorted(wrong.items(), key=lambda item: -item[1])[:MOST_STATUSES]
        text += "; labels that are not good: " + ", ".join(f"{what} ({n})" for what, n in named)
    if found.get("unanswered"):
        # The verdict as well, or Snakemake would see no need for labels that were judged already.
        files = shlex.join([*found["unanswered"], str(path)])
        text += (
            "; where a potential failed for a reason that has passed, remove just the labels with "
            f"such frames, and this verdict, and run again: rm {files}"
        )
    if judged.less_generative:
        lower = ", ".join(f"{share:g} for {n}" for n, share in judged.less_generative.items())
        text += f"; to ask less of the generative models, lower generative_fraction to {lower}"
    if judged.fallback:
        text += f"; to go on with the plan that is ready for this: --configfile {judged.fallback}"
    raise LimbeckError(f"{path}: no go: {text}")
