"""The views of each frame that a label is averaged over."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from limbeck.averaging.quadrature import Quadrature, quadrature
from limbeck.config.sections.labels import LabelSet
from limbeck.errors import LimbeckError
from limbeck.frames import Frames
from limbeck.seeds import frame_generator
from limbeck.symmetry.reflection import Reflection
from limbeck.symmetry.rotation import Rotation, haar_rotations

#: purpose of the views' random numbers; gaps and errors use others, so that no view is shared
LABEL_VIEWS = "label"


@dataclass(frozen=True)
class Views:
    """The frame as it is given, K random views of it, or a grid of views.

    Random views are independent, and every orientation is equally likely. A grid is turned as a
    whole by one such rotation per frame: then every one of its views is uniform over all
    orientations, and so the mean is unbiased, whatever the grid leaves out.

    Attributes:
        random: number of random views; None for the other two.
        quadrature: name of a grid, see :mod:`limbeck.averaging.quadrature`.
        order: of the product grid.
        reflections: mirror each random view with probability 1/2; of a grid, take the inverted
            views as well.
    """

    random: int | None = None
    quadrature: str | None = None
    order: int | None = None
    reflections: bool = False

    def __post_init__(self) -> None:
        if self.random is not None and (self.random < 1 or self.quadrature is not None):
            raise LimbeckError(
                f"views: {self.random} random views and the grid {self.quadrature}; expected a "
                "number of at least 1, or a grid, which fixes the number"
            )
        if self.quadrature is not None:
            quadrature(self.quadrature, self.order)  # a grid that there is
        elif self.order is not None:
            raise LimbeckError(f"quadrature_order: {self.order}, but there is no quadrature")
        if self.as_given and self.reflections:
            raise LimbeckError("reflections: true, but the frame's own view is not mirrored")

    @property
    def as_given(self) -> bool:
        """Whether each frame is labelled as it is given."""
        return self.random is None and self.quadrature is None

    @property
    def count(self) -> int:
        """Evaluations of each frame."""
        return self.random or len(self._grid().weights)

    @property
    def weights(self) -> np.ndarray:
        """float64 [K], of sum 1."""
        return np.full(self.random, 1 / self.random) if self.random else self._grid().weights

    @property
    def spread_factor(self) -> float:
        """Factor for a variance about the mean of the views.

        K / (K - 1) for independent views, which makes it the unbiased estimate of the variance
        over all orientations. One for a grid: its views are not independent, and the result is, on
        average, the variance over all orientations less that of the mean. NaN for a single view.
        """
        if self.random:
            return self.random / (self.random - 1) if self.random > 1 else float("nan")
        return float("nan") if self.as_given else 1.0

    def operations(self, frames: Frames, purpose: str = LABEL_VIEWS) -> np.ndarray:
        """Rotations of each frame, from its id and the purpose alone. float64 [B,K,3,3]."""
        rows = [self._of_frame(frames, b, purpose) for b in range(len(frames))]
        return np.stack(rows) if rows else np.zeros((0, self.count, 3, 3))

    def _of_frame(self, frames: Frames, b: int, purpose: str) -> np.ndarray:
        if self.as_given:
            return np.eye(3)[None]
        if self.random:
            group = Reflection() if self.reflections else Rotation()
            rng = frame_generator(frames.id[b], purpose)
            return np.asarray(group.sample(frames.select([b]), self.random, rng))
        turn = haar_rotations(1, frame_generator(frames.id[b], f"{purpose}/grid"))[0]
        # The random turn acts first, on the right: by the invariance of the Haar measure each view
        # is then uniform.
        return self._grid().matrices @ turn

    def _grid(self) -> Quadrature:
        if self.quadrature is None:
            return Quadrature(np.eye(3)[None], np.ones(1), 0)
        grid = quadrature(self.quadrature, self.order)
        if not self.reflections:
            return grid
        # The inversion commutes with every rotation, so that it doubles the grid without a choice
        # of axis.
        both = np.concatenate([grid.matrices, -grid.matrices])
        return grid._replace(matrices=both, weights=np.tile(grid.weights / 2, 2))

    def attributes(self) -> dict[str, Any]:
        """Description of the views for the attributes of labels."""
        return {
            "views": "as_given" if self.as_given else self.count,
            "quadrature": self.quadrature,
            "quadrature_order": self.order,
            "reflections": self.reflections,
            "degrees_of_freedom": self.random - 1 if self.random else None,
            "spread": self._spread_words(),
        }

    def _spread_words(self) -> str:
        if self.quadrature:
            return (
                "standard deviation over the grid, sum of w |f - mean|^2: its views are not "
                "independent, and its square is on average the variance over all orientations "
                "less the variance of the mean"
            )
        if self.random and self.random > 1:
            return "standard deviation over independent views, K - 1"
        return "none, since there is one view"

    def __str__(self) -> str:
        mirrored = ", mirrored" if self.reflections else ""
        if self.quadrature:
            name = self.quadrature if self.order is None else f"{self.quadrature}-{self.order}"
            return f"{name} grid of {self.count} views{mirrored}"
        if self.as_given:
            return "as given"
        return f"{self.random} random view{'s' * (self.random != 1)}{mirrored}"


def views_of(label_set: LabelSet, chosen: int | str | None = None) -> Views:
    """The views of a label set.

    Args:
        chosen: what ``choose_views`` decided for ``views: auto``: "as_given" or a number.

    Raises:
        LimbeckError: ``auto`` was not decided, or the views cannot be.
    """
    views: int | str | None = label_set.views
    mirrored = label_set.reflections
    if views == "auto":
        views, mirrored = chosen, mirrored and chosen != "as_given"
        if not isinstance(views, int) and views != "as_given":
            raise LimbeckError(f"views: auto, expected a decision made beforehand, got {views!r}")
    return Views(
        random=views if isinstance(views, int) else None,
        quadrature=label_set.quadrature,
        order=label_set.quadrature_order,
        reflections=mirrored,
    )
