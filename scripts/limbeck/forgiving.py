"""Questions to a model that may fail on some frames, which must not cost the others an answer."""

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from limbeck.frames import Frames, atom_rows

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential, Predictions

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


def in_pieces(
    ask: Callable[[np.ndarray], Answer], index: np.ndarray
) -> Iterator[tuple[np.ndarray, Answer | None]]:
    """Pieces of ``index`` and the answer for each; None for a single one that fails.

    Where ``ask`` raises, its index is halved and each half asked again.
    """
    try:
        answer = ask(index)
    except Exception as error:  # whatever a model raises
        if len(index) == 1:
            log.warning("frame %d has no answer: %s", index[0], error)
            yield index, None
            return
        for half in np.array_split(index, 2):
            yield from in_pieces(ask, half)
        return
    yield index, answer


def predict_or_nan(
    potential: "Potential[Any]", frames: Frames, *, descriptors: bool = False
) -> "Predictions":
    """A potential's answers, with descriptors where asked; NaN for frames that it fails on."""
    from limbeck.potentials.interface import empty_predictions, put_predictions

    result = empty_predictions(frames)
    if not len(frames):
        return result
    offsets = frames.offsets
    for index, part in in_pieces(
        lambda i: potential.predict(frames.select(i), descriptors=descriptors),
        np.arange(len(frames)),
    ):
        if part is not None:
            put_predictions(result, part, index, atom_rows(offsets, index))
    return result
