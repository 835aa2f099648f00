"""A certificate for grids of views: how far the mean over each is from the mean over all rotations.

Two questions to each grid, in the order of their size: how much does the mean change to the next
one, and how far is it from the mean over many random views? The second has noise of its own. The
mean of M independent views misses the mean over all rotations by a random error whose
square is, on average, V / M, where V is the variance over rotations; it is independent of the
grid's turn. So the mean of |m_grid - m_random|^2 - V / M is the mean square error of the grid
without bias, with V estimated without bias (M - 1) from the same views. By chance it may be
negative in a sample: then the error cannot be told from zero, and is given as 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from limbeck.averaging.mean import Average, average
from limbeck.averaging.quadrature import quadrature
from limbeck.averaging.views import Views
from limbeck.frames import Frames
from limbeck.potentials.evaluation import in_pieces
from limbeck.potentials.interface import empty_predictions
from limbeck.properties import property_of, put
from limbeck.warrant.measure import Measurement, Sums
from limbeck.warrant.on_frames import (
    MEV,
    FrameSample,
    Part,
    counts,
    left_out,
    measure_frames,
    per_frame,
)
from limbeck.warrant.statistics import Estimate, entry_of
from limbeck.warrant.tidy import SIZES, Row, row_of, rows

if TYPE_CHECKING:
    from limbeck.potentials.interface import Potential

_RANDOM_VIEWS = 1000
#: From the frame as it is given to the largest grid.
RULES: tuple[Views, ...] = (
    Views(),
    Views(quadrature="tetrahedral"),
    Views(quadrature="octahedral"),
    Views(quadrature="icosahedral"),
    Views(quadrature="product", order=5),
    Views(quadrature="product", order=7),
)


#: what is asked of each grid
GRID_FIGURES = ("error", "as_many_random", "change_to_next")


def certify(
    potential: "Potential[Any]",
    frames: Frames,
    rules: Sequence[Views] = RULES,
    random_views: int = _RANDOM_VIEWS,
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
    found = measure_frames(
        [potential],
        frames,
        partial(square_sums, rules=rules, random_views=random_views),
    )
    rows = [
        {
            **_described(views),
            "change_to_next": _figures(found, f"{place}/change")
            if place + 1 < len(rules)
            else None,
            "error": _figures(found, f"{place}/error"),
            "as_many_random": _figures(found, f"{place}/random"),
        }
        for place, views in enumerate(rules)
    ]
    return {
        "model": potential.about.name,
        "random_views": random_views,
        "seconds": found.seconds,
        **left_out(found),
        **counts(found.sample.frames),
        "gap": _figures(found, "gap"),
        "rules": rows,
    }


def certificate_rows(certificate: Mapping[str, Any], **columns: Any) -> Iterator[Row]:
    """Rows of the gap over random views, and of each grid: its size, and what its mean is worth."""
    name = certificate["model"]
    counts = {key: certificate[key] for key in SIZES}
    columns |= {"kind": "teacher", "subject": name}
    yield from rows(certificate["gap"] | counts, lambda q: (q, "rotation_gap_rms"), **columns)
    for rule in certificate["rules"]:
        order = f"-{rule['order']}" if rule["order"] else ""
        columns |= {"kind": "grid", "subject": f"{name}/{rule['views']}{order}"}
        sizes = {"number": rule["n_views"], "exact_to_degree": rule["exact_to_degree"]}
        for statistic, size in sizes.items():
            yield row_of(Estimate(size), "", quantity="views", statistic=statistic, **columns)
        figures = {key: rule[key] for key in GRID_FIGURES if rule[key]} | counts
        yield from rows(figures, lambda key, q: (q, f"{key}_rms"), **columns)


def square_sums(
    potential: "Potential[Any]", frames: Frames, rules: Sequence[Views], random_views: int
) -> Sums:
    """Squares of what the certificate is about, for the energy per atom and summed over the force
    components of a frame. [B] each, named ``gap/forces``, ``{place of a rule}/error/forces``, ...
    """
    # Views of their own, which no rule shares, and no label.
    many = mean_over(potential, frames, Views(random_views), "certificate/random")
    means = [mean_over(potential, frames, views, "certificate") for views in rules]
    variance = _variance(many, frames, random_views)
    found = {"gap": variance}
    for place, (views, mean) in enumerate(zip(rules, means, strict=True)):
        error = _squares(mean, many, frames)
        found[f"{place}/error"] = {q: error[q] - v / random_views for q, v in variance.items()}
        found[f"{place}/random"] = {q: v / views.count for q, v in variance.items()}
    for place, pair in enumerate(pairwise(means)):
        found[f"{place}/change"] = _squares(*pair, frames)
    return {f"{name}/{q}": v for name, squares in found.items() for q, v in squares.items()}


def mean_over(potential: "Potential[Any]", frames: Frames, views: Views, purpose: str) -> Average:
    """The mean over views of any frames, NaN where the potential fails."""
    unknown = {"energy": len(frames), "forces": len(frames.numbers)}  # where nothing is answered
    variances = {name: np.full(length, np.nan) for name, length in unknown.items()}
    result = Average(empty_predictions(frames), variances)

    def ask(index: np.ndarray) -> Average:
        part = frames.select(index)
        return average(potential, part, views.operations(part, purpose), views.weights)

    pieces = chain.from_iterable(
        in_pieces(potential, frames, batch, ask) for batch in potential.batches(frames)
    )
    for index, found, *_ in pieces:
        if found is None:
            continue
        rows, counts = frames.rows(index), frames.counts
        put(result.mean.values, found.mean.values, rows, counts)
        for name, values in found.variances.items():
            of = property_of(name)
            whole = result.variances.setdefault(name, np.full(of.of(counts), np.nan))
            whole[of.of(rows)] = values
    return result


def _described(views: Views) -> dict[str, Any]:
    degree = quadrature(views.quadrature, views.order).degree if views.quadrature else 0
    return {
        "views": "as_given" if views.as_given else views.quadrature,
        "order": views.order,
        "n_views": views.count,
        "exact_to_degree": degree,
    }


def _squares(one: Average, other: Average, frames: Frames) -> Sums:
    return {
        "energy": ((one.mean.energy - other.mean.energy) / frames.n_atoms) ** 2,
        "forces": per_frame((one.mean.forces - other.mean.forces) ** 2, frames),
    }


def _variance(mean: Average, frames: Frames, views: int) -> Sums:
    """Unbiased, from independent views."""
    factor = views / (views - 1)
    components = np.repeat(mean.variances["forces"][:, None], 3, axis=1)
    return {
        "energy": factor * mean.variances["energy"] / frames.n_atoms**2,
        "forces": factor * per_frame(components, frames),
    }


def _figures(found: Measurement[FrameSample], name: str) -> Part:
    frames = found.sample.frames
    energy = found.mean(f"{name}/energy", np.ones(len(frames)), signed=True)
    forces = found.mean(f"{name}/forces", 3 * frames.n_atoms, signed=True)
    return {"energy": _root(energy.pooled, "meV/atom"), "forces": _root(forces.pooled, "meV/A")}


def _root(square: Estimate, unit: str) -> dict[str, Any]:
    """The root, where a mean square below zero is zero: it is there by chance."""
    above_zero = Estimate(*np.maximum(square, 0.0).tolist())  # NaN stays
    return entry_of(above_zero.root().times(MEV), unit)
