"""One policy for evaluating a model that may fail.

- Memory runs out: what is held is freed, the frames are halved, and each half is asked again.
- The device is lost: :class:`~limbeck.potentials.devices.DeviceLost` at once; no frame is at fault.
- Anything else: the frames are halved until those at fault stand alone. Each of these is asked
  about once more, since it may have been the moment (not of one that says itself that it did not
  converge). Then it is set aside with its reason, and
  costs no other frame its answer.
"""

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from limbeck.check.progress import each
from limbeck.errors import NotConverged
from limbeck.frames import Frames
from limbeck.potentials.devices import DeviceLost, free_memory, lost, out_of_memory
from limbeck.potentials.heartbeat import awaited
from limbeck.properties import put
from limbeck.reasons import Status

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential
    from limbeck.properties import Predictions

log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")


class Attempt(NamedTuple, Generic[_Answer]):
    """The result of one evaluation.

    Attributes:
        answer: None where it failed.
        error: what the model raised; None where it succeeded.
        no_memory: memory ran out, so that a smaller batch might work.
    """

    answer: _Answer | None
    error: Exception | None = None
    no_memory: bool = False


class Piece(NamedTuple, Generic[_Answer]):
    """Some of the frames that were asked about.

    Attributes:
        members: int64 [b], which.
        answer: for these; None for a single frame that fails.
        status: why there is none, a code of :class:`limbeck.reasons.Status`.
        halved: how many times memory ran out on the way here, each counted with one piece.
    """

    members: np.ndarray
    answer: _Answer | None
    status: int = 0
    halved: int = 0


def attempt(potential: "Potential[Any]", question: Callable[[], _Answer]) -> Attempt[_Answer]:
    """Ask once.

    Raises:
        DeviceLost: the potential's device went away.
    """
    try:
        with awaited():
            return Attempt(question())
    except DeviceLost:  # a question inside this one has found it already
        raise
    except Exception as error:  # whatever a model raises
        if lost(error):
            raise DeviceLost(f"device: {potential.device} went away: {error}") from error
        # The traceback would hold on to the memory of what failed.
        return Attempt(None, error.with_traceback(None), out_of_memory(error))


def in_pieces(
    potential: "Potential[Any]",
    frames: Frames,
    index: np.ndarray,
    ask: Callable[[np.ndarray], _Answer],
    *,
    strict: bool = False,
) -> Iterator[Piece[_Answer]]:
    """Pieces of ``index`` and the answer for each; where ``ask`` fails, each half is asked again.

    Before a frame is set aside, or an error raised, the question is asked once more.

    Args:
        frames: B frames; their ids name those that fail.
        index: int64 [b], which of them are asked about.
        ask: takes some of ``index``.
        strict: what no smaller batch would mend is raised.

    Raises:
        DeviceLost: the potential's device went away.
    """
    answer, error, no_memory = attempt(potential, lambda: ask(index))
    in_vain = isinstance(error, NotConverged) and len(index) == 1
    if error is not None and not in_vain and (len(index) == 1 or (strict and not no_memory)):
        free_memory()
        answer, error, no_memory = attempt(potential, lambda: ask(index))
    if error is None:
        yield Piece(index, answer)
        return
    # Halving helps only where memory is short; in strict mode all other errors are the caller's.
    if strict and (len(index) == 1 or not no_memory):
        raise error
    if no_memory:
        free_memory()
    if len(index) == 1:
        log.warning("frame %s has no answer: %s", frames.id[index[0]].decode(), error)
        status = Status.NOT_CONVERGED if in_vain else Status.FAILED
        yield Piece(index, None, Status.TOO_LARGE if no_memory else status)
        return
    if no_memory:
        log.warning("a batch of %d frames does not fit into memory and is halved", len(index))
    halved = int(no_memory)
    for half in np.array_split(index, 2):
        for piece in in_pieces(potential, frames, half, ask, strict=strict):
            # counted with the first piece only, so that a sum over pieces counts each halving once
            yield piece._replace(halved=piece.halved + halved)
            halved = 0


def predict_or_nan(
    potential: "Potential[Any]", frames: Frames, *, descriptors: bool = False, strict: bool = False
) -> "Predictions":
    """A potential's answers, batch by batch, in the order of the frames.

    Args:
        descriptors: with those of every atom.
        strict: raise what the potential raises; else the frames that it fails on have NaN.

    Raises:
        DeviceLost: the potential's device went away.
    """
    from limbeck.potentials.interface import empty_predictions

    evaluate = potential.evaluate_described if descriptors else potential.evaluate
    result = empty_predictions(frames)
    batches = each(
        potential.batches(frames),
        f"answers of {potential.about.name}",
        "frames",
        len(frames),
        amount=len,
        atoms=lambda batch: int(frames.n_atoms[batch].sum()),
    )
    for batch in batches:
        for piece in in_pieces(
            potential,
            frames,
            batch,
            lambda index: evaluate(potential.prepare(frames.select(index))),
            strict=strict,
        ):
            if piece.answer is not None:
                rows = frames.rows(piece.members)
                put(result.values, piece.answer.values, rows, frames.counts)
    return result
