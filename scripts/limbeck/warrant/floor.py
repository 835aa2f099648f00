"""The floor that a teacher's curl puts under every conservative student.

Forces F of a direct teacher are no gradient, forces f of a conservative student are. Around a
closed loop f does no work, so that the work of F by the length of the path, w, is the mean of
(F - f).t along it, t being the tangent. By Jensen's inequality w^2 is at most the mean of
((F - f).t)^2. Great circles of a sphere in the 3N coordinates pass through each of its points in
every tangential direction alike, so that the mean over circles drawn at random is

    E w^2  <=  E |(F - f)_tangential|^2 / (3N - 1)  <=  E |F - f|^2 / (3N - 1),

the means on the right over points of the sphere. So the mean square of the 3N components of F - f
is (3N - 1) / (3N) E w^2 at least. **Whatever the student**: its network, its data and its loss do
not enter, and nothing is taken to be linear. Where F is linear over the sphere, and its symmetric
part fits, the bound is reached: it is the antisymmetric part of the Jacobian (Helmholtz) then.

What it bounds: the root mean square, no mean absolute error; over structures that are
:data:`~limbeck.warrant.conservativity.AMPLITUDE` (root mean square by atom) from the test frames,
drawn at random. It says nothing of single structures: through the forces at these alone some
gradient can always be laid. Over wider neighbourhoods, as of hot frames, the floor is higher: of a
linear field in proportion.

Labels that are means over random views have the curl of the mean field. Work is linear in the
forces: with w_1, w_2 of two independent views of the same loop, E w_1 w_2 is the square of the
work of the mean over all orientations, without bias and for two loops alone. The mean of K views
has more (its noise averages to zero, its square does not), so that this floor is under the labels
of any number of views. Labels of one random view have E w_1^2, labels of frames as they are given
the w^2 of these.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from limbeck.averaging.orbit import draw
from limbeck.frames import Frames
from limbeck.geometry import turn
from limbeck.potentials.interface import Potential
from limbeck.symmetry.rotation import Rotation
from limbeck.warrant.conservativity import AMPLITUDE, Loops, around, directions
from limbeck.warrant.measure import Sums
from limbeck.warrant.on_frames import MEV, Part, drawn_together, measure_gap_of
from limbeck.warrant.statistics import Estimate, entry_of, ratio
from limbeck.warrant.tidy import SIZES, Row, rows

#: Of each loop. What these are wrong by is taken off, so that the floor is none the less one.
LAST_POINTS = 16
#: Labels of frames as they are given, of one random view of each, and means over several.
KINDS = ("as_given", "one_view", "mean")


def measure_floor(potential: Potential[Any], frames: Frames, most: int) -> dict[str, Any]:
    """The floor, as it stands in ``warrant/teachers/*.json``.

    By :data:`KINDS` of labels: root mean square of a force component, meV/Angstrom, with 95 %
    intervals over groups. Of a conservative potential all are nothing.

    Args:
        potential: a teacher.
        frames: B frames, of which the first ``most`` that it can answer are measured.
    """
    views = 1 if potential.about.equivariant else 3  # all views are alike then
    find = partial(_works, views=views)
    found = measure_gap_of(
        "floor", [potential], frames, find, _figures, needs=KINDS, most=most, n_views=views
    )
    return {**found, "amplitude_A": AMPLITUDE}


def _works(potential: Potential[Any], frames: Frames, views: int) -> Sums:
    """Squares of the work by path length over the components of each frame, by kind. [B] each."""
    own = np.broadcast_to(np.eye(3), (len(frames), 1, 3, 3))
    turns = np.concatenate([own, draw(Rotation(), frames, 2, "floor")], axis=1)[:, :views]
    loops = [_loops(potential, frames, turns[:, view]) for view in range(views)]
    # what is surely there: a smaller work, never a larger
    works = [np.sign(x.mean) * np.maximum(np.abs(x.mean) - x.error, 0) for x in loops]
    one, other = works[-2:] if views > 1 else works * 2
    squares = (works[0] ** 2, (one**2 + other**2) / 2, one * other)
    components = 3 * frames.n_atoms - 1
    sums = {kind: components * each for kind, each in zip(KINDS, squares, strict=True)}
    return sums | {"evaluations": np.sum([x.points for x in loops], axis=0)}


def _loops(potential: Potential[Any], frames: Frames, turns: np.ndarray) -> Loops:
    """Loops around frames seen from elsewhere; ``turns`` [B,3,3]. The loops turn with the frames:
    in all views they are the same."""
    of_atom = turns[frames.frame_of_atom]
    u, v = (np.einsum("nij,nj->ni", of_atom, each) for each in directions(frames))
    return around(potential, turn(frames, turns), u, v, LAST_POINTS)


def _figures(sums: Sums, frames: Frames) -> Part:
    return {kind: {"forces": _root(sums[kind][0], frames)} for kind in KINDS}


def _root(squares: np.ndarray, frames: Frames) -> dict[str, Any]:
    """Root of the mean over all components; zero where products of noise average to less."""
    found = ratio(squares, 3 * frames.n_atoms, drawn_together(frames), signed=True)
    at_least_zero = Estimate(*(float(np.maximum(each, 0)) for each in found))
    return entry_of(at_least_zero.root().times(MEV), "meV/A")


def floor_rows(floor: Mapping[str, Any], **columns: Any) -> Iterator[Row]:
    """Rows of the floor; ``columns`` as of :func:`limbeck.warrant.tidy.rows`."""
    return rows(floor, lambda kind, quantity: (quantity, f"floor_{kind}"), **columns)


def floor_of(known: str, teacher: Mapping[str, Any] | None, views: object) -> dict[str, Any] | None:
    """The floor under students of labels, see :func:`floor_under`; None where it is not known.

    Args:
        known: what the config tells: "none", "measured" or "unknown".
        teacher: ``warrant/teachers/*.json`` of the potential that made the labels, where measured.
    """
    if known == "none" or (teacher and teacher["about"]["conservative"]):
        return floor_under(None, views)
    measured = teacher and teacher.get("floor")
    return floor_under(measured, views) if measured else None


def floor_under(measured: Mapping[str, Any] | None, views: object) -> dict[str, Any]:
    """The floor under conservative students of labels, as it stands in ``metrics.json``.

    Args:
        measured: the teacher's, see :func:`measure_floor`; None of one whose forces are a gradient,
            under which there is none.
        views: of the labels, as their attributes have it: "as_given", or how many.
    """
    if measured is None:
        return {"labels": "conservative", **entry_of(Estimate(0.0, 0.0, 0.0), "meV/A")}
    kind = {"as_given": "as_given", "1": "one_view"}.get(str(views), "mean")

    def taken(part: Mapping[str, Any]) -> Part:
        return {name: part[name] for name in SIZES} | part[kind]["forces"]

    by_source = {source: taken(part) for source, part in measured["by_source"].items()}
    said = {"labels": kind, "amplitude_A": measured["amplitude_A"], "by_source": by_source}
    return taken(measured) | said
