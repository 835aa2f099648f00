"""The interface of all symmetries: other presentations of a structure, and the way back."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from limbeck.frames import Frames, concatenate

if TYPE_CHECKING:
    from limbeck.properties import Predictions


class Operations(Protocol):
    """K operations: a list, an array with a first dimension, or what a symmetry makes of them."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...


class Symmetry(ABC):
    """Operations g that change how a structure is presented, and not what it is.

    With f_g(x) = restore(g, f(apply(g, x))), a model f respects the symmetry where f_g(x) is the
    same for every g. A frame is a :class:`~limbeck.frames.Frames` of length one; what an operation
    is, is the symmetry's own matter.

    Where ``acts_on_batch`` is true, operations are arrays of one shape, and a prepared batch can
    be put into another view without looking for its neighbours again.
    """

    name: str
    #: one line for people
    about: str
    acts_on_batch: bool = False

    @abstractmethod
    def sample(self, frame: Frames, k: int, rng: np.random.Generator) -> Operations:
        """k operations, drawn independently; or all there are, see :meth:`is_whole`."""

    @abstractmethod
    def apply(self, operation: Any, frame: Frames) -> Frames:
        """One frame in another view."""

    @abstractmethod
    def restore(self, operation: Any, answer: "Predictions") -> "Predictions":
        """The answer for a view, brought back to the frame it was made from."""

    def suits(self, frames: Frames) -> np.ndarray:
        """bool [B]: the frame has views of this kind that differ from it."""
        return np.ones(len(frames), dtype=bool)

    def is_whole(self, operations: Operations) -> bool:
        """Whether these operations are the whole group, each once, and no sample of it."""
        return False

    def views(self, frame: Frames, operations: Operations) -> Frames:
        """K views of one frame, one for each operation."""
        return concatenate([self.apply(operation, frame) for operation in operations])

    def apply_to_batch(self, potential: Any, batch: Any, operations: np.ndarray) -> Any:
        """A prepared batch of B frames, each in the view of its own operation [B,...]."""
        raise NotImplementedError(f"{self.name} does not act on a prepared batch")

    def restore_batch(
        self, operations: np.ndarray, answers: "Predictions", n_atoms: np.ndarray
    ) -> "Predictions":
        """Answers for B views, each brought back by its own operation [B,...]."""
        raise NotImplementedError(f"{self.name} does not act on a prepared batch")
