"""Products of the Hessian with random vectors, beside the labels of frames.

The teacher is asked about frames that are displaced along a direction, forwards and backwards, in
the same views as for the frame's label; see :mod:`limbeck.averaging.displaced`. These answers are
kept in the label store as labels of any frames are.
"""

import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.averaging.displaced import bend, directions, displaced, product
from limbeck.averaging.views import Views
from limbeck.frames import Frames
from limbeck.labelling.label import ask
from limbeck.labels import HESSIAN, Labels, unlabelled
from limbeck.properties import DIRECTIONS, PRODUCTS
from limbeck.reasons import NO_GOOD_ANSWER, NOT_SMOOTH, ONLY_TRANSLATIONS, Status

if TYPE_CHECKING:
    from limbeck.labelling.store import LabelStore
    from limbeck.potentials.interface import Potential

log = logging.getLogger(__name__)

#: Largest part of a product that its forces may disagree on. Of smooth potentials it is 0.01 at the
#: step of the config's default, of CHGNet up to 0.1; 1 is noise alone.
MOST_BEND = 0.25


def with_products(
    potential: "Potential[Any]",
    frames: Frames,
    labels: Labels,
    views: Views,
    count: int,
    step: float,
    store: "LabelStore | None" = None,
) -> Labels:
    """Labels with the products of the Hessian of each frame with ``count`` directions.

    Directions and products [N,count,3] are zero where there is no product: where a displaced frame
    has no good answer, where the forces along the direction say more than one thing
    (:data:`MOST_BEND`), and of atoms alone. They are NaN in frames without a good label. The labels
    themselves stay as they are.

    Args:
        labels: of all frames, in their order, over these views.
        step: root mean square displacement of an atom, Angstrom.

    Returns:
        The labels; ``attrs["hessian"]`` says how many products there are, and why others are not.

    Raises:
        DeviceLost: the device went away.
    """
    todo = np.flatnonzero(labels.status == Status.GOOD)
    good, rows = frames.select(todo), np.flatnonzero(np.isin(frames.frame_of_atom, todo))
    vectors = directions(good, count)
    products = np.zeros_like(vectors)
    without: Counter[str] = Counter()
    halved = labels.attrs.get("halved_batches", 0)
    for i in range(count):
        (ahead, behind), more = _sides(potential, good, vectors[:, i], views, step, store)
        halved += more
        reasons = _reasons(good, labels.forces[rows], ahead, behind)
        without.update(reasons[reasons != ""].tolist())
        found = product(ahead.forces, behind.forces, step)
        kept = (reasons == "")[good.frame_of_atom]
        products[kept, i] = found[kept]
        vectors[~kept, i] = 0.0
    values = dict(labels.values)
    for name, own in ((DIRECTIONS, vectors), (PRODUCTS, products)):
        values[name] = np.full((len(frames.numbers), count, 3), np.nan)
        values[name][rows] = own
    made = len(todo) * count - without.total()
    told = {"vectors": count, "step_A": step, "products": made, "without": dict(without)}
    others = "".join(f", {number} without: {reason}" for reason, number in without.items())
    log.info("%d Hessian-vector products%s", made, others)
    attrs = labels.attrs | {HESSIAN: told, "halved_batches": halved}
    return replace(labels, values=values, attrs=attrs)


def _sides(
    potential: "Potential[Any]",
    frames: Frames,
    along: np.ndarray,
    views: Views,
    step: float,
    store: "LabelStore | None",
) -> tuple[tuple[Labels, Labels], int]:
    """Labels of the frames displaced forwards and backwards, those of an atom alone left empty, and
    how many batches did not fit into memory."""
    several = np.flatnonzero(frames.n_atoms > 1)
    found, halved = [], 0
    for sign in (1, -1):
        side = unlabelled(frames, potential.about.properties)
        moved = displaced(frames, along, sign * step)
        halved += ask(potential, moved, several, views, side, store)
        found.append(side)
    ahead, behind = found
    return (ahead, behind), halved


def _reasons(frames: Frames, forces: np.ndarray, ahead: Labels, behind: Labels) -> np.ndarray:
    """Why each frame has no product along a direction, "" where it has one. str [B]

    Args:
        forces: [N,3], of the frames themselves.
        ahead, behind: labels of the displaced frames.
    """
    bent = bend(ahead.forces, forces, behind.forces, frames)
    answered = (ahead.status == Status.GOOD) & (behind.status == Status.GOOD)
    reasons = np.where(bent <= MOST_BEND, "", NOT_SMOOTH).astype(object)
    reasons[~answered] = NO_GOOD_ANSWER
    reasons[frames.n_atoms < 2] = ONLY_TRANSLATIONS
    return reasons
