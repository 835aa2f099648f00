"""``views: auto``: whether averaging over views is worth its calls, measured on a few frames."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.config.sections.labels import Auto, LabelSet
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, concatenate
from limbeck.selection.fair import fair_order
from limbeck.warrant.gaps import gap_rows, measure_gaps
from limbeck.warrant.statistics import estimate_of
from limbeck.warrant.tidy import SIZES, Row

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

#: Random views of each frame beforehand: the relative error of a frame's gap is then about 1/4.
VIEWS = 8


def choose_views(
    potential: "Potential[Any]", frames: Frames, label_set: LabelSet
) -> dict[str, Any]:
    """Own views where the gap is negligible in every source, else ``auto.views`` random ones.

    The gap of the forces over rotations (or, with ``reflections``, over rotations and mirror
    images) is compared with ``negligible_fraction`` of ``student_error_meV_per_A``: a spread that
    is far below what the student will miss anyway does not have to be averaged away. Of each
    source's gap the upper end of its interval counts, where it has one, so that little
    knowledge speaks for averaging. One choice is made for all sources.

    Args:
        frames: all frames of the label set.

    Returns:
        As ``labels/{label_set}.views.json``, see docs/formats.md.

    Raises:
        LimbeckError: the potential answers none of the frames that were looked at.
    """
    auto, symmetry = label_set.auto, "reflection" if label_set.reflections else "rotation"
    looked_at = few_of_each_source(frames, auto.n_frames)
    (gap,) = measure_gaps([potential], looked_at, [symmetry], VIEWS)
    by_source = {name: _row(part) for name, part in gap["by_source"].items()}
    if not by_source:
        raise LimbeckError(f"{potential.about.name}: no frames to choose views with")
    source, largest = max(by_source.items(), key=lambda item: item[1]["counts_as_meV_per_A"])
    threshold = auto.negligible_fraction * auto.student_error_meV_per_A
    negligible = largest["counts_as_meV_per_A"] < threshold
    asked = min(len(frames), label_set.n_frames or len(frames))
    calls = {"auto": 1 if negligible else auto.views, "always": auto.views}
    return {
        "label_set": label_set.name,
        "potential": potential.about.name,
        "symmetry": symmetry,
        "views": "as_given" if negligible else auto.views,
        "reason": _reason(source, largest, threshold, auto, negligible=negligible),
        "threshold_meV_per_A": threshold,
        "largest": {"source": source, **largest},
        "by_source": by_source,
        "model_calls": {
            "beforehand": gap["n_evaluations"],
            "labels": asked * calls["auto"],
            "saved": asked * (calls["always"] - calls["auto"]) - gap["n_evaluations"],
        },
    }


def choice_rows(choice: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of the gap of each source that was looked at."""
    names = {"subject": choice["potential"], "kind": "teacher", "set": "selected"}
    return gap_rows({key: choice[key] for key in ("symmetry", "by_source")}, **names)


def few_of_each_source(frames: Frames, count: int) -> Frames:
    """At most ``count`` frames of each source, of as many roots and samplings as there are."""
    parts = []
    for source in np.unique(frames.source):
        members = np.flatnonzero(frames.source == source)
        parts.append(frames.select(members[fair_order(frames.select(members), seed=0)[:count]]))
    return concatenate(parts)


def _row(part: Mapping[str, Any]) -> dict[str, Any]:
    gap = estimate_of(part["forces"])
    return {
        **{key: part[key] for key in (*SIZES, "forces")},
        "counts_as_meV_per_A": gap.high if gap.bounded else gap.value,
    }


def _reason(
    source: str,
    largest: Mapping[str, Any],
    threshold: float,
    auto: Auto,
    *,
    negligible: bool,
) -> str:
    gap = estimate_of(largest["forces"])
    found = f"{gap.value:.3g} meV/A"
    if gap.bounded:
        found += f" ({gap.low:.3g} to {gap.high:.3g})"
    limit = (
        f"{threshold:.3g} meV/A, which is {auto.negligible_fraction:g} of the error of "
        f"{auto.student_error_meV_per_A:g} meV/A that a student can hope for"
    )
    if negligible:
        return (
            f"The gap of the forces is at most {found}, in {source}. That is below {limit}: each "
            "frame is labelled once, as it is given."
        )
    return (
        f"The gap of the forces in {source} is {found}. That is not safely below {limit}: each "
        f"frame is labelled with the mean over {auto.views} random views."
    )
