"""``views: auto``: whether averaging is worth its calls, by what is scarce and the gap."""

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
    """``auto.views`` random views where frames are scarce and the gap matters, else one view.

    Calls scarce: one random view of each frame, whatever the gap. A student averages over frames as
    a label does over views, so that more frames are worth as much as more views of each, and show
    more. Frames scarce: a mean, unless the gap of the forces over rotations (or, with
    ``reflections``, over rotations and mirror images) is below ``negligible_fraction`` of
    ``student_error_meV_per_A``. The noise of labels passes into a student only in part
    (docs/when_to_average.md). Of each source's gap the upper end of its interval counts, where it
    has one, so that little knowledge speaks for averaging. One choice is made for all sources.
    The one view is random; as given of a potential that is equivariant by construction.

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
    average = auto.scarce == "frames" and largest["counts_as_meV_per_A"] >= threshold
    asked = min(len(frames), label_set.n_frames or len(frames))
    calls = {"auto": auto.views if average else 1, "always": auto.views}
    one: str | int = "as_given" if potential.about.equivariant else 1
    return {
        "label_set": label_set.name,
        "potential": potential.about.name,
        "symmetry": symmetry,
        "views": auto.views if average else one,
        "scarce": auto.scarce,
        "reason": _reason(source, largest, threshold, auto, one),
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
    source: str, largest: Mapping[str, Any], threshold: float, auto: Auto, one: str | int
) -> str:
    gap = estimate_of(largest["forces"])
    found = f"{gap.value:.3g} meV/A"
    if gap.bounded:
        found += f" ({gap.low:.3g} to {gap.high:.3g})"
    once = f"each frame is labelled once, {'as it is given' if one == 'as_given' else 'at random'}"
    if auto.scarce == "calls":
        return (
            f"Calls are scarce, so that they go to frames and not to views: {once}. The gap of the "
            f"forces is at most {found}, in {source}."
        )
    limit = (
        f"{threshold:.3g} meV/A, which is {auto.negligible_fraction:g} of the error of "
        f"{auto.student_error_meV_per_A:g} meV/A that a student can hope for"
    )
    if largest["counts_as_meV_per_A"] < threshold:
        return (
            f"Frames are scarce, but the gap of the forces is at most {found}, in {source}. That "
            f"is below {limit}: {once}."
        )
    return (
        f"Frames are scarce, and the gap of the forces in {source} is {found}. That is not safely "
        f"below {limit}: each frame is labelled with the mean over {auto.views} random views."
    )
