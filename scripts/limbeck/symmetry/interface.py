"""What every symmetry is: other presentations of one thing, and the way back from each."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.frames import Frames

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential, Predictions


class Symmetry(ABC):
    """A group of operations g, with f_g(x) = restore(g, f(apply(g, x))).

    A model f respects the symmetry where f_g(x) is the same for every g. A frame is a
    :class:`~limbeck.frames.Frames` of length one; what an operation is, is the symmetry's own
    matter, as long as ``sample`` gives a sequence (or an array with a first dimension) of them.

    Where ``acts_on_batch`` is true, operations are arrays of one shape, and a prepared batch can
    be put into another view without looking for its neighbours again.
    """

    name: str
    acts_on_batch: bool = False

    @abstractmethod
    def sample(self, frame: Frames, k: int, rng: np.random.Generator) -> Sequence[Any] | np.ndarray:
        """k operations drawn independently and uniformly from the group."""

    @abstractmethod
    def apply(self, operation: Any, frame: Frames) -> Frames:
        """One frame in another view."""

    @abstractmethod
    def restore(self, operation: Any, answer: "Predictions") -> "Predictions":
        """The answer for a view, brought back to the frame it was made from."""

    def apply_to_batch(self, potential: "Potential", batch: Any, operations: np.ndarray) -> Any:
        """A prepared batch of B frames, each in the view of its own operation [B,...]."""
        raise NotImplementedError(f"{self.name} does not act on a prepared batch")

    def restore_batch(
        self, operations: np.ndarray, answers: "Predictions", n_atoms: np.ndarray
    ) -> "Predictions":
        """Answers for B views, each brought back by its own operation [B,...]."""
        raise NotImplementedError(f"{self.name} does not act on a prepared batch")
