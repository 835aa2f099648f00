"""Products of the Hessian with vectors, as central differences of averaged forces.

With v a direction in the 3N coordinates of a frame, and a step h,

    H v = -(F(x + h v) - F(x - h v)) / 2h + O(h^2).

A displaced frame keeps the id of its frame, and so the views that forces are averaged over: what
one view adds to both sides cancels, and what is left is the Hessian of the averaged energy.

The root mean square length of an atom's part of v is 1, so that h is how far an atom moves (root
mean square), and a product does not get smaller with the size of the frame.
"""

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from limbeck.errors import LimbeckError
from limbeck.frames import Frames, atom_rows
from limbeck.labels import HESSIAN, Labels
from limbeck.properties import DIRECTIONS, PRODUCTS
from limbeck.seeds import frame_generator

#: numpy's arrays, or torch's tensors
Values = TypeVar("Values", bound=Any)

#: purpose of the random numbers of directions
PURPOSE = "label/hessian"


def directions(frames: Frames, count: int) -> np.ndarray:
    """Random directions of each frame, from its id alone, no unit. float64 [N,count,3]

    Uniform over the sphere of those that move no centre of mass of equal masses: a Hessian says
    nothing of translations. Of an atom alone they are zero.
    """
    drawn = [
        frame_generator(name, PURPOSE).standard_normal((count, n, 3))
        for name, n in zip(frames.id.tolist(), frames.n_atoms.tolist(), strict=True)
    ]
    return np.concatenate([np.zeros((0, count, 3)), *map(_normalised, drawn)])


def _normalised(drawn: np.ndarray) -> np.ndarray:
    """[count,n,3] -> [n,count,3], each without its mean and of root mean square length 1."""
    if drawn.shape[1] < 2:
        return np.zeros_like(drawn).swapaxes(0, 1)
    away = drawn - drawn.mean(axis=1, keepdims=True)
    length = np.sqrt((away**2).sum(axis=2, keepdims=True).mean(axis=1, keepdims=True))
    return (away / length).swapaxes(0, 1)


def displaced(frames: Frames, vectors: np.ndarray, step: float) -> Frames:
    """The frames, each atom moved by ``step`` (Angstrom) times its vector [N,3]; ids stay,
    points around them do not."""
    bare = frames.with_points(np.zeros(len(frames), np.int32), np.zeros((0, 3)))
    return replace(bare, positions=frames.positions + step * vectors)


def product(forward: Values, backward: Values, step: float) -> Values:
    """H v of forces [N,3] at x + h v and at x - h v, arrays or tensors; eV/Angstrom^2. [N,3]"""
    return (backward - forward) / (2 * step)


def bend(
    forward: np.ndarray, middle: np.ndarray, backward: np.ndarray, frames: Frames
) -> np.ndarray:
    """Part of a product that its forces do not agree on, no unit. [B]

    The second difference of forces along the line, over the first:

        sqrt(1/3) |F(x + hv) - 2 F(x) + F(x - hv)| / |F(x + hv) - F(x - hv)|.

    Independent noise of the three forces puts sqrt(6) times its size into the second difference
    and sqrt(2) times it into the first: so this is at least the relative noise of the product,
    curvature and jumps along the line added to it. It is 1 for noise alone.

    Args:
        forward, middle, backward: [N,3], eV/Angstrom.
        frames: B frames with N atoms in all.
    """
    changes = (forward - 2 * middle + backward, forward - backward)
    second, first = (
        np.bincount(frames.frame_of_atom, (change**2).sum(axis=1), len(frames))
        for change in changes
    )
    # forces that do not change at all agree that the product is zero
    found = np.where(second > 0, np.inf, 0.0)
    np.divide(second, 3 * first, out=found, where=first > 0)
    return np.sqrt(found)


@dataclass(frozen=True)
class Lines:
    """The products of a set of frames: P of them, each along its line through a frame.

    Attributes:
        frame: int64 [P], which of the frames each is of, ascending.
        direction: int64 [P], which of the frame's directions.
        ahead, behind: P frames each, with M atoms in all, displaced along the direction.
        products: float64 [M,3], eV/Angstrom^2.
        step: Angstrom.
    """

    frame: np.ndarray
    direction: np.ndarray
    ahead: Frames
    behind: Frames
    products: np.ndarray
    step: float

    def __len__(self) -> int:
        return len(self.frame)

    def places(self, frames: Frames) -> tuple[np.ndarray, np.ndarray]:
        """Where rows of ``products`` stand in those of the frames [N,count,3]: int64 [M] each."""
        which = np.repeat(self.direction, self.ahead.n_atoms)
        return atom_rows(frames.offsets, self.frame), which


def lines_of(frames: Frames, labels: Labels) -> Lines | None:
    """The products that labels of these frames have, in their order; None of a label set without.

    Raises:
        LimbeckError: the labels do not say how far atoms were moved.
    """
    if PRODUCTS not in labels.values:
        return None
    step = labels.attrs.get(HESSIAN, {}).get("step_A")
    if not isinstance(step, int | float) or not 0 < step < np.inf:
        raise LimbeckError(
            f"labels: hessian.step_A {step!r}, expected how far atoms were moved for the products"
        )
    vectors, products = labels.values[DIRECTIONS], labels.values[PRODUCTS]
    longest = np.zeros((len(frames), vectors.shape[1]))
    np.maximum.at(longest, frames.frame_of_atom, np.nan_to_num(np.abs(vectors)).max(axis=2))
    frame, direction = np.nonzero(longest)  # a direction of zeros has no product
    parts = frames.select(frame)
    places = atom_rows(frames.offsets, frame), np.repeat(direction, parts.n_atoms)
    along = vectors[places]
    return Lines(
        frame=frame,
        direction=direction,
        ahead=displaced(parts, along, step),
        behind=displaced(parts, along, -step),
        products=products[places],
        step=float(step),
    )
