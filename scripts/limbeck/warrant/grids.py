"""A certificate for grids of views: how far the mean over each is from the mean over all rotations.

Two questions to each grid, in the order of their size: how much does the mean change to the next
one, and how far is it from the mean over many random views? The second has noise of its own. The
mean of M independent views misses the mean over all rotations by a random error whose
square is, on average, V / M, where V is the variance over rotations; it is independent of the
grid's turn. So the mean of |m_grid - m_random|^2 - V / M is the mean square error of the grid
without bias, with V estimated without bias (M - 1) from the same views. By chance it may be
negative in a sample: then the error cannot be told from zero, and is given as 0.
"""

import time
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.averaging.mean import Average, average
from limbeck.averaging.quadrature import quadrature
from limbeck.averaging.views import Views
from limbeck.frames import Frames, atom_rows
from limbeck.potentials.evaluation import in_pieces
from limbeck.potentials.interface import empty_predictions
from limbeck.properties import property_of, put
from limbeck.warrant.measure import MEV, answerable, complain_if_empty, counts, per_frame
from limbeck.warrant.statistics import Estimate, ratio

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

RANDOM_VIEWS = 1000
#: From the frame as it is given to the largest grid.
RULES: tuple[Views, ...] = (
    Views(),
    Views(quadrature="tetrahedral"),
    Views(quadrature="octahedral"),
    Views(quadrature="icosahedral"),
    Views(quadrature="product", order=5),
    Views(quadrature="product", order=7),
)

#: Squares in each frame, [B]: of its energy per atom, and of its force components, summed.
Squares = dict[str, np.ndarray]


def certify(
    potential: "Potential[Any]",
    frames: Frames,
    rules: Sequence[Views] = RULES,
    random_views: int = RANDOM_VIEWS,
) -> dict[str, Any]:
    """The certificate, as it stands in ``warrant/quadrature/{potential}.json``.

    Args:
        frames: those that the potential cannot answer are left out and counted.
        rules: in the order in which they are compared, one with the next. The grids of a frame
            have the same turn.
        random_views: M, at least 2.

    Raises:
        LimbeckError: no frame is left.
    """
    start = time.perf_counter()
    known = answerable([potential], frames)
    # Views of their own, which no rule shares, and no label.
    many = mean_over(potential, known, Views(random_views), "certificate/random")
    means = [mean_over(potential, known, views, "certificate") for views in rules]
    used = np.all([np.isfinite(v) for m in (many, *means) for v in _sizes(m, known)], axis=0)
    kept = known.select(used)
    complain_if_empty(kept, len(frames), [potential])

    def figures(squares: Squares) -> dict[str, Any]:
        return _figures({name: values[used] for name, values in squares.items()}, kept)

    variance = _variance(many, known, random_views)
    changes = [figures(_squares(*pair, known)) for pair in pairwise(means)]
    rows = []
    for views, mean, change in zip(rules, means, [*changes, None], strict=True):
        error = _squares(mean, many, known)
        rows.append(
            {
                **_described(views),
                "change_to_next": change,
                "error": figures({n: error[n] - v / random_views for n, v in variance.items()}),
                "as_many_random": figures({n: v / views.count for n, v in variance.items()}),
            }
        )
    return {
        "model": potential.about.name,
        "random_views": random_views,
        "n_left_out": len(frames) - len(kept),
        "seconds": time.perf_counter() - start,
        **counts(kept),
        "gap": figures(variance),
        "rules": rows,
    }


def mean_over(potential: "Potential[Any]", frames: Frames, views: Views, purpose: str) -> Average:
    """The mean over views of any frames, NaN where the potential fails."""
    result = Average(empty_predictions(frames), {})

    def ask(index: np.ndarray) -> Average:
        part = frames.select(index)
        return average(potential, part, views.operations(part, purpose), views.weights)

    pieces = chain.from_iterable(
        in_pieces(potential, frames, batch, ask) for batch in potential.batches(frames)
    )
    for index, found, *_ in pieces:
        if found is None:
            continue
        rows = atom_rows(frames.offsets, index)
        put(result.mean.values, found.mean.values, index, rows)
        for name, values in found.variances.items():
            of = property_of(name)
            length = len(frames.numbers) if of.per_atom else len(frames)
            whole = result.variances.setdefault(name, np.full(length, np.nan))
            whole[rows if of.per_atom else index] = values
    return result


def _described(views: Views) -> dict[str, Any]:
    degree = quadrature(views.quadrature, views.order).degree if views.quadrature else 0
    return {
        "views": "as_given" if views.as_given else views.quadrature,
        "order": views.order,
        "n_views": views.count,
        "exact_to_degree": degree,
    }


def _sizes(mean: Average, frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    return mean.mean.energy, per_frame(mean.mean.forces, frames)


def _squares(one: Average, other: Average, frames: Frames) -> Squares:
    return {
        "energy": ((one.mean.energy - other.mean.energy) / frames.n_atoms) ** 2,
        "forces": per_frame((one.mean.forces - other.mean.forces) ** 2, frames),
    }


def _variance(mean: Average, frames: Frames, views: int) -> Squares:
    """Unbiased, from independent views."""
    factor = views / (views - 1)
    components = np.repeat(mean.variances["forces"][:, None], 3, axis=1)
    return {
        "energy": factor * mean.variances["energy"] / frames.n_atoms**2,
        "forces": factor * per_frame(components, frames),
    }


def _figures(squares: Squares, frames: Frames) -> dict[str, Any]:
    ones = np.ones(len(frames))
    return {
        "energy": _root(ratio(squares["energy"], ones, frames.root, signed=True), "meV_per_atom"),
        "forces": _root(
            ratio(squares["forces"], 3 * frames.n_atoms, frames.root, signed=True), "meV_per_A"
        ),
    }


def _root(square: Estimate, unit: str) -> dict[str, Any]:
    """The root, where a mean square below zero is zero: it is there by chance."""
    root = Estimate(*np.sqrt(np.maximum(square, 0.0))).times(MEV)  # NaN stays
    return {f"rms_{unit}": float(root.value), "ci95": [float(root.low), float(root.high)]}
